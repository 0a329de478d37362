"""Options that several commands share, and how their text is read. Imports nothing heavy: `--help` reads this file.

An option's panel is the heading under which the help of a command with many options prints it.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = [
    "DATA",
    "MACHINE",
    "MODEL",
    "OUTPUT",
    "PANELS",
    "TIMED",
    "TRAINING",
    "AllowedHosts",
    "Attributes",
    "BatchSize",
    "ConditionOption",
    "Data",
    "DataAgain",
    "Epochs",
    "Force",
    "Host",
    "Latents",
    "Minutes",
    "Noise",
    "Out",
    "Port",
    "RawCells",
    "RunFolder",
    "Seed",
    "Token",
    "counts",
    "epochs_for",
    "indices",
    "layers",
    "noise",
    "patience_for",
    "reals",
    "side",
    "was_typed",
    "weights",
    "words",
]

DATA = "Data"
MODEL = "Model"
TRAINING = "Training"
MACHINE = "Machine"
OUTPUT = "Output"
PANELS = (DATA, MODEL, TRAINING, MACHINE, OUTPUT)  # in the order of the help

TIMED = 1_000_000  # epochs, of which there are as many as there is time for
WORK = 400_000  # rows seen in all that a small model is good after; the tour on 5,000 rows stays under five minutes


def epochs_for(rows: int) -> int:
    """How many passes over so many rows are usually enough: 8 to 100."""
    return max(8, min(100, WORK // rows))


def patience_for(epochs: int) -> int:
    """How many epochs without progress are enough to stop after, of so many: a fifth, at least 20."""
    return 20 if epochs == TIMED else max(20, epochs // 5)


def counts(text: str, option: str = "--latent") -> list[int]:
    """Whole numbers, each at least 1, separated by commas: "2,8" → [2, 8]. Raises BadParameter."""
    try:
        found = [int(part) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or min(found) < 1:
        raise typer.BadParameter(
            f"{text!r}: expected whole numbers, 1 or more, separated by commas. For example 2,8.", param_hint=option
        )
    return list(dict.fromkeys(found))


def indices(text: str, option: str) -> list[int]:
    """Whole numbers, 0 or more, separated by commas: "0,3" → [0, 3]. Raises BadParameter."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() for part in parts):
        raise typer.BadParameter(f"{text!r}: expected whole numbers separated by commas. For example 0,3.", param_hint=option)
    return [int(part) for part in parts]


