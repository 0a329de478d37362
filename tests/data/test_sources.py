"""Readers: what was written comes back bit for bit, and what is damaged is refused with a DataError."""

import gzip
import io
import struct
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from PIL import Image

from latentwalk.data import read, rows
from latentwalk.data.sources import idx, images
from latentwalk.data.sources.images import Pictures
from latentwalk.errors import ConfigError, DataError

RNG = np.random.default_rng(0)
BYTES = RNG.integers(0, 256, (6, 5, 4), dtype=np.uint8)
CODES = {np.dtype(name): code for code, name in idx.TYPES.items()}


def idx_bytes(x: np.ndarray) -> bytes:
    """IDX as the format's description has it, written independently of the reader."""
    big = x.astype(x.dtype.newbyteorder(">"))
    return struct.pack(f">BBBB{x.ndim}I", 0, 0, CODES[big.dtype], x.ndim, *x.shape) + big.tobytes()


def save(path: Path, x: np.ndarray, **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(x).save(path, **options)
    return path


@pytest.fixture(params=["pandas", "csv"])
def parser(request, monkeypatch):
    """Every test of a table runs with pandas and without."""
    if request.param == "pandas":
        pytest.importorskip("pandas")
    else:
        monkeypatch.setitem(sys.modules, "pandas", None)


# NumPy's files


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["u1", "<f4", ">f8", "<i8", "?"])
def test_npy_round_trip_stays_mapped(tmp_path, dtype, order):
    x = np.asarray(BYTES.astype(dtype), order=order)
    np.save(tmp_path / "x.npy", x)
    data = read(tmp_path / "x.npy")
    assert_array_equal(data.x, x)
    assert data.x.dtype.isnative
    assert isinstance(data.x, np.memmap) == x.dtype.isnative


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
def test_npz_round_trip(tmp_path, write):
    write(tmp_path / "a.npz", images=BYTES, y=np.array([3, 3, 5, 5, 3, 3]), angle=np.arange(6.0), other=np.eye(2))
    data = read(tmp_path / "a.npz")
    assert_array_equal(data.x, BYTES)
    assert data.classes == ("3", "5") and data.y.tolist() == [0, 0, 1, 1, 0, 0]
    assert list(data.factors) == ["angle"]
    assert read(tmp_path / "a.npz", label="").y is None


def test_npz_halves(tmp_path):
    x = RNG.random((5, 3))
    np.savez(tmp_path / "a.npz", x_train=x[:3], x_test=x[3:], y_train=["b", "a", "b"], y_test=["c", "a"])
    train, test, both = (read(tmp_path / "a.npz", split=split) for split in ("train", "test", "all"))
    assert_array_equal(np.concatenate([train.x, test.x]), both.x)
    assert [both.classes[code] for code in both.y] == ["b", "a", "b", "c", "a"]


def test_npz_takes_the_largest_array_where_no_name_is_known(tmp_path):
    np.savez(tmp_path / "a.npz", small=np.eye(2), large=np.eye(3))
    assert read(tmp_path / "a.npz").x.shape == (3, 3)


def test_npz_label_is_chosen(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.eye(3), person=[1, 2, 1], person_names=["p", "q", "r"])
    data = read(tmp_path / "a.npz", label="person")
    assert data.classes == ("q", "r") and data.y.tolist() == [0, 1, 0]
    with pytest.raises(ConfigError, match="Did you mean 'person'"):
        read(tmp_path / "a.npz", label="persom")


def test_labels_with_fractions_are_a_factor(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.eye(3), y=[0.5, 1.25, 2.0])
    data = read(tmp_path / "a.npz")
    assert data.y is None and data.factors["y"].tolist() == [0.5, 1.25, 2.0]


def test_pickles_are_never_read(tmp_path):
    objects = np.array([[{}, {}]], dtype=object)
    np.save(tmp_path / "o.npy", objects)
    np.savez(tmp_path / "o.npz", x=objects)
    np.savez(tmp_path / "part.npz", x=np.eye(2), notes=objects)
    for name in ("o.npy", "o.npz"):
        with pytest.raises(DataError, match="pickle"):
            read(tmp_path / name)
    assert "notes" in read(tmp_path / "part.npz").skipped[0]


