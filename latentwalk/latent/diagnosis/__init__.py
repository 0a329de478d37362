"""What is wrong with a latent space, in plain words, with the one change to try: a table of symptoms, each a function.

out_of_range                                              are the rows like those learnt from?     (foreign)
collapse, under_trained, over_regularised, overfitting    did it learn?                            (learning)
blurry_decoder, too_few, too_many                         is it as able as the data needs?         (capacity)
discontinuity, holes, crowding                            what lies between the codes?             (draws)
"""

from latentwalk.latent.diagnosis.diagnose import SYMPTOMS, diagnose
from latentwalk.latent.diagnosis.evidence import Evidence
from latentwalk.latent.diagnosis.finding import Diagnosis, Finding, Recheck, named

__all__ = ["SYMPTOMS", "Diagnosis", "Evidence", "Finding", "Recheck", "diagnose", "named"]
