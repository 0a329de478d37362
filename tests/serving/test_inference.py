"""/v2 as Triton's own client speaks it, over a socket; and what no client of its would send."""

import json

import numpy as np
import pytest

triton = pytest.importorskip("tritonclient.http")
LENGTH = "Inference-Header-Content-Length"


@pytest.fixture(scope="module")
def port(listening, digits, told, people, texts):
    with listening(digits, told, people, texts) as port:
        yield port


@pytest.fixture(scope="module")
def ours(port):
    client = triton.InferenceServerClient(f"127.0.0.1:{port}")
    yield client
    client.close()


def given(name, x, datatype, binary=True):
    tensor = triton.InferInput(name, list(x.shape), datatype)
    tensor.set_data_from_numpy(x, binary_data=binary)
    return tensor


# ---------------------------------------------------------------------- by Triton's client


def test_server_and_models_are_ready(ours):
    assert ours.is_server_live() and ours.is_server_ready()
    assert ours.is_model_ready("digits-encoder") and ours.is_model_ready("digits-decoder", "1")
    assert not ours.is_model_ready("digits-decoder", "2") and not ours.is_model_ready("digits")
    assert "binary_tensor_data" in ours.get_server_metadata()["extensions"]
    names = {one["name"] for one in ours.get_model_repository_index()}
    assert names == {f"{run}-{half}" for run in ("digits", "told", "people", "texts") for half in ("encoder", "decoder")}


def test_models_say_what_they_take_and_give(ours):
    assert ours.get_model_metadata("told-encoder", "1") == {
        "name": "told-encoder",
        "versions": ["1"],
        "platform": "latentwalk",
        "inputs": [
            {"name": "x", "datatype": "FP32", "shape": [-1, 8, 8]},
            {"name": "given", "datatype": "FP32", "shape": [-1, 10]},
        ],
        "outputs": [{"name": "codes", "datatype": "FP32", "shape": [-1, 2]}],
    }
    assert ours.get_model_metadata("people-encoder")["inputs"] == [{"name": "x", "datatype": "FP64", "shape": [-1, 3]}]
    config = ours.get_model_config("digits-decoder")
    assert config["input"] == [{"name": "codes", "data_type": "TYPE_FP32", "dims": [3]}]


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("outputs", ["all", "binary", "json"])
def test_codes_and_examples_are_those_of_the_library(ours, digits, binary, outputs):
    x = digits.rows.x[:3].astype(np.float32)
    for name, put, got, expected in (
        ("digits-encoder", ("x", x), "codes", digits.model.transform(x)),
        ("digits-decoder", ("codes", x[:, 3, :3] / 8), "x", digits.model.inverse_transform(x[:, 3, :3] / 8)),
    ):
        wanted = None if outputs == "all" else [triton.InferRequestedOutput(got, binary_data=outputs == "binary")]
        found = ours.infer(name, [given(*put, "FP32", binary)], outputs=wanted, request_id="seven", model_version="1")
        np.testing.assert_array_equal(found.as_numpy(got), expected)
        assert found.get_response()["id"] == "seven"


def test_a_condition_is_a_tensor(ours, told):
    x, label = told.rows.x[:2].astype(np.float32), np.eye(10, dtype=np.float32)[[3, 7]]
    found = ours.infer("told-encoder", [given("given", label, "FP32"), given("x", x, "FP32")])
    np.testing.assert_array_equal(found.as_numpy("codes"), told.model.transform(x, condition=["3", "7"]))


def test_texts_come_as_the_numbers_of_their_units(ours, texts):
    z = np.float32([[0, 1], [1, 0]])
    x = ours.infer("texts-decoder", [given("codes", z, "FP32")]).as_numpy("x")
    assert x.dtype == np.int32 and texts.spec.vocabulary.texts(x) == texts.model.inverse_transform(z)
    codes = ours.infer("texts-encoder", [given("x", x, "INT32")]).as_numpy("codes")
    np.testing.assert_array_equal(codes, texts.model.transform(texts.model.inverse_transform(z)))


def test_many_ask_at_once(port, digits):
    client = triton.InferenceServerClient(f"127.0.0.1:{port}", concurrency=8)
    codes = [np.float32([[at, 0, 1]]) / 20 for at in range(40)]
    asked = [client.async_infer("digits-decoder", [given("codes", z, "FP32")]) for z in codes]
    for z, one in zip(codes, asked, strict=True):
        np.testing.assert_array_equal(one.get_result().as_numpy("x"), digits.model.inverse_transform(z))
    client.close()


def test_its_errors_are_our_sentences(ours):
    with pytest.raises(triton.InferenceServerException if hasattr(triton, "InferenceServerException") else Exception) as wrong:
        ours.infer("digits-decoder", [given("codes", np.zeros((1, 4), np.float32), "FP32")])
    assert "codes: expected shape [n, 3], n at least 1; got [1, 4]" in str(wrong.value)
    with pytest.raises(Exception, match="Did you mean 'digits-decoder'"):
        ours.get_model_metadata("digit-decoder")
    with pytest.raises(Exception, match="not unpacked here"):
        ours.infer(
            "digits-decoder", [given("codes", np.zeros((1, 3), np.float32), "FP32")], request_compression_algorithm="gzip"
        )


