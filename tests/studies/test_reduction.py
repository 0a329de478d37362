"""Fewer dimensions: maps are measured alike, elbows lie where data was bent, and what cannot be is refused."""

import numpy as np
import pytest
from sklearn.datasets import load_digits, make_swiss_roll

from latentwalk.data import Dataset
from latentwalk.errors import ConfigError, DataError
from latentwalk.latent.criteria.structure import neighbour_preservation, trustworthiness
from latentwalk.networks.build import Network
from latentwalk.studies.dimensions import elbow, elbows, intrinsic_dimension, trials
from latentwalk.studies.methods import has_umap
from latentwalk.studies.reduction import reductions

RNG = np.random.default_rng(0)
FAST = {"epochs": 5, "progress": False, "network": Network(widths=(32,))}


def flat(n, dim, size, noise=0.0):
    """A flat space of `dim` dimensions in `size`, the same whatever test asks for it first."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, dim)) @ np.linalg.qr(rng.normal(size=(size, dim)))[0].T + noise * rng.normal(size=(n, size))


# ------------------------------------------------------------------ maps


def test_pca_of_a_plane_loses_nothing_and_keeps_all_neighbours():
    (found,) = reductions(flat(400, 2, 9), methods=["pca"], latent=[2])
    assert found.quality.error < 1e-10
    assert found.quality.trustworthiness == found.quality.neighbour_preservation == 1
    assert found.quality.class_accuracy is None
    assert found.to_json()["title"] == "PCA"


def test_a_map_that_tears_is_told_from_one_that_folds():
    """A roll laid flat tears nothing and folds nothing; seen from the side it is folded; cut in two it is torn."""
    roll, along = make_swiss_roll(600, random_state=0)
    (whole,) = reductions(Dataset.of(roll), methods=["pca"], latent=[2])
    assert whole.quality.trustworthiness < whole.quality.neighbour_preservation  # folded: strangers meet
    space = whole.tried.space
    unrolled = np.stack([along, roll[:, 1]], axis=1)
    torn = np.where(unrolled[:, :1] > np.median(along), unrolled + 1e3, unrolled)
    scores = {}
    for name, codes in (("flat", unrolled), ("torn", torn)):
        one = type(space)(codes.astype(np.float32), np.zeros((600, 2)), unrolled, space.decode, space.prior, unit=np.ones(1))
        scores[name] = trustworthiness(one), neighbour_preservation(one)
    assert scores["flat"] == pytest.approx((1, 1), abs=1e-3)
    assert scores["torn"][1] < scores["flat"][1]


def test_all_methods_are_judged_on_the_same_rows():
    digits = load_digits()
    data = Dataset.of(digits.images[:500].astype(np.float32), digits.target[:500])
    found = list(reductions(data, methods=["pca", "kernel-pca", "ae"], latent=[2], **FAST | {"epochs": 80}))
    assert [one.tried.title for one in found] == ["PCA", "Kernel PCA", "AE"]
    assert len({one.tried.space.data.tobytes() for one in found}) == 1
    for one in found:
        assert one.tried.space.codes.shape == (50, 2)
        assert 0 < one.quality.error < 0.12
        assert 0.4 < one.quality.trustworthiness <= 1
        assert 0 <= one.quality.class_accuracy <= 1


@pytest.mark.skipif(not has_umap(), reason="umap-learn is not installed")
def test_umap_has_codes_and_no_way_back():
    (found,) = reductions(flat(400, 3, 6), methods=["umap"], latent=[2])
    assert found.quality.error is None
    assert found.quality.trustworthiness > 0.8


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"methods": ["tsne"]}, "unknown method 'tsne'"),
        ({"methods": []}, "at least one method"),
        ({"latent": [9]}, "latent=9: expected a whole number from 1 to 5"),
        ({"latent": [0]}, "latent=0"),
        ({"neighbours": 0}, "neighbours=0"),
    ],
)
def test_maps_that_cannot_be_drawn_are_refused_at_once(options, message):
    with pytest.raises(ConfigError, match=message):
        reductions(flat(400, 2, 5), **{"methods": ["pca"], "latent": [2], **options})


def test_too_few_rows_and_missing_values_are_refused():
    with pytest.raises(DataError, match="rows"):
        reductions(flat(60, 2, 5), methods=["pca"])
    holed = flat(400, 2, 5)
    holed[0, 0] = np.nan
    with pytest.raises(DataError):
        reductions(holed, methods=["pca"])


# ------------------------------------------------------------------ dimensions


@pytest.mark.parametrize("dim", [1, 3, 6])
def test_the_elbow_of_pca_is_the_dimension_of_a_flat_space(dim):
    (found,) = elbows(trials(flat(400, dim, 20, noise=0.005), latent=[12], methods=["pca"]))
    assert found.latent == dim
    assert found.share > 0.95
    assert not found.falling


def test_an_autoencoder_needs_fewer_dimensions_than_pca_on_what_is_bent():
    """A circle in twenty dimensions: one turn, of which PCA needs two at least, and its harmonics more."""
    turn = RNG.uniform(0, 2 * np.pi, 1500)
    waves = np.stack([f(k * turn) for k in (1, 2, 3) for f in (np.sin, np.cos)], axis=1)
    x = waves @ RNG.normal(size=(6, 20))
    options = {"epochs": 60, "progress": False, "network": Network(widths=(64, 64)), "random_state": 0}
    pca, ae = elbows(trials(x, latent=[1, 2, 4, 8], methods=["pca", "ae"], **options))
    assert pca.latent >= 5
    assert ae.latent <= 3
    assert "enough" in str(ae)


def test_a_vae_says_how_many_dimensions_it_uses():
    rng = np.random.default_rng(0)
    ways = rng.normal(size=(2, 10))
    x = rng.normal(size=(500, 2)) @ (ways / np.linalg.norm(ways, axis=0)) + 0.05 * rng.normal(size=(500, 10))  # alike in each
    found = list(trials(x, latent=[6], methods=["vae"], refine=False, epochs=60, progress=False))
    assert found[-1].active in (2, 3)


def test_the_elbow_is_where_the_rest_buys_next_to_nothing():
    assert elbow("ae", {0: 1.0, 1: 0.9, 2: 0.2, 4: 0.19, 8: 0.19}).latent == 2
    assert elbow("ae", {0: 1.0, 1: 0.9, 2: 0.8, 4: 0.6, 8: 0.3}).falling
    assert elbow("ae", {0: 1.0, 2: 1.1}).latent == 0
    with pytest.raises(ConfigError, match="error of the mean"):
        elbow("ae", {1: 1.0, 2: 0.5})


@pytest.mark.parametrize("dim", [1, 2, 4])
def test_the_intrinsic_dimension_of_known_manifolds(dim):
    x = np.sin(flat(3000, dim, 12)) + flat(3000, 1, 12) * 0
    assert intrinsic_dimension(x) == pytest.approx(dim, rel=0.12)
    with pytest.raises(DataError, match="at least 20 different rows"):
        intrinsic_dimension(np.ones((100, 3)))
