"""What a VAE of texts knows: how likely it finds new sentences, how much its codes say, and what can be done in its space.

    python benchmarks/text.py phrases [--epochs 40]               writes a section of results/text.md
    python benchmarks/text.py cures --data ../shared/data/ptb --rows 6400
    python benchmarks/text.py ptb --data ../shared/data/ptb --minutes 40 --checkpoint runs/ptb    goes on where it was cut short

Beside each VAE stands the same decoder without a code, trained on the same batches for as many epochs: what it does not know
better than that one, its code says for nothing.

Phrases: drawn sentences whose factors are read back by a parser. Walks between held-out sentences: how many of their sentences
are grammatical, and how often a step that changes a sentence changes one factor. Graft: sentences in the present are put into
the past, the direction found with all other factors taken out; judged beside their reconstruction. Guided: for each sentence
the step after which it is read to be in the past and all else as before (`strength="guided"`).
"""

import argparse
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common.codeless import codeless, nats
from common.facts import RESULTS, facts, put_section

from latentwalk import (
    Autoencoder,
    Dataset,
    Network,
    Recipe,
    Settings,
    active_units,
    cyclical,
    linear,
    load,
    mutual_information,
    read,
)
from latentwalk.chance import seeded
from latentwalk.data.spec import DataSpec
from latentwalk.data.synthetic import PHRASE_FACTORS, factors_of
from latentwalk.data.units import Vocabulary, read_to
from latentwalk.models.serial import SerialConditional

STRENGTHS, WANTED = (1.0, 1.5, 2.0, 2.5, 3.0), 0.95  # of a graft, and of sentences that it should move
HEAD = (
    "| model | NLL, importance-weighted | reconstruction | KL | mutual information | active | seconds |\n"
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["phrases", "cures", "ptb"])
    parser.add_argument("--data", type=Path, default=Path("../shared/data/ptb"))
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--widths", type=int, default=128)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--dropout", type=float, default=0.0)
    parser.add_argument("--pretraining", type=float, default=0.0)
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--draws", type=int, default=100, help="draws of the posterior for a bound")
    parser.add_argument("--only", default="", help="cures whose names have one of these in them, with commas between")
    parser.add_argument("--rows", type=int, help="sentences of the Penn Treebank that are learnt from")
    parser.add_argument("--test", type=int, default=500, help="test sentences that are looked at")
    asked = parser.parse_args()
    {"phrases": phrases, "cures": cures, "ptb": treebank}[asked.what](asked)


def phrases(asked: argparse.Namespace) -> None:
    train, test = load("phrases"), load("phrases", split="test")
    test, epochs = test.take(np.arange(min(asked.test, len(test)))), asked.epochs or 40
    network = Network("gru", widths=(asked.widths,))
    rows, models = [], {}
    warm: dict[str, Any] = {"generative": True, "beta": linear(1.0, over=5)}
    recipes: dict[str, Any] = {
        "VAE (default: 8 nats free together)": "vae",
        "VAE, 8 nats free, a quarter for each dimension": Recipe("each", free_nats=8 / 32, **warm),
        "VAE, 12 nats free together": Recipe("freer", target_rate=12, **warm),
        "VAE, uncured": Recipe("plain", generative=True),
    }
    for name, recipe in recipes.items():
        if not any(one in name for one in asked.only.split(",")):
            continue
        model, seconds = fitted(recipe, network, train, epochs, asked)
        models[name] = model
        rows.append(row(name, judged(model, test, asked.draws), seconds))
        print(rows[-1], flush=True)
    rows.append(alone(network, train, test, epochs, asked))
    print(rows[-1], flush=True)
    exact = sum(np.log(len(values)) for values in PHRASE_FACTORS.values())
    moves = "\n".join(moved(name, model, train, test) for name, model in models.items())
    text = f"""{facts("torch", "numpy", "latentwalk")} Script: `benchmarks/text.py phrases`.

{len(train):,} drawn sentences to learn from, {len(test):,} to judge by; GRU of {asked.widths} units, D = 32,
{epochs} epochs, batches of {asked.batch}, Adam {asked.rate:g}, seed 0. Nats a sentence; {asked.draws} draws of the posterior.
No model can do better than {exact:.2f} nats, the entropy of the drawing. Mutual information is that between sentence and code.

{HEAD}
{chr(10).join(rows)}

*Exact*: reconstructions that are their original. Walks: 100 between two held-out sentences, 9 steps each. *One factor*: of the
steps that change the sentence, those that change one factor. Graft: held-out sentences in the present are put into the past, at
the least strength that moves {WANTED:.0%} of 500 sentences learnt from; *past*: of those that can be read, those that are in it
then; *changed*: the share of each other factor that is not as in the reconstruction. Guided: the step of each by itself.

| model | exact | draws grammatical | walks grammatical | one factor | strength | past | changed |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |
{moves}"""
    put_section(RESULTS / "text.md", "Phrases", text)


