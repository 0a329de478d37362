"""Texts are numbers and texts again; what cannot be read is told by line and byte."""

import gzip
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentwalk import DataError, Dataset, LatentwalkError, adopt, load, read
from latentwalk.data.dataset import join
from latentwalk.data.spec import DataSpec
from latentwalk.data.synthetic import PHRASE_FACTORS, factors_of, phrases, sentence
from latentwalk.data.units import END, UNKNOWN, Vocabulary
from latentwalk.saving.options import from_json, to_json

TEXTS = ["the cat  sleeps", "a\tdog\nbarks", "", "çà 東京 👩‍🚀 end"]


@pytest.mark.parametrize("kind", ["characters", "words", "byte-pairs"])
def test_a_text_is_numbers_and_the_same_text_again(kind):
    if kind == "byte-pairs":
        pytest.importorskip("tokenizers")
    vocabulary = Vocabulary.of(TEXTS, kind)
    back = vocabulary.texts(vocabulary.rows(TEXTS))
    assert back == ([" ".join(text.split()) for text in TEXTS] if kind == "words" else TEXTS)


@given(st.lists(st.text(max_size=12), min_size=1, max_size=5).filter(lambda texts: any(text.strip() for text in texts)))
@settings(deadline=None, max_examples=50)
def test_any_text_at_all(texts):
    for kind in ("characters", "words"):
        vocabulary = Vocabulary.of(texts, kind)
        rows = vocabulary.rows(texts)
        assert vocabulary.texts(rows) == (texts if kind == "characters" else [" ".join(text.split()) for text in texts])
        assert (rows[:, -1] == END).all() and rows.max() < len(vocabulary)
        assert (np.diff((rows == END).astype(int), axis=1) >= 0).all()  # after the end there is nothing but the end


def test_a_unit_that_was_not_there_is_unknown_and_counted():
    vocabulary = Vocabulary.of(["a b", "b c"], "words")
    rows = vocabulary.rows(["a new b"])
    assert rows.tolist() == [[2, UNKNOWN, 3, END]]
    assert vocabulary.unknown(rows) == 1
    assert vocabulary.texts(rows) == ["a \N{REPLACEMENT CHARACTER} b"]
    assert Vocabulary.of(["a a a b b c"], "words", most=2).units == ("a", "b")


def test_words_are_read_where_they_come_often():
    assert Vocabulary.of(["the cat sat on the mat"]).kind == "characters"
    assert Vocabulary.of(["the cat sat"] * 5).kind == "words"


def test_a_text_that_is_too_long_is_told_with_its_row_and_how_many_more():
    with pytest.raises(
        DataError, match=r"text 1 has 4 units \(characters\), and 3 are the most that are known; so have 1 more"
    ):
        Vocabulary.of(["ab"]).rows(["a", "abab", "bbbb"], 4)


def test_a_spec_of_texts_is_json_and_the_same_again():
    spec = Dataset.of(["one two", "three"]).spec
    assert DataSpec.from_json(spec.to_json()) == spec
    assert from_json(to_json(spec)) == spec


def test_texts_come_from_lists_arrays_and_series():
    texts = ["one", "two", "three"]
    pandas = pytest.importorskip("pandas")
    for given_ in (texts, tuple(texts), np.array(texts), np.array(texts, dtype=object), pandas.Series(texts)):
        assert adopt(given_).texts == texts
    assert Dataset.of(texts, ["x", "y", "x"]).classes == ("x", "y")
    with pytest.raises(DataError, match="row 1 is None, a NoneType; expected a text"):
        Dataset.of(["one", None])
    with pytest.raises(DataError, match="not one letter"):
        Dataset.of(["", " "])


def test_lines_are_examples_and_what_is_left_out_is_counted(tmp_path):
    file = tmp_path / "lines.txt"
    file.write_bytes(("one\r\n\n two \n" + "x" * 600 + "\nthree\n").encode())
    data = read(file)
    assert data.texts == ["one", "two", "three"]
    assert data.remarks[:2] == ("1 empty line left out", "1 line longer than 512 characters left out; for windows: length=")
    (tmp_path / "packed.txt.gz").write_bytes(gzip.compress("one\ntwo".encode("utf-16")))
    assert read(tmp_path / "packed.txt.gz").texts == ["one", "two"]


def test_windows_hold_all_of_a_text(tmp_path):
    file = tmp_path / "long.txt"
    file.write_text("abcde\n" * 100)
    data = read(file, length=64)
    assert data.x.shape == (10, 65)
    assert "".join(data.texts) == "abcde\n" * 100
    words = read(file, length=7, units="words")
    assert " ".join(words.texts).split() == ["abcde"] * 100


def test_a_column_of_a_table(tmp_path):
    file = tmp_path / "table.csv"
    file.write_text('id,said,mood\n1,"well, yes",good\n2,,bad\n3,no,bad\n')
    data = read(file, column="said", label="mood")
    assert data.texts == ["well, yes", "no"]
    assert [data.classes[one] for one in data.y] == ["good", "bad"]
    assert "1 empty row left out" in data.remarks
    with pytest.raises(LatentwalkError, match="'sad'"):
        read(file, column="sad")


BAD = {
    "latin": ("höflich\nschön\n".encode("latin-1"), "line 1, byte 2 is 0xF6, and from there on it is no UTF-8"),
    "later": (b"fine\nok \xff\n", "line 2, byte 4 is 0xFF"),
    "zero": (b"fine\nno\0t\n", "line 2 holds a zero byte"),
    "empty": (b"", "there is no text: not one letter"),
    "blank": (b"\n \n\n", "there is no text: not one letter"),
    "long": (b"x" * 600 + b"\n", r"1 of 1 line are longer than 512 units \(characters\). Read windows of it: length=128"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_text_is_told_by_line_and_byte(name, tmp_path):
    content, said = BAD[name]
    (tmp_path / "bad.txt").write_bytes(content)
    with pytest.raises(DataError, match=said):
        read(tmp_path / "bad.txt")


def test_two_lots_of_texts_are_joined_by_the_units_of_both():
    both = join(Dataset.of(["ab", "b"]), Dataset.of(["cab"]))
    assert both.texts == ["ab", "b", "cab"]


def test_a_sentence_says_its_factors_and_nothing_else_is_one():
    data = phrases(300)
    for row, text in enumerate(data.texts):
        assert factors_of(text) == {name: values[row] for name, values in data.factors.items()}
        assert sentence(factors_of(text)) == text
    for text in (
        "",
        "the cat",
        "the cats sleeps in the garden",
        "the cat sleeps in the the",
        "the cat not sleep in the garden",
    ):
        assert factors_of(text) is None
    assert set(data.factors) == set(PHRASE_FACTORS)


def test_thousands_of_sentences_a_second():
    start = time.perf_counter()
    phrases(3000)
    assert time.perf_counter() - start < 1
    assert load("phrases", split="test", n=600).classes == ("future", "past", "present")
