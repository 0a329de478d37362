"""The teaching example and the library are the same method: the same losses from the same seed."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from latentwalk.chance import seeded
from latentwalk.data import DataSpec
from latentwalk.data.batches.resident import Resident
from latentwalk.data.scaling import Scaling
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.models.likelihood import Likelihood
from latentwalk.models.recipes import assemble, recipe_named
from latentwalk.networks.build import Network
from latentwalk.training.loop import train
from latentwalk.training.plan import Plan
from latentwalk.training.runtime import quick

EPOCHS, SEED = 4, 7
PLAIN = Network("dense", start="plain")


@pytest.fixture(scope="module")
def example():
    path = Path(__file__).resolve().parents[1] / "examples" / "one_file_vae.py"
    spec = importlib.util.spec_from_file_location("one_file_vae", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def curve_of_the_example(example, x, seed=SEED):
    with quick(), seeded(seed):
        model = example.VAE(x.shape[1])
        return np.array(list(example.train(model, torch.from_numpy(x), epochs=EPOCHS, seed=seed))), model


def test_same_loss_from_the_same_seed(example):
    x = example.digits()
    recipe, spec = recipe_named("vae"), DataSpec.infer(x)
    with seeded(SEED):
        model = assemble(recipe, spec, PLAIN, Likelihood("bernoulli"), 2, Scaling(spec))
        batches = Resident(torch.from_numpy(x), 128, SEED)
        ours = [
            (epoch.loss, epoch.train["reconstruction"], epoch.train["kl"])
            for epoch in train(model, recipe.loss(), batches, Plan(epochs=EPOCHS))
        ]
    theirs, _ = curve_of_the_example(example, x)
    np.testing.assert_allclose(theirs, ours, rtol=2e-5)
    assert theirs[-1, 0] < theirs[0, 0] - 5  # and it learns


def test_same_loss_as_the_public_face(example):
    x = example.digits()
    vae = Autoencoder("vae", network=PLAIN, likelihood="bernoulli", validation=0, epochs=EPOCHS, random_state=0).fit(x)
    seed = int(np.random.RandomState(0).randint(2**31 - 1))  # as `fit` draws it
    theirs, _ = curve_of_the_example(example, x, seed)
    np.testing.assert_allclose(theirs[:, 0], [epoch.loss for epoch in vae.history_], rtol=2e-5)


def test_map_of_the_plane_puts_the_first_axis_across_and_the_second_upwards(example):
    _, model = curve_of_the_example(example, example.digits()[:300])
    picture = example.code_map(model, side=8, steps=3, reach=2.0)
    assert picture.shape == (24, 24)
    with torch.no_grad():
        corner = torch.sigmoid(model.decoder(torch.tensor([[2.0, 2.0]]))).reshape(8, 8)  # upper right
    np.testing.assert_allclose(picture[:8, 16:], 255 * corner, atol=1)


def test_example_imports_nothing_of_ours(example):
    assert "latentwalk" not in {name.split(".")[0] for name in vars(example)}
    lines = Path(example.__file__).read_text().splitlines()
    assert not any(line.lstrip().startswith(("import latentwalk", "from latentwalk")) for line in lines)
