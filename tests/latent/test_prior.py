"""A prior that is no N(0, I) is asked for its quantiles and its density by all that shows it, or walks through its mass."""

import numpy as np
import pytest
import torch
from scipy.stats import norm
from torch.distributions import Categorical, Distribution, Independent, MixtureSameFamily, Normal

from latentwalk.latent.criteria.gap import prior_gap
from latentwalk.latent.diagnosis import Evidence
from latentwalk.latent.diagnosis.learnt import over_regularised
from latentwalk.latent.maps.cut import hole_map
from latentwalk.latent.maps.plane import Plane
from latentwalk.latent.moves.paths import quantile, through_quantiles
from latentwalk.latent.space import LatentSpace
from latentwalk.models.prior import NormalSampler, Prior


class TwoHills(Prior):
    """N((5 ± 2, 0), .5² I), half of each."""

    title = "two hills"

    def forward(self, c: torch.Tensor | None = None) -> Distribution:
        hills = Independent(Normal(torch.tensor([[3.0, 0.0], [7.0, 0.0]]), torch.full((2, 2), 0.5)), 1)
        return MixtureSameFamily(Categorical(torch.ones(2)), hills)


HILLS = TwoHills(2).sampler()
CODES = HILLS(2_000, np.random.default_rng(0))
SPACE = LatentSpace(CODES, np.full_like(CODES, 0.1), CODES, lambda z: np.asarray(z, np.float32), HILLS)


def test_a_grid_lies_at_its_quantiles():
    across = SPACE.grid((0, 1), 5).z[0, :, 0]
    expected = [norm.ppf(0.1, 3, 0.5), norm.ppf(0.55, 3, 0.5), norm.ppf(0.9, 7, 0.5)]
    np.testing.assert_allclose(across[[0, 1, 4]], expected, atol=0.05)
    np.testing.assert_allclose(SPACE.axis_values(1, 3, "prior"), norm.ppf([0.05, 0.5, 0.95], 0, 0.5), atol=0.05)


def test_a_walk_through_its_mass_leaps_over_the_gap():
    walk = SPACE.walk([2.0, 0.0], [8.0, 0.5], 41, path="quantile")
    assert ((walk.z[:, 0] > 4.5) & (walk.z[:, 0] < 5.5)).sum() <= 2
    assert walk.z[0].tolist() == [2, 0] and walk.z[-1].tolist() == [8, 0.5]
    assert (np.diff(walk.z[:, 0]) >= 0).all()


def test_by_quantiles_or_by_the_formula_the_way_is_the_same():
    p, t = (np.arange(4_000) + 0.5) / 4_000, np.linspace(0, 1, 9)
    a, b = np.array([-1.5, 0.3]), np.array([2.0, 0.3])
    way = through_quantiles(a, b, t, p, NormalSampler(2).quantiles(p))
    np.testing.assert_allclose(way, quantile(a, b, t), atol=1e-3)
    far = through_quantiles(np.array([-40.0]), np.array([40.0]), t, p, NormalSampler(1).quantiles(p))
    assert far[0] == -40 and far[-1] == 40 and far[4] == pytest.approx(0, abs=1e-6)


def test_it_is_in_the_picture_and_drawn_by_its_density():
    plane = Plane.of(SPACE)
    assert plane.seen(np.array([[3.0, 0.0], [7.0, 0.0], [5.0, 0.0]])).all()
    assert not plane.seen(np.array([[-3.0, 0.0]])).any()  # nothing draws it to the origin
    found = hole_map(SPACE, steps=61)
    assert found.prior is not None and found.prior.min() >= 0
    top = found.z.reshape(-1, 2)[found.prior.argmin()]
    assert np.abs(np.abs(top - [5, 0]) - [2, 0]).max() < 0.3
    assert found.share == pytest.approx(0.05, abs=0.03)
    assert found.plot().collections


def test_the_prior_of_a_normal_space_falls_by_half_a_nat_within_a_deviation():
    codes = np.random.default_rng(1).standard_normal((500, 3)).astype(np.float32)
    space = LatentSpace(codes, codes * 0, codes, lambda z: z, NormalSampler(3))
    found = hole_map(space, Plane.along(space, 0, 2), steps=31)
    assert found.prior is not None
    radius = np.linalg.norm(found.z[..., [0, 2]], axis=-1)
    np.testing.assert_allclose(found.prior, radius**2 / 2, atol=1e-4)


def test_codes_that_fill_it_have_no_gap_and_their_price_is_not_told():
    assert prior_gap(SPACE).value < 0.1
    assert "N(0, I) only" in str(over_regularised(Evidence(SPACE)))
