"""The model: p(x, z) = p(z) p(x | z), with q(z | x) to find the codes. A newcomer starts here.

Encode x to a distribution over codes, draw from it (reparameterised, so that gradients flow through the draw), decode each
draw to a distribution over data. A plain autoencoder is the same with an encoder that gives a point; where there are labels,
encoder and decoder may be told them. Papers differ by the parts they put in, not by subclasses: this class is final.

Source: Kingma & Welling 2014, "Auto-encoding variational Bayes".
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor, nn
from torch.distributions import Distribution

from latentwalk.data.scaling import Scaling
from latentwalk.models.conditional import Conditional, Lazy
from latentwalk.models.prior import Prior
from latentwalk.models.serial import SerialConditional
from latentwalk.models.stepwise import StepwiseConditional

__all__ = ["LatentModel", "Learner", "Pass"]


@dataclass(frozen=True, slots=True)
class Pass:
    """All that one forward pass produced; objectives read this and nothing else. K draws, B examples, D dimensions."""

    target: Tensor  # (B, *E)
    z: Tensor  # (K, B, D)
    posterior: Distribution  # batch (B,), event (D,)
    prior: Distribution  # batch (), event (D,); batch (B,) where it knows something of each example
    likelihood: Distribution  # batch (K, B), event (*E)


class Learner(nn.Module, ABC):
    """What can be trained: raw data is scaled, and a forward pass gives all that an objective reads. Abstract."""

    scaling: Scaling

    @abstractmethod
    def forward(self, x: Tensor, target: Tensor | None = None, draws: int = 1, given: Tensor | None = None) -> Pass: ...

    def trained_for(self, share: float) -> None:
        """Be told, before each step, which share of the training is over: 0 to 1."""


class LatentModel(Learner):
    """p(x, z) = p(z) p(x | z) and q(z | x). `scaling` takes raw data to x; it is saved with the rest."""

    def __init__(
        self,
        scaling: Scaling,
        encoder: Lazy,
        prior: Prior,
        decoder: Conditional | SerialConditional | StepwiseConditional,
    ) -> None:
        super().__init__()
        self.scaling = scaling
        self.encoder = encoder
        self.prior = prior
        self.decoder = decoder

    @property
    def dim(self) -> int:
        """D, the number of dimensions of a code."""
        return self.prior.dim

    @property
    def classes(self) -> int:
        """How many numbers of a condition the model is told with each example; 0 where it is told none."""
        return int(getattr(self.decoder.body, "given", 0))

    def forward(self, x: Tensor, target: Tensor | None = None, draws: int = 1, given: Tensor | None = None) -> Pass:
        """Encode x (B, *E), draw K codes each, decode them. `target` is what should come out, x itself unless given.

        given: the condition of each example (B, C), for a model that takes one.
        """
        target = x if target is None else target
        posterior = self.encoder(x, given)
        z = posterior.rsample((draws,))
        return Pass(target, z, posterior, self.prior(), self.decoder(z, given, target))
