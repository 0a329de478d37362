"""Where a latent space came from: the options and the history of its model, so that advice can name what to change."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from latentwalk.models.likelihood import Likelihood
from latentwalk.models.recipes import Recipe
from latentwalk.networks.build import Network
from latentwalk.training.history import Epoch

__all__ = ["Origin"]


@dataclass(frozen=True, slots=True)
class Origin:
    """What a model was made of and how it learnt.

    epochs: how many were asked for. history: those it did, () where that is not known.
    """

    recipe: Recipe
    network: Network = field(default_factory=Network)
    likelihood: Likelihood | None = None
    epochs: int = 20
    learning_rate: float = 1e-3
    history: Sequence[Epoch] = ()

    @property
    def beta(self) -> float:
        """The weight of the KL once every schedule is at its end; 1 for a bound that has no such weight."""
        return float(self.recipe.schedule().value) if self.recipe.objective == "elbo" else 1.0
