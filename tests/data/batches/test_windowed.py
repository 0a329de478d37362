"""Windowed batches: those of data in memory, from rows that are read when their turn comes, and no thread left behind."""

import threading
from itertools import chain

import numpy as np
import pytest
import torch

from latentwalk.data import rows
from latentwalk.data.batches import windowed as streaming
from latentwalk.data.batches.resident import Resident
from latentwalk.data.batches.windowed import Order, Windowed, ahead, batches_of, placed
from latentwalk.data.rows import Rows
from latentwalk.data.units import read_to

CPU = torch.device("cpu")


class Numbers(Rows):
    """Row i holds i, as int32; it is noted which rows were read."""

    def __init__(self, n: int) -> None:
        self.shape, self.dtype, self.asked = (n, 1), np.dtype(np.int32), []

    def read(self, rows):
        self.asked.append(rows)
        return rows.astype(np.int32)[:, None]


def seen(batches, epoch=1, start=0):
    return [(b.rows.tolist(), b.raw.flatten().tolist(), b.first, b.total, b.counted) for b in batches.epoch(epoch, start)]


def flat(lists):
    return list(chain.from_iterable(lists))


@pytest.fixture
def small_windows(monkeypatch):
    """Windows of 4 batches of 8 rows of 4 bytes, and blocks of 2 rows."""
    monkeypatch.setattr(streaming, "WINDOW", 4 * 8 * 4)
    monkeypatch.setattr(streaming, "BLOCKS", 16)


@pytest.fixture(autouse=True)
def no_thread_left():
    yield
    assert not threads()


def threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("latentwalk")]


@pytest.mark.parametrize("seed", [None, 3])
@pytest.mark.parametrize("rows", [None, np.array([2, 3, 5, 7, 11, 13, 17, 19, 23, 29])])
@pytest.mark.parametrize("share", [(0, 1), (1, 3)])
def test_data_of_one_window_gives_the_batches_of_data_in_memory(seed, rows, share):
    data = torch.arange(50, dtype=torch.int32)[:, None]
    for start in (0, 1, 3):
        expected = seen(Resident(data, 8, seed, rows, share), 2, start)
        assert seen(Windowed(Numbers(50), CPU, 8, seed, rows, share), 2, start) == expected


def test_a_memory_mapped_array_gives_the_batches_of_the_array(tmp_path):
    x = np.random.default_rng(0).normal(size=(70, 3, 2))
    np.save(tmp_path / "x.npy", x)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    pairs = zip(batches_of(mapped, CPU, 16, 1).epoch(1), Resident(torch.from_numpy(x), 16, 1).epoch(1), strict=True)
    assert all(torch.equal(a.raw, b.raw) and torch.equal(a.rows, b.rows) for a, b in pairs)


@pytest.mark.parametrize("n", [33, 64, 65, 97, 500])
def test_an_epoch_passes_over_every_row_but_a_lonely_last_one(small_windows, n):
    batches = Windowed(Numbers(n), CPU, 8, seed=0)
    found = seen(batches, 4)
    rows = flat(rows for rows, *_ in found)
    assert len(found) == len(batches)
    assert len(set(rows)) == len(rows) == n - (n % 8 == 1)
    assert all(rows == values for rows, values, *_ in found)
    assert flat(rows for rows, *_ in seen(Windowed(Numbers(n), CPU, 8))) == list(range(n))


def test_the_order_is_of_the_seed_and_the_epoch_alone(small_windows):
    batches = Windowed(Numbers(300), CPU, 8, seed=0)
    assert seen(batches, 2) == seen(Windowed(Numbers(300), CPU, 8, seed=0), 2)
    assert seen(batches, 2) != seen(batches, 3)
    assert seen(batches, 2) != seen(Windowed(Numbers(300), CPU, 8, seed=1), 2)


def test_an_epoch_begun_later_reads_nothing_of_what_was_before(small_windows):
    whole = seen(Windowed(Numbers(300), CPU, 8, seed=0), 5)
    for start in range(len(whole) + 1):
        source = Numbers(300)
        assert seen(Windowed(source, CPU, 8, seed=0), 5, start) == whole[start:]
        assert sum(map(len, source.asked)) == 300 - 8 * start if start < len(whole) else not source.asked


