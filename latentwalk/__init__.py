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
    from latentwalk.comparison import Comparison, Family, families
    from latentwalk.data.catalog import load, names
    from latentwalk.data.corruption import Corruption
    from latentwalk.data.dataset import Dataset, DataSpec, padded
    from latentwalk.data.sources import read
    from latentwalk.data.stream import Stream
    from latentwalk.estimator import Autoencoder
    from latentwalk.latent.criteria.completeness import completeness
    from latentwalk.latent.criteria.continuity import continuity
    from latentwalk.latent.criteria.measure import Measure
    from latentwalk.latent.criteria.structure import active_units, collapsed
    from latentwalk.latent.space import LatentSpace
    from latentwalk.models.likelihood import Likelihood
    from latentwalk.models.objective import Schedule, constant, cyclical, linear
    from latentwalk.models.recipes import RECIPES, Recipe
    from latentwalk.models.sparsity import Sparsity
    from latentwalk.networks.build import Network
    from latentwalk.uses.anomalies import AnomalyDetector
    from latentwalk.uses.denoising import noise_sweep
    from latentwalk.uses.sweeping import Sweep

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
    "Family",
    "LatentSpace",
    "LatentwalkError",
    "Likelihood",
    "Measure",
    "Network",
    "NotGenerativeError",
    "Recipe",
    "Schedule",
    "Sparsity",
    "Stream",
    "Sweep",
    "TrainingError",
    "TrainingStopped",
    "TrainingWarning",
    "__version__",
    "active_units",
    "collapsed",
    "completeness",
    "constant",
    "continuity",
    "cyclical",
    "families",
    "linear",
    "load",
    "names",
    "noise_sweep",
    "padded",
    "read",
]

_HOMES = {
    "comparison": ("Comparison", "Family", "families"),
    "data.catalog": ("load", "names"),
    "data.corruption": ("Corruption",),
    "data.dataset": ("DataSpec", "Dataset", "padded"),
    "data.sources": ("read",),
    "data.stream": ("Stream",),
    "estimator": ("Autoencoder",),
    "latent.criteria.completeness": ("completeness",),
    "latent.criteria.continuity": ("continuity",),
    "latent.criteria.measure": ("Measure",),
    "latent.criteria.structure": ("active_units", "collapsed"),
    "latent.space": ("LatentSpace",),
    "models.likelihood": ("Likelihood",),
    "models.objective": ("Schedule", "constant", "cyclical", "linear"),
    "models.recipes": ("RECIPES", "Recipe"),
    "models.sparsity": ("Sparsity",),
    "networks.build": ("Network",),
    "uses.anomalies": ("AnomalyDetector",),
    "uses.denoising": ("noise_sweep",),
    "uses.sweeping": ("Sweep",),
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
