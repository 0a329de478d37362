"""Where new codes come from: a sampler is a function (n, generator) → (n, D).

Those fitted to codes are frozen values whose fields are numbers and arrays, so that they are saved with the model.
"""

from latentwalk.latent.samplers.gaussian import MomentMatched, StandardNormal
from latentwalk.latent.samplers.mixture import Mixture
from latentwalk.latent.samplers.sampler import Sampler

__all__ = ["Mixture", "MomentMatched", "Sampler", "StandardNormal"]
