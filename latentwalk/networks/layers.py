"""The small parts that networks are made of, and the constraint on their weights."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from latentwalk.chance import Dropout
from latentwalk.errors import unknown

__all__ = ["ACTIVATIONS", "Filled", "activation", "channels_last", "clip_norms", "stack"]

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "identity": nn.Identity,
}


def activation(name: str) -> nn.Module:
    """A new layer of that name. Raises ConfigError."""
    if name not in ACTIVATIONS:
        raise unknown("activation", name, ACTIVATIONS)
    return ACTIVATIONS[name]()


def stack(widths: Sequence[int], act: str, dropout: float) -> list[nn.Module]:
    """Linear layers from widths[0] to widths[-1], each followed by the activation and, where asked, dropout."""
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Linear(before, after), activation(act)]
        if dropout:
            layers.append(Dropout(dropout))
    return layers


class Filled(nn.Module):
    """x (B, C, …) with NaN where nothing was observed → (B, 2C, …): x with 0 there, then 1 for observed and 0 for not."""

    def forward(self, x: Tensor) -> Tensor:
        observed = ~x.isnan()
        return torch.cat([torch.where(observed, x, 0.0), observed.to(x)], dim=1)


def channels_last(x: Tensor) -> Tensor:
    """Images (B, C, H, W) with their channels innermost in memory, which convolutions on a CPU prefer."""
    return x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x


@torch.no_grad()
def clip_norms(module: nn.Module, limit: float) -> None:
    """Shorten, in place, every unit's incoming weights to Euclidean length `limit` (max-norm regularisation).

    Source: Srivastava et al. 2014, "Dropout", section 5.1.
    """
    limit = float(limit)  # PyTorch takes no whole number of more than 64 bits
    for layer in module.modules():
        if isinstance(layer, (nn.ConvTranspose1d, nn.ConvTranspose2d)):
            layer.weight.copy_(layer.weight.renorm(p=2, dim=1, maxnorm=limit))
        elif isinstance(layer, (nn.Linear, nn.Conv1d, nn.Conv2d, nn.RNNBase)):
            for name, weight in layer.named_parameters(recurse=False):
                if name.startswith("weight"):  # a recurrent layer has two matrices; a row of each feeds one gate of one unit
                    weight.copy_(weight.renorm(p=2, dim=0, maxnorm=limit))
