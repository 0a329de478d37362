"""Transforms of skewed columns: what they do to detection, to held-out likelihood, and to samples. One run.

    benchmarks/.venv/bin/python benchmarks/transforms.py [--trials 3] [--data ../shared/data]

Detection: the tables of `anomalies.py`, split in the same way, at most 3,000 rows to learn from; the choice was made on the
first six, and is judged on the others. Likelihood: tables that scikit-learn ships, as plain arrays, 60/40, a VAE of 4
dimensions; nats a row in the units of the data. Samples: customers, drawn here; of each column, the Kolmogorov-Smirnov distance
of 5,000 samples from 5,000 other customers (total variation for categories), with transforms and without, limits and gaps kept
or not. Every measurement is kept in a JSON-lines file (`--keep`). Writes benchmarks/results/transforms.md.
"""

import warnings
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from anomalies import measured, split
from common.facts import RESULTS, begun, facts, keep
from scipy.stats import ks_2samp
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.model_selection import train_test_split

from latentwalk import Autoencoder
from latentwalk.estimators.anomalies import AnomalyDetector

MOST = 3_000
CHOICE = ("18_Ionosphere", "20_letter", "23_mammography", "25_musk", "26_optdigits", "2_annthyroid")
JUDGED = ("30_satellite", "32_shuttle", "35_SpamBase", "45_wine", "4_breastw", "8_celeba")
WAYS = ("none", "centred", "auto")
SHIPPED = {"breast_cancer": load_breast_cancer, "diabetes": partial(load_diabetes, scaled=False), "wine": load_wine}
CUSTOMERS = 5_000


def main() -> None:
    asked, kept, known = begun(__doc__, "transforms", 3)

    def measure(what: str, name: str, how: str, trial: int, number: Any) -> None:
        key = (what, name, how, trial)
        if key not in known:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                kept.append({"key": list(key), "value": number()})
            keep(asked.keep, kept[-1])

    for trial in range(asked.trials):
        for how in WAYS:
            for name in SHIPPED:
                measure("likelihood", name, how, trial, lambda: likelihood(name, how, trial))  # noqa: B023  # called at once
            measure("samples", "customers", how, trial, lambda: distances(how, trial))  # noqa: B023
        for name in (*CHOICE, *JUDGED):
            learn, judge, y = split(asked.data / "adbench" / f"{name}.npz", trial)
            learn = learn[np.random.default_rng(trial).permutation(len(learn))[:MOST]]
            for how in WAYS:
                method = partial(strangeness, how)
                measure("auroc", name, how, trial, lambda: measured(method, learn, judge, y, trial)["auroc"])  # noqa: B023
    (RESULTS / "transforms.md").write_text(page(kept))


def strangeness(how: str, learn: Any, judge: Any, seed: int) -> Any:
    return -AnomalyDetector(random_state=seed, options={"transforms": how}).fit(learn).score_samples(judge)


def likelihood(name: str, how: str, seed: int) -> float:
    """Nats a row of the 40 % not learnt from, at least, in the units of the data."""
    x = SHIPPED[name]().data
    learn, judge = train_test_split(x, test_size=0.4, random_state=seed)
    model = Autoencoder("vae", latent=4, epochs=150, patience=20, random_state=seed, progress=False, transforms=how)  # type: ignore[arg-type]
    return float(np.mean(model.fit(learn).score_samples(judge, draws=64)))


def customers(seed: int) -> pd.DataFrame:
    """Drawn customers: a hidden segment decides about income, plan, visits; city has 500 levels, as frequent as 1 / rank."""
    rng = np.random.default_rng(seed)
    segment = rng.integers(0, 3, CUSTOMERS)
    often = 1 / np.arange(1, 501)
    income = rng.lognormal(10 + 0.5 * segment, 0.7)
    frame = pd.DataFrame(
        {
            "income": income.round(2),
            "days": rng.exponential(200 * (1 + segment)),
            "opened": rng.beta(0.8, 2 + segment),
            "spend": np.where(rng.random(CUSTOMERS) < 0.3, 0.0, income * rng.lognormal(-4, 1, CUSTOMERS)),
            "age": rng.normal(35 + 8 * segment, 9).clip(18, 90).round(),
            "visits": rng.negative_binomial(2, 0.2 + 0.1 * segment),
            "plan": np.array(["free", "plus", "pro"])[np.where(rng.random(CUSTOMERS) < 0.8, segment, 0)],
            "city": [f"city {at}" for at in rng.choice(500, CUSTOMERS, p=often / often.sum())],
        }
    )
    frame.loc[rng.random(CUSTOMERS) < 0.15, ["income", "age"]] = np.nan  # who tells neither
    frame.loc[rng.random(CUSTOMERS) < 0.05, "opened"] = np.nan
    return frame


