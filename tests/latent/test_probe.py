"""The linear probe and the interpolation gap, on codes whose meaning is planted."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

from latentwalk.errors import ConfigError, DataError
from latentwalk.latent.criteria.features import Features
from latentwalk.latent.criteria.interpolation import interpolation_gap
from latentwalk.latent.criteria.probe import linear_probe
from latentwalk.latent.space import LatentSpace
from latentwalk.models.prior import NormalSampler

Array = NDArray[Any]
FLAT = Features("values", lambda x: x)
RNG = np.random.default_rng(0)
CODES = RNG.standard_normal((900, 3)).astype(np.float32)


def space_of(codes: Array, **more: Any) -> LatentSpace:
    given = {"data": codes, "decode": lambda z: z} | more
    return LatentSpace(codes, np.zeros_like(codes), prior=NormalSampler(codes.shape[1]), **given)


def test_a_linear_class_is_read_and_a_shuffled_one_is_not() -> None:
    sign = (CODES @ [1, -2, 0.5] > 0).astype(np.int64)
    found = linear_probe(space_of(CODES, labels=sign))
    assert found.value > 0.97
    assert found.low < found.value < found.high
    chance = linear_probe(space_of(CODES, labels=RNG.permutation(sign)))
    assert chance.low < chance.details["baseline"] + 0.02  # type: ignore[operator]
    assert 0.4 < chance.details["baseline"] < 0.6  # type: ignore[operator]


def test_what_is_not_linear_is_not_read_off() -> None:
    """Inside or outside a ball: no direction tells, so the probe is no better than the commonest class."""
    ball = ((CODES**2).sum(axis=1) < 1.2).astype(np.int64)
    found = linear_probe(space_of(CODES, labels=ball))
    assert found.value == pytest.approx(found.details["baseline"], abs=0.05)


def test_labels_are_classes_however_many_and_numbers_are_not() -> None:
    labels = np.digitize(CODES[:, 0], [-1, 0, 1])
    space = space_of(CODES, labels=labels, attributes={"size": 3 * CODES[:, 1] + 5, "mustache": CODES[:, 2] > 0.5})
    assert linear_probe(space).value > 0.9
    assert linear_probe(space, "size").value == pytest.approx(1, abs=1e-4)
    assert linear_probe(space, "mustache").value > 0.95
    assert "mustache" in linear_probe(space, "mustache").reading
    assert linear_probe(space, np.where(CODES[:, 0] > 0, "yes", "no")).value > 0.95


def test_r_squared_is_its_known_value_and_its_interval_covers_it() -> None:
    """y = z1 + noise of the same variance: R² = 1/2."""
    codes = np.random.default_rng(1).standard_normal((9_000, 2)).astype(np.float32)
    y = codes[:, 0] + np.random.default_rng(2).standard_normal(9_000)
    found = linear_probe(space_of(codes), y)
    assert found.low < 0.5 < found.high
    assert found.value == pytest.approx(0.5, abs=0.03)
    rows = np.random.default_rng(0).permutation(9_000)
    oracle = Ridge(1e-3).fit(codes[rows[:6_000]], y[rows[:6_000]]).score(codes[rows[6_000:]], y[rows[6_000:]])
    assert found.value == pytest.approx(oracle, abs=0.002)


def test_rows_where_the_target_is_not_known_are_left_out() -> None:
    y = CODES[:, 0].astype(float)
    y[::2] = np.nan
    found = linear_probe(space_of(CODES), y)
    assert found.details["rows"] == 300
    assert found.value > 0.999


def test_wrong_use_of_the_probe_is_named() -> None:
    space = space_of(CODES, attributes={"size": CODES[:, 0]})
    with pytest.raises(DataError, match="needs labels or an attribute"):
        linear_probe(space)
    with pytest.raises(ConfigError, match="unknown attribute 'sise'. Did you mean 'size'"):
        linear_probe(space, "sise")
    with pytest.raises(DataError, match="expected 900 labels"):
        linear_probe(space, np.zeros(5))
    with pytest.raises(DataError, match="the target is the same for all"):
        linear_probe(space, np.zeros(900))
    with pytest.raises(DataError, match="at least 30 codes of examples where it is known; got 0"):
        linear_probe(space, np.full(900, np.nan))


# ---------------------------------------------------------------------- the interpolation gap


def test_midpoints_of_a_gaussian_are_half_as_wide() -> None:
    """Codes N(0, I) decoded to themselves: midpoints are N(0, I / 2), FID = D (1 - sqrt(1/2))², reconstructions 0."""
    codes = np.random.default_rng(3).standard_normal((5_000, 3)).astype(np.float32)
    found = interpolation_gap(space_of(codes), FLAT)
    truth = 3 * (1 - np.sqrt(0.5)) ** 2
    assert found.value == pytest.approx(truth, abs=0.03)
    assert found.low < truth < found.high
    assert found.details["reconstructions"] == pytest.approx(0, abs=0.01)


def test_a_ring_has_its_midpoints_in_the_hole_and_a_blur_is_nobodys_fault() -> None:
    angle = np.random.default_rng(4).uniform(0, 2 * np.pi, 4_000)
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)
    ring += np.random.default_rng(5).normal(0, 0.05, ring.shape).astype(np.float32)
    found = interpolation_gap(space_of(ring), FLAT)
    assert found.details["holes_between"] > 0.5  # type: ignore[operator]
    assert found.details["holes_codes"] < 0.1  # type: ignore[operator]
    halved = interpolation_gap(space_of(ring, decode=lambda z: z * 0), FLAT)  # as bad at examples as between them
    assert halved.value == pytest.approx(0, abs=1e-9)
    near = interpolation_gap(space_of(ring), FLAT, at=[0.01, 0.99])
    assert near.value < found.value / 10


def test_the_model_is_judged_by_rows_it_has_not_seen() -> None:
    held_out = np.arange(900) < 200
    found = interpolation_gap(space_of(CODES, held_out=held_out), FLAT)
    assert "100 of each" in found.reading
    with pytest.raises(DataError, match="at least 100 held-out codes; got 50"):
        interpolation_gap(space_of(CODES, held_out=np.arange(900) < 50), FLAT)
    with pytest.raises(ConfigError, match="places between the ends of a line"):
        interpolation_gap(space_of(CODES), FLAT, at=[0.5, 1.0])
    with pytest.raises(DataError, match="'values' hold NaN"):
        interpolation_gap(space_of(CODES, decode=lambda z: z * np.nan), FLAT)
