from sklearn.utils.estimator_checks import parametrize_with_checks
from latentwalk.estimator import Autoencoder
@parametrize_with_checks([Autoencoder("ae",epochs=2,random_state=0,progress=False), Autoencoder("vae",epochs=2,random_state=0, progress=False)])
def test_x(estimator, check):
    check(estimator)
