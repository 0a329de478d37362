"""From the shape of the data to an encoder body and a decoder body."""

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

import torch
from torch import nn

from latentwalk.chance import seeded
from latentwalk.checks import MADE, flag, own_numbers, positive, share, whole
from latentwalk.data.spec import DataSpec, Kind
from latentwalk.errors import ConfigError, unknown
from latentwalk.networks.conv import ConvDecoder, ConvEncoder, pyramid
from latentwalk.networks.dense import Dense
from latentwalk.networks.hierarchical import HierarchicalDecoder
from latentwalk.networks.layers import ACTIVATIONS, Filled
from latentwalk.networks.recurrent import RecurrentDecoder, RecurrentEncoder
from latentwalk.networks.serial import AutoregressiveDecoder, SerialDecoder, SerialEncoder
from latentwalk.networks.stepwise import STEPWISE, StepDecoder, StepEncoder, own_numbers_of
from latentwalk.networks.transformer import TransformerDecoder, TransformerEncoder

__all__ = ["CONVOLUTIONAL", "RECURRENT", "Network", "NetworkKind", "network_named"]

NetworkKind = Literal["auto", "dense", "conv", "fully-conv", "gru", "lstm", "transformer", "hierarchical", "storn"]
Start = Literal["line", "mean", "plain"]
Upsampling = Literal["smooth", "transposed"]
CONVOLUTIONAL: tuple[NetworkKind, ...] = ("conv", "fully-conv")
RECURRENT: tuple[NetworkKind, ...] = ("gru", "lstm")
SERIAL: tuple[NetworkKind, ...] = (*RECURRENT, "transformer", "hierarchical")  # those that read and write units
FITS: dict[NetworkKind, tuple[Kind, ...]] = {
    **dict.fromkeys(CONVOLUTIONAL, ("image", "sound", "signal")),
    **dict.fromkeys(RECURRENT, ("text", "music", "roll", "sound", "signal")),
    "transformer": ("text", "music"),
    "hierarchical": ("music",),
    STEPWISE: ("roll",),
}  # the kinds of data that a kind of network is for, where it is not for all
MANY = {"music": "music"}  # a kind in the plural, where that is no s
SMALL = 1024  # values in an event up to which dense layers are both faster and as good on two cores
USUAL: dict[Kind, Callable[[DataSpec], NetworkKind]] = {
    "image": lambda spec: "conv" if spec.size > SMALL else "dense",
    "table": lambda spec: "dense",
    "signal": lambda spec: "gru" if spec.missing else "conv",
    "text": lambda spec: "gru",
    "music": lambda spec: "gru",
    "film": lambda spec: "dense",
    "roll": lambda spec: "gru",
    "sound": lambda spec: "conv",
}  # "auto", by the kind of data
DEPTHS = (32, 64, 128, 128, 256, 256)
LARGE, SLIM = 32, (16, 32, 64, 128, 256, 256, 256)  # images with longer sides, whose first levels cost most, begin with fewer
BLOCKS = 2  # of a transformer
TRIED = 2  # rows with which a network of one's own is tried
MANY_UNITS = 2_000  # of texts, from which on recurrent layers are wider
BROAD = 256  # channels that the first levels of a sound have, at most, where they read as many magnitudes
TOP = {"image": 8, "signal": 16, "sound": 16}  # the convolutional pyramid stops when its smaller side is this or less


