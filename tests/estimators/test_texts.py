"""Texts through the one face: strings in, strings out; what is learnt by heart comes back exactly."""

import json
import re
import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch

from latentwalk import (
    Autoencoder,
    Comparison,
    ConfigError,
    DataError,
    Dataset,
    DataWarning,
    LatentSpace,
    Network,
    Recipe,
    Settings,
    continuity,
    linear,
)
from latentwalk.data.edits import edit_distance
from latentwalk.models.recipes import RECIPES, suited
from latentwalk.models.start import begin_anew
from latentwalk.studies.dimensions import intrinsic_dimension, trials
from latentwalk.training import loop

TEXTS = ["one cat", "two dogs", "no", "three mice & <b>", "", "a dog sings"]
QUIET = {"progress": False, "random_state": 0}


@pytest.fixture(scope="module")
def learnt():
    """A model that has learnt six texts by heart."""
    network = Network("gru", widths=(48,))
    model = Autoencoder("ae", latent=6, network=network, epochs=150, learning_rate=0.01, validation=0, batch_size=6, **QUIET)
    return model.fit(TEXTS)


@pytest.mark.parametrize("kind", ["transformer"])
def test_another_network_learns_by_heart_and_is_kept_as_well(kind, tmp_path):
    options = {"epochs": 120, "learning_rate": 0.003, "validation": 0, "batch_size": 6, "complete": False, **QUIET}
    model = Autoencoder("ae", latent=6, network=Network(kind, widths=(32,), tied=True), **options).fit(TEXTS)
    assert model.reconstruct(TEXTS) == TEXTS
    model.save(tmp_path)
    again = Autoencoder.load(tmp_path)
    assert again.reconstruct(TEXTS) == TEXTS
    np.testing.assert_allclose(again.score_samples(TEXTS), model.score_samples(TEXTS))


@pytest.fixture(scope="module")
def vae():
    """One that has learnt next to nothing, of many texts."""
    texts = [f"the {who} {does}" for who in ("cat", "dog", "king") for does in ("sleeps", "sings", "eats", "runs")] * 5
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Autoencoder("vae", network=Network("lstm", widths=(16,)), epochs=2, **QUIET).fit(texts), texts


def test_what_was_learnt_by_heart_comes_back_exactly(learnt):
    assert learnt.reconstruct(TEXTS) == TEXTS
    assert learnt.inverse_transform(learnt.transform(TEXTS)) == TEXTS
    assert learnt.score_samples(TEXTS).min() > -0.5
    assert learnt.score_each(TEXTS).shape == (6, 17)
    np.testing.assert_allclose(learnt.score_each(TEXTS).sum(axis=1), learnt.score_samples(TEXTS), atol=1e-4)


def test_a_row_alone_has_the_code_and_the_score_it_has_among_others(learnt):
    for row, text in enumerate(TEXTS):
        assert np.array_equal(learnt.transform([text])[0], learnt.transform(TEXTS)[row])
        assert learnt.score_samples([text])[0] == learnt.score_samples(TEXTS)[row]


def test_moves_take_texts_and_give_texts(learnt):
    space = learnt.space(TEXTS)
    walk = space.walk("one cat", 1, steps=5)
    assert (walk.texts[0], walk.texts[-1], len(walk.texts)) == ("one cat", "two dogs", 5)
    assert space.blend(["no", 2]).texts == ["no"]
    assert space.graft("no", np.zeros(6)).texts == ["no"]
    assert space.graft(["no", "two dogs"], np.zeros(6)).texts == ["no", "two dogs"]
    assert space.swap(0, 0, axes=[1]).texts == ["one cat"]
    assert "three mice &amp; &lt;b&gt;" in space.blend([3])._repr_html_()
    assert walk.length > 0
    assert space.walk(np.zeros(6, int), 0, steps=2).z[0].tolist() == [0] * 6  # whole numbers may be a code, too
    with pytest.raises(DataError, match="text 0 has 40 units"):
        space.walk("x" * 40, 0)


def test_a_saved_model_is_the_same_and_holds_no_code(learnt, tmp_path):
    learnt.save(tmp_path)
    again = Autoencoder.load(tmp_path)
    assert again.spec_ == learnt.spec_
    assert again.reconstruct(TEXTS) == TEXTS
    assert '"kind": "characters"' in (tmp_path / "model.json").read_text()
    assert {file.suffix for file in tmp_path.iterdir()} <= {".json", ".safetensors"}


