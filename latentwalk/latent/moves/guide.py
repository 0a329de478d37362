"""Steps that are watched: for each example the move after which it is read to have what it should, and all else as before.

A step that is right on average is too short for one example and too long for another, and where codes bend it turns other
things with it. So several moves are tried for each:

    the step, at several strengths
    the step of examples with just these attributes, at several strengths: a network that learnt which code goes with which
        attributes says where they would lie with it, and where without (a counterfactual, which knows interactions)
    ways to where they would lie with it
    moves beside the best one so far, a small way off

Each is decoded, and encoded again; classifiers that learnt from codes who has what read the result. The move costs what it
leaves to be desired, -2 log p(has it), what it changes of the rest, the KL of each attribute's reading from that before, and a
little for its length; the cheapest is taken. Nothing here knows what an example is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from latentwalk.arrays import Array
from latentwalk.errors import ConfigError
from latentwalk.latent.encoded import Encoded
from latentwalk.surroundings import hushed
from latentwalk.training.runtime import one_thread

__all__ = ["Guide", "Reader"]

Mask = NDArray[np.bool_]
STRENGTHS = (0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
NEAR = (0.0, 0.5, 0.75)  # of what is an example's own, beside its attributes: the share that stays
ROUNDS, TRIES = 5, 8  # in which moves beside the best one are tried, and how many
WANTED = 2.0  # how much more what is wanted counts than what is to stay
BESIDE = 0.35  # of the codes' deviation: how far beside
LONG = 0.05  # nats for a move as long as the codes' deviation
HAS = 1  # the kind that has it; 0 lacks it, and what is on neither side is 2
LEAST = 1e-6  # a share that no reading is below
HIDDEN, PASSES, RATE = 64, 80, 3e-3  # units of a network, passes over the codes, and how fast it learns
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

    def read(self, codes: Array) -> Array:
        """The likeliest kind, for codes (m, D), as a row that is 1 there: (m, kinds)."""
        return np.eye(self.kinds)[self.shares(codes).argmax(axis=1)]

    def shares(self, codes: Array) -> Array:
        """How likely each kind is, for codes (m, D): (m, kinds)."""
        found = self.model.predict_proba(codes).astype(np.float64).clip(LEAST)
        return np.asarray(found / found.sum(axis=1, keepdims=True))


@dataclass(frozen=True, slots=True, eq=False)
class Guide:
    """What chooses moves.

    step: (D,) from lacking to having. spread: (D,) the codes' deviations. has: who reads whether it is there. kept: who reads
    what is to stay, by name. usual: which code, in units of `spread`, goes with having it or not and with these kinds.
    """

    step: Array
    spread: Array
    has: Reader
    kept: Mapping[str, Reader]
    usual: MLPRegressor

    @classmethod
    def of(cls, codes: Array, step: Array, has: Mask, lacks: Mask, others: Mask, kept: Mapping[str, Array]) -> "Guide":
        """The guide along a step, of codes (n, D) whose attributes (n,) are known. Raises ConfigError for one of one value.

        others: examples on neither side, which have something else (the future, from the present to the past).
        """
        codes, rows = codes.astype(np.float64), has | lacks
        spread = codes.std(axis=0)
        spread = np.where(spread > 0, spread, 1.0)
        for name, values in kept.items():
            if len(np.unique(values[np.isfinite(values.astype(np.float64))])) < 2:
                raise ConfigError(f"{name} has one value only: there is nothing to keep. Leave it out.")
        readers = {name: Reader.of(codes, values) for name, values in kept.items()}
        usual = MLPRegressor(hidden_layer_sizes=(2 * HIDDEN,), max_iter=PASSES, learning_rate_init=RATE, random_state=0)
        with hushed(ConvergenceWarning), one_thread():
            usual.fit(_design(has[rows], [reader.read(codes[rows]) for reader in readers.values()]), codes[rows] / spread)
        side = np.where(has, HAS, np.where(lacks, 0.0, np.where(others, 2.0, np.nan)))
        return cls(np.asarray(step, np.float64), spread, Reader.of(codes, side), readers, usual)

    def steps(self, space: Encoded, z: Array, seed: int = 0) -> NDArray[np.float32]:
        """The move (m, D) of each code (m, D), which depends on no other."""
        if space.encode is None:
            raise ConfigError("a guided graft encodes again what it decodes; this space encodes nothing.")
        rng = np.random.default_rng(seed)
        z = z.astype(np.float64)
        before = {name: reader.shares(self._again(space, z)) for name, reader in self.kept.items()}
        kinds = [reader.read(z) for reader in self.kept.values()]
        there, here = (self.usual.predict(_design(np.full(len(z), side), kinds)) * self.spread for side in (1, 0))
        best, least = np.zeros_like(z), np.full(len(z), np.inf)
        ways = (np.broadcast_to(self.step, z.shape), there - here)
        tried = [strength * way for strength in STRENGTHS for way in ways]
        tried += [there + share * (z - here) - z for share in NEAR]
        for _ in range(1 + ROUNDS):
            for move in tried:
                cost = self._cost(space, z, move, before)
                better = cost < least
                best, least = np.where(better[:, None], move, best), np.where(better, cost, least)
            tried = [best + BESIDE * self.spread * rng.normal(size=z.shape[1]) for _ in range(TRIES)]
        return best.astype(np.float32)

    def seen(self, space: Encoded, z: Array) -> Array:
        """How likely each code (m, D) is read to have it, once it is decoded and encoded again: (m,), in [0, 1]."""
        return np.asarray(self.has.shares(self._again(space, z))[:, HAS])

    def _cost(self, space: Encoded, z: Array, move: Array, before: Mapping[str, Array]) -> Array:
        """What each move (m, D) of codes (m, D) costs, in nats: (m,)."""
        codes = self._again(space, z + move)
        cost = -WANTED * np.log(self.has.shares(codes)[:, HAS])
        for name, reader in self.kept.items():
            cost = cost + (before[name] * np.log(before[name] / reader.shares(codes))).sum(axis=1)
        found: Array = cost + LONG * np.square(move / self.spread).mean(axis=1)
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


def _design(has: Array, kinds: Sequence[Array]) -> Array:
    """What a code is expected by: whether it is there (m,), and the kinds of all else (m, k) each."""
    return np.concatenate([has[:, None].astype(np.float64), *kinds], axis=1)