@pytest.mark.parametrize("keep", [0, 5, 60, 130, 200])
def test_npy_cut_off(tmp_path, keep):
    np.save(tmp_path / "x.npy", BYTES)
    path = tmp_path / "x.npy"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=r"x\.npy.*cut off"):
        read(path)


def test_a_header_that_claims_terabytes_allocates_nothing(tmp_path):
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": "<f8", "fortran_order": False, "shape": (1 << 40, 9)})
    (tmp_path / "x.npy").write_bytes(buffer.getvalue())
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("x.npy", buffer.getvalue())
    (tmp_path / "x-idx3-ubyte").write_bytes(b"\0\0\x08\x03" + b"\xff" * 12)
    (tmp_path / "y-idx3-ubyte.gz").write_bytes(gzip.compress(b"\0\0\x08\x03" + b"\xff" * 12))
    for name in ("x.npy", "x.npz", "x-idx3-ubyte", "y-idx3-ubyte.gz"):
        with pytest.raises(DataError, match="header says"):
            read(tmp_path / name)


@given(st.integers(0, 127), st.integers(0, 255), st.integers(0, 127), st.integers(0, 255))
@example(59, 32, 60, ord("("))
def test_a_damaged_npy_header_raises_nothing_but_data_errors(tmp_path_factory, at, byte, also, other):
    buffer = io.BytesIO()
    np.save(buffer, np.zeros((3, 2)))
    content = bytearray(buffer.getvalue())
    content[at], content[also] = byte, other
    path = tmp_path_factory.getbasetemp() / "fuzz.npy"
    path.write_bytes(content)
    try:
        read(path)
    except DataError as error:
        assert str(path) in str(error)


# IDX


@pytest.mark.parametrize("dtype", idx.TYPES.values())
@pytest.mark.parametrize("packed", [False, True])
def test_idx_round_trip(tmp_path, dtype, packed):
    x = BYTES.astype(np.dtype(dtype).newbyteorder("="))
    path = tmp_path / ("x.gz" if packed else "x")
    path.write_bytes(gzip.compress(idx_bytes(x)) if packed else idx_bytes(x))
    data = read(path)
    assert_array_equal(data.x, x)
    assert data.x.dtype == x.dtype
    assert isinstance(data.x, np.memmap) == (not packed and x.dtype.itemsize == 1)


def test_idx_folder_and_labels(tmp_path):
    for half, n in (("train", 4), ("t10k", 2)):
        (tmp_path / f"{half}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx_bytes(BYTES[:n])))
        (tmp_path / f"{half}-labels-idx1-ubyte").write_bytes(idx_bytes(np.arange(n, dtype=np.uint8)))
    assert [len(read(tmp_path, split=split)) for split in ("train", "test", "all")] == [4, 2, 6]
    assert read(tmp_path, split="all").y.tolist() == [0, 1, 2, 3, 0, 1]
    assert read(tmp_path / "t10k-images-idx3-ubyte.gz").y.tolist() == [0, 1]
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx_bytes(np.arange(3, dtype=np.uint8)))
    with pytest.raises(DataError, match="expected 4 labels"):
        read(tmp_path)
    (tmp_path / "t10k-images-idx3-ubyte.gz").unlink()
    with pytest.raises(DataError, match="split='test' needs t10k-images"):
        read(tmp_path, split="test")


@given(st.binary(max_size=64) | st.binary(max_size=40).map(lambda tail: b"\0\0\x08\x02\0\0\0\x02\0\0\0\x03" + tail))
def test_idx_of_arbitrary_bytes_is_an_array_or_a_data_error(content):
    try:
        x = idx.decode(io.BytesIO(content))
    except DataError:
        return
    assert idx_bytes(x) == content


@given(st.binary(max_size=80), st.booleans())
def test_files_of_arbitrary_bytes_raise_nothing_but_data_errors(tmp_path_factory, content, packed):
    path = tmp_path_factory.getbasetemp() / "fuzz-idx3-ubyte"
    path.write_bytes(b"\x1f\x8b" + content if packed else content)
    try:
        read(path)
    except DataError as error:
        assert str(path) in str(error)


