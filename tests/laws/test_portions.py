"""Counts by total and portions: a proper distribution, negative binomials given their total, and codes that know no size."""

import itertools
import math
import warnings

import numpy as np
import pytest
import torch
from scipy.stats import nbinom

from latentwalk.data.counts import Totals, looks_counted
from latentwalk.data.dataset import Dataset
from latentwalk.data.spec import DataSpec
from latentwalk.errors import DataError, DataWarning
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.models.inference import Coder
from latentwalk.models.likelihood import Likelihood
from latentwalk.models.mixed import portioned
from latentwalk.models.portions import Portions
from latentwalk.networks.build import Network

RNG = np.random.default_rng(0)
TOTALS = Totals(math.log(6.0), 0.4)


def portions(logits=(0.0, 1.0, -0.5), concentration=3.0):
    return Portions(torch.tensor(logits, dtype=torch.float64), torch.tensor(concentration).log().double(), TOTALS)


def cells(n=300, genes=8):
    """Cells of two kinds, whatever their sizes."""
    kind = RNG.integers(0, 2, n)
    rate = RNG.dirichlet(np.ones(genes), 2)[kind] * RNG.lognormal(3, 0.8, (n, 1))
    return RNG.poisson(rate * RNG.gamma(3, 1 / 3, (n, genes))), kind


@pytest.fixture(scope="module")
def fitted():
    x, kind = cells()
    with pytest.warns(DataWarning, match="X is seen as counts"):
        model = Autoencoder("vae", latent=2, network=Network(widths=(32,)), epochs=10, random_state=0, progress=False).fit(x)
    return model, x, kind


def test_probabilities_of_all_rows_add_up_to_one():
    p = portions()
    rows = torch.tensor(list(itertools.product(range(41), repeat=3)), dtype=torch.float64)
    probabilities, totals = p.log_prob(rows).exp(), rows.sum(1)
    for t in (0, 1, 5, 40):
        assert float(probabilities[totals == t].sum()) == pytest.approx(
            float(p.log_total(torch.tensor(float(t)).double()).exp())
        )
    every = p.log_total(torch.arange(1_000_000.0).double()).exp().sum()
    assert float(every) == pytest.approx(1 - 1 / (1 + math.exp((math.log(1e6) - TOTALS.middle) / TOTALS.width)), abs=1e-9)


def test_negative_binomials_given_their_total_are_these():
    p, concentration, share = portions(), 3.0, 0.3
    rows = np.array([row for row in itertools.product(range(8), repeat=3) if sum(row) == 7])
    a = concentration * p.logits.exp().numpy()
    joint = nbinom.logpmf(rows, a, share).sum(axis=1)
    given = joint - nbinom.logpmf(7, a.sum(), share)
    mine = (p.log_prob(torch.tensor(rows).double()) - p.log_total(torch.tensor(7.0).double())).numpy()
    np.testing.assert_allclose(mine, given, atol=1e-10)


def test_each_cell_has_the_law_that_summing_over_the_others_gives():
    p = portions()
    rows = torch.tensor([row for row in itertools.product(range(8), repeat=3) if sum(row) == 7]).double()
    given = (p.log_prob(rows) - p.log_total(torch.tensor(7.0).double())).exp()
    for count in range(8):
        summed = float(given[rows[:, 1] == count].sum())
        each = p.log_prob_each(torch.tensor([7.0 - count, count, 0.0]).double())[1]
        assert float(each.exp()) == pytest.approx(summed)


def test_missing_cells_are_left_out():
    p, nan = portions(), torch.nan
    two = Portions(p.logits[:2], (p.log_concentration + p.logits[:2].logsumexp(0)), TOTALS)
    whole = two.log_prob(torch.tensor([2.0, 5.0]).double()) - two.log_total(torch.tensor(7.0).double())
    assert float(p.log_prob(torch.tensor([2.0, 5.0, nan]).double())) == pytest.approx(float(whole))
    assert float(p.log_prob_each(torch.tensor([2.0, 5.0, nan]).double())[2]) == 0


