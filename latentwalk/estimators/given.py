"""What X may be: arrays, lists, frames, signals of any length, data sets; and as an array such as networks read.

scikit-learn looks at tables: at the number of their columns, and at their names.
"""

import warnings
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from latentwalk.arrays import Array
from latentwalk.checks import digits_of
from latentwalk.data.adopt import as_known
from latentwalk.data.columns import (
    Column,
    check_categories,
    check_known,
    columns_of,
    decoded,
    encoded,
    is_frame,
    needs_columns,
    places_of,
    plain_columns,
    unnamed,
)
from latentwalk.data.counts import Totals
from latentwalk.data.dataset import Dataset
from latentwalk.data.examples import as_array, as_plain, check_finite, is_ragged, padded
from latentwalk.data.frames import picked_columns
from latentwalk.data.music import is_music, rolls_of
from latentwalk.data.rows import Rows, changed, first_outside, value_range
from latentwalk.data.spec import DataSpec, Kind
from latentwalk.data.units import END, UNKNOWN, Vocabulary, is_text, texts_of
from latentwalk.errors import ConfigError, DataError, DataWarning
from latentwalk.estimators.options import Options
from latentwalk.models.likelihood import OF_COLUMNS, Likelihood

TOTALS = (
    "X is seen as counts (whole numbers from 0 on, with zeros, a tail and totals that differ): what a row holds is modelled as "
    "portions of its total, and codes say what kind it is, not how much. likelihood='negative-binomial' says that it is so, "
    "likelihood='gaussian' that these are numbers like any others."
)

__all__ = ["as_learnt", "by_place", "called", "first_seen", "held_mask", "in_units", "narrowed", "over"]

STRANGE, ABSURD = 20, 1e6  # times as much as white: no noise does that; no unit does that


def first_seen(X: Any, options: Options) -> tuple[Array, DataSpec, tuple[str, ...]]:
    """The data to learn from, (n, *E), what it is, and what its columns are called, () where they have no names.

    Raises DataError, ConfigError.
    """
    X = Dataset.of(X) if is_text(X) or is_music(X) else X
    if options.spec is not None and isinstance(X, Dataset) and X.spec.vocabulary is not None:
        X = Dataset(as_learnt(X, options.spec), options.spec)
    known = X.spec if isinstance(X, Dataset) else None
    plain = known.plain if known else ()
    textual = not is_frame(X) or all(isinstance(name, str) for name in X.columns)
    kind: Kind | None = None
    likelihood = options.likelihood.kind if isinstance(options.likelihood, Likelihood) else options.likelihood
    if is_frame(X) and (needs_columns(X) or likelihood == "mixed"):
        columns = columns_of(X)
        X = encoded(X, columns)
        known = DataSpec.of_columns(X, columns)
    elif is_frame(X):
        plain = plain_columns(X)
    elif is_ragged(X):
        X = padded(X)
        kind = "signal"
    raw = X.x if isinstance(X, Dataset) else X
    table = _Table()
    x = as_array(_looked_at(table, raw, reset=True) if _axes(raw) <= 2 else raw)
    if known is None:
        kind = options.kind(x.ndim) or kind
    if not (options.spec is None or isinstance(options.spec, DataSpec)):
        raise ConfigError(f"spec={options.spec!r:.80}: expected a DataSpec, or None: what X is seen to be.")
    spec = options.spec or known or DataSpec.infer(x, kind)
    if spec.shape != x.shape[1:]:
        raise ConfigError(f"spec says an example has shape {spec.shape}; in X it has {x.shape[1:]}.")
    check_finite(x, missing=spec.missing)
    if likelihood in OF_COLUMNS and spec.form.columned and not spec.columns:
        if likelihood == "mixed":
            raise ConfigError('likelihood="mixed" needs named columns. Give a pandas frame, or a Dataset read from a file.')
        spec = replace(spec, columns=unnamed(x, "count" if likelihood == "negative-binomial" else "continuous"))
    if _has_totals(spec, likelihood):
        if not spec.columns:
            spec = replace(spec, columns=unnamed(x, "count"))
        if options.spec is None and likelihood == "auto":
            warnings.warn(TOTALS, DataWarning, stacklevel=4)
        spec = replace(spec, totals=Totals.of(x))
    if plain and not spec.framed:
        spec = replace(spec, plain=plain)
    return x, spec, tuple(column.name for column in spec.named) if textual else ()


