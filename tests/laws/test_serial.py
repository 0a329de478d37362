"""A distribution over rows of units is the product of its conditionals, sums to one, and depends on nothing beside."""

from itertools import product

import numpy as np
import pytest
import torch

from latentwalk.chance import seeded
from latentwalk.data.music import Notation
from latentwalk.data.spec import DataSpec
from latentwalk.data.units import END, FIRST, Vocabulary
from latentwalk.models.serial import Serial, SerialConditional, drawn
from latentwalk.networks.build import Network
from latentwalk.networks.serial import Places, ends_of

KINDS = ["gru", "lstm", "gru without positions", "transformer", "hierarchical", "transformer tied"]
UNITS, LENGTH, LATENT = 7, 6, 3


def network(kind, **options):
    name, _, rest = kind.partition(" ")
    return Network(name, widths=(8, 5), positions=rest != "without positions", tied=rest == "tied", **options)


def spec_of(kind, units=UNITS, length=LENGTH):
    """Texts; for a network that needs music, pieces of bars of four units."""
    score = Notation(voices=1, steps=1, beats=(4, 4)) if kind == "hierarchical" else None
    return DataSpec.of_units(length, Vocabulary("characters", tuple("abcdefgh"[: units - FIRST])), score)


def decoder(kind, units=UNITS, length=LENGTH, dtype=torch.float64, **options):
    with seeded(0):
        body = network(kind, **options).writer(spec_of(kind, units, length), LATENT).to(dtype)
        for weight in body.parameters():
            torch.nn.init.normal_(weight, std=0.7)
    return SerialConditional(body).eval()


def codes(n=5, dtype=torch.float64):
    return torch.from_numpy(np.random.default_rng(0).normal(size=(n, LATENT))).to(dtype)


def rows(n=5, length=LENGTH, units=UNITS):
    rng = np.random.default_rng(1)
    found = rng.integers(FIRST, units, (n, length))
    for row, end in zip(found, rng.integers(0, length, n), strict=True):
        row[end:] = END
    return torch.from_numpy(found)


@pytest.mark.parametrize("kind", KINDS)
def test_all_strings_of_up_to_three_letters_sum_to_one(kind):
    p = decoder(kind, units=FIRST + 1, length=4)(codes(2))  # two letters (one of them the unknown one), and the end
    every = [[*word, *[END] * (4 - size)] for size in range(4) for word in product((1, 2), repeat=size)]
    total = torch.stack([p.log_prob(torch.tensor(word).expand(2, 4)) for word in every]).logsumexp(0)
    assert len(every) == 15
    torch.testing.assert_close(total, torch.zeros(2, dtype=torch.float64))


@pytest.mark.parametrize("kind", KINDS)
def test_the_log_probability_is_the_sum_of_its_conditionals_step_by_step(kind):
    model, z, x = decoder(kind), codes(), rows()
    known, memory = model.body.begin(z)
    last, total, over = torch.full((len(x),), END), torch.zeros(len(x), dtype=torch.float64), torch.zeros(len(x), dtype=bool)
    for at in range(LENGTH - 1):
        scores, memory = model.body.step(last, known, memory)
        each = scores.log_softmax(-1).gather(1, x[:, at, None])[:, 0]
        total = total + torch.where(over, 0.0, each)
        last = x[:, at]
        over = over | (last == END)
    torch.testing.assert_close(model(z, target=x).log_prob(x), total, atol=1e-5, rtol=0)
    torch.testing.assert_close(model(z).log_prob(x), total, atol=1e-5, rtol=0)
    assert model(z, target=x).log_prob_each(x).shape == x.shape


