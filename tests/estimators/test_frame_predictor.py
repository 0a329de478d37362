"""FramePredictor: what can be foreseen is learnt, chance is told from law, and a film's answer is its own."""

import numpy as np
import pytest
import torch

from latentwalk import Autoencoder, FramePredictor, Settings
from latentwalk.chance import seeded
from latentwalk.data import Dataset
from latentwalk.data.footage import as_films
from latentwalk.data.rows import Rows
from latentwalk.errors import CheckpointError, ConfigError, DataError, DataWarning, TrainingWarning
from latentwalk.estimators.films import objective
from latentwalk.models.collapse import FORESEEN, SILENT
from latentwalk.models.divergence import kl
from latentwalk.models.film import FilmModel
from latentwalk.models.objective import elbo
from latentwalk.models.prior import ConditionalPrior
from latentwalk.studies.prediction import BEST, COPY, EXTRAPOLATION, MEAN, PATH, cut_auroc, forecast, frame_changes
from latentwalk.training.checkpoints import opened

QUIET = {"random_state": 0, "progress": False, "validation": 0.0}


def torus(speeds, places=3, length=6):
    """Every film of a spot on a torus of few places that goes on at one of these speeds."""
    films = np.zeros((len(speeds), places, places, length, 2 * places, 2 * places), np.uint8)
    for at, (down, right) in enumerate(speeds):
        for top, left, t in np.ndindex(places, places, length):
            y, x = 2 * ((top + down * t) % places), 2 * ((left + right * t) % places)
            films[at, top, left, t, y : y + 2, x : x + 2] = 255
    return films.reshape(-1, length, 2 * places, 2 * places)


@pytest.fixture(scope="module")
def lawful():
    """What it learns from a spot that moves one way, of which all can be foreseen."""
    films = torus([(1, 1)])
    return films, FramePredictor(innovation=0, width=32, epochs=60, batch_size=9, learning_rate=1e-2, **QUIET).fit(films)


@pytest.fixture(scope="module")
def random():
    """What it learns from a spot that goes down or to the right, which nobody can foresee."""
    rng = np.random.default_rng(0)
    films = np.zeros((60, 5, 6, 6), np.uint8)
    for film in films:
        y, x = rng.integers(3, size=2)
        for frame in film:
            frame[2 * y : 2 * y + 2, 2 * x : 2 * x + 2] = 255
            y, x = ((y + 1) % 3, x) if rng.random() < 0.5 else (y, (x + 1) % 3)
    return films, FramePredictor(innovation=2, width=24, epochs=50, batch_size=20, learning_rate=1e-2, **QUIET).fit(films)


@pytest.fixture(scope="module")
def quick():
    films = np.random.default_rng(0).integers(0, 256, (5, 4, 8, 8), dtype=np.uint8)
    return films, FramePredictor(epochs=1, width=8, innovation=3, **QUIET).fit(films)


# ---------------------------------------------------------------------- laws


def test_deterministic_motion_on_a_torus_is_learnt(lawful):
    films, predictor = lawful
    found = predictor.predict(films[:, :2], steps=4, draws=1)[:, 0]
    assert np.square((found - films[:, 2:]) / 255).mean((0, 2, 3)).max() < 1e-3


def test_it_can_be_foreseen_for_long(lawful):
    films, predictor = lawful
    later = predictor.predict(films[0, :1], steps=30, draws=1)[0]
    assert np.square((later[2::3] - films[0, 0]) / 255).mean() < 1e-3  # after every third step it is where it began


def test_chance_is_told_from_law(random, lawful):
    films, predictor = random
    futures = predictor.predict(films[:20, :2], steps=1, draws=12) / 255
    places = np.unique((futures.reshape(20, 12, -1) > 0.5).astype(int), axis=1)
    assert futures.std(axis=1).max() > 0.3 and places.shape[1] >= 2
    film, sure = lawful
    assert np.ptp(sure.predict(film[0, :2], steps=3, draws=4), axis=0).max() == 0


