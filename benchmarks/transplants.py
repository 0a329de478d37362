"""A moustache for those who have none: what a graft changes, and what it leaves alone.

    python benchmarks/transplants.py [--lfw ../shared/data/lfw] [--keep runs/transplants] [--seeds 5] [--photographed 3]

Drawn faces with known factors, judged by a network that reads the factors off renderings (`drawn_grafts`), and photographs,
judged by a classifier that learnt from photographs (`photographed_grafts`). Models and judges are kept in `--keep`, and a
second run goes on from there. Writes benchmarks/results/transplants.md and docs/images/moustache.png; the page of photographs,
photographs.png, stays in `--keep`: these are pictures of real people and not ours to publish.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import drawn_grafts as drawn
import numpy as np
import photographed_grafts as photographed
from common.facts import RESULTS, facts, put_section
from numpy.typing import NDArray
from PIL import Image

from latentwalk import Direction, LatentSpace
from latentwalk.data.synthetic import faces
from latentwalk.drawing.tiles import sheet

DRAWN = """`faces`, {side} x {side}, every factor drawn independently. {seeds} plain autoencoders, D = {latent}, convolutional,
{learnt:,} faces each (seeds 0 to {last}), {epochs} epochs: {minutes:.0f} minutes of one core in all. The direction is found
from {seen:,} of the faces learnt from, all other factors taken out; its AUC is at least {auc:.3f}. Strength and region were
chosen on {valid} validation faces: {given}; {taken}. Then {held:,} test faces a model.

The judge is a small convolutional network that learnt from 20,000 renderings. Its mean error on held-out renderings, in
shares of a factor's range: {errors} (the style of hair: share wrong). The thickness of a moustache is left out: it means
nothing where there is none. *seen*: faces whose moustache changed, to the judge (above .5). *others*: the mean absolute
change of the other factors' readings, in shares of their range, over all of them; then those that move by .05 or more.
*single*: single readings, over faces and factors, that moved by less than .05. *same*: grafts whose nearest original, of all
test faces, is their own, in the 256 activations of the judge's last hidden layer. *truth*: what the judge says of the same
faces drawn anew with the moustache changed and nothing else; it takes the one for a little of the others.

| moustache | seed | faces | seen | others, mean | of these .05 or more | single | same |
| --- | ---: | ---: | ---: | ---: | --- | ---: | ---: |
{rows}

Asked: seen on .95 of the faces, while every other factor moves by less than .05 and the face is still the same. Measured, the
least favourable of the models:

{verdict}

Where moustaches and glasses go together (correlation .8, a selection of the same faces; seed 0, no region), a graft also
moves the reading of glasses on bare faces: by {plain:+.3f} of its range along the difference of means, by {partial:+.3f}
with glasses taken out.

