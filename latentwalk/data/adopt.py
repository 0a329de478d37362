"""Anything a user holds, as a `Dataset`."""

from typing import Any

from numpy.typing import ArrayLike
from torch.utils.data import Dataset as Items

from latentwalk.data.dataset import Dataset
from latentwalk.data.examples import as_plain
from latentwalk.data.frames import in_pandas
from latentwalk.data.music import is_music
from latentwalk.data.sources.huggingface import is_hugging_face, of_table
from latentwalk.data.sources.torch_items import of_items
from latentwalk.data.units import is_text, texts_of

__all__ = ["adopt", "as_known"]


def adopt(x: Any, y: ArrayLike | None = None, **known: Any) -> Dataset:
    """The data set of an array, a frame, a list of signals or of texts, a tensor, or a data set of Hugging Face's or PyTorch's.

    A `Dataset` is one already. y: labels (n,), instead of its own. known: options of `Dataset.of`, and those of
    `sources.huggingface.of_table` (column, label, size, color, lazy) for a Hugging Face data set.
    Raises DataError, ConfigError.

    >>> adopt([[1.0, 2.0], [3.0, 4.0]]).spec.kind
    'table'
    """
    if isinstance(x, Dataset) and not known:
        return x if y is None else x.labelled(y)
    if is_hugging_face(x):
        return of_table(x, y, **known)
    return of_items(x, y, **known) if isinstance(x, Items) else Dataset.of(in_pandas(x), y, **known)


def as_known(x: Any) -> Any:
    """A data set of Hugging Face's or PyTorch's as a `Dataset`, a frame of any library as one of pandas, tensors and lists as
    arrays; see `as_plain`.

    For whoever tells arrays, frames, signals and texts apart itself. Raises DataError, ConfigError.
    """
    if is_music(x):
        return x
    if is_text(x):
        return texts_of(x)
    return adopt(x) if is_hugging_face(x) or isinstance(x, Items) else as_plain(in_pandas(x))
