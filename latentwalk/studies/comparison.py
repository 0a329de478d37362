"""Several recipes, and PCA, on the same data, with the same networks and from the same seed, side by side."""

import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.decomposition import PCA, IncrementalPCA

from latentwalk.data.dataset import Dataset, join
from latentwalk.data.halves import parts
from latentwalk.data.rows import fits, pieces
from latentwalk.data.scaling import Scaling
from latentwalk.data.spec import DataSpec
from latentwalk.errors import ConfigError, DataError, TrainingStopped, unknown
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.latent.criteria.completeness import FEWEST_TO_TELL
from latentwalk.latent.criteria.continuity import FEWEST_TO_STEP
from latentwalk.latent.space import LatentSpace
from latentwalk.models.prior import NormalSampler
from latentwalk.models.recipes import RECIPES, Recipe
from latentwalk.models.sparsity import activity
from latentwalk.networks.build import Network
from latentwalk.studies.judgement import Judgement, judge

__all__ = ["NAMES", "Comparison", "Entry", "Family", "check_enough", "check_recipes", "families", "pca_space", "trained"]

NAMES = {
    "pca": "PCA",
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


def families(spec: DataSpec) -> list["str | Family"]:
    """PCA, and every family of autoencoders that fits data like `spec`: the gallery. Sparse codes are as wide as the data.

    PCA knows no missing values, and is left out where some are.
    """
    networks = {"image": ("conv",), "signal": ("conv", "gru", "lstm"), "table": ()}[spec.kind]
    other = [Family(replace(RECIPES["ae"], name=f"ae-{kind}"), kind) for kind in networks]
    rest = [Family(recipe, latent=spec.size) if recipe.latent is None else Family(recipe) for recipe in RECIPES.values()]
    found: list[str | Family] = ["pca", *rest[:1], *other, *rest[1:]]
    if spec.kind == "image":
        found.append(Family(replace(RECIPES["vae"], name="vae-conv"), "conv"))
    return found[1:] if spec.missing else found


@dataclass(frozen=True, slots=True)
class Entry:
    """One member of a comparison. model: None for PCA. seconds: of training."""

    recipe: str
    latent: int
    model: Autoencoder | None
    space: LatentSpace
    judgement: Judgement
    seconds: float

    @property
    def title(self) -> str:
        """The name people read."""
        return NAMES.get(self.recipe, self.recipe)


class Comparison:
    """Recipes x numbers of dimensions on the same data, everything else equal, and each one judged.

    recipes: names, `Recipe`s, or `Family`s (see `families` for all of them); "pca" is scikit-learn's PCA, whitened, so that its
    own N(0, I) is the Gaussian with the codes' moments (Tipping & Bishop 1999). latent: numbers of dimensions. options: as of
    `Autoencoder`.

    Learned: entries_ (a list of `Entry`), in order of `latent`, then `recipes`.

    >>> data = Dataset.of(np.random.default_rng(0).normal(size=(400, 4)))
    >>> Comparison(["pca", "ae"], latent=[2], epochs=2, random_state=0).fit(data).table()[0]["model"]
    'PCA'
    """

    def __init__(
        self, recipes: Sequence[Any] = ("pca", "ae", "vae-without-kl", "vae"), *, latent: Sequence[int] = (2, 8), **options: Any
    ) -> None:
        self.recipes = recipes
        self.latent = latent
        self.options = options

    def fit(self, train: Dataset | ArrayLike, test: Dataset | ArrayLike | None = None) -> Self:
        """Train and judge every member on data sets, or arrays (n, *E).

        Without `test`, a tenth of the rows (at least 20) is held out to judge by.
        """
        self.entries_ = list(self.each(train, test))
        return self

    def each(self, train: Dataset | ArrayLike, test: Dataset | ArrayLike | None = None) -> Iterator[Entry]:
        """The same, one finished entry at a time, for who wants to show or save them as they come."""
        if not self.recipes or not len(self.latent):
            raise ConfigError("a comparison needs at least one recipe and one number of dimensions.")
        check_recipes(self.recipes)
        train, test = parts(train, test, self.options.get("random_state"))
        check_enough(train, test)
        most = min(len(train), train.spec.size)
        if "pca" in self.recipes and (train.spec.missing or test.spec.missing):
            raise DataError("PCA knows no missing values. Leave 'pca' out, or fill them first: Autoencoder().fit(X).impute(X).")
        if "pca" in self.recipes and max(self.latent) > most:
            raise ConfigError(f"latent={max(self.latent)}: the data has {most} principal components. Use fewer, or no 'pca'.")
        both, held_out = join(train, test), np.arange(len(train) + len(test)) >= len(train)
        for latent in self.latent:
            for recipe in self.recipes:
                yield self._entry(recipe, latent, train, both, held_out)

    def table(self) -> list[dict[str, Any]]:
        """One row an entry, numbers only, ready for `pandas.DataFrame`."""
        return [
            {
                "model": entry.title,
                "latent": entry.latent,
                "error": entry.judgement.error,
                "continuity": entry.judgement.continuity.value,
                **{f"completeness, {source}": m.value for source, m in entry.judgement.completeness.items()},
                "class accuracy": entry.judgement.class_accuracy,
                "active": entry.judgement.active,
                "seconds": entry.seconds,
            }
            for entry in self.entries_
        ]

    def _entry(self, recipe: Any, latent: int, train: Dataset, both: Dataset, held_out: NDArray[np.bool_]) -> Entry:
        options = dict(self.options)
        if isinstance(recipe, Family):
            latent = recipe.latent or latent
            options |= {} if recipe.network is None else {"network": recipe.network}
            recipe = recipe.recipe
        start = time.perf_counter()
        fitted = _pca(latent, train) if recipe == "pca" else trained(Autoencoder(recipe, latent=latent, **options), train)
        seconds = time.perf_counter() - start
        if isinstance(fitted, (PCA, IncrementalPCA)):
            space = pca_space(fitted, both, held_out)
            return Entry("pca", latent, None, space, judge(space), seconds)
        space = fitted.space(both, held_out=held_out)
        judged = judge(space)
        if fitted.recipe_.sparsity is not None:
            judged = replace(judged, speaking=activity(torch.from_numpy(space.codes))[1])
        return Entry(fitted.recipe_.name, space.dim, fitted, space, judged, seconds)


def check_recipes(recipes: Sequence[Any]) -> None:
    """Raise ConfigError for an unknown name now, not after the recipes before it were trained."""
    known = ["pca", *RECIPES]
    for recipe in recipes:
        if not isinstance(recipe, (Recipe, Family)) and recipe not in known:
            raise unknown("recipe", recipe, known)


def _pca(latent: int, data: Dataset) -> PCA:
    """Whitened PCA; of data that does not fit into memory, an approximation that sees each row once."""
    if fits(data.x):
        return PCA(latent, whiten=True, random_state=0).fit(np.asarray(data.x).reshape(len(data), -1))
    pca = IncrementalPCA(latent, whiten=True)
    for _, rows in pieces(data.x):
        if len(rows) >= latent:  # it takes no fewer
            pca.partial_fit(rows.reshape(len(rows), -1))
    return pca


def trained(model: Autoencoder, data: Dataset, checkpoint: Path | None = None) -> Autoencoder:
    """The model, fitted to the end: Ctrl-C raises KeyboardInterrupt, for what compares half-trained models compares nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TrainingStopped)
        model.fit(data, checkpoint=checkpoint)
    if model.interrupted_:
        raise KeyboardInterrupt
    return model


def pca_space(pca: PCA, data: Dataset, held_out: NDArray[np.bool_] | None = None) -> LatentSpace:
    """The latent space of a fitted, whitened PCA."""
    shape = data.x.shape[1:]
    standard = replace(data.spec, columns=())  # columns of mixed kinds as well: PCA knows none
    return LatentSpace(
        codes=np.concatenate([pca.transform(x.reshape(len(x), -1)).astype(np.float32) for _, x in pieces(data.x)]),
        scales=np.zeros((len(data), pca.n_components_), np.float32),
        data=data.x,
        decode=lambda z: pca.inverse_transform(z).reshape(-1, *shape).astype(np.float32),
        prior=NormalSampler(pca.n_components_),
        labels=data.y,
        classes=data.classes,
        unit=Scaling.fit(data.x, standard, "unit" if data.spec.kind == "image" else "standard").unit,
        held_out=held_out,
    )


def check_enough(train: Dataset, test: Dataset) -> None:
    """Raise DataError where there are too few rows to judge by."""
    if len(train) + len(test) < FEWEST_TO_TELL:
        raise DataError(f"{len(train) + len(test)} rows are too few to judge by: at least {FEWEST_TO_TELL} are needed.")
    if len(test) < FEWEST_TO_STEP:
        raise DataError(f"{len(test)} held-out rows are too few to judge by: at least {FEWEST_TO_STEP} are needed.")