def test_the_first_of_more_steps_and_draws_are_those_of_fewer(random):
    films, predictor = random
    many = predictor.predict(films[:2, :3], steps=6, draws=5, seed=4)
    assert np.array_equal(many[:, :2, :3], predictor.predict(films[:2, :3], steps=3, draws=2, seed=4))
    assert not np.array_equal(many, predictor.predict(films[:2, :3], steps=6, draws=5, seed=5))


@pytest.mark.parametrize("which", ["random", "quick"])
def test_one_call_is_frame_by_frame(which, request):
    films, predictor = request.getfixturevalue(which)
    at_once = predictor.predict(films[0, :2], steps=4, draws=1, temperature=0)[0]
    seen = films[0, :2].astype(np.float32)
    for _ in range(4):
        seen = np.concatenate([seen, predictor.predict(seen, steps=1, draws=1, temperature=0)[0]])
    np.testing.assert_allclose(seen[2:], at_once, atol=1e-3)


def test_at_temperature_0_all_draws_are_the_mean_path(random):
    films, predictor = random
    found = predictor.predict(films[0, :2], steps=3, draws=4, temperature=0)
    assert (found == found[:1]).all()
    assert np.array_equal(found[0], predictor.predict(films[0, :2], steps=3, draws=1, temperature=0, seed=9)[0])


def test_batch_mates_and_padding_change_nothing(random):
    films, predictor = random
    alone = predictor.predict(films[3, :2], steps=3, draws=2)
    assert np.array_equal(predictor.predict(films[:40, :2], steps=3, draws=2)[3], alone)
    padded = [films[0], films[3, :2], films[1, :4]]
    assert np.array_equal(predictor.predict(padded, steps=3, draws=2)[1], alone)
    scores = predictor.surprise(films[:40])
    assert np.array_equal(scores[3], predictor.surprise(films[3]), equal_nan=True)
    short = predictor.surprise([films[0], films[3, :3]])[1]
    assert np.array_equal(short[1:3], scores[3, 1:3]) and np.isnan(short[3:]).all() and np.isnan(short[0])
    assert np.array_equal(predictor.surprise(films[3, :3])[1:], scores[3, 1:3])


def test_kl_is_0_where_the_posterior_is_the_prior(quick):
    films, predictor = quick
    model = predictor.model_
    x = model.scaling(torch.from_numpy(films))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    try:
        with torch.no_grad():
            for weight in model.posterior.layers[-1].parameters():
                weight.zero_()  # it moves nothing
        p = model(x)
        assert (kl(p.posterior, p.prior, p.z) == 0).all()
    finally:
        model.load_state_dict(before)


def test_the_kl_weighs_more_the_longer_it_has_learnt(quick):
    films, predictor = quick
    model, weighed = predictor.model_, objective(predictor.model_, 2.0)
    with seeded(0), torch.no_grad():
        p = model(model.scaling(torch.from_numpy(films)))
    for share, weight in ((0.0, 0.0), (0.15, 1.0), (0.3, 2.0), (0.9, 2.0)):
        model.trained_for(share)
        found = weighed(p, 0.5)
        missing, kl_ = (found.values[name].mean() for name in ("reconstruction", "kl"))
        assert float(found.loss) == pytest.approx(float(missing + weight * kl_))


def test_an_innovation_has_a_free_rate_at_first(quick):
    films, predictor = quick
    model = predictor.model_
    x = model.scaling(torch.from_numpy(films)).clone()
    x[1, :, 2:] = torch.nan  # five films, of which three frames follow another, but for one
    frames = (4 * 3 + 1) / 5
    with seeded(0), torch.no_grad():
        p = model(x)
    for free, beta in ((0.5, 2.0), (7.0, 1.0)):
        weighed = objective(model, beta, free)
        for share, left in ((0.15, 1.0), (0.5, 1.0), (0.6, 0.5), (0.7, 0.0), (0.9, 0.0)):
            model.trained_for(share)
            found = weighed(p, 0.5)
            missing, nats = (float(found.values[name].mean()) for name in ("reconstruction", "kl"))
            pressed = max(nats, left * free * frames)
            assert float(found.loss) == pytest.approx(missing + beta * min(1, share / 0.3) * pressed, rel=1e-5)
            assert nats < 0.5 * frames < 7 * frames / 2  # the rates above are above what there is
        model.trained_for(0.1)
        torch.testing.assert_close(weighed(p, None).loss, elbo(p).loss)  # measuring is plain


