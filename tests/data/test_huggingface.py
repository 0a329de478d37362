"""Hugging Face data sets: what was put into Arrow comes back, in memory or read when asked for."""

import io
import json

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image

from latentwalk.data import Dataset, read, rows
from latentwalk.data.adopt import adopt
from latentwalk.data.sources import huggingface
from latentwalk.data.sources.huggingface import Arrow
from latentwalk.errors import ConfigError, DataError
from latentwalk.estimators.autoencoder import Autoencoder

datasets = pytest.importorskip("datasets")
RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (20, 8, 6), dtype=np.uint8)


@pytest.fixture(autouse=True, scope="module")
def no_bars():
    datasets.disable_progress_bars()


def images(pixels=PIXELS, names=("a", "b", "c")):
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=list(names))})
    labels = [i % len(names) for i in range(len(pixels))]
    return datasets.Dataset.from_dict({"image": [Image.fromarray(one) for one in pixels], "label": labels}, features=features)


@pytest.mark.parametrize("lazy", [None, True])
@pytest.mark.parametrize("shape", [(8, 6), (8, 6, 3)])
def test_images_are_their_pixels(lazy, shape):
    pixels = RNG.integers(0, 256, (20, *shape), dtype=np.uint8)
    data = adopt(images(pixels), lazy=lazy)
    assert isinstance(data.x, Arrow) == bool(lazy)
    assert_array_equal(data.x, pixels)
    for some in (3, slice(2, 9), np.array([7, 1, 1]), slice(0, 0)):
        assert_array_equal(data.x[some], pixels[some])
    assert data.classes == ("a", "b", "c") and data.y.tolist() == [i % 3 for i in range(20)]
    assert (data.spec.kind, data.spec.low, data.spec.high) == ("image", 0, 255)


@pytest.mark.parametrize("lazy", [None, True])
@pytest.mark.parametrize(
    ("feature", "dtype"),
    [
        (lambda: datasets.Array2D((4, 3), "float64"), "float64"),
        (lambda: datasets.Array2D((4, 3), "uint8"), "uint8"),
        (lambda: datasets.List(datasets.List(datasets.Value("int16"), length=3), length=4), "int16"),
        (lambda: datasets.List(datasets.List(datasets.Value("float32"))), "float32"),
    ],
)
def test_arrays_keep_shape_and_dtype(lazy, feature, dtype):
    x = (RNG.normal(size=(30, 4, 3)) * 20).clip(0).astype(dtype)
    table = datasets.Dataset.from_dict(
        {"x": list(x), "id": range(30)}, features=datasets.Features({"x": feature(), "id": datasets.Value("int64")})
    )
    data = adopt(table, lazy=lazy)
    assert data.x.dtype == dtype
    assert_array_equal(data.x, x)
    assert_array_equal(data.take(np.array([5, 2])).x, x[[5, 2]])
    assert_array_equal(adopt(table.shuffle(seed=1).select(range(9)), lazy=lazy).x, x[table.shuffle(seed=1)["id"][:9]])


def test_plain_numbers_are_a_table():
    columns = {"a": [1.5, None, 3.0], "b": [1, 2, 3], "text": ["x", "y", "z"], "target": ["no", "yes", "no"]}
    data = adopt(datasets.Dataset.from_dict(columns), lazy=True)
    assert_array_equal(data.x, [[1.5, 1], [np.nan, 2], [3, 3]])
    assert data.spec.kind == "table" and data.spec.missing
    assert data.classes == ("no", "yes") and data.y.tolist() == [0, 1, 0]
    assert data.skipped == ("text: neither numbers nor images",)
    measured = adopt(datasets.Dataset.from_dict({"a": [1, 2], "b": [0, 1], "target": [0.5, 0.7]}))
    assert measured.y is None and measured.factors["target"].tolist() == [0.5, 0.7]


def test_labels_that_are_given_go_before_those_that_are_there():
    assert adopt(images(), np.arange(20) % 2).classes == ("0", "1")
    assert adopt(images(), label="").y is None


def test_secret_labels_are_none():
    table = images().map(lambda _: {"label": -1})
    assert adopt(table).y is None


def test_a_folder_of_save_to_disk(tmp_path):
    images().save_to_disk(tmp_path / "one")
    data = read(tmp_path / "one", lazy=True)
    assert data.name == "one" and isinstance(data.x, Arrow)
    assert_array_equal(data.x, PIXELS)
    with pytest.raises(DataError, match="not divided"):
        read(tmp_path / "one", split="test")
    datasets.DatasetDict(train=images(PIXELS[:15]), test=images(PIXELS[15:])).save_to_disk(tmp_path / "both")
    assert [len(read(tmp_path / "both", split=split)) for split in ("train", "test", "all")] == [15, 5, 20]
    file = next((tmp_path / "one").glob("*.arrow"))
    assert_array_equal(read(file, size=(8, 6)).x, PIXELS)
    with pytest.raises(ConfigError, match="window"):
        read(file, window=9)
    (tmp_path / "bad.arrow").write_bytes(b"nonsense")
    with pytest.raises(DataError, match=r"bad\.arrow"):
        read(tmp_path / "bad.arrow")


