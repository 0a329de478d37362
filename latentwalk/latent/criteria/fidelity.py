"""Do generated examples look real, and do they look like all of the real ones? Precision, recall, density, coverage, FID.

All of it is seen in a feature space, which has a name (`features.py`), and holds there only. A real example's surroundings are
the ball around it that reaches to its k-th nearest real neighbour.

- precision: the share of generated examples that lie in the surroundings of a real one.
- recall: the share of real examples that lie in the surroundings of a generated one.
- density: in how many real surroundings a generated example lies, over k; 1 where the two are alike, and it may be more.
- coverage: the share of real examples that have a generated one in their surroundings.
- FID: the squared Fréchet distance of two Gaussians with the moments of either side.

Sources: Kynkäänniemi et al. 2019, "Improved precision and recall metric for assessing generative models"; Naeem et al. 2020,
"Reliable fidelity and diversity metrics for generative models", equations 3 to 6; Heusel et al. 2017, equation 6.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import pairwise_distances_chunked

from latentwalk.arrays import Array
from latentwalk.chance import rng_of
from latentwalk.checks import whole
from latentwalk.data.dataset import Dataset
from latentwalk.data.rows import taken
from latentwalk.errors import ConfigError, DataError
from latentwalk.latent.criteria.features import Features
from latentwalk.latent.criteria.measure import Measure, html_table, percent
from latentwalk.latent.decoded import Decoded
from latentwalk.latent.encoded import Encoded
from latentwalk.training.runtime import one_thread

__all__ = ["Fidelity", "fidelity", "frechet_distance", "prdc"]

HELD = 64  # MiB of distances held at once


@dataclass(frozen=True, slots=True)
class Fidelity:
    """How generated examples compare with real ones in the feature space `features`; see the head of this file.

    precision, recall, coverage: in [0, 1].
    density, fid: 0 or more.
    features: the name of the feature space.
    real, generated: how many examples were compared. FID falls as they grow: compare it at equal numbers, in one feature space,
        and never with a published one.
    """

    precision: float
    recall: float
    density: float
    coverage: float
    fid: float
    features: str
    real: int
    generated: int

    @property
    def reading(self) -> str:
        """What it says in plain words."""
        return (
            f"{percent(self.precision)} of the generated examples look like real ones, and {percent(self.coverage)} of the "
            f"real ones have a generated one near; density {self.density:.2f}, recall {self.recall:.2f}, FID {self.fid:.3g} "
            f"({self.features}; {self.generated:,} generated, {self.real:,} real)."
        )

    def to_json(self) -> dict[str, Any]:
        """Plain numbers and words, ready for `json.dump`."""
        return asdict(self) | {"reading": self.reading}

    def measures(self) -> list[Measure]:
        """Its five numbers, one by one, each without an interval."""
        said = {
            "precision": (self.precision, f"{percent(self.precision)} of the generated examples lie among real ones."),
            "recall": (self.recall, f"{percent(self.recall)} of the real examples lie among generated ones."),
            "density": (self.density, "How densely real examples lie where they are generated: 1 where the two are alike."),
            "coverage": (self.coverage, f"{percent(self.coverage)} of the real examples have a generated one in reach."),
        }
        seen = f"Comparable only in one feature space ({self.features}) and between as many examples ({self.generated:,})."
        shares = [
            Measure(name, value, value, value, reading, better="" if name == "density" else "higher")
            for name, (value, reading) in said.items()
        ]
        return [*shares, Measure("Fréchet distance", self.fid, self.fid, self.fid, seen, unit="FID", digits=1, better="lower")]

    def _repr_html_(self) -> str:
        return html_table(self.measures())


def fidelity(
    real: Encoded | Dataset | Array,
    generated: Decoded | Array,
    features: Features,
    *,
    k: int = 5,
    most: int = 5_000,
    seed: int = 0,
) -> Fidelity:
    """How generated examples (m, *E) compare with real ones (n, *E) in a feature space.

    real: an array, a data set, or a latent space, of which it is the rows the model was not trained on, where these are known.
    k: the neighbour that a real example's surroundings reach to. most: examples a side, drawn with `seed` where there are more.
    Raises DataError for fewer than 2 examples, other shapes, or values or features that are no numbers; ConfigError unless
    k is less than both counts.
    """
    if not isinstance(features, Features):
        raise ConfigError(f"features={features!r:.200}: expected a feature space: Features(name, function).")
    whole("most", most, "examples a side", least=2)
    x, y = _examples(real), np.asarray(getattr(generated, "x", generated))
    for name, side in (("real", x), ("generated", y)):
        if not np.ndim(side) or side.dtype.kind not in "biuf":
            raise DataError(f"{name}: expected examples (n, *E) as numbers, got {side.dtype} of shape {side.shape}.")
    if y.shape[1:] != x.shape[1:]:
        raise DataError(f"generated examples are of shape {y.shape[1:]}, real ones of shape {x.shape[1:]}: nothing to compare.")
    rng = rng_of(seed)
    a, b = features(_some(x, most, rng, "real")), features(_some(y, most, rng, "generated"))
    return Fidelity(*prdc(a, b, k), frechet_distance(a, b), features.name, len(a), len(b))


def prdc(real: Array, generated: Array, k: int = 5) -> tuple[float, float, float, float]:
    """Precision, recall, density and coverage of features (m, F) against real ones (n, F).

    Raises ConfigError unless 1 <= k < n and k < m; DataError for sides of different width, or NaN.
    """
    real, generated = _sides(real, generated)
    fewest = min(len(real), len(generated))
    if isinstance(k, bool) or not (isinstance(k, (int, np.integer)) and 1 <= k < fewest):
        raise ConfigError(
            f"k={k!r}: expected a whole number, at least 1 and less than the {fewest} examples of the smaller side."
        )
    with one_thread():
        reach, reached = _reach(real, k), _reach(generated, k)
        precise = dense = 0
        recalled, covered = np.zeros(len(real), bool), np.zeros(len(real), bool)
        start = 0
        for apart in pairwise_distances_chunked(generated, real, working_memory=HELD):  # (some, n)
            inside = apart < reach
            precise += int(inside.any(axis=1).sum())
            dense += int(inside.sum())
            covered |= inside.any(axis=0)
            recalled |= (apart < reached[start : start + len(apart), None]).any(axis=0)
            start += len(apart)
    return precise / len(generated), float(recalled.mean()), dense / (k * len(generated)), float(covered.mean())


def frechet_distance(a: Array, b: Array) -> float:
    """|mean_a - mean_b|² + tr(C_a + C_b - 2 (C_a C_b)^1/2) of features a (n, F) and b (m, F), at least 0.

    The squared Fréchet (2-Wasserstein) distance of the Gaussians with these moments. With centred X / sqrt(n - 1) = QR, C is
    R'R, and the trace of the root is the sum of the singular values of R_a R_b': the covariances are never formed, so that
    nothing is squared and lost where they have no full rank.
    Raises DataError for sides of different width, fewer than 2 rows, or NaN.
    Source: Dowson & Landau 1982; Heusel et al. 2017, equation 6.
    """
    a, b = _sides(a, b)
    with one_thread():
        roots = [_root(side) for side in (a, b)]
        shared = np.linalg.svd(roots[0] @ roots[1].T, compute_uv=False).sum()
    apart = ((a.mean(axis=0) - b.mean(axis=0)) ** 2).sum()
    return max(0.0, float(apart + sum((root**2).sum() for root in roots) - 2 * shared))


# ---------------------------------------------------------------------- inside


def _root(x: Array) -> Array:
    """R (at most F, F) with R'R the covariance of x (n, F)."""
    return np.asarray(np.linalg.qr((x - x.mean(axis=0)) / np.sqrt(len(x) - 1), mode="r"))