def _has_totals(spec: DataSpec, likelihood: str) -> bool:
    """Whether rows are counts whose totals are to be modelled."""
    counts = all(column.kind == "count" for column in spec.columns)
    return spec.counted and counts and spec.totals is None and likelihood in ("auto", "negative-binomial")


def as_learnt(X: ArrayLike | Dataset, spec: DataSpec, features: tuple[str, ...] = (), *, gaps: bool = False) -> Array:
    """X as an array (n, *E) of numbers like those learnt from; what is not in memory is not read, but for floats once.

    features: what their columns are called, where that is not in the spec. gaps: whether NaN may be there where none was learnt
    from. Raises DataError.
    """
    X = as_known(X)
    if spec.vocabulary is not None:
        return _written(X, spec, spec.vocabulary)
    if is_music(X) and spec.score is not None:
        X = rolls_of(X, spec.shape[0])
    if is_text(X) or is_music(X) or (isinstance(X, Dataset) and X.spec.vocabulary is not None):
        raise DataError(
            f"X is {'music' if is_music(X) else 'texts'}; the model learnt from a {spec.kind} of shape {spec.shape}."
        )
    of_signals = spec.form.timed and spec.missing
    if of_signals and isinstance(X, (list, tuple)) and all(isinstance(one, np.ndarray) for one in X):
        X = padded(X, spec.shape[0])
    x = _numbers(X, spec, features)
    if of_signals and x.ndim == 1 + len(spec.shape) and x.shape[1] < spec.shape[0]:
        x = padded(list(x), spec.shape[0])
    if x.shape[1:] != spec.shape:
        raise DataError(f"expected examples of shape {spec.shape}, as in training; got {x.shape[1:]}.")
    check_finite(x, missing=gaps or spec.missing or bool(spec.columns))  # each column has a likelihood of its own, or none
    if spec.columns:
        by_name = is_frame(X) or (isinstance(X, Dataset) and bool(X.spec.columns))
        check_categories(x, spec.columns, other=by_name)
    return in_units(x, spec, read=isinstance(X, Dataset))


def _written(X: Any, spec: DataSpec, vocabulary: Vocabulary) -> Array:
    """Texts, or rows of numbers of the units learnt, as rows (n, T) of these. Raises DataError."""
    if is_music(X) and spec.score is not None:
        X = Dataset.of_pieces(X, spec.score.voices)
    if isinstance(X, Dataset) and X.spec.vocabulary is not None:
        if X.spec.vocabulary == vocabulary and X.spec.shape == spec.shape:
            return X.x
        X = X.texts
    if is_text(X):
        rows = vocabulary.rows(texts_of(X), spec.size)
        _tell_unknown(rows, vocabulary)
        return rows
    if isinstance(X, str):
        raise DataError("X is one text. Expected a list of them: [X].")
    x = as_array(X.x if isinstance(X, Dataset) else X)
    if x.shape[1:] != spec.shape or x.dtype.kind not in "iu":
        wanted = "texts, a list of strings" if spec.score is None else "pieces, a list of `Piece`s"
        raise DataError(f"expected {wanted}; got {x.dtype} of shape {x.shape}.")
    if (strange := first_outside(x, 0, len(vocabulary) - 1)) is not None:
        raise DataError(
            f"row {strange[0]}, place {strange[1]} is {x[strange[0]][strange[1]]}, and there are {len(vocabulary):,} units."
        )
    if (open_ := np.flatnonzero(np.asarray(x[:, -1]) != END)).size:
        raise DataError(f"row {open_[0]} has no end: its last number must be {END}. Give texts, or cut it.")
    return x


