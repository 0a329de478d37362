"""Columns: what each is, and that a frame comes back exactly as it went in."""

import json
import sys
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentwalk.data.columns import Column, check_known, columns_of, decoded, encoded, needs_columns, unnamed
from latentwalk.data.dataset import Dataset
from latentwalk.errors import ConfigError, DataError

pd = pytest.importorskip("pandas")
pa = pytest.importorskip("pyarrow")

MAKERS = {
    "float64": lambda r, n: pd.Series(r.normal(size=n)),
    "float32": lambda r, n: pd.Series(r.normal(size=n).astype(np.float32)),
    "int64": lambda r, n: pd.Series(r.integers(-5, 90, n)),
    "int8": lambda r, n: pd.Series(r.integers(0, 9, n).astype(np.int8)),
    "uint16": lambda r, n: pd.Series(r.integers(0, 60_000, n).astype(np.uint16)),
    "uint8": lambda r, n: pd.Series(r.choice([0, 200, 255], n).astype(np.uint8)),
    "int32": lambda r, n: pd.Series(r.choice([-(2**31), 5, 2**31 - 1], n).astype(np.int32)),
    "exact": lambda r, n: pd.Series(r.choice([1 - 2**53, 0, 2**53 - 1], n)),
    "same": lambda r, n: pd.Series(np.full(n, 0.1)),
    "same whole": lambda r, n: pd.Series(np.full(n, 7, np.int16)),
    "Int64": lambda r, n: pd.array(r.integers(0, 90, n), dtype="Int64"),
    "Int8": lambda r, n: pd.array(r.choice([-128, 3, 127], n), dtype="Int8"),
    "Float32": lambda r, n: pd.array(r.normal(size=n), dtype="Float32"),
    "arrow whole": lambda r, n: pd.array(r.integers(-9, 90, n), dtype="int64[pyarrow]"),
    "arrow small": lambda r, n: pd.array(r.choice([0, 7, 255], n), dtype="uint8[pyarrow]"),
    "arrow float": lambda r, n: pd.array(r.normal(size=n), dtype="double[pyarrow]"),
    "arrow bool": lambda r, n: pd.array(r.random(n) > 0.5, dtype="bool[pyarrow]"),
    "arrow text": lambda r, n: pd.array(r.choice(["a", "b"], n), dtype=pd.ArrowDtype(pa.string())),
    "numbered": lambda r, n: pd.Categorical.from_codes(r.integers(0, 2, n), categories=pd.Index([3, 1], dtype="int8")),
    "object": lambda r, n: pd.Series(r.choice(["a", "b"], n), dtype=object),
    "bool": lambda r, n: pd.Series(r.random(n) > 0.5),
    "boolean": lambda r, n: pd.array(r.random(n) > 0.5, dtype="boolean"),
    "text": lambda r, n: pd.Series(r.choice(["Bern", "Oslo", "São Paulo"], n)),
    "string": lambda r, n: pd.array(r.choice(["a", "b"], n), dtype="string"),
    "category": lambda r, n: pd.Categorical(r.choice(["lo", "hi"], n), categories=["lo", "mid", "hi"], ordered=True),
    "date": lambda r, n: pd.Timestamp("2020-02-03") + pd.to_timedelta(r.integers(0, 10**9, n), unit="s"),
    "zoned": lambda r, n: (pd.Timestamp(0) + pd.to_timedelta(r.integers(0, 10**9, n), unit="s")).tz_localize("Asia/Tokyo"),
    "span": lambda r, n: pd.to_timedelta(r.integers(0, 10**9, n), unit="s"),
}  # fmt: skip
HOLD_NONE = ("int64", "int8", "uint16", "uint8", "int32", "exact", "same whole", "bool")
HOLD_MISSING = sorted(set(MAKERS) - set(HOLD_NONE))


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
    again = [
        Column(**{**one, "categories": tuple(one["categories"])}) for one in json.loads(json.dumps([*map(asdict, columns)]))
    ]
    assert tuple(again) == columns


