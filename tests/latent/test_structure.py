"""Which dimensions are used, and whether neighbours stay neighbours: against torch, and against planted structure."""

from typing import Any

import numpy as np
import pytest
import sklearn.manifold
import torch
from numpy.typing import NDArray
from torch.distributions import Normal, kl_divergence

from latentwalk.errors import DataError
from latentwalk.latent.criteria.classes import class_accuracy
from latentwalk.latent.criteria.structure import _kept, active_units, collapsed, trustworthiness
from latentwalk.latent.space import LatentSpace
from latentwalk.models.prior import NormalSampler

Array = NDArray[Any]


def space_of(codes: Array, scales: Array | None = None, **more: Any) -> LatentSpace:
    scales = np.zeros_like(codes) if scales is None else scales
    return LatentSpace(codes, scales, more.pop("data", codes), lambda z: z, NormalSampler(codes.shape[1]), **more)


def posterior(spread: list[float], n: int = 500) -> LatentSpace:
    """Codes with these standard deviations, and the rest of the unit variance left to sigma."""
    deviation = np.array(spread)
    codes = np.random.default_rng(0).standard_normal((n, len(spread))) * deviation
    return space_of(codes, np.tile(np.sqrt(1 - deviation**2), (n, 1)))


def test_kl_per_dimension_equals_torch() -> None:
    rng = np.random.default_rng(1)
    mu, sigma = rng.standard_normal((50, 3)), rng.uniform(0.05, 2, (50, 3))
    q = Normal(torch.from_numpy(mu), torch.from_numpy(sigma))
    oracle = kl_divergence(q, Normal(torch.zeros(3, dtype=torch.float64), 1.0)).mean(dim=0)
    assert active_units(space_of(mu, sigma)).kl == pytest.approx(oracle.numpy(), rel=1e-12)


def test_active_units_follow_the_rule_of_a_hundredth() -> None:
    units = active_units(posterior([0.9, 0.12, 0.08, 0.0]))
    assert units.active.tolist() == [True, True, False, False]
    assert units.variance == pytest.approx([0.81, 0.0144, 0.0064, 0], rel=0.2)
    assert units.kl is not None
    assert units.kl[3] == 0


def test_a_planted_collapse_is_told_with_its_remedy() -> None:
    whole, part = collapsed(posterior([0.01, 0.0, 0.02])), collapsed(posterior([0.9, 0.01, 0.9, 0.0]))
    assert whole is not None
    assert whole.startswith("The posterior has collapsed: none of the 3")
    assert part is not None
    assert "2 of 4 latent dimensions (1, 3)" in part
    for warning in (whole, part):
        assert all(remedy in warning for remedy in ("ower beta", "warm it up", "free nats", "epochs"))
    assert collapsed(posterior([0.9, 0.8])) is None


def test_a_plain_autoencoder_has_no_posterior_to_collapse() -> None:
    small = space_of(1e-3 * np.random.default_rng(2).standard_normal((100, 2)))
    assert active_units(small).kl is None
    assert collapsed(small) is None
    assert "same code" in (collapsed(space_of(np.ones((100, 2)))) or "")


def test_by_distances_it_is_what_scikit_learn_finds_by_values() -> None:
    rng = np.random.default_rng(0)
    data, codes = rng.standard_normal((80, 5)), rng.standard_normal((80, 2))
    codes[:40] = data[:40, :2]
    near, shown = (np.linalg.norm(x[:, None] - x, axis=2) for x in (data, codes))
    assert _kept(near, shown, 7) == pytest.approx(sklearn.manifold.trustworthiness(data, codes, n_neighbors=7))


def test_trustworthiness_of_a_rotation_is_one_and_of_noise_is_half() -> None:
    rng = np.random.default_rng(3)
    data = rng.standard_normal((1_000, 3))
    rotation = np.linalg.qr(rng.standard_normal((3, 3)))[0]
    assert trustworthiness(space_of(data @ rotation, data=data)) == pytest.approx(1)
    assert trustworthiness(space_of(rng.standard_normal((1_000, 3)), data=data)) == pytest.approx(0.5, abs=0.03)


def test_class_accuracy_is_one_for_classes_apart_and_chance_for_none() -> None:
    rng = np.random.default_rng(4)
    labels = rng.integers(0, 4, 2_000)
    noise = rng.standard_normal((2_000, 2))
    assert class_accuracy(space_of(noise + 50 * labels[:, None], labels=labels)) == 1
    assert class_accuracy(space_of(noise, labels=labels)) == pytest.approx(0.25, abs=0.04)


def test_wrong_use_is_named() -> None:
    codes = np.random.default_rng(5).standard_normal((20, 2))
    with pytest.raises(DataError, match="needs more than 30 examples; got 20"):
        trustworthiness(space_of(codes))
    with pytest.raises(DataError, match="needs labels"):
        class_accuracy(space_of(codes))
    with pytest.raises(DataError, match="at least 2 codes"):
        active_units(space_of(codes[:1]))