def test_a_free_rate_puts_no_chance_into_what_has_none():
    films = torus([(1, 1)])
    found = FramePredictor(innovation=2, width=32, epochs=60, batch_size=9, learning_rate=1e-2, **QUIET).fit(films)
    futures = found.predict(films[:, :2], steps=4, draws=8) / 255
    assert np.square(futures - films[:, None, 2:] / 255).mean((0, 1, 3, 4)).max() < 1e-3
    nats, left = found.model_.told(found.model_.scaling(torch.from_numpy(films)))
    assert nats < 0.03 and left < FORESEEN  # and nobody is told that anything has collapsed
    assert futures.std(axis=1).max() < 1e-3


def test_what_innovations_tell_and_what_is_left_without(quick, lawful):
    films, predictor = quick
    model, x = predictor.model_, predictor.model_.scaling(torch.from_numpy(films))
    with torch.no_grad():
        p = model(x[:, :, :2])
    nats, _ = model.told(x[:, :, :2])
    assert nats == pytest.approx(float(kl(p.posterior, p.prior, p.z).mean()), rel=1e-4)
    off = [np.square(predictor.predict(films[:, :t], 1, 1, temperature=0)[:, 0, 0] - films[:, t]).mean() for t in (1, 2, 3)]
    moved = np.square(np.diff(films.astype(float), axis=1)).mean()
    assert model.told(x)[1] == pytest.approx(np.mean(off) / moved, rel=1e-3)
    films, predictor = lawful
    nats, left = predictor.model_.told(predictor.model_.scaling(torch.from_numpy(films)))
    assert nats == 0 and left < 0.3  # which way it goes is not seen in the first frame


@pytest.mark.parametrize(("nats", "left"), [(1e-3, 0.4), (1e-3, 0.01), (0.4, 0.4), (0.0, np.nan)])
def test_an_innovation_that_has_collapsed_is_told(nats, left, monkeypatch, recwarn):
    monkeypatch.setattr(FilmModel, "told", lambda self, x: (nats, left))
    monkeypatch.setattr("latentwalk.estimators.films.LEARNT", 1)
    films = np.random.default_rng(0).integers(0, 256, (5, 4, 8, 8), dtype=np.uint8)
    FramePredictor(width=8, innovation=3, epochs=1, **QUIET).fit(films)
    told = [str(one.message) for one in recwarn if one.category is TrainingWarning]
    assert len(told) == (nats < SILENT and left > FORESEEN)
    assert all("the innovation has collapsed: it tells 0.001 nats a frame, while 40%" in text for text in told)


@pytest.mark.filterwarnings("ignore:the innovation has collapsed")  # of noise, where the machine is fast enough to be told
def test_of_limited_minutes_it_is_told_the_share_that_is_over(monkeypatch):
    told = []
    monkeypatch.setattr(FilmModel, "trained_for", lambda self, share: told.append(share))
    films = np.random.default_rng(0).integers(0, 256, (5, 4, 8, 8), dtype=np.uint8)
    FramePredictor(width=8, innovation=3, training=Settings(minutes=0.02), **QUIET).fit(films)
    assert told == sorted(told) and told[0] < 0.2 and 0.8 < told[-1] <= 1.0


def test_kl_and_likelihood_of_what_is_not_there_are_0(random):
    films, predictor = random
    model, z = predictor.model_, predictor.innovation
    x = model.scaling(torch.from_numpy(films[:3])).clone()
    x[1, :, 3:] = torch.nan
    with seeded(0):
        p = model(x)
    assert (p.posterior.mean[1, 2 * z :] == 0).all() and (p.prior.log_variance[1, 2 * z :] == 0).all()
    assert (p.likelihood.log_prob_each(x)[1, 2:] == 0).all() and (p.likelihood.log_prob_each(x)[1, :2] != 0).all()
    terms = elbo(p)
    terms.loss.backward()
    assert all(torch.isfinite(weight.grad).all() for weight in model.parameters() if weight.grad is not None)


