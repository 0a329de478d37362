"""What shapes a latent space: dimensions, beta, width of the network, amount of data. Curves on MNIST, over several seeds.

    python benchmarks/sweep.py [--seeds 3] [--draw]

VAE 784-512-256, 8 epochs of 20,000 rows, batches of 128, Adam 1e-3; everything else is an axis. Trials are kept in runs/sweep
as they are finished, and a second run goes on from there; --draw only draws what is there. Writes benchmarks/results/sweep.md
and docs/images/sweep.png. About 20 minutes on one core that has nothing else to do.
"""

import argparse
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from common.facts import RESULTS, facts
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from latentwalk import Dataset, Network, Sweep, load
from latentwalk.report import figures
from latentwalk.report.figures import LIGHT
from latentwalk.studies.sweep import curves
from latentwalk.studies.sweep.ledger import TRIALS
from latentwalk.studies.sweep.points import heading, value_name

ROWS, MOST, EPOCHS = 20_000, 5_000, 8  # rows to learn from; points a side that completeness is judged by
USUAL = {"latent": 8, "recipe__beta": 1.0, "network__widths": (512, 256), "rows": ROWS}
GRIDS: dict[str, dict[str, list[Any]]] = {
    "latent": {"latent": [2, 4, 8, 16, 32], "recipe__beta": [0.25, 1.0, 4.0]},
    "rows": {"rows": [1_000, 4_000, ROWS]},
    "network__widths": {"network__widths": [(64,), (256,), (512, 256), (1024, 512, 256)]},
}
MEASURES = {
    "completeness": ("completeness, own N(0, I)", 2),
    "reach": ("reach, own N(0, I)", 2),
    "matched_completeness": ("completeness, matched Gaussian", 2),
    "continuity": ("continuity", 3),
    "error": ("squared error", 4),
    "active": ("active", 1),
}
PANELS = (  # axis, measure, heading
    ("latent", "completeness", "complete under N(0, I)"),
    ("latent", "continuity", "continuous"),
    ("latent", "error", "squared error"),
    ("latent", "active", "active dimensions"),
    ("rows", "completeness", "complete, by rows learnt from"),
    ("network__widths", "completeness", "complete, by hidden layers"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--keep", type=Path, default=Path("runs/sweep"))
    parser.add_argument("--draw", action="store_true")
    asked = parser.parse_args()
    if not asked.draw:
        train, test = load(asked.data), load(asked.data, split="test")
        train = train.take(np.sort(np.random.default_rng(0).permutation(len(train))[:ROWS]))
        for seed in range(asked.seeds):  # all curves of one seed, then those of the next: stopped early, it has whole curves
            for grid in GRIDS.values():
                swept(grid, seed, asked.keep, train, test)
    rows = kept(asked.keep)
    (RESULTS / "sweep.md").write_text(page(rows))
    drawn(rows, RESULTS.parents[1] / "docs" / "images" / "sweep.png")


def swept(grid: Mapping[str, Sequence[Any]], seed: int, folder: Path, train: Dataset, test: Dataset) -> None:
    """One of the grids from one seed, everything else as usual."""
    axes = {axis: [value] for axis, value in USUAL.items() if axis not in ("network__widths", "rows")} | dict(grid)
    network = Network("dense", widths=USUAL["network__widths"])
    Sweep(axes, seeds=[seed], folder=folder, most=MOST, epochs=EPOCHS, network=network).fit(train, test)


def kept(folder: Path) -> list[dict[str, Any]]:
    """The trials that are finished, as rows of a sweep over all four axes."""
    rows = []
    for line in map(json.loads, (folder / TRIALS).read_text().splitlines()):
        params, found = line["about"]["params"], line["found"]
        values = (params["latent"], params["recipe"]["beta"], value_name(params["network"]["widths"]), line["about"]["rows"])
        rows.append({**dict(zip(USUAL, values, strict=True)), "seed": params["random_state"], **found})
    return rows


def along(rows: Sequence[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """The trials of one grid, in the order of its values."""
    grid = {axis: [value_name(value) for value in values] for axis, values in GRIDS[name].items()}
    usual = {axis: value_name(value) for axis, value in USUAL.items() if axis not in grid}
    found = [row for row in rows if all(row[axis] == value for axis, value in usual.items())]
    return sorted(found, key=lambda row: [values.index(row[axis]) for axis, values in grid.items()])


# ---------------------------------------------------------------------- the page


def page(rows: list[dict[str, Any]]) -> str:
    seeds = sorted({row["seed"] for row in rows})
    parts = [
        "# What shapes a latent space",
        f"{facts('torch', 'numpy', 'scikit-learn', 'latentwalk')} MNIST: {ROWS:,} of the training rows (a tenth of them "
        f"chooses the best epoch), 10,000 test rows; {len(rows)} trials, seeds {seeds[0]} to {seeds[-1]}. VAE 784-512-256, "
        f"{EPOCHS} epochs (fewer rows are gone through more often, for the same number of steps), batches of 128, Adam 1e-3, "
        "Bernoulli targets. Continuity and squared error (per value, in units of the range) on the test rows; completeness on "
        "one draw of q(z | x) for each of the 30,000 rows, the same ones for all trials, by regions that are learnt and judged "
        f"with {MOST:,} points (elsewhere it is 20,000; fewer see a little less, and the number is a little higher). "
        "Cells: the mean over the seeds, "
        "and the lowest and the highest of them. Script: `benchmarks/sweep.py`.",
        "![curves](../../docs/images/sweep.png)",
    ]
    for name in GRIDS:
        some, axes = along(rows, name), list(GRIDS[name])
        if not some:
            continue
        words = [f"- {sentence}" for sentence in curves.sentences(some, axes)]
        parts += [f"## Over {' and '.join(map(heading, axes))}", table(some, axes), "\n".join(words)]
    return "\n\n".join(parts) + "\n"


def table(rows: Sequence[dict[str, Any]], axes: Sequence[str]) -> str:
    head = f"| {' | '.join([*map(heading, axes), *(name for name, _ in MEASURES.values()), 'seeds'])} |"
    lines = [head, "|" + " ---: |" * (len(axes) + len(MEASURES) + 1)]
    for key, group in curves.grouped(rows, axes).items():
        cells = [cell([row[name] for row in group], digits) for name, (_, digits) in MEASURES.items()]
        lines.append(f"| {' | '.join([*map(curves.short, key), *cells, str(len(group))])} |")
    return "\n".join(lines)


def cell(values: Sequence[float], digits: int) -> str:
    ends = f" ({min(values):.{digits}f}–{max(values):.{digits}f})" if max(values) > min(values) else ""
    return f"{np.mean(values):.{digits}f}{ends}"


# ---------------------------------------------------------------------- the picture


def drawn(rows: list[dict[str, Any]], to: Path) -> None:
    figure = Figure(figsize=(11.5, 5.6), layout="constrained", facecolor="white")
    for axes, (axis, measure, above) in zip(figure.subplots(2, 3).flat, PANELS, strict=True):
        if some := along(rows, axis):
            panel(axes, some, axis, measure)
        axes.set_title(above, fontsize=10, fontweight="bold", color=LIGHT.ink, loc="left")
    file = io.BytesIO()
    figure.savefig(file, dpi=130)
    Image.open(file).convert("RGB").quantize(128).save(to, optimize=True)


def panel(axes: Axes, rows: Sequence[dict[str, Any]], axis: str, measure: str) -> None:
    figures.frame(axes, LIGHT)
    hue = "recipe__beta" if axis == "latent" else None
    found = curves.curves(rows, measure, axis, hue)
    colours = figures.line_colours(len(found), LIGHT, ordered=hue is not None)
    ends = curves.draw(axes, found, colours)
    if measure == "completeness":
        axes.set_ylim(0, 1.02)
    if hue is not None:
        named = zip(found, ends, colours, strict=True)
        figures.name_lines(axes, [figures.End(curve.name, *end, colour) for curve, end, colour in named])
    axes.set_xlabel(heading(axis), fontsize=8, color=LIGHT.muted)


if __name__ == "__main__":
    main()
