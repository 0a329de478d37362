"""The examples a user names on the command line: by class, by row, or by file."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentwalk.app.run import Run
from latentwalk.data import Dataset
from latentwalk.errors import ConfigError, DataError, unknown

__all__ = ["Ends"]

KIN = 1_000  # rows of a class among which the typical one is looked for


class Ends:
    """Finds the example that a user names. The run's data is read at most once, and only if it is needed.

    data: a data set to use instead of what the run learnt from. what: what such an example is called in messages.
    """

    def __init__(self, run: Run, data: str | None, what: str = "end of a walk") -> None:
        self.run = run
        self.data = data
        self.what = what
        self.read: Dataset | None = None

    def find(self, end: str) -> tuple[NDArray[Any], str]:
        """The example (*E), and what it is in words. Raises ConfigError, DataError."""
        if end in self.run.classes or (self.data is not None and end in self.rows.classes):
            row = self._typical(end)
            return self.rows.x[row], f"{end} (row {row})"
        if end.startswith("row:"):
            row = self._row(end.removeprefix("row:"))
            return self.rows.x[row], f"row {row}"
        path = Path(end).expanduser()
        if path.is_file():
            given = self.run.read(end)
            if len(given) != 1:
                raise DataError(f"{end} holds {len(given):,} examples where one is expected. Say which with row:N.")
            return given.x[0], end
        if self.run.classes:
            hint = unknown(self.what, end, self.run.classes)
            raise ConfigError(f"{hint} Or a row of the data (row:123), or an image file.")
        raise ConfigError(f"{end!r} is no {self.what}: the data has no classes. Use a row (row:123) or an image file.")

    @property
    def rows(self) -> Dataset:
        """The data that rows and classes are of."""
        if self.read is None:
            self.read = self.run.train(self.data)
        return self.read

    def _typical(self, name: str) -> int:
        labels, classes = self.rows.y, self.rows.classes
        if labels is None or name not in classes:
            raise DataError(f"the data has no row of class {name!r} any more. Use row:N, or --data.")
        kin = np.flatnonzero(labels == classes.index(name))[:KIN]
        return int(kin[self.run.model.space(self.rows.take(kin)).typical(name)])

    def _row(self, text: str) -> int:
        count = len(self.rows)
        if not text.isdecimal() or int(text) >= count:
            raise ConfigError(f"row:{text} is no row of the data: expected row:0 to row:{count - 1}.")
        return int(text)
