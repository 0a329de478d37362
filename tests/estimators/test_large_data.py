"""Data larger than memory: whole models learn the same from it, in whatever way it is read."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal

from latentwalk import Autoencoder
from latentwalk.data import Dataset, load, rows
from latentwalk.data.batches import windowed as streaming
from latentwalk.data.batches.passing import Stream
from latentwalk.data.batches.windowed import Windowed

X = np.random.default_rng(0).integers(0, 256, (300, 6, 5), dtype=np.uint8)
OPTIONS = {"epochs": 2, "batch_size": 32, "random_state": 0, "progress": False}


@pytest.fixture
def small(monkeypatch):
    """Nothing that lies elsewhere may be copied into memory; what is streamed is counted."""
    made = []
    monkeypatch.setattr(rows, "HELD", 100)
    init = Windowed.__init__
    monkeypatch.setattr(Windowed, "__init__", lambda self, *args: made.append(args) or init(self, *args))
    return made


def weights(model):
    return torch.cat([value.flatten().double() for value in model.model_.state_dict().values()])


def test_a_memory_mapped_file_teaches_what_the_array_does(tmp_path, small):
    np.save(tmp_path / "x.npy", X)
    mapped, whole = (Autoencoder(**OPTIONS).fit(data) for data in (load(tmp_path / "x.npy"), X))
    assert len(small) == 2  # to learn from, and to choose by
    assert torch.equal(weights(mapped), weights(whole))
    assert [epoch.loss for epoch in mapped.history_] == [epoch.loss for epoch in whole.history_]


def test_what_was_cut_short_goes_on_in_the_middle_of_an_epoch(tmp_path, small, monkeypatch):
    monkeypatch.setattr(streaming, "WINDOW", 64 * 30)
    np.save(tmp_path / "x.npy", X)
    data = load(tmp_path / "x.npy")
    whole = Autoencoder(**OPTIONS).fit(data)
    Autoencoder(**OPTIONS | {"epochs": 1}).fit(data, checkpoint=tmp_path / "kept")
    going_on = Autoencoder(**OPTIONS).fit(data, checkpoint=tmp_path / "kept")
    assert torch.equal(weights(going_on), weights(whole))


def test_an_arrow_table_teaches_what_the_array_does(small):
    datasets = pytest.importorskip("datasets")
    features = datasets.Features({"x": datasets.Array2D((6, 5), "uint8")})
    table = datasets.Dataset.from_dict({"x": list(X)}, features=features)
    assert torch.equal(weights(Autoencoder(**OPTIONS).fit(table)), weights(Autoencoder(**OPTIONS).fit(X)))
    assert len(small) == 2


def test_a_stream_teaches_the_same_each_time():
    datasets = pytest.importorskip("datasets")
    features = datasets.Features({"x": datasets.Array2D((6, 5), "uint8")})
    passing = datasets.Dataset.from_dict({"x": list(X)}, features=features).to_iterable_dataset(num_shards=3)
    stream = Stream.of(passing, held=50, steps=5)
    one, other = (Autoencoder(**OPTIONS).fit(stream) for _ in range(2))
    assert torch.equal(weights(one), weights(other))
    assert len(one.history_) == 2 and one.history_[-1].validation_loss is not None
    assert one.validation_rows_.tolist() == list(range(50))
    assert_array_equal(np.concatenate([one.transform(part) for part in stream.parts(100)]), one.transform(X))
    assert Autoencoder(**OPTIONS, validation=0).fit(passing).validation_rows_.size == 0


def test_missing_values_of_large_data_are_filled_when_asked_for(tmp_path, small):
    x = np.random.default_rng(0).normal(size=(200, 4))
    x[np.random.default_rng(1).random(x.shape) < 0.2] = np.nan
    x = x[~np.isnan(x).all(axis=1)]
    np.save(tmp_path / "x.npy", x)
    model = Autoencoder(**OPTIONS).fit(x)
    lazy = model.space(Dataset.of(np.load(tmp_path / "x.npy", mmap_mode="r")))
    assert isinstance(lazy.data, rows.Rows)
    assert_array_equal(lazy.data, model.space(x).data)
