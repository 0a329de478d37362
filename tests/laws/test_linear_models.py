"""Linear autoencoders have known answers: principal components, and the exact likelihood of probabilistic PCA.

Oracle: scikit-learn's PCA, whose `score` is the log-likelihood of Tipping & Bishop 1999. The optimum of a linear VAE is
that of Lucas et al. 2019, "Don't blame the ELBO!", section 4: W = U (L - sigma²)^(1/2), and a diagonal posterior is enough.
"""

import numpy as np
import pytest
import torch
from scipy.linalg import subspace_angles
from sklearn.decomposition import PCA

from latentwalk.data import DataSpec
from latentwalk.data.scaling import Scaling
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.models.likelihood import Likelihood
from latentwalk.models.objective import elbo, importance_weighted
from latentwalk.models.recipes import assemble, recipe_named
from latentwalk.networks.build import Network

N, E, D = 400, 6, 2
LINEAR = Network("dense", widths=(), start="plain")


def ppca_data(seed=0):
    rng = np.random.default_rng(seed)
    weight = rng.normal(size=(D, E)) * np.array([[3.0], [1.5]])
    return rng.normal(size=(N, D)) @ weight + 0.5 * rng.normal(size=(N, E)) + 10


@pytest.fixture(scope="module")
def x():
    return ppca_data()


@pytest.fixture(scope="module")
def pca(x):
    return PCA(D).fit(x)


def linear_vae(x):
    """An untrained linear VAE in float64 on data that is not scaled."""
    spec = DataSpec.infer(x)
    torch.manual_seed(0)
    return assemble(recipe_named("vae"), spec, LINEAR, Likelihood("gaussian"), D, Scaling(spec)).double()


def set_to_optimum(model, x):
    """The weights of Lucas et al. 2019: nothing is trained."""
    mean, cov = x.mean(0), np.cov(x.T, bias=True)
    values, vectors = (part[..., ::-1] for part in np.linalg.eigh(cov))
    noise = values[D:].mean()
    weight = vectors[:, :D] * np.sqrt(values[:D] - noise)
    precision = values[:D] / noise
    into = (weight / values[:D]).T  # (W'W + noise I)^-1 W', and W'W + noise I = diag(values)
    encoder, decoder = model.encoder.body.layers[0], model.decoder.body.layers[0]
    with torch.no_grad():
        encoder.weight.copy_(torch.from_numpy(np.concatenate([into, np.zeros_like(into)])))
        encoder.bias.copy_(torch.from_numpy(np.concatenate([-into @ mean, -np.log(precision)])))
        decoder.weight.copy_(torch.from_numpy(weight.copy()))
        decoder.bias.copy_(torch.from_numpy(mean))
        model.decoder.head.slow_log_sigma.fill_(np.log(noise) / 2 / 10)
    return model


def bounds(model, x, draws):
    """The ELBO of each row."""
    return -sum(elbo(model(torch.from_numpy(x), draws=draws)).values.values()).detach()


def maximum_likelihood(x):
    """scikit-learn divides covariances by n - 1; log-likelihood at the maximum needs n."""
    values = np.sort(np.linalg.eigvalsh(np.cov(x.T, bias=True)))[::-1]
    noise = values[D:].mean()
    return -0.5 * (E * np.log(2 * np.pi) + np.log(values[:D]).sum() + (E - D) * np.log(noise) + E)


def test_the_oracle_agrees_with_the_closed_form(x, pca):
    assert pca.score(x) == pytest.approx(maximum_likelihood(x), abs=1e-4)


def test_linear_vae_meets_the_exact_likelihood_at_the_optimum(x, pca):
    model = set_to_optimum(linear_vae(x), x)
    one = importance_weighted(model(torch.from_numpy(x), draws=1)).values["importance_weighted"]
    assert -one.mean().item() == pytest.approx(maximum_likelihood(x), abs=1e-9)  # exact posterior: no noise at all
    assert -one.mean().item() == pytest.approx(pca.score(x), abs=1e-4)
    rows = pca.score_samples(x)
    np.testing.assert_allclose(-one.detach().numpy(), rows, atol=0.05)  # n against n - 1, row by row
    assert bounds(model, x, 500).mean().item() == pytest.approx(maximum_likelihood(x), abs=0.01)


