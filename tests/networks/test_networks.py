"""Networks: any event in, any event out; dropout and max-norm."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from latentwalk.data import DataSpec
from latentwalk.errors import ConfigError
from latentwalk.networks.build import Network, network_named
from latentwalk.networks.conv import ConvDecoder, ConvEncoder, Enlarged, Unfolded, pyramid
from latentwalk.networks.layers import ACTIVATIONS, clip_norms

sides = st.integers(1, 40)


def spec(*shape, dtype=np.uint8):
    return DataSpec.infer(np.zeros((2, *shape), dtype))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(sides, sides, st.sampled_from([1, 3, 4]), st.integers(1, 4))
def test_conv_decoder_restores_any_size(height, width, channels, levels):
    depths = (3, 4, 5, 6)[:levels]
    encoder = ConvEncoder((channels, height, width), (2,), depths, (7,))
    x = torch.zeros(2, channels, height, width)
    assert encoder(x).shape == (2, 2)
    for smooth in (False, True):
        decoder = ConvDecoder(2, (channels, height, width), depths, (7,), smooth=smooth, blocks=levels % 2)
        assert decoder(encoder(x)).shape == x.shape


@pytest.mark.parametrize("smooth", [False, True])
def test_a_smooth_decoder_begins_without_a_checkerboard(smooth):
    """Power at every second pixel beside that at its neighbours: what a transposed convolution adds, whatever it has learnt."""
    excess = []
    for seed in range(4):
        torch.manual_seed(seed)
        decoder = ConvDecoder(16, (1, 32, 32), (8, 16), (16,), smooth=smooth)
        with torch.no_grad():
            x = decoder(torch.randn(64, 16))[:, 0]
        power = torch.fft.fft2(x - x.mean()).abs().square().mean(0)
        at = [float(power[n].mean() + power[:, n].mean()) for n in (16, 14)]
        excess.append(at[0] / at[1])
    assert max(excess) < 1.2 if smooth else min(excess) > 2


def test_pixels_are_set_side_by_side_and_what_is_enlarged_is_as_bright():
    parts = torch.arange(16.0).view(1, 4, 2, 2)
    whole = Unfolded((4, 3))(parts)
    assert whole.shape == (1, 1, 4, 3)
    assert whole[0, 0, 0, :2].tolist() == [0, 4] and whole[0, 0, 1, :2].tolist() == [8, 12]
    torch.testing.assert_close(Enlarged((5, 7))(torch.full((1, 2, 3, 4), 0.3)), torch.full((1, 2, 5, 7), 0.3))


@settings(max_examples=30, deadline=None, derandomize=True)
@given(sides, sides, st.sampled_from(["dense", "conv"]), st.sampled_from(["HW", "HWC", "CHW"]), st.integers(1, 2))
def test_networks_fit_the_event_whatever_the_layout(height, width, kind, layout, each):
    shape = {"HW": (height, width), "HWC": (height, width, 3), "CHW": (3, height, width)}[layout]
    network, data = Network(kind, widths=(5,), channels=(2, 3) if kind == "conv" else None), spec(*shape)
    if data.layout != layout:  # (3, H, 3) reads as HWC; the test is not about that
        return
    channels, *rest = data.event
    raw = network.decoder(data, 4, (each * data.event[0], *data.event[1:]))(torch.zeros(3, 4))
    assert raw.shape == (3, each * channels, *rest)
    assert network.encoder(data, (6,))(torch.zeros(3, *data.event)).shape == (3, 6)


@given(sides, sides, st.integers(0, 6))
def test_pyramid_halves_and_rounds_up(height, width, levels):
    sizes = pyramid((height, width), levels)
    assert len(sizes) == levels + 1
    for (h, w), (half_h, half_w) in pairwise(sizes):
        assert 2 * half_h - h in (0, 1)
        assert 2 * half_w - w in (0, 1)


def test_auto_is_dense_for_tables_and_small_images_and_conv_for_large_ones():
    kinds = {
        shape: any(isinstance(layer, nn.Conv2d) for layer in Network().encoder(spec(*shape), (2,)).modules())
        for shape in [(5000,), (28, 28), (32, 32), (33, 32), (64, 64, 3)]
    }
    assert list(kinds.values()) == [False, False, False, True, True]


def test_decoder_mirrors_the_encoder():
    network, data = Network("dense", widths=(9, 4)), spec(3, 3)
    sizes = [[layer.in_features for layer in body.modules() if isinstance(layer, nn.Linear)]
             for body in (network.encoder(data, (2,)), network.decoder(data, 2, data.event))]  # fmt: skip
    assert sizes == [[9, 9, 4], [2, 4, 9]]


def test_no_hidden_layers_is_a_linear_map():
    body = Network("dense", widths=()).encoder(spec(5), (2,))
    a, b = torch.randn(2, 1, 5)
    torch.testing.assert_close(body(a + b) + body(torch.zeros(1, 5)), body(a) + body(b))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_is_used(name):
    body = Network("dense", widths=(3,), activation=name).encoder(spec(5), (2,))
    assert any(type(layer) is ACTIVATIONS[name] for layer in body.modules())


@pytest.mark.parametrize("kind", ["dense", "conv"])
def test_dropout_is_active_only_in_training(kind):
    torch.manual_seed(0)
    network, data = Network(kind, dropout=0.5), spec(12, 12)
    for body, x in (
        (network.encoder(data, (8,)), torch.randn(4, 1, 12, 12)),
        (network.decoder(data, 3, data.event), torch.randn(4, 3)),
    ):
        assert not torch.equal(body.train()(x), body(x))
        assert torch.equal(body.eval()(x), body(x))


def incoming(layer):
    """The length of each unit's incoming weights, by the definition, not by the code under test."""
    weight = layer.weight.detach()
    if isinstance(layer, nn.ConvTranspose2d):
        weight = weight.transpose(0, 1)
    return weight.flatten(1).norm(dim=1)


