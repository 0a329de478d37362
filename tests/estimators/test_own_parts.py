"""Parts of a researcher's own: networks, a prior, an objective. They learn, are kept without code, and are asked for again."""

import json

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch import nn
from torch.distributions import Independent, Laplace

from latentwalk import Autoencoder, Corruption, Likelihood, Network, Recipe, Settings
from latentwalk.errors import CheckpointError, ConfigError
from latentwalk.models.divergence import kl
from latentwalk.models.objective import Terms
from latentwalk.models.prior import Prior

X = np.random.default_rng(0).random((60, 6, 7)).astype(np.float32)
QUICK = {"epochs": 2, "batch_size": 20, "random_state": 0, "progress": False, "latent": 2, "likelihood": "gaussian"}


class Reader(nn.Module):
    def __init__(self, out=4, width=8):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(42, width), nn.Tanh(), nn.Linear(width, out))

    def forward(self, x):
        return self.layers(x)


class Writer(nn.Module):
    def __init__(self, latent=2):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(latent, 8), nn.Tanh(), nn.Linear(8, 42), nn.Unflatten(1, (1, 6, 7)))

    def forward(self, z):
        return self.layers(z)


class Peaked(Prior):
    title = "Laplace"

    def __init__(self, dim):
        super().__init__(dim)
        self.log_scale = nn.Parameter(torch.zeros(dim))

    def forward(self, c=None):
        return Independent(Laplace(torch.zeros_like(self.log_scale), self.log_scale.exp()), 1)


def squared(p, now=None):
    missing = -p.likelihood.log_prob(p.target).mean(0)
    divergence = kl(p.posterior, p.prior, p.z)
    return Terms({"reconstruction": missing, "kl": divergence}, (missing + divergence.square()).mean())


def bodies():
    torch.manual_seed(1)
    return Reader(), Writer()


PARTS = {
    "network": ({}, {"network": bodies}),
    "prior": ({"prior": Peaked}, {}),
    "objective": ({"objective": squared}, {}),
    "all": ({"prior": Peaked, "objective": squared}, {"network": bodies}),
}


def made(which, **options):
    """A model with one part, or all, of one's own; and those parts anew, as `load` takes them."""
    recipe, beside = PARTS[which]
    inner = {name: part(2) if part is Peaked else part for name, part in recipe.items()}
    outer = {name: part() for name, part in beside.items()}
    again = {name: Peaked(2) if part is Peaked else part for name, part in recipe.items()}
    usual = QUICK | {"network": Network(start="mean")}  # from a line, nothing better may be learnt so quickly
    return Autoencoder(Recipe("mine", generative=True, **inner), **usual | outer | options), again | {
        name: part() for name, part in beside.items()
    }


@pytest.mark.parametrize("which", PARTS)
def test_it_learns_is_kept_and_answers_the_same(which, tmp_path):
    model, parts = made(which)
    model.fit(X).fit_sampler(X, "gaussian").save(tmp_path)
    assert model.history_[-1].loss < model.history_[0].loss
    again = Autoencoder.load(tmp_path, **parts)
    np.testing.assert_array_equal(again.transform(X), model.transform(X))
    for source in ("fitted", "prior"):
        np.testing.assert_array_equal(again.sample(5, source=source), model.sample(5, source=source))
    np.testing.assert_array_equal(again.score_samples(X, 3), model.score_samples(X, 3))
    space = again.space(X)
    assert space.walk(0, 1).x.shape == (11, 6, 7) and space.prior.title == ("Laplace" if "prior" in parts else "N(0, I)")
    again.save(tmp_path / "twice")
    assert (tmp_path / "twice" / "model.json").read_text() == (tmp_path / "model.json").read_text()


@pytest.mark.parametrize("which", PARTS)
def test_without_the_parts_load_says_which_to_give(which, tmp_path):
    model, parts = made(which)
    model.fit(X).save(tmp_path)
    with pytest.raises(CheckpointError, match="a folder holds no code.*Give the same again: Autoencoder.load") as said:
        Autoencoder.load(tmp_path)
    for name in parts:
        assert f"{name} ({__name__}." in str(said.value) and f"{name}=" in str(said.value)
    missing = dict(list(parts.items())[1:])
    with pytest.raises(CheckpointError, match=next(iter(parts))):
        Autoencoder.load(tmp_path, **missing)


def test_parts_that_do_not_fit_the_weights_are_refused(tmp_path):
    model, parts = made("all")
    model.fit(X).save(tmp_path)
    with pytest.raises(CheckpointError, match=r"expected encoder.body.layers.1.bias of shape \(9,\), found \(8,\)"):
        Autoencoder.load(tmp_path, **parts | {"network": (Reader(width=9), Writer())})
    with pytest.raises(CheckpointError, match="prior Peaked"):
        Autoencoder.load(tmp_path, **parts | {"prior": Peaked(3)})
    made("objective")[0].fit(X).save(tmp_path)
    with pytest.raises(ConfigError, match="no prior of its maker's own. Leave prior= out"):
        Autoencoder.load(tmp_path, objective=squared, prior=Peaked(2))


