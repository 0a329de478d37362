"""What rows of a table must satisfy: `amount >= 0`, `last_seen >= signup`, `rent + food == total`; given as text, or found.

A text is read by Python's own parser, and only names, numbers, dates in quotes, + - * /, parentheses and comparisons are taken
from what it says; nothing is ever evaluated as code. Names of several words stand between backticks. A row that lacks a value
is not judged by it. Values come with their slopes (forward differentiation), so that rows can be moved to where they satisfy
all.
"""

import ast
import operator
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentwalk.arrays import Array, Doubles
from latentwalk.data.columns import Column
from latentwalk.errors import ConfigError, unknown

__all__ = ["Constraint", "constraints_found", "constraints_read", "moved_onto"]

HOLDS = {"<": operator.lt, "<=": operator.le, "==": operator.eq, "!=": operator.ne, ">=": operator.ge, ">": operator.gt}
COMPARISONS = {
    ast.Lt: "<", ast.LtE: "<=", ast.Eq: "==", ast.NotEq: "!=", ast.GtE: ">=", ast.Gt: ">",
}  # fmt: skip
LONGEST = 1_000  # letters
ROUNDING = 2.0**-50  # what each step of arithmetic may be wrong by, of its result
STEPS = 20  # of Newton's method, of which what is linear needs one
EXPECTED = (
    "names of columns, numbers, dates in quotes, + - * /, parentheses, and <, <=, ==, !=, >= or > between them. "
    "For example: amount >= 0; last_seen >= signup; `net price` + tax == total"
)
SURE = 10.0  # rows that would break an order by chance, were its two columns independent
ORDERED, SUMMED = 100, {2: 60, 3: 40, 4: 24}  # columns up to which orders, and sums of so many of them, are looked for
FEWEST = 20  # rows that something must hold in, to be called found


@dataclass(frozen=True, slots=True)
class _Value:
    """A value for each row (n,), its slope in each column it depends on, and how much rounding may have changed it."""

    at: Doubles
    slopes: Mapping[int, Doubles]
    error: Doubles


@dataclass(frozen=True, slots=True, eq=False)
class Constraint:
    """left `sign` right, for each row. text: as it was written."""

    text: str
    sign: str
    left: ast.expr
    right: ast.expr
    places: Mapping[str, int]
    found: bool = False

    def __str__(self) -> str:
        return self.text

    @property
    def is_equality(self) -> bool:
        return self.sign == "=="

    @property
    def columns(self) -> tuple[int, ...]:
        """The places of the columns that it is about."""
        nodes = [*ast.walk(self.left), *ast.walk(self.right)]
        return tuple(sorted({self.places[node.id] for node in nodes if isinstance(node, ast.Name)}))

    @property
    def defined(self) -> int | None:
        """The place of the column that it says is equal to what the others make, where it says that."""
        for one, other in ((self.right, self.left), (self.left, self.right)):
            if self.is_equality and isinstance(one, ast.Name) and not isinstance(other, ast.Constant):
                named = {node.id for node in ast.walk(other) if isinstance(node, ast.Name)}
                return None if one.id in named else self.places[one.id]
        return None

    @property
    def order(self) -> tuple[int, int] | None:
        """The places of two columns of which the first is never above the other, where it says that."""
        if not (isinstance(self.left, ast.Name) and isinstance(self.right, ast.Name) and self.sign in ("<", "<=", ">=", ">")):
            return None
        low, high = self.places[self.left.id], self.places[self.right.id]
        return (low, high) if self.sign in ("<", "<=") else (high, low)

    def broken(self, x: Array) -> NDArray[np.bool_]:
        """Which of rows x (n, C) break it: (n,). Arithmetic is allowed its rounding; a plain comparison is exact."""
        gap = self.gap(x)
        plain = isinstance(self.left, (ast.Name, ast.Constant)) and isinstance(self.right, (ast.Name, ast.Constant))
        slack = np.where(np.isfinite(gap.error) & (not plain), gap.error, 0.0)
        away = np.where(np.abs(gap.at) <= slack, 0.0, gap.at)
        return ~(np.isnan(away) | HOLDS[self.sign](away, 0.0))

    def gap(self, x: Array) -> _Value:
        """left - right for rows x (n, C), NaN where a value is missing."""
        with np.errstate(all="ignore"):
            return _minus(self._of(self.left, x), self._of(self.right, x))

    def _of(self, node: ast.expr, x: Array) -> _Value:
        rows = len(x)
        match node:
            case ast.Constant(value=value):
                number = _moment(str(value), self.text) if isinstance(value, str) else float(value)  # type: ignore[arg-type]  # checked
                return _Value(np.full(rows, number), {}, np.full(rows, ROUNDING * abs(number)))
            case ast.Name(id=name):
                at = x[:, self.places[name]].astype(np.float64)
                return _Value(at, {self.places[name]: np.ones(rows)}, ROUNDING * np.abs(at))
            case ast.UnaryOp(op=op, operand=operand):
                inside = self._of(operand, x)
                return inside if isinstance(op, ast.UAdd) else _scaled(inside, np.full(rows, -1.0))
            case ast.BinOp(left=left, op=op, right=right):
                return ARITHMETIC[type(op)](self._of(left, x), self._of(right, x))
        raise AssertionError(f"{type(node).__name__} was let through")


