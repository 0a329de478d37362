"""`latentwalk anomalies`: rows are scored, and the columns to blame named."""

import csv
import re

import numpy as np
import pytest

from latentwalk.data import load
from latentwalk.data.sources import delimited
from latentwalk.errors import DataError
from latentwalk.estimators.anomalies import AnomalyDetector
from latentwalk.training import progress

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
    assert re.search(r"(99|100|101) of 200 rows", said)  # rows that are alike stand on one side of the line
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


@pytest.fixture
def many(tmp_path):
    """A table of 300 rows, which is read in pieces of some 40."""
    lines = [f"{RNG.normal():.3f},{town},C{row:03}" for row, town in enumerate(RNG.choice(["Bern", "Oslo", "Rome"], 300))]
    lines[200] = "1e300,Bern,C200"
    (tmp_path / "many.csv").write_text("amount,town,customer_id\n" + "\n".join(lines) + "\n")
    return tmp_path / "many.csv"


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_what_is_scored_in_pieces_is_what_is_scored_as_a_whole(call, tmp_path, kept, many, monkeypatch, ending):
    if ending == ".parquet":
        pytest.importorskip("pyarrow")
    outs = [tmp_path / f"whole{ending}", tmp_path / f"pieces{ending}"]
    words = ("anomalies", many, "--model", kept, "--out")
    whole = call(*words, outs[0])
    monkeypatch.setattr(delimited, "CELLS", 120)
    assert call(*words, outs[1]).splitlines()[:-1] == whole.splitlines()[:-1]
    if ending == ".csv":
        assert outs[0].read_bytes() == outs[1].read_bytes()
        with outs[1].open() as file:
            rows = list(csv.DictReader(file))
        assert [row["row"] for row in rows] == [str(row) for row in range(300)] and rows[7]["name"] == "C007"
        assert (rows[200]["anomaly"], rows[200]["blame 1"]) == ("1", "amount")  # more than float32 holds, and no reason to stop
    else:
        pd = pytest.importorskip("pandas")
        pd.testing.assert_frame_equal(*map(pd.read_parquet, outs))


@pytest.mark.parametrize("stop", [KeyboardInterrupt, DataError("no"), OSError(28, "No space left on device")])
def test_stopped_in_the_middle_it_leaves_no_file(call, tmp_path, kept, many, monkeypatch, stop):
    monkeypatch.setattr(delimited, "CELLS", 120)
    (tmp_path / "out").mkdir()
    blame, times = AnomalyDetector.blame, iter(range(9))

    def blamed(self, rows):
        if next(times) == 3:
            assert [path.suffix for path in (tmp_path / "out").iterdir()] != [".csv"]
            raise stop
        return blame(self, rows)

    monkeypatch.setattr(AnomalyDetector, "blame", blamed)
    words = ("anomalies", many, "--model", kept, "--out", tmp_path / "out" / "s.csv")
    call(*words, code=130 if stop is KeyboardInterrupt else 2 if isinstance(stop, DataError) else 1)
    assert not [*(tmp_path / "out").iterdir()]


def test_how_far_it_is_is_said_now_and_then(call, tmp_path, kept, many, monkeypatch):
    monkeypatch.setattr(delimited, "CELLS", 120)
    monkeypatch.setattr(progress, "EVERY", 0)
    said = call("anomalies", many, "--model", kept, "--out", tmp_path / "s.csv")
    assert "row 120/300: " in said and "row 240/300: " in said and " left" in said


def test_labels_and_separators_are_those_of_the_new_table(call, tmp_path, kept):
    (tmp_path / "new.csv").write_text("town;amount;fraud\nBern;0,5;yes\nOslo;90,0;no\n")
    said = call("anomalies", tmp_path / "new.csv", "--model", kept, "--label", "fraud", "--out", tmp_path / "s.csv")
    assert "of 2 rows" in said
    assert "left out: fraud" in said
    words = ("anomalies", tmp_path / "new.csv", "--model", kept, "--out", tmp_path / "t.csv")
    assert "unknown column (label=) 'farud'" in call(*words, "--label", "farud", code=2)
    assert "missing: 'amount', 'town'" in call(*words, "--separator", ":", code=2)