@pytest.mark.parametrize("kind", ["dense", "conv"])
def test_clip_norms_shortens_the_long_and_leaves_the_short(kind):
    torch.manual_seed(0)
    network, data = Network(kind), spec(20, 20)
    for body in (network.encoder(data, (2,)), network.decoder(data, 2, data.event)):
        layers = [layer for layer in body.modules() if isinstance(layer, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d))]
        before = [layer.weight.detach().clone() for layer in layers]
        lengths = [incoming(layer) for layer in layers]
        limit = float(torch.cat(lengths).median())
        clip_norms(body, limit)
        for layer, old, length in zip(layers, before, lengths, strict=True):
            torch.testing.assert_close(incoming(layer), length.clamp(max=limit), rtol=1e-5, atol=0)
            kept = length <= limit
            dim = 1 if isinstance(layer, nn.ConvTranspose2d) else 0
            assert torch.equal(layer.weight.movedim(dim, 0)[kept], old.movedim(dim, 0)[kept])


class Reader(nn.Module):
    """A body of one's own, which draws and counts while it learns."""

    def __init__(self, size, out):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(size), nn.Dropout(0.5), nn.Linear(size, out))

    def forward(self, x):
        return self.layers(x)


def writer(latent, *shape):
    return nn.Sequential(nn.Linear(latent, int(np.prod(shape))), nn.Unflatten(1, shape))


def test_bodies_of_ones_own_are_copied_and_tried_without_a_trace():
    reader, data = Reader(30, 6), spec(5, 6)
    network = network_named((reader, writer(3, 1, 5, 6)))
    state = torch.get_rng_state()
    encoder = network.encoder(data, (6,))
    assert torch.equal(state, torch.get_rng_state())
    assert encoder is not reader and encoder.training
    for name, value in reader.state_dict().items():
        assert torch.equal(value, encoder.state_dict()[name])
    assert network.decoder(data, 3, (1, 5, 6))(torch.zeros(4, 3)).shape == (4, 1, 5, 6)
    assert network_named(network) is network and network.code(data, None) is None


def test_bodies_of_ones_own_can_be_described_without_memory_and_sized_by_what_they_read():
    with torch.device("meta"):
        assert network_named([Reader(30, 6), writer(3, 30)]).encoder(spec(30, dtype=np.float32), (6,)) is not None
    lazy = Network(bodies=(nn.LazyLinear(4), writer(2, 7))).encoder(spec(7, dtype=np.float32), (4,))
    assert lazy.weight.shape == (4, 7)


class Other(Network):
    """A network that no saved model could name."""


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: network_named(Other()), "Other is a subclass of Network.*network=.encoder, decoder."),
        (lambda: network_named(Reader(30, 4)), "an encoder and a decoder, both modules"),
        (lambda: network_named((Reader(30, 4), "conv")), "an encoder and a decoder, both modules"),
        (
            lambda: network_named((Reader(30, 5), writer(2, 30))).encoder(spec(5, 6), (4,)),
            r"the encoder of the network reads \(2, 1, 5, 6\) and gives \(2, 5\). Expected \(2, 4\)",
        ),
        (
            lambda: network_named((Reader(31, 4), writer(2, 30))).encoder(spec(5, 6), (4,)),
            r"the encoder of the network cannot read \(2, 1, 5, 6\): .*31",
        ),
        (
            lambda: network_named((Reader(30, 4), writer(2, 30))).decoder(spec(5, 6), 2, (1, 5, 6)),
            r"the decoder of the network reads \(2, 2\) and gives \(2, 30\). Expected \(2, 1, 5, 6\)",
        ),
        (lambda: network_named("cnv"), "Did you mean 'conv'"),
        (lambda: Network(activation="rleu"), "Did you mean 'relu'"),
        (lambda: Network(upsampling="smoth"), "Did you mean 'smooth'"),
        (lambda: Network(dropout=1.0), "dropout=1.0 is not a share"),
        (lambda: Network(max_norm=0), "max_norm=0: expected a number above 0"),
        (lambda: Network(widths=(3, 0)), "widths=.* must be whole numbers above 0"),
        (lambda: Network(channels=(3.5,)), "channels=.* must be whole numbers above 0"),
        (
            lambda: Network("conv").encoder(spec(30), (2,)),
            "needs images or sounds or signals; the data is a table of shape .30,.",
        ),
    ],
)
def test_refusals_say_what_would_do(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
