"""Autoencoder: what it promises of its numbers, of training, and of bad input."""

import json
import warnings
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.base import clone

from latentwalk.data import Dataset, DataSpec
from latentwalk.errors import (
    CheckpointError,
    ConfigError,
    DataError,
    DataWarning,
    LatentwalkError,
    NotGenerativeError,
    TrainingError,
)
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.latent.completion import Completion
from latentwalk.latent.criteria.measure import Measure
from latentwalk.latent.samplers import KINDS, Isotropic, flow, resampled
from latentwalk.models import inference
from latentwalk.models.likelihood import Likelihood
from latentwalk.models.recipes import RECIPES, Recipe
from latentwalk.models.schedule import linear
from latentwalk.models.sparsity import Sparsity
from latentwalk.networks.build import Network
from latentwalk.training.settings import Settings

RNG = np.random.default_rng(0)
TABLE = RNG.normal(size=(60, 2)) @ RNG.normal(size=(2, 5)) + 0.3 * RNG.normal(size=(60, 5))
BITS = RNG.random((60, 6, 7)) > 0.5


def auto(recipe="vae", **options):
    usual = {"epochs": 2, "random_state": 0, "progress": False, "network": Network(widths=(16,))}
    return Autoencoder(recipe, **usual | options)


def weights(model):
    return {name: value.clone() for name, value in model.model_.state_dict().items()}


