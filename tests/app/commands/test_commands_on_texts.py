"""Commands on runs that learnt texts: lines in, lines out."""

import csv

import pytest

from latentwalk import load


@pytest.fixture(scope="module")
def written(call, tmp_path_factory):
    """A run of drawn sentences, hardly trained, and the file that it learnt from."""
    folder = tmp_path_factory.mktemp("texts")
    file = folder / "lines.txt"
    file.write_text("\n".join([*load("phrases", n=360).texts, "", "a"]))
    said = call("fit", file, "--out", folder / "run", "--epochs", 2, "--latent", 4, "--units", "words")
    assert "read 302 texts; 1 empty line left out; 91 words, up to 8 in an example" in said
    return folder / "run", file


def test_draws_are_lines_and_rows(call, written, tmp_path):
    run, _ = written
    said = call("sample", run, "-n", 5)
    lines = (run / "samples.txt").read_text().splitlines()
    assert len(lines) == 5 and all(line in said for line in lines)
    call("sample", run, "-n", 3, "--out", tmp_path / "drawn.csv")
    with (tmp_path / "drawn.csv").open() as file:
        assert [len(row["text"]) > 0 for row in csv.DictReader(file)] == [True] * 3
    call("sample", run, "--out", tmp_path / "drawn.png", code=2)


def test_a_walk_is_a_list_of_texts_and_its_ends_may_be_typed(call, written):
    run, _ = written
    said = call("walk", run, "--from", "row:0", "--to", "the cat sleeps in the garden", "--steps", 4)
    lines = (run / "walk.txt").read_text().splitlines()
    assert len(lines) == 4 and all(line in said for line in lines)
    assert "from row 0 to the cat sleeps in the garden in 4 steps" in said


def test_what_is_reconstructed_is_written_in_its_order(call, written, tmp_path):
    run, _ = written
    (tmp_path / "new.txt").write_text("the cat sleeps in the garden\nthe king will not sing on the hill\n")
    call("reconstruct", run, tmp_path / "new.txt", "--out", tmp_path / "back.txt")
    assert len((tmp_path / "back.txt").read_text().splitlines()) == 2
    call("encode", run, tmp_path / "new.txt", "--out", tmp_path / "codes.csv")
    assert len((tmp_path / "codes.csv").read_text().splitlines()) == 3
    call("blend", run, "row:0", "row:1", "--out", tmp_path / "blend.txt")
    assert len((tmp_path / "blend.txt").read_text().splitlines()) == 7


@pytest.mark.parametrize("command", ["denoise", "impute"])
def test_what_makes_no_sense_is_told_in_a_line(call, written, tmp_path, command):
    run, file = written
    words = {"denoise": [file, tmp_path / "out.txt"], "impute": [file, "--out", tmp_path / "out.csv"]}.get(command, [])
    assert "a text has" in call(command, run, *words, code=2).replace("texts have", "a text has")


@pytest.mark.filterwarnings("default")  # a word that was never learnt is told
def test_a_run_of_texts_is_looked_into(call, written, tmp_path):
    run, _ = written
    said = call("inspect", run)
    assert "under-trained" in said and "not looked for: blurry decoder (it is seen in values, and units have none)" in said
    (tmp_path / "new.txt").write_text("the zebra sleeps in the garden\n")
    assert "units never learnt 100 %" in call("inspect", run, "--new", tmp_path / "new.txt")


def test_what_is_no_text_is_told_by_line_and_byte(call, tmp_path):
    (tmp_path / "bad.txt").write_bytes(b"fine\nok \xff\n")
    said = call("fit", tmp_path / "bad.txt", "--out", tmp_path / "run", code=2)
    assert "line 2, byte 4 is 0xFF" in said


def test_units_are_chosen_as_asked_for(call, written, tmp_path):
    run, _ = written
    call("sample", run, "-n", 3, "--beam-width", 3, "--out", tmp_path / "beam.txt")
    call("sample", run, "-n", 3, "--top-p", 0.9, "--unit-temperature", 0.8, "--out", tmp_path / "drawn.txt")
    assert len((tmp_path / "drawn.txt").read_text().splitlines()) == 3
    assert "for units that are drawn" in call("sample", run, "--decoding", "greedy", "--top-p", 0.5, code=2)
    assert "Did you mean 'beam'" in call("walk", run, "row:0", "row:1", "--decoding", "bean", code=2)


def test_one_line_is_too_little_to_learn_from(call, tmp_path):
    (tmp_path / "one.txt").write_text("the cat sleeps\n")
    assert "at least" in call("fit", tmp_path / "one.txt", "--out", tmp_path / "run", code=2)


def test_the_end_of_a_walk_in_a_file_is_read_by_the_units_learnt(call, written, tmp_path):
    run, _ = written
    (tmp_path / "end.txt").write_text("the king will not sing on the hill\n")
    call("walk", run, "row:0", tmp_path / "end.txt", "--steps", 3, "--out", tmp_path / "a.txt")
    call("walk", run, "row:0", "the king will not sing on the hill", "--steps", 3, "--out", tmp_path / "b.txt")
    assert (tmp_path / "a.txt").read_text() == (tmp_path / "b.txt").read_text()
