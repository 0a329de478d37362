"""Where models begin: at principal components, and at the best linear VAE, of which both have closed forms.

Oracle: scikit-learn's PCA, its reconstructions and its `score` (the log-likelihood of probabilistic PCA).
"""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from latentwalk.data import DataSpec
from latentwalk.data.scaling import Scaling
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.models.inference import Coder
from latentwalk.models.likelihood import Likelihood, likelihood_named
from latentwalk.models.recipes import Recipe, assemble, recipe_named
from latentwalk.models.start import begin
from latentwalk.networks.build import Network
from latentwalk.saving.options import from_json, to_json

RNG = np.random.default_rng(0)
N = 600
USUAL = Network()
MIXED = RNG.normal(size=(N, 4)) @ RNG.normal(size=(4, 64)) + 0.3 * RNG.normal(size=(N, 64)) + RNG.normal(size=64)
DATA = {
    "table": (MIXED, None),
    "image": ((MIXED.reshape(N, 8, 8) - MIXED.min()) / np.ptp(MIXED), None),
    "colour": ((MIXED[:, :48].reshape(N, 4, 4, 3) - MIXED.min()) / np.ptp(MIXED), None),
    "signal": (MIXED.reshape(N, 32, 2), "signal"),
}


def begun(x, kind=None, recipe="ae", latent=3, likelihood="gaussian", network=USUAL, start="line"):
    spec = DataSpec.infer(x, kind)
    chosen = likelihood if isinstance(likelihood, Likelihood) else likelihood_named(likelihood, spec)
    torch.manual_seed(0)
    scaling = Scaling.fit(x, spec, chosen.scaling(spec))
    model = assemble(recipe_named(recipe), spec, replace(network, start=start), chosen, latent, scaling)
    assert begin(model, torch.from_numpy(x)) == (start == "line")
    return model.eval()


@pytest.mark.parametrize(
    ("name", "network"),
    [("table", "dense"), ("image", "dense"), ("image", "conv"), ("colour", "conv"), ("signal", "conv"), ("signal", "gru")],
)
def test_the_first_reconstruction_is_that_of_principal_components(name, network):
    x, form = DATA[name]
    model = begun(x, form, network=Network(network))
    seen = model.scaling(torch.from_numpy(x)).flatten(1).double().numpy()
    pca = PCA(3).fit(seen)
    wanted = pca.inverse_transform(pca.transform(seen))
    found = model(model.scaling(torch.from_numpy(x))).likelihood.mean[0].flatten(1).detach().numpy()
    np.testing.assert_allclose(found, wanted, atol=2e-4 * np.ptp(seen))
    codes = Coder(model).encode(x)[0]
    np.testing.assert_allclose(np.cov(codes.T, bias=True), np.eye(3), atol=1e-3)


def test_a_vae_begins_at_the_likelihood_of_probabilistic_principal_components():
    """Its bound is exact there, in the mean over rows; closed form of KL, and of the Gaussian's expected square."""
    x = MIXED[:, :12] / MIXED[:, :12].std(0)
    model = begun(x, recipe="vae")
    seen = model.scaling(torch.from_numpy(x))
    with torch.no_grad():
        p = model(seen, draws=500)
        bound = float(
            (
                p.likelihood.log_prob(seen).mean(0)
                - torch.distributions.kl_divergence(p.posterior.base_dist, torch.distributions.Normal(0.0, 1.0)).sum(-1)
            ).mean()
        )
    assert bound == pytest.approx(PCA(3).fit(seen.double().numpy()).score(seen.double().numpy()), abs=0.02)
    assert p.posterior.mean.var(0).add(p.posterior.stddev.square().mean(0)).numpy() == pytest.approx(np.ones(3), abs=5e-3)


@pytest.mark.parametrize("likelihood", ["bernoulli", "continuous-bernoulli"])
@pytest.mark.parametrize("start", ["line", "mean"])
def test_heads_of_numbers_in_the_unit_range_begin_at_the_mean_or_nearer(likelihood, start):
    x = (1 / (1 + np.exp(-2 * MIXED))).reshape(N, 8, 8).astype(np.float32)
    model = begun(x, likelihood=likelihood, start=start)
    mean, spread = x.mean(0), np.square(x - x.mean(0)).mean()
    found = Coder(model).decode(np.zeros((1, 3), np.float32))[0]
    np.testing.assert_allclose(found, mean, atol=0.1)
    error = np.square(Coder(model).decode(Coder(model).encode(x)[0]) - x).mean()
    assert error < spread * (0.7 if start == "line" else 1.1)


