"""What each column of a table is like by itself, whatever the others are: its density, read off a frequency polygon.

Numbers are counted on a scale that is even near their mean and logarithmic far from it, s = sign(y) log(1 + |y|) with y in
deviations from the mean; the density is that of s. Each value is shared between the two knots beside it, and the density is a
straight line between knots, so it is continuous and integrates to one. Of n rows there are 2 n^(1/3) steps (Rice's rule).
Categories have their shares. Beside what was seen stands one made-up row, of a Laplace distribution of s, or of any category
alike: so nothing is impossible, and what is far is unlikely.
Source: Scott 1985, "Frequency polygons: theory and application".
"""

import math
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from latentwalk.arrays import Array, Doubles
from latentwalk.data.columns import Column
from latentwalk.data.rows import taken

__all__ = ["ColumnDensities"]

FEWEST, MOST = 4, 100  # steps between the lowest and the highest value
COUNTED = 100_000  # rows, evenly spaced, that are counted of more
RARE = 3.0  # nats below what is usual, from which on a column's own density speaks against a value: 1 in 20
NEVER = math.log(1e-6)  # of another value in a column that was always the same: as a model says, see `mixed`
NUMBERS = ("mean", "deviation", "low", "step", "rows", "constant")
PARTS = (*NUMBERS, "sizes", "knots", "counts")