@pytest.mark.parametrize("keep", [3, 20, -20, -1])
def test_truncated_gzip(tmp_path, keep):
    path = tmp_path / "a-images-idx3-ubyte.gz"
    path.write_bytes(gzip.compress(idx_bytes(BYTES))[:keep])
    with pytest.raises(DataError, match="cut off"):
        read(path)


def test_idx_longer_than_its_header(tmp_path):
    (tmp_path / "a-idx3").write_bytes(idx_bytes(BYTES) + b"x")
    with pytest.raises(DataError, match="more follow"):
        read(tmp_path / "a-idx3")


# Images


def test_images_round_trip_in_the_order_of_their_names(tmp_path):
    for i in reversed(range(6)):
        save(tmp_path / f"{i}.png", BYTES[i])
    data = read(tmp_path)
    assert_array_equal(data.x, BYTES)
    assert data.names == tuple(f"{i}.png" for i in range(6)) and data.y is None


def test_a_zip_reads_as_its_folder_does(tmp_path):
    rgb = RNG.integers(0, 256, (3, 5, 4, 3), dtype=np.uint8)
    paths = [save(tmp_path / "set" / side / f"{i}.bmp", rgb[i]) for i, side in enumerate(["left", "right", "right"])]
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for path in paths:
            archive.write(path, path.relative_to(tmp_path))
    folder, packed = read(tmp_path / "set"), read(tmp_path / "set.zip")
    assert_array_equal(folder.x, rgb)
    assert_array_equal(packed.x, rgb)
    assert folder.classes == packed.classes == ("left", "right")
    assert folder.y.tolist() == packed.y.tolist() == [0, 1, 1]
    assert packed.names[0] == "set/left/0.bmp"


def test_folders_called_train_and_test_are_the_halves(tmp_path):
    for i, name in enumerate(["train/a/0", "train/b/1", "test/a/2"]):
        save(tmp_path / f"{name}.png", BYTES[i])
    assert read(tmp_path).classes == ("a", "b")
    assert_array_equal(read(tmp_path, split="test").x, BYTES[2:3])
    assert read(tmp_path, split="all").y.tolist() == [0, 0, 1]


def test_one_colour_image_makes_all_rgb(tmp_path):
    save(tmp_path / "a.png", BYTES[0])
    assert read(tmp_path).x.shape == (1, 5, 4)
    save(tmp_path / "b.png", np.dstack([BYTES[1]] * 3))
    data = read(tmp_path)
    assert_array_equal(data.x, np.stack([np.dstack([BYTES[i]] * 3) for i in range(2)]))
    assert_array_equal(read(tmp_path, color="gray").x, BYTES[:2])


def test_resizing_keeps_the_aspect_and_the_centre(tmp_path):
    wide = np.zeros((20, 60), np.uint8)
    wide[:, 20:40] = 200  # the central square
    save(tmp_path / "a.png", wide)
    save(tmp_path / "b.png", wide.T)
    assert_array_equal(read(tmp_path, size=20).x, np.full((2, 20, 20), 200))
    small = read(tmp_path, size=(10, 30)).x
    assert small.shape == (2, 10, 30)
    assert small[0, 5, 15] == 200 and small[0, 5, 2] == 0


