"""Anomaly detection on tables, beside PyOD's detectors: mean AUROC over 60/40 splits, one run. And on heartbeats.

    python -m venv benchmarks/.venv
    benchmarks/.venv/bin/pip install -c constraints.txt -e . pyod tqdm
    benchmarks/.venv/bin/python benchmarks/anomalies.py [--trials 10] [--data ../shared/data]

Tables of ADBench in DATA/adbench (X, y), at most 10,000 rows a trial (a stratified draw), split 60/40 stratified. Each method
learns from the 60 % without labels, standardised for the rivals as PyOD's own benchmark does, and is judged on the 40 %.
Rivals have PyOD's defaults, and see no column that is constant; our detector has its own, the same for all tables. ECG5000:
learns from 60 % of the normal beats, judged on all others. Every measurement is kept in a JSON-lines file (`--keep`). Writes
the sections of benchmarks/results/anomalies.md that were measured.
"""

import time
import warnings
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from common.facts import RESULTS, begun, facts, keep, put_section
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from latentwalk import Autoencoder, Dataset, Network
from latentwalk.estimators.anomalies import AnomalyDetector
from latentwalk.models.densities import ColumnDensities
from latentwalk.training.runtime import one_thread

MOST = 10_000
Scores = Callable[[Any, Any, int], Any]  # rows to learn from, rows to judge, seed → how strange each is


def main() -> None:
    asked, kept, known = begun(__doc__, "anomalies", 10)
    slow = {name: METHODS[name] for name in SLOW}
    for methods in (METHODS.keys() - SLOW | DESIGNS.keys(), slow):
        for trial in range(asked.trials):
            for path in sorted((asked.data / "adbench").glob("*.npz")):
                learn, judge, y = split(path, trial)
                for name in sorted(methods):
                    if (path.stem, name, trial) not in known:
                        method = (METHODS | DESIGNS)[name]
                        kept.append({"key": [path.stem, name, trial]} | measured(method, learn, judge, y, trial))
                        keep(asked.keep, kept[-1])
    for seed in range(3):
        learn, judge, y = beats(asked.data / "ecg5000" / "ecg5000.npz", seed)
        for name, method in OF_BEATS.items():
            if ("ECG5000", name, seed) not in known:
                kept.append({"key": ["ECG5000", name, seed]} | measured(method, learn, judge, y, seed))
                keep(asked.keep, kept[-1])
    for path in sorted((asked.data / "adbench").glob("*.npz")):
        if (path.stem, "blame", 0) not in known:
            kept.append({"key": [path.stem, "blame", 0]} | blamed(path))
            keep(asked.keep, kept[-1])
    for title, text in pages(kept).items():
        put_section(RESULTS / "anomalies.md", title, text)


def split(path: Path, seed: int) -> tuple[Any, Any, Any]:
    """Rows to learn from, rows to judge, and which of the latter are anomalies."""
    with np.load(path) as file:
        x, y = file["X"].astype(float), file["y"]
    if len(x) > MOST:
        x, _, y, _ = train_test_split(x, y, train_size=MOST, stratify=y, random_state=seed)
    learn, judge, _, y = train_test_split(x, y, test_size=0.4, stratify=y, random_state=seed)
    return learn, judge, y


def beats(path: Path, seed: int) -> tuple[Any, Any, Any]:
    with np.load(path) as file:
        x, abnormal = file["signals"], file["abnormal"].astype(bool)
    normal = np.random.default_rng(seed).permutation(np.flatnonzero(~abnormal))
    cut = round(0.6 * len(normal))
    judged = np.r_[normal[cut:], np.flatnonzero(abnormal)]
    return x[normal[:cut]], x[judged], abnormal[judged]


def measured(method: Scores, learn: Any, judge: Any, y: Any, seed: int) -> dict[str, float]:
    start = time.process_time()
    with warnings.catch_warnings(), one_thread():
        warnings.simplefilter("ignore")
        scores = method(learn, judge, seed)
    if not np.isfinite(scores).any():
        raise ValueError("the method gave no finite score: .5 would be no result.")
    return {"auroc": float(roc_auc_score(y, np.nan_to_num(scores))), "seconds": time.process_time() - start}


