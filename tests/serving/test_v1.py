"""/v1 answers as the library does, in the form that is asked for."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from latentwalk.data import Dataset, load
from latentwalk.data.original import Original
from latentwalk.data.sources.midi import midi_content
from latentwalk.errors import DataError
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.networks.build import Network
from latentwalk.serving.limits import Limits
from latentwalk.serving.served import Served

NPY = {"content-type": "application/x-npy", "accept": "application/x-npy"}


def array(answer):
    assert answer.status_code == 200, answer.text
    return np.load(io.BytesIO(answer.content), allow_pickle=False)


def said(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()


def complaint(answer, status):
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    found = answer.json()
    assert found["status"] == status
    return found["detail"]


# ---------------------------------------------------------------------- there and back


def test_codes_are_those_of_the_library(client, digits, npy):
    x = digits.rows.x[:5]
    found = said(client.post("/v1/digits/encode", json={"x": x.tolist()}))
    np.testing.assert_array_equal(np.float32(found["codes"]), digits.model.transform(x))
    np.testing.assert_array_equal(np.float32(found["deviations"]), digits.model.trained_.encode(x)[1])
    np.testing.assert_array_equal(
        array(client.post("/v1/digits/encode", content=npy(x), headers=NPY)), digits.model.transform(x)
    )


def test_examples_are_those_of_the_library_however_many(client, digits, npy):
    for rows in (1, 3, 200):
        z = np.random.default_rng(rows).normal(size=(rows, 3)).astype(np.float32)
        found = array(client.post("/v1/digits/decode", content=npy(z), headers=NPY))
        np.testing.assert_array_equal(found, digits.model.inverse_transform(z))
    found = said(client.post("/v1/digits/decode", json={"codes": z[:2].tolist()}))
    np.testing.assert_array_equal(np.float32(found["x"]), digits.model.inverse_transform(z[:2]))


def test_a_condition_is_a_label_for_all_or_one_for_each(client, told, npy):
    z = np.zeros((2, 2), np.float32)
    several = said(client.post("/v1/told/decode", json={"codes": z.tolist(), "condition": ["3", "7"]}))["x"]
    np.testing.assert_array_equal(np.float32(several), told.model.inverse_transform(z, condition=["3", "7"]))
    one = array(client.post("/v1/told/decode?condition=7", content=npy(z[:1]), headers=NPY))
    np.testing.assert_array_equal(one[0], np.float32(several[1]))
    assert "this model is told a label" in complaint(client.post("/v1/told/decode", json={"codes": z.tolist()}), 422)
    assert "unknown label 'nine'" in complaint(
        client.post("/v1/told/decode", json={"codes": z.tolist(), "condition": "nine"}), 422
    )
    assert "takes no condition" in complaint(
        client.post("/v1/digits/decode", json={"codes": [[0, 0, 0]], "condition": "7"}), 422
    )


def test_reconstructions_and_scores_are_those_of_the_library(client, digits):
    x = digits.rows.x[:3]
    found = said(client.post("/v1/digits/reconstruct", json={"x": x.tolist()}))["x"]
    np.testing.assert_array_equal(np.float32(found), digits.model.reconstruct(x))
    for draws in (1, 4):
        found = said(client.post("/v1/digits/score", json={"x": x.tolist(), "draws": draws, "each": True}))
        np.testing.assert_array_equal(found["scores"], digits.model.score_samples(x, draws))
        np.testing.assert_array_equal(found["each"], digits.model.score_each(x))


def test_a_picture_of_any_size_is_an_example(client, digits):
    picture = Image.fromarray((digits.rows.x[0] * (255 / 16)).astype(np.uint8))
    file = io.BytesIO()
    picture.resize((320, 320), Image.Resampling.NEAREST).save(file, "PNG")
    found = said(client.post("/v1/digits/encode", content=file.getvalue(), headers={"content-type": "image/png"}))["codes"]
    seen = Original.of(Image.open(file)).seen(digits.spec)
    assert np.abs(seen - digits.rows.x[0]).mean() < 1
    np.testing.assert_array_equal(np.float32(found), digits.model.transform(seen[None]))


def test_what_there_is_to_say_of_examples_is_said(client):
    found = said(client.post("/v1/texts/encode", json={"texts": ["abba", "abc"]}))
    assert found["remarks"] == [
        "1 of 7 units (characters) were never learnt from, the first in text 1, and are read as unknown."
    ]


# ---------------------------------------------------------------------- as what they are


def test_rows_of_a_table_are_records(client, people):
    records = [{"height": 171.5, "visits": 2, "town": "Ulm"}, {"height": None, "visits": 0, "town": "=1+1"}]
    found = said(client.post("/v1/people/encode", json={"records": records}))["codes"]
    pandas = pytest.importorskip("pandas")
    np.testing.assert_array_equal(np.float32(found), people.model.transform(pandas.DataFrame(records)))
    back = said(client.post("/v1/people/reconstruct", json={"records": records}))["records"]
    assert [set(one) for one in back] == [{"height", "visits", "town"}] * 2
    assert all(one["town"] in ("Ulm", "Köln", "=1+1") and isinstance(one["visits"], int) for one in back)
    whole = said(client.post("/v1/people/impute", json={"records": records}))["records"]
    assert whole[0] == records[0] and whole[1]["visits"] == 0 and whole[1]["height"] > 100


def test_times_are_text_in_records_both_ways(client_of):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"paid": np.arange(60.0), "on": pandas.date_range("2026-01-01", periods=60)})
    frame["after"] = pandas.to_timedelta(np.arange(60), unit="h")
    model = Autoencoder("vae", latent=2, epochs=1, random_state=0, progress=False).fit(frame)
    with client_of(Served("paid", model, data=lambda: Dataset.of(frame))) as client:

        def asked(route, **row):
            return client.post(
                f"/v1/paid/{route}", json={"records": [{"paid": 3.0, "on": "2026-01-04", "after": "3:00:00"} | row]}
            )

        np.testing.assert_array_equal(np.float32(said(asked("encode"))["codes"]), model.transform(frame[3:4]))
        back = said(asked("reconstruct"))["records"][0]
        assert asked("encode", **back).status_code == 200
        for wrong in ({"on": "never"}, {"on": 5}, {"on": "99999-01-01"}, {"after": "long"}):
            answer = asked("encode", **wrong)
            assert answer.status_code == 422 and "holds times, as text like" in answer.json()["detail"]


@pytest.mark.parametrize("label", ["", " ", "none"])
def test_a_label_that_is_not_known_is_told_even_an_empty_one(client, label):
    for route, body in (("walk", {"points": [{"row": 0}, {"row": 1}]}), ("sample", {}), ("decode", {"codes": [[0, 0]]})):
        answer = client.post(f"/v1/told/{route}", json=body | {"condition": label})
        assert answer.status_code == 422 and "unknown label" in answer.json()["detail"]


def test_codes_that_decode_to_no_numbers_are_refused(client, npy, digits):
    far = np.full((2, 3), 3e38, np.float32)
    answer = client.post("/v1/digits/decode", content=npy(far), headers=NPY)
    assert answer.status_code == 422 and "code 0 decodes to" in answer.json()["detail"]
    with pytest.raises(DataError, match="nothing that code 1 decodes to"):
        digits.model.inverse_transform(np.stack([0 * far[0], far[0]]))


def test_a_csv_goes_in_and_comes_out_and_runs_nothing(client):
    rows = "height,visits,town\n171.5,2,Ulm\n,0,'=1+1\n"
    headers = {"content-type": "text/csv", "accept": "text/csv"}
    answer = client.post("/v1/people/impute", content=rows.encode(), headers=headers)
    assert answer.status_code == 200, answer.text
    head, first, second = answer.text.splitlines()
    assert (head, first) == ("height,visits,town", "171.5,2,Ulm")
    assert second.endswith(",0,'=1+1") and float(second.split(",")[0]) > 100
    short = client.post("/v1/people/encode", content=b"height,visits,town\n1,2\n", headers={"content-type": "text/csv"})
    assert said(short)["remarks"] != []
    drawn = client.post("/v1/people/sample", json={"count": 40}, headers={"accept": "text/csv"}).text
    assert "'=1+1" in drawn and "\n=" not in drawn and ",=" not in drawn


def test_texts_are_texts(client, texts):
    found = said(client.post("/v1/texts/encode", json={"texts": ["abab", "ba"]}))["codes"]
    np.testing.assert_array_equal(np.float32(found), texts.model.transform(["abab", "ba"]))
    assert all(set(one) <= set("ab") for one in said(client.post("/v1/texts/sample", json={"count": 3}))["texts"])
    walk = {"points": [{"text": "ab"}, {"row": 3}], "steps": 4}
    plain = client.post("/v1/texts/walk", json=walk, headers={"accept": "text/plain"})
    assert plain.headers["content-type"].startswith("text/plain") and len(plain.text.splitlines()) == 4
    assert "impute is for images" in complaint(client.post("/v1/texts/impute", json={"texts": ["ab"]}), 422)


def test_films_move(client_of):
    x = np.random.default_rng(0).integers(0, 256, (30, 4, 6, 6), dtype=np.uint8)
    rows = Dataset.of(x, kind="film")
    model = Autoencoder("vae", network=Network(widths=(8,)), epochs=1, random_state=0, progress=False).fit(rows)
    client = client_of(Served("films", model, data=lambda: rows))
    assert np.shape(said(client.post("/v1/films/decode", json={"codes": [[0, 0]]}))["x"]) == (1, 4, 6, 6)
    answer = client.post("/v1/films/sample", json={"count": 2}, headers={"accept": "image/gif"})
    with Image.open(io.BytesIO(answer.content)) as image:
        assert answer.headers["content-type"] == "image/gif" and image.n_frames >= 8


def test_music_sounds(client_of):
    mido = pytest.importorskip("mido")
    pieces = load("melodies", n=40, seed=0)
    model = Autoencoder("vae", network=Network("gru", widths=(8,)), epochs=1, random_state=0, progress=False).fit(pieces)
    client = client_of(Served("tunes", model, data=lambda: pieces))
    heard = client.post("/v1/tunes/sample", json={"count": 1}, headers={"accept": "audio/wav"}).content
    assert heard[:4] == b"RIFF"
    content = midi_content(pieces.spec.said(pieces.x[:1])[0])
    found = said(client.post("/v1/tunes/encode", content=content, headers={"content-type": "audio/midi"}))["codes"]
    np.testing.assert_allclose(found, model.transform(pieces.x[:1]), atol=1e-5)
    back = client.post("/v1/tunes/reconstruct", content=content, headers={"content-type": "audio/midi", "accept": "audio/midi"})
    assert mido.MidiFile(file=io.BytesIO(back.content)).tracks


def test_a_detector_says_what_does_not_belong(client, people):
    records = [{"height": 171.5, "visits": 2, "town": "Ulm"}, {"height": 9000.0, "visits": 2, "town": "Ulm"}]
    found = said(client.post("/v1/people/anomalies", json={"records": records}))
    assert found["strange"] == [False, True] and found["scores"][0] > found["scores"][1]
    assert found["blame"][1]["height"] > found["blame"][0]["height"] + 3
    assert "is no detector" in complaint(client.post("/v1/digits/anomalies", json={"x": [[[0] * 8] * 8]}), 409)


# ---------------------------------------------------------------------- moves


def test_a_walk_is_that_of_the_space(client, digits):
    found = said(client.post("/v1/digits/walk", json={"points": [{"row": 3}, {"label": "7"}, {"code": [0, 0, 1]}], "steps": 9}))
    ends = digits.model.transform(digits.rows.x[3:4])[0]
    np.testing.assert_allclose(found["codes"][0], ends, atol=1e-6)
    np.testing.assert_allclose(found["codes"][-1], [0, 0, 1], atol=1e-6)
    assert np.shape(found["x"]) == (9, 8, 8) and len(found["holes"]) == 9 and "hole" in found["reading"]
    np.testing.assert_allclose(np.float32(found["x"]), digits.model.inverse_transform(np.float32(found["codes"])), atol=1e-4)


def test_a_walk_is_a_strip_or_a_film(client):
    walk = {"points": [{"row": 3}, {"row": 5}], "steps": 6, "path": "density"}
    for kind, frames in (("image/png", 1), ("image/gif", 10)):
        answer = client.post("/v1/digits/walk", json=walk, headers={"accept": kind})
        assert answer.status_code == 200 and answer.headers["content-type"] == kind
        with Image.open(io.BytesIO(answer.content)) as image:
            assert getattr(image, "n_frames", 1) == frames


def test_without_its_data_a_model_walks_and_says_what_is_not_known(client_of, digits):
    bare = client_of(type(digits)("bare", digits.model))
    points = [{"code": [0, 0, 1]}, {"x": digits.rows.x[0].tolist()}]
    found = said(bare.post("/v1/bare/walk", json={"points": points}))
    assert "holes are not looked for" in found["remarks"][0] and not any(found["holes"])
    assert "not known what bare learnt from" in complaint(
        bare.post("/v1/bare/walk", json={"points": points, "path": "density"}), 422
    )
    assert "not known what bare learnt from" in complaint(bare.post("/v1/bare/walk", json={"points": [{"row": 1}]}), 422)


def test_a_blend_of_one_point_is_that_point(client, digits):
    for how in ("mean", "spherical", "product"):
        found = said(client.post("/v1/digits/blend", json={"points": [{"row": 3}, {"row": 4}], "weights": [1, 0], "how": how}))
        np.testing.assert_allclose(found["codes"][0], digits.model.transform(digits.rows.x[3:4])[0], atol=1e-5)


def test_draws_are_repeated_by_their_seed(client):
    first, again, other = (said(client.post("/v1/digits/sample", json={"count": 2, "seed": seed}))["x"] for seed in (1, 1, 2))
    assert first == again != other
    assert np.shape(said(client.post("/v1/digits/sample", json={"count": 2, "source": "gaussian"}))["x"]) == (2, 8, 8)
    assert "unknown sampling distribution 'gausian'. Did you mean 'gaussian'?" in complaint(
        client.post("/v1/digits/sample", json={"source": "gausian"}), 422
    )


def test_a_graft_of_strength_0_changes_nothing(client, digits):
    body = {"points": [{"row": 3}], "attribute": "7", "strength": [0, 1.5]}
    found = np.float32(said(client.post("/v1/digits/graft", json=body))["x"])
    np.testing.assert_array_equal(found[0, 0], digits.rows.x[3])
    assert np.abs(found[1, 0] - digits.rows.x[3]).max() > 1
    assert said(client.get("/v1/digits/attributes"))["classes"] == list(digits.classes)


def test_a_picture_is_grafted_at_its_own_size_and_stays_elsewhere(client, digits):
    levels = np.kron(digits.rows.x[3] * 15, np.ones((30, 40))).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(levels).save(file, "PNG")

    def grafted(query):
        answer = client.post(
            f"/v1/digits/graft?attribute=7&{query}", content=file.getvalue(), headers={"content-type": "image/png"}
        )
        assert answer.status_code == 200, answer.text
        return np.asarray(Image.open(io.BytesIO(answer.content)))

    np.testing.assert_array_equal(grafted("strength=0"), levels)
    half = grafted("strength=2&region=0,0,0.4,1&without=")
    assert half.shape == levels.shape and (half != levels).any()
    np.testing.assert_array_equal(half[150:], levels[150:])


def test_a_guided_graft_is_the_librarys(client, marked):
    body = {"points": [{"row": 3}, {"row": 8}], "attribute": "heavy", "lacking": None, "strength": "guided"}
    found = said(client.post("/v1/marked/graft", json=body))
    space = marked.space
    expected = space.graft(marked.rows.x[[3, 8]], space.direction("heavy", keep="all"), "guided")
    np.testing.assert_allclose(np.float32(found["codes"]), expected.z, atol=1e-5)
    np.testing.assert_allclose(np.float32(found["x"]), expected.x, atol=1e-3)
    assert found["kept"] == ["low"]
    one = said(client.post("/v1/marked/graft", json=body | {"keep": ["low"], "points": [{"code": found["codes"][0]}]}))
    assert one["kept"] == ["low"] and np.shape(one["x"]) == (1, 8, 8)
    assert "kept" not in said(client.post("/v1/marked/graft", json=body | {"strength": 1}))
    file, large = io.BytesIO(), np.kron(marked.rows.x[3] * 15, np.ones((9, 9))).astype(np.uint8)
    Image.fromarray(large).save(file, "PNG")
    sent = {"content": file.getvalue(), "headers": {"content-type": "image/png"}}
    answer = client.post("/v1/marked/graft?attribute=heavy&strength=guided&keep=low", **sent)
    onto = space.graft(Image.fromarray(large), space.direction("heavy", keep=["low"]), "guided").x
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(answer.content))), onto)
    assert onto.shape == large.shape and (onto != large).any()


def test_what_was_made_for_one_request_is_kept_for_others(digits, anew):
    run, made = anew(digits), []
    for key in (1, 2, 1, *range(3, 10), 1, 2):
        assert run.kept(key, lambda key=key: made.append(key) or key) == key
    assert made == [1, 2, *range(3, 10), 2]  # the one that was asked for longest ago has gone
    run.close()


def test_a_model_is_diagnosed(client):
    found = said(client.get("/v1/digits/diagnose"))
    assert {"collapse", "under-trained"} <= {one["name"] for one in found["findings"]}


# ---------------------------------------------------------------------- what cannot be


@pytest.mark.parametrize(
    ("verb", "body", "says"),
    [
        ("encode", {"x": [[1, 2]]}, "expecting 64 features"),
        ("encode", {"x": [[[1] * 8] * 8, [[1] * 8] * 7]}, "some are shorter than others"),
        ("encode", {"x": [[[None] * 8] * 8]}, "NaN"),
        ("encode", {"x": [[["1"] * 8] * 8]}, "expected numbers in lists"),
        ("encode", {"x": []}, "expected 1 to 10,000 examples"),
        ("encode", {"texts": ["a"]}, "X is texts"),
        ("encode", {"records": [{"a": 1}]}, "no names"),
        ("encode", {}, "expected examples as one of"),
        ("encode", {"x": [[0] * 64], "texts": ["a"]}, "expected examples as one of"),
        ("decode", {"codes": [[0, 0]]}, "expected codes (n, 3), got shape (1, 2)"),
        ("decode", {"codes": []}, "expected codes"),
        ("decode", {"codez": [[0, 0, 0]]}, "codez"),
        ("walk", {"points": [{"row": 1}]}, "from one point to another"),
        ("walk", {"points": [{"row": 1, "label": "7"}, {"row": 2}]}, "one of row, label"),
        ("walk", {"points": [{"row": 600}, {"row": 2}]}, "there are 600 rows"),
        ("walk", {"points": [{"row": 2}, {"label": "eight"}]}, "unknown class 'eight'"),
        ("walk", {"points": [{"row": 1}, {"row": 2}], "path": "by air"}, "path"),
        ("blend", {"points": [{"row": 1}, {"row": 2}], "weights": [1]}, "weights"),
        ("blend", {"points": [{"row": 1}, {"row": 2}], "weights": [0, 0]}, "weights"),
        ("sample", {"count": 10_001}, "expected 1 to 10,000 examples"),
        ("graft", {"points": [{"row": 1}], "attribute": "wings"}, "wings"),
        ("graft", {"attribute": "7"}, "say onto what"),
        ("graft", {"points": [{"row": 1}], "attribute": "7", "strength": ["guided"]}, "strength"),
        ("graft", {"points": [{"row": 1}], "attribute": "7", "strength": "more"}, "'guided'"),
        ("graft", {"points": [{"row": 1}], "attribute": "7", "strength": 1, "keep": "all"}, 'keep goes with strength "guided"'),
        (
            "graft",
            {"points": [{"row": 1}], "attribute": "7", "strength": "guided", "keep": ["beard"]},
            "unknown attribute to keep",
        ),
        ("graft", {"points": [{"row": 1}, {"code": [0, 0, 0]}], "attribute": "7"}, "all codes, or all examples"),
    ],
)
def test_what_cannot_be_is_said(client, verb, body, says):
    assert says in complaint(client.post(f"/v1/digits/{verb}", json=body), 422)


@pytest.mark.parametrize("body", [b'{"codes": [[NaN, 0, 0]]}', b'{"codes": [[0, 0, -Infinity]]}'])
def test_what_is_no_number_is_refused_by_name(client, body):
    answer = client.post("/v1/digits/decode", content=body, headers={"content-type": "application/json"})
    assert "NaN and Infinity are no JSON" in complaint(answer, 400)


def test_infinity_by_the_back_door_is_refused_too(client, npy):
    answer = client.post(
        "/v1/digits/decode", content=b'{"codes": [[1e999, 0, 0]]}', headers={"content-type": "application/json"}
    )
    assert "finite number" in complaint(answer, 422)
    for wrong in (np.nan, np.inf):
        x = np.zeros((2, 8, 8), np.float32)
        x[1, 2, 3] = wrong
        detail = complaint(client.post("/v1/digits/encode", content=npy(x), headers=NPY), 422)
        assert ("NaN" if np.isnan(wrong) else "infinity") in detail and "row 1" in detail
        assert complaint(client.post("/v1/digits/decode", content=npy(x[:, 2, :3] + np.float32(wrong)), headers=NPY), 422)


def test_a_row_at_fault_is_called_by_its_own_number(client, people):
    records = [{"height": 171.5, "visits": 2, "town": "Ulm"}] * 300
    records[200] = {"height": 1e300, "visits": 2, "town": "Ulm"}
    assert "row 200" in complaint(client.post("/v1/people/reconstruct", json={"records": records}), 422)


def test_more_than_is_given_is_not_asked_for(anew, client_of, digits, npy):
    client = client_of(anew(digits, Limits(rows=50, values=3000, listed=1500)), limits=Limits())
    many, few = {"codes": [[0, 0, 0]] * 51}, {"codes": [[0, 0, 0]] * 30}
    assert "expected 1 to 50 codes, got 51" in complaint(client.post("/v1/digits/decode", json=many), 422)
    assert "at most 3,000 are given" in complaint(client.post("/v1/digits/decode", json={"codes": many["codes"][:48]}), 422)
    assert "as application/json at most 1,500" in complaint(client.post("/v1/digits/decode", json=few), 422)
    assert client.post("/v1/digits/decode", json=few, headers={"accept": "application/x-npy"}).status_code == 200
    assert "got 51" in complaint(client.post("/v1/digits/walk", json={"points": [{"row": 1}] * 2, "steps": 51}), 422)
    tensor = {"name": "codes", "datatype": "FP32", "shape": [51, 3], "data": many["codes"]}
    assert "got 51" in client.post("/v2/models/digits-decoder/infer", json={"inputs": [tensor]}).json()["error"]
    x = [[[0] * 8] * 8] * 40
    assert "at most 100,000 are made at once" in complaint(
        client_of(digits).post("/v1/digits/score", json={"x": x * 4, "draws": 1000}), 422
    )


def test_what_is_not_there_is_said(client):
    assert (
        complaint(client.get("/v1/digit"), 404)
        == "unknown run 'digit'. Did you mean 'digits'? Known: digits, marked, told, people, texts."
    )
    assert complaint(client.get("/v3/x"), 404) == "there is nothing at '/v3/x'."
    assert complaint(client.get("/v1/digits/encode"), 405)
    assert "none of these is accepted" in complaint(
        client.post("/v1/digits/decode", json={"codes": [[0, 0, 0]]}, headers={"accept": "audio/wav"}), 406
    )


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", "application/json"),
        ("image/*", "image/png"),
        ("image/png;q=0.4, application/x-npy;q=0.5", "application/x-npy"),
        ("application/json;q=0, */*", "application/x-npy"),
        ("text/html, image/png;q=nonsense, */*;q=0.1", "application/json"),
    ],
)
def test_the_form_is_the_one_accepted(client, accept, kind):
    answer = client.post("/v1/digits/decode", json={"codes": [[0, 0, 0]]}, headers={"accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (200, kind)


def test_a_number_that_is_none_is_null():
    from latentwalk.serving.answers import jsonable, nested

    assert nested(np.array([[1.5, np.nan], [np.inf, -1]])) == [[1.5, None], [None, -1.0]]
    assert json.dumps(jsonable({"a": (float("nan"), 1)}), allow_nan=False) == '{"a": [null, 1]}'