def test_the_bound_rises_with_draws_and_is_below_what_is_sure(random, lawful):
    films, predictor = random
    few, many = (predictor.score_samples(films, draws=draws).mean() for draws in (1, 16))
    assert many > few
    assert many < -0.4  # every step is one of two: ln 2, but for what is learnt by heart
    film, sure = lawful
    assert sure.surprise(film)[:, 2:].max() < 1.0


def test_the_prior_on_the_seam_draws_as_it_says():
    torch.manual_seed(0)
    prior = ConditionalPrior(2, torch.nn.Linear(3, 4))
    c = torch.tensor([0.3, -1.0, 2.0])
    sampler = prior.at(c).sampler()
    draws = sampler(20_000, np.random.default_rng(0))
    law = prior(c[None])
    assert np.allclose(draws.mean(0), law.mean[0].detach(), atol=0.05)
    assert np.allclose(draws.std(0), law.stddev[0].detach(), rtol=0.05)
    density = sampler.log_density(draws[:5])
    assert np.allclose(density, law.log_prob(torch.from_numpy(draws[:5])).detach(), atol=1e-4)
    with pytest.raises(ConfigError, match="once c is known"):
        prior.sampler()


# ---------------------------------------------------------------------- what goes in


def test_colour_lists_data_sets_and_rows_are_films():
    rng = np.random.default_rng(1)
    colour = rng.integers(0, 256, (4, 3, 8, 8, 3), dtype=np.uint8)
    found = FramePredictor(epochs=1, width=8, **QUIET).fit(Dataset.of(colour, kind="film"))
    assert found.predict(colour[0], 2, 3).shape == (3, 2, 8, 8, 3) and found.frames_.spec_.layout == "HWC"

    class Slow(Rows):
        shape, dtype = colour.shape, colour.dtype

        def read(self, rows):
            return colour[rows]

    slow = FramePredictor(epochs=1, width=8, **QUIET).fit(Dataset(Slow(), Dataset.of(colour, kind="film").spec))
    assert np.array_equal(slow.predict(colour[0], 2, 3), found.predict(colour[0], 2, 3))


def test_long_films_are_cut_into_windows():
    rng = np.random.default_rng(1)
    film = rng.integers(0, 256, (1, 40, 8, 8), dtype=np.uint8)
    found = FramePredictor(epochs=1, width=8, window=8, **QUIET).fit(film)
    assert found.spec_.shape == (8, 8, 8) and found.surprise(film).shape == (1, 40)
    several = [film[0, :30], film[0, :5]]
    assert FramePredictor(epochs=1, width=8, window=8, **QUIET).fit(several).spec_.shape == (8, 8, 8)


def test_convolutional_frames_of_another_shape():
    film = np.random.default_rng(0).random((3, 3, 18, 22)).astype(np.float32)
    found = FramePredictor(epochs=1, width=8, innovation=2, joint=False, training=Settings(), **QUIET).fit(film)
    assert found.model_.shape.code == (8, 5, 6)
    before = found.frames_.transform(film.reshape(-1, 18, 22))
    assert np.isfinite(found.predict(film[0], 2, 2)).all() and np.isfinite(before).all()
    assert found.codes(film[0]).shape == (3, 8 * 5 * 6)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (np.zeros((3, 1, 8, 8), np.uint8), "film 0 has 1 frame, and nothing follows it, nor in 2 others"),
        (np.zeros((3, 8, 8), np.uint8), r"films are \(n, T, H, W\)"),
        ([np.zeros((3, 8, 8)), np.zeros((3, 8, 9))], "differ in size"),
        (np.full((3, 4, 8, 8), np.inf), "infinity"),
        (Dataset.of(np.zeros((9, 8, 8), np.uint8)), "holds images"),
    ],
)
def test_what_cannot_be_learnt_from_is_told(given, said):
    with pytest.raises(DataError, match=said):
        FramePredictor(epochs=1, **QUIET).fit(given)