def test_pictures_of_texts_and_files(learnt, tmp_path):
    walk = learnt.space(TEXTS).walk(0, 1, steps=3)
    assert walk.content(".txt").decode().splitlines() == walk.texts
    assert walk.content(".png").startswith(b"\x89PNG")
    with pytest.raises(ConfigError, match="a film shows images or signals"):
        walk.save(tmp_path / "walk.gif")


def test_a_vae_is_cured_of_collapse_by_default(vae):
    model, _ = vae
    assert model.trained_.latent == 32
    assert model.recipe_.target_rate == 8
    assert (model.recipe_.beta.value, model.recipe_.beta.rise) == (1, 5)
    assert suited(RECIPES["ae"], model.spec_) == RECIPES["ae"]
    plain = Recipe("plain", generative=True)
    assert suited(plain, model.spec_) == plain  # who gives another recipe gets it
    assert suited(RECIPES["vae"], Dataset.of(np.eye(3)).spec) == RECIPES["vae"]


def test_draws_and_scores_and_the_space_of_a_vae(vae):
    model, texts = vae
    assert len(model.sample(5)) == 5
    assert all(isinstance(one, str) for one in model.sample(3, source="prior"))
    assert model.sample(4) == model.sample(4)
    bounds = [model.score(texts)]
    assert np.isfinite(bounds).all()
    assert (model.score_samples(texts[:8], draws=50) >= model.score_samples(texts[:8]) - 2).all()
    assert len(model.fit_sampler(texts, "vamp").sample(2)) == 2
    space = model.space(texts)
    assert isinstance(space, LatentSpace)
    assert 0 <= continuity(space, most=50).value <= 1
    diagnosis = model.space(texts * 2).diagnose(texts[:3])
    found = {one.name for one in diagnosis.findings}
    assert {"collapse", "under-trained", "out-of-range data"} <= found
    assert {"blurry decoder", "too few dimensions", "over-regularised"} <= set(diagnosis.unseen)  # which are seen in values
    assert "error of PCA" not in diagnosis.numbers


def test_what_takes_long_is_asked_for_once(vae):
    model, texts = vae
    space, decoded = model.space(texts), []
    space = replace(space, decode=lambda z: decoded.append(len(z)) or model.trained_.decode(z))
    first = continuity(space)
    count = sum(decoded)
    assert count <= 10 * len(space)
    assert continuity(space) == first and continuity(space, most=5_000) == first and sum(decoded) == count
    continuity(space, seed=1)
    assert sum(decoded) > count


def test_edits_are_a_distance():
    rows = Dataset.of(["kitten", "sitting", "", "kitten"]).x
    assert edit_distance(rows[[0, 0, 0, 2]], rows[[1, 3, 2, 2]]).tolist() == [3 / 7, 0, 1, 0]
    rng = np.random.default_rng(0)
    some = Dataset.of(["".join(rng.choice(list("ab"), rng.integers(0, 7))) + "a" for _ in range(40)]).x
    a, b, c = some[rng.integers(0, 40, (3, 200))]
    longest = np.maximum.reduce([(row != 0).sum(axis=1) for row in (a, b)])
    edits = edit_distance(a, b) * longest
    np.testing.assert_allclose(edit_distance(b, a), edit_distance(a, b))
    assert (edit_distance(a, b) == 0).tolist() == (a == b).all(axis=1).tolist()
    whole = [edit_distance(x, y) * np.maximum((x != 0).sum(axis=1), (y != 0).sum(axis=1)) for x, y in ((a, c), (c, b))]
    assert (edits <= whole[0] + whole[1] + 1e-9).all()


