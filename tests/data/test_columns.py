"""Columns: what each is, and that a frame comes back exactly as it went in."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentwalk.data.columns import columns_of, decoded, encoded, needs_columns, unnamed
from latentwalk.data.dataset import Dataset
from latentwalk.errors import DataError

pd = pytest.importorskip("pandas")

MAKERS = {
    "float64": lambda r, n: pd.Series(r.normal(size=n)),
    "float32": lambda r, n: pd.Series(r.normal(size=n).astype(np.float32)),
    "int64": lambda r, n: pd.Series(r.integers(-5, 90, n)),
    "int8": lambda r, n: pd.Series(r.integers(0, 9, n).astype(np.int8)),
    "uint16": lambda r, n: pd.Series(r.integers(0, 60_000, n).astype(np.uint16)),
    "Int64": lambda r, n: pd.array(r.integers(0, 90, n), dtype="Int64"),
    "bool": lambda r, n: pd.Series(r.random(n) > 0.5),
    "boolean": lambda r, n: pd.array(r.random(n) > 0.5, dtype="boolean"),
    "text": lambda r, n: pd.Series(r.choice(["Bern", "Oslo", "São Paulo"], n)),
    "string": lambda r, n: pd.array(r.choice(["a", "b"], n), dtype="string"),
    "category": lambda r, n: pd.Categorical(r.choice(["lo", "hi"], n), categories=["lo", "mid", "hi"], ordered=True),
    "date": lambda r, n: pd.Timestamp("2020-02-03") + pd.to_timedelta(r.integers(0, 10**9, n), unit="s"),
    "zoned": lambda r, n: (pd.Timestamp(0) + pd.to_timedelta(r.integers(0, 10**9, n), unit="s")).tz_localize("Asia/Tokyo"),
    "span": lambda r, n: pd.to_timedelta(r.integers(0, 10**9, n), unit="s"),
}  # fmt: skip
HOLD_MISSING = ("float64", "float32", "Int64", "boolean", "text", "string", "category", "date", "zoned", "span")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(sorted(MAKERS)), min_size=1, max_size=6, unique=True), st.integers(0, 2**31), st.booleans())
def test_a_frame_comes_back_exactly_as_it_was(kinds, seed, missing):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({kind: MAKERS[kind](rng, 12) for kind in kinds})
    for kind in kinds if missing else ():
        if kind in HOLD_MISSING:
            frame[kind] = frame[kind].mask(rng.random(12) < 0.3)
            frame.loc[0, kind] = MAKERS[kind](rng, 1)[0]
    columns = columns_of(frame)
    x = encoded(frame[kinds[::-1]], columns)
    assert x.dtype == np.float64
    assert (np.isnan(x) == frame.isna().to_numpy()).all()
    pd.testing.assert_frame_equal(decoded(x, columns), frame)


def test_kinds_are_told_apart():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "visits": rng.poisson(3, 500) * 2,
            "year": rng.integers(1990, 2020, 500),
            "below": rng.integers(-3, 3, 500),
            "ticket": rng.integers(0, 10**9, 500),
            "height": rng.normal(170, 9, 500),
            "town": rng.choice(["a", "b"], 500),
            "member": rng.random(500) > 0.5,
        }
    )
    kinds = {column.name: column.kind for column in columns_of(frame)}
    assert [name for name, kind in kinds.items() if kind == "count"] == ["visits"]
    assert [name for name, kind in kinds.items() if kind == "category"] == ["town", "member"]
    assert columns_of(frame, {"year": "category"})[1].categories == tuple(range(1990, 2020))
    assert columns_of(frame)[0].typical == pytest.approx(frame.visits.mean())
    assert needs_columns(frame)
    assert not needs_columns(frame[["year", "height"]])


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (lambda: pd.DataFrame([[1, 2]], columns=["a", "a"]), "two columns called 'a'"),
        (lambda: pd.DataFrame({"a": ["x", "y"], "b": [None, None]}), "column 'b' has no value at all"),
        (lambda: pd.DataFrame({"a": [1, "x"]}, dtype=object), "column 'a' mixes int, str"),
        (lambda: pd.DataFrame({"a": [f"row {i}" for i in range(1500)]}), "1,500 different values.*Drop it"),
        (lambda: pd.DataFrame({"a": [1.0, np.inf], "b": ["x", "y"]}), "column 'a' holds infinity"),
        (lambda: pd.DataFrame({"a": [(1, 2), (3, 4)]}), "a category is a tuple"),
    ],
)
def test_columns_that_cannot_be_learnt_are_refused(frame, message):
    with pytest.raises(DataError, match=message):
        columns_of(frame())


def test_other_tables_are_refused_with_what_was_expected():
    frame = pd.DataFrame({"town": ["Bern", "Oslo"], "visits": [1, 9], "since": pd.to_datetime(["2020-01-01", "2021-01-01"])})
    columns = columns_of(frame)
    for other, message in (
        (
            frame.assign(town="Paris"),
            "holds 'Paris' at row 0, which was not seen in training. Expected one of 'Bern', 'Oslo'",
        ),
        (frame.drop(columns="town"), "missing: 'town'"),
        (frame.assign(extra=1), "unknown: 'extra'"),
        (frame.assign(visits="many"), "'visits' was int64 in training, now it is"),
        (frame.assign(visits=[1, -2]), "'visits' holds counts"),
        (frame.assign(since=3.0), "'since' was datetime64.* in training"),
        (frame.iloc[:0], "no rows"),
    ):
        with pytest.raises(DataError, match=message):
            encoded(other, columns)
    assert np.isnan(encoded(frame.assign(town=None), columns)[:, 0]).all()


def test_plain_arrays_have_columns_without_names():
    counts = np.random.default_rng(0).poisson(4.0, (50, 3))
    columns = unnamed(counts, "count")
    assert [column.kind for column in columns] == ["count"] * 3
    assert [column.typical for column in columns] == pytest.approx(counts.mean(0))
    with pytest.raises(DataError, match="X holds 0.5 at row 1, column 0; counts are whole numbers"):
        unnamed(np.array([[1.0], [0.5]]), "count")
    with pytest.raises(DataError, match="X holds -1 at row 0, column 1"):
        unnamed(np.array([[1, -1]]), "count")


def test_a_frame_with_text_is_a_data_set_with_columns():
    data = Dataset.of(pd.DataFrame({"a": ["x", "y", "x"], "b": [1.0, 2.0, np.nan]}))
    assert (data.spec.kind, data.spec.shape, data.spec.missing, data.spec.framed) == ("table", (2,), True, True)
    assert type(data.spec).from_json(data.spec.to_json()) == data.spec
