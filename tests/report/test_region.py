"""A page's map of holes says what `Holes` says, on a plane and on a shadow."""

import numpy as np
import pytest

from latentwalk.latent.holes import Holes
from latentwalk.latent.maps.chart import Chart
from latentwalk.latent.space import LatentSpace
from latentwalk.models.prior import NormalSampler
from latentwalk.report.region import held_rows, region


def ring(dim: int) -> LatentSpace:
    """Codes on a ring of radius 2 in the first two of `dim` dimensions."""
    rng = np.random.default_rng(0)
    angle, codes = rng.uniform(0, 2 * np.pi, 1_500), rng.normal(0, 0.1, (1_500, dim))
    codes[:, :2] += 2 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    codes = codes.astype(np.float32)
    return LatentSpace(codes, codes * 0, codes, lambda z: z, NormalSampler(dim), held_out=np.arange(1_500) < 300)


@pytest.mark.parametrize("dim", [1, 2, 4])
def test_draws_outside_are_those_in_holes(dim: int) -> None:
    codes = ring(4).codes[:, :dim]
    space = LatentSpace(codes, codes * 0, codes, lambda z: z, NormalSampler(dim))
    found, rng = region(space, draws=50), np.random.default_rng(0)
    space.draw_codes(rng)
    for name in ("prior", "gaussian"):
        z = space.sampler(name)(50, rng)
        told = np.asarray(found[name])
        np.testing.assert_allclose(told[:, :2], space.kept(Chart).plane(z), rtol=1e-3, atol=1e-6)
        np.testing.assert_array_equal(told[:, 2], space.kept(Holes)(z))


def test_levels_are_shares_of_encoded_data_and_end_where_holes_begin() -> None:
    space = ring(2)
    levels = np.asarray(region(space, draws=2)["levels"])
    assert levels.shape == (72, 72) and levels.min() >= 0 and levels.max() == 100
    assert levels[35:37, 35:37].min() > 95  # the middle of the ring
    codes = np.random.default_rng(1).uniform(-3, 3, (500, 2))
    np.testing.assert_array_equal(space.kept(Holes).share(codes) > 0.95, space.holes(codes))
    assert np.mean(space.kept(Holes).share(space.codes)) == pytest.approx(0.5, abs=0.05)  # ranks are even


def test_rows_held_out_are_shown() -> None:
    assert held_rows(ring(2), 50).max() < 300 and len(held_rows(ring(2), 50)) == 50