def _reach(x: Array, k: int) -> NDArray[np.float64]:
    """How far it is from each of x (n, F) to its k-th nearest other: (n,)."""
    chunks = pairwise_distances_chunked(
        x,
        reduce_func=lambda apart, _: np.partition(apart, k, axis=1)[:, k],  # the nearest, at 0, is the example itself
        working_memory=HELD,
    )
    return np.concatenate(list(chunks))


def _examples(real: Encoded | Dataset | Array) -> Array:
    if isinstance(real, Dataset):
        return real.x
    if not isinstance(real, Encoded):
        return np.asarray(real)
    return real.data if real.held_out is None else taken(real.data, real.unseen)


def _some(x: Array, most: int, rng: np.random.Generator, what: str) -> Array:
    """At most `most` of the examples (n, *E), in their order."""
    rows = np.sort(rng.permutation(len(x))[:most])
    some = np.asarray(taken(x, rows))
    if some.dtype.kind == "f" and not np.isfinite(some).all():
        bad = rows[~np.isfinite(some.reshape(len(some), -1)).all(axis=1)]
        raise DataError(f"{len(bad)} of the {what} examples hold NaN or infinity, the first in row {bad[0]}.")
    return some


def _sides(a: Array, b: Array) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Features of two sides, in float64, less the mean of the first: distances far from 0 would be rounded."""
    for side in (a, b):
        if side.ndim != 2 or len(side) < 2:
            raise DataError(f"expected features (n, F) of at least 2 examples, got shape {side.shape}.")
        if not np.isfinite(side).all():
            raise DataError("features hold NaN or infinity; distances need numbers.")
    if a.shape[1] != b.shape[1]:
        raise DataError(f"one side has {a.shape[1]} features, the other {b.shape[1]}: they are not of one feature space.")
    centre = a.mean(axis=0, dtype=np.float64)
    return a - centre, b - centre
