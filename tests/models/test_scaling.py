"""Scaling lives in the model: a round trip for every type and layout, and the digits are kept."""

import re
from itertools import product

import numpy as np
import pytest
import torch

from latentwalk.data import DataSpec
from latentwalk.data.scaling import Scaling, as_tensor
from latentwalk.errors import DataError

DTYPES = [
    *("bool", "uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"),
    *("float16", "float32", "float64", "longdouble", ">f4", ">u2"),
]
SHAPES = [(5,), (27, 31), (27, 31, 3), (3, 27, 31), (5, 6, 7)]


def scaled(x, how):
    spec = DataSpec.infer(x)
    return Scaling.fit(x, spec, how), spec


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("shape", "how"), [*product(SHAPES, ["none", "unit"]), ((5,), "standard"), ((5, 6, 7), "standard")], ids=str
)
def test_inverse_undoes_forward(dtype, shape, how):
    x = (np.random.default_rng(0).random((6, *shape)) * (2 if dtype == "bool" else 100)).astype(dtype)
    scaling, spec = scaled(x, how)
    inside = scaling(as_tensor(x))
    assert inside.shape == (6, *spec.event)
    assert inside.dtype == torch.float32
    back = scaling.inverse(inside)
    assert back.shape == x.shape
    np.testing.assert_allclose(back.numpy(), x.astype("float64"), rtol=1e-6, atol=1e-5)


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_unit_fills_zero_to_one_and_standard_has_mean_0_deviation_1(dtype):
    x = (np.random.default_rng(0).random((5000, 7)) * 200 + 9).astype(dtype)
    unit, standard = (scaled(x, how)[0](as_tensor(x)).double() for how in ("unit", "standard"))
    assert (unit.min(), unit.max()) == (0, 1)
    np.testing.assert_allclose(standard.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(standard.std(0, unbiased=False), 1, rtol=1e-6)


@pytest.mark.parametrize("offset", [2000, 1e6, 1.7e9])
def test_large_offsets_keep_their_digits_inside(offset):
    """Seconds since 1970, a minute apart: float32 alone knows them to two minutes only."""
    x = offset + 60 * np.random.default_rng(0).normal(size=(1000, 1))
    inside = scaled(x, "standard")[0](as_tensor(x))
    np.testing.assert_allclose(inside.numpy(), (x - x.mean(0)) / x.std(0), atol=2e-6)


@pytest.mark.parametrize(
    ("offset", "unit"),
    [
        (0, 1e-30),
        (0, 1e-46),
        (0, 1e-200),
        (0, 1e200),
        (1e9, 1),
        (1.7e9, 60),
        (1e12, 1),
        (1e15, 3),
        (-1e12, 1e-3),
        (1e-46, 1e-47),
    ],
)
@pytest.mark.parametrize("shape", [(4,), (8, 8), (30, 2)], ids=str)
def test_what_comes_back_has_the_digits_of_what_went_in(offset, unit, shape):
    """To float32 of a deviation, and to float64 of the number: no unit and no offset costs more."""
    x = offset + unit * np.random.default_rng(0).normal(size=(300, *shape))
    spec = DataSpec.infer(x, "signal" if shape == (30, 2) else None)
    scaling = Scaling.natural(x, spec)
    inside = scaling(as_tensor(x))
    assert 0.1 < inside.std() < 1.1 and inside.abs().max() < 7
    np.testing.assert_allclose(scaling.inverse(inside).numpy(), x, rtol=0, atol=1e-6 * unit + 3e-16 * abs(offset))
    assert (scaling.unit > 0).all() and np.isfinite(scaling.unit).all() and np.isfinite(scaling.log_volume)
    again = Scaling(spec)
    again.load_state_dict(scaling.state_dict())
    np.testing.assert_array_equal(again.inverse(inside), scaling.inverse(inside))


@pytest.mark.parametrize("offset", [1e10, 1e13, 1e15])
def test_moments_keep_their_digits_beside_an_offset(offset):
    x = offset + np.random.default_rng(0).integers(-9, 9, size=(9000, 2)).astype(float)
    scaling, _ = scaled(x, "standard")
    np.testing.assert_allclose(scaling.scale, (x - offset).std(0), rtol=1e-12)
    np.testing.assert_allclose(scaling.shift - offset, (x - offset).mean(0), atol=0.5 * np.spacing(offset))


def test_bytes_and_fractions_are_still_scaled_in_float32():
    rng = np.random.default_rng(0)
    for x in (rng.integers(0, 256, (5, 6, 6), dtype=np.uint8), rng.random((5, 6, 6)), rng.normal(size=(5, 6, 6))):
        scaling, _ = scaled(x, "unit")
        assert scaling.scale.dtype == torch.float32 and scaling.inverse(scaling(as_tensor(x))).dtype == torch.float32


@pytest.mark.parametrize("value", [1e200, -1e200, 1e20, 3e38])
@pytest.mark.parametrize("shape", [(3,), (4, 4)], ids=str)
def test_a_value_beside_which_all_others_vanish_is_named(value, shape):
    x = np.random.default_rng(0).normal(size=(200, *shape))
    x[(5, *(1,) * len(shape))] = value
    where = "column 1" if len(shape) == 1 else r"position \(1, 1\)"
    with pytest.raises(DataError, match=rf"{re.escape(f'{value:g}')} at row 5, {where}"):
        Scaling.natural(x, DataSpec.infer(x))


def test_far_values_that_leave_the_others_apart_are_taken():
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.normal(size=500), np.exp(8 * rng.normal(size=500)), rng.random(500) < 0.01, rng.normal(size=500)])
    x[7, 0] = 1e6
    assert torch.isfinite(scaled(x, "standard")[0](as_tensor(x))).all()