def cures(asked: argparse.Namespace) -> None:
    """What keeps codes from collapse, side by side, on few sentences."""
    train, test, about = sentences(asked)
    epochs = asked.epochs or 2
    network = Network("gru", widths=(asked.widths,), dropout=asked.dropout, tied=True)
    warm = linear(1.0, over=epochs / 4)
    usual: dict[str, Any] = {"generative": True, "beta": warm}
    variants = {
        "uncured": (Recipe("plain", generative=True), network),
        "8 nats free, a quarter for each dimension": (Recipe("each", free_nats=8 / 32, **usual), network),
        "8 nats free together (default)": (Recipe("together", target_rate=8, **usual), network),
        "… encoder from an autoencoder": (Recipe("pre", target_rate=8, pretraining=epochs / 4, **usual), network),
        "… cyclical": (Recipe("cycle", target_rate=8, generative=True, beta=cyclical(every=epochs / 4)), network),
        "… 30 % of words hidden": (Recipe("blind", target_rate=8, **usual), replace(network, word_dropout=0.3)),
        "… not tied": (Recipe("untied", target_rate=8, **usual), replace(network, tied=False)),
        "… transformer": (Recipe("together", target_rate=8, **usual), replace(network, kind="transformer")),
    }
    rows = []
    for name, (recipe, net) in variants.items():
        if any(one in name for one in asked.only.split(",")):
            model, seconds = fitted(recipe, net, train, epochs, asked)
            rows.append(row(name, judged(model, test, asked.draws), seconds))
            print(rows[-1], flush=True)
    rows.append(alone(network, train, test, epochs, asked))
    print(rows[-1], flush=True)
    text = f"""{facts("torch", "numpy", "latentwalk")} Script: `benchmarks/text.py cures`.

{epochs} epochs of {-(-len(train) // asked.batch)} steps. {about} GRU of {asked.widths} units but where another network is
named, units scored as they are looked up, dropout {asked.dropout:g}, D = 32, Adam {asked.rate:g}, seed 0. {asked.draws} draws
of the posterior.

{HEAD}
{chr(10).join(rows)}"""
    put_section(RESULTS / "text.md", "Cures of collapse, a short comparison", text)