@pytest.mark.parametrize("kind", HOLD_NONE)
def test_what_is_missing_in_a_type_without_a_place_for_it_moves_to_the_nullable_type_like_it(kind):
    frame = pd.DataFrame({kind: MAKERS[kind](np.random.default_rng(0), 12)})
    for kinds in ({}, {kind: "category"}):
        columns = columns_of(frame, kinds)
        x = encoded(frame, columns)
        x[3] = np.nan
        back = decoded(x, columns)[kind]
        assert back.dtype == {"bool": "boolean"}.get(str(frame[kind].dtype), str(frame[kind].dtype).title().replace("Ui", "UI"))
        assert back.isna().tolist() == [row == 3 for row in range(12)]
        assert (back.dropna() == frame[kind].drop(3)).all()


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"])
def test_whole_numbers_are_rounded_and_never_leave_their_type(dtype):
    limits = np.iinfo(dtype)
    back = decoded(np.array([[-1e30], [1e30], [3.6], [3.4]]), (Column("a", "continuous", dtype),)).a
    assert back.dtype == dtype
    assert back.tolist()[2:] == [4, 3]
    assert back[0] == limits.min
    assert limits.max - back[1] <= (0 if limits.bits < 64 else 2**11)  # the nearest float64 below


def test_draws_far_away_are_still_dates_and_categories():
    for dtype in ("datetime64[ns]", "datetime64[s]", "datetime64[us, Asia/Tokyo]", "timedelta64[ns]"):
        back = decoded(np.array([[-1e30], [1e30], [np.nan]]), (Column("a", "continuous", dtype),)).a
        assert back.dtype == dtype
        assert back.isna().tolist() == [False, False, True]
        assert back[0] < back[1]
    column = Column("a", "category", "str", ("x", "y", "z"))
    assert decoded(np.array([[-7.0], [1.4], [9.0]]), (column,)).a.tolist() == ["x", "y", "z"]


def test_a_number_that_is_always_the_same_is_a_number():
    frame = pd.DataFrame({"a": [0.1, np.nan, 0.1], "b": [7, 7, 7], "c": [1.0, np.nan, np.nan]})
    frame["d"] = pd.Timestamp("2024-02-29 12:00")
    a, b, c, d = columns_of(frame)
    assert {column.kind for column in (a, b, c, d)} == {"continuous"}
    assert (a.constant, b.constant) == (0.1, 7)
    assert c.constant is None  # seen once: nothing says that it is always so
    assert columns_of(frame, {"a": "continuous"})[0] == a
    changed = frame.assign(b=[7, 8, 7], d=pd.Timestamp("2025-01-01"))
    pd.testing.assert_frame_equal(decoded(encoded(changed, (a, b, c, d)), (a, b, c, d)), changed, check_dtype=False)
    for kind, constant in (("count", 1.0), ("continuous", "x"), ("continuous", np.nan)):
        with pytest.raises(ConfigError, match="has the constant"):
            Column("a", kind, constant=constant)


def test_what_was_not_seen_in_training_is_other():
    frame = pd.DataFrame({"town": ["Bern", "Oslo"], "member": [True, True], "grade": pd.Categorical([3, 1]), "n": [1, 9]})
    columns = columns_of(frame)
    new = frame.assign(town=["Paris", None], member=[True, False], grade=[7, 1], n=[-1, 2])
    with pytest.raises(DataError, match="column 'town' holds 'Paris' at row 0, which was not seen in training"):
        encoded(new, columns)
    x = encoded(new, columns, other=True)
    np.testing.assert_array_equal(x, [[2, 1, 2, -1], [np.nan, 0, 0, 2]])
    back = decoded(x, columns)
    assert back.town.isna().tolist() == [True, True]  # "other" has no name
    assert back.grade.isna().tolist() == [True, False]
    with pytest.raises(DataError, match="column 'town' holds a value at row 0, which was not seen in training"):
        check_known(x, columns)
    with pytest.raises(DataError, match="column 'n' holds -1 at row 0; counts are whole numbers"):
        check_known(x[:, 3:], columns[3:])
    check_known(encoded(frame, columns), columns)
    with pytest.raises(DataError, match="holds 5 at row 0, which was not seen"):  # text has become numbers: another table
        encoded(frame.assign(town=5), columns, other=True)


def test_times_are_kept_to_the_microsecond():
    frame = pd.DataFrame({"a": pd.to_datetime(["2020-01-01 00:00:00.123456789"]).as_unit("ns")})
    columns = columns_of(frame)
    pd.testing.assert_frame_equal(decoded(encoded(frame, columns), columns), frame.assign(a=frame.a.dt.floor("us")))