@pytest.mark.parametrize(("ends", "said"), [((1.5e308, -1.6e308), "far apart"), ((1e-306, 2e-306), "little apart")])
@pytest.mark.parametrize("shape", [(3,), (4, 4)], ids=str)
def test_a_range_beyond_float64_is_refused(ends, said, shape):
    x = np.zeros((20, *shape))
    x[3], x[4] = ends
    with pytest.raises(DataError, match=rf"at row 4, .*{said}"):
        Scaling.natural(x, DataSpec.infer(x))


def test_values_out_of_reach_are_named():
    x = np.random.default_rng(0).normal(size=(50, 3))
    scaling, _ = scaled(x, "standard")
    scaling.check_reach(x)
    x[4, 2] = 1e25
    with pytest.raises(DataError, match=r"1e\+25 at row 4, column 2"):
        scaling.check_reach(x)
    assert scaling.furthest(x[3:], 3) == "row 4, column 2, and is 1e+25"


def test_constant_columns_are_left_alone():
    x = np.full((50, 3), 0.1, np.float32)
    x[:, 1], x[:, 2] = 0, 1e9
    inside = scaled(x, "standard")[0](as_tensor(x))
    assert torch.isfinite(inside).all()
    np.testing.assert_allclose(inside, 0, atol=1e-7)


def test_log_volume_is_the_log_determinant_of_the_inverse():
    x = np.random.default_rng(0).normal(size=(50, 4)) * [1, 10, 100, 0.1]
    scaling, _ = scaled(x, "standard")
    jacobian = torch.autograd.functional.jacobian(lambda z: scaling.inverse(z[None])[0], torch.zeros(4))
    assert scaling.log_volume == pytest.approx(float(torch.linalg.slogdet(jacobian.double())[1]), rel=1e-5)
    pictures = np.random.default_rng(0).integers(0, 256, (5, 6, 7, 3), dtype=np.uint8)
    assert scaled(pictures, "unit")[0].log_volume == pytest.approx(126 * np.log(255), rel=1e-6)


def test_channels_come_first_inside():
    x = np.arange(2 * 4 * 5 * 3).reshape(2, 4, 5, 3)
    inside = scaled(x, "none")[0](as_tensor(x))
    assert (inside[1, 2, 3, 4], inside[0, 1, 0, 2]) == (x[1, 3, 4, 2], x[0, 0, 2, 1])


def test_unit_of_data_broadcasts_to_an_example():
    x = np.random.default_rng(0).normal(size=(50, 5, 6, 7)) * 3
    scaling, _ = scaled(x, "standard")
    np.testing.assert_allclose(np.broadcast_to(scaling.unit, (5, 6, 7)), x.std(0), rtol=1e-5)


def test_as_tensor_never_shares_memory_that_is_read_only(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((3, 2), np.float32))
    x = np.load(tmp_path / "x.npy", mmap_mode="r")
    as_tensor(x)[0, 0] = 1
    assert np.load(tmp_path / "x.npy").max() == 0
