"""Named ways to put the parts together: an autoencoder of the literature is a row of this table.

A recipe says what the encoder gives (a Gaussian or a point), what is minimised, and what is done to the input. Networks,
likelihood and number of dimensions are chosen beside it, so that two recipes can be compared with all else equal.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any, Literal

import torch

from latentwalk.data.corruption import Corruption
from latentwalk.data.dataset import DataSpec
from latentwalk.data.scaling import Scaling
from latentwalk.errors import ConfigError, unknown
from latentwalk.models.conditional import Conditional
from latentwalk.models.latent_model import LatentModel
from latentwalk.models.likelihood import Likelihood
from latentwalk.models.objective import (
    Objective,
    Schedule,
    constant,
    elbo,
    importance_weighted,
    reconstruction,
)
from latentwalk.models.posterior import DiagonalGaussian, Point
from latentwalk.models.prior import StandardNormal
from latentwalk.networks.build import Network

__all__ = ["RECIPES", "Recipe", "assemble", "recipe_named"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """One family of autoencoders.

    posterior: "gaussian" or "point". objective: "elbo", "reconstruction" or "importance_weighted". beta: weight of the KL, a
    number or a Schedule. free_nats: see `elbo`. sparsity: see `reconstruction`. draws: codes drawn for each input while
    training. corruption: noise put on the input, whose clean version is the target.
    generative: whether the recipe trains its codes to fill N(0, I), so that drawing from it makes sense.
    """

    name: str
    posterior: Literal["gaussian", "point"] = "gaussian"
    objective: Literal["elbo", "reconstruction", "importance_weighted"] = "elbo"
    beta: float | Schedule = 1.0
    free_nats: float = 0.0
    sparsity: float = 0.0
    draws: int = 1
    corruption: Corruption | None = None
    generative: bool = False
    source: str = ""

    def __post_init__(self) -> None:
        if self.posterior not in ("gaussian", "point"):
            raise unknown("posterior", self.posterior, ("gaussian", "point"))
        if self.objective not in ("elbo", "reconstruction", "importance_weighted"):
            raise unknown("objective", self.objective, ("elbo", "reconstruction", "importance_weighted"))
        if self.posterior == "point" and self.objective != "reconstruction":
            raise ConfigError(f"objective={self.objective!r} needs posterior='gaussian': a point has no KL to the prior.")
        if self.draws < 1:
            raise ConfigError(f"draws={self.draws}: at least one code must be drawn for each input.")
        if min(self.free_nats, self.sparsity) < 0:
            raise ConfigError(f"free_nats={self.free_nats} and sparsity={self.sparsity} cannot be negative.")
        self.schedule()

    def schedule(self) -> Schedule:
        """beta as a function of time."""
        return self.beta if isinstance(self.beta, Schedule) else constant(self.beta)

    def loss(self) -> Objective:
        """What training makes small."""
        match self.objective:
            case "elbo":
                return partial(elbo, beta=self.schedule(), free_nats=self.free_nats)
            case "importance_weighted":
                return importance_weighted
            case _:
                return partial(reconstruction, sparsity=self.sparsity)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """scikit-learn's protocol, so that `clone` and `GridSearchCV` see into a recipe (`recipe__beta`)."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def with_params(self, params: Mapping[str, Any]) -> "Recipe":
        """A copy with some fields changed. Raises ConfigError for a field it does not have."""
        known = self.get_params()
        for name in params:
            if name not in known:
                raise unknown("recipe option", name, known)
        return replace(self, **params)


RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe("ae", "point", "reconstruction", source="Hinton & Salakhutdinov 2006"),
        Recipe("denoising", "point", "reconstruction", corruption=Corruption(), source="Vincent et al. 2010"),
        Recipe("vae", generative=True, source="Kingma & Welling 2014"),
        Recipe("vae-without-kl", beta=0.0, source="what is left of a VAE when its loss is only reconstruction"),
        Recipe("iwae", objective="importance_weighted", draws=5, generative=True, source="Burda et al. 2016"),
    )
}


def recipe_named(recipe: str | Recipe) -> Recipe:
    """The recipe of that name; a Recipe is given back as it is. Raises ConfigError."""
    if isinstance(recipe, Recipe):
        return recipe
    if not isinstance(recipe, str) or recipe not in RECIPES:
        raise unknown("recipe", recipe, RECIPES)
    return RECIPES[recipe]


def assemble(
    recipe: Recipe, spec: DataSpec, network: Network, likelihood: Likelihood, latent: int, scaling: Scaling
) -> LatentModel:
    """The untrained model of a recipe for data like `spec`, with `latent` dimensions."""
    code = DiagonalGaussian() if recipe.posterior == "gaussian" else Point()
    data = likelihood.head(spec.event)
    encoder = Conditional(network.encoder(spec, (code.each * latent,)), code, given=len(spec.event))
    decoder = Conditional(network.decoder(spec, latent, data.each), data, given=1)
    model = LatentModel(scaling, encoder, StandardNormal(latent), decoder)
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # convolutions on a CPU prefer it