def test_what_is_missing_has_no_part_in_the_beginning():
    x = MIXED.copy()
    x[RNG.random(x.shape) < 0.2] = np.nan
    model = begun(x)
    assert all(bool(weight.isfinite().all()) for weight in model.state_dict().values())
    shown = np.where(np.isnan(x), 0.0, Coder(model).decode(Coder(model).encode(x)[0]) - x)
    assert np.square(shown).mean() < 0.5 * np.nanvar(x)


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_few_rows_and_constant_columns_give_finite_weights(rows):
    x = np.ones((rows, 6), np.float32)
    x[:, 0] = np.arange(rows)
    assert all(bool(weight.isfinite().all()) for weight in begun(x, recipe="vae").state_dict().values())


def test_directions_in_which_nothing_varied_are_not_blown_up():
    flat = (RNG.normal(size=(100, 2)) @ RNG.normal(size=(2, 12))).astype(np.float32)
    model = begun(flat, latent=6)
    beside = flat + 0.1 * RNG.normal(size=flat.shape).astype(np.float32)
    assert np.abs(Coder(model).encode(beside)[0]).max() < 10
    np.testing.assert_allclose(Coder(model).decode(Coder(model).encode(flat)[0]), flat, atol=1e-3)


def test_columns_of_all_kinds_begin_at_how_often_each_value_is_there():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(
        {"number": MIXED[:, 0], "count": RNG.poisson(7, N), "kind": RNG.choice(["a", "b", "c"], N, p=[0.6, 0.3, 0.1])}
    )
    model = Autoencoder("ae", latent=2, epochs=1, learning_rate=1e-9, random_state=0, progress=False)
    drawn = model.fit(frame).model_.decoder(torch.zeros(1, 2))
    often = drawn.categorical[0].probs[0].detach().numpy()
    np.testing.assert_allclose(often, frame["kind"].value_counts(normalize=True).sort_index(), atol=0.05)
    assert float(drawn.mean[0, 1].detach()) == pytest.approx(frame["count"].mean(), rel=0.1)


def test_an_autoencoder_is_never_behind_the_line_it_began_with():
    x = MIXED[:100]
    model = Autoencoder("ae", latent=3, epochs=2, learning_rate=0.5, random_state=0, progress=False).fit(x)
    held = x[model.validation_rows_]
    learnt = np.delete(x, model.validation_rows_, axis=0)
    scale = x.std(0)
    pca = PCA(3).fit(learnt / scale)
    wanted = np.square(pca.inverse_transform(pca.transform(held / scale)) - held / scale).mean()
    assert np.square((model.reconstruct(held) - held) / scale).mean() <= wanted * 1.01


def test_what_an_earlier_version_made_begins_as_it_did():
    said = to_json(Network("dense", widths=(5,)))
    assert (from_json(said).start, from_json(said).upsampling) == ("line", "smooth")
    del said["start"], said["upsampling"]
    assert (from_json(said).start, from_json(said).upsampling) == ("plain", "transposed")


def test_learning_does_not_first_undo_a_wide_beginning():
    """Neighbouring pixels go together: at the full rate a step would move each code by several of its deviations."""
    waves = np.linspace(0, 1, 64)[:, None] * np.arange(1, 5)
    x = 0.5 + 0.1 * np.einsum("nk,ik,jk->nij", RNG.normal(size=(400, 4)), np.sin(3 * waves), np.cos(2 * waves))
    x = (x + 0.02 * RNG.normal(size=x.shape)).clip(0, 1).astype(np.float32)
    options = {"epochs": 3, "batch_size": 64, "random_state": 0, "progress": False, "network": Network("dense", widths=(8,))}
    model = Autoencoder(Recipe("likelihood alone", generative=True, spectral=0.0), latent=4, **options).fit(x)
    before = begun(x, recipe="vae", latent=4, network=Network("dense", widths=(8,)))
    with torch.no_grad():
        p = before(before.scaling(torch.from_numpy(x)))
    first = -float(p.likelihood.log_prob(before.scaling(torch.from_numpy(x))).mean())
    assert all(epoch.validation_loss < first + 0.02 * abs(first) for epoch in model.history_)
