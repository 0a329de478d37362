"""Scaling lives in the model: a round trip for every type and layout, and the digits are kept."""

from itertools import product

import numpy as np
import pytest
import torch

from latentwalk.data import DataSpec
from latentwalk.data.scaling import Scaling, as_tensor

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
