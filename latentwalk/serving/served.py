"""A run as it is served: a model, each of whose uses is in one thread, and the data around it when that is asked for."""

import copy
import warnings
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import replace
from functools import cached_property, partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from latentwalk.arrays import Array
from latentwalk.data.dataset import Dataset
from latentwalk.data.spec import DataSpec
from latentwalk.errors import ConfigError, DataError, DataWarning
from latentwalk.estimators.anomalies import AnomalyDetector
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.estimators.conditions import Conditions
from latentwalk.estimators.trained import Trained
from latentwalk.latent.diagnosis import Diagnosis
from latentwalk.latent.space import LatentSpace
from latentwalk.serving.lanes import Lane
from latentwalk.serving.limits import Limits

__all__ = ["Served"]

ENOUGH = 10_000  # rows whose codes say where codes lie
KEPT = 8  # things made for requests that are kept for others
HELD = 2**28  # bytes of them, at most
T = TypeVar("T")
Codes = NDArray[np.float32]
Work = Callable[..., tuple[Array, ...]]  # of a Trained, and arrays (n, …)


class Served:
    """A model under a name.

    data: reads the rows that the model learnt from; None where they are not known. judged: makes the space, of a model, by
    which it is judged, with rows that were held out; of these rows, unless it is given. classes: what their labels are called.
    detector: that of its folder, if there is one.

    There are two threads. `encode` and `decode` share one, in which small requests are done together. Walks, grafts and all
    that takes longer have the other, with a twin of the model that has the same weights: they keep nobody waiting.
    """

    def __init__(
        self,
        name: str,
        model: Autoencoder,
        *,
        data: Callable[[], Dataset] | None = None,
        judged: Callable[[Autoencoder], LatentSpace] | None = None,
        classes: tuple[str, ...] = (),
        detector: AnomalyDetector | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.name, self.model, self.classes, self.detector = name, model, classes, detector
        self.limits = limits or Limits()
        self._data, self._judged = data, judged
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._twin = _twin(model)
        self.quick = Lane(f"{name}-quick", self.limits.queue, self.limits.batch)
        self._long = Lane(f"{name}-long", self.limits.queue)

    @property
    def trained(self) -> Trained:
        return self.model.trained_

    @property
    def spec(self) -> DataSpec:
        """What an example is."""
        return self.trained.spec

    @property
    def dim(self) -> int:
        """D, the number of latent dimensions."""
        return self.trained.latent

    @property
    def waiting(self) -> int:
        """Requests that wait for this model."""
        return self.quick.waiting + self._long.waiting

    def warm_up(self) -> None:
        """Do once what is tried out when it is first done (see `models.inference`), so that no request waits for it."""
        told = None if self.trained.labels is None else self.trained.labels.told(self.trained.labels.usual, 1)
        for rows in (1, 1 + self.limits.batch // 16, 1 + self.limits.batch // 4, self._piece):
            each = None if told is None else np.tile(told, (rows, 1))
            x = self.trained.decode(np.zeros((rows, self.dim), np.float32), each)
            self.trained.encode(self.typed(x), each)

    def typed(self, x: Array) -> Array:
        """Examples (n, *E) as an array of the type that the model learnt from."""
        dtype = np.dtype(self.spec.dtype)
        return (np.rint(x) if dtype.kind in "iu" else x).astype(dtype)

    def narrowed(self, X: Any) -> Any:
        """X without columns that were not learnt from, where the model allows them. Raises DataError."""
        return self.trained.narrowed(X) if self.model.extra else X

    def check_count(self, count: int, what: str) -> None:
        """Raise DataError where more examples, or numbers in them, are asked for than are given, or none."""
        most, size = self.limits.rows, self.spec.size
        if not 0 < count <= most:
            raise DataError(f"expected 1 to {most:,} {what}, got {count:,}.")
        if count * size > self.limits.values:
            raise DataError(f"{count:,} examples have {count * size:,} numbers: at most {self.limits.values:,} are given.")

    def close(self) -> None:
        """End the threads, after what they are at, where that is soon."""
        self.quick.close(self.limits.closing)
        self._long.close(self.limits.closing)

    # ------------------------------------------------------------------ at once

    async def encode(self, x: Array, told: Conditions | None = None) -> tuple[Codes, Codes]:
        """Means and deviations (n, D) of q(z | x) of examples x (n, *E), as `Trained.given` has them.

        told: (n, C) or (C,), see `Trained.told`. Raises DataError; Saturated.
        """
        mean, deviation = await self.each("encode", lambda trained, *rows: trained.encode(*rows), x, told)
        return mean, deviation

    async def decode(self, z: Array, told: Conditions | None = None) -> Array:
        """Likelihood means (n, *E) of codes z (n, D), in the units of the data. told: see `encode`.

        Raises DataError; Saturated.
        """
        codes = self.trained.codes(z)
        self.check_count(len(codes), "codes")
        (x,) = await self.each("decode", lambda trained, *rows: (trained.decode(*rows),), codes, told)
        return x

    async def reconstruct(self, x: Array, told: Conditions | None = None) -> Array:
        """Examples x (n, *E), encoded and decoded again. told: see `encode`. Raises DataError; Saturated."""
        (back,) = await self.each("reconstruct", lambda trained, *rows: (trained.reconstruct(*rows),), x, told)
        return back

    async def score(self, x: Array, told: Conditions | None = None) -> Array:
        """The bound on log p(x) of examples x (n, *E), in nats: (n,). told: see `encode`. Raises DataError; Saturated."""

        def bounds(trained: Trained, x: Array, told: Conditions | None = None) -> tuple[Array]:
            return (trained.bounds(x, 1, told),)

        (scores,) = await self.each("score", bounds, x, told)
        return scores

    async def each(self, what: str, work: Work, x: Array, told: Conditions | None = None) -> tuple[Array, ...]:
        """What `work` answers of the model, arrays (n, …) and their conditions, as arrays (n, …), a row whatever is beside it.

        what: its name; small requests of one name are done together, and large ones in pieces, between which others have their
        turn. Raises what it raises; Saturated.
        """
        rows = (x, *_each(told, len(x)))
        key = (what, x.dtype.str, x.shape[1:], len(rows))
        found = []
        for first in range(0, max(len(x), 1), self._piece):
            some = tuple(one[first : first + self._piece] for one in rows)
            try:
                found.append(await self.quick.rows(partial(work, self.trained), key, some, self.limits.patience))
            except DataError:
                if first == 0:
                    raise
                return await self.long(lambda model: work(model.trained_, *rows))  # which counts rows from the first one
        return found[0] if len(found) == 1 else tuple(np.concatenate(parts) for parts in zip(*found, strict=True))

    @property
    def _piece(self) -> int:
        """Rows of a large request that are done at once."""
        return 2 * self.limits.batch

    # ------------------------------------------------------------------ in a while

    async def long(self, work: Callable[[Autoencoder], T]) -> T:
        """What `work` makes of the model's twin, in the thread for what takes longer. Raises what it raises; Saturated."""
        found: T = await self._long.do(lambda: work(self._twin), self.limits.long)
        return found

    @cached_property
    def rows(self) -> Dataset:
        """The rows learnt from, read when first asked for. For use in `long`. Raises ConfigError where they are not known."""
        if self._data is None:
            raise ConfigError(
                f"it is not known what {self.name} learnt from, so there are no rows. Give examples or codes, or serve it "
                "with --data."
            )
        return self._data()

    @cached_property
    def space(self) -> LatentSpace:
        """The space as up to 10,000 rows learnt from see it, made when first asked for. For use in `long`.

        Raises ConfigError, DataError where they cannot be had.
        """
        rows = self.rows
        most = min(ENOUGH, max(1, HELD // max(1, np.asarray(rows.x[:1]).nbytes)), len(rows))
        return self._twin.space(rows.take(np.sort(np.random.default_rng(0).permutation(len(rows))[:most])))

    def around(self, *, needed: bool) -> LatentSpace:
        """The space; where it is not known what was learnt from, and it is not needed, one of a few codes. For use in `long`.

        Raises ConfigError, DataError; a warning says that holes are not known.
        """
        try:
            return self.space
        except (ConfigError, DataError) as error:
            if needed:
                raise
            warnings.warn(f"holes are not looked for: {error}", DataWarning, stacklevel=2)
            return self._bare

    @cached_property
    def _bare(self) -> LatentSpace:
        labels = self.trained.labels
        told = None if labels is None else labels.told(labels.usual, 2)
        x = self.typed(self._twin.trained_.decode(np.zeros((2, self.dim), np.float32), told))
        return self._twin.space(Dataset(x, self.spec), condition=None if labels is None else labels.usual)

    def kept(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, made once for all who ask with this key, as long as few others do. For use in `long`."""
        found: T = self._kept.pop(key) if key in self._kept else make()
        self._kept[key] = found
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return found

    @cached_property
    def diagnosis(self) -> Diagnosis:
        """What is wrong with the model, found when first asked for. For use in `long`. Raises ConfigError, DataError."""
        return (self.space if self._judged is None else self._judged(self._twin)).diagnose()


def _each(told: Conditions | None, rows: int) -> tuple[Conditions, ...]:
    """A condition as (n, C), if there is one."""
    if told is None:
        return ()
    return (np.tile(told, (rows, 1)) if told.ndim == 1 else told,)


def _twin(model: Autoencoder) -> Autoencoder:
    """The same autoencoder with modules of its own, which hold the same weights."""
    network = model.trained_.model
    kept = {id(one): one for one in (*network.parameters(), *network.buffers())}
    found = copy.copy(model)
    found.trained_ = replace(model.trained_, model=copy.deepcopy(network, kept))
    return found