@pytest.mark.parametrize("kind", KINDS)
def test_it_depends_neither_on_padding_nor_on_batch_mates(kind):
    model, z, x = decoder(kind), codes(), rows()
    whole = model(z).log_prob(x)
    for row in range(len(x)):
        end = int(ends_of(x)[row]) + 1
        alone = model(z[row : row + 1]).log_prob(x[row : row + 1, :end])
        torch.testing.assert_close(alone[0], whole[row], atol=1e-9, rtol=0)
    behind = x.clone()
    behind[torch.arange(LENGTH) > ends_of(x)[:, None]] = FIRST  # what stands behind the end has no part
    torch.testing.assert_close(model(z).log_prob(behind), whole, atol=1e-12, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_the_encoder_reads_to_the_end_and_no_further(kind):
    with seeded(0):
        encoder = network(kind).encoder(spec_of(kind), (2,)).double().eval()
    x = rows()
    behind = x.clone()
    behind[torch.arange(LENGTH) > ends_of(x)[:, None]] = FIRST
    torch.testing.assert_close(encoder(behind), encoder(x), atol=1e-12, rtol=0)
    for row in range(len(x)):
        short = x[row : row + 1, : int(ends_of(x)[row]) + 1]
        torch.testing.assert_close(encoder(short)[0], encoder(x)[row], atol=1e-9, rtol=0)
    turned = torch.cat([x[:, :1], x[:, :1].flip(1), x[:, 1:-1]], dim=1)
    assert not torch.allclose(encoder(turned), encoder(x))


@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_the_same_while_learning_and_not(kind):
    model, z, x = decoder(kind, dtype=torch.float32), codes(dtype=torch.float32), rows()
    learning = model(z, target=x).log_prob(x)
    with torch.no_grad():
        torch.testing.assert_close(model(z, target=x).log_prob(x), learning.detach(), atol=1e-5, rtol=0)
    several = model(z.expand(3, 5, LATENT), target=x)
    assert several.log_prob(x).shape == (3, 5)
    torch.testing.assert_close(several.log_prob(x)[2], learning, atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", KINDS)
def test_draws_are_as_often_as_they_are_likely(kind):
    p = decoder(kind, units=FIRST + 1, length=3)(codes(1))
    every = [[*word, *[END] * (3 - size)] for size in range(3) for word in product((1, 2), repeat=size)]
    with seeded(0):
        found = p.sample((20_000,))[:, 0].tolist()
    for word in every:
        expected = float(p.log_prob(torch.tensor([word])).detach().exp())
        share = found.count(word) / len(found)
        assert abs(share - expected) < 5 * np.sqrt(expected * (1 - expected) / len(found)) + 1e-4


@pytest.mark.parametrize("kind", KINDS)
def test_the_coldest_draw_is_greedy_and_a_wide_beam_finds_the_likeliest(kind):
    p = decoder(kind, units=FIRST + 1, length=4)(codes(4))
    assert torch.equal(p.sample(temperature=0.0), p.mean)
    assert torch.equal(p.beam(1), p.mean)
    every = torch.tensor([[*word, *[END] * (4 - size)] for size in range(4) for word in product((1, 2), repeat=size)])
    best = torch.stack([p.log_prob(row.expand(4, 4)) for row in every]).argmax(0)
    assert torch.equal(p.beam(30), every[best])


def test_top_p_draws_only_the_likeliest():
    scores = torch.tensor([0.5, 0.3, 0.15, 0.05]).log().expand(4000, 4)
    with seeded(0):
        found = drawn(scores, top_p=0.7)
    assert set(found.tolist()) == {0, 1}
    assert abs(float((found == 0).double().mean()) - 0.625) < 0.03
    assert (drawn(scores, top_p=1e-6) == 0).all()


def test_units_shown_while_learning_are_hidden_as_often_as_asked_and_never_the_end():
    model = decoder("gru", dtype=torch.float32, word_dropout=0.4)
    body, x = model.body.train(), rows(2000)
    with seeded(0):
        blinded = body._blinded(x)
    changed = blinded != x
    assert (x[changed] != END).all()
    assert abs(float(changed.sum() / (x != END).sum()) - 0.4) < 0.03
    z = codes(5, torch.float32)
    model.eval()
    torch.testing.assert_close(model(z).log_prob(x[:5]), Serial(body.eval(), z).log_prob(x[:5]))


@pytest.mark.parametrize("kind", KINDS)
def test_units_after_a_place_have_no_part_in_what_is_remembered_before_it(kind):
    body, z, x = decoder(kind).body, codes(), rows().clamp(min=FIRST)
    other = x.clone()
    other[:, 3:] = FIRST + (other[:, 3:] - FIRST + 1) % (UNITS - FIRST)
    torch.testing.assert_close(body(z, other)[:, :4], body(z, x)[:, :4], atol=1e-12, rtol=0)
    assert not torch.allclose(body(z, other)[:, 4:], body(z, x)[:, 4:])


@pytest.mark.parametrize("kind", KINDS)
def test_every_weight_learns(kind):
    model, x = decoder(kind, length=9), rows(8, 9)
    model.train()
    (-model(codes(8), target=x).log_prob(x).sum()).backward()
    assert [name for name, weight in model.named_parameters() if weight.grad is None or not weight.grad.any()] == []


def test_places_have_a_phase_in_each_period():
    places = Places(20, (3, 5))(torch.arange(20)).detach()
    every = sorted({2, 4, 8, 16, 32, 64, 3, 5})
    assert places.shape == (20, 2 * len(every)) and Places(20, (3, 5)).size == 16
    at = every.index(5)
    phase = places[:, [at, len(every) + at]]
    torch.testing.assert_close(phase[5:], phase[:-5], atol=1e-5, rtol=0)
    torch.testing.assert_close(phase.norm(dim=1), torch.ones(20))
    assert len(places.unique(dim=0)) == 20


@pytest.mark.parametrize("kind", ["gru", "hierarchical"])
def test_a_decoder_that_is_told_the_place_counts_without_remembering(kind):
    """Twelve units that are all the same, and an end: nothing but the place says where it is."""
    x = torch.tensor([[*[FIRST] * 12, END, END]])
    model = decoder(kind, length=14, dtype=torch.float32)
    model.train()
    optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(60):
        loss = -model(torch.zeros(1, LATENT), target=x).log_prob(x).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert torch.equal(model.eval()(torch.zeros(1, LATENT)).mean, x)
