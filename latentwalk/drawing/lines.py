"""Signals, drawn as small charts: a line for each channel, and a gap where nothing was observed."""

from typing import Any, ClassVar, final

import numpy as np
from PIL import Image, ImageDraw

from latentwalk.arrays import Array
from latentwalk.data.spec import DataSpec, Kind
from latentwalk.drawing.film import opaque
from latentwalk.drawing.painter import Marks, Painter, clear_sheet, png, subset
from latentwalk.drawing.tiles import Pixels, even_columns, sheet

__all__ = ["Lines"]

CHART = (112, 56)  # pixels of the tile of a signal
WATCHED = 4  # times as large is a chart that is watched
FINER = 3  # lines are drawn so many times as large and made smaller, which smooths them
INKS = ((42, 111, 187), (214, 120, 30), (46, 140, 96), (160, 80, 170))  # of channels; each stands out on light and on dark


@final
class Lines(Painter):
    """The painter of signals."""

    __slots__ = ()
    kinds: ClassVar[tuple[Kind, ...]] = ("signal",)
    draws = (24, 4)
    steps = 9

    @staticmethod
    def ends(spec: DataSpec, data: Array) -> tuple[Array, Array]:
        low, high = np.nanquantile(subset(data), [0.001, 0.999])
        return np.array(low), np.array(high)

    def sheet(self, x: Array, columns: int, gap: int = 2, magnify: int = 1) -> dict[str, Any]:
        columns = min(columns, len(x))
        return png(clear_sheet(self.charts(x), columns, gap), flat=gap == 0 and len(x) % columns == 0)

    def grid(self, x: Array) -> dict[str, Any]:
        return self.sheet(x.reshape(-1, *self.spec.shape), x.shape[1], gap=0)

    def strip(self, x: Array, *, columns: int | None = None, marked: Marks = ()) -> Pixels:
        return sheet(opaque(self.charts(x)), columns or even_columns(len(x)), marked=marked)

    def frames(self, x: Array) -> Pixels:
        return opaque(self.charts(x, WATCHED))

    def charts(self, x: Array, scale: int = 1) -> Array:
        """Signals x (n, *E) as charts on a clear ground, `scale` times as large as on a sheet: bytes (n, h, w, 4)."""
        return np.stack([self._chart(one, scale) for one in x])

    def _chart(self, x: Array, scale: int) -> Array:
        """A signal (T,) or (T, F) as a small chart on a clear ground: bytes (h, w, 4). NaN is a gap."""
        width, height = (FINER * scale * side for side in CHART)
        paper = Image.new("RGBA", (width, height), (0, 0, 0, 0))
        draw = ImageDraw.Draw(paper)
        margin = 2 * FINER * scale
        across = np.linspace(margin, width - margin, max(len(x), 2))
        span = float(self.high - self.low) or 1.0
        for channel, line in enumerate(x.reshape(len(x), -1).T[: len(INKS)]):
            down = margin + (height - 2 * margin) * (1 - ((line - float(self.low)) / span).clip(-0.1, 1.1))
            seen = np.isfinite(line)
            for start, end in _runs(seen):
                points = [(float(across[at]), float(down[at])) for at in range(start, end)]
                draw.line(points if len(points) > 1 else points * 2, fill=(*INKS[channel], 255), width=FINER + scale)
        return np.asarray(paper.resize((width // FINER, height // FINER), Image.Resampling.LANCZOS))


def _runs(seen: Array) -> list[tuple[int, int]]:
    """Where True stands in one piece: first, and one past the last."""
    edges = np.flatnonzero(np.diff(np.r_[False, seen, False].astype(np.int8)))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]