def constraints_read(text: str, columns: Sequence[Column]) -> tuple[Constraint, ...]:
    """The constraints that a text says about these columns, one a comparison: "0 <= a <= b" is two.

    Raises ConfigError for all but names, numbers, dates, arithmetic and comparisons; and for a column that is none, or a
    category.
    """
    if not isinstance(text, str):
        raise ConfigError(f"the constraint {text!r:.200} is no text. Expected {EXPECTED}.")
    said, names = _unquoted(text)
    try:
        if len(text) > LONGEST:
            raise ValueError(f"it has {len(text):,} letters, where {LONGEST:,} are enough")
        tree = ast.parse(said.strip(), mode="eval").body
        if not isinstance(tree, ast.Compare):
            raise ValueError("it compares nothing")
        if not {*map(type, tree.ops)} <= {*COMPARISONS}:
            raise ValueError("it compares otherwise")
        sides = [tree.left, *tree.comparators]
        for side in sides:
            _check(side)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else error
        raise ConfigError(f"the constraint {text!r:.200} cannot be read: {reason}. Expected {EXPECTED}.") from error
    places = _places(text, sides, names, columns)
    found = []
    for left, op, right in zip(sides, tree.ops, sides[1:], strict=False):
        if not any(isinstance(node, ast.Name) for side in (left, right) for node in ast.walk(side)):
            raise ConfigError(f"the constraint {text!r:.200} compares numbers alone, and is about no column.")
        sign = COMPARISONS[type(op)]
        part = text.strip() if len(tree.ops) == 1 else f"{_written(left, names)} {sign} {_written(right, names)}"
        found.append(Constraint(part, sign, left, right, places))
    return tuple(found)


def constraints_found(x: Array, columns: Sequence[Column]) -> tuple[Constraint, ...]:
    """What all of rows x (n, C) satisfy: bounds of each column, one column never above another, sums that are always the same.

    An order counts where at least ten rows would break it, were the two columns independent, and what follows from others is
    left out. Sums are of two to four columns, fixed or equal to another column. Nothing is found in fewer than 20 rows.
    """
    at = [at for at, column in enumerate(columns) if column.kind != "category" and column.constant is None]
    at = [place for place in at if np.count_nonzero(~np.isnan(x[:, place])) >= FEWEST]
    written = [*_bounds(x, columns, at), *_orders(x, columns, at[:ORDERED]), *_sums(x, columns, at)]
    read = [one for text in written for one in constraints_read(text, columns)]
    return tuple(Constraint(one.text, one.sign, one.left, one.right, one.places, found=True) for one in read)


def moved_onto(x: Array, constraints: Sequence[Constraint], weights: Array, *, bounds: bool = False) -> Doubles:
    """Rows x (n, C) moved as little as it takes to satisfy all equalities, to first order; what is not linear, step by step.

    weights: (C,) the variances in which "little" is meant; a column of 0 stays. bounds: also onto the edge of what they break
    of <= and >=.
    """
    moved = np.array(x, np.float64)
    meant = [one for one in constraints if one.is_equality or (bounds and one.sign in ("<=", ">="))]
    for _ in range(STEPS if meant else 0):
        broken = np.stack([one.broken(moved) for one in meant], axis=1)  # (n, K)
        rows = np.flatnonzero(broken.any(axis=1))
        if not len(rows):
            break
        some = moved[rows]
        gaps, slopes = np.zeros((len(rows), len(meant))), np.zeros((len(rows), len(meant), x.shape[1]))
        for k, one in enumerate(meant):
            on = one.is_equality | broken[rows, k]  # an equality that holds must go on holding
            gap = one.gap(some)
            gaps[:, k] = np.where(on & np.isfinite(gap.at), gap.at, 0.0)
            for column, slope in gap.slopes.items():
                slopes[:, k, column] = np.where(on & np.isfinite(gap.at) & np.isfinite(slope), slope, 0.0)
        spread = slopes * weights  # (m, K, C)
        inner = spread @ slopes.transpose(0, 2, 1)  # (m, K, K)
        step = np.einsum("mkc,mk->mc", spread, np.einsum("mkl,ml->mk", np.linalg.pinv(inner, hermitian=True), gaps))
        moved[rows] = np.where(np.isfinite(step), some - step, some)
    return moved