def test_draws_have_the_totals_and_the_portions_they_should():
    torch.manual_seed(0)
    p = portions()
    drawn = p.sample((40_000,))
    totals = drawn.sum(-1)
    for t in (2.0, 5.0, 12.0):
        below = 1 / (1 + math.exp(-(math.log(t + 1) - TOTALS.middle) / TOTALS.width))
        assert float((totals <= t).double().mean()) == pytest.approx(below, abs=0.01)
    share = (drawn[totals == 5].mean(0) / 5).numpy()
    np.testing.assert_allclose(share, p.logits.exp().numpy(), atol=0.02)
    pairs = drawn[totals == 2]
    both = float((pairs[:, 0] == 2).double().mean())
    wanted = p.log_prob(torch.tensor([2.0, 0.0, 0.0]).double()) - p.log_total(torch.tensor(2.0).double())
    assert both == pytest.approx(float(wanted.exp()), abs=0.02)


def test_a_large_total_is_exact():
    p = Portions(torch.zeros(2), torch.tensor(1e3).log(), TOTALS)
    near = p.log_prob(torch.tensor([[500_000.0, 500_000.0], [500_001.0, 500_000.0]]))
    assert abs(float(near[0] - near[1])) < 0.01


def test_a_row_of_twice_as_many_has_the_same_code(fitted):
    model, x, _ = fitted
    assert type(model.model_.decoder.head).__name__ == "PortionsHead"
    np.testing.assert_allclose(model.transform(2 * x), model.transform(x), atol=1e-4)
    assert np.array_equal(portioned(torch.tensor([[1.0, 3.0]]), TOTALS), portioned(torch.tensor([[2.0, 6.0]]), TOTALS))


def test_reconstructions_have_the_totals_of_their_rows_and_draws_those_of_the_data(fitted):
    model, x, _ = fitted
    back = model.inverse_transform(model.transform(x))
    assert np.ptp(back.sum(1)) < 0.01 * back.sum(1).mean()  # of codes alone: the typical total
    again = model.reconstruct(x)
    np.testing.assert_allclose(again.sum(1), x.sum(1), rtol=1e-4)
    drawn = model.sample(2_000)
    assert np.array_equal(drawn, np.rint(drawn))
    logs, seen = np.log(drawn.sum(1) + 0.5), np.log(x.sum(1) + 0.5)
    assert logs.mean() == pytest.approx(seen.mean(), abs=0.15)
    assert logs.std() == pytest.approx(seen.std(), rel=0.2)


def test_it_is_saved_and_scores_are_those_of_the_law(fitted, tmp_path):
    model, x, _ = fitted
    model.save(tmp_path)
    back = Autoencoder.load(tmp_path)
    assert np.array_equal(back.transform(x), model.transform(x))
    assert back.spec_.totals == model.spec_.totals == Totals.of(x)
    assert np.array_equal(back.score_samples(x), model.score_samples(x))
    assert np.isfinite(Coder(model.model_).log_probs(x)).all()


def test_no_is_said_by_another_likelihood_or_spec():
    x, _ = cells(60)
    options = {"latent": 2, "network": Network(widths=(8,)), "epochs": 1, "random_state": 0, "progress": False}
    assert Autoencoder(**options, likelihood="gaussian").fit(x).spec_.totals is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # who says what it is is not told
        assert Autoencoder(**options, likelihood="negative-binomial").fit(x).spec_.totals is not None
    spec = DataSpec.infer(x)
    assert spec.counted
    plain = Autoencoder(**options, likelihood=Likelihood("negative-binomial"), spec=_uncounted(spec)).fit(x)
    assert plain.spec_.totals is None
    assert type(plain.model_.decoder.head).__name__ == "MixedHead"


def _uncounted(spec):
    from dataclasses import replace

    return replace(spec, counted=False)


def test_what_has_a_ceiling_no_zeros_or_signs_is_not_taken_for_counts():
    x, _ = cells(200)
    assert looks_counted(x)
    assert looks_counted(x.astype(float))
    assert Dataset.of(x).spec.counted
    levels = np.clip(x, 0, 8)
    for other in (x + 1, x - 5, x + 0.5, levels, (x > 3).astype(int), x[:, :3], np.where(x == x.max(), np.nan, x), x[:10]):
        assert not looks_counted(np.asarray(other))
    from sklearn.datasets import load_digits

    assert not looks_counted(load_digits().data)


def test_a_damaged_law_of_totals_is_refused():
    for middle, width in ((math.nan, 1.0), (1.0, 0.0), ("x", 1.0)):
        with pytest.raises(DataError, match="no total of counts"):
            Totals(middle, width)
