"""The next frames of bouncing digits, step by step, beside what asks no model and a deterministic network of the same size.

    OMP_NUM_THREADS=1 python benchmarks/frames.py [--films 12000] [--seeds 0 1 2] [--keep FOLDER] [--video FILE.npz]

Stochastic films, 32 x 32, 15 frames: digits leave walls in random directions. 5 frames are seen, 10 predicted, of test films
with digits that were not learnt from. Two models learn from so many films, each seen once: ours, and the same without an
innovation, which is a deterministic convolutional recurrent network. Ours is also asked for futures of films without chance,
which it was not trained on: they should differ less. Models, and what was found of each seed, are kept in a folder, and a
second run goes on from there. With --video, a predictor learns the first half of a film and is asked what surprises it in the
second, against jumps of plain frame differences. Writes sections of benchmarks/results/frames.md.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from common.facts import RESULTS, earlier, facts, keep, put_section
from PIL import Image

from latentwalk import FramePredictor, Network, Settings, load
from latentwalk.drawing.films import film_strip
from latentwalk.studies.prediction import BEST, COPY, EXTRAPOLATION, MEAN, PATH, cut_auroc, forecast, frame_changes

SEEN, STEPS, DRAWS, JUDGED = 5, 10, 20, 1_000
PLAIN = "deterministic network"
INNOVATION = 16  # numbers that our model draws for a frame
MEASURES: dict[str, tuple[int, Any]] = {"mse": (4, min), "psnr": (2, max), "ssim": (3, max)}  # digits, and what is best
ORDER = (COPY, EXTRAPOLATION, PLAIN, PATH, MEAN, BEST)


def place_of(folder: Path, films: int, seed: int, innovation: int) -> Path:
    """Where a predictor of so many films is kept."""
    return folder / f"films-{films}-innovation-{innovation}-seed-{seed}"


def learnt(place: Path, films: int, seed: int, innovation: int) -> FramePredictor:
    """A predictor of bouncing digits, from its folder where it is there already, beside the seconds of a core it took."""
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


def found_of(seed: int, given: argparse.Namespace) -> dict[str, Any]:
    """What was found of one seed: errors by measure, way and step; shares, spreads, nats, seconds."""
    places = [place_of(given.keep, given.films, seed, innovation) for innovation in (INNOVATION, 0)]
    ours, plain = (
        learnt(place, given.films, seed, innovation) for place, innovation in zip(places, (INNOVATION, 0), strict=True)
    )
    test = load("bouncing-digits", n=6 * given.judged, seed=seed + 1, split="test")
    calm = load("bouncing-digits", n=6 * min(given.judged, 300), seed=seed + 1, split="test", random=False)
    start = time.perf_counter()
    found = forecast(ours, test, seen=SEEN, steps=STEPS, draws=DRAWS, others={PLAIN: plain})
    still = forecast(ours, calm, seen=SEEN, steps=STEPS, draws=DRAWS)
    judging = time.perf_counter() - start
    strips(ours, test.x[:4], given.keep / f"strips-{seed}.png")
    return {
        "key": [seed, given.films, given.judged],
        "films": found.films,
        "bracketed": found.bracketed,
        "bracketed_calm": still.bracketed,
        "spread": found.spread.tolist(),
        "still": still.spread.tolist(),
        "nats": [float(np.mean(one.score_samples(test.x[:200]))) for one in (ours, plain)],
        "seconds": [
            float((place_of(given.keep, given.films, seed, one) / "seconds.txt").read_text()) for one in (INNOVATION, 0)
        ],
        "judging": judging,
    } | {what: {name: value.tolist() for name, value in getattr(found, what).items()} for what in MEASURES}


def table(kept: list[dict[str, Any]], what: str) -> list[str]:
    """A table of one measure, a row a way, a column a step, means over seeds; in bold the best but for best of draws."""
    digits, best = MEASURES[what]
    rows = [name for name in ORDER if name in kept[0][what]]
    values = {name: np.mean([found[what][name] for found in kept], axis=0) for name in rows}
    lines = [
        f"| {what.upper()} | " + " | ".join(f"{step}" for step in range(1, STEPS + 1)) + " |",
        "| --- |" + " ---: |" * STEPS,
    ]
    for name in rows:
        cells = []
        for step in range(STEPS):
            among = [values[row][step] for row in rows if row != BEST]
            said = f"{values[name][step]:.{digits}f}"
            cells.append(f"**{said}**" if values[name][step] == best(among) else said)
        lines.append(f"| {name} | {' | '.join(cells)} |")
    apart = max(float(np.ptp([found[what][name] for found in kept], axis=0).max()) for name in rows)
    return lines + (["", f"Seeds are apart by {apart:.{digits}f} at most."] if len(kept) > 1 else [])


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
        told = cut_auroc(np.where(np.arange(len(film)) < half, np.nan, surprise), later.tolist())
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


def digits(kept: list[dict[str, Any]]) -> list[str]:
    """The section of bouncing digits."""

    def each(values: Any, form: str) -> str:
        return ", ".join(f"{value:{form}}" for value in values)

    took = [each((found["seconds"][at] / 60 for found in kept), ".1f") for at in (0, 1)]
    scored = [each((found["nats"][at] for found in kept), ".1f") for at in (0, 1)]
    lines = [
        facts("torch", "numpy", "scikit-image"),
        "",
        f"Seeds {', '.join(str(found['key'][0]) for found in kept)}; {kept[0]['key'][1]:,} films, each seen once, 8 a step; "
        f"{took[0]} minutes of one core for ours, {took[1]} for the deterministic network, both with a state of 32 channels. "
        f"{kept[0]['films']:,} test films a seed, judged in {each((found['judging'] / 60 for found in kept), '.1f')} minutes. "
        f"Score on 200 test films, nats a frame: {scored[0]}; deterministic {scored[1]}.",
        "",
    ]
    for what in MEASURES:
        lines += [*table(kept, what), ""]
    lines += [
        f"The nearest of {DRAWS} futures is nearer to what came than their mean is in "
        f"{each((found['bracketed'] for found in kept), '.1%')} of films.",
        "",
        "Spread of futures, the deviation of a pixel over draws, by step, mean over seeds:",
        "",
        "| films | " + " | ".join(str(step) for step in range(1, STEPS + 1)) + " |",
        "| --- |" + " ---: |" * STEPS,
    ]
    for name, what in (("with chance", "spread"), ("without", "still")):
        middle = np.mean([found[what] for found in kept], axis=0)
        lines.append(f"| {name} | " + " | ".join(f"{value:.4f}" for value in middle) + " |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--films", type=int, default=12_000)
    parser.add_argument("--judged", type=int, default=1_000)
    parser.add_argument("--keep", type=Path, default=Path("runs/frames"))
    parser.add_argument("--video", type=Path)
    parser.add_argument("--minutes", type=float, default=5, help="to learn from the first half of the video")
    given = parser.parse_args()
    page = RESULTS / "frames.md"
    if given.seeds:
        log = given.keep / "found.jsonl"
        for seed in given.seeds:
            if not any(found["key"] == [seed, given.films, given.judged] for found in earlier(log)):
                keep(log, found_of(seed, given))
        wanted = {(seed, given.films, given.judged) for seed in given.seeds}
        kept = sorted((found for found in earlier(log) if tuple(found["key"]) in wanted), key=lambda found: found["key"][0])
        put_section(page, "Bouncing digits", "\n".join(digits(kept)))
    if given.video:
        put_section(page, "A short film", "\n".join(video(given.video, given.minutes, given.keep)))


if __name__ == "__main__":
    main()
