"""Tables as people have them: what their owners mean is found by looking, the same way for every route."""

import csv
import json
import os
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from latentwalk.data.sources import pieces_of, read
from latentwalk.data.sources.tables import types_said
from latentwalk.data.written import decimal_mark, meaning, number
from latentwalk.errors import ConfigError, DataError

pd = pytest.importorskip("pandas")
GAP = np.nan

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


def written(folder, text, name="t.csv", encoding="utf-8"):
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def kinds(data):
    return {column.name: column.kind for column in data.spec.columns}


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@settings(max_examples=15, deadline=None)
@given(x=st.lists(st.lists(st.floats(-1e9, 1e9), min_size=3, max_size=3), min_size=2, max_size=6))
def test_any_separator_gives_back_the_numbers(tmp_path_factory, separator, ending, x):
    lines = [separator.join("abc"), *(separator.join(map(repr, row)) for row in x)]
    path = written(tmp_path_factory.mktemp("any"), ending.join(lines) + ending)
    assert_array_equal(read(path).x, x)


NUMBERS = [[1.5, 2000], [2.25, 31000]]


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1.5,2000\n2.25,31000\n",
        'a,b\n1.5,"2,000"\n2.25,"31,000"\n',
        "a;b\n1,5;2000\n2,25;31000\n",
        "a;b\n1,5;2.000\n2,25;31.000\n",
        "a\tb\n1,5\t2 000\n2,25\t31 000\n",
        'a,b\n"1,5","2000"\n"2,25","31000"\n',
        "sep=;\na;b\n1.5;2000\n2.25;31000\n",
        '"sep=|"\r\na|b\r\n1.5|2000\r\n2.25|31000\r\n',
        "\n\n  \na,b\n1.5,2000\n\n2.25,31000\n\n",
        "\ufeffa,b\n1.5,2000\n2.25,31000\n",
        "a, b\n1.5, 2000\n2.25, 31000\n",
        'a,b\n"1.5","2000"\n"2.25","31000"\n',
        "a,b,\n1.5,2000,\n2.25,31000,\n",
        "a,b\n1.5,2000,\n2.25,31000,\n",
        "a,b\n1.5,2000\n2.25,31000\n,\n,\n",
        ",a,b\n0,1.5,2000\n1,2.25,31000\n",
        "Unnamed: 0,a,b\n0,1.5,2000\n1,2.25,31000\n",
        "customer_id,a,b\n17,1.5,2000\n18,2.25,31000\n",
        "customerId,a,b\n9117,1.5,2000\n1318,2.25,31000\n",
        "1.5,2000\n2.25,31000\n",
        "1,5;2000\n2,25;31000\n",
        "# a,b\n1.5,2000\n2.25,31000\n",
        "a,b\n$1.50,2000\n$2.25,31000\n",
        "a,b,c\n1.5,2000,\n2.25,31000,NA\n",
        "0,1\n1.5,2000\n2.25,31000\n",
        ",2019,2020\n0,1.5,2000\n1,2.25,31000\n",
    ],
)
@pytest.mark.parametrize("without", [False, True])
def test_the_same_numbers_however_they_are_written(tmp_path, monkeypatch, text, without):
    if without:
        monkeypatch.setitem(sys.modules, "pandas", None)
    assert_array_equal(read(written(tmp_path, text)).x, NUMBERS)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp1252"])
def test_letters_are_those_meant(tmp_path, encoding):
    path = written(tmp_path, "größe,stadt\n1,Zürich\n2,Köln\n9,Zürich\n", encoding=encoding)
    data = read(path)
    assert kinds(data) == {"größe": "count", "stadt": "category"}
    assert data.spec.columns[1].categories == ("Köln", "Zürich")
    assert any("Windows" in one for one in data.remarks) == (encoding in ("latin-1", "cp1252"))


def test_utf8_that_is_damaged_is_no_other_alphabet(tmp_path):
    (tmp_path / "t.csv").write_bytes("größe,b\n1,2\n3,ü".encode()[:-1])
    with pytest.raises(DataError, match="not readable as text in UTF-8"):
        read(tmp_path / "t.csv")