@pytest.mark.parametrize("length", [1, 8, 9, 16, 33, 64, 65, 130])
def test_edits_are_those_of_the_table(length):
    rng = np.random.default_rng(length)
    a, b = rng.integers(2, 6, (2, 12, length + 1)).astype(np.int32)
    b[:6] = a[:6]
    b[rng.random(b.shape) < 0.1] = 3
    for rows in (a, b):
        for row, end in zip(rows, rng.integers(0, length + 1, 12), strict=True):
            row[end:] = 0
    for x, y, found in zip(a, b, edit_distance(a, b), strict=True):
        x, y = ([int(one) for one in row[: int(np.argmax(row == 0))]] for row in (x, y))
        line = list(range(len(y) + 1))
        for at, unit in enumerate(x, 1):
            before, line = line, [at]
            for to, other in enumerate(y, 1):
                line.append(min(before[to - 1] + (unit != other), before[to] + 1, line[-1] + 1))
        assert found == pytest.approx(line[-1] / max(len(x), len(y), 1))


def test_a_condition_is_told_to_both_networks():
    texts, moods = ["yes", "yep", "no", "nope"] * 6, ["good", "good", "bad", "bad"] * 6
    network = Network("gru", widths=(24,))
    options = {"network": network, "condition": True, "epochs": 60, "learning_rate": 0.02, "validation": 0, **QUIET}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = Autoencoder(Recipe("told", generative=True), latent=1, **options).fit(texts, moods)
    assert {text[0] for text in model.sample(6, condition="bad")} == {"n"}
    assert {text[0] for text in model.sample(6, condition="good")} == {"y"}


@pytest.mark.parametrize("pretraining", [0, 1, 1.5])
def test_training_goes_on_as_if_it_had_never_stopped(tmp_path, pretraining):
    texts = [f"{one} {two}" for one in "abcdef" for two in ("xyz", "x", "yyyyy")]
    options = {"network": Network("gru", widths=(8,)), "batch_size": 4, "latent": 4, "complete": False, **QUIET}
    recipe = Recipe("mine", beta=linear(over=1), target_rate=2, pretraining=pretraining, generative=True)
    whole = Autoencoder(recipe, epochs=3, **options).fit(texts)
    Autoencoder(recipe, epochs=1, **options).fit(texts, checkpoint=tmp_path)
    again = Autoencoder(recipe, epochs=3, **options).fit(texts, checkpoint=tmp_path)
    assert np.array_equal(again.transform(texts), whole.transform(texts))


def test_after_pretraining_the_decoder_begins_anew_and_the_encoder_does_not(monkeypatch):
    texts = [f"{one} {two}" for one in "abcdef" for two in ("xyz", "x", "yyyyy")]
    seen = []

    def spied(part):
        before = [weight.detach().clone() for weight in part.parameters()]
        begin_anew(part)
        seen.append([not torch.equal(one, now) for one, now in zip(before, part.parameters(), strict=True)])

    monkeypatch.setattr(loop, "begin_anew", spied)
    options = {"network": Network("gru", widths=(8,), tied=True), "latent": 4, "batch_size": 4, "complete": False, **QUIET}
    recipe = Recipe("mine", beta=linear(over=1), pretraining=2, generative=True)
    model = Autoencoder(recipe, epochs=4, **options).fit(texts)
    assert len(seen) == 1 and all(seen[0])
    first, second, third, _ = model.history_
    for epoch in (first, second):  # nothing weighs but what comes out
        assert epoch.loss == pytest.approx(epoch.train["reconstruction"], rel=1e-5)
    assert third.loss > third.train["reconstruction"]
    assert third.best  # what was best before is no more
    model.set_params(warm_start=True, epochs=1).fit(texts)
    assert len(seen) == 1  # who goes on has nothing to begin anew
    with pytest.raises(ConfigError, match="pretraining=2 is for texts and music; the data is a table"):
        Autoencoder(recipe, latent=2, **QUIET).fit(np.eye(4))


