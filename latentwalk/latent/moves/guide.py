"""Steps that are watched: for each example the move after which it is read to have what it should, and all else as before.

A step that is right on average is too short for one example and too long for another, and where codes bend it turns other
things with it. So several moves are tried for each:

    the step, at several strengths
    the step of examples with just these attributes: codes of either side regressed on them apart, which is their interaction
    moves beside the best one so far, a small way off

Each is decoded, and encoded again; classifiers that learnt from codes who has what read the result. The move costs what it
leaves to be desired, -log p(has it), what it changes of the rest, the KL of each attribute's reading from that before, and a
little for its length; the cheapest is taken. Nothing here knows what an example is.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from latentwalk.arrays import Array
from latentwalk.errors import ConfigError
from latentwalk.latent.encoded import Encoded
from latentwalk.surroundings import hushed
from latentwalk.training.runtime import one_thread

__all__ = ["Guide", "Reader"]

Mask = NDArray[np.bool_]
STRENGTHS = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5)
ROUNDS, TRIES = 4, 8  # in which moves beside the best one are tried, and how many
BESIDE = 0.35  # of the codes' deviation: how far beside
LONG = 0.05  # nats for a move as long as the codes' deviation
LEAST = 1e-6  # a share that no reading is below
HIDDEN, PASSES, RATE = 64, 60, 3e-3  # units of a classifier, passes over the codes, and how fast it learns
LEVELS, QUARTERS = 24, 4  # values of an attribute up to which they are kinds; others are cut into as many parts


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads off codes which kind an example is of. kinds: how many there are."""

    model: Pipeline
    kinds: int

    @classmethod
    def of(cls, codes: Array, values: Array) -> "Reader":
        """The reader that learns from codes (n, D) of examples with these values (n,), of which NaN is not known."""
        known = np.isfinite(values.astype(np.float64))
        kinds = kinds_of(values[known].astype(np.float64))
        network = MLPClassifier((HIDDEN,), max_iter=PASSES, learning_rate_init=RATE, random_state=0)
        model = make_pipeline(StandardScaler(), network)
        with hushed(ConvergenceWarning), one_thread():
            model.fit(codes[known], kinds)
        return cls(model, len(network.classes_))

    def shares(self, codes: Array) -> Array:
        """How likely each kind is, for codes (m, D): (m, kinds)."""
        found = self.model.predict_proba(codes).astype(np.float64).clip(LEAST)
        return np.asarray(found / found.sum(axis=1, keepdims=True))


@dataclass(frozen=True, slots=True, eq=False)
class Guide:
    """What chooses moves.

    step: (D,) from lacking to having. spread: (D,) the codes' deviations. has: who reads whether it is there. kept: who reads
    what is to stay, by name. apart: (1 + k, D) the step of examples by the shares of their kinds but the first of each.
    """

    step: Array
    spread: Array
    has: Reader
    kept: Mapping[str, Reader]
    apart: Array

    @classmethod
    def of(cls, codes: Array, step: Array, has: Mask, lacks: Mask, kept: Mapping[str, Array]) -> "Guide":
        """The guide along a step, of codes (n, D) whose attributes (n,) are known. Raises ConfigError for one of one value."""
        codes, rows = codes.astype(np.float64), has | lacks
        for name, values in kept.items():
            if len(np.unique(values[np.isfinite(values.astype(np.float64))])) < 2:
                raise ConfigError(f"{name} has one value only: there is nothing to keep. Leave it out.")
        readers = {name: Reader.of(codes, values) for name, values in kept.items()}
        spread = codes.std(axis=0)
        design = _design(codes, readers)
        slopes = [np.linalg.lstsq(design[side], codes[side], rcond=None)[0] for side in (has, lacks)]
        return cls(
            np.asarray(step, np.float64), spread, Reader.of(codes[rows], has[rows]), readers, np.asarray(slopes[0] - slopes[1])
        )

    def steps(self, space: Encoded, z: Array, seed: int = 0) -> NDArray[np.float32]:
        """The move (m, D) of each code (m, D)."""
        if space.encode is None:
            raise ConfigError("a guided graft encodes again what it decodes; this space encodes nothing.")
        rng = np.random.default_rng(seed)
        z = z.astype(np.float64)
        before = {name: reader.shares(self._again(space, z)) for name, reader in self.kept.items()}
        own = _design(z, self.kept) @ self.apart
        best, least = np.zeros_like(z), np.full(len(z), np.inf)
        tried = [strength * way for strength in STRENGTHS for way in (np.broadcast_to(self.step, z.shape), own)]
        for _ in range(1 + ROUNDS):
            for move in tried:
                cost = self._cost(space, z, move, before)
                better = cost < least
                best, least = np.where(better[:, None], move, best), np.where(better, cost, least)
            tried = [best + BESIDE * self.spread * rng.normal(size=z.shape) for _ in range(TRIES)]
        return best.astype(np.float32)

    def _cost(self, space: Encoded, z: Array, move: Array, before: Mapping[str, Array]) -> Array:
        """What each move (m, D) of codes (m, D) costs, in nats: (m,)."""
        codes = self._again(space, z + move)
        cost = -np.log(self.has.shares(codes)[:, 1])
        for name, reader in self.kept.items():
            cost = cost + (before[name] * np.log(before[name] / reader.shares(codes))).sum(axis=1)
        found: Array = cost + LONG * np.square(move / np.where(self.spread > 0, self.spread, 1.0)).mean(axis=1)
        return found

    def _again(self, space: Encoded, z: Array) -> Array:
        """The codes (m, D) of what codes (m, D) decode to."""
        assert space.encode is not None
        return space.encode(space.decode(z.astype(np.float32)))[0].astype(np.float64)


def kinds_of(values: Array) -> Array:
    """Values (n,) as kinds 0, 1, …: their own, where they are few, otherwise which quarter of them all they are in."""
    levels, kinds = np.unique(values, return_inverse=True)
    if len(levels) <= LEVELS:
        return np.asarray(kinds)
    return np.searchsorted(np.quantile(values, np.arange(1, QUARTERS) / QUARTERS), values, side="right")


def _design(codes: Array, readers: Mapping[str, Reader]) -> Array:
    """1, and how likely each kind but the first of each attribute is, for codes (m, D): (m, 1 + k)."""
    return np.concatenate([np.ones((len(codes), 1)), *(reader.shares(codes)[:, 1:] for reader in readers.values())], axis=1)