def test_exif_orientation_is_respected(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    save(tmp_path / "a.png", BYTES[0], exif=exif)
    assert_array_equal(read(tmp_path).x[0], np.rot90(BYTES[0], -1))


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("ending", ["png", "tif"])
def test_sixteen_bits_are_kept_in_the_range_that_they_use(tmp_path, lazy, ending):
    """A camera of 12 bits: by the upper byte alone, 16 of its 4,096 levels would be left."""
    levels = np.arange(4096, dtype=np.uint16).reshape(64, 64)
    for name, pixels in (("a", levels), ("b", levels[::-1].copy())):
        Image.fromarray(pixels).save(tmp_path / f"{name}.{ending}")
    data = read(tmp_path, lazy=lazy)
    assert data.x.dtype == np.uint16 and (data.spec.low, data.spec.high) == (0, 4095)
    assert_array_equal(np.asarray(data.x), [levels, levels[::-1]])
    small = np.asarray(read(tmp_path, lazy=lazy, size=16).x)
    assert small.shape == (2, 16, 16) and 3500 < small.max() <= 4095


def test_eight_bits_beside_sixteen_are_as_bright_as_they_were(tmp_path):
    save(tmp_path / "a.png", BYTES[0].astype(np.uint16) * 257)
    save(tmp_path / "b.png", BYTES[0])
    assert_array_equal(read(tmp_path).x, [BYTES[0].astype(np.uint16) * 257] * 2)
    assert_array_equal(read(tmp_path, color="rgb").x, [np.repeat(BYTES[0][..., None], 3, -1)] * 2)


def test_transparency_lies_on_white(tmp_path):
    save(tmp_path / "a.png", np.zeros((2, 2, 4), np.uint8))
    assert (read(tmp_path).x == 255).all()


def test_mixed_sizes_name_two_files(tmp_path):
    save(tmp_path / "a.png", BYTES[0])
    save(tmp_path / "b.png", BYTES[1].T.copy())
    with pytest.raises(DataError, match=r"a\.png is 5 x 4 and b\.png is 4 x 5.*size="):
        read(tmp_path)


def test_what_cannot_be_read_is_listed(tmp_path, monkeypatch):
    save(tmp_path / "good.png", BYTES[0])
    good = (tmp_path / "good.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(good[:-30])
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / ".hidden.png").write_bytes(b"")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50)
    save(tmp_path / "bomb.png", np.zeros((9, 9), np.uint8))
    data = read(tmp_path)
    assert data.names == ("good.png",)
    assert [line.split(":")[0] for line in data.skipped] == ["bomb.png", "cut.png", "notes.txt"]
    assert "decompression bomb" in data.skipped[0]


def test_folders_without_images(tmp_path):
    with pytest.raises(DataError, match="empty"):
        read(tmp_path)
    (tmp_path / "a.csv").write_text("a\n1\n")
    with pytest.raises(DataError, match=r"1 of \.csv"):
        read(tmp_path)
    (tmp_path / "a.zip").write_bytes(b"PK no")
    with pytest.raises(DataError, match=r"a\.zip"):
        read(tmp_path / "a.zip")


# Tables


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".tsv"])
def test_table_round_trip(tmp_path, parser, suffix):
    x = RNG.normal(size=(20, 3)) * 10.0 ** RNG.integers(-9, 9, (20, 3))
    comma = "\t" if suffix == ".tsv" else ","
    lines = [comma.join(["a", "b", "Class", "c"])]
    lines += [
        comma.join([repr(float(p)), repr(float(q)), ("None", "NA")[i % 2], repr(float(r))]) for i, (p, q, r) in enumerate(x)
    ]
    text = "\n".join(lines).encode()
    (tmp_path / f"t{suffix}").write_bytes(gzip.compress(text) if suffix.endswith("gz") else text)
    data = read(tmp_path / f"t{suffix}")
    assert_array_equal(data.x, x)
    assert data.classes == ("NA", "None") and data.spec.kind == "table" and data.name == "t"


def test_whole_numbers_and_truths_are_numbers(tmp_path, parser):
    (tmp_path / "t.csv").write_text("\ufeffname,a,b\nu,1,True\n\nv,-2,false\n", encoding="utf-8")
    data = read(tmp_path / "t.csv")
    assert_array_equal(data.x, [[1, 1], [-2, 0]])
    assert data.x.dtype.kind == "i" and data.names == ("u", "v")