@pytest.mark.parametrize("gap", ["", "NA", "N/A", "nan", "NaN", "null", "NULL", "?", "<NA>", "  "])
def test_gaps_are_gaps_in_every_column(tmp_path, gap):
    lines = ["n,x,town,since,member"]
    lines += [f"{i},{i / 4},{'AB'[i % 2]},2020-01-{i + 1:02},{i % 3 == 0}" for i in range(9)]
    lines[4] = ",".join([gap] * 4 + ["True"])
    lines[5] = f"4,1.0,A,2020-01-05,{gap}"
    data = read(written(tmp_path, "\n".join(lines) + "\n"))
    assert kinds(data) == {
        "n": "continuous",
        "x": "continuous",
        "town": "category",
        "since": "continuous",
        "member": "category",
    }
    assert data.spec.columns[4].categories == (False, True)
    assert_array_equal(np.argwhere(np.isnan(data.x)), [[3, 0], [3, 1], [3, 2], [3, 3], [4, 4]])


@pytest.mark.parametrize(
    "style",
    ["%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y/%m/%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%d %b %Y",
     "%B %d, %Y", "%m/%d/%Y %I:%M %p", "%d-%b-%Y", "%m/%d/%y", "%Y-%m-%d %H:%M:%S.%f"],
)  # fmt: skip
@pytest.mark.parametrize("rows", [40, 1500])
def test_dates_are_dates_however_they_are_written(tmp_path, style, rows):
    days = pd.date_range("2019-12-20", periods=rows)
    frame = pd.DataFrame({"day": days.strftime(style), "v": np.arange(rows) / 7})
    frame.loc[3, "day"] = None
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    frame.assign(day=days.date).to_parquet(tmp_path / "d.parquet")
    frame.assign(day=days.tz_localize("UTC")).to_parquet(tmp_path / "z.parquet")
    expected = np.array(days, dtype="datetime64[us]").astype(np.int64).astype(float)
    for name in ("t.csv", "t.parquet", "d.parquet", "z.parquet"):
        data = read(tmp_path / name)
        assert kinds(data) == {"day": "continuous", "v": "continuous"}, name
        rows_there = np.arange(rows) != 3
        assert_array_equal(data.x[rows_there, 0], expected[rows_there])
        assert np.isnan(data.x[3, 0]) == name.startswith("t")


def test_a_word_among_dates_is_told(tmp_path):
    path = written(tmp_path, "day,v\n2020-01-01,1\nsoon,2\n2020-01-03,4\n")
    with pytest.raises(DataError, match=r"column 'day' holds soon at row 1 \(line 3\), and dates elsewhere"):
        read(path)
    assert kinds(read(path, columns={"day": "category"}))["day"] == "category"


def test_a_clock_is_a_span_of_time(tmp_path):
    data = read(written(tmp_path, "at,v\n08:30,1.5\n17:00:30,2.5\n"))
    assert_array_equal(data.x[:, 0], [8.5 * 3600e6, 17 * 3600e6 + 30e6])


@pytest.mark.parametrize(
    "text", ["5.1,3.5,A\n4.9,3.0,B\n", "39,State-gov,77516\n50,Private,83311\n", "2020-01-01,A\n2020-01-02,B\n"]
)
def test_a_row_is_not_taken_for_names(tmp_path, text):
    with pytest.raises(DataError, match="reads like a row: .* Add a header line"):
        read(written(tmp_path, text))


def test_years_and_what_pandas_writes_are_names(tmp_path):
    assert [*kinds(read(written(tmp_path, "town,2019,2020\nA,1.5,2\nB,2.5,7\n")))] == ["town", "2019", "2020"]
    pd.DataFrame(np.eye(4)).to_csv(tmp_path / "p.csv", index=False)
    assert_array_equal(read(tmp_path / "p.csv").x, np.eye(4))
    pd.DataFrame(np.eye(4)).to_csv(tmp_path / "p.csv")
    assert_array_equal(read(tmp_path / "p.csv").x, np.eye(4))


def test_short_rows_are_gaps_and_said_and_long_ones_are_refused(tmp_path):
    data = read(written(tmp_path, "a,b,c\n1,2,3\n4\n5,6,7\n8,9\n"))
    assert_array_equal(data.x, [[1, 2, 3], [4, GAP, GAP], [5, 6, 7], [8, 9, GAP]])
    assert data.remarks == ("2 short rows, the rest taken as missing (line 3, 5)",)
    with pytest.raises(DataError, match=r"line 4 has 3 fields, the header 2 \(the separator is ';'\)"):
        read(written(tmp_path, "\na;b\n1;2\n3;4;5\n"))