def ours(learn: Any, judge: Any, seed: int) -> Any:
    return -AnomalyDetector(random_state=seed).fit(learn).score_samples(judge)


def design(**options: Any) -> Scores:
    """Our detector with something otherwise."""
    return lambda learn, judge, seed: -AnomalyDetector(random_state=seed, **options).fit(learn).score_samples(judge)


def alone(learn: Any, judge: Any, seed: int) -> Any:
    """The autoencoder of our detector without the densities of columns."""
    return -AnomalyDetector(random_state=seed).fit(learn).model_.score_samples(judge, draws=4)


def longer(learn: Any, judge: Any, seed: int) -> Any:
    """Four times as many epochs as the default has."""
    epochs = 4 * AnomalyDetector()._chosen(learn)["epochs"]
    return -AnomalyDetector(random_state=seed, epochs=epochs).fit(learn).score_samples(judge)


def columns(learn: Any, judge: Any, seed: int) -> Any:
    """The densities of columns without the autoencoder."""
    import torch

    return -ColumnDensities.fit(learn)(torch.from_numpy(judge)).sum(1).numpy()


def blamed(path: Path) -> dict[str, float]:
    """How often the value that was spoilt in each of 400 ordinary rows is most to blame, and among the first 3."""
    learn, judge, y = split(path, 0)
    rng, deviation = np.random.default_rng(1), learn.std(axis=0)
    detector = AnomalyDetector(random_state=0).fit(learn)
    ordinary = judge[y == 0]
    rows = ordinary[rng.integers(0, len(ordinary), 400)]
    column, at, found = rng.choice(np.flatnonzero(deviation > 0), 400), np.arange(400), {}
    for way in SPOILT:
        spoilt = rows.copy()
        if way == "swapped":
            spoilt[at, column] = learn[rng.integers(0, len(learn), 400), column]
        else:
            spoilt[at, column] += float(way) * deviation[column] * rng.choice([-1, 1], 400)
        other = spoilt[at, column] != rows[at, column]
        blame = detector.blame(spoilt)
        rank = (blame > blame[at, column][:, None]).sum(axis=1)[other]
        found |= {way: float((rank == 0).mean()), f"{way}, 3": float((rank < 3).mean())}
    return found


def forest(learn: Any, judge: Any, seed: int) -> Any:
    return -IsolationForest(random_state=seed).fit(learn).score_samples(judge)


def flat(learn: Any, judge: Any, seed: int) -> Any:
    """What eight principal components do not reconstruct. (PyOD divides by variances, some of which are near 0 here.)"""
    pca = PCA(8, random_state=seed).fit(learn)
    return np.square(judge - pca.inverse_transform(pca.transform(judge))).sum(axis=1)


def of_pyod(module: str, name: str, **options: Any) -> Scores:
    def scores(learn: Any, judge: Any, seed: int) -> Any:
        from importlib import import_module

        varying = learn.std(axis=0) > 0  # PyOD's PCA divides by the variance of every direction
        learn, judge = learn[:, varying], judge[:, varying]
        scaler = StandardScaler().fit(learn)
        detector = getattr(import_module(f"pyod.models.{module}"), name)(**options, **seeded(name, seed))
        return detector.fit(scaler.transform(learn)).decision_function(scaler.transform(judge))

    return scores


def seeded(name: str, seed: int) -> dict[str, Any]:
    return {} if name == "KNN" else {"random_state": seed}


def of_signals(kind: Any) -> Scores:
    """An autoencoder of 8 dimensions trained on the normal beats: strange is what it reconstructs badly."""

    def scores(learn: Any, judge: Any, seed: int) -> Any:
        network = Network(kind, widths=(64,)) if kind in ("gru", "lstm") else Network(kind)
        model = Autoencoder("ae", latent=8, network=network, epochs=40, random_state=seed, progress=False)
        return -model.fit(Dataset.of(learn, kind="signal")).score_samples(Dataset.of(judge, kind="signal"))

    return scores


