"""Several recipes, and PCA, on the same data, with the same networks and from the same seed, side by side."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike

from latentwalk.checks import MADE, one_of, several, whole
from latentwalk.data.dataset import Dataset, join
from latentwalk.data.halves import parts
from latentwalk.errors import ConfigError, DataError
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.latent.criteria.continuity import FEWEST_TO_STEP
from latentwalk.latent.criteria.region import FEWEST_TO_TELL
from latentwalk.models.recipes import RECIPES, Recipe, recipe_named
from latentwalk.models.sparsity import activity
from latentwalk.studies.judgement import Judgement, judge
from latentwalk.studies.methods import Family, Rival, Tried, attempt, trained, unread

__all__ = ["Comparison", "Entry", "check_enough", "check_recipes"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One member of a comparison: a method that was tried, and what was measured of its space."""

    tried: Tried
    judgement: Judgement


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
        recipes, dims = several("recipes", self.recipes, "recipes"), several("latent", self.latent, "numbers of dimensions")
        if not recipes or not dims:
            raise ConfigError("a comparison needs at least one recipe and one number of dimensions.")
        check_recipes(recipes)
        for dim in dims:
            whole("latent", dim, "dimensions", least=1, most=MADE)
        train, test = parts(train, test, self.options.get("random_state"))
        check_enough(train, test)
        most = min(len(train), train.spec.size)
        why = unread("pca", train.spec, test.spec)
        if "pca" in recipes and why:
            filled = ", or fill them first: Autoencoder().fit(X).impute(X)" if train.spec.missing or test.spec.missing else ""
            raise DataError(f"{why} Leave 'pca' out{filled}.")
        if "pca" in recipes and max(dims) > most:
            raise ConfigError(f"latent={max(dims)}: the data has {most} principal components. Use fewer, or no 'pca'.")
        both, held_out = join(train, test), np.arange(len(train) + len(test)) >= len(train)
        for latent in dims:
            for recipe in recipes:
                tried = attempt(partial(self._fitted, recipe, latent, train), both, held_out)
                yield Entry(tried, _judged(tried))

    def table(self) -> list[dict[str, Any]]:
        """One row an entry, numbers only, ready for `pandas.DataFrame`."""
        return [
            {
                "model": entry.tried.title,
                "latent": entry.tried.latent,
                "error": entry.judgement.error,
                **{measure.title: measure.value for measure in entry.judgement.measures.values()},
                "class accuracy": entry.judgement.class_accuracy,
                "active": entry.judgement.active,
                "seconds": entry.tried.seconds,
            }
            for entry in self.entries_
        ]

    def _fitted(self, recipe: Any, latent: int, train: Dataset) -> Autoencoder | Rival:
        if recipe == "pca":
            return Rival.fit("pca", latent, train, whiten=True)
        family = recipe if isinstance(recipe, Family) else Family(recipe)
        network = {} if family.network is None else {"network": family.network}
        recipe = replace(recipe_named(family.recipe), denoiser=False)  # codes are compared, and it takes minutes
        return trained(Autoencoder(recipe, latent=family.latent or latent, **{**self.options, **network}), train)


def _judged(tried: Tried) -> Judgement:
    """The judgement of a space, and of a sparse code how much of it speaks."""
    judged = judge(tried.space)
    if tried.model is None or tried.model.recipe_.sparsity is None:
        return judged
    return replace(judged, speaking=activity(torch.from_numpy(tried.space.codes))[1])


def check_recipes(recipes: Sequence[Any]) -> None:
    """Raise ConfigError for an unknown name now, not after the recipes before it were trained."""
    known = ["pca", *RECIPES]
    for recipe in recipes:
        if not isinstance(recipe, (Recipe, Family)):
            one_of("recipe", recipe, known)


def check_enough(train: Dataset, test: Dataset) -> None:
    """Raise DataError where there are too few rows to judge by."""
    if len(train) + len(test) < FEWEST_TO_TELL:
        raise DataError(f"{len(train) + len(test)} rows are too few to judge by: at least {FEWEST_TO_TELL} are needed.")
    if len(test) < FEWEST_TO_STEP:
        raise DataError(f"{len(test)} held-out rows are too few to judge by: at least {FEWEST_TO_STEP} are needed.")