@pytest.mark.parametrize(
    "way", ["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%d %b %Y", "date"]
)
@pytest.mark.parametrize("dtype", ["object", "str"])
def test_text_that_is_all_dates_is_one_of_dates_and_comes_back_as_it_was(way, dtype):
    days = pd.date_range("2019-12-20", periods=1500)
    texts = days.date if way == "date" else days.strftime(way)
    frame = pd.DataFrame({"day": pd.Series(texts, dtype="object" if way == "date" else dtype)})
    frame.loc[3, "day"] = None
    columns = columns_of(frame)
    assert columns[0].kind == "continuous"
    x = encoded(frame, columns)
    assert np.isnan(x[3, 0]) and x[1, 0] - x[0, 0] == 86_400e6
    back = decoded(x, columns)
    assert back.day.isna().tolist() == frame.day.isna().tolist()
    assert back.day.dropna().tolist() == frame.day.dropna().tolist()
    assert back.day.dtype == frame.day.dtype
    assert np.array_equal(encoded(pd.DataFrame({"day": days}), columns)[:3], x[:3])
    with pytest.raises(DataError, match="column 'day' holds what is no date as in training"):
        encoded(pd.DataFrame({"day": ["soon"]}), columns)
    if way != "date":
        assert columns_of(frame[:9], {"day": "category"})[0].kind == "category"


def test_a_frame_needs_pandas_and_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(DataError, match=r"pip install 'latentwalk\[data\]'"):
        decoded(np.zeros((1, 1)), (Column("a", "continuous"),))


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
        (lambda: pd.DataFrame({"a": [f"row {i}" for i in range(1500)]}, dtype="category"), "1,500 different values.*Drop it"),
        (lambda: pd.DataFrame({"a": [(1, 2), (3, 4)]}), r"column 'a' holds a tuple \(\(1, 2\)\) as a category"),
        (lambda: pd.DataFrame({"a": [[1], [2]]}), "column 'a' holds what is no category: unhashable"),
        (lambda: pd.DataFrame({"a": [1 + 2j, 2]}), "column 'a' holds a complex"),
        (lambda: pd.DataFrame({"a": pd.period_range("2020", periods=2, freq="M")}), "column 'a' holds a Period .* datetime64"),
        (lambda: pd.DataFrame({"a": [5, 2**60 + 1]}), rf"column 'a' holds {2**60 + 1} at row 1; .* would be rounded"),
        (lambda: pd.DataFrame({"a": []}), "the table has no rows"),
        (lambda: pd.DataFrame(index=[0, 1]), "the table has no columns"),
    ],
)
def test_columns_that_cannot_be_learnt_are_refused(frame, message):
    with pytest.raises(DataError, match=message):
        columns_of(frame())


@pytest.mark.parametrize(
    ("values", "kind", "message"),
    [
        (["x", "y"], "continuous", "column 'a' is .* and can be a category column only, not continuous"),
        ([True, False], "count", "column 'a' is bool and can be a category column only"),
        (["2020-01-01", "2021-01-01"], "count", "column 'a' is datetime64.* can be a continuous column only, not count"),
        ([3, -1], "count", "column 'a' holds -1 at row 1; counts are whole numbers"),
        ([0.5, 3], "count", "column 'a' holds 0.5 at row 0; counts are whole numbers"),
        (["x", "y"], "categroy", "unknown kind of column 'categroy'. Did you mean 'category'"),
    ],
)
def test_a_kind_that_a_column_cannot_be_is_refused(values, kind, message):
    frame = pd.DataFrame({"a": pd.to_datetime(values) if values[0] == "2020-01-01" else values})
    with pytest.raises((ConfigError, DataError), match=message):
        columns_of(frame, {"a": kind})
    with pytest.raises(ConfigError, match="unknown column 'b'"):
        columns_of(frame, {"b": "category"})


def test_a_column_is_a_category_exactly_if_it_has_categories():
    for kind, categories in (("category", ()), ("count", ("x",))):
        with pytest.raises(ConfigError, match="column 'a' of kind .* categories. Expected at least one for a category"):
            Column("a", kind, categories=categories)


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
        (frame.assign(visits=[1, -2]), "column 'visits' holds -2 at row 1; counts are whole numbers"),
        (frame.assign(visits=[1, np.inf]), "column 'visits' holds infinity at row 1"),
        (frame.assign(town=[["Bern"], "Oslo"]), r"column 'town' holds \['Bern'\] at row 0, which was not seen"),
        (pd.concat([frame, frame[["town"]]], axis=1), "two columns called 'town'"),
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
    with pytest.raises(DataError, match="column 1 of X holds nothing but NaN"):
        unnamed(np.array([[1.0, np.nan], [2.0, np.nan]]), "count")


def test_a_frame_with_text_is_a_data_set_with_columns():
    data = Dataset.of(pd.DataFrame({"a": ["x", "y", "x"], "b": [1.0, 2.0, np.nan]}))
    assert (data.spec.kind, data.spec.shape, data.spec.missing, data.spec.framed) == ("table", (2,), True, True)
    assert type(data.spec).from_json(data.spec.to_json()) == data.spec
