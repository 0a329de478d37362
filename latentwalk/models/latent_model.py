"""The model: p(x, z) = p(z) p(x | z), with q(z | x) to find the codes. A newcomer starts here.

Encode x to a distribution over codes, draw from it (reparameterised, so that gradients flow through the draw), decode each
draw to a distribution over data. A plain autoencoder is the same with an encoder that gives a point. Papers differ by the
parts they put in, not by subclasses: this class is final.

Source: Kingma & Welling 2014, "Auto-encoding variational Bayes".
"""

import hashlib
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from latentwalk.data.scaling import Scaling
from latentwalk.models.conditional import Conditional
from latentwalk.models.contraction import squared_jacobian
from latentwalk.models.prior import Prior

__all__ = ["LatentModel", "Pass"]


@dataclass(frozen=True, slots=True)
class Pass:
    """All that one forward pass produced; objectives read this and nothing else. K draws, B examples, D dimensions."""

    target: Tensor  # (B, *E)
    z: Tensor  # (K, B, D)
    posterior: Distribution  # batch (B,), event (D,)
    prior: Distribution  # batch (), event (D,)
    likelihood: Distribution  # batch (K, B), event (*E)
    jacobian: Tensor | None = None  # (B,), ||d mean of the posterior / d x||², where the model is asked for it


class LatentModel(nn.Module):
    """p(x, z) = p(z) p(x | z) and q(z | x). `scaling` takes raw data to x; it is saved with the rest.

    contracts: whether a pass also says how much the code moves with its input, which costs some backward passes.
    """

    def __init__(
        self, scaling: Scaling, encoder: Conditional, prior: Prior, decoder: Conditional, *, contracts: bool = False
    ) -> None:
        super().__init__()
        self.scaling = scaling
        self.encoder = encoder
        self.prior = prior
        self.decoder = decoder
        self.contracts = contracts

    def forward(self, x: Tensor, target: Tensor | None = None, draws: int = 1) -> Pass:
        """Encode x (B, *E), draw K codes each, decode them. `target` is what should come out, x itself unless given."""
        posterior, jacobian = self._contracted(x) if self.contracts else (self.encoder(x), None)
        z = posterior.rsample((draws,))
        return Pass(x if target is None else target, z, posterior, self.prior(), self.decoder(z), jacobian)

    def signature(self) -> str:
        """Twelve hex digits that name these weights: other weights have others."""
        digest = hashlib.sha256()
        for name, tensor in self.state_dict().items():
            digest.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:12]

    def _contracted(self, x: Tensor) -> tuple[Distribution, Tensor]:
        """The posterior, and the squared norm of its mean's Jacobian: gradients of x are needed even where none are learnt."""
        learning = torch.is_grad_enabled()
        with (
            torch.enable_grad(),
            torch.backends.cudnn.flags(enabled=False),
        ):  # cuDNN's recurrent layers have no second derivative
            x = x.detach().requires_grad_()
            posterior: Distribution = self.encoder(x)
            with torch.set_grad_enabled(learning):
                jacobian = squared_jacobian(posterior.mean, x)
        return posterior, jacobian
