"""Rows that are read when asked for are the rows of the array, whoever asks; and asking takes no more memory than a piece."""

import mmap
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

from latentwalk.data import Dataset, DataSpec, rows
from latentwalk.data import fingerprint as fingerprints
from latentwalk.data.dataset import join
from latentwalk.data.examples import as_array, check_finite
from latentwalk.data.fingerprint import fingerprint
from latentwalk.data.rows import Changed, Joined, Picked, Rows, evenly, is_read_when_asked, joined, picked, pieces, value_range
from latentwalk.data.scaling import Scaling
from latentwalk.errors import DataError
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.studies import judgement
from latentwalk.studies.judgement import reconstruction_error
from latentwalk.studies.methods import Rival

RNG = np.random.default_rng(0)


class Asked(Rows):
    """The rows of an array; how many were asked for, all in all and at most at once."""

    def __init__(self, x):
        self.x, self.shape, self.dtype, self.total, self.most = x, x.shape, x.dtype, 0, 0

    def read(self, rows):
        self.total, self.most = self.total + len(rows), max(self.most, len(rows))
        return self.x[rows]


def ways(x):
    """The same rows in all the ways there are."""
    n, one_by_one = len(x), np.arange(len(x))
    return {
        "asked": Asked(x),
        "picked": Picked(Asked(np.concatenate([x[:3], x])), one_by_one + 3),
        "joined": Joined([Asked(x[: n // 3]), x[n // 3 : n // 2], Asked(x[n // 2 :])]),
        "changed": Changed(Asked(x[..., None]), lambda _, values: values[..., 0]),
    }


@pytest.fixture
def small(monkeypatch):
    """Pieces of ten rows of three float64, and nothing that may be held."""
    monkeypatch.setattr(rows, "PIECE", 240)
    monkeypatch.setattr(rows, "HELD", 100)


@pytest.mark.parametrize("way", ways(np.zeros((9, 2))))
def test_rows_are_those_of_the_array(way):
    x = RNG.normal(size=(23, 2, 3))
    lazy = ways(x)[way]
    assert (lazy.shape, lazy.dtype, lazy.ndim, len(lazy), lazy.nbytes) == (x.shape, x.dtype, 3, 23, x.nbytes)
    which = [4, -1, slice(3, 9), slice(None, None, -5), slice(0, 0), np.array([7, -2, 7]), [], RNG.random(23) < 0.5]
    for some in which:
        assert_array_equal(lazy[some], x[some if some != [] else slice(0, 0)] if not isinstance(some, np.ndarray) else x[some])
    assert_array_equal(np.asarray(lazy), x)
    assert_array_equal(np.stack(list(lazy)), x)
    assert_array_equal(np.concatenate([some for _, some in pieces(lazy)]), x)
    for wrong in (23, -24, [0, 23], np.ones(5, bool), [0.5], [[1]]):
        with pytest.raises(IndexError):
            lazy[wrong]


@pytest.mark.parametrize("dtype", [np.uint8, np.float64, bool, np.int16])
@pytest.mark.parametrize("shape", [(3,), (4, 5), (4, 5, 3), (2, 2, 2, 2)])
def test_what_is_known_of_data_is_known_of_its_rows(dtype, shape):
    x = (RNG.random((60, *shape)) * 9).astype(dtype)
    spec = DataSpec.infer(x)
    for lazy in ways(x).values():
        assert DataSpec.infer(as_array(lazy)) == spec
        assert fingerprint(lazy) == fingerprint(x)
        assert value_range(lazy) == (x.min(), x.max())
        if spec.kind == "table":
            assert all(map(torch.equal, *(Scaling.fit(one, spec, "standard").buffers() for one in (lazy, x))))


def test_moments_piece_by_piece_are_the_moments(small):
    x = RNG.normal(1e6, 0.01, (95, 3))
    x[RNG.random(x.shape) < 0.3] = np.nan
    scaling = Scaling.fit(Asked(x), DataSpec.infer(x), "standard")
    np.testing.assert_allclose(scaling.shift, np.nanmean(x, axis=0), rtol=1e-15)
    np.testing.assert_allclose(scaling.scale, np.nanstd(x, axis=0), rtol=1e-6)


def test_what_is_wrong_is_found_wherever_it_is(small):
    x = RNG.normal(size=(95, 3))
    x[77, 1] = np.inf
    with pytest.raises(DataError, match="row 77, column 1"):
        check_finite(Asked(x))


def test_large_data_is_looked_at_a_piece_at_a_time_and_few_times(small):
    data = Asked(RNG.normal(size=(500, 3)))
    Scaling.fit(data, DataSpec.infer(data), "standard")
    check_finite(data)
    assert data.most <= 40
    assert data.total <= 4.2 * 500  # NaN, range, moments, infinity
    bytes_ = Asked(RNG.integers(0, 256, (500, 8, 3), dtype=np.uint8))
    check_finite(as_array(bytes_), missing=DataSpec.infer(bytes_).missing)
    assert bytes_.total <= 100  # bytes are bytes: a sample says how extreme they are


def test_dividing_and_joining_large_data_reads_nothing(small):
    lazy = Asked(RNG.normal(size=(90, 3)))
    data = Dataset(lazy, DataSpec.infer(lazy), y=np.arange(90) % 3, classes=("a", "b", "c"))
    asked = lazy.total
    parts = data.take(np.arange(0, 90, 2)), data.take(np.arange(1, 90, 2))
    assert lazy.total == asked and all(isinstance(part.x, Picked) for part in parts)
    both = join(*parts)
    assert isinstance(both.x, Joined)
    assert_array_equal(both.x, lazy.x[[*range(0, 90, 2), *range(1, 90, 2)]])
    assert isinstance(picked(lazy, np.arange(3)), np.ndarray)
    assert isinstance(joined(lazy.x, lazy.x), np.ndarray)  # in memory already


def test_sampled_rows_are_evenly_spaced(monkeypatch):
    monkeypatch.setattr(rows, "LOOKED_AT", 11)
    assert evenly(Asked(np.arange(101)[:, None]))[:, 0].tolist() == list(range(0, 101, 10))
    assert len(evenly(np.arange(101)[:, None])) == 101


# mapped files


@pytest.mark.parametrize("view", [lambda x: x, lambda x: x[5:], np.asarray, lambda x: x.reshape(len(x), -1), lambda x: x[::2]])
def test_views_of_a_mapped_file_are_read_when_asked(tmp_path, view):
    np.save(tmp_path / "x.npy", RNG.normal(size=(30, 2, 3)))
    assert is_read_when_asked(view(np.load(tmp_path / "x.npy", mmap_mode="r")))
    assert not is_read_when_asked(view(np.load(tmp_path / "x.npy")))


def test_what_was_written_to_private_pages_is_never_given_up(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((30, 3)))
    for mode in ("c", "r+"):
        x = np.load(tmp_path / "x.npy", mmap_mode=mode)
        x[7] = 5
        for _ in pieces(x):
            pass
        assert x[7].tolist() == [5, 5, 5]
    private = np.frombuffer(mmap.mmap(-1, 80), np.float64)
    assert not is_read_when_asked(private)


def test_a_checksum_is_of_all_rows_and_of_nothing_else():
    x = RNG.integers(0, 256, (5000, 7), dtype=np.uint8)
    known = fingerprint(x)
    assert fingerprint(np.asfortranarray(x)) == known and known["rows"] == 5000
    for row in (0, 1, 2500, 4999):
        other = x.copy()
        other[row, 3] ^= 1
        assert fingerprint(other) != known
    assert fingerprint(x[::-1]) != known


def test_a_checksum_of_large_data_is_of_a_sample(small, monkeypatch):
    monkeypatch.setattr(fingerprints, "WHOLE", 100)
    data = Asked(RNG.normal(size=(500, 3)))
    assert fingerprint(data)["rows"] == 40 and data.total == 40


# whole models


def test_a_model_learns_and_tells_the_same_from_rows_as_from_an_array():
    x = RNG.integers(0, 256, (300, 6, 5), dtype=np.uint8)
    lazy = Dataset.of(Asked(x))
    a, b = (Autoencoder(epochs=1, random_state=0, progress=False).fit(data) for data in (x, lazy))
    assert_array_equal(a.transform(x), b.transform(lazy))
    assert_array_equal(a.reconstruct(x), b.reconstruct(lazy.x))
    assert_array_equal(a.score_samples(x), b.score_samples(lazy))
    assert b.space(lazy).data is lazy.x


def test_a_table_of_rows_is_not_read_to_be_looked_at(small):
    x = RNG.normal(size=(1200, 3))
    model = Autoencoder(epochs=1, random_state=0, progress=False).fit(x)
    lazy = Asked(x)
    model.transform(lazy)
    assert lazy.most <= 512  # rows put through a network at once
    with pytest.raises(DataError, match="features"):
        model.transform(Asked(x[:, :2]))


def test_principal_components_of_large_data(monkeypatch):
    x = RNG.normal(size=(900, 6)) @ RNG.normal(size=(6, 6))
    whole = Dataset.of(x)
    expected = reconstruction_error(Rival.fit("pca", 2, whole, whiten=True).space(whole))
    monkeypatch.setattr(rows, "HELD", 100)
    for module in (rows, judgement):
        monkeypatch.setattr(module, "PIECE", 4800)
    lazy = Dataset.of(Asked(x))
    space = Rival.fit("pca", 2, lazy, whiten=True).space(lazy)
    assert reconstruction_error(space) == pytest.approx(expected, rel=0.05)
    assert lazy.x.most <= 400 and space.data is lazy.x


PEAK = """
import resource, sys
import numpy as np, torch
from latentwalk.data import load
from latentwalk.data.fingerprint import fingerprint
from latentwalk.data.rows import value_range
from latentwalk.data.scaling import Scaling
from latentwalk.data.batches.windowed import Windowed, batches_of, placed

def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
torch.zeros(1000, 1000).sum()
before = peak()
data = load(sys.argv[1])
Scaling.fit(data.x[:200_000], data.spec, "unit"), fingerprint(data)
train = data.take(np.arange(0, len(data), 2))
batches = batches_of(placed(train.x, torch.device("cpu")), torch.device("cpu"), 128, seed=0)
assert isinstance(batches, Windowed)
rows = sum(len(batch) for batch in batches.epoch(1))
assert rows == len(train), rows
print(peak() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="measures the resident set as Linux counts it")
def test_going_through_two_gigabytes_takes_little_memory(tmp_path):
    """A file full of holes is read as any other, and takes no room on the disk."""
    np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.uint8, (1 << 19, 64, 64))[0] = 255  # 2 GiB
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PEAK), str(tmp_path / "x.npy")],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert not done.returncode, done.stderr
    assert float(done.stdout) < 150
