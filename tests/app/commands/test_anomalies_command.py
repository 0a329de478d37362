"""`latentwalk anomalies`: rows are scored, and the columns to blame named."""

import csv

import numpy as np
import pytest

from latentwalk.data import load
from latentwalk.estimators.anomalies import AnomalyDetector

RNG = np.random.default_rng(0)


def test_anomalies_are_scored_named_and_kept(call, tmp_path):
    x = RNG.normal(size=(200, 3))
    x[17] = [0, 40, 0]
    np.savetxt(tmp_path / "t.csv", x, delimiter=",", header="a,b,c", comments="")
    words = ("--out", tmp_path / "s.csv", "--contamination", "0.02", "--epochs", "20", "--run", tmp_path / "kept")
    call("anomalies", tmp_path / "t.csv", *words)
    with (tmp_path / "s.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert sum(int(row["anomaly"]) for row in rows) == 4
    assert min(rows, key=lambda row: float(row["score"]))["row"] == "17"
    assert rows[17]["blame 1"] == "b"
    back = AnomalyDetector.load(tmp_path / "kept")
    assert float(rows[3]["score"]) == pytest.approx(back.score_samples(load(tmp_path / "t.csv"))[3])
    call("anomalies", tmp_path / "t.csv", "--out", tmp_path / "t.csv", code=2)
    call("anomalies", tmp_path / "t.csv", "--contamination", "0.9", "--out", tmp_path / "z.csv", code=2)


@pytest.fixture
def kept(call, tmp_path):
    """A detector of a table with text, in a folder of its own."""
    pytest.importorskip("pandas")
    lines = [f"{RNG.normal():.3f},{town}" for town in RNG.choice(["Bern", "Oslo"], 200)]
    (tmp_path / "old.csv").write_text("amount,town\n" + "\n".join(lines) + "\n")
    words = ("--epochs", 5, "--contamination", "0.02", "--run", tmp_path / "kept")
    call("anomalies", tmp_path / "old.csv", "--out", tmp_path / "old-scores.csv", *words)
    return tmp_path / "kept"


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_kept_detector_scores_new_rows_and_stays_as_it_is(call, tmp_path, kept):
    before = content(kept)
    (tmp_path / "new.csv").write_text("town,amount\nParis,0.1\nBern,0.2\nOslo,\nOslo,90\n")
    said = call("anomalies", tmp_path / "new.csv", "--model", kept, "--out", tmp_path / "s.csv")
    assert "of 4 rows are called strange" in said
    with (tmp_path / "s.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["anomaly"] for row in rows] == ["1", "0", "0", "1"]
    assert [rows[0]["blame 1"], rows[3]["blame 1"]] == ["town", "amount"]
    assert content(kept) == before
    said = call("anomalies", tmp_path / "old.csv", "--model", kept, "--contamination", "0.5", "--out", tmp_path / "t.csv")
    assert "100 of 200 rows" in said
    call("anomalies", tmp_path / "old.csv", "--model", kept, "--contamination", "auto", "--out", tmp_path / "u.csv")
    assert content(kept) == before
    words = ("anomalies", tmp_path / "new.csv", "--model", kept, "--out", tmp_path / "v.csv")
    for more, told in (
        (("--epochs", 3), "Leave out --epochs"),
        (("--run", tmp_path / "other"), "Leave out --run"),
        (("--contamination", "few"), "a share of the rows"),
        (("--contamination", "0.9"), "contamination=0.9"),
    ):
        assert told in call(*words, *more, code=2)
    assert not (tmp_path / "v.csv").exists()


def test_a_detector_is_never_replaced_without_a_word(call, tmp_path, kept):
    before = content(kept)
    words = ("anomalies", tmp_path / "old.csv", "--run", kept, "--epochs", 1, "--out", tmp_path / "again.csv")
    assert f"holds a model already. Score with it: --model {kept}." in call(*words, code=2)
    assert content(kept) == before
    assert not (tmp_path / "again.csv").exists()
    call(*words, "--force")
    assert content(kept) != before
    AnomalyDetector.load(kept)
    assert "holds a model already" in call("reduce", tmp_path / "old.csv", "--run", kept, "--out", tmp_path / "c.csv", code=2)
    call("fit", tmp_path / "old.csv", "--out", kept, "--epochs", 1, "--force")
    assert not (kept / "anomalies.json").exists()  # it was of the model that is gone
    assert "anomalies.json" in call("anomalies", tmp_path / "old.csv", "--model", kept, "--out", tmp_path / "d.csv", code=2)
    assert "no such folder" in call(
        "anomalies", tmp_path / "old.csv", "--model", tmp_path / "x", "--out", tmp_path / "d.csv", code=2
    )
