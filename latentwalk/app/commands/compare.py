"""`latentwalk compare`: several models on the same data, measured, saved, and drawn as one report."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import latentwalk
from latentwalk import app
from latentwalk.app.bundles import AS_FOUND, ReadingOptions, bundled
from latentwalk.app.options import (
    MODEL,
    OUTPUT,
    BatchSize,
    Data,
    Epochs,
    Force,
    Latents,
    Minutes,
    Seed,
    counts,
    epochs_for,
    patience_for,
    words,
)
from latentwalk.app.output import STOPPED, check_writable, note, saving, say, show, word
from latentwalk.errors import ConfigError, LatentwalkError

if TYPE_CHECKING:
    from latentwalk.app.source import Source
    from latentwalk.data import Dataset
    from latentwalk.latent.criteria.measure import Measure
    from latentwalk.studies.comparison import Comparison, Entry
    from latentwalk.studies.methods import Tried

__all__ = ["compare", "compared", "verdicts", "write_report"]

USUAL = (2, 8)  # numbers of dimensions: one that can be looked at, one that is better
HEADS = {
    "prior": "complete, {prior}",
    "prior_reach": "reach, {prior}",
    "matched": "complete, Gaussian",
    "matched_reach": "reach, Gaussian",
}  # of measures, by key


@bundled
def compare(
    data: Data,
    recipes: Annotated[
        str | None,
        typer.Option(metavar="NAME,…", help="pca, or any recipe of fit. Default: pca,ae,vae.", rich_help_panel=MODEL),
    ] = None,
    all_: Annotated[
        bool, typer.Option("--all", help="Every family that fits the data: a gallery.", rich_help_panel=MODEL)
    ] = False,
    latent: Latents = None,
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the report and the models go.", rich_help_panel=OUTPUT)
    ] = Path("comparison"),
    epochs: Epochs = None,
    minutes: Minutes = None,
    batch_size: BatchSize = 128,
    seed: Seed = 0,
    reading: ReadingOptions = AS_FOUND,
    force: Force = False,
) -> None:
    """Train recipes of your choice side by side, measure them, draw the report.

    \b
    Examples:
      latentwalk compare digits --recipes ae,denoising,vae --latent 2,4 --out digits
      latentwalk compare digits --all --out gallery
    """
    source = app.source.Source.named(data, **reading)
    if all_ and recipes is not None:
        raise typer.BadParameter("--all is every recipe; leave --recipes out.", param_hint="--all")
    chosen, title = (None, "Every family") if all_ else (words(recipes or "pca,ae,vae"), "Comparison")
    how = Learning(epochs, minutes, batch_size, seed)
    compared(source, chosen, latent, out, title, how, usual=recipes is None, force=force)


@dataclass(frozen=True, slots=True)
class Learning:
    """How the models of a comparison learn. epochs: of each, at most. minutes: for all of them together, at most."""

    epochs: int | None
    minutes: float | None
    batch_size: int
    seed: int


def compared(
    source: "Source",
    recipes: Sequence[str] | None,
    latent: str | None,
    out: Path,
    title: str,
    how: Learning,
    *,
    usual: bool,
    force: bool,
) -> None:
    """Train and judge every recipe at every number of dimensions; save models and report in `out`; print the verdicts.

    recipes: None for every family that fits the data, as a gallery. usual: whether nobody asked for just these, so that PCA is
    left out where it cannot learn. Leaves with 130 after Ctrl-C.
    """
    from latentwalk.checks import positive
    from latentwalk.studies.comparison import check_recipes
    from latentwalk.studies.methods import unread

    start = time.perf_counter()
    asked = None if latent is None else counts(latent)
    check_recipes(recipes or ())  # before the data is read, which may take long
    _check_out(out, force)
    positive("--minutes", how.minutes, none="no limit")
    source, train, test = source.halves(how.seed)
    dimensions = _dimensions(asked, train)
    gallery = recipes is None
    members = latentwalk.families(train.spec) if recipes is None else list(recipes)
    if usual and "pca" in members and (why := unread("pca", train.spec, test.spec)):
        members.remove("pca")
        note(f"PCA is left out: {why}")
    dimensions = dimensions[-1:] if gallery and asked is None else dimensions
    passes = how.epochs or epochs_for(len(train))
    learners = sum(member != "pca" for member in members) * len(dimensions)
    each = None if how.minutes is None else how.minutes / max(learners, 1)
    check_writable(out)
    _foretell(train, test, len(members) * len(dimensions), learners, passes, each)
    comparison = latentwalk.Comparison(
        members,
        latent=dimensions,
        epochs=passes,
        patience=patience_for(passes),
        batch_size=how.batch_size,
        random_state=how.seed,
        training=None if each is None else latentwalk.Settings(minutes=each),
    )
    settings: dict[str, Any] = {"epochs": passes, "batch size": how.batch_size, "seed": how.seed}
    settings |= {} if each is None else {"minutes": how.minutes}
    about = {"title": title, "data": train.name, "settings": settings, "gallery": gallery}
    done: list[Entry] = []
    try:
        for entry in _followed(comparison, train, test):
            done.append(entry)
            if entry.tried.model is not None:
                with saving():
                    app.run.Run.of(_folder(out, entry.tried), entry.tried.model, source, train, passes).save()
    except (KeyboardInterrupt, LatentwalkError) as error:
        if isinstance(error, KeyboardInterrupt):
            note(_kept(out, done, len(members) * len(dimensions)))
        if done:
            _finish(out, done, {**about, "seconds": time.perf_counter() - start})
        if isinstance(error, KeyboardInterrupt):
            raise typer.Exit(STOPPED) from None
        raise
    _finish(out, done, {**about, "seconds": time.perf_counter() - start})


def _foretell(train: "Dataset", test: "Dataset", models: int, learners: int, passes: int, each: float | None) -> None:
    """Say what is going to happen, and how long it may take. each: minutes for each of the learners among the models."""
    from latentwalk.checks import duration

    shape = " x ".join(map(str, train.spec.shape))
    limit = "" if each is None else f" and {duration(60 * each)} each, {duration(60 * each * learners)} in all at most"
    note(
        f"{train.name}: {len(train):,} rows to learn from, {len(test):,} to judge by, each {shape}\n"
        f"{models} models: up to {passes} epoch{'s' * (passes > 1)}{limit}; then each is measured, and the report is drawn"
    )


def _kept(out: Path, done: "Sequence[Entry]", models: int) -> str:
    """What is there of a comparison that was stopped, and where."""
    names = [f"{entry.tried.title} ({entry.tried.latent})" for entry in done]
    saved = [_folder(out, entry.tried) for entry in done if entry.tried.model is not None]
    if not done:
        return f"stopped before the first of {models} models was finished: nothing is kept."
    where = f"in {out / 'models'}: {', '.join(folder.name for folder in saved)}" if saved else "none, for PCA is not saved"
    return (
        f"stopped; {len(done)} of {models} models were finished: {', '.join(names)}. Saved {where}. The one at work is not. "
        f"The report on those finished goes to {out / 'report.html'}. To have all, run it again with --force."
    )


def write_report(folder: Path, entries: "Sequence[Entry]", **about: Any) -> Path:
    """Write report.json and report.html; the path of the latter. Raises OutputError."""
    from latentwalk.report import content, write_page

    with saving():
        return write_page(folder, content(entries, **about))


def verdicts(entries: "Sequence[Entry]") -> None:
    """Print the table of what was measured, and the warnings."""
    from latentwalk.checks import duration
    from latentwalk.studies.judgement import error_said

    rows = []
    for entry in entries:
        found, tried = entry.judgement, entry.tried
        numbers = (*map(_interval, found.measures.values()), f"{found.error:.4f}", duration(tried.seconds))
        rows.append((tried.title, str(tried.latent), *numbers))
    titles = {entry.tried.space.prior_title for entry in entries}
    prior = titles.pop() if len(titles) == 1 else "prior"
    heads = (HEADS.get(key, one.title).format(prior=prior) for key, one in entries[0].judgement.measures.items())
    show(("model", "D", *heads, "error", "took"), rows)
    say(
        "continuity: share of small steps that keep the output. complete: share of draws that land where data is. reach:\n"
        "share of data that lies where draws land. Gaussian: with the mean and covariance of the codes.\n"
        f"error: {error_said(entries[0].tried.space.spec)}, of held-out examples."
    )
    for entry in entries:
        if entry.judgement.warning:
            note(f"{entry.tried.title}, D = {entry.tried.latent}: {entry.judgement.warning}")


def _interval(measure: "Measure") -> str:
    """A share, and how far its 95 % interval reaches on its longer side."""
    half = f"{max(measure.high - measure.value, measure.value - measure.low):.2f}".removeprefix("0")
    return f"{measure.value:.2f} ±{half}"


def _followed(comparison: "Comparison", train: "Dataset", test: "Dataset") -> "Iterator[Entry]":
    """The entries as they are finished, with a line for each, before and after it. Ctrl-C stops it."""
    from latentwalk.checks import duration

    members = [_called(recipe, latent) for latent in comparison.latent for recipe in comparison.recipes]
    entries = comparison.each(train, test)
    took: dict[bool, list[float]] = {False: [], True: []}  # seconds of models that learn, and of PCA
    for index, (name, latent) in enumerate(members, 1):
        start = time.perf_counter()
        note(f"{index}/{len(members)}  {name}, {latent} dimensions: training, then measuring")
        entry = next(entries)
        seconds = time.perf_counter() - start
        took[name == "PCA"].append(seconds)
        smooth, rest = entry.judgement.measures["continuity"], seconds - entry.tried.seconds
        left = _left([name == "PCA" for name, _ in members[index:]], took)
        note(f"     {smooth}; trained in {duration(entry.tried.seconds)}, measured in {duration(rest)}{left}")
        yield entry


def _left(rest: Sequence[bool], took: Mapping[bool, Sequence[float]]) -> str:
    """The time that the rest will take, as far as those like them tell: whether each is PCA, and seconds that others took."""
    from latentwalk.checks import duration

    if not rest or not all(took[rival] for rival in rest):
        return ""
    return f"; about {duration(sum(sum(took[rival]) / len(took[rival]) for rival in rest))} left"


def _called(recipe: Any, latent: int) -> tuple[str, int]:
    """The name of a member, and how many dimensions it has."""
    from latentwalk.studies.methods import NAMES

    if isinstance(recipe, latentwalk.Family):
        return NAMES.get(recipe.recipe.name, recipe.recipe.name), recipe.latent or latent
    return NAMES.get(recipe, recipe), latent


def _finish(out: Path, entries: "Sequence[Entry]", about: Mapping[str, Any]) -> None:
    note("drawing the report")
    page = write_report(out, entries, **about)
    verdicts(entries)
    say(f"look: {page}")
    walkable = [entry.tried for entry in entries if entry.tried.model is not None and len(entry.tried.space.classes) > 1]
    if walkable:
        best = walkable[-1]
        ends = f"--from {word(best.space.classes[0])} --to {word(best.space.classes[-1])}"
        say(f"walk in it: latentwalk walk {_folder(out, best)} {ends}")


def _folder(out: Path, tried: "Tried") -> Path:
    return out / "models" / f"{tried.method}-{tried.latent}"


def _dimensions(latent: Sequence[int] | None, train: "Dataset") -> Sequence[int]:
    """The numbers of dimensions asked for, or the usual ones that are fewer than the numbers of an example."""
    size = min(train.spec.size, len(train))
    if latent is None:
        return [d for d in USUAL if d < size] or [1]
    if max(latent) > size:
        raise ConfigError(f"--latent {max(latent)} is more than the {size} numbers of an example (or rows). Choose fewer.")
    return latent


def _check_out(out: Path, force: bool) -> None:
    """Raise ConfigError for a folder that holds anything, models of an earlier comparison too."""
    if out.is_dir() and any(out.iterdir()) and not force:
        what = "holds models already" if (out / "models").is_dir() else "is not empty"
        raise ConfigError(f"{out} {what}. Choose another --out, or write into it with --force.")
