"""What takes noise away begins by taking none, and treats every place alike, so that any size will do."""

import pytest
import torch

from latentwalk import Dataset
from latentwalk.data.spec import DataSpec
from latentwalk.errors import ConfigError
from latentwalk.networks.denoiser import Denoiser, DenoiserShape

IMAGE, SIGNAL, GAPS = DenoiserShape(3, 2, (4, 6)), DenoiserShape(2, 1, (4, 6, 6)), DenoiserShape(2, 1, (4, 6), missing=True)


def drawn(shape: DenoiserShape) -> Denoiser:
    """One that takes something off, in float64."""
    torch.manual_seed(0)
    denoiser = Denoiser(shape)
    torch.nn.init.normal_(denoiser.closing.weight)
    return denoiser.double().eval()


@pytest.mark.parametrize("shape", [IMAGE, SIGNAL, GAPS])
@pytest.mark.parametrize("side", [1, 7, 12])
def test_it_begins_by_taking_nothing_off_whatever_the_size(shape, side):
    x = torch.randn(2, shape.channels, *[side] * (shape.sides - 1), side + 3)
    torch.testing.assert_close(Denoiser(shape)(x), x, rtol=0, atol=0)
    assert drawn(shape)(x.double()).shape == x.shape


@pytest.mark.parametrize("shape", [IMAGE, SIGNAL])
@torch.no_grad()
def test_windows_answer_as_the_whole_does_and_a_shift_is_a_shift(shape):
    """Away from the edges, whose reach is that of the convolutions."""
    denoiser, reach, length = drawn(shape), {1: 128, 2: 48}[shape.sides], {1: 384, 2: 144}[shape.sides]
    x = torch.randn(1, shape.channels, *[length] * shape.sides, dtype=torch.float64)
    guess = torch.randn_like(x)
    first = 4 * denoiser.step
    cut = (..., *[slice(first, None)] * shape.sides)
    inner = (..., *[slice(reach, -reach)] * shape.sides)
    whole, window = denoiser(x, guess)[cut], denoiser(x[cut], guess[cut])
    torch.testing.assert_close(window[inner], whole[inner])
    assert not torch.allclose(window, whole)  # the edges do matter
    askew = (..., *[slice(first + 1, None)] * shape.sides)
    assert not torch.allclose(denoiser(x[askew], guess[askew])[inner], denoiser(x, guess)[askew][inner])


@torch.no_grad()
def test_what_was_not_observed_has_no_part_in_it():
    denoiser = drawn(GAPS)
    x = torch.randn(2, 2, 24, dtype=torch.float64)
    gaps = torch.rand(2, 2, 24) < 0.3
    found = denoiser(torch.where(gaps, torch.nan, x))
    assert found.isfinite().all()
    assert not torch.allclose(found, denoiser(torch.where(gaps, 0.0, x)))  # a 0 that was observed is another thing


def test_its_size_follows_that_of_the_data():
    def widths(*shape: int, kind: str = "image") -> tuple[int, ...]:
        spec: DataSpec = Dataset.of(torch.zeros(2, *shape).numpy(), kind=kind).spec
        return DenoiserShape.usual(spec).widths

    assert widths(8, 8) == (32,)
    assert widths(28, 28) == (32, 64)
    assert widths(64, 64, 3) == (32, 64, 128)
    assert widths(1000, 1000) == (32, 64, 128, 128)
    assert widths(140, kind="signal") == (32, 64, 64, 64)
    with pytest.raises(ConfigError, match="sides=3"):
        DenoiserShape(1, 3, (4,))
