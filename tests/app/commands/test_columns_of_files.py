"""A CSV's columns keep their names, order and whole numbers through every command, and are known by name."""

import csv

import numpy as np
import pytest

RNG = np.random.default_rng(0)
NAMES = ("height", "kids", "label", "weight", "rooms")


def rows_of(path):
    with path.open() as file:
        return list(csv.reader(file))


def write(path, names, rows):
    path.write_text("\n".join(",".join(map(str, row)) for row in (names, *rows)) + "\n")
    return path


@pytest.fixture(scope="module")
def homes(call, tmp_path_factory):
    """A run, its CSV of numbers alone (labels aside), and its rows: whole numbers with gaps, and without."""
    folder = tmp_path_factory.mktemp("homes")
    rows = [
        ["" if i % 9 == 0 else f"{RNG.normal():.3f}", i % 7, "ab"[i % 2], f"{1e9 + i}", "" if i % 8 == 1 else i % 5]
        for i in range(120)
    ]
    given = write(folder / "homes.csv", NAMES, rows)
    call("fit", given, "--epochs", 2, "--out", folder / "run")
    return folder / "run", given, rows


def test_impute_writes_the_table_that_was_read_without_its_gaps(call, homes, tmp_path):
    run, given, rows = homes
    call("impute", run, given, "--out", tmp_path / "whole.csv")
    header, *whole = rows_of(tmp_path / "whole.csv")
    assert header == list(NAMES)
    for row, filled in zip(rows, whole, strict=True):
        assert filled[1:3] == [str(value) for value in row[1:3]]
        assert all(filled) and filled[4] == (str(row[4]) if row[4] != "" else filled[4])
        assert filled[4].lstrip("-").isdecimal()
        assert float(filled[3]) == float(row[3])


def test_what_was_not_learnt_from_is_told_and_passed_through(call, homes, tmp_path):
    run, _, rows = homes
    wide = write(tmp_path / "wide.csv", ("id", *NAMES), [[i + 500, *row] for i, row in enumerate(rows)])
    for words in (("impute", run, wide), ("reconstruct", run, wide)):
        said = call(*words, "--out", tmp_path / f"{words[0]}.csv")
        header, *found = rows_of(tmp_path / f"{words[0]}.csv")
        assert "left out: id" in said
        assert header == ["id", *NAMES]
        assert [row[0] for row in found] == [str(i + 500) for i in range(120)]
        assert [row[3] for row in found] == [row[2] for row in rows]
        assert all(row[2].lstrip("-").isdecimal() for row in found)


def test_columns_of_a_file_are_known_by_name(call, homes, tmp_path):
    run, given, rows = homes
    order = [3, 4, 2, 0, 1]
    turned = write(tmp_path / "turned.csv", [NAMES[at] for at in order], [[row[at] for at in order] for row in rows])
    call("encode", run, given, "--out", tmp_path / "z.csv")
    call("encode", run, turned, "--out", tmp_path / "turned-z.csv")
    assert rows_of(tmp_path / "z.csv") == rows_of(tmp_path / "turned-z.csv")
    call("impute", run, turned, "--out", tmp_path / "turned-whole.csv")
    assert rows_of(tmp_path / "turned-whole.csv")[0] == [NAMES[at] for at in order]
    foreign = write(tmp_path / "foreign.csv", ("tall", *NAMES[1:]), rows)
    said = call("encode", run, foreign, "--out", tmp_path / "none.csv", code=2)
    assert "missing: 'height'" in said and "foreign.csv" in said


def test_samples_have_the_columns_learnt_from(call, homes, tmp_path):
    run, given, _ = homes
    call("sample", run, "-n", 4, "--out", tmp_path / "s.csv")
    header, *drawn = rows_of(tmp_path / "s.csv")
    assert header == ["height", "kids", "weight", "rooms"] and len(drawn) == 4
    assert all(row[1].lstrip("-").isdecimal() and row[3].lstrip("-").isdecimal() for row in drawn)
    call("walk", run, "--from", "row:1", "--to", "row:2", "--steps", 3, "--out", tmp_path / "w.csv")
    assert rows_of(tmp_path / "w.csv")[0] == ["step", *header]
    call("denoise", run, given, tmp_path / "d.csv")
    assert rows_of(tmp_path / "d.csv")[0] == list(NAMES)


def test_parquet_keeps_types_through_commands(call, tmp_path):
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame(
        {
            "height": RNG.normal(size=80),
            "kids": pd.array(RNG.integers(0, 5, 80), "Int64"),
            "town": RNG.choice(["here", "there"], 80),
            "born": pd.Timestamp("1990-01-01") + pd.to_timedelta(RNG.integers(0, 9999, 80), "D"),
            "label": RNG.choice(["a", "b"], 80),
        }
    )
    frame.loc[::7, "kids"] = pd.NA
    frame.to_parquet(tmp_path / "people.parquet", index=False)
    call("fit", tmp_path / "people.parquet", "--epochs", 2, "--out", tmp_path / "run")
    call("impute", tmp_path / "run", tmp_path / "people.parquet", "--out", tmp_path / "whole.parquet")
    whole = pd.read_parquet(tmp_path / "whole.parquet")
    assert whole.columns.tolist() == frame.columns.tolist() and not whole.isna().any().any()
    pd.testing.assert_frame_equal(whole[["height", "town", "label"]], frame[["height", "town", "label"]])
    assert whole.born.dtype.kind == "M" and (whole.born == frame.born).all()
    call("sample", tmp_path / "run", "-n", 6, "--out", tmp_path / "s.parquet")
    drawn = pd.read_parquet(tmp_path / "s.parquet")
    assert drawn.columns.tolist() == frame.columns[:-1].tolist() and drawn.born.dtype.kind == "M"
    assert "Parquet" not in call("encode", tmp_path / "run", tmp_path / "people.parquet", "--out", tmp_path / "z.csv")