"""
PHOTOGRAPHED = """Labeled Faces in the Wild, 64 x 64 RGB, those that the attribute table knows (its attributes are a model's
predictions, not people's): {learn:,} to learn from, {valid:,} to choose the strength on, {test:,} to test, no person in two of
them. {seeds} convolutional VAEs, beta = .1, D = {latent}, {epochs} epochs of photographs and mirror images: {minutes:.0f}
minutes of one core in all. One judge: a classifier of all 39 attributes that learnt from the same photographs, mirrored at
random, rare attributes weighted, and never saw a decode. It sees an attribute above the level where, on validation
photographs, as many that have it are missed as others are taken for it. *seen*: of the test faces that lack the attribute (by
the table and to the judge), those on which it is seen after the graft, the median of the models and the lowest to the highest;
of each were asked .8. The strength, of each model, is the least that is seen on 90 % of validation faces. *region*: a box (top,
left, bottom, right), or "change": where the step changes the picture most. *others*: attributes that the judge sees change most
often besides, in the mean.

| attribute | strengths | region | judge's AUC | faces | seen | | others |
| --- | --- | --- | ---: | ---: | --- | --- | --- |
{rows}

Confounders were named after a first look at these test faces with `without="auto"`, which failed: it also takes out what
an attribute shows in (No_Beard of a moustache, High_Cheekbones of a smile), and little of it was left.

What was taken out of each direction, and how well it separates held-out codes (seed 0):

{readings}
"""
PAGE = RESULTS / "transplants.md"
PICTURE = Path(__file__).parent.parent / "docs" / "images" / "moustache.png"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lfw", type=Path, default=Path("../shared/data/lfw"))
    parser.add_argument("--keep", type=Path, default=Path("runs/transplants"))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--photographed", type=int, default=3, help="seeds of models of photographs")
    parser.add_argument("--parts", nargs="+", choices=("drawn", "photographs"), default=["drawn", "photographs"])
    asked = parser.parse_args()
    asked.keep.mkdir(parents=True, exist_ok=True)
    if "drawn" in asked.parts:
        put_section(PAGE, "Drawn faces", f"{_facts()}\n\n{on_drawn(asked.keep, asked.seeds)}")
    if "photographs" in asked.parts:
        put_section(PAGE, "Photographs", f"{_facts()}\n\n{on_photographs(asked.lfw, asked.keep, asked.photographed)}")


def _facts() -> str:
    return f"{facts('torch', 'numpy', 'scikit-learn', 'latentwalk')} Script: `benchmarks/transplants.py`."


# ---------------------------------------------------------------------- drawn faces


def on_drawn(keep: Path, seeds: int) -> str:
    """Measure, draw the picture, and say what came of it."""
    made, errors = drawn.reader(keep)
    learnt = [drawn.learnt(seed, keep) for seed in range(seeds)]
    spaces = [(space, drawn.moustache(space)) for space, _ in learnt]
    rows, verdicts, ways = [], [], {}
    for sign, what in ((1, "given"), (-1, "taken away")):
        strength, region = drawn.chosen(made, spaces, sign)
        ways[what] = strength, region
        all_ = []
        for seed, (space, direction) in enumerate(spaces):
            held = faces(drawn.HELD, seed=drawn.TEST + seed, size=drawn.SIDE)
            all_ += drawn.outcomes(made, space, direction, held, [strength], region)
        true = drawn.truth(made, faces(drawn.HELD, seed=drawn.TEST, size=drawn.SIDE), given=sign > 0)
        rows += [_drawn_row(what, seed, one) for seed, one in (*enumerate(all_), ("truth", true))]
        verdicts.append(_drawn_verdict(what, all_, true))
    picture(*spaces[0], *ways["given"])
    moved = drawn.entangled(made, spaces[0][0], ways["given"][0])
    return DRAWN.format(
        side=drawn.SIDE,
        seeds=seeds,
        last=seeds - 1,
        latent=drawn.SETTING["latent"],
        learnt=drawn.LEARNT,
        seen=drawn.SEEN,
        epochs=drawn.SETTING["epochs"],
        minutes=sum(seconds for _, seconds in learnt) / 60,
        auc=min(direction.auc or 0 for _, direction in spaces),
        given=_way("given", ways),
        taken=_way("taken away", ways),
        held=drawn.HELD,
        valid=drawn.CHOSEN_ON,
        errors=", ".join(f"{name} {error:.3f}" for name, error in errors.items()),
        rows="\n".join(rows),
        verdict="\n".join(verdicts),
        plain=moved["difference of means"],
        partial=moved["glasses taken out"],
    )


def _way(what: str, ways: dict[str, Any]) -> str:
    strength, region = ways[what]
    return f"{what}, strength {strength:g}, {'the whole picture' if region is None else f'within the box {region}'}"


def _drawn_row(what: str, seed: int | str, one: drawn.Outcome) -> str:
    moved = ", ".join(f"{name} {one.change[name]:.3f}" for name in one.moved) or "none"
    mean = np.mean(list(one.change.values()))
    return f"| {what} | {seed} | {one.faces} | {one.seen:.3f} | {mean:.4f} | {moved} | {one.single:.3f} | {one.same:.3f} |"


def _drawn_verdict(what: str, all_: Sequence[drawn.Outcome], true: drawn.Outcome) -> str:
    seen, worst, same = min(o.seen for o in all_), max(o.change[o.worst] for o in all_), min(o.same for o in all_)
    count = min(len(o.change) - len(o.moved) for o in all_)
    seen_true, moved_true = len(true.change) - len(true.moved), f"{true.worst} {true.change[true.worst]:.3f}"
    return (
        f"- A moustache {what}: seen on {seen:.3f} of the faces or more ({_met(seen >= 0.95)}). {count} or more of "
        f"{len(true.change)} other factors move by less than .05, the worst by {worst:.3f} ({_met(worst < 0.05)}); of the "
        f"truth the judge says {seen_true}, the worst {moved_true}. Still the same face: {same:.3f} or more."
    )


def _met(holds: bool) -> str:
    return "met" if holds else "missed"


def picture(space: LatentSpace, direction: Direction, strength: float, region: Any, each: int = 8) -> None:
    """Test faces that lack a moustache, each above itself with one."""
    held = faces(100, seed=drawn.TEST, size=drawn.SIDE)
    lacking = held.x[held.factors["moustache"] == 0]
    rows = []
    for x in (lacking[:each], lacking[each : 2 * each]):
        rows += [x, space.graft(x, direction, strength, region=region).x]
    tiles = np.concatenate([_enlarged(np.round(row).astype(np.uint8), 96) for row in rows])
    image = Image.fromarray(sheet(tiles, each, band=2))
    image.quantize(256, dither=Image.Dither.NONE).save(PICTURE, optimize=True)


def _enlarged(tiles: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    return np.stack([np.asarray(Image.fromarray(tile).resize((side, side), Image.Resampling.BICUBIC)) for tile in tiles])


# ---------------------------------------------------------------------- photographs


def on_photographs(folder: Path, keep: Path, seeds: int) -> str:
    """The same for Labeled Faces in the Wild."""
    photographs = photographed.Photographs.read(folder)
    classifier = photographed.Classifier.of(photographs, keep)
    ways = [(name, region) for name, box in photographed.BOXES.items() for region in (box, photographed.CHANGE)]
    found: dict[Any, list[tuple[float, photographed.Outcome]]] = {way: [] for way in ways}
    seconds, readings = 0.0, ""
    for seed in range(seeds):
        space, epochs, took = photographed.learnt(photographs, keep, seed)
        seconds += took
        directions = {name: space.direction(name, without=photographed.WITHOUT) for name in photographed.BOXES}
        for name, region in ways:
            strength = photographed.chosen(classifier, space, directions[name], photographs.valid, region)
            tested = photographs.test, [strength], photographed.TESTED, region
            (one,) = photographed.outcomes(classifier, space, directions[name], *tested)
            found[name, region].append((strength, one))
        if seed == 0:
            readings = "\n".join(f"- {direction.reading}" for direction in directions.values())
            strengths = [found[name, photographed.CHANGE][0][0] for name in directions]
            gallery(space, list(directions.values()), strengths, photographs, keep / "photographs.png")
    return PHOTOGRAPHED.format(
        learn=len(photographs.learn),
        valid=len(photographs.valid),
        test=len(photographs.test),
        seeds=seeds,
        latent=photographed.SETTING["latent"],
        epochs=epochs,
        minutes=seconds / 60,
        rows="\n".join(_photographed_row(name, region, classifier.auc[name], found[name, region]) for name, region in ways),
        readings=readings,
    )


def _photographed_row(
    name: str, region: photographed.Region, auc: float, found: Sequence[tuple[float, photographed.Outcome]]
) -> str:
    seen = sorted(one.seen for _, one in found)
    others = {other: np.mean([one.others[other] for _, one in found]) for other in found[0][1].others}
    most = ", ".join(f"{other} {others[other]:.2f}" for other in sorted(others, key=lambda other: -others[other])[:4])
    named = region if isinstance(region, str) else None if region is None else ", ".join(f"{side:g}" for side in region)
    cells = (
        ", ".join(f"{strength:g}" for strength, _ in found),
        "all" if named is None else named,
        f"{auc:.3f}",
        f"{found[0][1].faces:,}",
        f"{np.median(seen):.3f} ({seen[0]:.3f} to {seen[-1]:.3f})",
        _met(seen[0] >= 0.8),
        most,
    )
    return f"| {name} | {' | '.join(cells)} |"


def gallery(
    space: LatentSpace,
    directions: Sequence[Direction],
    strengths: Sequence[float],
    photographs: photographed.Photographs,
    path: Path,
    each: int = 4,
) -> None:
    """For each attribute some test faces that lack it: the photograph, and grafts up to one and a half times the strength."""
    rows = []
    for direction, strength in zip(directions, strengths, strict=True):
        test = photographs.test
        for row in np.flatnonzero(test.factors[direction.name] < 0.1)[:: len(test) // (2 * each)][:each]:
            sweep = np.array([0, 0.5, 0.75, 1, 1.25, 1.5]) * strength
            rows.append(space.graft(test.x[row], direction, sweep).x)
    tiles = _enlarged(np.round(np.concatenate(rows)).astype(np.uint8), 128)
    Image.fromarray(sheet(tiles, 12, band=each // 2)).save(path)


if __name__ == "__main__":
    main()
