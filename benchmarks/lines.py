"""A default autoencoder beside principal components, and how its networks begin: plain, at the mean, at the line. One run.

    LATENTWALK_DATA=../shared/data python benchmarks/lines.py [--seeds 3] [--starts plain,mean,line] [--keep FILE]

Ten data sets: digits (8x8), MNIST and Fashion-MNIST (5,000 each), faces of LFW (gray and in colour, 32x32) and of Olivetti
(gray, 64x64), heartbeats (ECG5000), and tables (breast cancer, musk, satellite). A fifth is drawn for judging (another for each
seed); principal components learn from all the rest, the autoencoder, with its default call `Autoencoder("ae", latent=D)`, from
nine tenths of it. The error is the mean square, of columns each in its deviation. Writes a section of
benchmarks/results/defaults.md.
"""

import argparse
import io
import os
import time
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from common.facts import RESULTS, earlier, facts, keep, put_section
from PIL import Image
from sklearn.datasets import load_breast_cancer
from sklearn.decomposition import PCA

from latentwalk import Autoencoder, Dataset, Network
from latentwalk.data import load
from latentwalk.training.runtime import one_thread

FOLDER = Path(os.environ.get("LATENTWALK_DATA", "../shared/data"))
DIMENSIONS = (2, 8, 32)
KINDS = {"ecg5000": "signal"}


def photographs(many: int, side: int) -> Any:
    """Evenly spaced photographs of LFW, made smaller: (n, side, side, 3)."""
    with zipfile.ZipFile(FOLDER / "lfw" / "lfw64_rgb.zip") as folder:
        names = sorted(name for name in folder.namelist() if name.endswith(".jpg"))
        some = names[:: len(names) // many][:many]
        opened = (Image.open(io.BytesIO(folder.read(name))) for name in some)
        return np.stack([np.asarray(image.resize((side, side))) for image in opened])


SETS = {
    "digits": lambda: load("digits").x,
    "mnist": lambda: load("mnist").x[:5000],
    "fashion": lambda: load("fashion-mnist").x[:5000],
    "faces, gray": lambda: np.load(FOLDER / "lfw" / "lfw32_gray.npz")["images"][::7],
    "faces, colour": lambda: photographs(1500, 32),
    "olivetti": lambda: np.load(FOLDER / "olivetti" / "olivetti.npz")["images"],
    "ecg5000": lambda: np.load(FOLDER / "ecg5000" / "ecg5000.npz")["signals"],
    "breast cancer": lambda: load_breast_cancer().data,
    "musk": lambda: np.load(FOLDER / "adbench" / "25_musk.npz")["X"],
    "satellite": lambda: np.load(FOLDER / "adbench" / "30_satellite.npz")["X"].astype(float),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--starts", default="plain,mean,line")
    parser.add_argument("--keep", type=Path, default=Path("runs/lines.jsonl"))
    asked = parser.parse_args()
    kept = earlier(asked.keep)
    known = {tuple(found["key"]) for found in kept}
    for seed in range(asked.seeds):
        for name, read in SETS.items():
            x = None
            for start in asked.starts.split(","):
                if (name, start, seed) in known:
                    continue
                x = read() if x is None else x
                kept.append({"key": [name, start, seed], "found": measured(name, x, start, seed)})
                keep(asked.keep, kept[-1])
    put_section(RESULTS / "defaults.md", "Networks begin at a line", page(kept))


def measured(name: str, x: Any, start: str, seed: int) -> dict[str, list[float]]:
    """By dimensions: the error of principal components, that of the autoencoder, and its seconds of processor time."""
    order = np.random.default_rng(seed).permutation(len(x))
    judge, learn = x[order[: len(x) // 5]], x[order[len(x) // 5 :]]
    table = x.ndim == 2 and name not in KINDS
    unit = learn.std(0) + 1e-9 * (1 + np.abs(learn).max(0)) if table else 255.0 if x.dtype == np.uint8 else 1.0
    found = {}
    for latent in DIMENSIONS:
        flat, held = ((some / unit).reshape(len(some), -1) for some in (learn, judge))
        if latent >= flat.shape[1]:
            continue
        pca = PCA(latent, random_state=0).fit(flat)
        straight = float(np.square(held - pca.inverse_transform(pca.transform(held))).mean())
        begun = time.process_time()
        with one_thread(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = Autoencoder("ae", latent=latent, network=Network(start=start), random_state=seed, progress=False)
            model.fit(Dataset.of(learn, kind=KINDS[name]) if name in KINDS else learn)
        seconds = time.process_time() - begun
        back = (np.asarray(model.reconstruct(judge), float) / unit).reshape(len(judge), -1)
        found[str(latent)] = [straight, float(np.square(held - back).mean()), seconds]
    return found


def page(kept: list[dict[str, Any]]) -> str:
    """The section: the error of each start in that of principal components, medians over seeds."""
    starts = list(dict.fromkeys(one["key"][1] for one in kept))
    seeds = ", ".join(f"{start} {len({one['key'][2] for one in kept if one['key'][1] == start})}" for start in starts)
    rows, behind, cases = [], dict.fromkeys(starts, 0), dict.fromkeys(starts, 0)
    for name in SETS:
        for latent in DIMENSIONS:
            cells = {}
            for start in starts:
                of = [
                    one["found"][str(latent)] for one in kept if one["key"][:2] == [name, start] and str(latent) in one["found"]
                ]
                if of:
                    ratios = [error / straight for straight, error, _ in of]
                    cases[start] += len(ratios)
                    behind[start] += sum(ratio > 1 for ratio in ratios)
                    cells[start] = f"{np.median(ratios):.2f} | {max(ratios):.2f} | {np.median([took for *_, took in of]):.0f}"
            if cells:
                rows.append(f"| {name} | {latent} | {' | '.join(cells.get(start, '- | - | -') for start in starts)} |")
    heads = " | ".join(f"{start} | worst | s" for start in starts)
    said = ", ".join(f"{start} in {behind[start]} of {cases[start]} cases" for start in starts)
    return "\n".join(
        [
            f"{facts('torch', 'numpy', 'scikit-learn', 'latentwalk')} Seeds: {seeds}. Error of a default autoencoder on "
            "rows held back, in that of as many principal components of all the rows: the median, and the worst seed; "
            f"then seconds of processor time. It is behind: {said}. Script: `benchmarks/lines.py`.",
            "",
            f"| data | D | {heads} |",
            f"| --- | ---: | {' | '.join('---: | ---: | ---:' for _ in starts)} |",
            *rows,
        ]
    )


if __name__ == "__main__":
    main()
