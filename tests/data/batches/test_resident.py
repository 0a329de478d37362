"""Batches: every row once, in an order that seed and epoch decide, begun anywhere, shared among processes without overlap."""

import numpy as np
import pytest
import torch

from latentwalk.data.batches.batch import Batch, portion
from latentwalk.data.batches.resident import Resident


def rows_of(batches, epoch=1, start=0):
    return [batch.rows.tolist() for batch in batches.epoch(epoch, start)]


@pytest.mark.parametrize(("n", "size"), [(10, 3), (10, 4), (9, 4), (2, 128), (1, 128), (5, 1)])
def test_an_epoch_passes_over_every_row_but_a_lonely_last_one(n, size):
    batches = Resident(torch.arange(n), size, seed=0)
    seen = rows_of(batches)
    lonely = n % size == 1 and size > 1 and n > 1
    assert len({row for rows in seen for row in rows}) == sum(map(len, seen)) == n - lonely
    assert len(batches) == len(seen)
    assert [row for rows in rows_of(Resident(torch.arange(n), size)) for row in rows] == list(range(n))


def test_the_order_is_of_the_seed_and_the_epoch_alone():
    batches = Resident(torch.arange(50), 50, seed=3)
    assert rows_of(batches, 1) != rows_of(batches, 2)
    assert rows_of(batches, 1) == rows_of(Resident(torch.arange(50), 50, seed=3), 1)
    assert rows_of(batches, 1) != rows_of(Resident(torch.arange(50), 50, seed=4), 1)


def test_an_epoch_can_be_begun_anywhere():
    batches = Resident(torch.arange(50), 8, seed=3)
    for start in range(len(batches) + 1):
        assert rows_of(batches, 5, start) == rows_of(batches, 5)[start:]


def test_only_the_rows_that_take_part():
    own = np.array([3, 5, 11, 40])
    (batch,) = Resident(torch.arange(50) * 10, 8, seed=1, rows=own).epoch(1)
    assert sorted(batch.rows.tolist()) == own.tolist()
    assert torch.equal(batch.raw, batch.rows * 10)


@pytest.mark.parametrize("parts", [1, 2, 3, 7])
@pytest.mark.parametrize("n", [1, 2, 20, 41])
def test_shares_are_the_whole_without_overlap(parts, n):
    whole = Resident(torch.arange(n), 8, seed=0)
    shares = [list(Resident(torch.arange(n), 8, seed=0, share=(part, parts)).epoch(2)) for part in range(parts)]
    assert {len(share) for share in shares} == {len(whole)}
    for batch, *own in zip(whole.epoch(2), *shares, strict=True):
        assert torch.equal(torch.cat([one.rows for one in own if one.counted]), batch.rows)
        assert all(one.total == len(batch) and len(one) > 0 for one in own)
        assert [one.first for one in own if one.counted] == [0, *np.cumsum([len(one) for one in own if one.counted])[:-1]]


@pytest.mark.parametrize("parts", [1, 2, 5, 30])
def test_split_keeps_rows_and_places(parts):
    whole = Batch(torch.arange(11) * 2, torch.arange(11), 4, 40)
    pieces = whole.split(parts)
    assert len(pieces) == min(parts, 11)
    assert torch.equal(torch.cat([piece.raw for piece in pieces]), whole.raw)
    assert [piece.first for piece in pieces] == [4 + int(piece.rows[0]) for piece in pieces]


def test_portions_differ_by_one_at_most():
    for total in range(40):
        sizes = [len(range(total)[portion(total, part, 7)]) for part in range(7)]
        assert sum(sizes) == total
        assert max(sizes) - min(sizes) <= 1


def test_each_row_keeps_its_condition_also_in_parts():
    given = torch.stack([torch.arange(41.0), -torch.arange(41.0)], 1)
    for batch in Resident(torch.arange(41), 8, seed=0, given=given, share=(1, 2)).epoch(2):
        assert torch.equal(batch.given, given[batch.rows])
        for part in batch.split(3):
            assert torch.equal(part.given, given[part.rows])
    assert next(Resident(torch.arange(41), 8).epoch(1)).given is None


@pytest.mark.parametrize("seed", [None, 3])
def test_rows_of_a_batch_are_about_as_long_and_none_is_lost_or_cut(seed):
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 30, 503)
    data = torch.from_numpy(np.where(np.arange(30) < lengths[:, None], 1 + np.arange(503)[:, None], 0))
    batches = Resident(data, 16, seed, lengths=lengths)
    for epoch in (1, 2):
        found = list(batches.epoch(epoch))
        assert len(found) == len(batches)
        rows = torch.cat([batch.rows for batch in found]).numpy()
        assert sorted(rows) == list(range(503))
        for batch in found:
            assert batch.raw.shape[1] == lengths[batch.rows.numpy()].max()
            assert ((batch.raw > 0).sum(1).numpy() == lengths[batch.rows.numpy()]).all()
    assert sum(batch.raw.numel() for batch in found) < 0.65 * data.numel()  # as they come it would be nearly all
    if seed is not None:
        assert [batch.rows.tolist() for batch in batches.epoch(2, start=5)] == [batch.rows.tolist() for batch in found[5:]]
        assert found[0].rows.tolist() != next(batches.epoch(1)).rows.tolist()
        widths = [batch.raw.shape[1] for batch in found]
        assert widths != sorted(widths)
