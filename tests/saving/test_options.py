"""Options come back from JSON as they were; a part of one's own is a name there, and is never made from it."""

import json
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from latentwalk.data import DataSpec
from latentwalk.data.corruption import Corruption
from latentwalk.data.scaling import Scaling
from latentwalk.errors import CheckpointError, ConfigError
from latentwalk.models.likelihood import Likelihood
from latentwalk.models.objective import Terms, elbo
from latentwalk.models.prior import LearntMixture
from latentwalk.models.recipes import RECIPES, Recipe, assemble, recipe_named
from latentwalk.models.schedule import cyclical
from latentwalk.networks.build import Network
from latentwalk.saving.options import from_json, is_same, own_parts, params_from_json, params_to_json, to_json


def blurred(p, epoch=None, weight=1.0):
    return Terms({"all": weight * p.z.square().sum((0, -1))}, p.z.square().mean())


BODIES = (nn.Linear(4, 4), nn.Sequential(nn.Linear(2, 4)))
OWN = {
    "objective": (Recipe("mine", objective=blurred), f"{__name__}.blurred"),
    "prior": (Recipe("mine", prior=LearntMixture(2, 3)), "latentwalk.models.prior.LearntMixture"),
    "network": (Network(bodies=BODIES), "torch.nn.modules.linear.Linear, torch.nn.modules.container.Sequential"),
}


@pytest.mark.parametrize(
    "value",
    [
        *RECIPES.values(),
        Recipe("x", beta=cyclical(2.0, every=5), prior="mixture"),
        Network("conv", widths=(3,), channels=(4, 8), dropout=0.1),
        Likelihood("mixed", columns={"a": "student-t"}),
        Corruption("masking", 0.2),
        DataSpec.infer(np.zeros((4, 5))),
        (1, 2.5, "a", None, True),
    ],
)
def test_what_is_written_is_read_again(value):
    assert from_json(json.loads(json.dumps(to_json(value)))) == value


@pytest.mark.parametrize("part", OWN)
def test_a_part_of_ones_own_is_named_and_given_again(part):
    value, name = OWN[part]
    written = json.loads(json.dumps(to_json(value)))
    assert own_parts(written) == {part: name}
    with pytest.raises(CheckpointError, match=rf"a {part} of its maker's own, .*load\(folder, {part}=…\)"):
        from_json(written)
    given = {"objective": blurred, "prior": OWN["prior"][0].prior, "network": BODIES}
    assert from_json(written, given) == value


def test_parts_of_ones_own_among_the_options_of_an_estimator():
    params = {"recipe": OWN["objective"][0], "network": BODIES, "latent": 2, "random_state": np.random.RandomState(0)}
    written = json.loads(json.dumps(params_to_json(params)))
    assert own_parts(written) == {"objective": OWN["objective"][1], "network": OWN["network"][1]}
    read = params_from_json(written, {"objective": blurred, "network": BODIES})
    assert read == params | {"random_state": None}
    assert own_parts(params_to_json({"recipe": "vae", "network": Network()})) == {}


def test_a_function_with_options_is_named_by_what_it_is_of():
    assert to_json(partial(blurred, weight=2.0)) == {"type": "own", "name": f"{__name__}.blurred"}


def test_options_are_the_same_whatever_version_wrote_them():
    now = to_json(Recipe("vae", generative=True))
    before = {name: value for name, value in now.items() if name != "prior"}
    assert is_same(before, now) and is_same([before, 1], [now, 1])
    assert not is_same(before, to_json(Recipe("vae", generative=True, prior="mixture")))
    assert not is_same(now, to_json(Network())) and not is_same(1, 2) and not is_same(None, now)


def model_of(objective, classes=0):
    x = np.random.default_rng(0).normal(size=(9, 4))
    spec, likelihood = DataSpec.infer(x), Likelihood("gaussian")
    return assemble(
        Recipe("mine", objective=objective), spec, Network(), likelihood, 2, Scaling.fit(x, spec, "standard"), classes
    )


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        (lambda p, epoch: p.z.sum(), "gives a Tensor. Expected Terms"),
        (lambda p, epoch: p.zz, "cannot read a pass: .*zz"),
        (lambda p, epoch: Terms({"a": p.z.sum()}, p.z.sum()), r"terms of shapes {'a': \(\)} for 2 examples"),
        (lambda p, epoch: Terms({"a": p.z.sum((0, 2))}, p.z.sum(2)), r"a loss of shape \(1, 2\)"),
        (lambda p, epoch: Terms({"a": p.z.sum((0, 2))}, p.z.sum().detach()), "depends on the weights"),
    ],
)
def test_an_objective_of_ones_own_is_tried_before_training(objective, message):
    with pytest.raises(ConfigError, match=message):
        model_of(objective)


def test_trying_an_objective_leaves_no_trace():
    state = torch.get_rng_state()
    torch.manual_seed(0)
    model, plain = model_of(blurred, 3), None
    after = torch.get_rng_state()
    torch.manual_seed(0)
    plain = model_of("elbo", 3)
    assert torch.equal(after, torch.get_rng_state()) and model.training
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), plain.parameters(), strict=True))
    assert all(weight.grad is None for weight in model.parameters())
    torch.set_rng_state(state)
    with torch.device("meta"):
        model_of(blurred)


class Other(Recipe):
    """A recipe that no saved model could name."""


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: recipe_named(Other("x")), "Other is a subclass of Recipe"),
        (lambda: Recipe("x", objective=nn.Linear(2, 2)), "would have weights which are neither learnt nor saved"),
        (lambda: Recipe("x", objective=blurred, beta=2.0), "Give one's own its options beforehand"),
        (lambda: Recipe("x", objective="elob"), "Did you mean 'elbo'"),
        (lambda: Recipe("x", objective=blurred, contraction=1.0), "go with objective='reconstruction'"),
    ],
)
def test_what_could_not_be_kept_is_refused(call, message):
    with pytest.raises(ConfigError, match=message):
        call()


def test_an_objective_of_ones_own_is_what_is_made_small():
    assert Recipe("mine", objective=blurred).loss() is blurred
    assert Recipe("mine").loss().func is elbo
