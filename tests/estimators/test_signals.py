"""Signals: of any length, with steps missing, through dense, convolutional and recurrent networks."""

import numpy as np
import pytest
import torch

from latentwalk.data import Dataset, DataSpec
from latentwalk.data.examples import padded
from latentwalk.data.scaling import Scaling
from latentwalk.errors import DataError
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.networks.build import Network
from latentwalk.training.settings import Settings

RNG = np.random.default_rng(0)
SIGNALS = [RNG.normal(size=(int(length), 2)) + 5 for length in RNG.integers(3, 10, 80)]
KINDS = ["dense", "conv", "gru", "lstm"]


def auto(recipe="ae", kind="gru", **options):
    usual = {"network": Network(kind, widths=(16,)), "epochs": 2, "random_state": 0, "progress": False}
    return Autoencoder(recipe, **usual | options)


@pytest.mark.parametrize("shape", [(50,), (50, 3)])
def test_scaling_of_a_signal_is_one_for_each_channel_and_comes_back(shape):
    x = RNG.normal(size=(30, *shape)) * 7 + 100
    x[:, -5:] = np.nan
    spec = DataSpec.infer(x, kind="signal")
    scaling = Scaling.fit(x, spec, "standard")
    inside = scaling(torch.from_numpy(x))
    assert inside.shape == (30, *spec.event)
    assert scaling.scale.numel() == spec.event[0]
    seen = inside.movedim(1, 0).flatten(1)
    np.testing.assert_allclose(np.nanmean(seen, 1), 0, atol=1e-6)
    np.testing.assert_allclose(np.nanstd(seen, 1), 1, rtol=1e-6)
    np.testing.assert_allclose(scaling.inverse(inside), x, rtol=1e-6)
    assert scaling.log_volume == pytest.approx(50 * float(scaling.scale.log().sum()))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("recipe", ["ae", "vae", "denoising", "contractive"])
def test_what_is_missing_never_influences_a_code_a_loss_or_a_weight(recipe, kind):
    """What a decoder says where nothing was observed moves no loss, and no weight gets NaN for a gradient."""
    x = padded(SIGNALS)
    model = auto(recipe, kind, noise="masking" if recipe == "denoising" else None).fit(Dataset.of(x, kind="signal"))
    part = model.model_
    inside = part.scaling(torch.from_numpy(x))
    p = part(inside)
    loss = p.likelihood.log_prob(p.target)
    said = p.likelihood.mean
    (moved,) = torch.autograd.grad(loss.sum(), said, retain_graph=True)
    assert (moved[0][inside.isnan()] == 0).all()
    assert (moved[0][~inside.isnan()] != 0).all()
    loss.sum().backward()
    assert all(torch.isfinite(weight.grad).all() for weight in part.parameters() if weight.grad is not None)
    assert np.isfinite(model.score_samples(x)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_padding_changes_nothing(kind):
    model = auto("vae", kind).fit(SIGNALS)
    whole = padded(SIGNALS)
    assert np.array_equal(model.transform(SIGNALS), model.transform(whole))
    for row in (0, 7):
        alone = SIGNALS[row][None]  # as short as it is
        assert np.array_equal(model.transform(alone), model.transform(whole[row : row + 1]))
        assert np.array_equal(model.score_samples(alone), model.score_samples(whole)[row : row + 1])


@pytest.mark.parametrize("kind", ["gru", "lstm"])
def test_a_recurrent_encoder_reads_a_signal_alike_however_far_it_is_padded(kind):
    torch.manual_seed(0)
    network = Network(kind, widths=(8,))
    short = padded(SIGNALS)
    longer = np.concatenate([short, np.full((80, 13, 2), np.nan)], axis=1)
    spec = DataSpec.infer(short, kind="signal")
    body = network.encoder(spec, (3,)).double()
    codes = [body(torch.from_numpy(x).movedim(1, 2)) for x in (short, longer)]
    torch.testing.assert_close(codes[0], codes[1], rtol=1e-12, atol=1e-12)
    turned = [body(torch.from_numpy(one[::-1].copy()).T[None]) for one in SIGNALS[:5]]
    assert all(not torch.allclose(a, b) for a, b in zip(turned, codes[0], strict=False))


@pytest.mark.parametrize("kind", ["gru", "lstm"])
def test_short_sequences_are_remembered_exactly(kind):
    """Every sequence of up to four coins, of every length: 30 of them, each reconstructed without a mistake."""
    coins = [np.array([(word >> i) & 1 for i in range(length)], float) for length in (1, 2, 3, 4) for word in range(2**length)]
    model = Autoencoder(
        "ae", latent=6, network=Network(kind, widths=(48,)), epochs=400, batch_size=30, learning_rate=1e-2,
        training=Settings(learning_schedule="cosine"), validation=0.0, random_state=0, progress=False,
    )  # fmt: skip
    found = model.fit(coins).reconstruct(coins)
    for one, back in zip(coins, found, strict=True):
        np.testing.assert_array_equal(np.round(back[: len(one)]), one)
        assert np.isnan(back[len(one) :]).all()


def test_missing_steps_are_imputed_and_ends_stay_ends():
    t = np.linspace(0, 1, 24)
    x = np.sin(2 * np.pi * (RNG.uniform(1, 2, (600, 1)) * t + RNG.uniform(0, 1, (600, 1))))
    seen = x.copy()
    seen[RNG.random(x.shape) < 0.2] = np.nan
    seen[:5, 20:] = np.nan
    model = auto("ae", "dense", network=Network("dense", widths=(64, 64)), latent=4, epochs=60).fit(
        Dataset.of(seen, kind="signal")
    )
    filled = model.impute(seen)
    assert np.array_equal(filled[~np.isnan(seen)], seen[~np.isnan(seen)])
    assert np.isnan(filled[:5, 20:]).all()
    gaps = np.isnan(seen) & ~np.isnan(filled)
    assert gaps.sum() > 0.15 * x.size
    assert np.mean((filled - x)[gaps] ** 2) < 0.3 * x.var()


def test_a_signal_has_the_shape_it_came_in_and_says_so_when_it_does_not_fit():
    model = auto().fit(SIGNALS)
    longest = max(map(len, SIGNALS))
    assert model.inverse_transform(model.transform(SIGNALS)).shape == (80, longest, 2)
    for x, message in (
        ([np.zeros((longest + 1, 2))], f"has {longest + 1} steps; expected 1 to {longest}"),
        ([np.zeros((0, 2)), np.ones((2, 2))], "has 0 steps"),
        ([np.zeros((2, 3)), np.zeros((3, 2))], "expected numbers"),
        (np.zeros((2, 4, 3)), "signal|shape"),
    ):
        with pytest.raises(DataError, match=message):
            model.transform(x)
    with pytest.raises(DataError, match="nothing but NaN"):
        Dataset.of(np.full((3, 5), np.nan), kind="signal")


def test_networks_that_read_signals_take_arrays_as_such():
    x = RNG.normal(size=(40, 12))
    assert auto(kind="gru").fit(x).spec_.kind == "signal"
    assert Autoencoder("ae", network="conv", epochs=1, progress=False).fit(x).spec_.event == (1, 12)
    assert Autoencoder("ae", epochs=1, progress=False).fit(x).spec_.kind == "table"
