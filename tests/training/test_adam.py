"""Our Adam takes the steps of torch's, to the last bit, and either goes on where the other stopped."""

import subprocess
import sys

import pytest
import torch
from torch import nn

from latentwalk.training.adam import Adam


def weights():
    torch.manual_seed(0)
    return [nn.Parameter(torch.randn(shape)) for shape in ((7, 5), (5,), (), (3, 2, 2, 2))]


def theirs(given, decay, decoupled):
    kind = torch.optim.AdamW if decoupled else torch.optim.Adam
    return kind(given, 1e-2, weight_decay=decay, fused=True)


def walk(optimiser, given, steps, first=0):
    """Steps on drawn gradients; the last weight has one only now and then, and one step in five is left out."""
    for number in range(first, first + steps):
        generator = torch.Generator().manual_seed(number)
        optimiser.zero_grad()
        for weight in given[: len(given) - number % 2]:
            weight.grad = torch.randn(weight.shape, generator=generator)
        optimiser.grad_scale, optimiser.found_inf = (None, torch.tensor(float(number % 5 == 3)))
        optimiser.param_groups[0]["lr"] = 1e-2 / (1 + number)
        optimiser.step()


@pytest.mark.parametrize("decoupled", [False, True])
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_the_same_steps_as_torch(decay, decoupled):
    ours, others = weights(), weights()
    a, b = Adam(ours, 1e-2, decay, decoupled=decoupled), theirs(others, decay, decoupled)
    for optimiser, given in ((a, ours), (b, others)):
        walk(optimiser, given, 30)
    assert all(torch.equal(*pair) for pair in zip(ours, others, strict=True))
    kept, wanted = a.state_dict()["state"], b.state_dict()["state"]
    assert kept.keys() == wanted.keys()
    for number, moments in wanted.items():
        assert kept[number].keys() == moments.keys()
        assert all(torch.equal(kept[number][name], value) for name, value in moments.items())


@pytest.mark.parametrize("ours_first", [False, True])
def test_either_goes_on_from_the_other(ours_first):
    straight, cut = weights(), weights()
    walk(theirs(straight, 0.1, False), straight, 20)
    makers = [lambda: Adam(cut, 1e-2, 0.1, decoupled=False), lambda: theirs(cut, 0.1, False)]
    first, second = (make() for make in (makers if ours_first else makers[::-1]))
    walk(first, cut, 10)
    saved = first.state_dict()
    second.load_state_dict({"state": saved["state"], "param_groups": second.state_dict()["param_groups"]})
    walk(second, cut, 10, first=10)
    assert all(torch.equal(*pair) for pair in zip(straight, cut, strict=True))


def test_it_does_without_the_compiler():
    code = (
        "import sys, torch; from latentwalk.training.adam import Adam; w = torch.nn.Parameter(torch.ones(2)); "
        "a = Adam([w], 0.1, 0.0, decoupled=False); w.sum().backward(); a.step(); print('torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