METHODS: dict[str, Scores] = {
    "latentwalk": ours,
    "IForest": of_pyod("iforest", "IForest"),
    "IForest, scikit-learn": forest,
    "KNN": of_pyod("knn", "KNN"),
    "PCA": of_pyod("pca", "PCA"),
    "PyOD AutoEncoder": of_pyod("auto_encoder", "AutoEncoder", verbose=0),
    "PyOD VAE": of_pyod("vae", "VAE", verbose=0),
}
WITHOUT = "its columns alone"  # no autoencoder: to see what is whose
SLOW = {"PyOD AutoEncoder", "PyOD VAE"}  # come last
DESIGNS: dict[str, Scores] = {
    "the default": ours,
    "its autoencoder alone": alone,
    "its columns alone": columns,
    'recipe="ae"': design(recipe="ae"),
    "four times the steps": longer,
    "beginning at the mean": design(network=Network("dense", widths=(64,), activation="tanh", start="mean")),
}
SPOILT = {"15": "15 deviations", "4": "4 deviations", "swapped": "the value of another row"}
OF_BEATS: dict[str, Scores] = {
    "latentwalk, GRU": of_signals("gru"),
    "latentwalk, 1-d conv": of_signals("conv"),
    "latentwalk, dense": of_signals("dense"),
    "IForest": forest,
    "PCA, 8 dimensions": flat,
}


def pages(kept: list[dict[str, Any]]) -> dict[str, str]:
    """What was found, a section by its title; of what was not measured, none."""
    tables = sorted({found["key"][0] for found in kept if found["key"][1] == "latentwalk"})
    found = {
        "Tables": tabled(kept, tables),
        "Chosen on six tables, judged on the other six": halves(kept, tables),
        "Blame": spoilt(kept),
        "ECG5000": of_beats(kept),
        "Table by table, ours against": duels(kept, tables),
    }
    return {title: text for title, text in found.items() if text}


def tabled(kept: list[dict[str, Any]], tables: list[str]) -> str:
    means = {name: [mean(kept, table, name) for table in tables] for name in METHODS}
    ranks = np.argsort(np.argsort(-np.array(list(means.values())), axis=0), axis=0) + 1
    lines = [f"| table | {' | '.join(METHODS)} |", f"| --- |{' ---: |' * len(METHODS)}"]
    for at, table in enumerate(tables):
        best = max(values[at] for values in means.values())
        lines.append(f"| {table} | " + " | ".join(bold(values[at], best) for values in means.values()) + " |")
    best = max(np.mean(values) for values in means.values())
    lines.append("| **mean AUROC** | " + " | ".join(bold(float(np.mean(values)), best) for values in means.values()) + " |")
    lines.append("| mean rank | " + " | ".join(f"{rank:.1f}" for rank in ranks.mean(axis=1)) + " |")
    seconds = [np.mean([found["seconds"] for found in kept if found["key"][1] == name]) for name in METHODS]
    lines.append("| CPU seconds a trial | " + " | ".join(f"{second:.2f}" for second in seconds) + " |")
    done = [min(len([f for f in kept if f["key"][:2] == [t, name]]) for t in tables) for name in METHODS]
    lines.append("| trials | " + " | ".join(map(str, done)) + " |")
    return (
        f"{facts('torch', 'scikit-learn', 'pyod', 'latentwalk')} AUROC on the 40 % not learnt from, means of trials; larger "
        f"tables are drawn down to {MOST:,} rows, stratified. No labels are used in learning. Rivals of PyOD see no columns "
        "that are constant in their training rows; CPU seconds, learning and judging, are those of one thread, in "
        "one interleaved run (the networks of PyOD after the others).\n\n" + "\n".join(lines)
    )  # fmt: skip


def of_beats(kept: list[dict[str, Any]]) -> str:
    ecg = ["| method | AUROC, median of 3 seeds (lowest–highest) | CPU seconds |", "| --- | ---: | ---: |"]
    for name in OF_BEATS:
        runs = [found for found in kept if found["key"][:2] == ["ECG5000", name]]
        if runs:
            values = [run["auroc"] for run in runs]
            spread = f"{np.median(values):.4f} ({min(values):.4f}–{max(values):.4f})"
            ecg.append(f"| {name} | {spread} | {np.median([run['seconds'] for run in runs]):.0f} |")
    about = "Learnt from 60 % of the normal beats, judged on the other normal and all abnormal ones."
    return f"{about}\n\n" + "\n".join(ecg) if len(ecg) > 2 else ""