def treebank(asked: argparse.Namespace) -> None:
    """The long run: resumable where it is given a folder."""
    train, test, about = sentences(asked)
    network = Network("gru", widths=(asked.widths,), dropout=asked.dropout, tied=True)
    recipe = Recipe("ptb", generative=True, beta=linear(1.0, over=1.0), target_rate=8, pretraining=asked.pretraining)
    model, seconds = fitted(recipe, network, train, asked.epochs or 100, asked)
    epochs = len(model.history_)
    print(f"{epochs} epochs, {seconds:.0f} s", flush=True)
    rows = [row("VAE: 8 nats free together, warm-up", judged(model, test, asked.draws), seconds)]
    print(rows[-1], flush=True)
    rows.append(alone(network, train, test, epochs, asked))
    print(rows[-1], flush=True)
    start = time.perf_counter()
    drawn = model.sample(1000)
    drawing = time.perf_counter() - start
    walk = model.space(test).walk(0, 1, steps=5).texts
    limit = "" if asked.minutes is None else f", what {asked.minutes:g} minutes came to"
    text = f"""{facts("torch", "numpy", "latentwalk")} Script: `benchmarks/text.py ptb`.

{epochs} epochs{limit}, one thread, on a machine that others used, too. {about} GRU of
{asked.widths} units, units scored as they are looked up, dropout {asked.dropout:g}, D = 32, Adam {asked.rate:g}, falling to 0
over the last third, seed 0; the decoder without a code for as many epochs. {asked.draws} draws of the posterior.

{HEAD}
{chr(10).join(rows)}

The aim is 104 at a KL of 5 or more and 10 active units or more. Drawing 1,000 sentences of
{np.mean([len(one.split()) for one in drawn]):.0f} words on average took {drawing:.1f} s.
A thousand sentences of 20 words, of 10,000 words that there are, take {written(128):.1f} s of one core with 128 units,
{written(256):.1f} s with 256; the aim is 3 s.

A walk between two test sentences, the first sixteen words of each:

{chr(10).join(f"    {cut(one)}" for one in walk)}"""
    put_section(RESULTS / "text.md", "Penn Treebank", text)


def sentences(asked: argparse.Namespace) -> tuple[Dataset, Dataset, str]:
    """Sentences of the Penn Treebank to learn from and to judge by, and how many they are."""
    train, test = (read(asked.data / f"ptb.{half}.txt.gz", units="words") for half in ("train", "test"))
    texts, all_ = test.texts, len(train)
    train = train.take(np.sort(np.random.default_rng(0).permutation(all_)[: asked.rows or all_]))
    some = np.random.default_rng(0).permutation(len(texts))[: asked.test]
    test = Dataset(train.spec.vocabulary.rows([texts[at] for at in some], train.x.shape[1]), train.spec)
    mean, every = (read_to(rows).mean() for rows in (test.x, Dataset.of(texts, units="words").x))
    about = (
        f"{len(train):,} of the {all_:,} training sentences, in batches of {asked.batch}; nats a sentence, its end mark "
        f"included, on {len(test):,} of the {len(texts):,} test sentences ({mean:.1f} tokens each on average, of {every:.1f} "
        "in all)."
    )
    return train, test, about


def written(width: int) -> float:
    """Seconds of one core for 1,000 sentences of 20 words of a vocabulary of 10,000, by a decoder that has not learnt."""
    spec = DataSpec.of_units(21, Vocabulary("words", tuple(map(str, range(10_000)))))
    with seeded(0), torch.no_grad():
        model = SerialConditional(Network("gru", widths=(width,)).writer(spec, 32)).eval()
        start = time.process_time()
        for some in torch.randn(1000, 32).split(128):
            _ = model(some).mean
    return time.process_time() - start


def cut(text: str, most: int = 16) -> str:
    words = text.split()
    return " ".join(words[:most]) + " …" * (len(words) > most)


def fitted(recipe: Any, network: Network, train: Dataset, epochs: int, asked: argparse.Namespace) -> tuple[Autoencoder, float]:
    start = time.perf_counter()
    settings = Settings(minutes=asked.minutes, precision=asked.precision, clip=5.0)
    how: dict[str, Any] = {"epochs": epochs, "batch_size": asked.batch, "learning_rate": asked.rate, "training": settings}
    model = Autoencoder(recipe, latent=32, network=network, complete=False, random_state=0, progress=False, **how)
    return model.fit(train, checkpoint=asked.checkpoint), time.perf_counter() - start


