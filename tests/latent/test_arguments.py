"""Arguments that cannot be meant, in every option: the error is ours, and comes at once."""

import inspect
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from latentwalk import Network, Recipe, Settings, completeness, continuity, mmd, reach
from latentwalk.errors import LatentwalkError
from latentwalk.estimators.anomalies import AnomalyDetector
from latentwalk.estimators.autoencoder import Autoencoder

STRANGE: list[Any] = ["no such thing", float("nan"), float("-inf"), -1, 10**30, 1.5, [], {}, object(), b"3", True]
X = np.random.default_rng(0).normal(size=(400, 6)).astype(np.float32)
QUICK: dict[str, Any] = {
    "latent": 2,
    "epochs": 1,
    "random_state": 0,
    "progress": False,
    "network": Network("dense", widths=(8,)),
}
SLOW = {"compile", "workers"}  # of `Settings`: some of these are meant, and take a while


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


@pytest.mark.filterwarnings("ignore")
def test_methods_of_a_model_and_of_a_space(model: Autoencoder) -> None:
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
    }
    for of, calls in ((space, usual), (model, {"sample": {"n": 2}, "score_samples": {"X": X[:2]}})):
        for name, given in calls.items():
            for option in parameters(getattr(of, name), "X"):
                call = getattr(of, name)
                tried(lambda v, call=call, given=given, option=option: call(**{**given, option: v}), told, f"{name}: {option}")
    assert not told, "\n".join(told)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("measure", [completeness, reach, continuity, mmd], ids=lambda one: one.__name__)
def test_measures(model: Autoencoder, measure: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("latentwalk.latent.criteria.region.Region.share", lambda *_: (1.0, 1.0, 1.0))
    region = SimpleNamespace(share=lambda *_: (1.0, 1.0, 1.0), learnt_from=1)
    monkeypatch.setattr("latentwalk.latent.criteria.region.Region.fit", lambda *_, **__: region)  # it is tested elsewhere
    space, told = model.space(X), []
    for option in parameters(measure, "space"):
        tried(lambda value, option=option: measure(space, **{"most": 300, option: value}), told, option)
    assert not told, "\n".join(told)
