"""A distribution over rolls is the product of its steps', sums to one, and depends on nothing beside."""

from itertools import product

import numpy as np
import pytest
import torch

from latentwalk.chance import seeded
from latentwalk.errors import ConfigError
from latentwalk.models.stepwise import StepwiseConditional
from latentwalk.networks.stepwise import OWN, StepDecoder, StepEncoder, own_numbers_of

KEYS, STEPS, D = 3, 5, 2


def decoder(keys=KEYS, steps=STEPS, own=D):
    with seeded(0):
        body = StepDecoder(keys, steps, own, (8, 6)).double()
        for weight in body.parameters():
            torch.nn.init.normal_(weight, std=0.7)
    return StepwiseConditional(body).eval()


def codes(n=4, steps=STEPS, own=D):
    return torch.from_numpy(np.random.default_rng(0).normal(size=(n, steps * own)))


def rolls(n=4, keys=KEYS, steps=STEPS, ends=(5, 3, 4, 1)):
    x = torch.from_numpy(np.random.default_rng(1).integers(0, 2, (n, keys, steps)).astype(float))
    for row, end in zip(x, ends, strict=True):
        row[:, end:] = torch.nan
    return x


def test_all_rolls_of_two_keys_and_two_steps_sum_to_one():
    p = decoder(2, 2)(codes(3, 2))
    every = torch.tensor([[bits[:2], bits[2:]] for bits in product((0.0, 1.0), repeat=4)]).double()
    total = torch.stack([p.log_prob(one.expand(3, 2, 2)) for one in every]).logsumexp(0)
    torch.testing.assert_close(total, torch.zeros(3, dtype=torch.float64))


def test_the_log_probability_is_that_of_its_steps_one_after_the_other():
    model, z, x = decoder(), codes(), rolls()
    body, each = model.body, torch.zeros(x.shape, dtype=torch.float64)
    before, memory = body.begin(len(x), z)
    for at in range(STEPS):
        odds, memory = body.step(body.codes(z)[:, at], before, memory)
        now = x[:, :, at].nan_to_num()
        each[:, :, at] = torch.where(x[:, :, at].isnan(), 0.0, torch.distributions.Bernoulli(logits=odds).log_prob(now))
        before = now
    torch.testing.assert_close(model(z, target=x).log_prob_each(x), each)
    torch.testing.assert_close(model(z).log_prob(x), each.sum((1, 2)))
    draws = torch.stack([z, z + 1])
    torch.testing.assert_close(model(draws, target=x).log_prob(x)[0], each.sum((1, 2)))  # draws share what sounded


def test_it_depends_neither_on_what_is_over_nor_on_batch_mates():
    model, z, x = decoder(), codes(), rolls()
    whole = model(z).log_prob(x)
    for row, end in enumerate((5, 3, 4, 1)):
        alone = model(z[row : row + 1]).log_prob(x[row : row + 1, :, :end])
        torch.testing.assert_close(alone[0], whole[row])
    later = z.clone()
    later[1, 3 * D :] = 9.0  # codes of steps that are over
    torch.testing.assert_close(model(later).log_prob(x), whole)


def test_what_is_drawn_is_as_likely_as_it_says():
    model = decoder(2, 2)
    with seeded(0):
        drawn = model(codes(1, 2)[0]).sample((4_000,))
    every = torch.tensor([[bits[:2], bits[2:]] for bits in product((0.0, 1.0), repeat=4)]).double()
    for one in every:
        share = float((drawn == one).flatten(1).all(1).double().mean())
        assert share == pytest.approx(float(model(codes(1, 2)[0]).log_prob(one).exp().detach()), abs=0.03)


def test_the_mean_goes_on_from_what_is_likelier_than_not():
    model, z = decoder(), codes()
    likely = model(z).mean
    again = model(z).body(z[None], (likely > 0.5).double())[0].sigmoid()
    torch.testing.assert_close(likely, again)


def test_the_encoder_says_nothing_of_what_is_over_and_nothing_by_what_comes_later():
    with seeded(0):
        body = StepEncoder(KEYS, STEPS + 2, D, 2, (8,)).double()
    x = rolls()
    y = body(x).unflatten(-1, (2, STEPS + 2, D))
    assert (y[1, :, 3:] == 0).all() and (y[:, :, STEPS:] == 0).all() and (y[1, :, :3] != 0).any()
    other = x.clone()
    other[0, :, 3:] = 1 - other[0, :, 3:]
    torch.testing.assert_close(body(other).unflatten(-1, (2, STEPS + 2, D))[0, :, :3], y[0, :, :3])


def test_a_code_is_shared_by_the_steps():
    assert own_numbers_of(10, None) == OWN and own_numbers_of(10, 30) == 3
    with pytest.raises(ConfigError, match=r"cannot be shared by 10 steps\. Use latent=30"):
        own_numbers_of(10, 31)
