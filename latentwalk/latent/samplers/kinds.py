"""All kinds of samplers that can be fitted and saved, by name."""

from collections.abc import Mapping
from typing import Any

from latentwalk.arrays import Array
from latentwalk.errors import unknown
from latentwalk.latent.samplers.flow import Flow
from latentwalk.latent.samplers.gaussian import Isotropic, MomentMatched
from latentwalk.latent.samplers.mixture import Mixture
from latentwalk.latent.samplers.neighbours import Neighbours
from latentwalk.latent.samplers.resampled import Resampled
from latentwalk.latent.samplers.sampler import FittedSampler
from latentwalk.latent.samplers.vamp import Posterior, Vamp

__all__ = ["KINDS", "fitted", "restored"]

# from the simplest, which is taken where several are equally good, to the one that keeps codes
KINDS: dict[str, type[FittedSampler]] = {
    kind.kind: kind for kind in (Isotropic, MomentMatched, Mixture, Vamp, Resampled, Flow, Neighbours)
}


def fitted(kind: str, codes: Array, seed: int = 0, posterior: Posterior | None = None) -> FittedSampler:
    """The sampler of that kind, fitted to codes (n, D). posterior: of the model whose codes they are; "vamp" needs it.

    Raises ConfigError for another name, DataError for codes that cannot be learnt from.
    """
    if kind not in KINDS:
        raise unknown("sampler", kind, KINDS)
    if kind == Vamp.kind:
        return Vamp.fit(codes, seed, posterior=posterior)
    return KINDS[kind].fit(codes, seed)


def restored(numbers: Mapping[str, Any], arrays: Mapping[str, Array]) -> FittedSampler:
    """The sampler whose `parts` these are. Raises ValueError where they are no sampler's."""
    kind = numbers.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError(f"no sampler is of the kind {kind!r:.40}")
    return KINDS[kind].of_parts(numbers, arrays)
