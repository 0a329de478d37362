"""What all readers share: the halves of a data set, its labels, and the joining of two parts."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from latentwalk.data.columns import is_frame
from latentwalk.data.dataset import Dataset, Kind, as_array, check_finite
from latentwalk.data.rows import changed, joined
from latentwalk.errors import DataError

__all__ = ["Split", "assemble", "join", "native", "undivided"]

Split = Literal["train", "test", "all"]


def undivided(split: Split) -> None:
    """Raise DataError where the test half is asked of a source that has no halves.

    Answering with all rows would let a model be judged on what it was trained on.
    """
    if split == "test":
        raise DataError(
            "this source is not divided into train and test, and got split='test'. "
            "Read all of it (split='all') and divide the rows, or give the file that holds the test rows."
        )


def native(x: NDArray[Any]) -> NDArray[Any]:
    """`x` in this machine's byte order: torch takes no other. Copies only where the order differs."""
    return x if x.dtype.isnative else changed(x, lambda rows: rows.astype(x.dtype.newbyteorder("=")))


def assemble(
    x: Any,
    labels: NDArray[Any] | None = None,
    factors: Mapping[str, NDArray[Any]] | None = None,
    *,
    label: str = "label",
    asked: bool = False,
    kind: Kind | None = None,
    **known: Any,
) -> Dataset:
    """The data set of `x` (n, *E), or of a frame, with `labels` (n,) called `label`.

    Labels with fractions are a measured quantity and no classes: they become a factor, unless they were `asked` for.
    """
    factors = dict(factors or {})
    if labels is not None and labels.dtype.kind == "f":
        if not np.isfinite(labels).all():
            row = int(np.argmin(np.isfinite(labels)))
            raise DataError(f"the label {label!r} is {labels[row]} at row {row}. Drop the rows without a label.")
        if (labels == np.trunc(labels)).all():
            labels = labels.astype(np.int64)
        elif not asked:
            factors[label], labels = labels, None
    return Dataset.of(x if is_frame(x) else native(x), labels, kind=kind, factors=factors, **known)


def join(first: Dataset, second: Dataset) -> Dataset:
    """Both data sets, one after the other; labels, names and factors stay where both have them."""
    if first.x.shape[1:] != second.x.shape[1:]:
        raise DataError(f"the parts differ in shape: {first.x.shape[1:]} and {second.x.shape[1:]}. Read each alone.")
    x = as_array(joined(first.x, second.x))
    if first.spec.columns != second.spec.columns:
        raise DataError("the parts differ in their columns. Read each alone.")
    spec = replace(type(first.spec).infer(x, first.spec.kind), columns=first.spec.columns)
    check_finite(x, missing=spec.missing)
    classes = tuple(dict.fromkeys(first.classes + second.classes))
    y = None
    if first.y is not None and second.y is not None:
        codes = np.array([classes.index(name) for name in second.classes], dtype=np.int64)
        y = np.concatenate([first.y, codes[second.y]])
    return replace(
        first,
        x=x,
        spec=spec,
        y=y,
        classes=classes if y is not None else (),
        names=first.names + second.names if first.names and second.names else (),
        factors={
            name: np.concatenate([values, second.factors[name]])
            for name, values in first.factors.items()
            if name in second.factors
        },
        skipped=first.skipped + second.skipped,
    )