def test_label_is_chosen(tmp_path, parser):
    (tmp_path / "t.csv").write_text("x,y,sort\n1.5,2.5,1\n2.5,3.5,0\n")
    assert read(tmp_path / "t.csv").y is None  # beside an x, y is a coordinate
    assert read(tmp_path / "t.csv").x.shape == (2, 3)
    data = read(tmp_path / "t.csv", label="sort")
    assert data.x.shape == (2, 2) and data.y.tolist() == [1, 0]
    with pytest.raises(ConfigError, match="Did you mean 'sort'"):
        read(tmp_path / "t.csv", label="sorts")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("a,b\n", "no rows"),
        ("a,b\n1,2\n3,x\n", r"column 'b' holds x at row 1 \(line 3\)"),
        ("a,b\n1,2\n3,1_000\n", r"column 'b' holds 1_000"),
        ("a,b\n1,2\n3,inf\n", r"column 'b' holds .*inf.* at row 1"),
        ("a,b\n1,2\n3,4,5\n", "fields"),
        ("a,b\n1,2,3\n3,4,5\n", "fields"),
        ("a,label\n1,u\n3,\n", "missing at row 1"),
        ("a,a\n1,2\n", "more than once"),
        ("1.5,2,u\n1,2,v\n", "1.5 and 2 are no names"),
        ("a,b\n1,2\n3,4,5\n", r"line 3 has 3 fields, the header 2 \(the separator is ','\)"),
        ("label\nu\n", "no column is left"),
    ],
)
def test_bad_tables(tmp_path, parser, text, message):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        read(tmp_path / "t.csv")


def test_tables_that_are_no_text(tmp_path, parser):
    (tmp_path / "t.csv").write_bytes(b"a,b\n\xff\xfe\x01,1\n")
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"a,b\n" + b"1,2\n" * 9000)[:-30])
    for name in ("t.csv", "t.csv.gz"):
        with pytest.raises(DataError, match=r"UTF-8|cut off"):
            read(tmp_path / name)


def test_parquet_says_what_it_needs(tmp_path, monkeypatch):
    (tmp_path / "t.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(DataError, match=r"latentwalk\[data\]"):
        read(tmp_path / "t.parquet")


def test_parquet_round_trip(tmp_path):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    x = RNG.normal(size=(5, 2))
    pandas.DataFrame(x, columns=["a", "b"]).to_parquet(tmp_path / "t.parquet")
    assert_array_equal(read(tmp_path / "t.parquet").x, x)


# Options and paths


@pytest.mark.parametrize("lists", [[[1, 2], [3], []], [[1, 2], [3, 4], [5, 6]], [{"u": 1}, {"u": 2}, None]])
def test_a_column_of_lists_is_refused_by_name_and_can_be_left_out(tmp_path, lists):
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    pd.DataFrame({"a": [1.0, 2.0, 4.0], "l": lists}).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(DataError, match="column 'l' holds a"):
        read(tmp_path / "t.parquet")
    assert_array_equal(read(tmp_path / "t.parquet", drop=["l"]).x, [[1], [2], [4]])


def test_columns_with_gaps_of_pandas_own_are_read(tmp_path):
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    gaps = {"n": pd.array([1, None, 3], "Int64"), "t": pd.array([True, None, False], "boolean"), "x": [0.5, 1, 2]}
    pd.DataFrame(gaps).to_parquet(tmp_path / "t.parquet")
    assert_array_equal(read(tmp_path / "t.parquet").x[:, 0], [1, np.nan, 3])


def test_parquet_of_text_that_is_none_is_refused(tmp_path):
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"a": [1.0, 2.0, 4.0], "t": ["Zürich", "Bern", "Zürich"]})
    frame.to_parquet(tmp_path / "t.parquet", compression=None)
    whole = (tmp_path / "t.parquet").read_bytes()
    (tmp_path / "t.parquet").write_bytes(whole.replace("Zürich".encode(), b"Z\xff\xffrich"))
    with pytest.raises(DataError, match=r"t\.parquet: not readable as Parquet"):
        read(tmp_path / "t.parquet")


def test_an_archive_whose_names_are_no_text_is_refused(tmp_path):
    np.savez(tmp_path / "x.npz", größe=BYTES)
    whole = (tmp_path / "x.npz").read_bytes()
    at = whole.index("größe".encode())
    (tmp_path / "x.npz").write_bytes(whole[:at] + b"\xff" + whole[at + 1 :])
    with pytest.raises(DataError, match=r"x\.npz"):
        read(tmp_path / "x.npz")


def test_a_missing_path_suggests_the_nearest(tmp_path):
    (tmp_path / "photos").mkdir()
    with pytest.raises(DataError, match="Did you mean 'photos'"):
        read(tmp_path / "photo")
    with pytest.raises(DataError, match="does not exist either"):
        read(tmp_path / "no" / "where.npy")


