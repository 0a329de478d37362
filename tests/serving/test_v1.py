"""/v1 answers as the library does."""

import io

import numpy as np


def test_codes_are_those_of_the_library(client, digits):
    x = digits.rows.x[:5]
    answer = client.post("/v1/digits/encode", json={"x": x.tolist()})
    assert answer.status_code == 200, answer.text
    np.testing.assert_array_equal(np.float32(answer.json()["codes"]), digits.model.transform(x))


def test_examples_are_those_of_the_library(client, digits):
    z = np.random.default_rng(0).normal(size=(3, 3)).astype(np.float32)
    file = io.BytesIO()
    np.save(file, z)
    answer = client.post(
        "/v1/digits/decode",
        content=file.getvalue(),
        headers={"content-type": "application/x-npy", "accept": "application/x-npy"},
    )
    assert answer.status_code == 200, answer.text
    np.testing.assert_array_equal(np.load(io.BytesIO(answer.content)), digits.model.inverse_transform(z))