@pytest.mark.parametrize("n", [40, 163])
def test_shares_are_the_whole_without_overlap_and_read_no_more(small_windows, n):
    sources = [Numbers(n) for _ in range(3)]
    whole = seen(Windowed(Numbers(n), CPU, 8, seed=0), 2)
    shares = [seen(Windowed(source, CPU, 8, seed=0, share=(part, 3)), 2) for part, source in enumerate(sources)]
    for batch, *own in zip(whole, *shares, strict=True):
        assert flat(rows for rows, *_, counted in own if counted) == batch[0]
    assert sum(len(rows) for source in sources for rows in source.asked) <= n + 2


def test_rows_are_read_in_order_and_a_window_has_blocks_from_everywhere(small_windows):
    source = Numbers(3200)
    list(Windowed(source, CPU, 8, seed=0).epoch(1))
    assert all((np.diff(rows) > 0).all() for rows in source.asked)
    assert {len(rows) for rows in source.asked} == {32}
    assert np.mean([np.diff(rows) == 1 for rows in source.asked]) == pytest.approx(0.5, abs=0.05)  # blocks of two
    assert np.std([rows.mean() for rows in source.asked]) < 3200 / 12**0.5 / 3  # 16 blocks would give a quarter


def test_within_a_window_every_place_is_as_likely():
    """The mean place of a row over many epochs is the middle, for the first row as for the last."""
    places = np.stack([np.argsort(np.concatenate([Order(256, 64, 0, e).window(w) for w in range(4)])) for e in range(400)])
    assert abs(places[:, [0, 100, 255]].mean(axis=0) - 127.5).max() < 4 * 256 / 12**0.5 / 400**0.5


def test_small_data_is_placed_and_large_data_is_not(monkeypatch):
    assert isinstance(placed(Numbers(100), CPU), torch.Tensor)
    monkeypatch.setattr(rows, "HELD", 399)
    assert isinstance(placed(Numbers(100), CPU), Numbers)
    assert isinstance(placed(np.zeros((100, 1), np.int32), CPU), torch.Tensor)  # is in memory already
    assert seen(batches_of(placed(Numbers(100), CPU), CPU, 8, 1)) == seen(batches_of(np.asarray(Numbers(100)), CPU, 8, 1))


# the thread


def test_what_is_made_ahead_comes_in_order():
    assert list(ahead(range(20))) == list(ahead(range(20), 5)) == list(range(20))


def test_no_more_is_made_than_may_wait():
    made = []
    items = ahead((made.append(i) or i for i in range(20)), 3)
    assert next(items) == 0
    items.close()
    assert 1 <= len(made) <= 4


def test_an_error_in_the_thread_is_raised_where_the_rows_are_used():
    class Broken(Numbers):
        def read(self, rows):
            raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        seen(Windowed(Broken(30), CPU, 8))


def test_an_epoch_given_up_or_interrupted_leaves_no_thread(small_windows):
    batches = Windowed(Numbers(300), CPU, 8, seed=0)
    given_up = batches.epoch(1)
    next(given_up)
    assert threads()
    given_up.close()
    assert not threads()
    with pytest.raises(KeyboardInterrupt):
        interrupted(batches.epoch(1))


def interrupted(epoch):
    for _ in epoch:
        raise KeyboardInterrupt


def test_each_row_keeps_its_condition(small_windows):
    given = np.stack([np.arange(90.0), -np.arange(90.0)], 1).astype(np.float32)
    batches = batches_of(Numbers(90), CPU, 8, 3, np.arange(5, 90), (1, 2), given)
    assert isinstance(batches, Windowed)
    for batch in batches.epoch(2, 1):
        assert torch.equal(batch.given, torch.from_numpy(given)[batch.rows])


class Sentences(Rows):
    """Row i holds i % 5 + 1 units and then ends, in 9 places."""

    def __init__(self, n: int) -> None:
        self.shape, self.dtype = (n, 9), np.dtype(np.int32)

    def read(self, rows):
        return np.where(np.arange(9) < rows[:, None] % 5 + 1, 7, 0).astype(np.int32)


def test_batches_are_no_wider_than_the_longest_of_their_rows(small_windows):
    parts = list(batches_of(Sentences(50), CPU, 2, 0, measure=read_to).epoch(1))
    assert len(parts) == 25
    for part in parts:
        assert part.raw.shape[1] == int((part.rows % 5).max()) + 2  # its units, and their end
        assert ((part.raw != 0).sum(1) == part.rows % 5 + 1).all()