# ---------------------------------------------------------------------- reading


def _unquoted(text: str) -> tuple[str, dict[str, str]]:
    """The text with a word in place of each name between backticks, and what these words stand for."""
    names: dict[str, str] = {}

    def word(found: re.Match[str]) -> str:
        return names.setdefault(found[1], f"_quoted_{len(names)}_")

    said = re.sub(r"`([^`]+)`", word, text)
    return said, {word: name for name, word in names.items()}


def _check(node: ast.expr) -> None:
    """Raise ValueError for what is none of: a name, a number, a date, arithmetic."""
    match node:
        case ast.Name() | ast.Constant(value=str()):
            return
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            if not abs(value) < 1e300:
                raise ValueError("it holds a number beyond 1e300")
        case ast.UnaryOp(op=ast.UAdd() | ast.USub(), operand=operand):
            _check(operand)
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div(), right=right):
            _check(left)
            _check(right)
        case _:
            raise ValueError(f"it holds {ast.unparse(node)!r:.80}")


def _places(text: str, sides: Sequence[ast.expr], names: Mapping[str, str], columns: Sequence[Column]) -> dict[str, int]:
    """The place of the column that each word stands for. Raises ConfigError."""
    known = {column.name: at for at, column in enumerate(columns)}
    words = {node.id for side in sides for node in ast.walk(side) if isinstance(node, ast.Name)}
    places: dict[str, int] = {}
    for word in sorted(words):
        name = names.get(word, word)
        if name not in known:
            raise unknown(f"column in the constraint {text!r:.200}:", name, known)
        if columns[known[name]].kind == "category":
            raise ConfigError(f"the constraint {text!r:.200}: column {name!r} is a category. Expected numbers or dates.")
        places[word] = known[name]
    dated = {"datetime64" in columns[at].dtype for at in places.values()}
    for node in (node for side in sides for node in ast.walk(side)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            _moment(node.value, text)
            if dated != {True}:
                raise ConfigError(f"the constraint {text!r:.200} holds the text {node.value!r:.40}, and is not about dates.")
    return places


def _moment(said: str, text: str) -> float:
    """A date in quotes, in microseconds since 1970. Raises ConfigError."""
    try:
        found = np.datetime64(said, "us")
    except ValueError as error:
        raise ConfigError(f"the constraint {text!r:.200}: {said!r:.40} is no date. Expected one like '2024-12-31'.") from error
    if np.isnat(found):
        raise ConfigError(f"the constraint {text!r:.200}: {said!r:.40} is no date. Expected one like '2024-12-31'.")
    return float(found.astype(np.int64))


def _written(side: ast.expr, names: Mapping[str, str]) -> str:
    return re.sub(r"_quoted_\d+_", lambda found: f"`{names.get(found[0], found[0])}`", ast.unparse(side))


# ---------------------------------------------------------------------- arithmetic, with slopes


def _joined(first: _Value, second: _Value, of_first: Doubles, of_second: Doubles, at: Doubles) -> _Value:
    """The value `at` that changes with two others so much."""
    slopes: dict[int, Doubles] = {}
    for one, factor in ((first, of_first), (second, of_second)):
        for column, slope in one.slopes.items():
            slopes[column] = slopes.get(column, 0.0) + factor * slope
    error = np.abs(of_first) * first.error + np.abs(of_second) * second.error + ROUNDING * np.abs(at)
    return _Value(at, slopes, error)


def _plus(a: _Value, b: _Value) -> _Value:
    one = np.ones(len(a.at))
    return _joined(a, b, one, one, a.at + b.at)


def _minus(a: _Value, b: _Value) -> _Value:
    one = np.ones(len(a.at))
    return _joined(a, b, one, -one, a.at - b.at)


def _times(a: _Value, b: _Value) -> _Value:
    return _joined(a, b, b.at, a.at, a.at * b.at)


def _over(a: _Value, b: _Value) -> _Value:
    return _joined(a, b, 1 / b.at, -a.at / b.at**2, a.at / b.at)


def _scaled(a: _Value, factor: Doubles) -> _Value:
    return _Value(factor * a.at, {column: factor * slope for column, slope in a.slopes.items()}, a.error)


ARITHMETIC: Mapping[type[ast.operator], Any] = {ast.Add: _plus, ast.Sub: _minus, ast.Mult: _times, ast.Div: _over}


# ---------------------------------------------------------------------- finding


def _named(column: Column) -> str:
    return column.name if column.name.isidentifier() and not _is_word(column.name) else f"`{column.name}`"


def _is_word(name: str) -> bool:
    """Whether Python means something by the name."""
    try:
        return not isinstance(ast.parse(name, mode="eval").body, ast.Name)
    except SyntaxError:
        return True


def _number(value: float, column: Column | None = None) -> str:
    if column is not None and "datetime64" in column.dtype:
        said = str(np.datetime64(int(value), "us"))
        return f'"{said.removesuffix(".000000").removesuffix("T00:00:00")}"'
    return repr(int(value)) if value == np.trunc(value) and abs(value) < 2**53 else repr(float(value))


def _bounds(x: Array, columns: Sequence[Column], at: Sequence[int]) -> Iterator[str]:
    for place in at:
        low, high, column = np.nanmin(x[:, place]), np.nanmax(x[:, place]), columns[place]
        yield f"{_number(low, column)} <= {_named(column)} <= {_number(high, column)}"


def _orders(x: Array, columns: Sequence[Column], at: Sequence[int]) -> Iterator[str]:
    """Columns that are never above another of their kind, which shows in the data and does not follow from other orders."""
    rng = np.random.default_rng(0)
    below = np.zeros((len(at), len(at)), bool)
    for i, j in combinations(range(len(at)), 2):
        if _is_dated(columns[at[i]]) != _is_dated(columns[at[j]]):
            continue
        a, b = x[:, at[i]], x[:, at[j]]
        both = ~(np.isnan(a) | np.isnan(b))
        if np.count_nonzero(both) < FEWEST or (a[both] == b[both]).all():
            continue
        if (a[both] <= b[both]).all() and np.count_nonzero(a[both] > rng.permutation(b[both])) >= SURE:
            below[i, j] = True
        elif (b[both] <= a[both]).all() and np.count_nonzero(b[both] > rng.permutation(a[both])) >= SURE:
            below[j, i] = True
    follows = (below.astype(np.int64) @ below.astype(np.int64)) > 0
    for i, j in np.argwhere(below & ~follows):
        yield f"{_named(columns[at[i]])} <= {_named(columns[at[j]])}"


def _is_dated(column: Column) -> str:
    return next((kind for kind in ("datetime64", "timedelta64") if kind in column.dtype), "")


def _sums(x: Array, columns: Sequence[Column], at: Sequence[int]) -> Iterator[str]:
    """Two to four columns that add up to a number, or to one of them; two that are the same."""
    at = [place for place in at if not _is_dated(columns[place])]
    known: list[set[int]] = []
    for size, most in SUMMED.items():
        for places in combinations(at[:most], size):
            some = x[:, places]
            if any(one <= set(places) for one in known) or not _may_add_up(some):
                continue
            some = some[~np.isnan(some).any(axis=1)]
            slack = ROUNDING * size * np.abs(some).sum(axis=1).max(initial=0.0)
            if len(some) < FEWEST:
                continue
            total = some.sum(axis=1)
            names = [_named(columns[place]) for place in places]
            if np.ptp(total) <= slack:
                known.append(set(places))
                yield f"{' + '.join(names)} == {_number(_round(float(np.median(total))))}"
                continue
            for k, name in enumerate(names):
                if (np.abs(total - 2 * some[:, k]) <= slack).all():
                    known.append(set(places))
                    yield f"{' + '.join(names[:k] + names[k + 1 :])} == {name}"
                    break


def _may_add_up(some: Array) -> bool:
    """Whether a few rows (n, k) do not already say that nothing adds up."""
    few = some[:: max(1, len(some) // 12)][:12]
    few = few[~np.isnan(few).any(axis=1)]
    total, slack = few.sum(axis=1), ROUNDING * 16 * np.abs(few).sum(axis=1).max(initial=0.0)
    return bool(len(few) < 2 or np.ptp(total) <= slack or (np.abs(total[:, None] - 2 * few) <= slack).all(axis=0).any())


def _round(value: float) -> float:
    """The shortest number that is this one but for rounding: 100 for 99.99999999999999."""
    return float(f"{value:.12g}")
