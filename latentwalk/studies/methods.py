"""The methods that studies put side by side, autoencoders and their rivals, and the one way in which each is tried.

    pca          the flat subspace of most variance (Jolliffe 2002); whitened, its own N(0, I) is the Gaussian with the codes'
                 moments (Tipping & Bishop 1999)
    kernel-pca   the same behind a Gaussian kernel (Schölkopf et al. 1998), with kernel ridge regression for the way back
    umap         neighbourhoods laid out anew (McInnes et al. 2018); it knows no way back

Kernel PCA takes memory and time with the square and the cube of the rows, and UMAP takes minutes from ten thousand rows on:
they learn from at most `LEARNT` rows drawn at random.
"""

import importlib
import importlib.util
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA, IncrementalPCA, KernelPCA
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics.pairwise import euclidean_distances

from latentwalk.arrays import Array
from latentwalk.data.dataset import Dataset
from latentwalk.data.rows import fits, pieces
from latentwalk.data.scaling import Scaling
from latentwalk.data.spec import DataSpec
from latentwalk.errors import ConfigError, TrainingStopped
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.latent.space import LatentSpace
from latentwalk.models.prior import NormalSampler
from latentwalk.models.recipes import RECIPES, Recipe
from latentwalk.networks.build import Network
from latentwalk.surroundings import hushed, imported

__all__ = ["INSTALL", "LEARNT", "NAMES", "RIVALS", "Family", "Rival", "Tried", "attempt"]
__all__ += ["families", "has_umap", "trained", "units"]

Map = Callable[[Array], Array]
LEARNT = {"kernel-pca": 4_000, "umap": 10_000}  # rows that a method learns from, at most
RIDGE, NARROWER = 0.1, 4.0  # of kernel PCA's way back: what was best or nearly so on digits, MNIST and a roll at D = 2 and 8
INSTALL = "UMAP is not installed. Install it with: pip install 'latentwalk[maps]', or leave 'umap' out."
NAMES = {
    "pca": "PCA",
    "kernel-pca": "Kernel PCA",
    "umap": "UMAP",
    "ae": "AE",
    "ae-conv": "Convolutional AE",
    "ae-gru": "Recurrent AE (GRU)",
    "ae-lstm": "Recurrent AE (LSTM)",
    "sparse": "Sparse AE (rate)",
    "l1-sparse": "Sparse AE (L1)",
    "k-sparse": "k-sparse AE",
    "dropout": "Dropout AE",
    "denoising": "Denoising AE",
    "contractive": "Contractive AE",
    "vae": "VAE",
    "vae-conv": "Convolutional VAE",
    "vae-without-kl": "VAE without KL",
    "denoising-vae": "Denoising VAE",
    "beta-tcvae": "beta-TCVAE",
    "iwae": "IWAE",
}


@dataclass(frozen=True, slots=True)
class Family:
    """A recipe with a network of its own, or a code as wide as it needs, where others take what the comparison says.

    network: None is the comparison's. latent: None is the comparison's.
    """

    recipe: Recipe
    network: str | Network | None = None
    latent: int | None = None


def unread(name: str, *specs: DataSpec) -> str | None:
    """Why a rival cannot learn from data like these specs; None where it can. name: one of `RIVALS`."""
    if any(spec.form.serial for spec in specs):
        return f"{NAMES[name]} reads values, and a text has units."
    return f"{NAMES[name]} knows no missing values." if any(spec.missing for spec in specs) else None


def families(spec: DataSpec) -> list["str | Family"]:
    """PCA, and every family of autoencoders that fits data like `spec`: the gallery. Sparse codes are as wide as the data.

    PCA is left out where it cannot learn.
    """
    if spec.form.serial:  # units have no values to add noise to, or to take gradients of
        kept = [recipe for recipe in RECIPES.values() if not (recipe.corruption or recipe.contraction)]
        return [Family(recipe, latent=spec.size) if recipe.latent is None else Family(recipe) for recipe in kept]
    networks = {"image": ("conv",), "signal": ("conv", "gru", "lstm"), "roll": ("lstm",), "sound": ("conv",)}.get(spec.kind, ())
    other = [Family(replace(RECIPES["ae"], name=f"ae-{kind}"), kind) for kind in networks]
    rest = [Family(recipe, latent=spec.size) if recipe.latent is None else Family(recipe) for recipe in RECIPES.values()]
    found: list[str | Family] = ["pca", *rest[:1], *other, *rest[1:]]
    if spec.form.pictured:
        found.append(Family(replace(RECIPES["vae"], name="vae-conv"), "conv"))
    return found if unread("pca", spec) is None else found[1:]