def test_what_cannot_be_asked_is_told(quick):
    films, predictor = quick
    for wrong, said in (
        (np.zeros((2, 8, 9)), r"frames are of shape \(8, 9\)"),
        (np.zeros((0, 8, 8)), "empty|no frames"),
        (np.full((2, 8, 8), np.nan), "nothing but NaN|NaN"),
    ):
        with pytest.raises(DataError, match=said):
            predictor.predict(wrong)
    with pytest.raises(DataError, match="one frame"):
        predictor.surprise(films[0, :1])
    with pytest.raises(DataError, match="needs values in"):
        FramePredictor(epochs=1, width=8, likelihood="bernoulli", **QUIET).fit(films).surprise(films[0] * 2.0)
    for options in ({"steps": 0}, {"draws": -1}, {"temperature": -1}, {"temperature": np.nan}, {"seed": "a"}):
        with pytest.raises(ConfigError):
            predictor.predict(films[0], **options)
    for options in (
        {"window": 1},
        {"innovation": -1},
        {"width": 0},
        {"beta": -1},
        {"joint": 2},
        {"training": 3},
        {"epochs": 0},
    ):
        with pytest.raises(ConfigError):
            FramePredictor(**options).fit(films)


def test_an_autoencoder_knows_whole_films():
    films = np.random.default_rng(0).random((12, 4, 6, 5)).astype(np.float32)
    films[3, 2:] = np.nan
    model = Autoencoder("ae", latent=2, epochs=2, random_state=0, progress=False).fit(Dataset.of(films, kind="film"))
    back = model.reconstruct(Dataset.of(films, kind="film"))
    assert back.shape == films.shape and np.isnan(back[3, 2:]).all() and np.isfinite(back[:3]).all()


# ---------------------------------------------------------------------- kept


def test_a_saved_one_answers_alike(quick, tmp_path):
    films, predictor = quick
    predictor.save(tmp_path / "run")
    found = FramePredictor.load(tmp_path / "run")
    assert np.array_equal(found.predict(films[0]), predictor.predict(films[0]))
    assert np.array_equal(found.surprise(films), predictor.surprise(films), equal_nan=True)
    assert found.get_params() == predictor.get_params() and found.history_ == predictor.history_
    assert np.array_equal(found.frames_.transform(films[0]), predictor.frames_.transform(films[0]))


def test_a_damaged_or_foreign_one_is_told(quick, tmp_path):
    films, predictor = quick
    predictor.save(tmp_path / "run")
    other = FramePredictor(epochs=1, width=8, innovation=3, **(QUIET | {"random_state": 1})).fit(films)
    other.frames_.save(tmp_path / "run")
    with pytest.raises(CheckpointError, match="another than the one it learnt with"):
        FramePredictor.load(tmp_path / "run")
    predictor.save(tmp_path / "run")
    path = tmp_path / "run" / "predictor" / "predictor.json"
    path.write_text(path.read_text().replace('"width": 8', '"width": "x"'))
    with pytest.raises(CheckpointError, match="no whole predictor"):
        FramePredictor.load(tmp_path / "run")
    with pytest.raises(CheckpointError):
        FramePredictor.load(tmp_path / "nothing")


def test_a_training_cut_short_goes_on_bit_for_bit(quick, tmp_path):
    films, _ = quick
    options = {"width": 8, "innovation": 3, "training": Settings(), **QUIET}
    whole = FramePredictor(epochs=4, **options).fit(films)
    FramePredictor(epochs=2, **options).fit(films, checkpoint=tmp_path / "kept")
    again = FramePredictor(epochs=4, **options).fit(films, checkpoint=tmp_path / "kept")
    assert len(again.history_) == 4
    for name, value in whole.model_.state_dict().items():
        assert torch.equal(value, again.model_.state_dict()[name]), name
    with pytest.raises(ConfigError, match="width"):
        FramePredictor(epochs=4, **(options | {"width": 9})).fit(films, checkpoint=tmp_path / "kept")
    with pytest.raises(DataError, match="not the (films|data)"):
        FramePredictor(epochs=4, **options).fit(films[::-1].copy(), checkpoint=tmp_path / "kept")
    FramePredictor(epochs=2, **(options | {"training": None})).fit(films, checkpoint=tmp_path / "falling")
    with pytest.raises(ConfigError, match="falls to 0 after 2 epochs"):
        FramePredictor(epochs=3, **(options | {"training": None})).fit(films, checkpoint=tmp_path / "falling")


