"""The page of grafts: drawn faces at 256 pixels, changed by a model of 48: python docs/portraits.py [runs/portraits]

Writes docs/images/grafts.png. The model is kept in the folder, and a second run draws from it.
"""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from latentwalk import Autoencoder, Network, Settings
from latentwalk.data.original import Original
from latentwalk.data.synthetic import faces

LEARNT, SIDE, LARGE = 6_000, 48, 256
SETTING = {"latent": 64, "network": Network("conv", widths=(), activation="silu"), "epochs": 15, "batch_size": 32}
GAP, PAPER, INK = 10, "white", "#444444"
TITLES = ("the picture, 256 x 256", "what the model sees, 48 x 48", "a moustache", "a beard", "both, and a smile")


def main(keep: Path) -> None:
    """Learn from small faces, or load what has; draw."""
    learnt = faces(LEARNT, seed=0, size=SIDE)
    if (keep / "model.json").exists():
        model = Autoencoder.load(keep)
    else:
        training = Settings(learning_schedule="cosine")
        model = Autoencoder("ae", training=training, random_state=0, progress=False, **SETTING).fit(learnt)
        model.save(keep)
    space = model.space(learnt)
    smile = learnt.factors["smile"]
    moustache = space.direction("moustache", without=["beard"])
    beard = space.direction(learnt.factors["beard"] > 0.5, learnt.factors["beard"] <= 0.5, without=["moustache"])
    smiling = space.direction(smile > 0.5, smile < -0.5, without=["beard", "moustache", "mouth_open"])
    drawn = faces(200, seed=77, size=LARGE)
    known = drawn.factors
    bare = (known["moustache"] == 0) & (known["beard"] == 0) & (known["glasses"] == 0) & (known["smile"] < -0.2)
    rows = []
    for x in drawn.x[np.flatnonzero(bare)[:4]]:
        seen = np.asarray(Image.fromarray(Original.of(Image.fromarray(x)).seen(model.spec_)).resize((LARGE, LARGE), 0))
        both = space.graft(space.graft(x, beard, 1.25).x, moustache, 1.25).x
        rows.append(
            [x, seen, space.graft(x, moustache, 1.25).x, space.graft(x, beard, 1.25).x, space.graft(both, smiling, 2).x]
        )
    _sheet(rows).quantize(256, dither=Image.Dither.NONE).save(Path(__file__).parent / "images" / "grafts.png", optimize=True)


def _sheet(rows: list[list[NDArray[np.uint8]]]) -> Image.Image:
    across, down = len(rows[0]), len(rows)
    sheet = Image.new("RGB", (across * (LARGE + GAP) + GAP, down * (LARGE + GAP) + GAP + 16), PAPER)
    pen = ImageDraw.Draw(sheet)
    for column, title in enumerate(TITLES):
        pen.text((GAP + column * (LARGE + GAP), GAP), title, INK)
    for at, row in enumerate(rows):
        for column, x in enumerate(row):
            sheet.paste(Image.fromarray(x), (GAP + column * (LARGE + GAP), GAP + 16 + at * (LARGE + GAP)))
    return sheet


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "runs/portraits"))
