"""The cells of a table as numbers, and what its columns are: the one form in which real rows and drawn ones are compared."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from latentwalk.arrays import Array, Doubles
from latentwalk.data.adopt import as_known
from latentwalk.data.columns import Column, columns_of, encoded, is_frame
from latentwalk.data.dataset import Dataset
from latentwalk.errors import DataError

__all__ = ["Records", "label_column", "ranked"]


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """x: (n, C) float64; codes of categories, NaN where a value is missing. columns: what each column is."""

    x: Doubles
    columns: tuple[Column, ...]

    @classmethod
    def of(cls, X: Any, columns: Sequence[Column] = ()) -> Self:
        """The cells of a frame, an array (n, C), a Dataset, or records. columns: what they are, as another table had them.

        The labels of a Dataset are a category of their own, the last column. Raises DataError for what is no table, or where
        the columns are others.
        """
        if isinstance(X, cls):
            return X
        X = as_known(X)
        if is_frame(X):
            columns = tuple(columns) or columns_of(X)
            return cls(encoded(X, columns, other=True), tuple(columns))
        data = X if isinstance(X, Dataset) else Dataset.of(X, kind="table")
        if len(data.spec.shape) != 1:
            raise DataError(f"a copy is made of tables: rows of numbers, categories and dates, not {data.spec.shape} numbers.")
        named = data.spec.named or tuple(Column(f"x{at + 1}", "continuous") for at in range(data.spec.size))
        x = np.asarray(data.x, np.float64)
        if data.y is not None:
            last = label_column(data)
            known = columns[-1].categories if columns else last.categories
            codes = [known.index(name) if name in known else len(known) for name in last.categories]
            x, named = np.column_stack([x, np.array(codes)[data.y]]), (*named, last)
        if columns and [one.name for one in columns] != [one.name for one in named]:
            raise DataError(f"the columns are {_names(named)}; expected {_names(columns)}.")
        return cls(x, tuple(columns) or named)

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: NDArray[np.integer[Any]]) -> Self:
        """These rows, in this order."""
        return replace(self, x=self.x[rows])

    def some(self, most: int, rng: np.random.Generator) -> Self:
        """At most so many rows, drawn at random."""
        return self if len(self) <= most else self.take(np.sort(rng.permutation(len(self))[:most]))


def label_column(data: Dataset) -> Column:
    """The labels of a data set as a column, called as in the table that they were read from, or "label"."""
    assert data.y is not None
    names = data.classes or tuple(str(one) for one in range(int(data.y.max()) + 1))
    said = [names[code] for code in data.y]
    same = (name for name, values in data.beside.items() if [str(value) for value in values] == said)
    return Column(next(same, "label"), "category", "object", names)


def _names(columns: Sequence[Column]) -> str:
    return ", ".join(column.name for column in columns[:20])


def ranked(x: Array) -> Doubles:
    """Each column of x (n, C) as ranks in deviations from their mean, 0 where a value is missing."""
    ranks = rankdata(x, axis=0, nan_policy="omit")
    with np.errstate(all="ignore"):
        scaled = (ranks - np.nanmean(ranks, axis=0)) / np.nanstd(ranks, axis=0)
    return np.where(np.isfinite(scaled), scaled, 0.0)