class ColumnDensities(nn.Module):
    """Rows (n, *E) of a table → log density of each value by itself, in nats (n, *E), 0 where it is missing.

    mean, deviation: (C,) of each column. low, step: where its first knot is on the scale, and how far apart they are. rows: how
    many values were counted. constant: whether they were all the same. sizes: how many categories a column has, 0 for numbers.
    knots: of a column of numbers. counts: of all knots, column by column; of categories there are one more than these.
    """

    low: Tensor
    step: Tensor
    heights: Tensor
    first: Tensor
    last: Tensor
    rows: Tensor
    mean: Tensor
    deviation: Tensor
    named: Tensor
    constant: Tensor
    usual: Tensor

    def __init__(self, parts: dict[str, Any]) -> None:
        """Raises ValueError where the parts do not go together: they may come from a file."""
        super().__init__()
        found = {name: np.asarray(parts[name], np.float64) for name in PARTS}
        if not all(np.isfinite(one).all() for one in found.values()):
            raise ValueError("densities of columns hold what is no number")
        columns = len(found["sizes"])
        sizes = found["sizes"].astype(np.int64)
        each = int(found["knots"]) if found["knots"].shape == () and 2 <= found["knots"] <= MOST + 3 else 0
        knots = np.where(sizes > 0, sizes + 1, each)
        fits = each > 0 and all(found[name].shape == (columns,) for name in (*NUMBERS, "sizes")) and (sizes >= 0).all()
        if not (columns and fits and found["counts"].shape == (knots.sum(),)):
            raise ValueError("densities of columns do not go together")
        if not all((found[name] > 0).all() for name in ("deviation", "step")) or (found["counts"] < 0).any():
            raise ValueError("densities of columns hold spreads or counts below 0")
        self.parts = {name: found[name].tolist() for name in PARTS}
        first = np.concatenate([[0], knots[:-1].cumsum()])
        for name in ("mean", "deviation", "low", "step", "rows"):
            self.register_buffer(name, torch.from_numpy(found[name]))
        self.register_buffer("constant", torch.from_numpy(found["constant"] > 0))
        self.register_buffer("named", torch.from_numpy(sizes > 0))
        self.register_buffer("first", torch.from_numpy(first))
        self.register_buffer("last", torch.from_numpy(knots - 1))
        self.register_buffer("alike", torch.from_numpy(1.0 / (sizes + 1)))
        self.register_buffer("heights", torch.from_numpy(found["counts"] / found["step"].repeat(knots)))
        column = np.arange(columns).repeat(knots)
        s = found["low"][column] + (np.arange(knots.sum()) - first[column]) * found["step"][column]
        beside = np.where(sizes[column] > 0, self.alike.numpy()[column], 0.5 * np.exp(-np.abs(s)))
        logs = np.log((self.heights.numpy() + beside) / (found["rows"][column] + 1))
        usual = np.bincount(column, found["counts"] * logs, columns) / found["rows"].clip(min=1)
        self.register_buffer("usual", torch.from_numpy(np.where(found["constant"] > 0, 0.0, usual)))

    alike: Tensor
    parts: dict[str, Any]

    @classmethod
    def fit(cls, x: Array, columns: Sequence[Column] = ()) -> Self:
        """Count the values of x (n, *E), NaN aside. columns: which are categories; () where none is."""
        rows = taken(x, np.linspace(0, len(x) - 1, min(len(x), COUNTED)).astype(np.int64))
        flat = rows.reshape(len(rows), -1).astype(np.float64)
        flat = np.where(np.abs(flat) < np.inf, flat, np.nan)
        seen = ~np.isnan(flat)
        n = seen.sum(axis=0)
        kept = np.where(seen, flat, 0.0)
        sizes = np.array([len(one.categories) for one in columns] or [0] * flat.shape[1])
        named = sizes > 0
        lowest = np.where(seen, flat, np.inf).min(axis=0)
        highest = np.where(seen, flat, -np.inf).max(axis=0)
        mean = (kept / n.clip(min=1)).sum(axis=0)
        off = np.where(seen, flat - mean, 0.0)
        furthest = np.abs(off).max(axis=0)  # whose square may be more than float64 holds
        share = off / np.where(furthest > 0, furthest, 1.0)
        deviation = furthest * np.sqrt(np.square(share).sum(axis=0) / n.clip(min=1))
        constant = ~named & ~((highest > lowest) & (deviation > 0))
        mean = np.where(constant, np.where(n > 0, lowest, 0.0), np.where(named, 0.0, mean))
        deviation = np.where(constant | named, 1.0, deviation)
        scaled = np.where(named, kept, _logarithmic((kept - mean) / deviation))
        ends = [_logarithmic((end - mean) / deviation) for end in (lowest, highest)]
        free = named | constant
        steps = int(np.clip(round(2 * len(flat) ** (1 / 3)), FEWEST, MOST))
        step = np.where(free, 1.0, (ends[1] - np.where(free, 0.0, ends[0])) / steps)
        low = np.where(free, 0.0, ends[0] - step)  # the first knot lies beyond what was seen, and so does the last
        knots = np.where(named, sizes + 1, steps + 3)
        at = np.clip((scaled - low) / step, 0, knots - 1)
        below = np.minimum(at.astype(np.int64), knots - 2)
        share = at - below
        place = below + np.concatenate([[0], knots[:-1].cumsum()])
        counts = sum(
            np.bincount((place + beside)[seen], (share if beside else 1 - share)[seen], minlength=int(knots.sum()))
            for beside in (0, 1)
        )
        values = (mean, deviation, low, step, n, constant, sizes, steps + 3, counts)
        return cls(dict(zip(PARTS, values, strict=True)))

    def forward(self, raw: Tensor) -> Tensor:
        x = raw.flatten(1).double()
        missing = x.isnan()
        x = torch.where(missing, 0.0, x)
        y = (x - self.mean) / self.deviation
        s = torch.where(self.named, x, y.sign() * y.abs().log1p())
        at = (s - self.low) / self.step
        inside = (at >= 0) & (at <= self.last)
        below = torch.where(inside, at, 0.0).floor().minimum(self.last - 1).long()
        share = torch.where(inside, at, 0.0) - below
        left, right = self.heights[self.first + below], self.heights[self.first + below + 1]
        seen = torch.where(inside, left + share * (right - left), 0.0)
        beside = torch.where(self.named, self.alike, 0.5 * (-s.abs()).exp())
        found = (seen + beside).log() - (self.rows + 1).log()
        found = torch.where(self.constant, torch.where(x == self.mean, 0.0, NEVER), found)
        return torch.where(missing, 0.0, found).unflatten(1, raw.shape[1:])

    def against(self, found: Tensor) -> Tensor:
        """What log densities (n, *E) speak against values: how far they lie below `RARE` nats under the usual; 0 or less."""
        return (found - (self.usual - RARE).reshape(found.shape[1:])).clamp(max=0)


def _logarithmic(y: Doubles) -> Doubles:
    found: Doubles = np.sign(y) * np.log1p(np.abs(y))
    return found
