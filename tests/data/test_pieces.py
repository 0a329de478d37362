"""A table read a piece at a time means what it means as a whole."""

from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from latentwalk.data.sources import delimited, pieces_of, read
from latentwalk.data.written import Commas, Looked, decimal_mark, meaning
from latentwalk.errors import DataError

FIELDS = [
    *("1", "2", " 3", "-4", "9007199254740993", "12345678901234567890", "0.5", "1e3", "1_000", "inf", "1,5", "1,234", "1.234"),
    *("1.234.567", "1,234.5", "$ 12", "7 %", "", "NA", "nan", "-", "none", "?", "true", "False", "2020-01-31", "2020-01"),
    *(
        "2020-13-01",
        "03/04/2020",
        "31/12/2020",
        "12/31/2020",
        "31.1.2020",
        "January 31, 2020",
        "0000-00-00",
        "12:30",
        "1 day, 2:03",
    ),
    *("word", "other word", "2020-01-31 10:00:00+02:00"),
]
KINDS = st.one_of(st.just(FIELDS), st.lists(st.sampled_from(FIELDS), min_size=1, max_size=4))
COLUMNS = KINDS.flatmap(lambda some: st.lists(st.lists(st.sampled_from(some), min_size=1, max_size=5), min_size=1, max_size=5))


def looked(pieces, decimal):
    one = Looked(decimal)
    for piece in pieces:
        one.look(piece)
    while one.again:
        one.begin()
        for piece in pieces:
            one.look(piece)
    return one


def plain(values):
    """A column in which a gap is None, and numbers, dates and truths are Python's."""
    return [None if one is None or one != one else one for one in values.tolist()]


@settings(max_examples=400, deadline=None)
@given(COLUMNS, st.sampled_from([".", ","]))
@example([["1"], ["NA"], ["2"]], ".")
@example([["03/04/2020"], ["31/12/2020"]], ".")
@example([["0000-00-00"], ["2020-01-31"]], ".")
@example([["0000-00-00"], [""]], ".")
@example([["0000-00-00"], ["1"]], ".")
@example([["0000-00-00"], ["12:30"]], ".")
@example([["-"], ["none"]], ".")
@example([["1"], ["2"], ["12345678901234567890"]], ".")
def test_a_column_in_pieces_means_what_it_means_as_a_whole(pieces, decimal):
    fields = [field for piece in pieces for field in piece]
    whole, one = meaning(fields, decimal), looked(pieces, decimal)
    parts = [one.read(piece) for piece in pieces]
    assert [value for part in parts for value in plain(part)] == plain(whole)
    assert {part.dtype for part in parts} <= {whole.dtype, np.dtype(bool)}  # truths without a gap in their piece


@settings(max_examples=200, deadline=None)
@given(st.lists(COLUMNS, min_size=1, max_size=3), st.sampled_from([",", ";"]))
def test_the_decimal_mark_is_that_of_the_whole(columns, separator):
    marks = []
    for pieces in columns:
        marks.append(Commas())
        for piece in pieces:
            marks[-1].look(piece)
    whole = decimal_mark(([field for piece in pieces for field in piece] for pieces in columns), separator)
    assert Commas.decided(marks, separator) == whole


def rows(n, rng):
    """A table of every kind of column, as a people write it: what decides stands far down."""
    days = [datetime(2020, 1, 1) + timedelta(days=int(day)) for day in rng.integers(0, 12, n)]
    days[-1] = datetime(2020, 3, 31)  # until there, days and months could be either
    return {
        "customer_id": [f"C{row:05}" for row in rng.permutation(n)],
        "amount": [f"{value:.2f}" for value in rng.normal(size=n)],
        "price": [f"{1000 * value:,.1f}" if row > n / 2 else f"{value:.1f}" for row, value in enumerate(rng.random(n))],
        "visits": [*(str(k) for k in rng.poisson(5, n - 1)), "NA"],
        "town": [f'"{town}"' for town in rng.choice(["Bern", "Oslo, N", ""], n)],
        "vip": rng.choice(["true", "false", ""], n).tolist(),
        "joined": [day.strftime("%d/%m/%Y") for day in days],
        "seen": [day.strftime("%Y-%m-%d %H:%M:%S") for day in days],
        "size": rng.choice(["10", "20"], n).tolist(),
    }


