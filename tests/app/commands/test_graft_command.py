"""The command `graft`: on drawn faces, whose moustache is a known factor."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from latentwalk.app.run import Run
from latentwalk.app.source import Source
from latentwalk.data.synthetic import faces
from latentwalk.drawing import tiles as pictures
from latentwalk.drawing.tiles import pixels
from latentwalk.estimators.autoencoder import Autoencoder

SIDE = 16


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of drawn faces, beside it a table of what they have; the last five are not in it."""
    folder = tmp_path_factory.mktemp("grafting")
    drawn = faces(300, size=SIDE)
    (folder / "photos").mkdir()
    names = [f"{row:03}.png" for row in range(len(drawn))]
    for name, image in zip(names, drawn.x, strict=True):
        Image.fromarray(image).save(folder / "photos" / name)
    known = zip(names, drawn.factors["moustache"], drawn.factors["smile"], strict=True)
    lines = [f"{name},{has},{smile:.3f}" for name, has, smile in list(known)[:-5]]
    (folder / "faces.csv").write_text("\n".join(["file,Moustache,Smile", *lines]) + "\n")
    return folder


@pytest.fixture(scope="module")
def run(call: Any, photos: Path) -> Path:
    where = photos / "run"
    options = ("--network", "dense", "--epochs", 2, "--recipe", "ae", "--latent", 8)
    call("fit", photos / "photos", "--attributes", photos / "faces.csv", "--out", where, *options)
    return where