@dataclass(frozen=True, slots=True, eq=False)
class Tried:
    """A method that has learnt, and the space of the rows it was then shown.

    seconds: of learning; the first UMAP of a process compiles itself in them. shown_in: seconds of encoding those rows.
    """

    fitted: "Autoencoder | Rival"
    space: LatentSpace
    seconds: float
    shown_in: float = 0.0

    @property
    def model(self) -> Autoencoder | None:
        """None for a rival."""
        return self.fitted if isinstance(self.fitted, Autoencoder) else None

    @property
    def method(self) -> str:
        """The name of the recipe or the rival."""
        return self.fitted.name if isinstance(self.fitted, Rival) else self.fitted.recipe_.name

    @property
    def title(self) -> str:
        """The name people read."""
        return NAMES.get(self.method, self.method)

    @property
    def latent(self) -> int:
        """D, the number of dimensions."""
        return self.space.dim

    @property
    def stopped(self) -> bool:
        """Whether Ctrl-C ended the learning early."""
        return self.model is not None and self.model.interrupted_


def attempt(fit: "Callable[[], Autoencoder | Rival]", shown: Dataset, held_out: NDArray[np.bool_] | None = None) -> Tried:
    """Let a method learn, then encode `shown`. held_out: which of these rows it has not learnt from."""
    start = time.perf_counter()
    fitted = fit()
    learnt = time.perf_counter()
    space = fitted.space(shown, held_out=held_out)
    return Tried(fitted, space, learnt - start, time.perf_counter() - learnt)


def trained(model: Autoencoder, data: Dataset, checkpoint: Path | None = None, *, whole: bool = True) -> Autoencoder:
    """The model, fitted. Ctrl-C raises KeyboardInterrupt, for what compares half-trained models compares nothing, or unless
    `whole` leaves it as good as it was by then.
    """
    with hushed(TrainingStopped):
        model.fit(data, checkpoint=checkpoint)
    if whole and model.interrupted_:
        raise KeyboardInterrupt
    return model


# ---------------------------------------------------------------------- rivals


@dataclass(frozen=True, slots=True, eq=False)
class Rival:
    """A method that is no autoencoder, fitted.

    unit: what values are divided by first, broadcastable to an example; None leaves them as they are.
    forth: rows (n, *E) → codes (n, D). back: codes → flat rows in units (n, F); None where there is no way back.
    """

    name: str
    latent: int
    spec: DataSpec
    unit: NDArray[np.float32] | None
    forth: Map
    back: Map | None

    @classmethod
    def fit(
        cls,
        name: str,
        latent: int,
        train: Dataset,
        unit: NDArray[np.float32] | None = None,
        seed: int = 0,
        **options: Any,
    ) -> Self:
        """What it makes of these rows, or of `LEARNT` of them. Raises ConfigError where a package is missing.

        name: one of `RIVALS`. options: of "pca", `whiten`: codes get the deviation 1, and lose the distances of the data.
        """
        if train.spec.form.serial:
            raise ConfigError(f'{unread(name, train.spec)} Compare autoencoders alone: "ae", "vae".')
        rows = _some(len(train), LEARNT.get(name), seed)
        x = train.x if rows is None else train.x[rows]
        flat = partial(_flat, unit=unit, spec=train.spec)
        return cls(name, latent, train.spec, unit, *RIVALS[name](x, flat, latent, seed, **options))

    def flat(self, x: Array) -> Array:
        """Rows (n, *E) in units: (n, F)."""
        return _flat(x, self.unit, self.spec)

    def transform(self, x: Dataset | Array) -> NDArray[np.float32]:
        """The codes (n, D) of rows (n, *E)."""
        x = x.x if isinstance(x, Dataset) else x
        return np.asarray(self.forth(x), np.float32)

    def inverse_transform(self, z: Array) -> NDArray[np.float32]:
        """The rows (n, *E) of codes (n, D). Raises ConfigError where there is no way back."""
        if self.back is None:
            raise ConfigError(f"{NAMES[self.name]} maps rows to codes and knows no way back.")
        x = self.back(z).reshape(-1, *self.spec.shape)
        return (x if self.unit is None else x * self.unit).astype(np.float32)

    def space(self, data: Dataset, *, held_out: NDArray[np.bool_] | None = None) -> LatentSpace:
        """The latent space as these examples see it. Where values were left as they are, all columns count as numbers."""
        codes = self.transform(data)
        return LatentSpace(
            codes=codes,
            scales=np.zeros_like(codes),
            data=data.x,
            decode=self.inverse_transform,
            prior=NormalSampler(self.latent),
            labels=data.y,
            classes=data.classes,
            unit=Scaling.natural(data.x, replace(data.spec, columns=())).unit if self.unit is None else self.unit,
            held_out=held_out,
        )