def test_ids_are_left_out_with_a_word_and_name_the_rows(tmp_path):
    lines = ["customer_id,note,age,town,spare"]
    lines += [f"C{7 * i:04},said {i},{i % 9 + 0.5},{'AB'[i % 2]}," for i in range(30)]
    path = written(tmp_path, "\n".join(lines) + "\n")
    data = read(path)
    assert kinds(data) == {"age": "continuous", "town": "category"}
    assert data.skipped == ("customer_id (an id)", "note (text that is different in every row)", "spare (empty)")
    assert data.names[:2] == ("C0000", "C0007")
    assert [*kinds(read(path, drop="town"))] == ["age"] or read(path, drop="town").x.shape == (30, 1)
    assert read(path, drop=["town"]).skipped[0] == "town (as asked)"
    with pytest.raises(ConfigError, match=r"unknown column \(drop=\) 'twon'. Did you mean 'town'"):
        read(path, drop="twon")
    with pytest.raises(DataError, match="column 'spare' has no value at all"):
        read(path, drop=False)
    assert "note" in kinds(read(path, columns={"note": "category"}))


def test_text_that_is_no_id_stays(tmp_path):
    data = read(written(tmp_path, "town,id\nA,3\nB,3\nC,1\n"))
    assert kinds(data) == {"town": "category", "id": "continuous"}  # few rows, and an id that comes twice


def test_columns_are_what_is_said(tmp_path):
    path = written(tmp_path, "year,zip,n\n1990,01234,1\n1991,01234,2\n1990,99999,9\n")
    said = {"year": "category", "zip": "category", "n": "continuous"}
    (tmp_path / "kinds.csv").write_text("name,kind\nyear,category\nzip, category\nn,continuous\n")
    (tmp_path / "kinds.json").write_text(json.dumps(said))
    for columns in (said, tmp_path / "kinds.csv", str(tmp_path / "kinds.json")):
        data = read(path, columns=columns)
        assert kinds(data) == said
        assert data.spec.columns[1].categories == ("01234", "99999")
    again = read(path, columns=data.spec.columns)
    assert_array_equal(again.x, data.x)
    with pytest.raises(ConfigError, match=r"unknown column \(columns=\) 'yaer'"):
        read(path, columns={"yaer": "category"})
    with pytest.raises(ConfigError, match="unknown kind of column 'year': 'text'"):
        read(path, columns={"year": "text"})
    (tmp_path / "kinds.csv").write_text("nonsense\n")
    with pytest.raises(DataError, match=r"kinds.csv: not readable as kinds of columns: .* Expected lines such as"):
        read(path, columns=tmp_path / "kinds.csv")


def test_kinds_are_said_in_a_line_and_a_date_is_one_of_them(tmp_path):
    pytest.importorskip("pandas")
    assert types_said("day=date,zip=category, n=number") == {"day": "date", "zip": "category", "n": "continuous"}
    for wrong, told in (("zip", "'zip' is no name and kind"), ("zip=text", "unknown kind of column 'zip': 'text'")):
        with pytest.raises(ConfigError, match=told):
            types_said(wrong)
    old = written(tmp_path, "day,zip\n20200131,01234\n20200201,01234\n,99999\n20210101,1\n")
    data = read(old, columns=types_said("day=date,zip=category"))
    assert kinds(data) == {"day": "continuous", "zip": "category"}
    days = np.array(["2020-01-31", "2020-02-01", "NaT", "2021-01-01"], "datetime64[us]")
    assert_array_equal(data.x[:, 0], np.where(np.isnat(days), np.nan, days.astype(np.int64)))
    for columns in (data.spec.columns, {"day": "date", "zip": "category"}):
        assert_array_equal(read(old, columns=columns).x, data.x)  # as one that was learnt, too
    [piece] = pieces_of(old, data.spec.columns)
    assert_array_equal(piece.x, data.x)
    old.write_text("day,zip\n20200131,1\n20209931,2\n")
    with pytest.raises(DataError, match=r"column 'day' holds 20209931 at row 1 \(line 3\). Expected dates, all alike"):
        read(old, columns={"day": "date"})


def test_the_separator_can_be_said(tmp_path):
    path = written(tmp_path, "a b\n1 2\n3 4\n")
    assert_array_equal(read(path, separator="space").x, [[1, 2], [3, 4]])
    assert_array_equal(read(written(tmp_path, "a:b\n1:2\n3:4\n"), separator=":").x, [[1, 2], [3, 4]])
    for wrong in ("", ";;", 3, "\n"):
        with pytest.raises(ConfigError, match="separator=.*expected one letter"):
            read(path, separator=wrong)
    np.save(tmp_path / "x.npy", np.eye(3))
    for options in ({"separator": ";"}, {"drop": "a"}, {"columns": {"a": "count"}}):
        with pytest.raises(ConfigError, match=f"{next(iter(options))}=.* is for tables"):
            read(tmp_path / "x.npy", **options)