def same(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


# ------------------------------------------------------------------ codes


@pytest.mark.parametrize(
    ("shape", "network", "threads"),
    [
        ((5,), Network("dense"), 1),
        ((28, 28), Network("dense"), 1),
        ((28, 28), Network("dense"), 2),
        ((27, 31, 3), Network("conv", channels=(8, 16)), 1),
        ((3, 27, 31), Network("conv", channels=(8, 16)), 2),
        ((3, 27, 31), Network("dense", widths=(64,)), 1),
    ],
    ids=["table", "gray", "gray, 2 threads", "HWC", "CHW, 2 threads", "CHW, dense"],
)
def test_a_row_has_the_same_code_alone_as_among_others(shape, network, threads):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        few = np.random.default_rng(1).random((32, *shape)).astype(np.float32)
        model = auto(network=network, epochs=1).fit(few)
        size = inference.chunk(model.model_)
        x = np.random.default_rng(2).random((size + 9, *shape)).astype(np.float32)
        together = model.transform(x)
        decoded, scores = model.reconstruct(x), model.score_samples(x, draws=2)
        for row in (0, 1, size - 1, size, size + 8):
            np.testing.assert_array_equal(model.transform(x[row : row + 1])[0], together[row])
            np.testing.assert_array_equal(model.reconstruct(x[row : row + 1])[0], decoded[row])
            np.testing.assert_array_equal(model.score_samples(x[row : row + 1], draws=2)[0], scores[row])
        for some in (slice(3), slice(size - 2, size + 8), slice(5, 45)):
            np.testing.assert_array_equal(model.transform(x[some]), together[some])
            np.testing.assert_array_equal(model.reconstruct(x[some]), decoded[some])
            np.testing.assert_array_equal(model.score_samples(x[some], draws=2), scores[some])
        order = np.random.default_rng(2).permutation(len(x))
        np.testing.assert_array_equal(model.transform(x[order]), together[order])
        np.testing.assert_array_equal(model.score_samples(x[order], draws=2), scores[order])
    finally:
        torch.set_num_threads(before)


def test_a_few_rows_go_in_a_small_chunk_where_that_rounds_as_a_large_one(monkeypatch):
    model, sizes, real = auto(latent=3).fit(TABLE), [], inference.Coder._answers
    monkeypatch.setattr(inference.Coder, "_answers", lambda *given: sizes.append(given[-1]) or real(*given))
    model.transform(TABLE[:3])  # which tries it out
    small = sizes[-1]
    model.transform(TABLE[:3])
    assert sizes[-2:] == [small, small]
    assert small in inference.SMALL
    inference._alike.pop(model.model_)
    monkeypatch.setattr(inference.Coder, "_rounds_alike", lambda *given: False)
    model.transform(TABLE[:3])
    assert sizes[-1] == inference.DENSE


class Rows:
    """Rows that are read when a slice is asked for, and remember how many were read at once."""

    def __init__(self, x):
        self.x, self.shape, self.dtype, self.most = x, x.shape, x.dtype, 0

    def __len__(self):
        return len(self.x)

    def __getitem__(self, rows):
        assert isinstance(rows, slice)
        self.most = max(self.most, len(self.x[rows]))
        return self.x[rows]


def test_rows_are_read_a_chunk_at_a_time():
    x = np.random.default_rng(0).integers(0, 256, (1100, 6, 7), dtype=np.uint8)
    model = auto(latent=3).fit(x[:50])
    rows = Rows(x)
    coder = inference.Coder(model.model_)
    for use in (coder.encode, lambda x: [coder.bound(x, 2)], lambda x: [coder.log_probs(x)]):
        for lazy, whole in zip(use(rows), use(x), strict=True):
            np.testing.assert_array_equal(lazy, whole)
    assert rows.most == inference.chunk(model.model_)


@pytest.mark.parametrize("recipe", RECIPES)
def test_answers_have_the_shape_and_units_of_x(recipe):
    x = np.random.default_rng(0).integers(0, 256, (50, 6, 7, 3), dtype=np.uint8)
    model = auto(recipe, latent=3, epochs=60, learning_rate=1e-2).fit(x)
    codes = model.transform(x)
    assert (codes.shape, codes.dtype) == ((50, 3), np.float32)
    for back in (model.inverse_transform(codes), model.reconstruct(x), model.denoise(x)):
        assert back.shape == x.shape
        assert abs(back.mean() - x.mean()) < 20
    assert model.score_samples(x).shape == (50,)
    assert model.score(x) == pytest.approx(model.score_samples(x).mean())
    assert np.isfinite(model.score(x))
    assert model.inverse_transform(np.zeros((0, 3))).shape == (0, 6, 7, 3)


def test_scores_repeat_and_grow_with_draws():
    model = auto(epochs=10).fit(TABLE)
    np.testing.assert_array_equal(model.score_samples(TABLE, 3), model.score_samples(TABLE, 3))
    tables = [TABLE + 1e-7 * i for i in range(30)]  # other draws for each i: those of one table differ by more than 10 and 200
    scores = [np.mean([model.score_samples(table, draws) for table in tables]) for draws in (1, 10, 200)]
    assert scores == sorted(scores)


def test_score_is_the_elbo_that_training_logs():
    model = auto(epochs=30, validation=0.5, likelihood="gaussian", network=Network(widths=(16,), start="mean")).fit(TABLE)
    best = min(epoch.validation_loss for epoch in model.history_)
    volume = np.log(TABLE.std(0)).sum()  # training counts in standardised columns
    score = np.mean([model.score(TABLE[model.validation_rows_] + 1e-9 * i) for i in range(40)])  # other noise for each i
    assert -score - volume == pytest.approx(best, abs=0.3)


def test_samples_follow_the_prior_and_repeat_with_an_integer_seed():
    model = auto(epochs=10).fit(TABLE)
    np.testing.assert_array_equal(model.sample(5), model.sample(5))
    np.testing.assert_array_equal(model.sample(5), auto(epochs=10).fit(TABLE).sample(5))
    assert model.sample(0).shape == (0, 5)
    centre = model.inverse_transform(np.zeros((1, 2)))
    np.testing.assert_array_equal(model.sample(3, temperature=0.0, source="prior"), np.repeat(centre, 3, axis=0))
    moving = auto(random_state=np.random.RandomState(0)).fit(TABLE)
    assert not np.array_equal(moving.sample(5), moving.sample(5))


@pytest.mark.parametrize("recipe", ["ae", "denoising", "vae-without-kl"])
def test_what_cannot_be_sampled_says_what_to_do(recipe):
    model = auto(recipe, complete=False).fit(TABLE)
    with pytest.raises(NotGenerativeError, match=r'fit_sampler\(X, "mixture"\).*latentwalk complete RUN.*recipe="vae"'):
        model.sample()
    with pytest.raises(NotGenerativeError, match="no sampler was fitted"):
        model.sample(source="fitted")
    with pytest.raises(ConfigError, match=r'space\(X\).sample\(n, "mixture"\)'):
        model.sample(source="mixture")
    assert model.space(TABLE).sample(4, source="gaussian").x.shape == (4, 5)


def test_a_fitted_sampler_makes_any_recipe_generative():
    model = auto("ae").fit(TABLE).fit_sampler(TABLE, "gaussian")
    codes = model.transform(TABLE).astype(float)
    centre = model.inverse_transform(codes.mean(axis=0, keepdims=True))
    np.testing.assert_allclose(model.sample(2, temperature=0), np.repeat(centre, 2, axis=0), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(model.sample(5), model.sample(5, source="fitted"))
    assert model.space(TABLE).fitted is model.sampler_
    assert model.likeness_ == {}  # 60 rows tell nothing
    given = model.space(TABLE).sampler("mixture")
    assert model.sample(3, source=given).shape == (3, 5)
    with pytest.raises(DataError, match="Name one"):
        model.fit_sampler(TABLE)
    with pytest.raises(ConfigError, match="none"):
        model.fit_sampler(TABLE, "vamp")
    assert model.set_params(complete=False).fit(TABLE).sampler_ is None  # it was of other weights
    with pytest.raises(NotGenerativeError, match="no prior"):
        auto("ae").fit(TABLE).sample(source="prior")


def test_a_vamp_prior_goes_through_the_encoder():
    vae = auto().fit(TABLE).fit_sampler(TABLE, "vamp")
    assert vae.sampler_.means.shape == (60, 2)
    means, scales = vae.space(TABLE).codes, vae.space(TABLE).scales
    assert np.linalg.norm(vae.sampler_.means.mean(axis=0) - means.mean(axis=0)) < 1
    assert 0.3 < vae.sampler_.scales.mean() / scales.mean() < 3
    np.testing.assert_array_equal(vae.sample(3, source="prior"), auto(complete=False).fit(TABLE).sample(3))
    missing = np.where(np.random.default_rng(0).random(TABLE.shape) < 0.2, np.nan, TABLE)
    assert np.isfinite(auto().fit(missing).fit_sampler(missing, "vamp").sample(3)).all()


def test_complete_fits_a_sampler_after_training(monkeypatch):
    fitted = auto("ae", complete="neighbours").fit(TABLE)
    assert fitted.sampler_.kind == "neighbours"
    np.testing.assert_array_equal(fitted.sample(3), auto("ae").fit(TABLE).fit_sampler(TABLE, "neighbours").sample(3))
    for complete, told in (("mixtures", "Did you mean 'mixture'"), ("vamp", "has none"), (3, "unknown sampler 3")):
        model = auto("ae", complete=complete)
        with pytest.raises(ConfigError, match=told):
            model.fit(TABLE)
        assert not hasattr(model, "model_")  # said before anything was learnt
    asked = []
    monkeypatch.setattr(
        "latentwalk.estimators.trained.completion",
        lambda *_, **how: asked.append(how["candidates"]) or Completion(Isotropic(2), {}),
    )
    for recipe in ("ae", "vae-without-kl", "vae"):
        auto(recipe, complete=True).fit(TABLE)
    assert [{"prior", "vamp"} & set(kinds) for kinds in asked] == [set(), {"vamp"}, {"prior", "vamp"}]


@pytest.mark.parametrize("kind", KINDS)
def test_a_sampler_is_saved_with_the_model(tmp_path, kind, monkeypatch):
    monkeypatch.setattr(flow, "STEPS", 5)
    monkeypatch.setattr(resampled, "THOROUGHLY", replace(resampled.THOROUGHLY, steps=5))
    model = auto().fit(TABLE).fit_sampler(TABLE, kind)
    measured = {kind: Measure("likeness", 0.9, 0.8, 1.0, "so it is", {"held_out": 3.0})}
    model.trained_ = replace(model.trained_, likeness=measured)
    model.save(tmp_path)
    again = Autoencoder.load(tmp_path)
    assert type(again.sampler_) is KINDS[kind] and again.likeness_ == model.likeness_
    np.testing.assert_array_equal(again.sample(20, 0.7), model.sample(20, 0.7))
    model.set_params(complete=False).fit(TABLE).save(tmp_path)
    assert Autoencoder.load(tmp_path).sampler_ is None


def test_a_model_saved_before_there_were_samplers_is_loaded(tmp_path):
    auto().fit(TABLE).save(tmp_path)
    header = json.loads((tmp_path / "model.json").read_text())
    del (
        header["model"]["sampler"],
        header["model"]["likeness"],
        header["model"]["drawing"],
        header["model"]["params"]["complete"],
    )
    (tmp_path / "model.json").write_text(json.dumps(header))
    again = Autoencoder.load(tmp_path)
    assert again.sampler_ is None and again.likeness_ == {} and again.complete is False


def test_a_sampler_of_another_model_is_refused(tmp_path):
    model = auto().fit(TABLE)
    model.trained_ = replace(model.trained_, sampler=Isotropic(3))
    model.save(tmp_path)
    with pytest.raises(CheckpointError, match="its sampler has 3 dimensions, its codes 2"):
        Autoencoder.load(tmp_path)


def test_the_space_is_what_transform_and_inverse_transform_say():
    data = Dataset.of(TABLE, np.where(TABLE[:, 0] > 0, "up", "down"))
    model = auto().fit(data)
    held = np.isin(np.arange(60), model.validation_rows_)
    space = model.space(data, held_out=held)
    np.testing.assert_array_equal(space.codes, model.transform(TABLE))
    np.testing.assert_array_equal(space.walk(0, 1).x[0], model.reconstruct(TABLE[:1])[0])
    assert (space.classes, space.held_out.sum()) == (("down", "up"), len(model.validation_rows_))
    assert (space.scales > 0).all()
    assert (auto("ae").fit(TABLE).space(TABLE).scales == 0).all()
    np.testing.assert_array_equal(model.space(TABLE, data.y).labels, data.y)
    with pytest.raises(DataError, match=r"held_out must be a mask: 60 booleans.*np.isin"):
        model.space(data, held_out=model.validation_rows_)


# ------------------------------------------------------------------ data of every kind


@pytest.mark.parametrize("dtype", ["bool", "uint8", "uint16", "int64", "uint64", "float16", "float64", "longdouble", ">f4"])
@pytest.mark.parametrize("shape", [(6,), (5, 6), (5, 6, 3)], ids=str)
def test_every_dtype_fits_and_comes_back(dtype, shape):
    x = (np.random.default_rng(0).random((30, *shape)) * 100).astype(dtype)
    model = auto().fit(x)
    assert model.reconstruct(x).shape == x.shape
    assert np.isfinite(model.score_samples(x)).all()


def test_the_same_numbers_in_another_dtype_train_the_same_model():
    x = np.random.default_rng(0).integers(0, 100, (40, 5))
    models = [auto().fit(x.astype(dtype)) for dtype in ("int64", "float64", "uint8", "uint16")]
    assert all(same(weights(models[0]), weights(other)) for other in models[1:])


def test_a_read_only_memory_map_is_neither_copied_nor_written(tmp_path):
    np.save(tmp_path / "x.npy", BITS.astype(np.float32))
    x = np.load(tmp_path / "x.npy", mmap_mode="r")
    model = auto().fit(x)
    assert model.transform(x).shape == (60, 2)
    assert isinstance(model.space(x).data, np.memmap)
    np.testing.assert_array_equal(x, BITS)


def test_x_is_not_modified_and_lists_and_arrays_are_the_same():
    x = TABLE.copy()
    a = auto().fit(x).transform(x)
    np.testing.assert_array_equal(x, TABLE)
    np.testing.assert_array_equal(auto().fit(x.tolist()).transform(x.tolist()), a)
    np.testing.assert_array_equal(auto().fit(np.asfortranarray(x)).transform(x[:, ::1]), a)
    np.testing.assert_array_equal(auto().fit(Dataset.of(x)).transform(x), a)


@pytest.mark.parametrize(
    ("n", "options"),
    [
        (2, {}),
        (3, {"validation": 0.99}),
        (7, {"batch_size": 3}),
        (5, {"batch_size": 1}),
        (9, {"batch_size": np.int64(4), "validation": 0.5}),
        (4, {"validation": 0.1}),
    ],
)
def test_few_rows_and_odd_batches_train(n, options):
    model = auto(**options).fit(TABLE[:n])
    assert len(model.history_) == 2
    assert len(model.validation_rows_) < n
    assert len(set(model.validation_rows_)) == len(model.validation_rows_)


def test_validation_rows_are_not_trained_on():
    """Whatever stands in them, the weights are the same (were it not for the choice of the best epoch)."""
    one = {"epochs": 1, "network": Network(widths=(16,), start="mean")}
    first = auto(**one).fit(BITS)
    other = BITS.copy()
    other[first.validation_rows_] ^= True
    assert same(weights(first), weights(auto(**one).fit(other)))


@pytest.mark.parametrize(
    "how", [list, tuple, np.array, lambda rows: np.isin(np.arange(60), rows), lambda rows: range(5, 60, 11)]
)
def test_which_rows_choose_can_be_said_and_is_kept(how, tmp_path):
    rows = list(range(5, 60, 11))
    model = auto(validation=how(rows)).fit(TABLE)
    assert model.validation_rows_.tolist() == rows
    spoilt = TABLE.copy()
    spoilt[0] += 1
    assert same(weights(model), weights(auto(validation=rows).fit(TABLE)))
    assert not same(weights(model), weights(auto(validation=rows).fit(spoilt)))
    model.save(tmp_path / "model")
    again = Autoencoder.load(tmp_path / "model")
    assert again.validation_rows_.tolist() == rows
    assert clone(again).fit(TABLE).validation_rows_.tolist() == rows


def test_a_training_goes_on_with_the_rows_that_choose(tmp_path):
    rows = np.arange(60) % 7 == 0
    auto(validation=rows, epochs=1).fit(TABLE, checkpoint=tmp_path)
    gone_on = auto(validation=rows).fit(TABLE, checkpoint=tmp_path)
    assert same(weights(gone_on), weights(auto(validation=rows).fit(TABLE)))
    with pytest.raises(ConfigError, match="validation="):
        auto(validation=np.arange(60) % 5 == 0).fit(TABLE, checkpoint=tmp_path)


@pytest.mark.parametrize("wrong", [[60], [-61], [0.5], "all", [True] * 59, np.ones((2, 2), int), [[1]], ["a"]])
def test_what_are_no_rows_is_told(wrong):
    with pytest.raises((DataError, ConfigError), match="validation="):
        auto(validation=wrong).fit(TABLE)


def test_a_mark_of_whole_numbers_is_no_list_of_rows():
    with pytest.raises(DataError, match="twice"):
        auto(validation=(np.arange(60) % 7 == 0).astype(int)).fit(TABLE)


def test_rows_that_leave_none_to_learn_from_are_told():
    with pytest.raises(DataError, match="leaves none of 60 rows"):
        auto(validation=np.ones(60, bool)).fit(TABLE)
    assert len(auto(validation=[]).fit(TABLE).validation_rows_) == 0


def test_a_spec_overrides_what_would_be_guessed():
    x = np.random.default_rng(0).random((20, 6, 7))
    spec = DataSpec.infer(x, kind="table")
    assert auto(spec=spec).fit(x).spec_.kind == "table"
    assert auto().fit(Dataset.of(x, kind="table")).spec_.kind == "table"
    with pytest.raises(ConfigError, match=r"spec says an example has shape \(6, 7\); in X it has \(5,\)"):
        auto(spec=spec).fit(TABLE)


# ------------------------------------------------------------------ training


@pytest.mark.parametrize("network", ["dense", "conv"])
def test_same_seed_same_weights(network):
    x = np.random.default_rng(0).random((50, 12, 12)).astype(np.float32)
    models = [auto(network=network, random_state=seed).fit(x) for seed in (3, 3, 4)]
    assert same(weights(models[0]), weights(models[1]))
    assert not same(weights(models[0]), weights(models[2]))
    assert [e.loss for e in models[0].history_] == [e.loss for e in models[1].history_]


def test_fitting_leaves_the_generators_of_others_alone():
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    np.random.seed(0)
    state = np.random.get_state()[1].copy()
    auto().fit(TABLE).sample(3)
    first, second = (auto(random_state=None).fit(TABLE) for _ in range(2))
    assert not same(weights(first), weights(second)) and not np.array_equal(first.sample(3), first.sample(3))
    assert torch.rand(1) == expected
    np.testing.assert_array_equal(np.random.get_state()[1], state)
    auto(random_state=np.random).fit(TABLE)  # who asks for it, gets it
    assert np.random.randint(2**30) != np.random.RandomState(0).randint(2**30)


def test_warm_start_goes_on_and_fitting_anew_does_not():
    model = auto(warm_start=True, epochs=20, validation=0, network=Network(widths=(16,), start="mean")).fit(TABLE)
    before = weights(model)
    model.fit(TABLE)
    assert [epoch.number for epoch in model.history_] == list(range(1, 41))
    assert model.history_[20].loss < model.history_[0].loss - 0.1
    assert not same(before, weights(model))
    again = model.set_params(warm_start=False).fit(TABLE)
    assert same(before, weights(again))
    with pytest.raises(DataError, match=r"has 3 features, but Autoencoder is expecting 5"):
        model.set_params(warm_start=True).fit(TABLE[:, :3])


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"latent": 3}, "latent=3"),
        ({"recipe": "ae"}, "recipe="),
        ({"recipe__beta": 4.0}, "recipe="),
        ({"noise": 0.5}, "recipe="),
        ({"network": Network(widths=(7,))}, "network="),
        ({"likelihood": Likelihood(sigma=0.5)}, "likelihood="),
        ({"spec": DataSpec.infer(TABLE + 1)}, "spec="),
    ],
)
def test_what_a_model_is_made_of_cannot_change_in_a_warm_start(change, name):
    model = auto(warm_start=True, epochs=1).fit(TABLE)
    model.set_params(**change)
    with pytest.raises(ConfigError, match=rf"^{name}.*warm_start=True trains it further.*warm_start=False"):
        model.fit(TABLE)
    assert len(model.set_params(warm_start=False).fit(TABLE).history_) == 1
    model.set_params(warm_start=True, learning_rate=1e-4, batch_size=7, epochs=2, training=Settings(clip=1.0)).fit(TABLE)
    assert len(model.history_) == 3