def reals(text: str, option: str) -> list[float]:
    """Numbers separated by commas: ".5,.3,.2" → [0.5, 0.3, 0.2]. Raises BadParameter."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise typer.BadParameter(
            f"{text!r}: expected numbers separated by commas. For example .5,.3,.2.", param_hint=option
        ) from None


def weights(text: str, option: str = "--beta") -> list[float]:
    """Numbers, each at least 0, separated by commas: ".25,4" → [0.25, 4.0]. Raises BadParameter."""
    found = reals(text, option)
    if not all(0 <= value < float("inf") for value in found):
        raise typer.BadParameter(
            f"{text!r}: expected numbers, 0 or more, separated by commas. For example .25,1,4.", param_hint=option
        )
    return list(dict.fromkeys(found))


def layers(text: str, option: str = "--widths") -> list[tuple[int, ...]]:
    """Widths of hidden layers, separated by commas: "256,512x256" → [(256,), (512, 256)]. Raises BadParameter."""
    try:
        found = [tuple(int(width) for width in part.lower().split("x")) for part in text.split(",")]
    except ValueError:
        found = []
    if not found or min(map(min, found)) < 1:
        raise typer.BadParameter(
            f"{text!r}: expected widths of hidden layers, the widest first. For example 256,512x256.", param_hint=option
        )
    return list(dict.fromkeys(found))


def words(text: str, option: str = "--recipes") -> list[str]:
    """Names separated by commas: "pca,ae" → ["pca", "ae"]. Raises BadParameter."""
    found = [part.strip() for part in text.split(",") if part.strip()]
    if not found:
        raise typer.BadParameter(f"{text!r}: expected names separated by commas. For example pca,ae.", param_hint=option)
    return list(dict.fromkeys(found))


def noise(text: str) -> Any:
    """Noise: "0.3", "0.1,0.6", "masking" or "masking:0.1,0.4" → what `Autoencoder(noise=…)` takes. Raises BadParameter."""
    kind, _, amount = text.rpartition(":")
    try:
        found = tuple(float(part) for part in amount.split(","))
    except ValueError:
        if kind:
            raise typer.BadParameter(
                f"{text!r}: expected KIND:AMOUNT, for example masking:0.3.", param_hint="--noise"
            ) from None
        return text
    if len(found) > 2:
        raise typer.BadParameter(f"{text!r}: expected one amount, or two: the least and the most.", param_hint="--noise")
    level = found[0] if len(found) == 1 else found
    return (kind, level) if kind else level


def was_typed(context: typer.Context, name: str) -> bool:
    """Whether the user gave this option, rather than leaving its default."""
    origin = context.get_parameter_source(name)
    return origin is not None and origin.name in ("COMMANDLINE", "ENVIRONMENT")


def side(text: str) -> Any:
    """A side in pixels, or height and width: "64" → 64, "48x64" → (48, 64). Raises BadParameter."""
    try:
        found = tuple(int(part) for part in text.lower().split("x"))
    except ValueError:
        found = ()
    if len(found) not in (1, 2) or min(found) < 1:
        raise typer.BadParameter(f"{text!r}: expected pixels, or HEIGHTxWIDTH. For example 64, or 48x64.")
    return found[0] if len(found) == 1 else found


Data = Annotated[
    str,
    typer.Argument(metavar="DATA", help="A name (see: latentwalk data), a file or a folder of images.", show_default=False),
]
DataAgain = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="NAME|PATH",
        help="Data to use instead of what the run learnt from.",
        rich_help_panel=DATA,
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Where to write. Default: into RUN.", show_default=False, rich_help_panel=OUTPUT),
]
RunFolder = Annotated[
    Path, typer.Argument(metavar="RUN", help="The folder of a saved model, as `fit` and `tour` make.", show_default=False)
]
Seed = Annotated[
    int,
    typer.Option(
        min=0,
        max=2**31 - 1,
        metavar="N",
        help="The same seed gives the same result on one machine.",
        rich_help_panel=TRAINING,
    ),
]
Epochs = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", help="Passes over the data. Default: by its size, 8 to 100.", rich_help_panel=TRAINING),
]
Minutes = Annotated[
    float | None,
    typer.Option(
        metavar="M",
        help="Train for so long; the rate falls towards the end.",
        show_default=False,
        rich_help_panel=TRAINING,
    ),
]
BatchSize = Annotated[
    int,
    typer.Option("--batch-size", min=1, metavar="N", help="Rows a training step looks at.", rich_help_panel=TRAINING),
]
Latents = Annotated[
    str | None,
    typer.Option(
        metavar="D,D,…",
        help="Numbers of latent dimensions. Default: 2,8.",
        show_default=False,
        rich_help_panel=MODEL,
    ),
]
SizeOption = Annotated[
    Any,
    typer.Option(parser=side, metavar="PIXELS|HxW", help="Images: scale and crop each to this size.", rich_help_panel=DATA),
]
KindOption = Annotated[
    str | None,
    typer.Option(
        metavar="image|table|signal|text|music|roll|film|sound",
        help="What an example is, where the shape does not say it.",
        rich_help_panel=DATA,
    ),
]
Noise = Annotated[
    Any,
    typer.Option(
        parser=noise,
        metavar="AMOUNT|KIND",
        help="Put on the input while learning: 0.3, 0.1,0.6 or masking:0.2.",
        rich_help_panel=MODEL,
    ),
]
ColorOption = Annotated[
    str | None,
    typer.Option(metavar="gray|rgb", help="Images: read all as gray, or all as colour.", rich_help_panel=DATA),
]
Attributes = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Images: a .csv (.gz) that says what each shows, by file name.",
        show_default=False,
        rich_help_panel=DATA,
    ),
]
ConditionOption = Annotated[
    str | None,
    typer.Option(
        metavar="LABEL",
        help="Of a run made by fit --condition: the label to tell it. Default: each row's own.",
        show_default=False,
    ),
]
Label = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Tables: the column that is the class.", rich_help_panel=DATA),
]
DropOption = Annotated[
    str | None,
    typer.Option(
        "--drop",
        metavar="NAME,…",
        help='Tables: columns to leave out, beside ids. "": none, nor ids.',
        show_default=False,
        rich_help_panel=DATA,
    ),
]
ColumnsOption = Annotated[
    Path | None,
    typer.Option(
        "--columns",
        metavar="FILE",
        help="Tables: what columns are, a line each: year,category.",
        show_default=False,
        rich_help_panel=DATA,
    ),
]
SeparatorOption = Annotated[
    str | None,
    typer.Option(
        "--separator",
        metavar="LETTER",
        help="Tables: what stands between fields: ';', tab, … Default: found.",
        show_default=False,
        rich_help_panel=DATA,
    ),
]
TypesOption = Annotated[
    str | None,
    typer.Option(
        "--types",
        metavar="NAME=KIND,…",
        help="Tables: the same in a line: number, count, category, date.",
        show_default=False,
        rich_help_panel=DATA,
    ),
]
ColumnOption = Annotated[
    str | None,
    typer.Option(
        "--column",
        metavar="NAME",
        help="Texts: the column of a .csv that they stand in.",
        show_default=False,
        rich_help_panel=DATA,
    ),
]
UnitsOption = Annotated[
    str | None,
    typer.Option(
        "--units",
        metavar="NAME",
        help="Texts: characters, words or byte-pairs. Default: words where they come often.",
        show_default=False,
        rich_help_panel=DATA,
    ),
]
RateOption = Annotated[
    float | None,
    typer.Option(
        "--rate",
        metavar="N",
        help="Films: frames a second. Sounds: samples a second. Default: as they are.",
        show_default=False,
        rich_help_panel=DATA,
    ),
]
LengthOption = Annotated[
    int | None,
    typer.Option(
        "--length",
        min=2,
        metavar="N",
        help="Texts: cut a .txt into windows of so many units. Films: into some of so many frames.",
        show_default=False,
        rich_help_panel=DATA,
    ),
]
WindowOption = Annotated[
    int | None,
    typer.Option(
        "--window",
        min=2,
        metavar="N",
        help="Sounds: samples of an example. Default: about a quarter of a second.",
        show_default=False,
        rich_help_panel=DATA,
    ),
]
HopOption = Annotated[
    int | None,
    typer.Option(
        "--hop",
        min=1,
        metavar="N",
        help="Sounds: samples from one window to the next. Default: half a window.",
        show_default=False,
        rich_help_panel=DATA,
    ),
]
ChannelsOption = Annotated[
    int | None,
    typer.Option(
        "--channels",
        min=1,
        max=64,
        metavar="N",
        help="Sounds: 1 mixes stereo to mono. Default: as they are.",
        show_default=False,
        rich_help_panel=DATA,
    ),
]
GridOption = Annotated[
    str | None,
    typer.Option(
        "--grid",
        metavar="NAME",
        help="Music: quarter, eighth or sixteenth.",
        show_default="sixteenth",
        rich_help_panel=DATA,
    ),
]
VoicesOption = Annotated[
    int | None,
    typer.Option(
        "--voices",
        min=1,
        max=16,
        metavar="N",
        help="Music: parts that are read side by side; 1: the highest notes, as one melody.",
        show_default="1",
        rich_help_panel=DATA,
    ),
]
BarsOption = Annotated[
    int | None,
    typer.Option("--bars", min=1, metavar="N", help="Music: bars of an example.", show_default="4", rich_help_panel=DATA),
]
MovedOption = Annotated[
    bool | None,
    typer.Option(
        "--moved/--own-keys",
        help="Music: move all to C major or A minor, or leave it in its keys.",
        show_default="moved",
        rich_help_panel=DATA,
    ),
]
Force = Annotated[bool, typer.Option("--force", help="Replace what is there already.", rich_help_panel=OUTPUT)]
DecodingOption = Annotated[
    str | None,
    typer.Option(
        "--decoding",
        metavar="greedy|sample|beam",
        help="Texts, music: how units are chosen. Default: greedy.",
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]
UnitTemperature = Annotated[
    float | None,
    typer.Option(
        "--unit-temperature",
        metavar="T",
        help="Texts, music: units are drawn; below 1, likelier ones more often.",
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]
TopP = Annotated[
    float | None,
    typer.Option(
        "--top-p",
        metavar="SHARE",
        help="Texts, music: units are drawn, of the likeliest with so much of the probability.",
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]
BeamWidth = Annotated[
    int | None,
    typer.Option(
        "--beam-width",
        metavar="N",
        help="Texts, music: a search that goes on from the N likeliest beginnings.",
        show_default=False,
        rich_help_panel=OUTPUT,
    ),
]
Host = Annotated[str, typer.Option(metavar="ADDRESS", help="Where to listen; other than loopback asks for a token.")]
Port = Annotated[int, typer.Option(min=0, max=65535, metavar="N", help="0: one that is free.")]
Token = Annotated[
    str | None,
    typer.Option(
        metavar="TOKEN",
        envvar="LATENTWALK_TOKEN",
        help="What every request is to bring. Default: none on loopback, elsewhere a new one.",
        show_default=False,
    ),
]
AllowedHosts = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help="A name that the server may be called by; may be given several times."),
]
RawCells = Annotated[
    bool,
    typer.Option(
        "--raw-cells",
        help="CSV: no apostrophe before text that a spreadsheet would run.",
        rich_help_panel=OUTPUT,
    ),
]