def strip(path: Path, count: int) -> np.ndarray:
    """The tiles of a strip of 16 x 16 images, at their own size."""
    sheet, gap, big = np.asarray(Image.open(path)), pictures.GAP, -(-pictures.SIDE // SIDE) * SIDE
    return np.stack([sheet[gap : gap + big : big // SIDE, left : left + big : big // SIDE] for left in
                     range(gap, gap + count * (big + gap), big + gap)])  # fmt: skip


def test_fit_remembers_the_table_and_the_run_finds_it_again(run: Path, photos: Path) -> None:
    about = json.loads((run / "run.json").read_text())
    assert about["source"]["options"] == {"attributes": str((photos / "faces.csv").resolve())}
    rows = Run.open(run).train()
    np.testing.assert_array_equal(rows.factors["Moustache"][:-5], faces(300, size=SIDE).factors["moustache"][:-5])
    assert np.isnan(rows.factors["Moustache"][-5:]).all()


def test_a_strip_of_grafts_is_what_the_library_computes(call: Any, run: Path, tmp_path: Path) -> None:
    to, strengths = tmp_path / "strip.png", [0, 1, 2.5]
    said = call("graft", run, "row:7", "--attribute", "Moustache", "--strengths", "0,1,2.5", "--out", to)
    opened = Run.open(run)
    space = opened.model.space(opened.train())
    direction = space.direction("Moustache")
    assert direction.reading in said
    expected = space.graft(7, direction, strengths)
    shown = strip(to, 4)
    np.testing.assert_array_equal(shown[0], space.data[7])
    np.testing.assert_array_equal(shown[1], space.data[7])
    np.testing.assert_array_equal(shown[1:], pixels(expected.x, opened.model.spec_))
    assert (shown[2] != shown[3]).any()


def test_a_guided_graft_is_what_the_library_computes(call: Any, run: Path, tmp_path: Path) -> None:
    to = tmp_path / "strip.png"
    said = call("graft", run, "row:7", "--attribute", "Moustache", "--strength", "guided", "--out", to)
    assert "onto row 7, strength guided" in said
    opened = Run.open(run)
    space = opened.model.space(opened.train())
    expected = space.graft(space.data[7][None], space.direction("Moustache", keep="all"), "guided")
    np.testing.assert_array_equal(strip(to, 2)[1], pixels(expected.x, opened.model.spec_)[0])


def test_a_region_of_a_picture_from_elsewhere(call: Any, run: Path, photos: Path, tmp_path: Path) -> None:
    mask = np.zeros((32, 32), np.uint8)
    mask[16:] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    to = tmp_path / "out.png"
    for region in ("0.5,0,1,1", tmp_path / "mask.png"):
        image = photos / "photos" / "003.png"
        call("graft", run, image, "--attribute", "Moustache", "--strength", 3, "--region", region, "--out", to)
        before, after = (np.asarray(Image.open(path)) for path in (image, to))
        np.testing.assert_array_equal(before[:8], after[:8])
        assert (before[8:] != after[8:]).any()
    call("graft", run, "row:3", "--attribute", "Moustache", "--strength", 3, "--region", region, "--out", to)
    np.testing.assert_array_equal(strip(to, 2), [before, after])


def test_a_large_picture_stays_as_large(call: Any, run: Path, photos: Path, tmp_path: Path) -> None:
    large = Image.open(photos / "photos" / "003.png").resize((96, 128))
    large.save(tmp_path / "large.png")
    to = tmp_path / "out.png"
    said = call("graft", run, tmp_path / "large.png", "--attribute", "Moustache", "--strength", 2, "--out", to)
    assert "(96 x 128), strength 2" in said
    opened = Run.open(run)
    space = opened.model.space(opened.train())
    expected = space.graft(large, space.direction("Moustache"), 2).x
    np.testing.assert_array_equal(np.asarray(Image.open(to)), expected)
    assert (expected != np.asarray(large)).any()
    call("graft", run, tmp_path / "large.png", "--attribute", "Moustache", "--strength", 0, "--out", to)
    np.testing.assert_array_equal(np.asarray(Image.open(to)), np.asarray(large))
    call("graft", run, tmp_path / "large.png", "--attribute", "Moustache", "--frame", "0,0.1,0.5,0.9", "--out", to)
    np.testing.assert_array_equal(np.asarray(Image.open(to))[65:], np.asarray(large)[65:])
    call("graft", run, tmp_path / "large.png", "--attribute", "Moustache", "--strengths", "0,1", "--out", to)
    assert np.asarray(Image.open(to)).shape == (128 + 8, 2 * (96 + 4) + 4, 3)
    guided = ("--attribute", "Moustache", "--strength", "guided", "--keep", "all")
    assert "(96 x 128), strength guided" in call("graft", run, tmp_path / "large.png", *guided, "--out", to)
    expected = space.graft(large, space.direction("Moustache", keep="all"), "guided").x
    np.testing.assert_array_equal(np.asarray(Image.open(to)), expected)
    assert (expected != np.asarray(large)).any()


def test_several_files_go_to_a_folder(call: Any, run: Path, photos: Path, tmp_path: Path) -> None:
    files = [photos / "photos" / name for name in ("003.png", "004.png")]
    said = call("graft", run, *files, "row:5", "--attribute", "Moustache", "--out", tmp_path / "made")
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == ["003.png", "004.png", "row-5.png"]
    assert said.count("onto ") == 3
    assert "two of the pictures" in call("graft", run, files[0], files[0], "--attribute", "Moustache", code=2)
    where = ("--attribute", "Moustache", "--out", tmp_path / "x.png")
    assert "need a folder to go to" in call("graft", run, *files, *where, code=2)
    assert "--frame is for an image file" in call("graft", run, "row:1", *where, "--frame", "0,0,1,1", code=2)


def test_names_of_files_of_the_data_go_where_rows_go(call: Any, run: Path, tmp_path: Path) -> None:
    assert "from 003.png (row 3) to 007.png (row 7)" in call("walk", run, "003.png", "007.png", "--out", tmp_path / "w.png")
    assert "onto 003.png (row 3)" in call("graft", run, "003.png", "--attribute", "Moustache", "--out", tmp_path / "g.png")
    assert "there is no such file" in call("walk", run, "nobody.png", "007.png", code=2)


def test_confounders_by_name_and_none(call: Any, run: Path) -> None:
    said = call("graft", run, "row:7", "--attribute", "Moustache", "--without", "Smile")
    assert "taken out: Smile (correlation" in said
    assert (run / "graft.png").exists()
    assert "nothing taken out" in call("graft", run, "row:7", "--attribute", "Moustache", "--without", "none")


def test_what_can_be_grafted_is_listed(call: Any, run: Path) -> None:
    has = int(faces(300, size=SIDE).factors["moustache"][:-5].sum())
    listed = call("graft", run, "--attributes")
    assert f"Moustache  {has} of 295" in listed
    assert "Smile      an amount, -0.99" in listed


def test_drawn_faces_bring_their_factors_into_a_run(call: Any, tmp_path: Path) -> None:
    source = Source("faces", {"n": 300, "size": SIDE})
    drawn = source.train()
    model = Autoencoder("ae", network="dense", epochs=1, progress=False).fit(drawn)
    Run.of(tmp_path, model, source, drawn, 1).save()
    said = call("graft", tmp_path, "no moustache", "--attribute", "moustache", "--onto", "reconstruction")
    assert "onto no moustache (row" in said
    listed = call("graft", tmp_path, "--attributes")
    assert f"moustache       {drawn.factors['moustache'].sum()} of {len(drawn)}" in listed
    assert f"no moustache    class of {(drawn.y == 0).sum()}" in listed


def test_a_model_of_old_is_told_of_a_table(call: Any, tmp_path: Path, photos: Path) -> None:
    call("fit", photos / "photos", "--out", tmp_path / "run", "--epochs", 1, "--network", "dense", "--recipe", "ae")
    assert "no attributes and no classes. Name a table of them: --table" in call("graft", tmp_path / "run", code=2)
    table = ("--attribute", "Moustache", "--table", photos / "faces.csv")
    assert "onto row 0, strength 1" in call("graft", tmp_path / "run", "row:0", *table)


def test_a_table_of_numbers_and_kinds_gives_rows(call: Any, tmp_path: Path) -> None:
    rng, lines = np.random.default_rng(0), ["length,width,colour,kind"]
    lines += [
        f"{rng.normal(row % 2):.3f},{rng.normal():.3f},{'red' if row % 3 else 'blue'},{'ab'[row % 2]}" for row in range(80)
    ]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    call("fit", tmp_path / "t.csv", "--label", "kind", "--out", tmp_path / "run", "--epochs", 2)
    call("graft", tmp_path / "run", "row:3", "--attribute", "a", "--strengths", "0,2")
    model, rows = Run.open(tmp_path / "run").model, Run.open(tmp_path / "run").train()
    space = model.space(rows)
    expected = model.inverse_transform(space.graft(3, space.direction("a"), [0, 2]).z)
    header, *written = (tmp_path / "run" / "graft.csv").read_text().splitlines()
    assert header == "strength,length,width,colour"
    assert [line.split(",")[0] for line in written] == ["0.0", "2.0"]
    np.testing.assert_allclose([float(line.split(",")[1]) for line in written], expected["length"], rtol=1e-5)
    assert [line.split(",")[3] for line in written] == list(expected["colour"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["row:7"], "--attribute: what to graft. Known: Moustache, Smile"),
        (["--attribute", "Moustache"], "IMAGE: onto what to graft"),
        (["row:7", "--attribute", "Mustache"], "Did you mean 'Moustache'"),
        (["row:7", "--attribute", "Smile"], "neither two values nor a probability"),
        (["row:7", "--attribute", "Moustache", "--without", "Smle"], "Did you mean 'Smile'"),
        (["row:700", "--attribute", "Moustache"], "row:700 is no row of the data"),
        (["row:7", "--attribute", "Moustache", "--region", "mouth"], "--region mouth: expected top,left,bottom,right"),
        (["row:7", "--attribute", "Moustache", "--region", "1,2,3,4"], "shares of the sides"),
        (["row:7", "--attribute", "Moustache", "--strengths", "a"], "expected numbers separated by commas"),
        (["row:7", "--attribute", "Moustache", "--strength", "nan"], "expected a finite number"),
        (["row:7", "--attribute", "Moustache", "--strength", "some"], "expected numbers"),
        (["row:7", "--attribute", "Moustache", "--strength", "1,2"], "expected one number, or guided"),
        (["row:7", "--attribute", "Moustache", "--strength", "guided", "--strengths", "1,2"], "Leave --strengths out"),
        (["row:7", "--attribute", "Moustache", "--keep", "Smile"], "--keep goes with --strength guided"),
        (["row:7", "--attribute", "Moustache", "--strength", "guided", "--keep", "Smle"], "Did you mean 'Smile'"),
        (["row:7", "--attribute", "Moustache", "--onto", "paper"], "unknown ground"),
        (["row:7", "--attribute", "Moustache", "--out", "x.gif"], "expected a file ending in .png"),
        (["row:7", "--attribute", "Moustache", "--table", "gone.csv"], "gone.csv: no such file"),
    ],
)
def test_bad_input_is_one_line(call: Any, run: Path, words: list[str], message: str) -> None:
    assert message in " ".join(call("graft", run, *words, code=2).split())


def test_a_mask_that_is_no_image_is_named(call: Any, run: Path, photos: Path) -> None:
    said = call("graft", run, "row:7", "--attribute", "Moustache", "--region", photos / "faces.csv", code=2)
    assert "faces.csv: not an image that can be read as a mask" in " ".join(said.split())
