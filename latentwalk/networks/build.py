"""From the shape of the data to an encoder body and a decoder body."""

import math
from dataclasses import dataclass
from typing import Literal

from torch import nn

from latentwalk.data.dataset import DataSpec
from latentwalk.errors import ConfigError, unknown
from latentwalk.networks.conv import ConvDecoder, ConvEncoder
from latentwalk.networks.dense import Dense
from latentwalk.networks.layers import ACTIVATIONS

__all__ = ["Network", "network_named"]

SMALL = 1024  # values in an event up to which dense layers are both faster and as good on two cores
DEPTHS = (32, 64, 128, 128, 256, 256)
TOP = 8  # the convolutional pyramid stops when its smaller side is this or less


@dataclass(frozen=True, slots=True)
class Network:
    """What the encoder and the decoder are made of; the decoder mirrors the encoder.

    kind: "dense", "conv" (images), or "auto": dense up to 1024 values in an example, conv for larger images.
    widths: hidden dense layers, the widest first; after the convolutions in a "conv" network. Default (512, 256), or (256,).
    channels: one level each, halving the image; default 32, 64, 128, … until the smaller side is at most 8.
    dropout: share of hidden units silenced while training. max_norm: longest allowed incoming weight vector of a unit.
    """

    kind: Literal["auto", "dense", "conv"] = "auto"
    widths: tuple[int, ...] | None = None
    channels: tuple[int, ...] | None = None
    activation: str = "relu"
    dropout: float = 0.0
    max_norm: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in ("auto", "dense", "conv"):
            raise unknown("network", self.kind, ("auto", "dense", "conv"))
        if self.activation not in ACTIVATIONS:
            raise unknown("activation", self.activation, ACTIVATIONS)
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"dropout={self.dropout} is not a share of units. Expected 0 <= dropout < 1.")
        if self.max_norm is not None and not self.max_norm > 0:
            raise ConfigError(f"max_norm={self.max_norm} is not a length. Expected a number above 0, or None.")
        for name in ("widths", "channels"):
            values = getattr(self, name)
            if values is not None and not all(isinstance(v, int) and v > 0 for v in values):
                raise ConfigError(f"{name}={values} must be whole numbers above 0.")

    def encoder(self, spec: DataSpec, out: tuple[int, ...]) -> nn.Module:
        """A body x (B, *event) → (B, *out)."""
        if self._convolves(spec):
            return ConvEncoder(_image(spec), out, self._depths(spec), self._widths(spec), self.activation, self.dropout)
        return Dense(spec.event, out, self._widths(spec), self.activation, self.dropout)

    def decoder(self, spec: DataSpec, latent: int, each: int) -> nn.Module:
        """A body z (B, D) → (B, each * C, …): `each` numbers for every number of the event, stacked along its first axis."""
        first, *rest = spec.event
        if self._convolves(spec):
            _, height, width = _image(spec)
            out = (each * first, height, width)
            return ConvDecoder(latent, out, self._depths(spec), self._widths(spec), self.activation, self.dropout)
        return Dense((latent,), (each * first, *rest), self._widths(spec)[::-1], self.activation, self.dropout)

    def _convolves(self, spec: DataSpec) -> bool:
        if self.kind == "conv" and spec.kind != "image":
            raise ConfigError(f"network='conv' needs images; the data is a {spec.kind} of shape {spec.shape}. Use 'dense'.")
        return self.kind == "conv" or (self.kind == "auto" and spec.kind == "image" and spec.size > SMALL)

    def _widths(self, spec: DataSpec) -> tuple[int, ...]:
        if self.widths is not None:
            return self.widths
        return (256,) if self._convolves(spec) else (512, 256)

    def _depths(self, spec: DataSpec) -> tuple[int, ...]:
        levels = max(1, math.ceil(math.log2(min(spec.event[1:]) / TOP)))
        return self.channels or DEPTHS[:levels]


def network_named(network: "str | Network") -> Network:
    """The network of that name; a Network is given back as it is. Raises ConfigError."""
    return network if isinstance(network, Network) else Network(kind=network)  # type: ignore[arg-type]  # checked there


def _image(spec: DataSpec) -> tuple[int, int, int]:
    channels, height, width = spec.event
    return channels, height, width
