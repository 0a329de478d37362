"""The picture at the top of the README, drawn from the models of a finished tour: python docs/picture.py tour"""

import io
import json
import sys
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from latentwalk import Autoencoder, load

TITLES = {"ae-2": "a plain autoencoder", "vae-2": "a variational autoencoder"}


def main(tour: Path) -> None:
    """Write docs/images/tour.png."""
    data = load("mnist-5k", split="all")
    entries = json.loads((tour / "report.json").read_text())["entries"]
    accepted = {f"{e['recipe']}-{e['latent']}": e["judgement"]["measures"]["prior"]["value"] for e in entries}
    figure = Figure(figsize=(11, 3.5), layout="constrained")
    panels = figure.subfigures(1, 2, wspace=0.06)
    for panel, (name, title) in zip(panels, TITLES.items(), strict=True):
        model = Autoencoder.load(tour / "models" / name)
        space = model.space(data)
        panel.suptitle(title, fontsize=13, fontweight="bold")
        axes = panel.subplots(1, 2)
        assert space.labels is not None
        axes[0].scatter(*space.codes.T, c=space.labels, s=2.2, cmap=matplotlib.colormaps["tab10"], linewidths=0)
        axes[0].set_title("its codes, coloured by digit", fontsize=9)
        axes[1].imshow(_tiled(space.sample(100, "prior", seed=1).x), cmap="gray_r", interpolation="lanczos")
        axes[1].set_title(f"drawn from N(0, I): at most {accepted[name]:.0%} on data", fontsize=9)
        for axis in axes:
            axis.set(xticks=[], yticks=[])
            axis.set_box_aspect(1)
            axis.spines[:].set_color("#cccccc")
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=160, facecolor="white", bbox_inches="tight", pad_inches=0.08)
    Image.open(drawn).convert("RGB").quantize(96).save(Path(__file__).parent / "images" / "tour.png", optimize=True)


def _tiled(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """One hundred images (100, H, W) as one, (10 H, 10 W)."""
    _, height, width = x.shape
    return x.reshape(10, 10, height, width).swapaxes(1, 2).reshape(10 * height, 10 * width)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