@pytest.mark.parametrize("at", [0, 2])
def test_ctrl_c_keeps_the_best_and_says_how_to_go_on(monkeypatch, at):
    def interrupted(epochs, total, done, **_):
        for number, epoch in enumerate(epochs):
            if number == at:
                raise KeyboardInterrupt
            yield epoch

    monkeypatch.setattr("latentwalk.estimators.fitting.with_progress", interrupted)
    model = auto(epochs=9, progress=True)
    with pytest.warns(UserWarning, match=rf"stopped after {at} of 9 epochs.*set_params\(warm_start=True\)\.fit\(X\)"):
        model.fit(TABLE)
    assert model.interrupted_
    assert len(model.history_) == at
    assert model.transform(TABLE).shape == (60, 2)
    assert not model.model_.training
    monkeypatch.undo()
    model.set_params(warm_start=True, epochs=2).fit(TABLE)
    assert (len(model.history_), model.interrupted_) == (at + 2, False)


def test_ctrl_c_inside_a_step_keeps_the_best(monkeypatch):
    calls = []

    def tired(x):
        calls.append(x)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return x

    monkeypatch.setattr("latentwalk.training.step.channels_last", tired)
    with pytest.warns(UserWarning, match="stopped after 3 of 9 epochs"):
        model = auto(epochs=9, validation=0).fit(TABLE)
    monkeypatch.undo()
    assert same(weights(model), weights(auto(epochs=3, validation=0).fit(TABLE)))


