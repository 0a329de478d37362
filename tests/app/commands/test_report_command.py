"""`latentwalk report`: a model judged again is judged alike."""

import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("quick")


def test_rows_drawn_apart_in_a_comparison_are_those_judged_later(call: Any, table: Path, tmp_path: Path) -> None:
    out = tmp_path / "seen"
    call("compare", table, "--recipes", "vae", "--epochs", 1, "--out", out, "--label", "species")
    folder = out / "models" / "vae-2"
    call("report", folder)
    first, again = (json.loads((where / "report.json").read_text())["entries"][0] for where in (out, folder))
    assert first["judgement"] == again["judgement"]
