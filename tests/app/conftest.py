"""What tests of the command line share: a way to call it, and runs to call it on."""

import csv
import signal
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from latentwalk.app.cli import app
from latentwalk.data import load
from latentwalk.latent.criteria.measure import Measure
from latentwalk.training import loop


@pytest.fixture(scope="session")
def call() -> Callable[..., str]:
    """A command, word by word; its output, once its exit code was seen to be `code`, without a traceback."""

    def call(*words: object, code: int = 0) -> str:
        with warnings.catch_warnings():
            result = CliRunner().invoke(app, [str(word) for word in words])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == code, result.output
        assert "Traceback" not in result.output
        return result.output

    return call


@pytest.fixture(scope="session")
def run(call: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A VAE of digits, trained for so long that two digits are decoded differently."""
    folder = tmp_path_factory.mktemp("app") / "run"
    call("fit", "digits", "--out", folder, "--epochs", 12, "--learning-rate", 0.004)
    return folder


@pytest.fixture(scope="session")
def plain(call: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An autoencoder of digits, hardly trained."""
    folder = tmp_path_factory.mktemp("app") / "ae"
    call("fit", "digits", "--out", folder, "--epochs", 1, "--recipe", "ae")
    return folder


@pytest.fixture(scope="session")
def deep(call: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A VAE of digits with three dimensions."""
    folder = tmp_path_factory.mktemp("app") / "deep"
    call("fit", "digits", "--out", folder, "--epochs", 3, "--latent", 3)
    return folder


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A CSV of 320 rows: three columns of numbers, and a class."""
    rng = np.random.default_rng(0)
    path = tmp_path / "flowers.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["a", "b", "c", "species"])
        for row in range(320):
            rows.writerow([*rng.normal(3 * (row % 2), 1, 3), ["setosa", "virginica"][row % 2]])
    return path


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Completeness takes seconds a model and has its own tests; here a constant stands for it."""
    measure = Measure("completeness", 0.5, 0.4, 0.6, "Half of the draws land where data is.")
    for place in ("studies.judgement.completeness", "studies.judgement.reach", "latent.completion.likeness"):
        monkeypatch.setattr(f"latentwalk.{place}", lambda *_, **__: measure)
    for name in ("REFITS", "ROUNDS"):  # of the region that a report is of
        monkeypatch.setattr(f"latentwalk.latent.criteria.region.{name}", 1)


@pytest.fixture(scope="session")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """330 digits and their classes."""
    path, digits = tmp_path_factory.mktemp("few") / "few.npz", load("digits").take(np.arange(330))
    np.savez(path, x=digits.x, y=digits.y)
    return path


@pytest.fixture
def stops_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Ctrl-C while the epoch after so many is trained."""

    def after(epochs: int) -> None:
        real = loop._Run._pass
        count = iter(range(10_000))

        def pressed(self: Any) -> Any:
            if next(count) >= epochs:
                signal.raise_signal(signal.SIGINT)
            return real(self)

        monkeypatch.setattr(loop._Run, "_pass", pressed)

    return after