def test_an_unknown_kind_of_file(tmp_path):
    (tmp_path / "a.docx").write_bytes(b"hello")
    with pytest.raises(DataError, match="no reader"):
        read(tmp_path / "a.docx")


@pytest.mark.parametrize(
    "options",
    [
        {"size": 8},
        {"color": "gray"},
        {"label": "a"},
        {"split": "tset"},
        {"kind": "images"},
        {"size": 0},
        {"size": (1,)},
    ],
)
def test_options_that_do_not_fit(tmp_path, options):
    np.save(tmp_path / "x.npy", np.eye(3))
    with pytest.raises(ConfigError, match=next(iter(options))):
        read(tmp_path / "x.npy", **options)


def test_the_test_half_of_an_undivided_file_is_refused(tmp_path):
    np.save(tmp_path / "x.npy", np.eye(3))
    assert len(read(tmp_path / "x.npy", split="all")) == 3
    with pytest.raises(DataError, match="not divided"):
        read(tmp_path / "x.npy", split="test")


# Real data


def test_real_archives(shared_data):
    cells = read(shared_data / "single-cell" / "osmfish.npz")
    assert cells.x.shape == (4530, 33) and cells.classes[0] == "Astrocytes"
    assert read(shared_data / "ecg5000" / "ecg5000.npz", label="abnormal").y.sum() == 2081


def test_real_attributes(shared_data, parser):
    table = read(shared_data / "lfw" / "lfw_attributes.csv.gz")
    assert table.x.shape == (12949, 39) and table.names[0] == "AJ_Cook_0001.jpg"


# images that are decoded when asked for


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("options", [{}, {"size": 3}, {"color": "rgb"}])
def test_images_decoded_when_asked_for_are_the_same(tmp_path, packed, options):
    for i, pixels in enumerate(BYTES):
        save(tmp_path / "images" / "ab"[i % 2] / f"{i}.png", pixels)
    path = tmp_path / "images"
    if packed:
        path = tmp_path / "images.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for file in sorted((tmp_path / "images").rglob("*.png")):
                archive.write(file, file.relative_to(tmp_path))
    eager, lazy = read(path, **options), read(path, lazy=True, **options)
    assert isinstance(eager.x, np.ndarray) and isinstance(lazy.x, Pictures)
    assert_array_equal(lazy.x, eager.x)
    assert_array_equal(lazy.take(np.array([4, 0])).x, eager.x[[4, 0]])
    assert lazy.spec == eager.spec
    assert (lazy.names, lazy.classes, lazy.y.tolist()) == (eager.names, eager.classes, eager.y.tolist())


def test_a_large_folder_is_not_decoded_to_be_read(tmp_path, monkeypatch):
    for i, pixels in enumerate(BYTES):
        save(tmp_path / f"{i}.png", pixels)
    (tmp_path / "0.txt").write_text("no image")
    monkeypatch.setattr(images, "DECODED", BYTES.nbytes - 1)
    data = read(tmp_path)
    assert isinstance(data.x, Pictures) and len(data.skipped) == 1
    monkeypatch.setattr(images, "DECODED", BYTES.nbytes)
    assert isinstance(read(tmp_path).x, np.ndarray)


def test_a_damaged_image_is_named_when_it_is_asked_for(tmp_path, monkeypatch):
    for i, pixels in enumerate(BYTES):
        save(tmp_path / f"{i}.png", pixels)
    whole = (tmp_path / "3.png").read_bytes()
    inside = whole.index(b"IDAT") + 8
    (tmp_path / "3.png").write_bytes(whole[:inside] + bytes(4) + whole[inside + 4 :])
    assert len(read(tmp_path)) == 5
    monkeypatch.setattr(rows, "LOOKED_AT", 2)
    data = read(tmp_path, lazy=True)
    assert_array_equal(data.x[:3], BYTES[:3])
    with pytest.raises(DataError, match=r"3\.png cannot be decoded.*lazy=False"):
        data.x[2:5]