def test_what_was_made_before_there_was_a_free_rate_had_none(quick, tmp_path, monkeypatch):
    films, predictor = quick
    predictor.save(tmp_path / "run")
    path = tmp_path / "run" / "predictor" / "predictor.json"
    path.write_text(path.read_text().replace('"free_rate": 1.0,', ""))
    assert predictor.free_rate == 1.0 and FramePredictor.load(tmp_path / "run").free_rate == 0.0
    options = {"width": 8, "innovation": 3, "training": Settings(), **QUIET}
    FramePredictor(epochs=1, free_rate=0.0, **options).fit(films, checkpoint=tmp_path / "kept")

    def earlier(*given):
        about, start = opened(*given)
        return about | {"params": {name: value for name, value in about["params"].items() if name != "free_rate"}}, start

    monkeypatch.setattr("latentwalk.estimators.films.opened", earlier)
    with pytest.raises(ConfigError, match=r"free_rate=1.0 is not what .* was begun with: 0.0"):
        FramePredictor(epochs=2, **options).fit(films, checkpoint=tmp_path / "kept")
    assert len(FramePredictor(epochs=2, free_rate=0.0, **options).fit(films, checkpoint=tmp_path / "kept").history_) == 2


# ---------------------------------------------------------------------- judged


def test_a_forecast_knows_what_is_sure(lawful, random):
    films, predictor = lawful
    found = forecast(predictor, films, seen=2, steps=4, draws=3)
    assert found.mse[PATH].max() < 1e-3 < found.mse[COPY].mean() and found.spread.max() < 1e-6
    assert set(found.mse) == {COPY, EXTRAPOLATION, PATH, MEAN, BEST} and found.mse[BEST].max() < 1e-3
    films, predictor = random
    unsure = forecast(predictor, films, seen=2, steps=2, draws=12)
    assert unsure.spread.min() > 0.01 and unsure.mse[BEST].mean() < unsure.mse[MEAN].mean() and unsure.bracketed > 0.5
    with pytest.raises(DataError, match="4 are seen and 9 predicted"):
        forecast(predictor, films, seen=4, steps=9)


def test_surprise_finds_a_cut(lawful):
    films, predictor = lawful
    film = np.concatenate([films[0], films[0, ::-1]])  # back in time: nobody could foresee that
    surprise = predictor.surprise(film)
    assert cut_auroc(surprise, [7]) > 0 and surprise[7:].max() > 10 * max(surprise[2:6].max(), 0.1)


def test_auroc_and_changes_are_what_they_are():
    assert cut_auroc(np.array([np.nan, 1.0, 5.0, 2.0]), [2]) == 1.0
    assert cut_auroc(np.array([np.nan, 9.0, 5.0, 2.0]), [2]) == 0.5
    assert np.array_equal(frame_changes(np.array([0, 0, 4])[:, None, None] * np.ones((3, 2, 2)))[1:], [0, 4])
    with pytest.raises(DataError, match="0 of 2 frames are cuts"):
        cut_auroc(np.array([1.0, 2.0]), [])


def test_what_no_memory_holds_is_refused_before_it_is_drawn(quick):
    films, predictor = quick
    for asked in ({"steps": 10**9}, {"steps": 10**5, "draws": 10**6}, {"steps": 10**9, "draws": 10**6, "temperature": 0}):
        with pytest.raises(ConfigError, match="are the most at once"):
            predictor.predict(films[0, :2], **asked)


# ---------------------------------------------------------------------- whatever is given


@pytest.fixture(scope="module")
def fractional():
    films = np.random.default_rng(0).random((5, 4, 8, 8)).astype(np.float32)
    return films, FramePredictor(epochs=1, width=8, innovation=3, **QUIET).fit(films)


