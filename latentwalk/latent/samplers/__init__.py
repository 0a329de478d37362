"""Where new codes come from: a sampler is a function (n, generator) → (n, D).

Those fitted to codes are frozen values whose fields are numbers and arrays, so that they are saved with the model; `KINDS`
names them, from the simplest on.
"""

from latentwalk.latent.samplers.flow import Flow
from latentwalk.latent.samplers.gaussian import Isotropic, MomentMatched
from latentwalk.latent.samplers.kinds import KINDS, fitted, restored
from latentwalk.latent.samplers.mixture import Mixture
from latentwalk.latent.samplers.neighbours import Neighbours
from latentwalk.latent.samplers.resampled import Resampled
from latentwalk.latent.samplers.sampler import FittedSampler, Sampler, draws_of
from latentwalk.latent.samplers.vamp import Posterior, Vamp

__all__ = [
    "KINDS",
    "FittedSampler",
    "Flow",
    "Isotropic",
    "Mixture",
    "MomentMatched",
    "Neighbours",
    "Posterior",
    "Resampled",
    "Sampler",
    "Vamp",
    "draws_of",
    "fitted",
    "restored",
]