@pytest.mark.parametrize("size", [0.01, 0.1, 0.3, 1.0])
def test_linear_vae_never_exceeds_the_exact_likelihood_of_the_data(x, size):
    """Anywhere near the optimum: the bound lies below the maximum over all such models."""
    torch.manual_seed(1)
    for _ in range(5):
        model = set_to_optimum(linear_vae(x), x)
        with torch.no_grad():
            for weight in model.parameters():
                weight.add_(size * 0.3 * torch.randn_like(weight))
        assert bounds(model, x, 200).mean().item() < maximum_likelihood(x) + 0.01


def test_at_the_optimum_no_weight_wants_to_move(x):
    torch.manual_seed(2)
    model = set_to_optimum(linear_vae(x), x)
    elbo(model(torch.from_numpy(x), draws=4000)).loss.backward()
    for name, weight in model.named_parameters():
        scale = np.abs(x).max() if "weight" in name and "encoder" in name else 1.0
        assert weight.grad.abs().max() / scale < 0.06, name


def test_trained_linear_vae_nears_the_exact_likelihood_from_below(x, pca):
    """Through the public face: standardised columns inside, scores in the units of X outside."""
    vae = Autoencoder(
        "vae",
        latent=D,
        network=LINEAR,
        likelihood="gaussian",
        epochs=600,
        learning_rate=3e-2,
        batch_size=N,
        validation=0,
        random_state=0,
    ).fit(x)
    scores = vae.score_samples(x).mean()
    # standardising columns makes the noise of PPCA unequal, so the exact answer is the best in standardised units
    z = (x - x.mean(0)) / x.std(0)
    best = maximum_likelihood(z) - np.log(x.std(0)).sum()
    assert scores < best + 0.02
    assert scores > best - 0.15
    assert best == pytest.approx(PCA(D).fit(z).score(z) - np.log(x.std(0)).sum(), abs=1e-4)
    assert vae.score_samples(x, draws=50).mean() < best + 0.02


def test_trained_linear_autoencoder_spans_the_principal_subspace(x):
    z = (x - x.mean(0)) / x.std(0)  # as the model sees it
    ae = Autoencoder(
        "ae", latent=D, network=LINEAR, likelihood="gaussian", epochs=200, learning_rate=1e-2, validation=0, random_state=0
    ).fit(x)
    weight = ae.model_.decoder.body.layers[0].weight.detach().double().numpy()
    assert np.degrees(subspace_angles(weight, PCA(D).fit(z).components_.T)).max() < 2
    error = np.square((ae.reconstruct(x) - x) / x.std(0)).mean()
    pca = PCA(D).fit(z)
    best = np.square(pca.inverse_transform(pca.transform(z)) - z).mean()
    assert best <= error * (1 + 1e-6)
    assert error < best * 1.02


def test_score_is_a_density_in_the_units_of_x(x):
    """The density of 10 X at 10 x is that of X at x, divided by 10^D; nothing else changes."""
    fit = {"latent": D, "epochs": 3, "random_state": 0, "likelihood": "gaussian"}
    small, large = (Autoencoder("ae", **fit).fit(scale * x).score_samples(scale * x) for scale in (1, 1000))
    np.testing.assert_allclose(large, small - E * np.log(1000), atol=2e-3)


@pytest.mark.parametrize("likelihood", ["gaussian", "continuous-bernoulli"])
def test_score_of_bytes_is_a_density_per_byte(likelihood):
    """The same picture as bytes and as numbers in [0, 1] differs by log 255 a pixel."""
    pixels = np.random.default_rng(0).integers(0, 256, (60, 6, 6), dtype=np.uint8)
    pixels[0, 0, :2] = 0, 255
    fit = {"latent": D, "epochs": 2, "random_state": 0, "likelihood": likelihood}
    gray, unit = (Autoencoder("ae", **fit).fit(data).score_samples(data) for data in (pixels, pixels / 255))
    np.testing.assert_allclose(gray, unit - 36 * np.log(255), atol=5e-2)


def test_scores_of_bernoulli_data_are_probabilities_whatever_the_units():
    bits = np.random.default_rng(0).random((60, 6, 6)) > 0.6
    fit = {"latent": D, "epochs": 2, "random_state": 0}
    one, byte = (Autoencoder("ae", **fit).fit(x).score_samples(x) for x in (bits, bits.astype(np.uint8) * 255))
    np.testing.assert_allclose(one, byte, atol=1e-3)
    assert (one < 0).all()