def test_problem_columns_are_named_all_at_once(tmp_path):
    text = "a,b,c,d\n" + "".join(f"{i},{i},{'xy'[i % 2]},{2**60 + i}\n" for i in range(9)) + "one,inf,x,1\n"
    with pytest.raises(DataError) as caught:
        read(written(tmp_path, text))
    for some in (
        "column 'a' holds one at row 9 (line 11)",
        "column 'b' holds inf at row 9",
        "column 'd' holds 1152921504606846976",
    ):
        assert some in str(caught.value)
    assert str(caught.value).count("several columns") == 1
    frame = pd.DataFrame({"a": [None, None], "b": [1.0, np.inf], "c": ["x", "y"]})
    from latentwalk.data.columns import columns_of

    with pytest.raises(DataError, match=r"(?s)column 'a' has no value.*column 'b' holds infinity"):
        columns_of(frame)


def test_a_table_read_later_is_as_the_first_one(tmp_path):
    """One row of its own says little: what a column is, is known."""
    lines = ["id,day,town,size,ok"]
    lines += [f"{i},2020-01-{i % 28 + 1:02},{'AB'[i % 2]},{['S', 'M', '38'][i % 3]},{i % 2 == 0}" for i in range(60)]
    first = read(written(tmp_path, "\n".join(lines) + "\n"))
    assert [*kinds(first)] == ["day", "town", "size", "ok"]
    later = read(written(tmp_path, "id,ok,size,town,day\n7,True,38,?,\n"), columns=first.spec.columns)
    assert_array_equal(later.x, [[GAP, GAP, first.spec.columns[2].categories.index("38"), 1]])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1), st.sampled_from([".", ","]))
def test_numbers_come_back_to_the_last_bit(x, mark):
    fields = [repr(value).replace(".", mark) for value in x]
    assert_array_equal(meaning(fields, mark), x)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(st.sampled_from("01/.-:, aTZ+e%$_?NA"), max_size=12), max_size=5))
def test_no_text_is_without_a_meaning(fields):
    for mark in (".", ","):
        assert meaning(fields, mark).shape == (len(fields),)


def test_numbers_as_people_write_them():
    for text, value in (
        ("1,234.5", 1234.5),
        ("-1'234", -1234),
        ("$ 12", 12),
        ("7 %", 7),
        ("1 234", 1234),
        ("1,5", None),
        ("", None),
    ):
        assert number(text) == value
    assert (number("1.234,5", ","), number("1.234", ","), number("0,5", ","), number("1.5", ",")) == (1234.5, 1234, 0.5, None)
    assert (decimal_mark([["1,234"]], ";"), decimal_mark([["1,234"]], ","), decimal_mark([["1,23"]], ",")) == (",", ".", ",")


def test_what_is_written_is_read(tmp_path):
    """Quotes, separators and line ends inside of fields."""
    rows = [['say "hi"', "x;y", 1.5], ["two\nlines", "a,b", 2.5], ["two\nlines", "a,b", 3.5]]
    with (tmp_path / "t.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["p", "q", "v"], *rows])
    data = read(tmp_path / "t.csv")
    assert data.spec.columns[0].categories == ('say "hi"', "two\nlines")
    assert data.spec.columns[1].categories == ("a,b", "x;y")


@pytest.mark.parametrize(
    "said",
    [
        "a,kount\n",
        '{"a": ["count"]}',
        '{"a": {}}',
        '{"a": null}',
        "[" * 10 + "\n",
        '{"a":' + "[" * 100_000,
        "a,\xff\n",
        "nothing",
    ],
)
def test_a_file_of_kinds_that_is_none_is_named(tmp_path, said):
    path = written(tmp_path, "a,b\n1,2\n3,4\n")
    kinds_ = written(tmp_path, said, "kinds", "latin-1")
    with pytest.raises((ConfigError, DataError), match=f"^{kinds_}: "):
        read(path, columns=kinds_)


def test_a_pipe_of_kinds_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "kinds")
    with pytest.raises(DataError, match="where a file is expected"):
        read(written(tmp_path, "a,b\n1,2\n3,4\n"), columns=tmp_path / "kinds")
