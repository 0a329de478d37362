"""How fast a step could be: the time of its matrix products and convolutions, forward and both ways backward, and nothing else.

No bias, no activation, no loss, no optimiser, no memory traffic but the products' own. A recurrent layer's products that
depend on one another are taken one by one, the others at once. The best of many repetitions: a limit is not a typical time.
"""

import time
from collections.abc import Callable
from itertools import chain

import torch
from torch import Tensor, nn

SECONDS = 3.0  # of repetitions
Product = Callable[[], object]
CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.ConvTranspose1d, nn.ConvTranspose2d)


def seconds_of_products(encoder: nn.Module, decoder: nn.Module, x: Tensor) -> float:
    """Seconds for the products of one step on the batch x (B, C, …); the encoder says (B, 2D), the decoder reads (B, D)."""
    products = _products(encoder, decoder, x)
    best, until = float("inf"), time.perf_counter() + SECONDS
    with torch.no_grad():
        while (start := time.perf_counter()) < until:
            for product in products:
                product()
            best = min(best, time.perf_counter() - start)
    return best


def _products(encoder: nn.Module, decoder: nn.Module, x: Tensor) -> list[Product]:
    found: list[Product] = []

    def look(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor | tuple[Tensor, Tensor]) -> None:
        seen, out = inputs[0], output if isinstance(output, Tensor) else output[0]
        gradient = torch.randn_like(out)
        needed = seen.requires_grad  # the gradient of the data is not asked for
        of = _convolution if isinstance(layer, CONVOLUTIONS) else _recurrent if isinstance(layer, nn.GRU) else _linear
        found.append(of(layer, seen.detach(), gradient.detach(), needed))  # type: ignore[operator]  # each its own layer

    for body in (encoder, decoder):
        body.to(memory_format=torch.channels_last)
    kinds = (*CONVOLUTIONS, nn.Linear, nn.GRU)
    layers = [layer for layer in chain(encoder.modules(), decoder.modules()) if isinstance(layer, kinds)]
    hooks = [layer.register_forward_hook(look) for layer in layers]
    decoder(encoder(x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x).chunk(2, 1)[0])
    for hook in hooks:
        hook.remove()
    return found


def _linear(layer: nn.Linear, x: Tensor, gradient: Tensor, needed: bool) -> Product:
    return lambda: _matmul(x.flatten(0, -2), layer.weight, gradient.flatten(0, -2), needed)


def _matmul(x: Tensor, weight: Tensor, gradient: Tensor, needed: bool) -> None:
    """x (N, I), weight (O, I), gradient (N, O): the output, the gradient of the weight and, where needed, of x."""
    torch.mm(x, weight.t())
    torch.mm(gradient.t(), x)
    if needed:
        torch.mm(gradient, weight)


def _convolution(layer: nn.Conv2d, x: Tensor, gradient: Tensor, needed: bool) -> Product:
    how = (layer.stride, layer.padding, layer.dilation, layer.transposed, layer.output_padding, layer.groups)

    def product() -> None:
        torch.ops.aten.convolution(x, layer.weight, None, *how)
        torch.ops.aten.convolution_backward(gradient, x, layer.weight, None, *how, (needed, True, False))

    return product


def _recurrent(layer: nn.GRU, x: Tensor, gradient: Tensor, needed: bool) -> Product:
    """x (B, T, F), gradient (B, T, H). What a step remembers is multiplied step by step, there and back; all else at once."""
    batch, length, _ = x.shape
    gates = torch.randn(length * batch, 3 * layer.hidden_size)
    read, remembered = x.transpose(0, 1).flatten(0, 1), gradient.transpose(0, 1).flatten(0, 1)

    def product() -> None:
        _matmul(read, layer.weight_ih_l0, gates, needed)
        torch.mm(gates.t(), remembered)
        for step in range(0, length * batch, batch):
            torch.mm(remembered[step : step + batch], layer.weight_hh_l0.t())
            torch.mm(gates[step : step + batch], layer.weight_hh_l0)

    return product