def _tell_unknown(rows: Array, vocabulary: Vocabulary) -> None:
    """Warn where units of texts were not learnt."""
    if count := vocabulary.unknown(rows):
        first = int(np.argmax((rows == UNKNOWN).any(axis=1)))
        warnings.warn(
            f"{count:,} of {int(np.count_nonzero(rows)):,} units ({vocabulary.kind}) were never learnt from, the first in text "
            f"{first}, and are read as unknown.",
            DataWarning,
            stacklevel=2,
        )


def in_units(x: Array, spec: DataSpec, *, read: bool) -> Array:
    """Examples x (n, *E) in the units of those learnt from, of which one of the kind `spec` is; a warning where they are not.

    read: whether they were read from files, whose 16 bits are known to mean what 8 bits mean.
    """
    if not spec.form.bounded:
        return x
    if read and spec.dtype == "uint8" and x.dtype == np.uint16 and value_range(x)[1] > 255:
        return changed(x, _as_bytes)
    _tell_other_units(x, spec)
    return x


def _as_bytes(x: Array) -> Array:
    """Pictures of 16 bits as bytes, as they were read when there were no others to learn from."""
    return (x >> 8).astype(np.uint8)


def _tell_other_units(x: Array, spec: DataSpec) -> None:
    """Warn where pictures x (n, *E) are fractions and the model learnt from whole numbers, or the other way round.

    Fractions with noise added leave [0, 1], but not for 20; whole numbers do not.
    """
    whole = x.dtype.kind in "iu"
    if x.dtype == np.uint8 and spec.high == 255:
        return  # the usual case, in which nothing needs to be looked at
    low, high = value_range(x)
    if ABSURD * spec.high > high > STRANGE * spec.high > 0 or (whole and spec.low >= 0 and high > 1 >= spec.high):
        advice = "divide"
    elif whole and low < 0 <= spec.low:
        advice = "shift"
    elif not whole and -1 <= low < high <= 1 < spec.high and (spec.high > STRANGE or not spec.dtype.startswith("float")):
        advice = "multiply"
    else:
        return
    ends = [f"[{digits_of(first)}, {digits_of(last)}]" for first, last in ((low, high), (spec.low, spec.high))]
    warnings.warn(
        f"the values of X lie in {ends[0]}; the model learnt from {spec.dtype} in {ends[1]}, and takes X to be in the same "
        f"units. If black and white are other numbers in one of them, {advice} X first.",
        DataWarning,
        stacklevel=2,
    )


def called(spec: DataSpec, features: tuple[str, ...] = ()) -> tuple[Column, ...]:
    """The named columns that a model learnt; of one of an earlier version their names are all that is known."""
    return spec.named or tuple(Column(name, "continuous") for name in features)


def by_place(X: Any, spec: DataSpec, columns: tuple[Column, ...]) -> bool:
    """Whether columns of X are steps of a signal, known by their place whatever they are called, unless as those learnt."""
    names = [str(name) for name in X.columns] if is_frame(X) else []
    if isinstance(X, Dataset):
        names = [column.name for column in X.spec.named]
    return spec.form.timed and {*names} != {column.name for column in columns}


def narrowed(X: Any, columns: tuple[Column, ...]) -> Any:
    """A frame without columns that are none of these, a data set with them beside it.

    Raises DataError for one that is missing.
    """
    if is_frame(X) and columns:
        return picked_columns(X, columns, extra=True)
    if not (isinstance(X, Dataset) and X.spec.named and columns):
        return X
    there, x = X.spec.named, np.asarray(X.x)
    places = places_of([column.name for column in there], columns, extra=True)
    if places == list(range(len(there))):
        return X
    beside = {there[at].name: _column(x[:, at], there[at]) for at in range(len(there)) if at not in set(places)}
    columns, plain = (tuple(some[at] for at in places) if some else () for some in (X.spec.columns, X.spec.plain))
    spec = replace(X.spec, shape=(len(places),), columns=columns, plain=plain, limits=(), powers=(), gaps=None)
    return replace(X, x=x[:, places], spec=spec, beside={**X.beside, **beside})