def test_words_of_new_texts_that_were_never_learnt_are_told():
    model = Autoencoder("ae", network=Network("gru", widths=(8,)), epochs=1, **QUIET).fit(["a b c", "c b a"] * 10)
    with pytest.warns(DataWarning, match=r"1 of 2 units \(words\) were never learnt from, the first in text 1"):
        model.transform(["a", "new"])
    with pytest.raises(DataError, match="X is one text"):
        model.transform("a b")
    with pytest.raises(DataError, match="row 1 has no end"):
        model.transform(np.array([[2, 3, 4, 0], [2, 3, 4, 2]]))
    with pytest.raises(DataError, match="row 0, place 1 is 9, and there are 5 units"):
        model.transform(np.array([[2, 9, 0, 0]]))
    with pytest.raises(DataError, match="expected texts, a list of strings; got float64"):
        model.transform(np.zeros((2, 3)))


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (lambda model: model.denoise(TEXTS), "denoise is for images, tables and signals"),
        (lambda model: model.impute(TEXTS), "impute is for images"),
        (
            lambda model: Comparison(["ae", "pca"], latent=[2]).fit([f"{one} {two}" for one in range(30) for two in range(12)]),
            "PCA reads values",
        ),
        (lambda model: intrinsic_dimension(Dataset.of(TEXTS)), "need values, and texts"),
        (lambda model: list(trials(Dataset.of(TEXTS * 9), latent=[2])), "how many dimensions data needs"),
        (lambda model: model.space(TEXTS).direction("happy"), "nothing is known of these examples by name"),
        (lambda model: Autoencoder("ae", network="conv", **QUIET).fit(TEXTS), "network='conv' does not read texts"),
        (
            lambda model: Autoencoder("ae", network="hierarchical", **QUIET).fit(TEXTS),
            "needs music; the data is a text .* 'gru'",
        ),
        (lambda model: Autoencoder("ae", network="transformer", **QUIET).fit(np.eye(3)), "needs texts or music; .* 'dense'"),
        (lambda model: Autoencoder("ae", network=Network(tied=True)).fit(np.eye(3)), "tied=True is for texts and music"),
        (lambda model: Network("transformer", blocks=0), "blocks=0 leaves a transformer without layers"),
        (lambda model: Autoencoder("ae", likelihood="gaussian", **QUIET).fit(TEXTS), 'not for a text. Use "units"'),
        (lambda model: Autoencoder("ae", likelihood="units", **QUIET).fit(np.eye(3)), "not for a table"),
        (lambda model: Autoencoder("denoising", **QUIET).fit(TEXTS), "noise is put on values"),
        (lambda model: Autoencoder("contractive", **QUIET).fit(TEXTS), "needs values to take gradients of"),
        (lambda model: Autoencoder("ae", network=Network(word_dropout=0.2)).fit(np.eye(3)), "word_dropout=0.2 is for texts"),
        (lambda model: model.fit_sampler(TEXTS, "vamp"), "a VampPrior is made of posteriors"),
        (lambda model: Autoencoder("ae", **QUIET).fit(["", " "]), "not one letter"),
        (lambda model: Autoencoder("ae", **QUIET).fit(["one"]), "found 1 sample"),
        (lambda model: Autoencoder("ae", **QUIET).fit(np.eye(3)).transform(TEXTS), "X is texts; the model learnt from a table"),
    ],
)
def test_what_makes_no_sense_is_told(learnt, what, said):
    with pytest.raises((ConfigError, DataError), match=said):
        what(learnt)


def test_several_parts_of_a_batch_are_one_step():
    texts = [f"{one}{two}" for one in "abcd" for two in ("x", "yyy", "zz")]
    options = {"network": Network("gru", widths=(8,)), "batch_size": 6, "latent": 2, "epochs": 2, "complete": False, **QUIET}
    alone = Autoencoder(Recipe("plain"), **options).fit(texts)
    parts = Autoencoder(Recipe("plain"), training=Settings(accumulate=3), **options).fit(texts)
    np.testing.assert_allclose(parts.transform(texts), alone.transform(texts), atol=1e-4)


def test_a_model_kept_before_there_were_places_answers_as_it_did(tmp_path):
    network = Network("gru", widths=(8,), positions=False)
    model = Autoencoder("ae", network=network, epochs=1, batch_size=4, latent=3, complete=False, **QUIET).fit(TEXTS)
    model.save(tmp_path)
    file = tmp_path / "model.json"
    file.write_text(re.sub(r'\s*"(positions|tied|pretraining|target_rate)": [^,}]*,?', "", file.read_text()).replace(",}", "}"))
    kept = json.loads(re.sub(r",(\s*})", r"\1", file.read_text()))
    file.write_text(json.dumps(kept))
    assert "positions" not in file.read_text()
    again = Autoencoder.load(tmp_path)
    assert again.model_.decoder.body.places is None
    assert again.reconstruct(TEXTS) == model.reconstruct(TEXTS)
    np.testing.assert_array_equal(again.transform(TEXTS), model.transform(TEXTS))
