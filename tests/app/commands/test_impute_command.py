"""`latentwalk impute`: gaps are filled, and nothing else is changed."""

import csv

import numpy as np
import pytest

RNG = np.random.default_rng(0)


def people(path, missing=True):
    kind = RNG.integers(0, 3, 300)
    rows = [[f"{30 + 10 * k + RNG.normal():.2f}", "abc"[k], int(RNG.poisson(2 + 5 * k))] for k in kind]
    for row in rows[:: 6 if missing else 10**9]:
        row[0] = "" if missing else row[0]
    path.write_text("age,town,visits\n" + "\n".join(",".join(map(str, row)) for row in rows) + "\n")
    return rows


def test_a_table_is_imputed_sampled_and_encoded(call, tmp_path):
    rows = people(tmp_path / "people.csv")
    call("fit", tmp_path / "people.csv", "--epochs", "3", "--out", tmp_path / "run")
    call("impute", tmp_path / "run", tmp_path / "people.csv", "--out", tmp_path / "whole.csv")
    with (tmp_path / "whole.csv").open() as file:
        whole = list(csv.reader(file))
    assert whole[0] == ["age", "town", "visits"]
    for row, filled in zip(rows, whole[1:], strict=True):
        assert filled[1:] == [str(value) for value in row[1:]]
        assert float(filled[0]) == pytest.approx(float(row[0]) if row[0] else float(filled[0]))
    call("sample", tmp_path / "run", "-n", "5", "--out", tmp_path / "s.csv")
    assert (tmp_path / "s.csv").read_text().startswith("age,town,visits\n")
    call("encode", tmp_path / "run", tmp_path / "people.csv")
    (tmp_path / "other.csv").write_text("age,town,visits\n3,Paris,4\n")
    assert "not seen in training" in call(
        "impute", tmp_path / "run", tmp_path / "other.csv", "--out", tmp_path / "o.csv", code=2
    )


def test_impute_refuses_a_model_that_never_saw_a_gap(call, tmp_path):
    people(tmp_path / "people.csv", missing=False)
    call("fit", tmp_path / "people.csv", "--epochs", "1", "--out", tmp_path / "run")
    assert "nothing was missing" in call(
        "impute", tmp_path / "run", tmp_path / "people.csv", "--out", tmp_path / "whole.csv", code=2
    )