def written(path, columns, separator=",", end=""):
    lines = [separator.join(columns), *map(separator.join, zip(*columns.values(), strict=True))]
    path.write_text("\n".join(lines) + "\n" + end)
    return path


def in_pieces(monkeypatch, cells=90):
    monkeypatch.setattr(delimited, "CELLS", cells)


def check_same(path, known, monkeypatch, cells=60):
    whole = read(path, columns=known, label="")
    in_pieces(monkeypatch, cells)
    pieces = pieces_of(path, known)
    parts = [*pieces]
    assert len(parts) > 5
    places = [[column.name for column in whole.spec.named].index(column.name) for column in parts[0].spec.named]
    np.testing.assert_array_equal(np.concatenate([part.x for part in parts]), whole.x[:, places])
    assert all(part.spec.columns == parts[0].spec.columns for part in parts)
    assert sum((part.names for part in parts), ()) == whole.names
    assert pieces.rows == len(whole)
    assert [remark for remark in pieces.remarks if remark] == [one for one in whole.remarks if not one.startswith("label")]
    return pieces


def test_a_table_of_all_kinds_is_the_same_in_pieces(tmp_path, monkeypatch):
    pytest.importorskip("pandas")
    columns = rows(200, np.random.default_rng(0))
    known = read(written(tmp_path / "old.csv", columns)).spec.named
    kinds = {column.name: (column.kind, column.dtype[:10]) for column in known}
    assert kinds["joined"][1] == kinds["seen"][1] == "datetime64" and kinds["price"][0] == "continuous"
    new = rows(300, np.random.default_rng(1))
    new = dict(sorted(new.items())) | {"note": ["x"] * 300}  # in another order, with a column more
    new["town"][7] = "Rome"
    pieces = check_same(written(tmp_path / "new.csv", new, end=",,,\n,\n"), known, monkeypatch, 250)
    assert "note" in pieces.left and "rows named by: customer_id" in pieces.remarks
    assert any("empty rows at the end" in remark for remark in pieces.remarks)


def test_decimal_commas_that_show_late_are_those_of_all_rows(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    columns = {
        "a": [f"{1000 * value:.0f}" for value in rng.random(200)],
        "b": [f"{value:.3f}" for value in 1 + rng.random(200)],
    }
    known = read(written(tmp_path / "old.csv", columns)).spec.named
    columns["a"][180] = "12,5"  # so that 1.234 is a thousand
    columns["b"] = [f"{int(1000 * float(value)):,}".replace(",", ".") for value in columns["b"]]
    pieces = check_same(written(tmp_path / "new.csv", columns, ";"), known, monkeypatch)
    assert "decimal commas" in pieces.remarks


def test_short_rows_and_letters_of_windows_are_told_at_the_end(tmp_path, monkeypatch):
    columns = {"a": [str(k) for k in range(200)], "b": [str(k / 7) for k in range(200)]}
    known = read(written(tmp_path / "old.csv", columns)).spec.named
    path = written(tmp_path / "new.csv", columns, end="7\n8\n")
    assert any("2 short rows" in remark for remark in check_same(path, known, monkeypatch).remarks)


def test_errors_name_the_file_the_line_and_what_is_missing(tmp_path, monkeypatch):
    columns = {"a": [str(k / 3) for k in range(200)], "b": [str(k / 7) for k in range(200)]}
    known = read(written(tmp_path / "old.csv", columns)).spec.named
    in_pieces(monkeypatch)
    for name, change, told in (
        ("b", None, r"new\.csv: the table's columns are not those learnt from \(missing: 'b'"),
        ("b", "many", r"new\.csv: counted from row 135 \(line 137\) on: column 'b' holds many at row 15 \(line 152\)"),
    ):
        new = {one: [*values] for one, values in columns.items() if change or one != name}
        if change:
            new[name][150] = change
        with pytest.raises(DataError, match=told):
            [*pieces_of(written(tmp_path / "new.csv", new), known)]
    (tmp_path / "new.csv").write_text("a,b\n")
    with pytest.raises(DataError, match="no rows"):
        pieces_of(tmp_path / "new.csv", known)
