"""Comparison: the same data, networks and seeds for all, PCA among them."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from latentwalk.data import Dataset
from latentwalk.data.halves import halves
from latentwalk.errors import ConfigError
from latentwalk.latent.criteria.measure import Measure
from latentwalk.models.recipes import recipe_named
from latentwalk.networks.build import Network
from latentwalk.studies import judgement
from latentwalk.studies.comparison import Comparison
from latentwalk.studies.judgement import Judgement, judge, reconstruction_error
from latentwalk.studies.methods import Rival

RNG = np.random.default_rng(0)
X = RNG.normal(size=(320, 2)) @ RNG.normal(size=(2, 5)) + 0.1 * RNG.normal(size=(320, 5)) + 7
DATA = Dataset.of(X, np.where(X[:, 0] > 7, "right", "left"))
OPTIONS = {"epochs": 2, "random_state": 0, "progress": False, "network": Network(widths=(8,))}


@pytest.fixture
def quick(monkeypatch):
    """Judgements are tested elsewhere; here they would only take time."""
    fixed = Measure("fixed", 0.5, 0.4, 0.6, "a fixed number.")
    monkeypatch.setattr(
        "latentwalk.studies.comparison.judge",
        lambda space: Judgement(reconstruction_error(space), {"continuity": fixed}, None, space.dim, False, None),
    )


def whitened(data):
    return Rival.fit("pca", 2, data, whiten=True).space(data)


def test_members_come_in_order_and_share_rows_to_judge_by(quick):
    entries = [e.tried for e in Comparison(["pca", "ae", recipe_named("vae")], latent=[1, 2], **OPTIONS).fit(DATA).entries_]
    assert [(e.method, e.latent) for e in entries] == [(r, d) for d in (1, 2) for r in ("pca", "ae", "vae")]
    assert [e.title for e in entries[:3]] == ["PCA", "AE", "VAE"]
    assert [e.model is None for e in entries[:3]] == [True, False, False]
    for entry in entries:
        assert entry.space.dim == entry.latent
        assert entry.space.held_out.sum() == 32
        np.testing.assert_array_equal(entry.space.data, entries[0].space.data)
        assert entry.space.classes == ("left", "right")
        assert entry.seconds > 0


def test_a_member_is_what_fitting_it_alone_gives(quick):
    comparison = Comparison(["ae"], latent=[2], **OPTIONS).fit(DATA)
    train, _ = halves(DATA, 0)
    alone = comparison.entries_[0].tried.model.__class__("ae", latent=2, **OPTIONS).fit(train)
    np.testing.assert_array_equal(alone.transform(X), comparison.entries_[0].tried.model.transform(X))


def test_pca_space_is_scikit_learns_pca_whitened():
    pca = PCA(2, whiten=True).fit(X)
    space = whitened(DATA)
    np.testing.assert_allclose(np.cov(space.codes.T), np.eye(2), atol=1e-5)
    np.testing.assert_allclose(space.decode(space.codes), pca.inverse_transform(pca.transform(X)), rtol=1e-5)
    expected = np.square((space.decode(space.codes) - X) / X.std(0)).mean()
    assert reconstruction_error(space) == pytest.approx(expected, rel=1e-4)


def test_error_is_measured_in_units_of_the_data():
    """Bytes and the same picture in [0, 1] have the same error."""
    pixels = np.random.default_rng(0).integers(0, 256, (60, 5, 5), dtype=np.uint8)
    pixels[0, 0, :2] = 0, 255
    errors = [reconstruction_error(whitened(Dataset.of(x))) for x in (pixels, pixels / 255)]
    assert errors[0] == pytest.approx(errors[1], rel=1e-4)


def test_halves_part_the_rows_and_repeat():
    train, test = halves(DATA, 3)
    assert (len(train), len(test)) == (288, 32)
    rows = np.concatenate([train.x, test.x])
    np.testing.assert_array_equal(np.sort(rows[:, 0]), np.sort(X[:, 0]))
    np.testing.assert_array_equal(halves(DATA, 3)[1].x, test.x)


def test_table_has_a_row_for_each_member_and_numbers_only(quick):
    comparison = Comparison(["pca"], latent=[2], **OPTIONS).fit(X)
    (row,) = comparison.table()
    assert row["model"] == "PCA"
    numbers = [value for name, value in row.items() if name not in ("model", "class accuracy")]
    assert all(isinstance(value, (int, float)) for value in numbers)
    assert row["class accuracy"] is None  # no labels
    assert row["fixed"] == 0.5
    assert row["error"] == reconstruction_error(comparison.entries_[0].tried.space)


def test_judge_gathers_every_number(monkeypatch):
    asked = []
    for name in ("continuity", "completeness", "reach"):
        answer = Measure(name, 0.5, 0.4, 0.6, "fixed.")
        monkeypatch.setattr(judgement, name, lambda *args, answer=answer, **_: asked.append(args[1:]) or answer)
    space = whitened(DATA)
    judged = judge(space)
    assert sorted(asked) == [(), ("gaussian",), ("gaussian",), ("prior",), ("prior",)]
    assert list(judged.measures) == ["continuity", "prior", "prior_reach", "matched", "matched_reach"]
    assert judged.error == reconstruction_error(space)
    assert judged.class_accuracy > 0.7


def test_arrays_are_taken_as_data(quick):
    assert len(Comparison(["pca"], latent=[1], **OPTIONS).fit(X).entries_) == 1


@pytest.mark.parametrize(
    ("fit", "message"),
    [
        (lambda: Comparison([]).fit(DATA), "at least one recipe"),
        (lambda: Comparison(latent=[]).fit(DATA), "at least one recipe and one number"),
        (lambda: Comparison(["vea"], **OPTIONS).fit(DATA), "Did you mean 'vae'"),
        (lambda: Comparison(["pca"]).fit(DATA.take(np.arange(30))), "30 rows are too few"),
        (lambda: Comparison(["pca"], latent=[6]).fit(DATA), "latent=6"),
    ],
)
def test_refusals_say_what_would_do(fit, message):
    with pytest.raises(ConfigError, match=message):
        fit()
