"""A data set of PyTorch's whose examples have numbers: `TensorDataset`, a subset of it, any class with `__getitem__`.

An item is an example, or an example and its label. All items are read once, now, in order; where they would take more than a
GiB that is refused, since what is larger has a better form: an array mapped from a file, or a folder of images.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch.utils.data import Dataset as Items
from torch.utils.data import IterableDataset, TensorDataset

from latentwalk.arrays import Array
from latentwalk.data.dataset import Dataset
from latentwalk.data.examples import as_plain, check_labels
from latentwalk.data.rows import DECODED
from latentwalk.data.sources.packed import dataset_of
from latentwalk.errors import DataError

__all__ = ["of_items"]


def of_items(items: Items[Any], y: ArrayLike | None = None, **known: Any) -> Dataset:
    """The data set of a data set of PyTorch's, with the second entry of its items as labels where each is one number or text.

    y: labels (n,), instead of its own. known: options of `Dataset.of`. Labels with fractions are a factor called "label", as in
    a file. Raises DataError: a stream, no items, items that are no numbers, more than a GiB of them.
    """
    if isinstance(items, IterableDataset):
        raise DataError(
            f"X is a {type(items).__name__}, whose examples come one after the other: there are no rows to pick from. Read "
            "them first: torch.stack(list(X))."
        )
    x, own = _of_tensors(items) if isinstance(items, TensorDataset) else _of_each(items)
    if own is not None and own.shape[1:] not in ((), (1,)):
        own = None  # the target of an autoencoder, say, which is x once more
    labels = check_labels(own if y is None else y, len(x)) if own is not None or y is not None else None
    if isinstance(x, list) or y is not None:
        return Dataset.of(x, labels, **known)
    return dataset_of(x, labels, **known)


def _of_tensors(items: TensorDataset) -> tuple[Any, Array | None]:
    """The first tensor, and the second as labels."""
    if len(items.tensors) > 2:
        shapes = ", ".join(str(tuple(one.shape)) for one in items.tensors)
        raise DataError(
            f"X is a TensorDataset of {len(items.tensors)} tensors, {shapes}. Expected examples, or examples and labels."
        )
    return as_plain(items.tensors[0]), as_plain(items.tensors[1]) if len(items.tensors) == 2 else None


def _of_each(items: Items[Any]) -> tuple[Any, Array | None]:
    """The examples, and what comes second in each item."""
    name = type(items).__name__
    try:
        count = len(items)  # type: ignore[arg-type]  # PyTorch promises no length
    except TypeError as error:
        raise DataError(f"X is a {name} without a length. Expected a data set with __len__ and __getitem__.") from error
    if count == 0:
        raise DataError(f"X is a {name} without items. At least one is needed.")
    pairs = [_pair(items[0], name)]
    if pairs[0][0].nbytes * count > DECODED:
        raise DataError(
            f"the {count:,} items of this {name} take {pairs[0][0].nbytes * count / 2**30:.1f} GiB, more than is read at once. "
            "Write them to a file, and give numpy.load(file, mmap_mode='r'); or a folder of images, latentwalk.read(folder)."
        )
    pairs += [_pair(items[row], name) for row in range(1, count)]
    labels = [label for _, label in pairs]
    x = as_plain([example for example, _ in pairs])
    return x, None if all(label is None for label in labels) else np.asarray(as_plain(labels))


def _pair(item: Any, name: str) -> tuple[Array, Any]:
    """An item's example, and its label; None where it has none."""
    pair = isinstance(item, (tuple, list)) and len(item) > 0 and (isinstance(item, tuple) or np.ndim(as_plain(item[0])) > 0)
    example, *others = item if pair else (item,)
    label = others[0] if others else None
    array = np.asarray(as_plain(example))
    if array.dtype.kind not in "biuf" or not array.ndim:
        raise DataError(
            f"an item of this {name} is a {type(item).__name__}, its example a {type(example).__name__}. Expected numbers "
            "(*E), or a pair of them and a label."
        )
    return array, label.item() if isinstance(label, torch.Tensor) and label.numel() == 1 else label
