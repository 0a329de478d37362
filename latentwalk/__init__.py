"""Train autoencoders of any family, measure whether their latent space is continuous and complete, and walk in it.

    Autoencoder("vae", latent=2).fit(X)     learn          Comparison(["ae", "vae"]).fit(data)     several, side by side
    .space(X) -> LatentSpace                walk           continuity(space), completeness(space)  measure
    .denoise(X)  .impute(X)  .transform(X)  use            AnomalyDetector().fit_predict(X)        find what is strange
    Sweep({"latent": [2, 8]}).fit(data)     compare curves over dimensions, beta, networks, amounts of data

Names are imported when they are first used, so that `import latentwalk` and `latentwalk --help` do not wait for PyTorch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from latentwalk.errors import (
    CheckpointError,
    ConfigError,
    DataError,
    LatentwalkError,
    NotGenerativeError,
    TrainingError,
    TrainingStopped,
    TrainingWarning,
)

if TYPE_CHECKING:
    from latentwalk.data.batches.passing import Stream
    from latentwalk.data.catalog import load, names
    from latentwalk.data.corruption import Corruption
    from latentwalk.data.dataset import Dataset
    from latentwalk.data.examples import padded
    from latentwalk.data.sources import read
    from latentwalk.data.spec import DataSpec
    from latentwalk.estimators.anomalies import AnomalyDetector
    from latentwalk.estimators.autoencoder import Autoencoder
    from latentwalk.estimators.windows import denoised_picture, denoised_signal
    from latentwalk.latent.criteria.classifier import classifier_features
    from latentwalk.latent.criteria.completeness import completeness
    from latentwalk.latent.criteria.continuity import continuity
    from latentwalk.latent.criteria.disentanglement import disentanglement
    from latentwalk.latent.criteria.factor_vae import factor_vae_score
    from latentwalk.latent.criteria.features import Features
    from latentwalk.latent.criteria.fidelity import Fidelity, fidelity
    from latentwalk.latent.criteria.gap import mutual_information, prior_gap
    from latentwalk.latent.criteria.interpolation import interpolation_gap
    from latentwalk.latent.criteria.measure import Measure
    from latentwalk.latent.criteria.mmd import mmd
    from latentwalk.latent.criteria.probe import linear_probe
    from latentwalk.latent.criteria.scorecard import Scorecard, scorecard
    from latentwalk.latent.criteria.structure import active_units, collapsed
    from latentwalk.latent.diagnosis import Diagnosis, Finding
    from latentwalk.latent.maps.cut import HoleMap, hole_map
    from latentwalk.latent.maps.plane import Plane
    from latentwalk.latent.moves.directions import Direction
    from latentwalk.latent.moves.walks import Walk
    from latentwalk.latent.space import LatentSpace
    from latentwalk.models.likelihood import Likelihood
    from latentwalk.models.recipes import RECIPES, Recipe
    from latentwalk.models.schedule import Schedule, constant, cyclical, linear
    from latentwalk.models.sparsity import Sparsity
    from latentwalk.networks.build import Network
    from latentwalk.studies.comparison import Comparison
    from latentwalk.studies.denoising import noise_sweep
    from latentwalk.studies.improvement import improve
    from latentwalk.studies.methods import Family, families
    from latentwalk.studies.sweep.sweep import Sweep
    from latentwalk.training.settings import Settings

    __version__: str

__all__ = [
    "RECIPES",
    "AnomalyDetector",
    "Autoencoder",
    "CheckpointError",
    "Comparison",
    "ConfigError",
    "Corruption",
    "DataError",
    "DataSpec",
    "Dataset",
    "Diagnosis",
    "Direction",
    "Family",
    "Features",
    "Fidelity",
    "Finding",
    "HoleMap",
    "LatentSpace",
    "LatentwalkError",
    "Likelihood",
    "Measure",
    "Network",
    "NotGenerativeError",
    "Plane",
    "Recipe",
    "Schedule",
    "Scorecard",
    "Settings",
    "Sparsity",
    "Stream",
    "Sweep",
    "TrainingError",
    "TrainingStopped",
    "TrainingWarning",
    "Walk",
    "__version__",
    "active_units",
    "classifier_features",
    "collapsed",
    "completeness",
    "constant",
    "continuity",
    "cyclical",
    "denoised_picture",
    "denoised_signal",
    "disentanglement",
    "factor_vae_score",
    "families",
    "fidelity",
    "hole_map",
    "improve",
    "interpolation_gap",
    "linear",
    "linear_probe",
    "load",
    "mmd",
    "mutual_information",
    "names",
    "noise_sweep",
    "padded",
    "prior_gap",
    "read",
    "scorecard",
]

_HOMES = {
    "studies.comparison": ("Comparison",),
    "studies.methods": ("Family", "families"),
    "data.catalog": ("load", "names"),
    "data.corruption": ("Corruption",),
    "data.dataset": ("Dataset",),
    "data.examples": ("padded",),
    "data.spec": ("DataSpec",),
    "data.sources": ("read",),
    "data.batches.passing": ("Stream",),
    "estimators.autoencoder": ("Autoencoder",),
    "latent.criteria.classifier": ("classifier_features",),
    "latent.criteria.completeness": ("completeness",),
    "latent.criteria.continuity": ("continuity",),
    "latent.criteria.disentanglement": ("disentanglement",),
    "latent.criteria.factor_vae": ("factor_vae_score",),
    "latent.criteria.features": ("Features",),
    "latent.criteria.fidelity": ("Fidelity", "fidelity"),
    "latent.criteria.gap": ("mutual_information", "prior_gap"),
    "latent.criteria.interpolation": ("interpolation_gap",),
    "latent.criteria.measure": ("Measure",),
    "latent.criteria.mmd": ("mmd",),
    "latent.criteria.probe": ("linear_probe",),
    "latent.criteria.scorecard": ("Scorecard", "scorecard"),
    "latent.criteria.structure": ("active_units", "collapsed"),
    "latent.diagnosis": ("Diagnosis", "Finding"),
    "latent.moves.directions": ("Direction",),
    "latent.maps.cut": ("HoleMap", "hole_map"),
    "latent.maps.plane": ("Plane",),
    "latent.space": ("LatentSpace",),
    "latent.moves.walks": ("Walk",),
    "models.likelihood": ("Likelihood",),
    "models.schedule": ("Schedule", "constant", "cyclical", "linear"),
    "models.recipes": ("RECIPES", "Recipe"),
    "models.sparsity": ("Sparsity",),
    "networks.build": ("Network",),
    "estimators.anomalies": ("AnomalyDetector",),
    "estimators.windows": ("denoised_picture", "denoised_signal"),
    "training.settings": ("Settings",),
    "studies.denoising": ("noise_sweep",),
    "studies.improvement": ("improve",),
    "studies.sweep.sweep": ("Sweep",),
}
_HOME_OF = {name: home for home, names_there in _HOMES.items() for name in names_there}


def __getattr__(name: str) -> Any:
    """PEP 562: the name from the module it lives in, kept for the next time."""
    if name == "__version__":
        value: Any = _version()
    elif name in _HOME_OF:
        value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _version() -> str:
    """The installed package's version; that of a mere checkout is unknown."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(__name__)
    except PackageNotFoundError:
        return "0+unknown"