def test_a_breakdown_names_the_term_and_leaves_nothing_half_fitted():
    model = auto(learning_rate=1e25, validation=0, likelihood=Likelihood(sigma=1.0), batch_size=16)
    with pytest.raises(TrainingError, match=r"in epoch 1, step \d: .*(nan|inf|gradient).*lower learning_rate"):
        model.fit(TABLE)
    with pytest.raises(Exception, match="not fitted"):
        model.transform(TABLE)


def test_a_refused_fit_leaves_the_earlier_one_usable():
    model = auto(likelihood="gaussian").fit(TABLE)
    score = model.score(TABLE)
    with pytest.raises(ConfigError):
        model.set_params(likelihood="bernoulli").fit(TABLE)
    assert model.score(TABLE) == score


def test_max_norm_holds_at_the_end_and_early_stopping_stops():
    model = auto(network=Network(widths=(16,), max_norm=0.3), epochs=5).fit(TABLE)
    lengths = [layer.weight.norm(dim=1).max().item() for layer in model.model_.modules() if isinstance(layer, torch.nn.Linear)]
    assert max(lengths) <= 0.3 * (1 + 1e-5)
    noise = auto("ae", epochs=300, patience=2, validation=0.5, learning_rate=0.05).fit(TABLE)
    assert len(noise.history_) < 300
    assert not any(epoch.best for epoch in noise.history_[-2:])