def units(train: Dataset) -> NDArray[np.float32]:
    """One unit of error, broadcastable to an example (*E), read off the training rows as an autoencoder's scaling is."""
    return Scaling.natural(train.x, train.spec).unit


def has_umap() -> bool:
    """Whether the package umap-learn is there."""
    return importlib.util.find_spec("umap") is not None


def _pca(x: Array, flat: Map, latent: int, seed: int, whiten: bool = False) -> tuple[Map, Map]:
    """The linear map that keeps most of the variance; of data that does not fit into memory, one that sees each row once."""
    if fits(x):
        pca = PCA(latent, whiten=whiten, random_state=seed).fit(flat(x))
    else:
        pca = IncrementalPCA(latent, whiten=whiten)
        for _, rows in pieces(x):
            if len(rows) >= latent:  # it takes no fewer
                pca.partial_fit(flat(rows))
    return lambda rows: np.concatenate([pca.transform(flat(some)) for _, some in pieces(rows)]), pca.inverse_transform


def _kernel_pca(x: Array, flat: Map, latent: int, seed: int) -> tuple[Map, Map]:
    """Kernel PCA with a Gaussian kernel, and kernel ridge regression for the way back (Bakır et al. 2004).

    Both kernels have the median distance between points as their width, one in the data and one among the codes. (The way back
    of scikit-learn's KernelPCA uses the data's width for both, and would be far too smooth.)
    """
    x = flat(x)
    forth = KernelPCA(latent, kernel="rbf", gamma=_by_median(x, seed), random_state=seed).fit(x)
    codes, mean = forth.transform(x), x.mean(axis=0)
    back = KernelRidge(alpha=RIDGE, kernel="rbf", gamma=NARROWER * _by_median(codes, seed)).fit(codes, x - mean)
    return lambda rows: forth.transform(flat(rows)), lambda z: back.predict(z) + mean


def _umap(x: Array, flat: Map, latent: int, seed: int) -> tuple[Map, None]:
    """UMAP with its authors' settings. Its inverse is an interpolation on the plane that fails for other D; it is not used."""

    def quiet(part: Callable[[], Any]) -> Any:
        with hushed():  # of numba and of small data: nothing a user of ours could act on
            return part()

    try:
        umap = quiet(lambda: imported("umap"))
    except ImportError as error:
        raise ConfigError(INSTALL) from error
    options = {"n_components": latent, "n_neighbors": min(15, len(x) - 1), "random_state": seed, "n_jobs": 1}
    fitted = quiet(lambda: umap.UMAP(**options).fit(flat(x)))
    return lambda rows: quiet(lambda: fitted.transform(flat(rows))), None


RIVALS: dict[str, Callable[..., tuple[Map, Map | None]]] = {"pca": _pca, "kernel-pca": _kernel_pca, "umap": _umap}


def _flat(x: Array, unit: NDArray[np.float32] | None, spec: DataSpec) -> Array:
    precision: type = np.float32 if spec.form.bounded else np.float64
    found: Array = np.asarray(x) if unit is None else np.asarray(np.asarray(x, precision) / unit)
    return found.reshape(len(x), -1)


def _by_median(x: Array, seed: int) -> float:
    """gamma of a Gaussian kernel exp(-gamma d²) as wide as the median distance between (at most 1,000) rows of x."""
    rows = _some(len(x), 1_000, seed)
    squares = euclidean_distances(x if rows is None else x[rows], squared=True)
    middle = float(np.median(squares[np.triu_indices(len(squares), 1)])) or float(squares.mean())
    return 1 / middle if middle > 0 else 1.0


def _some(count: int, most: int | None, seed: int) -> NDArray[np.int64] | None:
    """`most` row numbers of `count` drawn at random, in order; None for all of them."""
    if most is None or count <= most:
        return None
    return np.sort(np.random.default_rng(seed).permutation(count)[:most])
