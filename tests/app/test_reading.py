"""What commands say of a table, and what can be said to them about it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from latentwalk.app.source import Source
from latentwalk.estimators.autoencoder import Autoencoder

pd = pytest.importorskip("pandas")


@pytest.fixture
def customers(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "customer_id": [f"C{i}" for i in range(60)],
            "age": rng.normal(40, 9, 60).round(1),
            "visits": rng.poisson(9, 60) * 3,
            "town": rng.choice(list("ABC"), 60),
            "since": pd.date_range("2020-01-01", periods=60).strftime("%d.%m.%Y"),
        }
    )
    frame.to_csv(tmp_path / "customers.csv", sep=";", decimal=",")
    return tmp_path / "customers.csv"


def test_a_line_says_what_was_read_and_options_have_the_last_word(call: Any, customers: Path, tmp_path: Path) -> None:
    said = call("fit", customers, "--epochs", 1, "--out", tmp_path / "run")
    line = "read 60 rows; 4 columns: 1 number, 1 count, 1 category, 1 date; dropped: the first column (without a name), "
    assert said.startswith(
        f"{line}customer_id (an id); fields between semicolons; decimal commas; rows named by: customer_id\n"
    )
    (tmp_path / "kinds.csv").write_text("visits,continuous\n")
    words = ["--drop", "age,town", "--columns", tmp_path / "kinds.csv", "--separator", ";", "--out", tmp_path / "other"]
    said = call("fit", customers, "--epochs", 1, *words)
    assert "2 columns: 1 number, 1 date; dropped: age (as asked), town (as asked)" in said
    (tmp_path / "kinds.csv").unlink()  # what it said is kept
    assert "1 number, 1 date" in call("fit", customers, "--epochs", 2, "--resume", "--out", tmp_path / "other")
    assert "is not what" in call("fit", customers, "--resume", "--drop", "age", "--out", tmp_path / "other", code=2)
    call(
        "fit",
        customers,
        "--epochs",
        1,
        "--types",
        "visits=number,town=category",
        "--separator",
        ";",
        "--out",
        tmp_path / "typed",
    )
    kept = Autoencoder.load(tmp_path / "typed").spec_.columns
    assert {column.name: column.kind for column in kept if column.name in ("visits", "town")} == {
        "visits": "continuous",
        "town": "category",
    }
    again = ("fit", customers, "--resume", "--out", tmp_path / "typed", "--epochs", 2)
    assert "is not what" in call(*again, "--types", "visits=count", code=2)
    call(*again, "--types", "visits=number,town=category")
    assert "unknown kind of column 'town': 'word'" in call("reduce", customers, "--types", "town=word", code=2)
    call("encode", tmp_path / "other", customers)
    assert (tmp_path / "other" / "codes.csv").read_text().splitlines()[1].startswith("C0,")


def test_a_run_of_before_learnt_from_ids_and_goes_on_with_them(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,a,b\n" + "".join(f"{i},{i * 0.5},{i * 0.25}\n" for i in range(9)))
    now = Source.named(str(path))
    assert now.train().x.shape == (9, 2)
    assert Source.from_json(json.loads(json.dumps(now.to_json()))) == now
    before = Source.from_json({"what": str(path), "options": {}, "apart": None})
    assert before.train().x.shape == (9, 3)