def test_dropout_is_off_after_training():
    model = auto(network=Network(widths=(16,), dropout=0.8)).fit(TABLE)
    np.testing.assert_array_equal(model.transform(TABLE), model.transform(TABLE))


def test_progress_draws_nothing_off_a_terminal(capsys):
    auto(progress=True).fit(TABLE)
    assert capsys.readouterr() == ("", "")


def test_compiled_training_takes_the_same_course_and_compiles_once(monkeypatch):
    """With a schedule, too: time must not be a constant of the program. Nothing is made into C++, which takes long."""
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="aot_eager"))
    x = np.random.default_rng(0).random((96, 5)).astype(np.float32)
    warm = Recipe("warm", beta=linear(over=3), generative=True)
    options = {"network": Network(widths=(8,)), "batch_size": 32, "validation": 0, "epochs": 4}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, about itself
        torch._dynamo.reset()
        torch._dynamo.utils.counters.clear()
        compiled = auto(warm, training=Settings(compile=True), **options).fit(x)
        frames = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    eager = auto(warm, **options).fit(x)
    np.testing.assert_allclose([e.loss for e in compiled.history_], [e.loss for e in eager.history_], rtol=1e-5)
    assert frames < 12  # twelve steps


# ------------------------------------------------------------------ bad input


def spoilt(row, column, value):
    x = TABLE.copy()
    x[row, column] = value
    return x