# ---------------------------------------------------------------------- by nobody's client


TENSOR = {"name": "codes", "datatype": "FP32", "shape": [1, 3], "data": [0, 0, 1]}


def infer(client, said, more=b"", **headers):
    content = json.dumps(said).encode()
    headers = {"content-type": "application/octet-stream", LENGTH: str(len(content))} | headers
    return client.post("/v2/models/digits-decoder/infer", content=content + more, headers=headers)


def test_data_may_be_nested_or_flat(client, digits):
    for data in ([0, 0, 1], [[0, 0, 1]]):
        found = client.post("/v2/models/digits-decoder/infer", json={"inputs": [TENSOR | {"data": data}]}).json()
        x = np.float32(found["outputs"][0]["data"]).reshape(found["outputs"][0]["shape"])
        np.testing.assert_array_equal(x, digits.model.inverse_transform(np.float32([[0, 0, 1]])))


@pytest.mark.parametrize(
    ("said", "more", "says"),
    [
        ([], b"", "no JSON object"),
        ({}, b"", "inputs: expected a list"),
        ({"inputs": []}, b"", "codes is missing"),
        ({"inputs": [TENSOR, TENSOR]}, b"", "each once"),
        ({"inputs": [TENSOR | {"name": "x"}]}, b"", "takes codes"),
        ({"inputs": [TENSOR | {"datatype": "FP64"}]}, b"", "expected datatype FP32, got 'FP64'"),
        ({"inputs": [TENSOR | {"shape": [3]}]}, b"", "expected shape [n, 3]"),
        ({"inputs": [TENSOR | {"shape": [0, 3]}]}, b"", "n at least 1"),
        ({"inputs": [TENSOR | {"shape": [-1, 3]}]}, b"", "n at least 1"),
        ({"inputs": [TENSOR | {"shape": [10**15, 3]}]}, b"", "3,000,000,000,000,000 numbers"),
        ({"inputs": [TENSOR | {"shape": "1,3"}]}, b"", "expected shape"),
        ({"inputs": [TENSOR | {"data": [0, 0]}]}, b"", "3 numbers"),
        ({"inputs": [TENSOR | {"data": [0, None, 1]}]}, b"", "none missing"),
        ({"inputs": [TENSOR | {"data": ["0", "0", "1"]}]}, b"", "3 numbers"),
        ({"inputs": [TENSOR | {"data": [0, [0], 1]}]}, b"", "3 numbers"),
        ({"inputs": [TENSOR | {"data": [0, 0, 1e300]}]}, b"", "too large for FP32"),
        ({"inputs": [TENSOR | {"parameters": {"binary_data_size": 12}}]}, b"\0" * 11, "12 bytes"),
        ({"inputs": [TENSOR | {"parameters": {"binary_data_size": 12}}]}, b"\0" * 13, "belong to none"),
        ({"inputs": [TENSOR | {"parameters": {"binary_data_size": -12}}]}, b"\0" * 12, "-12 bytes"),
        ({"inputs": [TENSOR | {"parameters": {"binary_data_size": 2**70}}]}, b"\0" * 12, "bytes for shape"),
        ({"inputs": [TENSOR | {"parameters": []}]}, b"", "parameters: expected an object"),
        ({"inputs": [TENSOR], "outputs": [{"name": "y"}]}, b"", "gives x"),
        ({"inputs": [TENSOR], "outputs": "x"}, b"", "gives x"),
    ],
)
def test_what_is_no_request_is_told(client, said, more, says):
    answer = infer(client, said, more)
    assert answer.status_code == 400, answer.text
    assert says in answer.json()["error"] == answer.json()["detail"]


def test_a_header_of_another_length_is_told(client):
    for length in ("-1", "1000000", "1e1", "abc", ""):
        assert infer(client, {"inputs": [TENSOR]}, **{LENGTH: length}).status_code == 400
    assert infer(client, {"inputs": [TENSOR]}, **{LENGTH: "3"}).status_code == 400


def test_no_number_is_no_code(client):
    for bad in (np.nan, np.inf):
        tensor = {key: value for key, value in TENSOR.items() if key != "data"} | {"parameters": {"binary_data_size": 12}}
        answer = infer(client, {"inputs": [tensor]}, np.float32([0, bad, 0]).tobytes())
        assert answer.status_code == 422 and ("NaN" in answer.text or "infinity" in answer.text)
    answer = client.post(
        "/v2/models/digits-decoder/infer", content=b'{"inputs": [NaN]}', headers={"content-type": "application/json"}
    )
    assert answer.status_code == 400 and "NaN is no number" in answer.text