def judged(model: Autoencoder, test: Dataset, draws: int) -> dict[str, float]:
    """What is measured of a VAE on new sentences, in nats a sentence."""
    means, scales = (part.astype(np.float64) for part in model.trained_.encode(test.x))
    kl = float((0.5 * (means**2 + scales**2 - 1) - np.log(scales)).sum(axis=1).mean())
    space = model.space(test)
    return {
        "nll": -float(model.score_samples(test, draws=draws).mean()),
        "reconstruction": -float(model.score_samples(test).mean()) - kl,
        "kl": kl,
        "information": mutual_information(space).value,
        "active": int(active_units(space).active.sum()),
    }


def row(name: str, found: dict[str, float], seconds: float) -> str:
    nats = " | ".join(f"{found[one]:.2f}" for one in ("nll", "reconstruction", "kl", "information"))
    return f"| {name} | {nats} | {found['active']} of 32 | {seconds:.0f} |"


def alone(network: Network, train: Dataset, test: Dataset, epochs: int, asked: argparse.Namespace) -> str:
    """The same decoder without a code, its weights those best on a tenth of the rows, as a VAE's are: a row of the table."""
    held, learn = np.split(np.random.default_rng(0).permutation(len(train)), [len(train) // 10])
    how: dict[str, Any] = {"batch": asked.batch, "rate": asked.rate, "precision": asked.precision, "minutes": asked.minutes}
    model, seconds = codeless(network, train.take(np.sort(learn)), train.take(held), epochs, **how)
    nll = float(nats(model, test.x).mean())
    return f"| the same decoder without a code | {nll:.2f} | {nll:.2f} | 0 | 0 | – | {seconds:.0f} |"


def moved(name: str, model: Autoencoder, train: Dataset, test: Dataset) -> str:
    """Walks, draws, a graft: a row of the table."""
    rng, space, learnt = np.random.default_rng(0), model.space(test), model.space(train)
    walks = [space.walk(*(int(at) for at in rng.integers(len(test), size=2)), steps=9).texts for _ in range(100)]
    steps = [(factors_of(a), factors_of(b)) for walk in walks for a, b in pairwise(walk) if a != b]
    changed = [sum(a[name] != b[name] for name in a) for a, b in steps if a and b]
    exact = np.mean([a == b for a, b in zip(model.reconstruct(test), test.texts, strict=True)])
    others = [one for one in PHRASE_FACTORS if one != "tense"]
    step = learnt.direction("past", "present", without=[learnt.attributes[one] for one in others], keep=others)
    some = train.take(np.arange(500))
    strength = next((s for s in STRENGTHS if grafted(learnt, some, step, s)["tense"] >= WANTED), STRENGTHS[-1])
    grafts = ((f"{strength:g}", grafted(space, test, step, strength)), ("guided", grafted(space, test, step, "guided")))
    shares = (exact, grammatical(model.sample(1000)), grammatical([one for walk in walks for one in walk]))
    numbers = (*shares, np.mean(np.array(changed) == 1) if changed else np.nan)
    said = " | ".join(f"{number:.3f}" for number in numbers)
    return "\n".join(
        f"| {name} | {said} | {how} | {found['tense']:.3f} | {', '.join(f'{one} {found[one]:.2f}' for one in others)} |"
        for how, found in grafts
    )


def grafted(space: Any, data: Dataset, step: Any, strength: float | str) -> dict[str, float]:
    """Sentences in the present, put into the past: the share that is in it then, and of each other factor that changed."""
    present = data.x[data.factors["tense"] == PHRASE_FACTORS["tense"].index("present")]
    before, after = ([factors_of(one) for one in space.graft(present, step, s).texts] for s in (0.0, strength))
    known = [(a, b) for a, b in zip(before, after, strict=True) if a and b and a["tense"] == 1]
    changed = {one: float(np.mean([a[one] != b[one] for a, b in known])) if known else np.nan for one in PHRASE_FACTORS}
    return changed | {"tense": float(np.mean([b["tense"] == 0 for _, b in known])) if known else np.nan}


def grammatical(texts: list[str]) -> float:
    """The share of sentences that can be read."""
    return float(np.mean([factors_of(one) is not None for one in texts]))


if __name__ == "__main__":
    main()