@pytest.mark.parametrize(
    ("fit", "error", "message"),
    [
        (lambda: auto().fit(np.zeros((0, 5))), DataError, "0"),
        (lambda: auto().fit(np.zeros((0, 5, 5))), DataError, "the data is empty"),
        (lambda: auto().fit(np.zeros((5, 0))), DataError, "0 feature"),
        (lambda: auto().fit(TABLE[:1]), DataError, "1 sample.*at least 2 rows"),
        (lambda: auto().fit(spoilt(12, slice(None), np.nan)), DataError, "row 12 of X holds nothing but NaN"),
        (lambda: auto().fit(spoilt(slice(None), 4, np.nan)), DataError, "column 4 of X holds nothing but NaN"),
        (lambda: auto().fit(spoilt(7, 0, -np.inf)), DataError, "infinity .*row 7, column 0"),
        (lambda: auto().fit(np.full((9, 3, 4), np.nan)), DataError, r"NaN .*row 0, position \(0, 0\)"),
        (lambda: auto().fit(["a", 1.5]), DataError, "row 1 is 1.5, a float; expected a text"),
        (lambda: auto().fit([["a", "b"], ["c", "d"]]), DataError, "numeric|convert"),
        (lambda: auto().fit(np.zeros(5)), DataError, "2D array"),
        (lambda: auto().fit(TABLE, np.zeros(59)), DataError, r"expected 60 labels.*\(59,\)"),
        (lambda: auto("vea").fit(TABLE), ConfigError, "unknown recipe 'vea'. Did you mean 'vae'"),
        (lambda: auto(likelihood="bernouli").fit(TABLE), ConfigError, "Did you mean 'bernoulli'"),
        (lambda: auto(likelihood="bernoulli").fit(TABLE), ConfigError, r"needs values in \[0, 1\]; X holds -"),
        (lambda: auto(network="cnv").fit(TABLE), ConfigError, "Did you mean 'conv'"),
        (lambda: auto(network="gru").fit(np.zeros((5, 4, 4, 3))), DataError, "is not a signal"),
        (
            lambda: auto(network="gru").fit(Dataset.of(TABLE)),
            ConfigError,
            "needs texts or music or rolls or sounds or signals; the data is a table",
        ),
        (lambda: auto(noise="salt-and-pepper").fit(TABLE), ConfigError, "for images; the data is a table"),
        (lambda: auto(noise="missing-steps").fit(TABLE), ConfigError, "for signals and sounds; the data is a table"),
        (lambda: auto(noise="gausian").fit(TABLE), ConfigError, "Did you mean 'gaussian'"),
        (lambda: auto(noise=-1).fit(TABLE), ConfigError, "amount=-1"),
        (lambda: auto(noise=(0.5, 0.1)).fit(TABLE), ConfigError, r"amount=\(0.5, 0.1\)"),
        (
            lambda: auto(Recipe("k", "point", "reconstruction", sparsity=Sparsity("top-k", 9))).fit(TABLE),
            ConfigError,
            "cannot keep 9",
        ),
        (lambda: auto("contractive", training=Settings(compile=True)).fit(TABLE), ConfigError, "compile=False"),
        (lambda: auto(training=Settings(learning_schedule="cos")).fit(TABLE), ConfigError, "Did you mean 'cosine'"),
        (lambda: auto(training=Settings(precision="float16")).fit(TABLE), ConfigError, "needs a GPU.*bfloat16"),
        (lambda: auto(device="gpu7").fit(TABLE), ConfigError, "device='gpu7' cannot be used here"),
        (lambda: auto(latent=0).fit(TABLE), ConfigError, "latent=0"),
        (lambda: auto(latent=2.0).fit(TABLE), ConfigError, "latent=2.0"),
        (lambda: auto(epochs=0).fit(TABLE), ConfigError, "epochs=0"),
        (lambda: auto(epochs="2").fit(TABLE), ConfigError, "epochs='2'"),
        (lambda: auto(batch_size=0).fit(TABLE), ConfigError, "batch_size=0"),
        (lambda: auto(validation=1).fit(TABLE), ConfigError, "validation=1 is not a share"),
        (lambda: auto(validation="x").fit(TABLE), ConfigError, "validation='x'"),
        (lambda: auto(patience=0).fit(TABLE), ConfigError, "patience=0"),
        (lambda: auto(learning_rate=-1).fit(TABLE), ConfigError, "learning_rate=-1"),
        (lambda: auto().set_params(recipe__betta=1), ConfigError, "Did you mean 'beta'"),
    ],
)
def test_fit_refuses_in_words_and_in_our_own_tree(fit, error, message):
    with pytest.raises(error, match=message) as caught:
        fit()
    assert isinstance(caught.value, LatentwalkError)
    assert isinstance(caught.value, ValueError)


