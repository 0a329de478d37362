"""Constraints: read from text by a strict reader, judged as arithmetic says, found where they are, and rows moved onto them."""

import ast
import re

import numpy as np
import pytest

from latentwalk.data.columns import Column
from latentwalk.data.constraints import constraints_found, constraints_read, moved_onto
from latentwalk.errors import ConfigError

RNG = np.random.default_rng(0)
NUMBERS = tuple(Column(name, "continuous") for name in ("a", "b", "c", "net price"))
DATED = (
    Column("signup", "continuous", "datetime64[us]"),
    Column("seen", "continuous", "datetime64[us]"),
    Column("city", "category", "str", ("x",)),
)
SAID = [
    "a >= 0",
    "a < b",
    "a + 2 * b <= c - 1",
    "a * b / c != 3",
    "-a > -(b + c)",
    "`net price` * 1.5 == c",
    "0 <= a <= b < 10",
    "a / b >= c * c",
]


def only(text, columns=NUMBERS):
    (one,) = constraints_read(text, columns)
    return one


@pytest.mark.parametrize("text", SAID)
def test_a_row_breaks_it_exactly_where_python_says_so(text):
    x = RNG.normal(3, 4, size=(500, 4))
    x[::7] = np.rint(x[::7]) + 0.5  # ties
    found = ~np.any([one.broken(x) for one in constraints_read(text, NUMBERS)], axis=0)
    names = {"a": 0, "b": 1, "c": 2, "net": 3}
    said = text.replace("`net price`", "net")
    expected = [eval(said, {}, {name: float(row[at]) for name, at in names.items()}) for row in x]  # of our own text
    assert found.tolist() == expected


@pytest.mark.parametrize("text", SAID)
def test_slopes_are_those_of_finite_differences(text):
    x = RNG.uniform(1, 5, size=(50, 4))
    for one in constraints_read(text, NUMBERS):
        gap = one.gap(x)
        for at in range(4):
            step = np.zeros(4)
            step[at] = 1e-6
            slope = (one.gap(x + step).at - one.gap(x - step).at) / 2e-6
            np.testing.assert_allclose(gap.slopes.get(at, np.zeros(50)), slope, rtol=1e-5, atol=1e-6)


OTHERS = """
a | a + | a = 1 | a >= 0; b | a >= 0 and b >= 0 | not a | a in b | a is b | 1 < 2 | a >= True | a >= None | a.real >= 0
a[0] >= 0 | __import__('os').system('x') == 0 | abs(a) >= 0 | a ** 9 >= 0 | a // 2 > 0 | a % 2 == 0 | (lambda: 0)() == a
f'{a}' == a | [a for a in b] == a | a := 3
a >= 1e999 | a >= 9j | a >= b'x' | a >= ... | nothing >= 0 | `nothing` >= 0 | a >= '2020-01-01'
~a > 0 | a if b else c > 0 | a >= {b} | *a >= 0 | a @ b > 0 | a & b > 0
"""
LONG = ["", "a >= " + "9" * 2_000, "(" * 400 + "a" + ")" * 400 + " > 0", "a > 0\0"]


@pytest.mark.parametrize("text", [*LONG, *re.split(r" \| |\n", OTHERS.strip())])
def test_nothing_else_is_read(text):
    with pytest.raises(ConfigError):
        constraints_read(text, NUMBERS)


def test_an_error_names_the_column_that_was_meant():
    with pytest.raises(ConfigError, match="Did you mean 'signup'"):
        constraints_read("sign_up >= seen", DATED)
    with pytest.raises(ConfigError, match="'city' is a category"):
        constraints_read("city >= 0", DATED)


def test_dates_compare_with_dates_in_quotes():
    day = 86_400e6
    x = np.array([[0.0, 1.0], [10 * day, 9 * day], [np.nan, 1.0]])
    assert only("seen >= signup", DATED).broken(x).tolist() == [False, True, False]
    assert only('signup < "1970-01-05"', DATED).broken(x).tolist() == [False, True, False]
    with pytest.raises(ConfigError, match="no date"):
        constraints_read("signup < 'soon'", DATED)


def test_sums_of_decimals_hold_but_a_comparison_is_exact():
    x = np.array([[0.1, 0.2, 0.3, 0.0]])
    assert not only("a + b == c").broken(x).any()
    assert 0.1 + 0.2 != 0.3
    assert only("a >= 0").broken(np.array([[-1e-300, 0, 0, 0]])).all()


def test_what_is_found_holds_and_what_was_planted_is_found():
    n = 300
    a, b = RNG.uniform(0, 10, n).round(2), RNG.uniform(0, 10, n).round(2)
    low = RNG.normal(0, 1, n)
    x = np.column_stack([a, b, a + b, low, low + RNG.exponential(1, n), RNG.normal(0, 1, n), 100 - a - b])
    names = ["a", "b", "sum", "low", "high", "other", "rest of it"]
    columns = tuple(Column(name, "continuous") for name in names)
    found = constraints_found(x, columns)
    said = {str(one) for one in found}
    assert not any(one.broken(x).any() for one in found)
    assert {"a + b == sum", "low <= high", "a <= sum"} <= said
    assert any("`rest of it` == 100" in one for one in said)
    assert not any("other" in one and ("low" in one or "high" in one) for one in said)
    assert sum("other" in one for one in said) == 2  # its bounds
    assert not any("==" in str(one) for one in constraints_found(RNG.normal(size=(300, 8)).round(1), columns + NUMBERS[:1]))


def test_bounds_of_dates_are_written_as_dates():
    day = 86_400e6
    x = np.column_stack([np.arange(30) * day, np.arange(30) * day + 12.5e6])
    said = {str(one) for one in constraints_found(x, DATED[:2])}
    assert {"'1970-01-01' <= signup", "seen <= '1970-01-30T00:00:12.500000'"} <= said


def test_too_few_rows_say_nothing():
    assert constraints_found(np.ones((10, 1)) * np.arange(10)[:, None], NUMBERS[:1]) == ()


@pytest.mark.parametrize("text", ["a + b == c", "a * b == c", "a / b == c", "a + b + c == `net price`", "2 * a == 3"])
def test_rows_are_moved_onto_equalities_as_little_as_it_takes(text):
    one = only(text)
    x = RNG.uniform(1, 5, size=(200, 4))
    weights = np.array([1.0, 4.0, 0.0, 2.0])
    moved = moved_onto(x, [one], weights)
    assert one.broken(moved).mean() <= (0.3 if "/" in text else 0)  # Newton's method may lose its way
    assert (moved[:, 2] == x[:, 2]).all()  # of no weight
    if text == "a + b == c":  # the oracle of weighted least squares
        gap = x[:, 0] + x[:, 1] - x[:, 2]
        np.testing.assert_allclose(x - moved, np.outer(gap / 5, [1, 4, 0, 0]), atol=1e-9)


def test_several_at_once_and_the_edge_of_an_inequality():
    both = [only("a + b == c"), only("b + c == 10"), only("a >= 0")]
    x = RNG.normal(0, 5, size=(300, 4))
    moved = moved_onto(x, both, np.ones(4), bounds=True)
    assert not any(one.broken(moved).any() for one in both[:2])
    assert (moved[:, 0] >= -1e-12).all()
    gaps = x.copy()
    gaps[:, 1] = np.nan
    np.testing.assert_array_equal(moved_onto(gaps, both[:2], np.ones(4)), gaps)


def test_reading_never_runs_anything(monkeypatch):
    monkeypatch.setattr("builtins.eval", None)
    monkeypatch.setattr("builtins.exec", None)
    assert isinstance(only("a >= 0").left, ast.Name)
