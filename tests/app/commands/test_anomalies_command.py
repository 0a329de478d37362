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
