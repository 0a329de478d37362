"""`--raw-cells`: what commands write for people, with and without apostrophes before text that a spreadsheet would run."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

WORDS = ("=cmd|'/C calc'!A0", "@SUM(A1)", "-x")
COLUMN, LABEL = "=n", "+class"


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("pandas")
    path = tmp_path_factory.mktemp("formulas") / "t.csv"
    rng = np.random.default_rng(0)
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow([COLUMN, "b", "@w", LABEL, "name"])
        for row in range(120):
            number = "" if row == 7 else rng.normal(3 * (row % 2))
            rows.writerow([number, rng.normal(), WORDS[row % 3], ["=red", "-blue"][row % 2], f"={row}+1"])
    return path


@pytest.fixture(scope="module")
def fitted(call: Any, table: Path) -> Path:
    call("fit", table, "--label", LABEL, "--out", table.parent / "run", "--epochs", 2)
    call("anomalies", table, "--label", LABEL, "--run", table.parent / "kept", "--epochs", 1, "--out", table.parent / "a.csv")
    return table.parent / "run"


@pytest.mark.parametrize(
    "words",
    [
        ("walk", "RUN", "--from", "=red", "--to", "-blue"),
        ("blend", "RUN", "row:0", "row:1"),
        ("swap", "RUN", "row:0", "row:1", "--axes", "1"),
        ("graft", "RUN", "row:0", "--attribute", "=red"),
        ("sample", "RUN", "-n", 30),
        ("encode", "RUN", "DATA"),
        ("reconstruct", "RUN", "DATA"),
        ("impute", "RUN", "DATA"),
        ("denoise", "RUN", "DATA"),
        ("synthesise", "RUN", "-n", 30),
        ("anomalies", "DATA", "--model", "RUN/../kept", "--label", LABEL),
        ("reduce", "DATA", "-d", 1, "--epochs", 1, "--label", LABEL),
    ],
    ids=lambda words: words[0],
)
def test_no_command_writes_what_a_spreadsheet_runs(
    call: Any, table: Path, fitted: Path, tmp_path: Path, words: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("latentwalk.app.commands.synthesise._judge", lambda *_: None)  # takes seconds
    given = [str(word).replace("RUN", str(fitted)).replace("DATA", str(table)) for word in words]
    out = ["--out"] * (words[0] != "denoise")
    call(*given, *out, tmp_path / "safe.csv")
    call(*given, *out, tmp_path / "raw.csv", "--raw-cells")
    safe, raw = (list(csv.reader((tmp_path / name).read_text().splitlines())) for name in ("safe.csv", "raw.csv"))
    signed = [cell for row in safe for cell in row if cell.startswith(("=", "+", "-", "@"))]
    assert all(float(cell) < 0 for cell in signed)
    assert raw != safe
    assert raw == [[cell.removeprefix("'") for cell in row] for row in safe]