def of_paths(file, paths):
    """An .arrow file of somebody else, whose images are files."""
    arrow = pytest.importorskip("pyarrow")
    schema = datasets.Features({"image": datasets.Image()}).arrow_schema
    values = arrow.array([{"bytes": None, "path": str(path)} for path in paths], schema.field("image").type)
    with arrow.OSFile(str(file), "wb") as sink, arrow.ipc.new_stream(sink, schema) as writer:
        writer.write_batch(arrow.record_batch([values], schema=schema))
    return file


def test_a_foreign_table_names_no_picture_outside_its_folder(tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    for at, where in enumerate((own, own, tmp_path)):
        Image.fromarray(PIXELS[at]).save(where / f"{at}.png")
    assert_array_equal(read(of_paths(own / "a.arrow", ["0.png", own / "1.png"])).x, PIXELS[:2])
    (own / "link.png").symlink_to(tmp_path / "2.png")
    for strange in (tmp_path / "2.png", "../2.png", "link.png"):
        with pytest.raises(DataError, match="outside its folder"):
            read(of_paths(own / "b.arrow", ["0.png", strange]))


@pytest.mark.parametrize(
    ("names", "said"), [(["a", "b"], "the code 2, and names for 2"), (["a", 1, "c"], "names that are no text")]
)
def test_names_of_classes_that_do_not_fit_the_labels(tmp_path, names, said):
    images().save_to_disk(tmp_path / "hf")
    path = tmp_path / "hf" / "dataset_info.json"
    about = json.loads(path.read_text())
    about["features"]["label"]["names"] = names
    path.write_text(json.dumps(about))
    with pytest.raises(DataError, match=said):
        read(tmp_path / "hf")


def test_lengths_that_lie_are_found_before_they_are_believed(tmp_path):
    """Each field of a file in turn set to a length that is none: read or refused, and the process lives."""
    datasets.Dataset.from_dict({"x": RNG.normal(size=(6, 4)).tolist(), "y": list("abcdef")}).save_to_disk(tmp_path / "hf")
    file = next((tmp_path / "hf").glob("*.arrow"))
    whole, refused = file.read_bytes(), 0
    for at in range(0, len(whole), 36):
        for value in (2**31 - 1, -8):
            file.write_bytes(whole[:at] + value.to_bytes(4, "little", signed=True) + whole[at + 4 :])
            try:
                np.asarray(read(tmp_path / "hf").x[:])
            except DataError:
                refused += 1
    assert refused > 10


def test_images_of_several_sizes_and_colours(tmp_path):
    def png(*shape):
        Image.fromarray(RNG.integers(0, 256, shape, dtype=np.uint8)).save(buffer := io.BytesIO(), "PNG")
        return {"bytes": buffer.getvalue(), "path": None}

    mixed = {"image": [png(8, 6), png(9, 7, 3), png(12, 12)]}
    table = datasets.Dataset.from_dict(mixed, features=datasets.Features({"image": datasets.Image()}))
    with pytest.raises(DataError, match="size="):
        adopt(table)
    assert adopt(table, size=6).x.shape == (3, 6, 6, 3)
    assert adopt(table, size=(4, 6), color="gray").x.shape == (3, 4, 6)


def test_what_is_found_too_late_to_be_skipped_is_an_error(monkeypatch):
    for module in (huggingface, rows):
        monkeypatch.setattr(module, "LOOKED_AT", 2)
    broken = {"image": [{"bytes": b"no image", "path": None} if i == 7 else one for i, one in enumerate(encoded())]}
    data = adopt(datasets.Dataset.from_dict(broken, features=datasets.Features({"image": datasets.Image()})), lazy=True)
    with pytest.raises(DataError, match="cannot be decoded"):
        data.x[5:9]
    assert_array_equal(data.x[:7], PIXELS[:7])


def encoded():
    return images().cast_column("image", datasets.Image(decode=False))["image"]


def test_what_cannot_be_used_is_said():
    for columns, complaint in (
        ({"text": ["a", "b"]}, "no column of images"),
        ({"a": [[1, 2], [3]]}, "different lengths"),
        ({"a": [[1, 2]], "b": [[3, 4]]}, "column='a'"),
        ({"a": []}, "empty"),
    ):
        with pytest.raises(DataError, match=complaint):
            adopt(datasets.Dataset.from_dict(columns))
    with pytest.raises(ConfigError, match="unknown column"):
        adopt(images(), column="picture")
    with pytest.raises(DataError, match="one after the other"):
        adopt(images().to_iterable_dataset())
    with pytest.raises(DataError, match=r"adopt\(X\)"):
        Dataset.of(images())
    assert adopt(datasets.Dataset.from_dict({"a": [[1, 2]], "b": [[3, 4]]}), column="b").x.tolist() == [[3, 4]]


def test_without_the_package_the_extra_is_named(tmp_path, monkeypatch):
    images().save_to_disk(tmp_path / "one")
    monkeypatch.setitem(__import__("sys").modules, "datasets", None)
    with pytest.raises(DataError, match=r"latentwalk\[huggingface\]"):
        read(tmp_path / "one")


def test_a_model_uses_a_table_as_it_is():
    model = Autoencoder(epochs=1, random_state=0, progress=False).fit(PIXELS)
    assert_array_equal(model.transform(images()), model.transform(PIXELS))
