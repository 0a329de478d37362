"""Where encoded data lies on a plane, and which draws fall into holes, for a page: plain JSON values.

A hole is what `Holes` says it is, here as in walks, maps and the diagnosis.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentwalk.arrays import Array
from latentwalk.latent.encoded import Encoded
from latentwalk.latent.holes import Holes
from latentwalk.latent.maps.chart import Chart
from latentwalk.latent.samplers import Sampler

__all__ = ["held_rows", "region"]

CELLS = 72  # of the map of where codes lie, along each side


def region(space: Encoded, draws: int = 400, seed: int = 0) -> dict[str, Any]:
    """Where encoded data lies on the plane of a space, and where draws from its prior and from the matched Gaussian fall.

    levels: CELLS x CELLS percentages, top row first; a cell with 40 belongs to the smallest region that holds 40 % of the
    encoded data; on a shadow, of the codes' shadows.
    prior, gaussian: the draws, each with 1 where it lies in a hole, asked in all dimensions.
    Raises DataError for fewer than 40 codes.
    """
    chart, holes, rng = space.kept(Chart), space.kept(Holes), np.random.default_rng(seed)
    space.draw_codes(rng)  # so that draws are those of earlier reports

    def marked(draw: Sampler) -> list[list[float]]:
        z = draw(draws, rng)
        return [[*_short(point), int(hole)] for point, hole in zip(chart.plane(z), holes(z), strict=True)]

    (x, y), half = chart.plane.centre, chart.plane.half
    cells = (np.arange(CELLS) + 0.5) * 2 * half / CELLS - half
    return {
        "levels": [[round(100 * float(share)) for share in row] for row in chart.share(x + cells, y + cells)[::-1]],
        "prior": marked(space.prior),
        "gaussian": marked(space.sampler("gaussian")),
    }


def held_rows(space: Encoded, most: int, seed: int = 0) -> NDArray[np.intp]:
    """At most `most` rows the model was not trained on (any rows where that is not known), in order."""
    return np.sort(np.random.default_rng(seed).permutation(space.unseen)[:most])


def _short(point: Array) -> list[float]:
    """Coordinates with four digits: a picture needs no more, and the file is half as long."""
    return [float(f"{value:.4g}") for value in point]