@pytest.mark.parametrize(
    ("change", "advice"),
    [(lambda x: x / 255, "multiply"), (lambda x: x > 99, "multiply"), (lambda x: x.astype(np.uint16) * 257, "divide"),
     (lambda x: x.astype(np.int16) - 128, "shift"), (lambda x: x / 127.5 - 1, "multiply")],
)  # fmt: skip
def test_films_in_other_units_are_told(quick, change, advice):
    films, predictor = quick
    for asked in (predictor.predict, predictor.surprise, predictor.codes):
        with pytest.warns(DataWarning, match=advice):
            asked(change(films))


@pytest.mark.parametrize("like", [np.uint8, np.float32, np.int64])
def test_bytes_given_to_a_model_of_fractions_are_told(fractional, like):
    films, predictor = fractional
    with pytest.warns(DataWarning, match="divide"):
        predictor.surprise((films * 255).astype(like))
    predictor.surprise(films + np.random.default_rng(0).normal(0, 1, films.shape))  # noise is no other unit: not a word


def test_deep_films_that_were_read_mean_what_bytes_mean(quick):
    films, predictor = quick
    deep = Dataset.of(films.astype(np.uint16) * 257, kind="film")
    assert np.array_equal(predictor.surprise(deep), predictor.surprise(films), equal_nan=True)


def test_films_of_other_units_side_by_side_are_told(quick):
    films, _ = quick
    with pytest.warns(DataWarning, match=r"film 1 is float64 within \[0, 1\], and film 0 is uint8"):
        as_films([films[0], films[1, :2] / 255])
    as_films([films[0], films[1, :2].astype(np.float16)])


def test_what_is_masked_in_a_listed_film_is_not_learnt_from(quick):
    films, predictor = quick
    hidden = [np.ma.masked_array(films[0], films[0] > 250), films[1, :2]]
    for asked in (predictor.predict, FramePredictor(epochs=1, **QUIET).fit):
        with pytest.raises(DataError, match="film 0 holds NaN in frame"):
            asked(hidden)
    short = np.ma.masked_array(films[0], np.broadcast_to(np.arange(4)[:, None, None] > 1, films[0].shape))
    assert np.array_equal(predictor.predict([short], 2, 1)[0], predictor.predict(films[0, :2], 2, 1))


def test_any_form_of_the_same_films_is_answered_alike(quick):
    films, predictor = quick
    ragged = [films[0], films[1, :2]]
    expected = predictor.predict(ragged, 2, 1)
    for same in ([film.tolist() for film in ragged], [torch.from_numpy(film) for film in ragged], tuple(ragged)):
        assert np.array_equal(predictor.predict(same, 2, 1), expected)
    alone = predictor.predict(films[0], 2, 1)
    for same in (
        films[0].tolist(),
        list(films[0]),
        torch.from_numpy(films[0]).float().requires_grad_(),
        films[0].astype(object),
    ):
        assert np.array_equal(predictor.predict(same, 2, 1), alone)
        assert np.array_equal(predictor.path(same).z, predictor.codes(films[0]))
    assert predictor.score_samples(films[0]).shape == (1,)
    with pytest.raises(DataError, match="one film"):
        predictor.path(films)


def test_numbers_that_float32_does_not_hold_are_refused(quick, fractional):
    for films, predictor in (quick, fractional):
        for asked in (predictor.predict, predictor.surprise, predictor.codes):
            with pytest.raises(DataError, match="beyond 1e\\+18"):
                asked(films * 1e30)
    sure = FramePredictor(epochs=1, width=8, **QUIET).fit(np.full((3, 4, 8, 8), 0.3, np.float32))  # of tiny deviations
    with pytest.raises(DataError, match="float32 does not hold its surprise"):
        sure.surprise(np.full((4, 8, 8), 2e17, np.float32))
    with pytest.raises(DataError, match="beyond 1e\\+37"):
        FramePredictor(epochs=1, **QUIET).fit(films * np.float64(1e300))


@pytest.mark.parametrize(
    ("given", "said"),
    [("film.mp4", "Read the file first"), ({"a": 1}, "X is a dict"), (None, "X is a NoneType"), (3, "got shape")],
)
def test_what_is_no_film_at_all_is_told(quick, given, said):
    for asked in (quick[1].predict, FramePredictor(epochs=1, **QUIET).fit):
        with pytest.raises(DataError, match=said):
            asked(given)
