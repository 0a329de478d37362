"""The command line: tables, bad input, and what goes wrong, whatever the command."""

import csv
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import latentwalk
from latentwalk.app import output
from latentwalk.data import load
from latentwalk.errors import DataError, TrainingError
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.saving import folder as checkpoint

pytestmark = pytest.mark.usefixtures("quick")


def test_tables_are_written_as_tables(call: Any, table: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    call("fit", table, "--label", "species", "--out", folder, "--epochs", 1)
    model, data = Autoencoder.load(folder), load(table, label="species")
    call("reconstruct", folder, table)
    header, *rows = csv.reader((folder / "reconstructions.csv").read_text().splitlines())
    at = header.index("species")
    assert [row.pop(at) for row in rows] == [data.classes[code] for code in data.y]
    assert np.array_equal(np.array(rows, np.float64), model.reconstruct(data))
    call("walk", folder, "--from", "setosa", "--to", "row:9", "--steps", 3)
    _, *rows = csv.reader((folder / "walk.csv").read_text().splitlines())
    assert np.array_equal(np.array(rows[-1][1:], np.float64), model.reconstruct(data.take(np.array([9]))).to_numpy()[0])
    call("sample", folder, "-n", 5)
    assert len((folder / "samples.csv").read_text().splitlines()) == 6
    call("report", folder)
    assert (folder / "report.html").stat().st_size > 1000


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["fit", "mnist5k", "--out", "x"], "Did you mean 'mnist-5k'"),
        (["fit", "no/such.csv", "--out", "x"], "no such file"),
        (["fit", "digits", "--out", "x", "--recipe", "vea"], "Did you mean 'vae'"),
        (["fit", "digits", "--out", "x", "--latent", "two"], "--latent"),
        (["fit", "digits", "--out", "x", "--size", "big"], "HEIGHTxWIDTH"),
        (["fit", "digits"], "--out"),
        (["compare", "digits", "--out", "x", "--recipes", "ae,vea"], "Did you mean 'vae'"),
        (["compare", "digits", "--out", "x", "--latent", "0"], "whole numbers"),
        (["compare", "digits", "--out", "x", "--latent", "65"], "64 numbers of an example"),
        (["sample", "no-such-run"], "no such folder"),
        (["wlak"], "wlak"),
    ],
)
def test_wrong_use_is_one_message_and_exit_code_2(
    call: Any, words: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert told in call(*words, code=2)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["walk", "--from", "nine", "--to", "7"], "unknown end of a walk 'nine'"),
        (["walk", "--from", "row:5000", "--to", "7"], "row:0 to row:1500"),
        (["walk", "--from", "0", "--to", "7", "--path", "sphericl"], "Did you mean 'spherical'"),
        (["sample", "--source", "priro"], "Did you mean 'prior'"),
        (["sample", "--temperature", "-1"], "--temperature"),
        (["sample", "--out", "samples.jpg"], "ending in .png"),
        (["reconstruct", "nothing.png"], "nothing.png"),
    ],
)
def test_wrong_use_of_a_run(call: Any, run: Path, words: list[str], told: str) -> None:
    command, *rest = words
    assert told in call(command, run, *rest, code=2)


def test_a_damaged_run_says_which_file(call: Any, run: Path, tmp_path: Path) -> None:
    for name, content in (("run.json", b"{"), ("run.json", b"[]"), ("model.json", b'{"format": 1}')):
        broken = tmp_path / f"broken-{len(content)}"
        shutil.copytree(run, broken)
        (broken / name).write_bytes(content)
        assert f"{broken / name}" in call("walk", broken, "--from", "0", "--to", "1", code=2)


def test_a_place_that_cannot_be_written_is_a_failure_before_training(call: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for command in (["fit", "digits"], ["compare", "digits"]):
        assert "cannot write" in call(*command, "--out", tmp_path / "file" / "run", code=1)


def test_a_full_disk_is_a_failure(call: Any, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    for module in (checkpoint, output):
        monkeypatch.setattr(module, "write_atomically", full)
    assert "No space left" in call("sample", run, code=1)
    assert "No space left" in call("fit", "digits", "--epochs", 1, "--out", tmp_path / "r", code=1)


@pytest.mark.parametrize(("error", "code"), [(TrainingError("nan"), 1), (DataError("nan"), 2), (KeyboardInterrupt(), 130)])
def test_errors_have_their_exit_codes(
    call: Any, error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(*_: Any, **__: Any) -> Iterator[Any]:
        raise error

    monkeypatch.setattr(Autoencoder, "fit", broken)
    call("fit", "digits", "--out", tmp_path / "r", code=code)


def test_an_unexpected_error_is_not_hidden(call: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(Autoencoder, "fit", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        call("fit", "digits", "--out", tmp_path / "r")


def test_version(call: Any) -> None:
    assert call("--version").strip() == f"latentwalk {latentwalk.__version__}"
