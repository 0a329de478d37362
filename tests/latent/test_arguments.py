"""Arguments that cannot be meant, in every option: the error is ours, and comes at once."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from latentwalk import (
    Comparison,
    Dataset,
    Network,
    Recipe,
    Settings,
    Sweep,
    completeness,
    continuity,
    disentanglement,
    fidelity,
    hole_map,
    linear_probe,
    load,
    mmd,
    noise_sweep,
    prior_gap,
    reach,
    read,
    resemblance,
    scorecard,
    synthesise,
)
from latentwalk.data.synthetic.faces import faces
from latentwalk.data.synthetic.waves import signals
from latentwalk.errors import ConfigError, DataError, LatentwalkError
from latentwalk.estimators.anomalies import AnomalyDetector
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.latent.criteria.classes import class_accuracy
from latentwalk.latent.criteria.features import Features
from latentwalk.latent.criteria.ratio import logits
from latentwalk.latent.criteria.structure import trustworthiness
from latentwalk.studies.dimensions import intrinsic_dimension, trials
from latentwalk.studies.reduction import reductions

NAN, INF = float("nan"), float("inf")
STRANGE: list[Any] = [
    "no such thing",
    "3",
    b"3",
    NAN,
    INF,
    -INF,
    -1,
    10**15,
    10**30,
    1.5,
    [],
    {},
    object(),
    True,
    np.array([1.5, 2]),
    np.array(["a"]),
]
X = np.random.default_rng(0).normal(size=(400, 6)).astype(np.float32)
QUICK: dict[str, Any] = {
    "latent": 2,
    "epochs": 1,
    "random_state": 0,
    "progress": False,
    "network": Network("dense", widths=(8,)),
}
SLOW = {"compile"}  # of `Settings`: True is meant, and takes a while
TABLE = Dataset.of(X)


def tried(call: Callable[[Any], Any], told: list[str], name: str) -> None:
    """Call with each; whatever is raised that is not ours is told."""
    for value in STRANGE:
        try:
            call(value)
        except LatentwalkError:
            pass
        except Exception as error:
            told.append(f"{name}={value!r:.40}: {type(error).__name__}: {error!s:.80}")


def parameters(of: Callable[..., Any], *leave: str) -> Iterator[str]:
    return (name for name in inspect.signature(of).parameters if name not in ("self", *leave))


@pytest.fixture(scope="module")
def model() -> Autoencoder:
    return Autoencoder("vae", **QUICK).fit(X)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("of", "made"),
    [
        (Autoencoder, lambda given: Autoencoder(**{**QUICK, **given})),
        (Settings, lambda given: Autoencoder(**QUICK, training=Settings(**given))),
        (Recipe, lambda given: Autoencoder(Recipe(**{"name": "vae", **given}), **QUICK)),
        (Network, lambda given: Autoencoder(**{**QUICK, "network": Network(**{"kind": "dense", **given})})),
        (AnomalyDetector, lambda given: AnomalyDetector(**{"epochs": 1, "random_state": 0, **given})),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_options(of: Any, made: Callable[[dict[str, Any]], Any], tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # some are names of folders
    told: list[str] = []
    for name in parameters(of, *SLOW):
        tried(lambda value, name=name: made({name: value}).fit(X[:60]), told, name)
    assert not told, "\n".join(told)


def test_compiling_is_asked_for_by_true_or_false() -> None:
    for value in STRANGE:
        if value is not True:
            with pytest.raises(LatentwalkError, match="compile="):
                Settings(compile=value)


def test_more_than_any_machine_can_do_is_refused_at_once(model: Autoencoder) -> None:
    space = model.space(X)
    for call in (
        lambda: Settings(accumulate=10**9),
        lambda: model.sample(10**15),
        lambda: space.sample(10**15),
        lambda: space.walk(0, 1, steps=10**10),
        lambda: space.journey([0, 1], steps=10**10),
        lambda: space.grid(steps=10**10),
        lambda: hole_map(space, steps=10**10),
        lambda: model.score_samples(X[:2], draws=10**10),
        lambda: synthesise(model, X, 10**15, sampler="gaussian"),
        lambda: load("signals", n=10**15),
        lambda: load("faces", n=10**15),
    ):
        with pytest.raises(ConfigError, match="expected|needs"):
            call()


@pytest.mark.filterwarnings("ignore")
def test_methods_of_a_model_and_of_a_space(model: Autoencoder, monkeypatch: pytest.MonkeyPatch) -> None:
    space, told = model.space(X), []
    usual: dict[str, dict[str, Any]] = {
        "walk": {"a": 0, "b": 1, "steps": 3},
        "journey": {"points": [0, 1], "steps": 3},
        "blend": {"points": [0, 1]},
        "between": {"a": 0, "b": 1, "steps": 3},
        "grid": {"steps": 2},
        "traverse": {"x": 0, "axis": 0, "steps": 2},
        "swap": {"a": 0, "b": 1, "axes": 0},
        "sample": {"n": 2},
        "diagnose": {"new": None},
    }
    monkeypatch.setattr("latentwalk.latent.criteria.likeness.logits", partial(logits, rounds=1))
    models = {"sample": {"n": 2}, "score_samples": {"X": X[:2]}, "fit_sampler": {"X": X, "sampler": "gaussian"}}
    for of, calls in ((space, usual), (model, models)):
        for name, given in calls.items():
            for option in parameters(getattr(of, name), "X"):
                call = getattr(of, name)
                tried(lambda v, call=call, given=given, option=option: call(**{**given, option: v}), told, f"{name}: {option}")
    assert not told, "\n".join(told)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "measure",
    [completeness, reach, continuity, mmd, prior_gap, linear_probe, hole_map, class_accuracy, trustworthiness],
    ids=lambda one: one.__name__,
)
def test_measures(model: Autoencoder, measure: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("latentwalk.latent.criteria.region.Region.share", lambda *_: (1.0, 1.0, 1.0))
    region = SimpleNamespace(share=lambda *_: (1.0, 1.0, 1.0), learnt_from=1)
    monkeypatch.setattr("latentwalk.latent.criteria.region.Region.fit", lambda *_, **__: region)  # it is tested elsewhere
    space, told = model.space(X, X[:, 0] > 0), []
    usual = {"steps": 4} if measure is hole_map else {"most": 300}
    for option in parameters(measure, "space"):
        tried(lambda value, option=option: measure(space, **usual | {option: value}), told, option)
    assert not told, "\n".join(told)


@pytest.mark.filterwarnings("ignore")
def test_what_compares_or_gathers_measures(model: Autoencoder) -> None:
    few = X[:60]
    space = replace(model.space(few), attributes={"first": few[:, 0] > 0, "second": few[:, 1] > 0})
    slower = [name for name in scorecard(space).seconds if name != "active units"]
    features = Features("own", lambda x: np.asarray(x, np.float64).reshape(len(x), -1))
    calls: dict[Callable[..., Any], dict[str, Any]] = {
        fidelity: {"real": few, "generated": few + 1, "features": features},
        disentanglement: {"space": space},
        scorecard: {"space": space, "without": slower},
    }
    told: list[str] = []
    for call, usual in calls.items():
        for option in parameters(call, "space"):
            tried(
                lambda v, call=call, usual=usual, option=option: call(**usual | {option: v}), told, f"{call.__name__}: {option}"
            )
    assert not told, "\n".join(told)


def copied(**given: Any) -> Any:
    return synthesise(**{"model": given.pop("fitted"), "frame": X, "n": 5, "sampler": "gaussian", **given})


STUDIES: dict[str, tuple[Callable[..., Any], dict[str, Any], str]] = {
    "Comparison": (lambda **given: Comparison(**QUICK | given).fit(TABLE), {"recipes": ["ae"], "latent": [1]}, ""),
    "Sweep": (
        lambda **given: Sweep(**given, recipe="ae", epochs=1, network=QUICK["network"]).fit(TABLE),
        {"grid": {"latent": [1]}, "progress": False},
        "seeds n_iter random_state most",
    ),
    "an axis of a sweep": (
        lambda **given: Sweep({"latent": [1], **given}, "ae", epochs=1, progress=False).fit(TABLE),
        {},
        "latent rows network recipe recipe__beta",
    ),
    "reductions": (
        lambda **given: list(reductions(TABLE, **given)),
        {"latent": [1], "methods": ["pca"]},
        "neighbours random_state",
    ),
    "trials": (lambda **given: list(trials(TABLE, **given)), {"latent": [1], "methods": ["pca"]}, "random_state"),
    "intrinsic_dimension": (partial(intrinsic_dimension, TABLE), {}, "most seed"),
    "noise_sweep": (noise_sweep, {"levels": [0.1], "rivals": []}, "model kind seed"),
    "synthesise": (copied, {}, "model n constraints find margins sampler seed"),
    "resemblance": (partial(resemblance, X[:60], X[60:150]), {}, "target columns seed"),
    "signals": (signals, {"n": 5}, "seed length"),
    "faces": (faces, {"n": 5}, "seed size"),
    "load": (load, {"what": "digits", "split": "all"}, ""),
    "read": (read, {}, "path"),
    "Dataset.of": (partial(Dataset.of, X), {}, "y kind columns plain"),
    "Dataset.take": (TABLE.take, {}, "rows"),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("study", STUDIES)
def test_studies_and_data(study: str, model: Autoencoder, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    def judge(*_: Any, **__: Any) -> Any:
        raise DataError("how spaces are judged is tested elsewhere")

    for place in ("comparison", "sweep.sweep"):
        monkeypatch.setattr(f"latentwalk.studies.{place}.judge", judge)
    monkeypatch.chdir(tmp_path)
    call, usual, more = STUDIES[study]
    if study == "noise_sweep":
        x = np.random.default_rng(0).random((60, 6, 6)).astype(np.float32)
        usual = usual | {"model": Autoencoder("denoising", **QUICK).fit(x), "learnt": x[:20], "clean": x[20:25]}
    if study == "synthesise":
        usual = usual | {"fitted": model}
    told: list[str] = []
    for option in (*(name for name in usual if name not in ("fitted", "learnt", "clean")), *more.split()):
        tried(lambda value, option=option: call(**usual | {option: value}), told, option)
    assert not told, "\n".join(told)


# ---------------------------------------------------------------------- numbers of NumPy are numbers


def test_numbers_of_numpy_are_numbers(model: Autoencoder) -> None:
    plain = {
        "latent": 2,
        "epochs": 1,
        "batch_size": 16,
        "patience": 3,
        "random_state": 7,
        "learning_rate": 0.5,
        "validation": 0.25,
    }
    types = [np.int64, np.int32, np.uint8, np.int16, np.uint32, np.float32, np.float64]
    boxed = {name: kind(value) for (name, value), kind in zip(plain.items(), types, strict=True)}
    usual = {
        "progress": np.bool_(False),
        "network": Network("dense", widths=(np.int64(8),)),
        "training": Settings(ema=np.float32(0.5)),
    }
    ours, theirs = (Autoencoder("vae", **given, **usual).fit(X) for given in (boxed, plain))
    np.testing.assert_array_equal(ours.transform(X), theirs.transform(X))
    two, zero, space = np.int64(2), np.uint8(0), model.space(X)
    np.testing.assert_array_equal(space.walk(zero, np.int64(1), steps=np.int32(3)).z, space.walk(0, 1, steps=3).z)
    np.testing.assert_array_equal(space.sample(two, seed=np.int64(3)).z, space.sample(2, seed=3).z)
    assert space.grid(steps=two).z.shape[:2] == (2, 2)
    assert hole_map(space, steps=two).z.shape[:2] == (2, 2)
    assert continuity(space, most=np.int64(300), seed=zero) == continuity(space, most=300, seed=0)
    found, same = (
        list(reductions(TABLE, latent=a, methods=["pca"], random_state=b)) for a, b in ((np.array([1, 2]), two), ([1, 2], 2))
    )
    assert [one.quality for one in found] == [one.quality for one in same]
    assert Sweep({"latent": [1]}, seeds=two)._seeds() == [0, 1]
