"""/invocations takes what MLflow's and SageMaker's clients send, and gives a prediction for each example."""

import csv
import io
import json

import numpy as np
import pytest

RECORDS = [{"height": 171.5, "visits": 2, "town": "Ulm"}, {"height": None, "visits": 0, "town": "Köln"}]
COLUMNS = ["height", "visits", "town"]
ROWS = [[171.5, 2, "Ulm"], [None, 0, "Köln"]]


def predictions(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()["predictions"]


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_records": RECORDS},
        {"dataframe_split": {"columns": COLUMNS, "data": ROWS}},
        {"dataframe_split": {"columns": COLUMNS, "index": [7, 9], "data": ROWS}},
        {"dataframe_split": {"columns": COLUMNS[::-1], "data": [row[::-1] for row in ROWS]}},
        {"instances": RECORDS},
        {"inputs": RECORDS},
        {"inputs": {name: [one[name] for one in RECORDS] for name in COLUMNS}},
    ],
)
def test_a_table_comes_in_in_any_of_its_forms(client, people, body):
    pandas = pytest.importorskip("pandas")
    found = predictions(client.post("/invocations?run=people", json=body))
    frame = pandas.DataFrame(RECORDS)
    expected = people.model.transform(frame)
    np.testing.assert_array_equal(np.float32([[one[f"z{at + 1}"] for at in range(people.dim)] for one in found]), expected)
    np.testing.assert_array_equal([one["score"] for one in found], people.detector.score_samples(frame))
    assert [one["strange"] for one in found] == [bool(one["decision"] < 0) for one in found]


def test_a_gap_may_be_said_as_mlflows_client_says_it(client):
    headers = {"content-type": "application/json"}
    said = json.dumps({"dataframe_split": {"columns": COLUMNS, "data": ROWS}})
    found = client.post("/invocations?run=people", content=said.replace("null", "NaN"), headers=headers)
    assert predictions(found) == predictions(client.post("/invocations?run=people", content=said, headers=headers))
    for wrong in ("-Infinity, NaN", "NaN, NaN]", "[" * 100_000 + "NaN"):
        refused = client.post("/invocations?run=people", content=said.replace("null", wrong), headers=headers)
        assert refused.status_code == 400 and "no JSON" in refused.json()["detail"]


def test_a_csv_comes_in_and_goes_out(client, people):
    content = "town,height,visits\nUlm,171.5,2\nKöln,,0\n".encode()
    headers = {"content-type": "text/csv", "accept": "text/csv"}
    answer = client.post("/invocations?run=people", content=content, headers=headers)
    assert answer.status_code == 200, answer.text
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    same = predictions(client.post("/invocations?run=people", json={"dataframe_records": RECORDS}))
    assert [float(row["z1"]) for row in rows] == [one["z1"] for one in same]
    back = client.post("/invocations?run=people&answer=reconstruction", content=content, headers=headers)
    assert back.text.splitlines()[0] == "height,visits,town"


@pytest.mark.parametrize("name", ["inputs", "instances"])
def test_arrays_come_in_by_their_lists(client, digits, name):
    x = digits.rows.x[:2]
    found = predictions(client.post("/invocations", json={name: x.tolist()}))
    np.testing.assert_array_equal(np.float32([[one["z1"], one["z2"], one["z3"]] for one in found]), digits.model.transform(x))
    np.testing.assert_array_equal([one["score"] for one in found], digits.model.score_samples(x))
    named = predictions(client.post("/invocations", json={"inputs": {"x": x.tolist()}}))
    assert named == found


def test_what_is_predicted_can_be_chosen(client, digits, texts):
    x = digits.rows.x[:2]
    body = {"inputs": x.tolist(), "params": {"answer": "reconstruction"}}
    np.testing.assert_array_equal(np.float32(predictions(client.post("/invocations", json=body))), digits.model.reconstruct(x))
    body = {"instances": ["ab", "ba"], "params": {"answer": "reconstruction"}}
    assert predictions(client.post("/invocations?run=texts", json=body)) == texts.model.reconstruct(["ab", "ba"])
    answer = client.post("/invocations?run=texts", json=body, headers={"accept": "text/csv"})
    assert answer.status_code == 406


def test_a_condition_is_a_parameter(client, told):
    x = told.rows.x[:2]
    body = {"inputs": x.tolist(), "params": {"condition": ["3", "7"]}}
    found = predictions(client.post("/invocations?run=told", json=body))
    expected = told.model.transform(x, condition=["3", "7"])
    np.testing.assert_array_equal(np.float32([[one["z1"], one["z2"]] for one in found]), expected)


def test_the_first_run_is_meant_unless_one_is_named(client):
    assert client.get("/ping").status_code == client.get("/version").status_code == 200
    assert "unknown run 'person'" in client.post("/invocations?run=person", json={"inputs": [[0]]}).json()["detail"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "expected examples as one of"),
        ({"inputs": [], "instances": []}, "expected examples as one of"),
        ({"inputs": [[1]], "instances": [[1]]}, "got instances and inputs"),
        ({"dataframe_split": {"columns": COLUMNS, "data": [[1, 2]]}}, "row 0 has 2 cells for 3 columns"),
        ({"dataframe_split": {"columns": ["town", "town", "visits"], "data": ROWS}}, "two columns have one name"),
        ({"dataframe_records": [{"height": 1, "visits": 2}]}, "missing: 'town'"),
        ({"dataframe_records": [{"height": [1], "visits": 2, "town": "Ulm"}]}, "a cell is text"),
        ({"dataframe_records": [{"height": "tall", "visits": 2, "town": "Ulm"}]}, "column 'height'"),
        ({"inputs": {"height": [1], "visits": [2, 3], "town": ["Ulm"]}}, "columns of 1 and 2 rows are no table"),
        ({"inputs": {}}, "expected examples as one of"),
        ({"inputs": 3}, "inputs"),
        ({"inputs": [[1]], "params": {"answer": "all"}}, "params.answer"),
    ],
)
def test_what_is_no_table_is_told(client, body, says):
    answer = client.post("/invocations?run=people", json=body)
    assert answer.status_code == 422, answer.text
    assert says in answer.json()["detail"]
