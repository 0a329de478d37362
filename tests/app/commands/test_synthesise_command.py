"""`latentwalk synthesise`: a copy that is a table like the one learnt from, and a page on it; nothing is written over."""

import csv
import json

import numpy as np
import pandas as pd
import pytest

RNG = np.random.default_rng(0)
ROWS = 400


def rows_of(path):
    with path.open() as file:
        return list(csv.reader(file))


@pytest.fixture(scope="module")
def sales(call, tmp_path_factory):
    """A run, and its CSV: an id, dates, amounts, a fixed sum, a category and a label."""
    folder = tmp_path_factory.mktemp("sales")
    days = RNG.integers(0, 900, ROWS)
    share = RNG.integers(0, 101, ROWS)
    frame = pd.DataFrame(
        {
            "sale_id": [f"S{at:05d}" for at in range(ROWS)],
            "ordered": np.datetime64("2021-01-01") + days.astype("timedelta64[D]"),
            "sent": np.datetime64("2021-01-01") + (days + RNG.integers(0, 60, ROWS)).astype("timedelta64[D]"),
            "amount": RNG.lognormal(3, 1, ROWS).round(2),
            "by card": share,
            "cash": 100 - share,
            "label": np.where(share > 50, "young", "old"),
            "shop": RNG.choice(["Bern", "Chur"], ROWS),
        }
    )
    frame.to_csv(folder / "sales.csv", index=False)
    call("fit", folder / "sales.csv", "--latent", 4, "--epochs", 6, "--out", folder / "run")
    return folder / "run", frame


def test_a_copy_is_a_table_like_the_one_learnt_from_and_keeps_what_it_keeps(call, sales, tmp_path):
    run, frame = sales
    said = call("synthesise", run, "-n", 150, "--out", tmp_path / "copy.csv", "-c", "amount >= 5", "--sampler", "gaussian")
    copy = pd.read_csv(tmp_path / "copy.csv", parse_dates=["ordered", "sent"])
    assert list(copy) == [name for name in frame if name != "sale_id"] and len(copy) == 150
    assert (copy["by card"] + copy["cash"] == 100).all() and (copy["sent"] >= copy["ordered"]).all()
    assert (copy["amount"] >= 5).all() and (copy["amount"] == copy["amount"].round(2)).all()
    assert {*copy["label"]} <= {"young", "old"} and {*copy["shop"]} <= {"Bern", "Chur"}
    assert rows_of(tmp_path / "copy.csv")[1][0].count("-") == 2 and " " not in rows_of(tmp_path / "copy.csv")[1][0]
    assert ((copy["by card"] > 50) == (copy["label"] == "young")).mean() > 0.8
    assert "150 rows drawn from" in said and "classifier AUC" in said and "amount >= 5 is broken by" in said
    page, numbers = (tmp_path / "copy.html").read_text(), json.loads((tmp_path / "copy.json").read_text())
    assert "`by card` + cash == 100" in page and "judged by 40 rows that the model did not learn from" in page
    assert {*numbers["measures"]} == {"marginals", "associations", "classifier", "skill", "closeness"}
    assert [one["text"] for one in numbers["constraints"] if not one["found"]] == ["amount >= 5"]
    assert "src=" not in page.replace('src="data:', "") and "http" not in page
    assert {path.name for path in tmp_path.iterdir()} == {"copy.csv", "copy.html", "copy.json"}


def test_parquet_keeps_types(call, sales, tmp_path):
    run, _ = sales
    call("synthesise", run, "-n", 60, "--out", tmp_path / "copy.parquet", "--no-page", "--sampler", "gaussian")
    copy = pd.read_parquet(tmp_path / "copy.parquet")
    assert [copy[name].dtype.kind for name in ("ordered", "amount", "by card")] == ["M", "f", "i"]
    assert len(copy) == 60 and {path.name for path in tmp_path.iterdir()} == {"copy.parquet"}


def test_nothing_is_written_over(call, sales, tmp_path):
    run, _ = sales
    out = tmp_path / "copy.csv"
    for name in ("copy.csv", "copy.html"):
        (tmp_path / name).write_text("mine")
        assert "--force" in call("synthesise", run, "-n", 30, "--out", out, code=2)
        assert (tmp_path / name).read_text() == "mine"
        (tmp_path / name).unlink()
    read = run.parent / "sales.csv"
    before = read.read_bytes()
    assert "read by this command" in call("synthesise", run, "--out", read, "--force", code=2)
    assert read.read_bytes() == before
    assert ".parquet" in call("synthesise", run, "--out", tmp_path / "copy.txt", code=2)
    assert "cannot be read" in call("synthesise", run, "--out", out, "-c", "amount > 0 or 1", code=2)
    assert not out.exists()


def test_rows_to_judge_by_can_be_given_and_are_said(call, sales, tmp_path):
    run, frame = sales
    frame.sample(80, random_state=0).sort_index(axis=1).to_csv(tmp_path / "other.csv", index=False)
    words = ("synthesise", run, "-n", 100, "--out", tmp_path / "copy.csv", "--target", "shop", "--sampler", "gaussian")
    said = call(*words, "--against", tmp_path / "other.csv", "--seed", 3)
    assert "shop is learnt with a skill of" in said
    assert json.loads((tmp_path / "copy.json").read_text())["rows"]["real"] == 80
    first = (tmp_path / "copy.csv").read_bytes()
    call(*words, "--no-page", "--seed", 3, "--force")
    assert (tmp_path / "copy.csv").read_bytes() == first


def test_numbers_alone_and_no_rows_held_out(call, tmp_path):
    table = tmp_path / "numbers.csv"
    x = RNG.normal(size=(120, 3)).round(3)
    np.savetxt(table, x, delimiter=",", header="a,b,c", comments="")
    call("fit", table, "--epochs", 2, "--validation", 0, "--out", tmp_path / "run")
    said = call("synthesise", tmp_path / "run", "-n", 40, "--sampler", "gaussian")
    header, *drawn = rows_of(tmp_path / "run" / "copy.csv")
    assert header == ["a", "b", "c"] and len(drawn) == 40
    assert len({row[0] for row in drawn}) > 30  # drawn, noise and all
    assert "too few rows were held out" in said and (tmp_path / "run" / "copy.html").exists()
    assert "made of tables" in call("synthesise", _pictures(call, tmp_path), code=2)


def _pictures(call, tmp_path):
    call("fit", "digits", "--epochs", 1, "--out", tmp_path / "digits")
    return tmp_path / "digits"
