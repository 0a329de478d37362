"""What the page has a space do: walks, walks as files, directions, grafts. A server asks for it, and a notebook's kernel."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from latentwalk.arrays import Array
from latentwalk.errors import ConfigError
from latentwalk.latent.criteria.measure import percent
from latentwalk.latent.decoded import Decoded
from latentwalk.latent.moves.guide import Guide
from latentwalk.latent.moves.paths import PathName
from latentwalk.studio.exhibit import Exhibit

__all__ = ["STEPS", "Transplant", "film_of", "transplant_of", "walk_of"]

STEPS = 101  # of a walk
TAUGHT = 5_000  # examples a guide learns from, at most
NAMED = 6  # attributes that a sentence lists


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


class Transplant:
    """The step from rows that lack something, (l,), to rows that have it, (h,), and what chooses it for each example."""

    def __init__(self, exhibit: Exhibit, having: NDArray[np.intp], lacking: NDArray[np.intp]) -> None:
        self.exhibit, self.having, self.lacking = exhibit, having, lacking
        self.direction = exhibit.space.direction(having, lacking)

    @property
    def key(self) -> str:
        """What tells it from all other steps of the exhibit."""
        rows = (np.ascontiguousarray(side, "<i8").tobytes() for side in (self.having, self.lacking))
        return hashlib.sha256(b"\xff".join(rows)).hexdigest()[:18]

    @property
    def about(self) -> dict[str, Any]:
        """What the page is told: {"direction": (D,), "reading"}."""
        return {"direction": self.direction.vector.tolist(), "reading": self.direction.reading}

    @cached_property
    def guide(self) -> Guide:
        """What chooses, of up to 5,000 examples; learnt when first asked for, which takes seconds. Raises ConfigError."""
        space, rng = self.exhibit.space, np.random.default_rng(0)
        sides = [rng.permutation(rows)[: TAUGHT // 2] for rows in (self.having, self.lacking)]
        others = np.setdiff1d(np.arange(len(space)), np.concatenate([self.having, self.lacking]))
        rest = rng.permutation(others)[: TAUGHT - sum(map(len, sides))]
        ends = np.cumsum([len(side) for side in sides])
        some = space.among(np.concatenate([*sides, rest]))
        found = some.direction(np.arange(ends[0]), np.arange(ends[0], ends[1]), keep="all").guide
        assert found is not None
        return found

    def onto(self, picture: Image, strength: float | Literal["guided"]) -> bytes:
        """A picture of any size with the step put onto it, or as much of it as it takes: PNG. Raises ConfigError, DataError."""
        direction = replace(self.direction, guide=self.guide) if strength == "guided" else self.direction
        made: Decoded = self.exhibit.space.graft(picture, direction, strength)
        return made.content(".png")

    def guided(self, code: Sequence[float], condition: str | None = None) -> dict[str, Any]:
        """For one code (D,), as much of it as it takes: {"move": (D,), "reading"}. Raises ConfigError, DataError."""
        space = self.exhibit.space if condition is None else self.exhibit.space.under(condition)
        z = np.asarray(space.code(np.array(code, np.float32)), np.float64)[None]
        guide = self.guide
        move = guide.steps(space, z)
        before, after = guide.seen(space, np.concatenate([z, z + move]))
        kept = list(guide.kept)
        names = ", ".join(kept[:NAMED]) + (f" and {len(kept) - NAMED} more" if len(kept) > NAMED else "")
        stays = f"to stay as they are: {names}" if kept else "no attributes are known that it could keep"
        return {
            "move": move[0].tolist(),
            "reading": f"read to have it: {percent(before)} before, {percent(after)} after; {stays}.",
        }


def transplant_of(exhibit: Exhibit, having: Sequence[int], lacking: Sequence[int]) -> Transplant:
    """The step from rows that lack something to rows that have it. Raises ConfigError, DataError."""
    with_it, without = exhibit.checked(having), exhibit.checked(lacking)
    if np.intersect1d(with_it, without).size:
        raise ConfigError("an example is in both groups. Take it out of one.")
    return Transplant(exhibit, with_it, without)