@pytest.fixture(scope="module")
def model():
    return auto().fit(TABLE)


@pytest.mark.parametrize(
    ("use", "error", "message"),
    [
        (lambda m: m.transform(TABLE[:, :3]), DataError, "3 features.*expecting 5"),
        (lambda m: m.transform(BITS), DataError, r"expected examples of shape \(5,\), as in training; got \(6, 7\)"),
        (lambda m: m.transform(spoilt(3, 2, np.nan)), DataError, "row 3, column 2"),
        (lambda m: m.inverse_transform([1, 2]), DataError, r"expected codes \(n, 2\), got shape \(2,\)"),
        (lambda m: m.inverse_transform([["a", "b"]]), DataError, "all numbers"),
        (lambda m: m.inverse_transform([[1, 2, 3]]), DataError, r"got shape \(1, 3\)"),
        (lambda m: m.inverse_transform([[1, np.nan]]), DataError, "NaN"),
        (lambda m: m.score_samples(TABLE, draws=0), ConfigError, "draws=0"),
        (lambda m: m.score_samples(TABLE, draws=2.5), ConfigError, "draws=2.5"),
        (lambda m: m.sample(-1), ConfigError, "n=-1"),
        (lambda m: m.sample(1, temperature=-1), ConfigError, "temperature=-1"),
        (lambda m: m.sample(1, temperature=np.nan), ConfigError, "temperature=nan"),
        (lambda m: m.space(TABLE, [0, 1]), DataError, "expected 60 labels"),
    ],
)
def test_use_refuses_in_words(model, use, error, message):
    with pytest.raises(error, match=message):
        use(model)


def test_values_a_likelihood_cannot_know_are_refused_when_they_come_later():
    bits = (TABLE > 0).astype(float)
    model = auto(likelihood="bernoulli", warm_start=True).fit(bits)
    for use in (lambda: model.score_samples(9 * bits), lambda: model.fit(9 * bits)):
        with pytest.raises(DataError, match=r"needs values in \[0, 1\] here; X holds 9"):
            use()
    assert model.transform(9 * bits).shape == (60, 2)  # codes need no likelihood


def test_a_usual_network_that_is_huge_is_told(monkeypatch):
    monkeypatch.setattr("latentwalk.estimators.fitting.MANY", 1_000)
    quick = {"epochs": 1, "random_state": 0, "progress": False}
    with pytest.warns(DataWarning, match=r"an example has 5 values.* weights"):
        Autoencoder("ae", **quick).fit(TABLE)
    Autoencoder("ae", network=Network("dense", widths=(64, 64)), **quick).fit(TABLE)  # asked for