def frames(count=6, size=(10, 12), rgb=False):
    rng = np.random.default_rng(0)
    shape = (*size, 3) if rgb else size
    return [Image.fromarray((rng.random(shape) * 255).astype(np.uint8)) for _ in range(count)]


@pytest.mark.parametrize("ending", ["tif", "gif", "webp", "png"])
def test_every_frame_of_a_file_is_an_image(tmp_path, ending):
    film = frames()
    options = {"lossless": True} if ending == "webp" else {}
    film[0].save(tmp_path / f"a.{ending}", save_all=True, append_images=film[1:], **options)
    film[2].save(tmp_path / "b.png")
    data = read(tmp_path, color="gray")
    assert data.names == (*(f"a.{ending}[{at}]" for at in range(6)), "b.png") and not data.skipped
    want = np.stack([np.asarray(one) for one in [*film, film[2]]])
    np.testing.assert_allclose(data.x.astype(int), want, atol=1)
    lazy = read(tmp_path, color="gray", lazy=True)
    assert isinstance(lazy.x, Pictures) and lazy.names == data.names
    assert_array_equal(lazy.x[np.array([4, 0, 6, 5, 1])], data.x[[4, 0, 6, 5, 1]])
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.write(tmp_path / f"a.{ending}", "x.bin")
    assert_array_equal(read(tmp_path / "all.zip", color="gray").x, data.x[:6])


def test_frames_of_16_bits_keep_them_beside_one_of_8(tmp_path):
    deep = RNG.integers(0, 65536, (5, 10, 12)).astype(np.uint16)
    film = [*map(Image.fromarray, deep), *frames(1)]
    film[0].save(tmp_path / "a.tif", save_all=True, append_images=film[1:])
    data, lazy = read(tmp_path), read(tmp_path, lazy=True)
    assert data.x.dtype == lazy.x.dtype == np.uint16 and len(data) == 6 and not data.skipped
    assert_array_equal(data.x, [*deep, np.asarray(film[5]).astype(np.uint16) * 257])
    assert_array_equal(lazy.x[np.array([5, 0, 3, 0])], data.x[[5, 0, 3, 0]])
    assert read(tmp_path, size=(5, 6)).x.dtype == np.uint16
    assert read(tmp_path, color="rgb").x.shape == (6, 10, 12, 3)


def test_an_animation_is_in_colour_where_one_frame_is(tmp_path):
    gray, colored = frames(3), frames(1, rgb=True)
    gray[0].save(tmp_path / "gray.gif", save_all=True, append_images=gray[1:])
    assert read(tmp_path).x.shape == (3, 10, 12)
    gray[0].save(tmp_path / "gray.gif", save_all=True, append_images=[*gray[1:], *colored])
    assert read(tmp_path).x.shape == (4, 10, 12, 3)


def test_frames_of_another_size_are_listed_and_a_damaged_stack_is_read_as_far_as_it_goes(tmp_path):
    film = [*frames(3), *frames(1, size=(5, 6))]
    film[0].save(tmp_path / "a.tif", save_all=True, append_images=film[1:])
    data = read(tmp_path)
    assert data.names == ("a.tif[0]", "a.tif[1]", "a.tif[2]")
    assert data.skipped == ("a.tif[3]: a frame of 5 x 6, and the first of its file is 10 x 12",)
    content = (tmp_path / "a.tif").read_bytes()
    for keep in (len(content) * 3 // 4, len(content) // 2):
        (tmp_path / "a.tif").write_bytes(content[:keep])
        data = read(tmp_path)
        assert 1 <= len(data) < 4 and data.skipped


def test_the_pixels_of_all_frames_together_are_bounded(tmp_path, monkeypatch):
    film = [Image.new("L", (400, 400)) for _ in range(50)]
    film[0].save(tmp_path / "a.tif", save_all=True, append_images=film[1:], compression="tiff_lzw")
    monkeypatch.setattr(images, "LARGEST", 1 << 21)
    monkeypatch.setattr(images, "EXPANSION", 10)
    with pytest.raises(DataError, match="taken for a trap"):
        read(tmp_path)
    monkeypatch.setattr(images, "FRAMES", 20)
    with pytest.raises(DataError, match="more than 20 frames"):
        read(tmp_path)