def distances(how: str, seed: int) -> dict[str, float]:
    """Of samples from other customers: by column; and the shares of what no customer is."""
    learn, others = customers(2 * seed), customers(2 * seed + 1)
    model = Autoencoder("vae", latent=8, epochs=60, random_state=seed, progress=False, transforms=how)  # type: ignore[arg-type]
    model.fit(learn)
    samples = model.sample(CUSTOMERS, missing=True)
    found = {name: distance(samples[name], others[name]) for name in others}
    free = loosened(model).sample(CUSTOMERS)
    for which, some in (("kept", samples), ("not kept", free)):
        numbers = some[["income", "days", "opened", "spend", "age"]]
        found[f"impossible, limits {which}"] = float(((numbers < 0).any(axis=1) | (numbers.opened > 1)).mean())
        found[f"ages not whole, limits {which}"] = float((numbers.age.dropna() % 1 != 0).mean())
    for which, some in (("samples", samples), ("customers", others)):
        found[f"gaps, {which}"] = float(some.isna().mean().sum())
        found[f"income and age missing together, {which}"] = float((some.income.isna() & some.age.isna()).mean())
    return found


def loosened(model: Autoencoder) -> Autoencoder:
    """The model without limits, as it was before there were any."""
    trained = model.trained_
    trained.model.scaling.ends = None
    model.trained_ = replace(trained, spec=replace(trained.spec, limits=()))
    return model


def distance(samples: pd.Series, others: pd.Series) -> float:
    a, b = samples.dropna(), others.dropna()
    if pd.api.types.is_numeric_dtype(b):
        return float(ks_2samp(a, b).statistic)
    return float(a.value_counts(normalize=True).sub(b.value_counts(normalize=True), fill_value=0).abs().sum() / 2)


def page(kept: list[dict[str, Any]]) -> str:
    lines = [
        "# Transforms of skewed columns",
        "",
        f"{facts('torch', 'scikit-learn', 'scipy', 'pandas', 'latentwalk')} Means over "
        f"{len({one['key'][3] for one in kept})} seeds. none: as before; centred: about the mean; auto: or from an end.",
        "",
        "## Detection: AUROC",
        "",
        f"Splits of `anomalies.py`, at most {MOST:,} rows to learn from. ±: of the difference from none, its standard error.",
    ]
    for title, names in (("chosen on", CHOICE), ("judged on", JUDGED)):
        lines += ["", f"| {title} | none | centred | auto | centred - none |", "| --- | ---: | ---: | ---: | ---: |"]
        for name in names:
            lines.append(f"| {name.partition('_')[2]} | " + " | ".join(row(kept, "auroc", [name])) + " |")
        lines.append("| **mean** | " + " | ".join(row(kept, "auroc", names)) + " |")
    lines += [
        "",
        "So a detector transforms nothing unless asked to: what was gained on the first six is not on the others.",
    ]
    lines += ["", "## Held-out log-likelihood: nats a row, more is better", ""]
    lines += ["| plain array | none | centred | auto |", "| --- | ---: | ---: | ---: |"]
    for name in SHIPPED:
        lines.append(
            f"| {name} | " + " | ".join(f"{np.mean(values(kept, 'likelihood', [name], how)):.2f}" for how in WAYS) + " |"
        )
    lines += ["", "## Samples of customers: distance from other customers, less is better", ""]
    lines += ["| | none | centred | auto |", "| --- | ---: | ---: | ---: |"]
    tables = {how: values(kept, "samples", ["customers"], how) for how in WAYS}
    for what in tables["none"][0]:
        lines.append(f"| {what} | " + " | ".join(f"{np.mean([one[what] for one in tables[how]]):.3f}" for how in WAYS) + " |")
    return "\n".join(lines) + "\n\nScript: `benchmarks/transforms.py`.\n"


def row(kept: list[dict[str, Any]], what: str, names: Any) -> list[str]:
    found = [values(kept, what, names, how) for how in WAYS]
    gaps = np.subtract(found[1], found[0])
    means = [f"{np.mean(one):.3f}" for one in found]
    return [*means, f"{gaps.mean():+.3f} ± {gaps.std(ddof=1) / np.sqrt(len(gaps)):.3f}"]


def values(kept: list[dict[str, Any]], what: str, names: Any, how: str) -> list[Any]:
    found = [one for one in kept if one["key"][0] == what and one["key"][1] in names and one["key"][2] == how]
    return [one["value"] for one in sorted(found, key=lambda one: (one["key"][1], one["key"][3]))]


if __name__ == "__main__":
    main()
