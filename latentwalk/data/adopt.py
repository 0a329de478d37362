"""Anything a user holds, as a `Dataset`."""

from typing import Any

from numpy.typing import ArrayLike

from latentwalk.data.dataset import Dataset
from latentwalk.data.examples import unmasked
from latentwalk.data.frames import in_pandas
from latentwalk.data.sources.huggingface import is_hugging_face, of_table

__all__ = ["adopt", "as_known"]


def adopt(x: Any, y: ArrayLike | None = None, **known: Any) -> Dataset:
    """The data set of an array, a frame, a list of signals or a Hugging Face `datasets.Dataset`; a `Dataset` is one already.

    y: labels (n,), instead of its own. known: options of `Dataset.of`, and those of `sources.huggingface.of_table` (column,
    label, size, color, lazy) for a Hugging Face data set. Raises DataError, ConfigError.

    >>> adopt([[1.0, 2.0], [3.0, 4.0]]).spec.kind
    'table'
    """
    if isinstance(x, Dataset) and not known:
        return x if y is None else x.labelled(y)
    return of_table(x, y, **known) if is_hugging_face(x) else Dataset.of(in_pandas(x), y, **known)


def as_known(x: Any) -> Any:
    """A Hugging Face data set as a `Dataset`, a frame of any library as one of pandas, masked arrays with NaN where they are
    masked; all else as it is.

    For whoever tells arrays, frames and signals apart itself.
    """
    return adopt(x) if is_hugging_face(x) else unmasked(in_pandas(x))