def test_fitting_begins_from_the_parts_as_they_were_given():
    model, _ = made("all")
    before = {name: value.clone() for part in model.network for name, value in part.state_dict().items()}
    codes = model.fit(X).transform(X)
    after = {name: value for part in model.network for name, value in part.state_dict().items()}
    assert all(torch.equal(before[name], after[name]) for name in before)
    np.testing.assert_array_equal(model.fit(X).transform(X), codes)
    np.testing.assert_array_equal(clone(model).fit(X).transform(X), codes)
    assert model.get_params()["network"] is model.network


def test_a_training_with_ones_own_parts_goes_on(tmp_path):
    options = {"training": Settings(checkpoint_every=0.0)}
    made("all", epochs=1, **options)[0].fit(X, checkpoint=tmp_path)
    longer = made("all", **options)[0].fit(X, checkpoint=tmp_path)
    np.testing.assert_array_equal(longer.transform(X), made("all", **options)[0].fit(X).transform(X))
    with pytest.raises(ConfigError, match="network=.* is not what the training in .* was begun with"):
        made("all", network="dense")[0].fit(X, checkpoint=tmp_path)


def test_a_learnt_mixture_is_kept(tmp_path):
    model = Autoencoder(Recipe("mine", prior="mixture", generative=True), **QUICK).fit(X)
    model.save(tmp_path)
    np.testing.assert_array_equal(Autoencoder.load(tmp_path).sample(6), model.sample(6))
    assert model.space(X).prior.title == "learnt mixture"


class Mine(Network):
    """A network that no folder could name."""


class Tail(Likelihood):
    """A likelihood that no folder could name."""


class Hiss(Corruption):
    """A kind of noise that no folder could name."""


class Tied(nn.Module):
    """Two names for one tensor, which a weights file has no place for."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(42, 42)
        self.second = nn.Linear(42, 42)
        self.second.weight = self.first.weight
        self.last = nn.Linear(42, 4)

    def forward(self, x):
        return self.last(self.second(self.first(x.flatten(1))))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"network": Mine()}, "Mine is a subclass of Network"),
        ({"likelihood": Tail("gaussian")}, "Tail is a subclass of Likelihood"),
        ({"noise": Hiss("gaussian", 0.1)}, "recipe: Hiss is a subclass"),
        ({"network": (Tied(), Writer())}, "the weights of these parts cannot be saved"),
        ({"network": (Reader(3), Writer())}, r"encoder .*gives \(2, 3\). Expected \(2, 4\)"),
        ({"network": (Reader(), Writer(3))}, r"decoder .*cannot read \(2, 2\)"),
        ({"network": (Reader(),)}, "an encoder and a decoder"),
        ({"recipe": Recipe("mine", prior=Peaked(3))}, r"event \(2,\)"),
    ],
)
def test_what_could_not_be_kept_is_refused_before_training(options, message, monkeypatch):
    monkeypatch.setattr("latentwalk.estimators.fitting.train", None)
    model = Autoencoder(**QUICK | options)
    with pytest.raises(ConfigError, match=message):
        model.fit(X)
    assert not hasattr(model, "model_")


@pytest.mark.parametrize(
    ("part", "put", "message"),
    [
        ("prior", Peaked(2), "model_.prior is Peaked in place of StandardNormal.*put in by hand.*Recipe"),
        ("encoder", nn.Identity(), "model_.encoder is Identity in place of Conditional"),
    ],
)
def test_a_part_put_in_by_hand_is_refused_when_saved(part, put, message, tmp_path):
    model = Autoencoder(**QUICK).fit(X)
    setattr(model.model_, part, put)
    with pytest.raises(ConfigError, match=message):
        model.save(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_condition_with_networks_of_ones_own(tmp_path):
    y = np.arange(60) % 3
    model = Autoencoder(network=(Reader(), Writer(2 + 3)), condition=True, **QUICK).fit(X, y)
    model.save(tmp_path)
    again = Autoencoder.load(tmp_path, network=(Reader(), Writer(5)))
    np.testing.assert_array_equal(again.sample(4, condition=1), model.sample(4, condition="1"))


def test_a_folder_names_parts_and_holds_no_code(tmp_path):
    made("all")[0].fit(X).save(tmp_path)
    said = json.loads((tmp_path / "model.json").read_text())["model"]
    assert said["recipe"]["prior"] == {"type": "own", "name": f"{__name__}.Peaked"}
    assert said["params"]["network"]["name"] == f"{__name__}.Reader, {__name__}.Writer"
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".safetensors"]
