"""Text that a spreadsheet would run: written so that it does not, and read back as it was."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentwalk.app.output import table_rows, write_table
from latentwalk.data import load
from latentwalk.data.formulas import harmless, meant
from latentwalk.data.sources.delimited import Sheet
from latentwalk.data.written import number

SIGNS = "=+-@\t\r\n＝＋－＠"
TEXTS = st.text(st.sampled_from(SIGNS + "' 1.5eA,;") | st.characters(codec="utf-8"), max_size=12)


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_no_text_is_run_and_any_is_read_back(text: str) -> None:
    shown = harmless(text)
    assert shown[:1] not in SIGNS or len(shown) < 2 or number(shown) is not None or number(shown, ",") is not None
    assert meant(shown) == text
    assert shown in (text, f"'{text}")


@pytest.mark.parametrize("text", ["", "-", "=", "-1.5", "+3e-9", "-1,234", "a=b", "'tis", "''", "x'=1", "-1.234,5", "2-1", "1"])
def test_what_is_not_run_stays_as_it_is(text: str) -> None:
    assert harmless(text) == meant(text) == text


@pytest.mark.parametrize(
    "text", ["=1+1", "+A1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "=", "+41 79 x", "-inf", "'=1"]
)
def test_what_is_run_is_not(text: str) -> None:
    assert harmless(text) == (f"'{text}" if len(text) > 1 else text)


def cells(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


def test_a_table_is_written_so_and_numbers_stay(tmp_path: Path) -> None:
    columns = {
        "=cmd": np.array([-1.5, 2.0]),
        "@x": ["=HYPERLINK(1)", None],
        "n": np.array([-1, 2]),
        "u": np.array(["-x", "-7"]),
        "o": np.array([-1.5, "+x"], dtype=object),
    }
    write_table(tmp_path / "t.csv", columns)
    assert cells(tmp_path / "t.csv") == [
        ["'=cmd", "'@x", "n", "u", "o"],
        ["-1.5", "'=HYPERLINK(1)", "-1", "'-x", "-1.5"],
        ["2.0", "", "2", "-7", "'+x"],
    ]
    write_table(tmp_path / "r.csv", columns, raw=True)
    assert cells(tmp_path / "r.csv")[:2] == [["=cmd", "@x", "n", "u", "o"], ["-1.5", "=HYPERLINK(1)", "-1", "-x", "-1.5"]]
    with table_rows(tmp_path / "p.csv") as add:
        add(columns)
        add(columns)
    assert cells(tmp_path / "p.csv") == cells(tmp_path / "t.csv") + cells(tmp_path / "t.csv")[1:]


def test_categories_and_columns_are_read_back_as_they_were(tmp_path: Path) -> None:
    pd = pytest.importorskip("pandas")
    words = ["=1+1", "'=1+1", "-x", "-5", "a,b", "it's", "=@"] * 4
    frame = pd.DataFrame({"=n": np.arange(28) / 3, "@w": pd.Categorical(words)})
    write_table(tmp_path / "t.csv", dict(frame.items()))
    sheet = Sheet.of(tmp_path / "t.csv")
    assert (sheet.names, sheet.fields("@w")) == (("=n", "@w"), words)
    number, word = load(tmp_path / "t.csv").spec.columns
    assert (number.name, word.name, set(word.categories)) == ("=n", "@w", set(words))
