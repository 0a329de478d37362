"""Tables that say more about files: matched by name, and honest about what does not match."""

import gzip
import zipfile

import numpy as np
import pytest
from PIL import Image

from latentwalk.data import load
from latentwalk.data.sources import read
from latentwalk.errors import ConfigError, DataError

NAMES = ("ann_1.png", "ann_2.png", "bob.png", "cy.png")


@pytest.fixture
def photos(tmp_path):
    for shade, name in enumerate(NAMES):
        (tmp_path / "photos" / "sub").mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4), 60 * shade).save(tmp_path / "photos" / "sub" / name)
    return tmp_path / "photos"


def table(folder, *lines, name="table.csv"):
    path, text = folder / name, "\n".join(lines) + "\n"
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


@pytest.mark.parametrize("style", ["sub/{}", "./sub/{}", "{}", "elsewhere/{}", "{:.3}"])
def test_rows_are_matched_by_path_by_name_or_by_name_without_ending(photos, tmp_path, style):
    named = [style.format(name) if ":" not in style else name.removesuffix(".png") for name in NAMES]
    rows = [f"{name},{value},0.{value}" for value, name in enumerate(named)]
    data = read(photos, attributes=table(tmp_path, "file,has,share", *rows[::-1]))
    assert data.factors["has"].tolist() == [0, 1, 2, 3]
    np.testing.assert_allclose(data.factors["share"], [0, 0.1, 0.2, 0.3])
    np.testing.assert_array_equal(data.x[:, 0, 0], [0, 60, 120, 180])


@pytest.mark.parametrize("title", ["file", "Image_ID", "name"])
def test_what_the_table_does_not_name_is_nan_and_what_it_names_beside_is_passed_over(photos, tmp_path, title):
    path = table(tmp_path, f"smiles,{title}", "1,bob.png", "0,cy.png", "1,nobody.png", ",ann_1.png", name="t.csv.gz")
    np.testing.assert_array_equal(read(photos, attributes=path).factors["smiles"], [np.nan, np.nan, 1, 0])


def test_an_archive_and_tabs_do_as_well_and_text_is_left_out_and_said(photos, tmp_path):
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        for name in NAMES:
            archive.write(photos / "sub" / name, f"photos/{name}")
    path = table(tmp_path, "file\tage\tplace", "bob.png\t40\tRome", "cy.png\t20\tOslo", name="t.tsv")
    data = load(tmp_path / "photos.zip", attributes=str(path))
    assert list(data.factors) == ["age"]
    assert data.skipped == ("column 'place' of t.tsv: text, and no number",)
    np.testing.assert_array_equal(data.take(np.array([2, 3])).factors["age"], [40, 20])


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["file,has", "dora.png,1"], r"names 'dora.png', and the data has 'sub/ann_1.png'"),
        (["file,has", "bob.png,1", "bob.png,0"], "'file' names 'bob.png' more than once"),
        (["file,has"], r"a header \(file, has\) and no rows"),
        (["who,has", "bob.png,1"], "no column says which file a row is about: .* found who, has"),
        (["file,place", "bob.png,Rome"], "no column of numbers beside 'file'"),
        (["file,has", "bob.png,1", "cy.png,2", "ann_1.png,x"], "column 'has' holds x at row 2"),
        (["file,has", "bob.png,inf"], "column 'has' holds inf"),
    ],
)
def test_a_table_that_does_not_fit_is_refused_with_its_own_path(photos, tmp_path, lines, message):
    path = table(tmp_path, *lines)
    with pytest.raises(DataError, match=f"table.csv: .*{message}"):
        read(photos, attributes=path)


def test_names_that_two_files_share_must_be_paths(photos, tmp_path):
    (photos / "other").mkdir()
    Image.new("L", (4, 4)).save(photos / "other" / "bob.png")
    said = "more than once: 'bob.png' is 'other/bob.png' as well as 'sub/bob.png'"
    with pytest.raises(DataError, match=f"{said}.*its path in the data: other/bob.png, sub/bob.png"):
        read(photos, attributes=table(tmp_path, "file,has", "bob.png,1"))
    data = read(photos, attributes=table(tmp_path, "file,has", "other/bob.png,1", "sub/bob.png,0"))
    np.testing.assert_array_equal(data.factors["has"], [1, np.nan, np.nan, 0, np.nan])


def test_what_is_no_table_or_has_no_names_is_refused(photos, tmp_path):
    np.save(tmp_path / "x.npy", np.eye(3))
    path = table(tmp_path, "file,has", "bob.png,1")
    with pytest.raises(DataError, match="has no names that rows could be matched by"):
        read(tmp_path / "x.npy", attributes=path)
    with pytest.raises(DataError, match="attributes come as a table"):
        read(photos, attributes=tmp_path / "x.npy")
    with pytest.raises(DataError, match="no such file"):
        read(photos, attributes=tmp_path / "gone.csv")
    with pytest.raises(ConfigError, match="attributes=3: expected the path of a table"):
        read(photos, attributes=3)