def spoilt(kept: list[dict[str, Any]]) -> str:
    runs = [found for found in kept if found["key"][1] == "blame"]
    lines = ["| spoilt by | the first blamed | among the first 3 |", "| --- | ---: | ---: |"]
    for way, said in SPOILT.items():
        lines.append(f"| {said} | {np.mean([r[way] for r in runs]):.3f} | {np.mean([r[f'{way}, 3'] for r in runs]):.3f} |")
    about = "One value is spoilt in each of 400 ordinary rows of every table; how often is it the one blamed?"
    return f"{about}\n\n" + "\n".join(lines) if runs else ""


def halves(kept: list[dict[str, Any]], tables: list[str]) -> str:
    """Chosen on six tables, judged on the other six, for all ways to part twelve."""
    of = {name: np.array([mean(kept, table, name) for table in tables]) for name in DESIGNS}
    rival = np.array([mean(kept, table, "IForest, scikit-learn") for table in tables])
    if np.isnan([rival, *of.values()]).any():
        return ""
    lines = ["| design | mean AUROC | CPU seconds a trial |", "| --- | ---: | ---: |"]
    for name, values in of.items():
        seconds = np.mean([found["seconds"] for found in kept if found["key"][1] == name])
        lines.append(f"| {name} | {values.mean():.3f} | {seconds:.2f} |")
    ways = list(combinations(range(len(tables)), len(tables) // 2))
    told = []
    for some in ways:
        best, others = chosen({name: of[name] for name in of if name != WITHOUT}, some)
        if some in (tuple(range(0, len(tables), 2)), tuple(range(1, len(tables), 2))):
            told.append(
                f"- Chosen on {', '.join(tables[at] for at in some)}: {best}; on the others {of[best][others].mean():.3f}, "
                f"the default {of['the default'][others].mean():.3f}, Isolation Forest {rival[others].mean():.3f}."
            )
    for what, among in (
        ("the design with an autoencoder that is best there", {name: of[name] for name in of if name != WITHOUT}),
        ("the best, single columns without an autoencoder allowed,", of),
        ("the default, which is not chosen,", {"the default": of["the default"]}),
    ):
        gaps = np.array([(among[best] - rival)[others].mean() for best, others in (chosen(among, some) for some in ways)])
        told.append(
            f"- Of all {len(ways)} ways to choose six, {what} is ahead of Isolation Forest on the other six in "
            f"{(gaps > 0).mean():.1%}, by {gaps.mean():+.3f} on the average (lowest {gaps.min():+.3f})."
        )
    return "\n".join(lines) + "\n\n" + "\n".join(told)


def chosen(of: dict[str, Any], some: tuple[int, ...]) -> tuple[str, list[int]]:
    """The best design on some of the tables, and the others."""
    others = [at for at in range(len(next(iter(of.values())))) if at not in some]
    return max(of, key=lambda name: of[name][list(some)].mean()), others


def duels(kept: list[dict[str, Any]], tables: list[str]) -> str:
    """Against each rival: on how many tables ours is ahead, behind and even, and the mean gap with its standard error."""
    lines = []
    for rival in list(METHODS)[1:]:
        gaps = np.array([mean(kept, table, "latentwalk") - mean(kept, table, rival) for table in tables])
        gaps = gaps[~np.isnan(gaps)]
        if len(gaps) < 2:
            continue
        won, lost = int((gaps > 5e-4).sum()), int((gaps < -5e-4).sum())
        error = gaps.std(ddof=1) / np.sqrt(len(gaps))
        lines.append(
            f"- {rival}: ahead on {won} tables, behind on {lost}, even on {len(gaps) - won - lost}; "
            f"mean gap {gaps.mean():+.3f} ± {error:.3f} (standard error over tables)."
        )
    return "\n".join(lines)


def mean(kept: list[dict[str, Any]], table: str, name: str) -> float:
    return float(np.mean([found["auroc"] for found in kept if found["key"][:2] == [table, name]] or [np.nan]))


def bold(value: float, best: float) -> str:
    return f"**{value:.3f}**" if value >= best - 5e-4 else f"{value:.3f}"


if __name__ == "__main__":
    main()
