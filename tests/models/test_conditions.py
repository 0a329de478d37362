"""A model that is told the label of an example: the decoder makes what the label says, and the code need not."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from latentwalk.data import DataSpec
from latentwalk.data.batches.resident import Resident
from latentwalk.data.scaling import Scaling
from latentwalk.errors import ConfigError
from latentwalk.models.conditional import Conditional, Shifted
from latentwalk.models.heads import BernoulliHead
from latentwalk.models.inference import Coder
from latentwalk.models.likelihood import Likelihood
from latentwalk.models.recipes import assemble, recipe_named
from latentwalk.networks.build import Network
from latentwalk.training.loop import train
from latentwalk.training.plan import Plan
from latentwalk.training.settings import Settings

RNG = np.random.default_rng(0)
SHIFT = np.array([[2.0, 0.0, -2.0, 1.0, 0.0], [-2.0, 1.0, 2.0, 0.0, -1.0]])
LABELS = RNG.integers(2, size=1200)
INNER = RNG.normal(size=(1200, 2))
for label in (0, 1):  # so that the shift is all by which the classes differ
    INNER[label == LABELS] -= INNER[label == LABELS].mean(0)
X = (INNER @ RNG.normal(size=(2, 5)) + SHIFT[LABELS] + 0.1 * RNG.normal(size=(1200, 5))).astype(np.float32)
GIVEN = np.eye(2, dtype=np.float32)[LABELS]


def made(x=X, recipe="vae", network="dense", classes=2, latent=2):
    spec, likelihood = DataSpec.infer(x), Likelihood("gaussian")
    torch.manual_seed(0)
    scaling = Scaling.fit(x, spec, likelihood.scaling(spec))
    return assemble(recipe_named(recipe), spec, Network(network), likelihood, latent, scaling, classes)


def learnt(given, epochs=40, settings=Settings(), **options):  # noqa: B008
    model = made(classes=0 if given is None else 2, **options)
    batches = Resident(torch.from_numpy(X), 100, seed=0, given=None if given is None else torch.from_numpy(given))
    list(train(model, recipe_named("vae").loss(), batches, Plan(epochs=epochs, learning_rate=3e-3, settings=settings)))
    return model


@pytest.fixture(scope="module")
def told():
    return learnt(GIVEN)


def test_the_decoder_makes_what_the_label_says(told):
    """The classes differ by a known shift, and so do one code's two decodings."""
    z = RNG.normal(size=(200, 2)).astype(np.float32)
    one, other = (Coder(told, np.eye(2, dtype=np.float32)[label]).decode(z) for label in (0, 1))
    np.testing.assert_allclose((one - other).mean(0), SHIFT[0] - SHIFT[1], atol=0.5)


def test_the_code_says_little_of_what_the_decoder_is_told(told):
    codes = Coder(told, GIVEN).encode(X)[0]
    untold = Coder(learnt(None)).encode(X)[0]
    score = [LogisticRegression().fit(z[:800], LABELS[:800]).score(z[800:], LABELS[800:]) for z in (codes, untold)]
    assert score[0] < 0.6 and score[1] > 0.95


def test_a_row_answers_alike_alone_and_whether_its_condition_is_one_or_many(told):
    coder, rows = Coder(told, GIVEN), np.flatnonzero(LABELS == 1)[:5]
    one = Coder(told, np.array([0, 1], np.float32))
    for ask in (lambda c, x: c.encode(x)[0], lambda c, x: c.bound(x, 3), lambda c, x: c.log_probs(x)):
        np.testing.assert_array_equal(ask(coder, X)[rows], ask(one, X[rows]))
    assert np.isfinite(coder.bound(X, 2)).all()


def test_several_draws_are_all_told(told):
    p = told(told.scaling(torch.from_numpy(X[:6])), draws=4, given=torch.from_numpy(GIVEN[:6]))
    assert p.likelihood.batch_shape == (4, 6)
    alone = told.decoder(p.z[2], torch.from_numpy(GIVEN[:6]))
    torch.testing.assert_close(p.likelihood.mean[2], alone.mean)


def test_learning_starts_as_if_there_were_no_condition():
    model = made()
    x = model.scaling(torch.from_numpy(X[:5]))
    torch.testing.assert_close(model.encoder(x, torch.eye(2)[0]).mean, model.encoder(x, torch.eye(2)[1]).mean)


@pytest.mark.parametrize("network", ["dense", "conv", "gru"])
def test_any_network_can_be_told(network):
    x = RNG.normal(size=(8, 20, 2)).astype(np.float32)
    spec, likelihood = DataSpec.infer(x, "signal"), Likelihood("gaussian")
    scaling = Scaling.fit(x, spec, likelihood.scaling(spec))
    model = assemble(recipe_named("contractive"), spec, Network(network), likelihood, 3, scaling, 4)
    given = np.eye(4, dtype=np.float32)[RNG.integers(4, size=8)]
    assert Coder(model, given).decode(Coder(model, given).encode(x)[0]).shape == x.shape
    p = model(model.scaling(torch.from_numpy(x)), given=torch.from_numpy(given))
    assert p.posterior.jacobian.shape == (8,) and model.classes == 4


def test_parts_of_a_batch_are_told_as_the_whole_is():
    one, parts = (learnt(GIVEN, epochs=2, settings=Settings(accumulate=n)) for n in (1, 3))
    for a, b in zip(one.parameters(), parts.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=2e-4, rtol=1e-3)


class Listening(torch.nn.Module):
    """A body that says what it was shown."""

    shown = None

    def forward(self, c, target=None):
        self.shown = target
        return c


@pytest.mark.parametrize("forced", [False, True])
def test_a_target_is_shown_to_a_body_that_is_forced_and_to_no_other(forced):
    body = Listening()
    conditional = Conditional(body, BernoulliHead(1), 1, forced=forced)
    target = torch.rand(3, 2)
    conditional(torch.zeros(4, 3, 2), None, target)
    if forced:
        torch.testing.assert_close(body.shown, target.repeat(4, 1))
    else:
        assert body.shown is None
    conditional(torch.zeros(3, 2))
    assert body.shown is None


def test_a_condition_shifts_the_raw_numbers():
    body = Shifted(torch.nn.Identity(), 2, 3)
    with torch.no_grad():
        body.shift.copy_(torch.tensor([[1.0, 2.0, 3.0], [0.0, 0.0, -1.0]]))
    torch.testing.assert_close(body(torch.ones(2, 3), torch.eye(2)), torch.tensor([[2.0, 3.0, 4.0], [1.0, 1.0, 0.0]]))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Coder(made()), "takes conditions of 2 numbers, not of 0"),
        (lambda: Coder(made(classes=0), GIVEN), "takes conditions of 0 numbers, not of 2"),
        (
            lambda: made(RNG.random((9, 16, 16)).astype(np.float32), network="fully-conv", latent=64),
            "has no place for a condition.*'conv'",
        ),
    ],
)
def test_refusals_say_what_would_do(call, message):
    with pytest.raises(ConfigError, match=message):
        call()
