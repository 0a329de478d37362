"""The next frames of bouncing digits, step by step, beside what asks no model and a deterministic network of the same size.

    OMP_NUM_THREADS=1 python benchmarks/frames.py [--films 12000] [--seed 0] [--judged 1000] [--keep FOLDER] [--video FILE.npz]

Stochastic films, 32 x 32, 15 frames: digits leave walls in random directions. 5 frames are seen, 10 predicted, of test films
with digits that were not learnt from. Two models learn from so many films, each seen once: ours, and the same without an
innovation, which is a deterministic convolutional recurrent network. Ours is also asked for futures of films without chance,
which it was not trained on: they should differ less. With --video, a predictor learns the first half of a film and is asked
what surprises it in the second, against jumps of plain frame differences. Writes benchmarks/results/frames.md.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from common.facts import RESULTS, facts
from PIL import Image

from latentwalk import FramePredictor, Network, Settings, load
from latentwalk.drawing.films import film_strip
from latentwalk.files import write_atomically
from latentwalk.studies.prediction import BEST, COPY, EXTRAPOLATION, MEAN, PATH, Forecast, cut_auroc, forecast, frame_changes

SEEN, STEPS, DRAWS, JUDGED = 5, 10, 20, 1_000
PLAIN = "deterministic network"
ORDER = (COPY, EXTRAPOLATION, PLAIN, PATH, MEAN, BEST)


def learnt(folder: Path, films: int, seed: int, innovation: int) -> FramePredictor:
    """A predictor of bouncing digits, from its folder where it is there already, beside the seconds of a core it took."""
    place = folder / f"innovation-{innovation}-seed-{seed}"
    if (place / "predictor").exists():
        return FramePredictor.load(place)
    data = load("bouncing-digits", n=6 * films // 5, seed=seed)
    start = time.process_time()
    found = FramePredictor(
        latent=8 * 64,
        network=Network("fully-conv", channels=(16, 32), blocks=0),
        width=32,
        innovation=innovation,
        epochs=1,
        batch_size=8,
        learning_rate=2e-3,
        validation=0.02,
        random_state=seed,
    )
    found.fit(data)
    found.save(place)
    (place / "seconds.txt").write_text(f"{time.process_time() - start:.0f}")
    return found


def seconds(folder: Path, seed: int, innovation: int) -> str:
    """Seconds of a core that a training took."""
    path = folder / f"innovation-{innovation}-seed-{seed}" / "seconds.txt"
    return path.read_text() if path.exists() else "-"


def table(found: Forecast, what: str, digits: int, best: Any) -> list[str]:
    """A table of one measure, a row a way, a column a step; the best of each step but for best of draws in bold."""
    values = getattr(found, what)
    rows = [name for name in ORDER if name in values]
    lines = [
        f"| {what.upper()} | " + " | ".join(f"{step}" for step in range(1, STEPS + 1)) + " |",
        "| --- |" + " ---: |" * STEPS,
    ]
    for name in rows:
        cells = []
        for step in range(STEPS):
            among = [values[row][step] for row in rows if row not in (BEST,)]
            said = f"{values[name][step]:.{digits}f}"
            cells.append(f"**{said}**" if values[name][step] == best(among) else said)
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def strips(predictor: FramePredictor, x: Any, path: Path) -> None:
    """The truth, the mean path and four futures of some films, as a picture."""
    parts = []
    for film in x:
        path_ = predictor.predict(film[:SEEN], STEPS, 1, temperature=0)
        futures = predictor.predict(film[:SEEN], STEPS, 4)
        seen = np.repeat(film[None, :SEEN].astype(np.float32), 5, axis=0)
        films = [film[None].astype(np.float32), np.concatenate([seen, np.concatenate([path_, futures])], axis=1)]
        parts.append(film_strip(np.concatenate(films), predictor.spec_, SEEN))
    picture = np.concatenate(parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path)


def video(path: Path, minutes: float, folder: Path) -> list[str]:
    """What a predictor of a film's first half says of its second."""
    film = np.load(path)["frames"]
    half = len(film) // 2
    place = folder / "video"
    if not (place / "predictor").exists():
        settings = Settings(minutes=minutes, learning_schedule="cosine", precision="bfloat16")
        FramePredictor(batch_size=8, window=12, random_state=0, validation=0.0, training=settings).fit(film[None, :half]).save(
            place
        )
    predictor = FramePredictor.load(place)
    surprise, change = predictor.surprise(film), frame_changes(film)
    np.savez(folder / "video.npz", surprise=surprise, change=change)
    middle = np.nanmedian(change)
    jumps = np.flatnonzero(change > middle + 6 * 1.4826 * np.nanmedian(np.abs(change - middle)))
    where = ", ".join(map(str, jumps)) or "-"
    later = jumps[jumps >= half]
    lines = [
        f"{len(film)} frames of {film.shape[2]} x {film.shape[1]}; learnt from the first {half}. Jumps of the plain difference "
        f"between frames (beyond the median by 6 deviations, robustly): {len(jumps)} in all, at {where}."
    ]
    if len(later):
        told = cut_auroc(np.where(np.arange(len(film)) < half, np.nan, surprise), later)
        lines.append(f"AUROC of the surprise for those in the second half: {told:.3f}.")
    rank = float(np.corrcoef(np.argsort(np.argsort(surprise[half:])), np.argsort(np.argsort(change[half:])))[0, 1])
    lines.append(f"Rank correlation of surprise and plain difference, second half: {rank:.2f}.")
    spliced = np.concatenate([film[half : half + 20], film[half + 40 : half + 60][::-1], film[half : half + 20]])
    cuts = [20, 40]
    ours, plain = cut_auroc(predictor.surprise(spliced), cuts), cut_auroc(frame_changes(spliced), cuts)
    lines.append(
        f"Three pieces of the second half put together, so that cuts are known (frames {cuts[0]} and {cuts[1]} of "
        f"{len(spliced)}): AUROC {ours:.3f}; of the plain difference {plain:.3f}."
    )
    scores = forecast(predictor, film[None, half:], seen=10, steps=10, draws=20)
    for name in (COPY, EXTRAPOLATION, PATH, BEST):
        lines.append(f"- 10 frames ahead, {name}: PSNR {', '.join(f'{v:.1f}' for v in scores.psnr[name])}")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--films", type=int, default=12_000)
    parser.add_argument("--alone", action="store_true", help="leave the deterministic network out")
    parser.add_argument("--judged", type=int, default=JUDGED)
    parser.add_argument("--keep", type=Path, default=Path("frames-kept"))
    parser.add_argument("--video", type=Path)
    parser.add_argument("--minutes", type=float, default=5, help="to learn from the first half of the video")
    given = parser.parse_args()
    ours = learnt(given.keep, given.films, given.seed, 16)
    plain = None if given.alone else learnt(given.keep, given.films, given.seed, 0)
    took = [seconds(given.keep, given.seed, one) for one in (16, 0)]
    test = load("bouncing-digits", n=6 * given.judged, seed=given.seed + 1, split="test")
    calm = load("bouncing-digits", n=6 * min(given.judged, 300), seed=given.seed + 1, split="test", random=False)
    start = time.perf_counter()
    found = forecast(ours, test, seen=SEEN, steps=STEPS, draws=DRAWS, others={} if plain is None else {PLAIN: plain})
    still = forecast(ours, calm, seen=SEEN, steps=STEPS, draws=DRAWS)
    judging = time.perf_counter() - start
    strips(ours, test.x[:4], given.keep / "strips.png")

    def nats(one: FramePredictor | None) -> str:
        return "-" if one is None else f"{float(np.mean(one.score_samples(test.x[:200]))):.1f}"

    lines = [
        "# The next frames",
        "",
        __doc__.partition("\n\n")[2].partition("\n\n")[2].strip(),
        "",
        facts("torch", "numpy", "scikit-image"),
        "",
        f"Seed {given.seed}; {given.films:,} films, each seen once, in batches of 8; {took[0]} seconds of one core for ours, "
        f"{took[1]} for the deterministic network, both with a state of 32 channels. Judging took {judging / 60:.1f} minutes. "
        f"Score on 200 test films, nats a frame: {nats(ours)}; deterministic {nats(plain)}.",
        "",
    ]
    for what, digits, best in (("mse", 4, min), ("psnr", 2, max), ("ssim", 3, max)):
        lines += [*table(found, what, digits, best), ""]
    lines += [
        f"Of {found.films:,} films, in {found.bracketed:.1%} the nearest of {DRAWS} futures is nearer to what came than their "
        "mean is.",
        "",
        "Spread of futures, the deviation of a pixel over draws, by step:",
        "",
        "| films | " + " | ".join(str(step) for step in range(1, STEPS + 1)) + " |",
        "| --- |" + " ---: |" * STEPS,
        "| with chance | " + " | ".join(f"{value:.4f}" for value in found.spread) + " |",
        "| without | " + " | ".join(f"{value:.4f}" for value in still.spread) + " |",
        "",
    ]
    if given.video:
        lines += ["## A short film", "", *video(given.video, given.minutes, given.keep), ""]
    write_atomically(RESULTS / "frames.md", "\n".join(lines).encode())
    print("\n".join(lines))


if __name__ == "__main__":
    main()
