"""How the folders beside this file were made: run with commit 075521f, whose files must load, resume and answer for ever.

git worktree add ../old 075521f && PYTHONPATH=../old python tests/golden/write.py tests/golden
"""

import json
import os
import platform
import shutil
import sys
from pathlib import Path

import numpy as np
import torch

from latentwalk import AnomalyDetector, Autoencoder, Network, Sweep, load
from latentwalk.latent.criteria.likeness import likeness
from latentwalk.training import loop

SMALL = Network("dense", widths=(12,))
OPTIONS = {
    "network": SMALL,
    "latent": 2,
    "batch_size": 128,
    "random_state": 0,
    "progress": False,
    "ema": 0.9,
    "clip": 5.0,
    "learning_rate": 3e-3,
}
STEPS = 17  # of the training that is cut short: somewhere in its second epoch


class Cut(Exception):
    """The end of a process."""


def processor() -> str:
    """Which kernels ran: other processors, and other numbers of threads, round otherwise."""
    with open("/proc/cpuinfo") as file:
        names = {line.partition(":")[2].strip() for line in file if line.startswith("model name")}
    kernels = f"torch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}"
    return f"{' '.join(sorted(names))}, {platform.machine()}, {kernels}, threads: {torch.get_num_threads()}"


def model(digits, folder):
    """A VAE with a fitted sampler, saved."""
    vae = Autoencoder("vae", epochs=2, **OPTIONS).fit(digits).fit_sampler(digits, "mixture")
    vae.save(folder)
    return {
        "transform": vae.transform(digits.x[:8]).tolist(),
        "reconstruct": vae.reconstruct(digits.x[:2]).tolist(),
        "sample": vae.sample(3).tolist(),
        "prior": vae.sample(3, source="prior").tolist(),
        "score_samples": vae.score_samples(digits.x[:8], draws=5).tolist(),
        "completeness": likeness(vae.space(digits), vae.sampler_).value,
        "walk": vae.space(digits).walk(0, 7, steps=3).x.tolist(),
    }


def cut(digits, folder):
    """A training that was cut short in its second epoch, and what it has to arrive at."""
    real, left = loop._Run._pausing, iter(range(STEPS))

    def pausing(self):
        if next(left, None) is None:
            raise Cut
        return real(self)

    loop._Run._pausing = pausing
    options = OPTIONS | {"checkpoint_every": 0.0}
    try:
        Autoencoder("vae", epochs=2, **options).fit(digits, checkpoint=folder)
    except Cut:
        pass
    finally:
        loop._Run._pausing = real
    for path in sorted(folder.glob("checkpoint-*"))[:-1]:  # the newest is enough
        path.unlink()
    (folder / "training.lock").unlink(missing_ok=True)
    whole = Autoencoder("vae", epochs=2, **options).fit(digits)
    return {
        "signature": whole.model_.signature(),
        "losses": [epoch.validation_loss for epoch in whole.history_],
        "transform": whole.transform(digits.x[:8]).tolist(),
    }


def detector(folder):
    """A detector of strange rows, saved."""
    table = np.random.default_rng(0).normal(size=(300, 4)) @ np.random.default_rng(1).normal(size=(4, 4))
    found = AnomalyDetector(
        epochs=2, network=SMALL, contamination=0.05, random_state=0, options={"optimizer": "adamw", "weight_decay": 0.01}
    ).fit(table)
    found.save(folder)
    return {
        "score_samples": found.score_samples(table[:8]).tolist(),
        "blame": found.blame(table[:4]).tolist(),
        "predict": found.predict(table).tolist(),
    }


def sweep(digits, folder):
    """Two trials of a sweep: asked for again, nothing is trained."""
    few = digits.take(np.arange(500))
    options = {"network": SMALL, "epochs": 1, "batch_size": 128}
    found = Sweep({"latent": [2, 3]}, seeds=1, folder=folder, **options).fit(few)
    (folder / "sweep.lock").unlink(missing_ok=True)
    return {"results": [{k: v for k, v in row.items() if k != "seconds"} for row in found.results_]}


def run(folder):
    """What the command line leaves: a run of two epochs, its checkpoint and its report; and what a third epoch gives."""
    from latentwalk.app.runs import Run
    from typer.testing import CliRunner

    from latentwalk.app.cli import app
    from latentwalk.app.source import Source

    table = folder.parent / "table.csv"
    rows = np.random.default_rng(2).normal(size=(320, 3)).round(2)
    table.write_text("a,b,c,kind\n" + "".join(f"{a},{b},{c},{'xy'[i % 2]}\n" for i, (a, b, c) in enumerate(rows)))
    os.chdir(folder.parent)
    source = Source.named("table.csv", label="kind")
    data = source.train()
    options = OPTIONS | {"optimizer": "adamax", "warmup": 1.0, "ema": None, "checkpoint_every": 60.0}
    vae = Autoencoder("vae", epochs=2, **options).fit(data, checkpoint=folder)
    Run.of(folder, vae, source, data, 2).save()
    done = CliRunner().invoke(app, ["report", folder.name])
    assert done.exit_code == 0, done.output
    for path in sorted(folder.glob("checkpoint-*"))[:-1]:
        path.unlink()
    about = json.loads((folder / "run.json").read_text())
    about["source"]["what"] = "table.csv"  # the test goes there
    (folder / "run.json").write_text(json.dumps(about, indent=1))
    (folder / "report.html").unlink()
    (folder / "training.lock").unlink(missing_ok=True)
    longer = Autoencoder("vae", epochs=3, **options).fit(data)
    return {
        "transform": vae.transform(data).tolist()[:8],
        "sample": vae.sample(3).tolist(),
        "third": {"signature": longer.model_.signature(), "transform": longer.transform(data).tolist()[:8]},
    }


def main(where: Path) -> None:
    digits = load("digits")
    for name in ("model", "cut", "detector", "sweep", "run"):
        shutil.rmtree(where / name, ignore_errors=True)
    answers = {
        "processor": processor(),
        "model": model(digits, where / "model"),
        "cut": cut(digits, where / "cut"),
        "detector": detector(where / "detector"),
        "sweep": sweep(digits, where / "sweep"),
        "run": run(where / "run"),
    }
    (where / "answers.json").write_text(json.dumps(answers) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
