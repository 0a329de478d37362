"""How much a code moves when its input does: the penalty of contractive autoencoders.

Source: Rifai et al. 2011, "Contractive auto-encoders: explicit invariance during feature extraction", eq. 2.
"""

import torch
from torch import Tensor
from torch.distributions import Distribution

from latentwalk import chance
from latentwalk.models.conditional import Conditional, Lazy

__all__ = ["Sensed", "squared_jacobian"]

EXACT = 8  # dimensions up to which every row of the Jacobian is found; beyond, as many random mixtures of rows


class Sensed(Lazy):
    """An encoder whose posterior also has `jacobian`, (B,): ||d mean / d x||². It costs some backward passes.

    Its parts are the encoder's own and have the same names, so that saved weights fit both. In `torch.inference_mode`, and
    where a program is exported, no gradient can be taken, and it is the encoder as it was.
    """

    encoder: Conditional

    def __init__(self, encoder: Conditional) -> None:
        super().__init__()
        self.__dict__["encoder"] = encoder  # past torch, which would name its weights once more
        for name, part in encoder.named_children():
            self.add_module(name, part)

    def forward(self, c: Tensor | None = None, given: Tensor | None = None) -> Distribution:
        """c (B, *E): gradients of it are needed even where none are learnt."""
        assert c is not None, "an encoder depends on something"
        if torch.is_inference_mode_enabled() or torch.compiler.is_exporting():
            return self.encoder(c, given)
        learning = torch.is_grad_enabled()
        plain = torch.backends.cudnn.flags(enabled=False)  # cuDNN's recurrent layers have no second derivative
        with torch.enable_grad(), plain:
            x = c if c.requires_grad else c.detach().requires_grad_()
            posterior = self.encoder(x, given)
            with torch.set_grad_enabled(learning):
                posterior.jacobian = squared_jacobian(posterior.mean, x)
        return posterior


def squared_jacobian(mu: Tensor, x: Tensor) -> Tensor:
    """||d mu / d x||², the squared Frobenius norm, of codes mu (B, D) found from x (B, *E), which requires a gradient: (B,).

    Each row of mu must depend on its row of x alone. Exact up to D = 8. Beyond, an unbiased estimate from 8 random signs v:
    E ||v' J||² = ||J||² (Hutchinson 1989); as a term of a loss its noise is one more of stochastic gradient descent.
    Differentiable where gradients are on.
    """
    latent = mu.shape[-1]
    if latent <= EXACT:
        ways = torch.eye(latent, device=mu.device, dtype=mu.dtype)[:, None].expand(-1, len(mu), -1)
    else:
        ways = chance.signs((EXACT, *mu.shape), mu, axis=1)
    learning = torch.is_grad_enabled()
    rows = [
        torch.autograd.grad(mu, x, way, create_graph=learning, retain_graph=True)[0].flatten(1).square().sum(-1) for way in ways
    ]
    total = torch.stack(rows).sum(0)
    return total if latent <= EXACT else total / EXACT
