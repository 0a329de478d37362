"""What can be done in a space, and what is wrong with it, for a page: plain JSON values, and pictures as `Painter` makes them.

Each part stands alone: what the data does not allow (too few rows, no attributes) is left out, and the page goes on without it.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentwalk.arrays import Array
from latentwalk.drawing.painter import Painter
from latentwalk.errors import ConfigError, DataError
from latentwalk.latent.criteria.completeness import completeness, reach
from latentwalk.latent.criteria.scorecard import scorecard
from latentwalk.latent.moves.directions import Direction
from latentwalk.latent.space import LatentSpace

__all__ = ["about", "completed", "detour"]

SIDE = 7  # of the square of blends between four examples
GRAFTED, FACES = 4, 4  # attributes shown, and examples each is grafted on
STRENGTHS = (1.0, 1.5)
USUAL = "mixture"  # the sampler that is fitted where none was saved with the model


def detour(space: LatentSpace, painter: Painter, ends: tuple[int, int], steps: int) -> dict[str, Any] | None:
    """A walk that bends around holes, as a strip, and what it says of itself; None in a space too small to have any."""

    def walked() -> dict[str, Any]:
        walk = space.walk(*ends, steps=steps, path="density")
        return painter.sheet(walk.x, steps, magnify=2) | {"reading": walk.reading, "marked": walk.marked}

    return _allowed(walked)


def completed(space: LatentSpace, painter: Painter, count: int, columns: int) -> dict[str, Any] | None:
    """Draws from the sampler saved with the model, or from a mixture fitted to the codes, how complete it is, and its reach."""

    def drawn() -> dict[str, Any] | None:
        source = USUAL if space.fitted is None else "fitted"
        found = {"completeness": completeness(space, source), "reach": reach(space, source)}
        sheet = painter.sheet(space.sample(count, source).x, columns)
        kind = USUAL if space.fitted is None else space.fitted.kind
        measures = {name: measure.to_json() for name, measure in found.items()}
        return sheet | {"kind": kind, "saved": space.fitted is not None, "measures": measures}

    return _allowed(drawn)


def about(space: LatentSpace, painter: Painter) -> dict[str, Any]:
    """What a page on a single model says besides: all measures, a diagnosis, blends of four examples, transplants."""
    return {
        "scorecard": _allowed(lambda: scorecard(space).to_json()),
        "diagnosis": _allowed(lambda: space.diagnose().to_json()),
        "between": _allowed(lambda: _between(space, painter)),
        "grafts": _grafts(space, painter),
    }


# ---------------------------------------------------------------------- inside


def _allowed(part: Callable[[], dict[str, Any] | None]) -> dict[str, Any] | None:
    try:
        return part()
    except DataError:
        return None


def _between(space: LatentSpace, painter: Painter) -> dict[str, Any]:
    """A square with four examples in its corners; every place is the weighted mean of them."""
    t = np.linspace(0, 1, SIDE)
    down, across = np.meshgrid(t, t, indexing="ij")
    weights = np.stack([(1 - down) * (1 - across), (1 - down) * across, down * (1 - across), down * across], axis=-1)
    z = (weights @ space.codes[_corners(space)].astype(np.float64)).astype(np.float32)  # (SIDE, SIDE, D)
    return painter.sheet(space.decode(z.reshape(-1, space.dim)), SIDE)


def _corners(space: LatentSpace) -> NDArray[np.intp]:
    """Four examples that differ: typical ones of the first classes, and where there are fewer, codes far from each other."""
    labels = [] if space.labels is None else np.unique(space.labels).tolist()[:4]
    rows = [space.typical(space.classes[label] if space.classes else label) for label in labels]
    rows = rows or [int(np.square(space.codes - space.codes.mean(axis=0)).sum(axis=1).argmin())]
    spread = np.maximum(space.codes.std(axis=0), 1e-12)
    among = np.random.default_rng(0).permutation(len(space))[:2_000]
    while len(rows) < 4:
        away = np.min([np.abs((space.codes[among] - space.codes[row]) / spread).clip(0, 2).sum(axis=1) for row in rows], axis=0)
        rows.append(int(among[away.argmax()]))
    return np.array(rows)


def _grafts(space: LatentSpace, painter: Painter) -> list[dict[str, Any]]:
    """The attributes that directions tell best, each on examples that lack it: in turn the example, and grafts of it."""
    found = [direction for name in space.attributes if (direction := _direction(space, name)) is not None]
    best = sorted(found, key=lambda direction: -(direction.auc or 0.0))[:GRAFTED]
    return [_grafted(space, painter, direction) for direction in best]


def _direction(space: LatentSpace, name: str) -> Direction | None:
    try:
        return space.direction(name)
    except (ConfigError, DataError):  # a number that nobody has or lacks, or one class only
        return None


def _grafted(space: LatentSpace, painter: Painter, direction: Direction) -> dict[str, Any]:
    values = np.asarray(space.attributes[direction.name])
    rows = _lacking(values, space.held_out)
    made = [space.graft(int(row), direction, strength=(0.0, *STRENGTHS)).x for row in rows]
    sheet = painter.sheet(np.concatenate(made), len(rows) * (1 + len(STRENGTHS)), magnify=2)
    return sheet | {"name": direction.name, "reading": direction.reading}


def _lacking(values: Array, held_out: NDArray[np.bool_] | None) -> Sequence[int]:
    known = np.isfinite(values)
    lacks = known & (values <= (values[known].min() + values[known].max()) / 2)
    kept = lacks if held_out is None or not (lacks & held_out).any() else lacks & held_out
    rows = np.flatnonzero(kept)
    return [int(row) for row in rows[np.linspace(0, len(rows) - 1, min(FACES, len(rows))).astype(int)]]