def over(x: Array) -> NDArray[np.bool_]:
    """Where signals (n, T[, F]) are over: True at every step after the last one with an observed value."""
    seen: NDArray[np.bool_] = np.logical_or.reduce(~np.isnan(x), axis=tuple(range(2, x.ndim)))  # (n, T)
    return ~np.logical_or.accumulate(seen[:, ::-1], axis=1)[:, ::-1]


def held_mask(held_out: ArrayLike, rows: int) -> NDArray[np.bool_]:
    """held_out as a mask of so many rows. Raises DataError."""
    mask = np.asarray(held_out)
    if mask.dtype != bool or mask.shape != (rows,):
        raise DataError(
            f"held_out must be a mask: {rows} booleans, one for each row of X; got {mask.dtype} of shape {mask.shape}. "
            "From row numbers: np.isin(np.arange(len(X)), numbers)."
        )
    return mask


class _Table(BaseEstimator):  # type: ignore[misc]
    """Stands for the estimator where scikit-learn looks at a table: it holds the number and the names of its columns."""


_Table.__name__ = "Autoencoder"  # what scikit-learn calls it in a complaint


def _numbers(X: Any, spec: DataSpec, features: tuple[str, ...]) -> Array:
    """X as an array (n, *E), its columns those learnt from, in their order, where they have names. Raises DataError."""
    columns = called(spec, features)
    if columns and not by_place(X, spec, columns):
        X = _in_order(X, spec, columns)
    x = X.x if isinstance(X, Dataset) else X
    if spec.framed or spec.form.timed or _axes(x) > 2:
        return as_array(x)  # scikit-learn would miss the names that are in the spec
    table = _Table()
    table.n_features_in_ = spec.size
    if features and not isinstance(X, Dataset):
        table.feature_names_in_ = np.asarray(features, dtype=object)
    return as_array(_looked_at(table, x, reset=False))


def _in_order(X: Any, spec: DataSpec, columns: tuple[Column, ...]) -> Any:
    """X, its named columns those learnt from, in their order: a frame as one, or as its codes. Raises DataError."""
    if isinstance(X, Dataset) and X.spec.named:
        if X.spec.framed and X.spec.columns != spec.columns:
            check_known(X.x, X.spec.columns)  # what has no name cannot be given another code
            X = decoded(X.x, X.spec.columns)  # its categories have codes of their own
        elif spec.framed and not X.spec.framed:
            X = decoded(X.x, X.spec.plain)
        elif not spec.framed:
            places = places_of([column.name for column in X.spec.plain], columns)
            return X if places == sorted(places) else replace(X, x=np.asarray(X.x)[:, places])
    if not is_frame(X):
        return X
    return encoded(X, columns, other=True) if spec.framed else picked_columns(X, columns)


def _column(x: Array, column: Column) -> Array:
    """Numbers (n,) as the values of a column (n,); without pandas, as they are."""
    return decoded(x[:, None], [column]).iloc[:, 0].to_numpy() if find_spec("pandas") else x


def _looked_at(table: _Table, x: Any, *, reset: bool) -> Any:
    """x as scikit-learn has it, once it has looked at columns and their names. Raises DataError."""
    how: dict[str, Any] = {"dtype": "numeric", "ensure_all_finite": False, "ensure_min_samples": 0}
    if isinstance(x, Rows):
        how = {"skip_check_array": True}  # it would read all of them
    try:
        return validate_data(table, as_plain(x), reset=reset, **how)
    except ValueError as error:
        raise DataError(str(error)) from error


def _axes(x: Any) -> int:
    return int(x.ndim if hasattr(x, "ndim") else np.asarray(x).ndim)
