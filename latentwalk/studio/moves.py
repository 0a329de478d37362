"""What the page has a space do: walks, walks as files, directions. A server asks for it, and a notebook's kernel."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentwalk.arrays import Array
from latentwalk.errors import ConfigError
from latentwalk.latent.decoded import Decoded
from latentwalk.latent.moves.directions import Direction
from latentwalk.latent.moves.paths import PathName
from latentwalk.studio.exhibit import Exhibit

__all__ = ["STEPS", "direction_of", "film_of", "walk_of"]

STEPS = 101  # of a walk


def walk_of(exhibit: Exhibit, points: Sequence[Any], steps: int, path: PathName) -> dict[str, Any]:
    """The way through codes, each (D,): {"codes": (steps, D), "marked": (steps,) what lies in holes, "reading"}.

    Raises ConfigError, DataError.
    """
    found = exhibit.space.journey(points, max(min(steps, STEPS), len(points)), path)
    return {"codes": found.z.tolist(), "marked": [bool(one) for one in found.marked], "reading": found.reading}


def film_of(exhibit: Exhibit, z: Array, x: Array, marked: Sequence[bool], ending: str) -> bytes:
    """A walk, codes z (m, D) and what they decode to, x (m, *E), as a file: what it is, or a strip. Raises ConfigError."""
    marks: NDArray[np.bool_] | None = np.array(marked, bool) if len(marked) == len(z) else None
    return Decoded(z, x, exhibit.spec, exhibit.space.painter, marks).content(ending)


def direction_of(exhibit: Exhibit, having: Sequence[int], lacking: Sequence[int]) -> Direction:
    """The step from rows that lack something to rows that have it. Raises ConfigError, DataError."""
    with_it, without = exhibit.checked(having), exhibit.checked(lacking)
    if np.intersect1d(with_it, without).size:
        raise ConfigError("an example is in both groups. Take it out of one.")
    return exhibit.space.direction(with_it, without)