@dataclass(frozen=True, slots=True)
class Network:
    """What the encoder and the decoder are made of; the decoder mirrors the encoder.

    kind: "dense", "conv" and "fully-conv" (images, signals), "gru" or "lstm" (signals, texts, music), "transformer" (texts,
        music), "hierarchical" (music; a code for each bar, see `HierarchicalDecoder`), "storn" (rolls: a code for every step),
        or "auto": conv for images of more than 1024 values, and for signals in which nothing is missing; gru for other
        signals, texts and music; dense for the rest.
    widths: hidden dense layers, the widest first; after the convolutions in a "conv" network; of a recurrent one, the units
    that read in each direction, or the numbers that a transformer has for a unit, then dense layers. Default (512, 256), (256,)
    after convolutions, (128,) for recurrent ones and transformers, and (256,) for those of texts of more than 2,000 units.
    channels: one level each, halving every side; default 32, 64, 128, … until the smaller side is at most 8 (16 steps); for
        images larger than 32 pixels 16, 32, 64, … until it is at most 4.
    blocks: residual blocks at each level of a convolutional network; default none, and one in a "fully-conv" network. Of a
        transformer, its layers; default 2.
    upsampling: how the decoder of a "conv" network doubles the sides of an image: "smooth", by convolutions at half the size
        whose answers are enlarged, which takes half the time and builds in no checkerboard; "transposed", as all others do.
    dropout: share of hidden units silenced while training. max_norm: longest allowed incoming weight vector of a unit.
    word_dropout: of texts, the share of the units shown to the decoder while learning that are made unknown, so that it has to
        ask the code (Bowman et al. 2016).
    tied: whether a decoder of units scores them by the numbers that it looks them up as: fewer weights, where there are many.
    positions: whether a recurrent decoder of units is told the place of each in its row, and in music its phase in step, beat
        and bar; a transformer always is.
    start: what encoder and decoder begin as. "line": the best straight line, principal components, beside which the networks
        learn how the data departs from it; "mean": the networks read and write deviations from the mean; "plain": neither.
    bodies: an encoder and a decoder of one's own, in place of all that; any modules of the right shapes. The encoder reads
    (B, *event), where values may be missing with as many channels more (see `Filled`), and gives as many numbers as the
    posterior needs, (B, 2D) or (B, D); the decoder reads codes (B, D), and gives what the likelihood needs.
    """

    kind: NetworkKind = "auto"
    widths: tuple[int, ...] | None = None
    channels: tuple[int, ...] | None = None
    blocks: int | None = None
    activation: str = "relu"
    dropout: float = 0.0
    max_norm: float | None = None
    bodies: tuple[nn.Module, nn.Module] | None = None
    start: Start = "line"
    word_dropout: float = 0.0
    upsampling: Upsampling = "smooth"
    positions: bool = True
    tied: bool = False

    def __post_init__(self) -> None:
        own_numbers(self)
        if self.bodies is not None and (
            not isinstance(self.bodies, (tuple, list))
            or len(self.bodies) != 2
            or not all(isinstance(body, nn.Module) for body in self.bodies)
        ):
            raise ConfigError("a network of one's own is an encoder and a decoder, both modules: network=(encoder, decoder).")
        if self.kind not in get_args(NetworkKind):
            raise unknown("network", self.kind, get_args(NetworkKind))
        if not isinstance(self.activation, str) or self.activation not in ACTIVATIONS:
            raise unknown("activation", self.activation, ACTIVATIONS)
        if self.start not in get_args(Start):
            raise unknown("start of a network", self.start, get_args(Start))
        if self.upsampling not in get_args(Upsampling):
            raise unknown("upsampling", self.upsampling, get_args(Upsampling))
        for name in ("positions", "tied"):
            flag(name, getattr(self, name))
        share("dropout", self.dropout, "units")
        share("word_dropout", self.word_dropout, "the units shown")
        positive("max_norm", self.max_norm, none="no limit")
        for name in ("widths", "channels"):
            values = getattr(self, name)
            if values is None:
                continue
            if not isinstance(values, (tuple, list)) or not all(isinstance(v, int) and 0 < v <= MADE for v in values):
                raise ConfigError(f"{name}={values!r} must be whole numbers above 0, at most {MADE}: ({name[:-1]}, …).")
        whole("blocks", self.blocks, "residual blocks a level", most=MADE, none="the usual")
        if self.blocks == 0 and self.kind == "transformer":
            raise ConfigError("blocks=0 leaves a transformer without layers. Expected at least one.")
        if self.widths == () and self.kind in SERIAL:
            raise ConfigError(f"widths=() leaves network='{self.kind}' without units. Expected at least one width.")

    def with_params(self, params: Mapping[str, Any]) -> "Network":
        """A copy with some fields changed. Raises ConfigError for a field it does not have."""
        known = [field.name for field in fields(self)]
        for name in params:
            if name not in known:
                raise unknown("network option", name, known)
        return replace(self, **params)

    def encoder(self, spec: DataSpec, out: tuple[int, ...]) -> nn.Module:
        """A body x (B, *event) → (B, *out). Where the data has missing values, x holds NaN. Raises ConfigError."""
        if not spec.missing:
            return self._reader(spec, spec.event, out)
        first, *rest = spec.event
        return nn.Sequential(Filled(), self._reader(spec, (2 * first, *rest), out))

    def decoder(self, spec: DataSpec, latent: int, out: tuple[int, ...]) -> nn.Module:
        """A body z (B, D) → (B, *out), raw numbers for a head. Raises ConfigError."""
        if self.bodies is not None:
            return _tried(self.bodies[1], "decoder", (latent,), out)
        widths, act, dropout = self._widths(spec), self.activation, self.dropout
        match self._kind(spec):
            case "conv":
                smooth = self.upsampling == "smooth"
                return ConvDecoder(latent, out, self._depths(spec), widths, act, dropout, self.blocks or 0, smooth=smooth)
            case "fully-conv":
                self.code(spec, latent)
                return ConvDecoder(
                    latent, out, self._depths(spec), None, act, dropout, 1 if self.blocks is None else self.blocks
                )
            case "gru" | "lstm" as kind:
                return RecurrentDecoder(kind, latent, out, widths, act, dropout)
            case _:
                return Dense((latent,), out, widths[::-1], act, dropout)

    def writer(self, spec: DataSpec, latent: int, given: int = 0) -> AutoregressiveDecoder:
        """A body that writes units given codes (B, D), whose last `given` numbers are a condition. Raises ConfigError."""
        assert spec.vocabulary is not None
        units, length, widths, act = len(spec.vocabulary), spec.size, self._widths(spec), self.activation
        options: dict[str, Any] = {"dropout": self.dropout, "blind": self.word_dropout, "given": given, "tied": self.tied}
        match self._kind(spec):
            case "transformer":
                blocks = BLOCKS if self.blocks is None else self.blocks
                return TransformerDecoder(latent, units, length, widths, blocks, act, **options, periods=_periods(spec))
            case "hierarchical":
                assert spec.score is not None
                bar = spec.score.bar * spec.score.voices
                return HierarchicalDecoder(latent, units, length, bar, widths, act, **options, periods=_periods(spec))
            case kind:
                assert kind in ("gru", "lstm")
                periods = _periods(spec) if self.positions else None
                return SerialDecoder(kind, latent, units, length, widths, act, **options, periods=periods)

    def stepwise(self, spec: DataSpec, latent: int, each: int) -> tuple[StepEncoder, StepDecoder]:
        """Bodies with a code for every step, of `latent` numbers in all, `each` times said. Raises ConfigError."""
        (keys, steps), widths = spec.event, self._widths(spec)
        own = own_numbers_of(steps, latent)
        reader = StepEncoder(keys, steps, own, each, widths, self.activation, self.dropout)
        return reader, StepDecoder(keys, steps, own, widths, self.activation, self.dropout)

    def code(self, spec: DataSpec, latent: int | None) -> int | None:
        """How many dimensions a code has, where the network decides: each place at the top of "fully-conv" has as many.

        latent: as asked for; None is as many as fit the data's own size. Raises ConfigError where places cannot share them.
        """
        if self.kind == STEPWISE:
            self._kind(spec)
            return own_numbers_of(spec.event[1], latent) * spec.event[1]
        if self.kind != "fully-conv" or self.bodies is not None:
            return latent
        places = math.prod(self.places(spec))
        if latent is None:
            return places * -(-spec.size // places)
        if latent % places:
            nearest = places * max(1, round(latent / places))
            raise ConfigError(
                f"latent={latent} cannot be shared by the {places} places at the top. Use latent={nearest}, or None."
            )
        return latent

    def places(self, spec: DataSpec) -> tuple[int, ...]:
        """The sides of the small image (or signal) that a code is in a "fully-conv" network; () where it is a plain vector."""
        if self.kind != "fully-conv" or self.bodies is not None:
            return ()
        self._kind(spec)
        return pyramid(spec.event[1:], len(self._depths(spec)))[-1]

    def _reader(self, spec: DataSpec, seen: tuple[int, ...], out: tuple[int, ...]) -> nn.Module:
        if self.bodies is not None and not spec.form.serial:
            return _tried(self.bodies[0], "encoder", seen, out)
        widths, act, dropout = self._widths(spec), self.activation, self.dropout
        match self._kind(spec):
            case "conv":
                return ConvEncoder(seen, out, self._depths(spec), widths, act, dropout, self.blocks or 0)
            case "fully-conv":
                return ConvEncoder(seen, out, self._depths(spec), None, act, dropout, 1 if self.blocks is None else self.blocks)
            case "gru" | "lstm" as kind if spec.vocabulary is not None:
                return SerialEncoder(kind, len(spec.vocabulary), out, widths, act, dropout)
            case "hierarchical":
                assert spec.vocabulary is not None
                return SerialEncoder("gru", len(spec.vocabulary), out, widths, act, dropout)
            case "transformer":
                assert spec.vocabulary is not None
                blocks = BLOCKS if self.blocks is None else self.blocks
                return TransformerEncoder(len(spec.vocabulary), spec.size, out, widths, blocks, act, dropout, _periods(spec))
            case "gru" | "lstm" as kind:
                return RecurrentEncoder(kind, seen, out, widths, act, dropout, masked=spec.missing)
            case _:
                return Dense(seen, out, widths, act, dropout)

    def _kind(self, spec: DataSpec) -> NetworkKind:
        """The kind, chosen if it is "auto". Raises ConfigError where it does not fit the data."""
        if self.word_dropout and not spec.form.serial:
            raise ConfigError(f"word_dropout={self.word_dropout} is for texts; the data is a {spec.kind}. Use dropout=.")
        if self.tied and not spec.form.serial:
            raise ConfigError(f"tied=True is for texts and music, whose units are looked up; the data is a {spec.kind}.")
        if spec.form.serial and (self.bodies is not None or self.kind not in ("auto", *SERIAL)):
            own = "one of your own" if self.bodies is not None else f"network='{self.kind}'"
            raise ConfigError(f"{own} does not read texts. Use 'gru', 'lstm' or 'transformer'.")
        fits = FITS.get(self.kind)
        if fits is not None and spec.kind not in fits:
            needed = " or ".join(MANY.get(kind, f"{kind}s") for kind in fits)
            advice = f"Use 'dense', or say what the data is: Dataset.of(X, kind='{fits[-1]}')."
            if spec.form.serial or self.kind not in (*CONVOLUTIONAL, *RECURRENT):
                advice = f"Use '{USUAL[spec.kind](spec)}'."
            raise ConfigError(
                f"network='{self.kind}' needs {needed}; the data is a {spec.kind} of shape {spec.shape}. {advice}"
            )
        return self.kind if self.kind != "auto" else USUAL[spec.kind](spec)

    def _widths(self, spec: DataSpec) -> tuple[int, ...]:
        if self.widths is not None:
            return self.widths
        if spec.vocabulary is not None and len(spec.vocabulary) > MANY_UNITS:
            return (256,)
        return {"dense": (512, 256), "conv": (256,), STEPWISE: (200,)}.get(self._kind(spec), (128,))

    def _depths(self, spec: DataSpec) -> tuple[int, ...]:
        levels = max(1, math.ceil(math.log2(min(spec.event[1:]) / TOP[spec.kind])))
        if spec.form.pictured and self._kind(spec) == "conv" and self.upsampling == "smooth" and min(spec.event[1:]) > LARGE:
            return self.channels or SLIM[: levels + 1]
        depths = DEPTHS[:levels]
        if spec.form.heard:
            depths = tuple(max(depth, min(spec.event[0], BROAD)) for depth in depths)
        return self.channels or depths


def _periods(spec: DataSpec) -> tuple[int, ...]:
    """What has a phase in rows of units: of music its steps, beats and bars, in units."""
    if spec.score is None:
        return ()
    score = spec.score
    return score.voices, score.voices * score.steps, score.voices * score.bar


def network_named(network: "str | Network | Sequence[nn.Module]") -> Network:
    """The network of that name, or of an encoder and a decoder of one's own; a Network is given back as it is.

    Raises ConfigError, also for a subclass of `Network`: it could be trained and saved, but not loaded.
    """
    if isinstance(network, Network) and type(network) is not Network:
        raise ConfigError(
            f"{type(network).__name__} is a subclass of Network, and a saved model could not be loaded again. Give what it "
            "builds: network=(encoder, decoder), any two modules."
        )
    if isinstance(network, nn.Module) or (not isinstance(network, str) and isinstance(network, Sequence)):
        return Network(bodies=network)  # type: ignore[arg-type]  # checked there
    return network if isinstance(network, Network) else Network(kind=network)  # type: ignore[arg-type]  # checked there


def _tried(body: nn.Module, what: str, seen: tuple[int, ...], out: tuple[int, ...]) -> nn.Module:
    """A copy of a body of one's own, once it was seen to read (B, *seen) and to give (B, *out). Raises ConfigError."""
    body = copy.deepcopy(body)
    learning, device = body.training, next((weight.device for weight in body.parameters()), torch.device("cpu"))
    body.eval()
    try:
        with seeded(0), torch.no_grad(), device:
            found = body(torch.zeros(TRIED, *seen))
    except Exception as error:  # anybody's module
        reason = str(error).strip() or type(error).__name__
        raise ConfigError(f"the {what} of the network cannot read {(TRIED, *seen)}: {reason}") from error
    body.train(learning)
    shape = tuple(found.shape) if isinstance(found, torch.Tensor) else type(found).__name__
    if shape != (TRIED, *out):
        raise ConfigError(
            f"the {what} of the network reads {(TRIED, *seen)} and gives {shape}. Expected {(TRIED, *out)}: see `Network`."
        )
    return body
