"""A run as it is served: a model, each of whose uses is in one thread, and the data around it when that is asked for."""

import copy
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from latentwalk.arrays import Array
from latentwalk.data.dataset import Dataset
from latentwalk.data.spec import DataSpec
from latentwalk.errors import ConfigError
from latentwalk.estimators.anomalies import AnomalyDetector
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.estimators.conditions import Conditions
from latentwalk.estimators.trained import Trained
from latentwalk.latent.space import LatentSpace
from latentwalk.serving.lanes import Lane
from latentwalk.serving.limits import Limits

__all__ = ["Served"]

ENOUGH = 10_000  # rows whose codes say where codes lie
HELD = 2**28  # bytes of them, at most
T = TypeVar("T")
Codes = NDArray[np.float32]


class Served:
    """A model under a name.

    data: reads the rows that the model learnt from; None where they are not known. classes: what their labels are called.
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
        classes: tuple[str, ...] = (),
        detector: AnomalyDetector | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.name, self.model, self.classes, self.detector = name, model, classes, detector
        self.limits = limits or Limits()
        self._data = data
        self._twin = _twin(model)
        self._quick = Lane(f"{name}-quick", self.limits.queue, self.limits.batch)
        self._long = Lane(f"{name}-long", self.limits.queue)
        self._lock = threading.Lock()

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
        return self._quick.waiting + self._long.waiting

    def warm_up(self) -> None:
        """Do once what is tried out when it is first done (see `models.inference`), so that no request waits for it."""
        told = None if self.trained.labels is None else self.trained.labels.told(self.trained.labels.usual, 1)
        for rows in (1, self.limits.batch // 4, self.limits.batch):
            x = self._decode(np.zeros((max(rows, 1), self.dim), np.float32), *_each(told, max(rows, 1)))[0]
            self._encode(self.spec_typed(x), *_each(told, max(rows, 1)))

    def spec_typed(self, x: Array) -> Array:
        """Examples (n, *E) as an array of the type that the model learnt from."""
        dtype = np.dtype(self.spec.dtype)
        return (np.rint(x) if dtype.kind in "iu" else x).astype(dtype)

    def close(self) -> None:
        """End the threads, after what they are at."""
        self._quick.close()
        self._long.close()

    # ------------------------------------------------------------------ at once

    async def encode(self, x: Array, told: Conditions | None = None) -> tuple[Codes, Codes]:
        """Means and deviations (n, D) of q(z | x) of examples x (n, *E), as `Trained.given` has them.

        told: (n, C) or (C,), see `Trained.told`. Raises DataError; Saturated.
        """
        mean, deviation = await self._quick.rows(
            self._encode, ("encode", x.dtype.str), (x, *_each(told, len(x))), self.limits.patience
        )
        return mean, deviation

    async def decode(self, z: Array, told: Conditions | None = None) -> Array:
        """Likelihood means (n, *E) of codes z (n, D), in the units of the data. told: see `encode`.

        Raises DataError; Saturated.
        """
        codes = self.trained.codes(z)
        (x,) = await self._quick.rows(self._decode, "decode", (codes, *_each(told, len(codes))), self.limits.patience)
        return x

    def _encode(self, x: Array, told: Conditions | None = None) -> tuple[Codes, Codes]:
        return self.trained.encode(x, told)

    def _decode(self, z: Array, told: Conditions | None = None) -> tuple[Array]:
        return (self.trained.decode(z, told),)

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
