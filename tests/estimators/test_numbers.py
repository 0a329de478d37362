"""Every number among the options: NumPy's own work and are saved; what is no number, or none that can be meant, is refused.

The list of options is read off the signatures, so that a new one is tested without being named here.
"""

import json
import math
import re
from fractions import Fraction
from inspect import signature

import numpy as np
import pytest

from latentwalk import Autoencoder, Likelihood, Network, Recipe, Settings
from latentwalk.data.corruption import Corruption
from latentwalk.errors import ConfigError
from latentwalk.models.schedule import Schedule
from latentwalk.models.sparsity import Sparsity
from latentwalk.saving.options import from_json, to_json

X = np.random.default_rng(0).normal(size=(40, 4))
QUICK = {"epochs": 1, "progress": False, "random_state": 0, "network": Network("dense", widths=(8,))}
LIMITS = {"clip", "skip", "max_norm", "cycle", "rise"}  # None, or ever more, is ever less of a limit
DIVERGES = {"learning_rate"}  # which training says


def made(kind, **options):
    """The value with these options; for an estimator, once it has looked at them as `fit` does first."""
    match kind:
        case "Autoencoder":
            model = Autoencoder(**QUICK | options)
            model._options().seed()
            return model.check()
        case "Recipe":
            plain = {"posterior": "point", "objective": "reconstruction"} if "contraction" in options else {}
            return Recipe("mine", **plain | options)
        case "Sparsity":
            return Sparsity(**{"kind": "l1"} | options)
        case "Schedule":
            return Schedule(**{"value": 1.0} | options)
    return {"Network": Network, "Settings": Settings, "Likelihood": Likelihood, "Corruption": Corruption}[kind](**options)


def numbers():
    """(kind, option, whether it is whole) of all options that a number can be given for."""
    for kind in (Autoencoder, Recipe, Network, Settings, Likelihood, Sparsity, Corruption, Schedule):
        for name, one in signature(kind).parameters.items():
            said = str(one.annotation)
            if re.search(r"\b(int|float)\b", said) and "Callable" not in said:
                yield kind.__name__, name, "float" not in said


NUMBERS = list(numbers())
GOOD = {"random_state": 3, "ema": 0.5, "validation": 0.25, "dropout": 0.25, "word_dropout": 0.25}
VALUES = {"widths": (8, 4), "channels": (4, 4)}
every_number = pytest.mark.parametrize(("kind", "name", "whole"), NUMBERS, ids=[f"{kind}.{name}" for kind, name, _ in NUMBERS])


def good(name):
    return VALUES.get(name, GOOD.get(name, 2))


def test_the_list_has_what_it_should():
    found = {f"{kind}.{name}" for kind, name, _ in NUMBERS}
    assert len(found) > 25
    some = ("Autoencoder.latent", "Autoencoder.noise", "Recipe.draws", "Network.widths", "Settings.ema", "Likelihood.sigma")
    assert found.issuperset(some)


@every_number
def test_what_cannot_be_meant_is_refused(kind, name, whole):
    wrong = ["three", "3", math.nan, math.inf, -math.inf, -1, 10**15, float(10**15), 1j, [[1]], np.array(math.nan)]
    for value in wrong:
        large = not isinstance(value, (str, complex, list)) and value > 0
        if (large and name in LIMITS) or (name in DIVERGES and value == 10**15):
            made(kind, **{name: value})
        else:
            with pytest.raises(ConfigError) as caught:
                made(kind, **{name: (value,) if name in VALUES else value})
            assert str(caught.value)


@every_number
def test_numbers_of_any_type_are_pythons_own(kind, name, whole):
    value = good(name)
    forms = [np.array(value, np.int32).tolist()] if name in VALUES else []
    if name in VALUES:
        forms += [tuple(np.int64(one) for one in value), list(value), np.array(value)]
    elif whole or value == 2:
        forms += [np.int64(value), np.int32(value), np.uint8(value)]
    if name not in VALUES and not whole:
        forms += [np.float32(value), np.float64(value), np.float16(value), np.longdouble(value), Fraction(value)]
    plain = to_json(made(kind, **{name: value})) if kind != "Autoencoder" else None
    for form in forms:
        one = made(kind, **{name: form})
        if kind == "Autoencoder":
            held = getattr(one._options(), name)
            assert held == value and type(held) in (int, float), (name, form)
            continue
        written = json.loads(json.dumps(to_json(one))) if kind != "Settings" else json.loads(json.dumps(one.get_params()))
        if kind != "Settings":
            assert written == json.loads(json.dumps(plain))
            assert json.dumps(to_json(from_json(written))) == json.dumps(written)
        assert written[name] == (list(value) if name in VALUES else value)


@pytest.mark.parametrize(
    "options",
    [
        {"learning_rate": np.float32(1e-3), "epochs": np.int64(1), "batch_size": np.uint8(16), "latent": np.int32(3)},
        {"validation": np.float16(0.25), "patience": np.int64(2), "random_state": np.int64(3), "noise": np.float32(0.5)},
        {"noise": (np.float32(0.1), np.float64(0.5)), "condition": np.bool_(False), "complete": np.bool_(False)},
        {"training": Settings(ema=np.float32(0.5), warmup=np.int64(1), accumulate=np.int8(2), clip=np.float64(1))},
        {"recipe": Recipe("mine", beta=np.float32(0.5), draws=np.int64(2), free_nats=np.float64(0.1))},
        {"recipe": Recipe("mine", "point", "reconstruction", sparsity=Sparsity("top-k", np.int64(1)))},
        {"network": Network("dense", widths=np.array([8, 4]), dropout=np.float32(0.25), max_norm=np.int64(3))},
        {"likelihood": Likelihood(sigma=np.float32(0.5))},
    ],
)
def test_a_model_of_numpys_numbers_trains_and_is_kept(options, tmp_path):
    model = Autoencoder(**QUICK | options).fit(X)
    model.save(tmp_path)
    again = Autoencoder.load(tmp_path)
    np.testing.assert_array_equal(again.transform(X), model.transform(X))
    json.dumps(json.loads((tmp_path / "model.json").read_text()), allow_nan=False)
    for one in (model, again):
        one.set_params(warm_start=True).fit(X)  # the same options, whatever their types


@pytest.mark.parametrize("state", ["a", math.nan, -1, 2**40, 1.5, np.random.default_rng(0), [1, 2]])
def test_a_seed_that_is_none_is_refused(state):
    with pytest.raises(ConfigError, match="random_state="):
        Autoencoder(**QUICK | {"random_state": state}).fit(X)
