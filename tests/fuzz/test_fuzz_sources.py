"""Any bytes under any ending: a data set that is consistent, or an error of ours that begins with the path."""

import gzip
import sys

import pytest
import samples
from damage import FUZZ, bytes_like, damaged, flips, outcome, tenths, written
from hypothesis import given
from hypothesis import strategies as st

from latentwalk.data import read

NPY, NPZ, IDX, CSV, WAV, ZIP = samples.npy(), samples.npz(), samples.idxs(), samples.csvs(), samples.wavs(), samples.archives()
PICTURES = samples.pictures()
ENDINGS = {".npy": NPY, ".npz": NPZ, "-idx3-ubyte": IDX, ".csv": CSV, ".tsv": CSV, ".wav": WAV, ".zip": ZIP}


def check(path, **options):
    """Read the path; whatever comes of it must be as promised."""
    data = outcome(lambda given: read(given, **options), path)
    if data is not None:
        samples.check_consistent(data)


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_is_not_damaged_is_read(ending):
    """So that the tests below do not pass because everything is refused."""
    read_ = [outcome(read, written(f"whole{ending}", content)) for content in ENDINGS[ending]]
    assert sum(data is not None for data in read_) >= len(read_) / 2


@pytest.mark.parametrize("ending", ENDINGS)
def test_cut_at_every_tenth_and_flipped(ending):
    for content in ENDINGS[ending]:
        for wounded in [*tenths(content), *flips(content)]:
            check(written(f"cut{ending}", wounded))


@pytest.mark.parametrize("kind", [None, "image", "signal"])
@FUZZ
@given(bytes_like(NPY))
def test_npy(kind, content):
    check(written("x.npy", content), kind=kind)


@FUZZ
@given(bytes_like(NPZ), st.sampled_from(["train", "test", "all"]), st.sampled_from([None, "", "y", "angle", "names", "times"]))
def test_npz(content, split, label):
    path = written("x.npz", content)
    check(path, split=split, label=label)


@pytest.mark.parametrize("name", ["x-idx3-ubyte", "x", "x-idx3-ubyte.gz", "train-images-idx3-ubyte"])
@FUZZ
@given(bytes_like(IDX))
def test_idx(name, content):
    check(written(f"idx/{name}", content))


@FUZZ
@given(st.lists(st.sampled_from(IDX) | damaged(IDX), min_size=4, max_size=4), st.sampled_from(["train", "test", "all"]))
def test_a_folder_of_four(contents, split):
    names = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images.idx3-ubyte", "t10k-labels-idx1-ubyte.gz"]
    for name, content in zip(names, contents, strict=True):
        path = written(f"four/{name}", content)
    check(path.parent, split=split)


@pytest.mark.parametrize("parser", ["pandas", "csv"])
@pytest.mark.parametrize("ending", [".csv", ".tsv.gz"])
@FUZZ
@given(
    bytes_like(CSV) | st.text(st.sampled_from('a1.,\t"\n\r é\0-e_'), max_size=60).map(str.encode),
    st.sampled_from([None, "", "a", "label"]),
    st.sampled_from([None, "image", "signal", "table"]),
)
def test_csv(parser, ending, content, label, kind):
    with pytest.MonkeyPatch.context() as patch:
        if parser == "csv":
            patch.setitem(sys.modules, "pandas", None)
        path = written(f"x{ending}", gzip.compress(content) if ending.endswith("gz") else content)
        check(path, label=label, kind=kind)


@FUZZ
@given(bytes_like([gzip.compress(content, mtime=0) for content in CSV]))
def test_csv_packed(content):
    check(written("x.csv.gz", content))


@FUZZ
@given(st.data())
def test_parquet(data):
    pytest.importorskip("pyarrow")
    path = written("x.parquet", data.draw(bytes_like(samples.parquets())))
    check(path, label=data.draw(st.sampled_from([None, "", "y", "t"])))


@FUZZ
@given(bytes_like(WAV), st.sampled_from([None, 2, 64]))
def test_wav(content, window):
    check(written("x.wav", content), window=window)


@pytest.mark.parametrize("kind", PICTURES)
@FUZZ
@given(st.data())
def test_a_picture(kind, data):
    path = written(f"folder-{kind}/x.png", data.draw(bytes_like([PICTURES[kind]])))
    check(path.parent, size=data.draw(st.sampled_from([None, 8, (3, 7)])))


@FUZZ
@given(bytes_like(ZIP), st.sampled_from([None, 8]), st.sampled_from([None, "gray", "rgb"]))
def test_zip(content, size, color):
    check(written("x.zip", content), size=size, color=color)


@FUZZ
@given(data=st.data())
def test_arrow(data, tmp_path_factory):
    path = written("x.arrow", data.draw(bytes_like([samples.arrow(tmp_path_factory.getbasetemp())])))
    check(path)


@FUZZ
@given(data=st.data())
def test_a_folder_of_hugging_face(data, tmp_path_factory):
    """Written by `save_to_disk`; one of its files is damaged."""
    folder = samples.saved(tmp_path_factory.getbasetemp())
    names = sorted(path.name for path in folder.iterdir())
    name = data.draw(st.sampled_from(names))
    for each in names:
        content = (folder / each).read_bytes()
        path = written(f"hugging/{each}", data.draw(damaged([content])) if each == name else content)
    check(path.parent)
