"""Labels as conditions: what a model is told of an example beside the example itself.

A condition is a row (C,) of zeros with a 1 at its label's place among the C labels that the model learnt with.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentwalk.arrays import Array
from latentwalk.data.dataset import Dataset
from latentwalk.data.examples import check_labels
from latentwalk.errors import ConfigError, DataError, unknown

__all__ = ["Conditions", "Labels"]

Conditions = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels that a model learnt with: their names, and which share of the rows had each."""

    names: tuple[str, ...]
    shares: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.names or len(self.names) != len(self.shares) or not all(isinstance(name, str) for name in self.names):
            raise ValueError(f"no model learns with the labels {self.names!r:.40} in the shares {self.shares!r:.40}")
        if not (min(self.shares) >= 0 and np.isclose(sum(self.shares), 1)):
            raise ValueError(f"the shares {self.shares!r:.40} of labels do not add up to 1")

    @classmethod
    def of(cls, X: Any, y: ArrayLike | None, rows: int) -> tuple["Labels", NDArray[np.int64]]:
        """The labels y (n,), numbers or strings, or those that a data set has itself; and each row's place among them.

        Raises ConfigError where there are none, DataError for another number of them than `rows`.
        """
        if y is None and not (isinstance(X, Dataset) and X.y is not None):
            raise ConfigError("condition=True needs labels: fit(X, y), or a Dataset that has them.")
        if isinstance(X, Dataset) and X.y is not None and y is None:
            names = X.classes or tuple(str(value) for value in np.unique(X.y))
            at = X.y if X.classes else np.unique(X.y, return_inverse=True)[1]
        else:
            values, at = np.unique(check_labels(y, rows), return_inverse=True)
            names = tuple(str(value) for value in values)
            if values.dtype.kind == "f" and not np.isfinite(values).all():
                raise DataError("y holds infinity, which is no label. A model is told a label for every row.")
        counts = np.bincount(at, minlength=len(names))
        return cls(names, tuple((counts / counts.sum()).tolist())), at.astype(np.int64)

    @property
    def usual(self) -> str:
        """The label that most rows had."""
        return self.names[int(np.argmax(self.shares))]

    def places(self, labels: Sequence[Any] | Array) -> NDArray[np.int64]:
        """Where labels (n,) stand among the names: (n,). Raises ConfigError for one that the model does not know."""
        known = {name: place for place, name in enumerate(self.names)}
        said = [str(label) for label in np.asarray(labels)]
        if (strange := next((label for label in said if label not in known), None)) is not None:
            raise unknown("label", strange, self.names)
        return np.array([known[label] for label in said], dtype=np.int64)

    def told(self, condition: Any, rows: int) -> Conditions:
        """Labels as conditions: (C,) for one label that stands for all rows, (n, C) for n of them.

        Raises ConfigError, DataError.
        """
        several = not isinstance(condition, (str, bytes)) and np.ndim(condition) > 0
        if not several:
            return self.rows(self.places([condition]))[0]
        return self.rows(self.places(check_labels(condition, rows)))

    def rows(self, places: NDArray[np.int64]) -> Conditions:
        """Conditions (n, C) of the labels that stand at these places (n,)."""
        return np.eye(len(self.names), dtype=np.float32)[places]

    def drawn(self, rows: int, rng: np.random.Generator) -> Conditions:
        """Conditions (n, C) drawn in the shares that the labels had."""
        return self.rows(rng.choice(len(self.names), rows, p=np.asarray(self.shares) / sum(self.shares)))
