"""How much a code moves when its input does: the penalty of contractive autoencoders.

Source: Rifai et al. 2011, "Contractive auto-encoders: explicit invariance during feature extraction", eq. 2.
"""

import torch
from torch import Tensor

from latentwalk import chance

__all__ = ["squared_jacobian"]

EXACT = 8  # dimensions up to which every row of the Jacobian is found; beyond, as many random mixtures of rows


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
