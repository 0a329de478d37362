"""A scorer in ONNX answers as Python does, whatever the columns hold, and stands alone."""

import json
import subprocess
import sys

import numpy as np
import pytest

from latentwalk.errors import CheckpointError
from latentwalk.estimators.anomalies import DRAWS, LOWEST, AnomalyDetector
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.models.recipes import Recipe
from latentwalk.networks.build import Network
from latentwalk.saving.onnx import exported
from latentwalk.saving.scorer import Verdict

pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")
pytestmark = pytest.mark.usefixtures("operators_once")

SMALL = Network(widths=(16,))
RNG = np.random.default_rng(0)


def table(n, rng):
    """Every kind of column, some with gaps."""
    pd = pytest.importorskip("pandas")
    kind = rng.integers(0, 3, n)
    frame = pd.DataFrame(
        {
            "age": np.where(rng.random(n) < 0.1, np.nan, rng.normal(30 + 10 * kind, 3)),
            "income": rng.lognormal(10, 1.5, n),
            "visits": rng.poisson(1 + 6 * kind),
            "home town": pd.array(np.array(["Bern", "Åarhus", "a, b"])[kind], dtype="str"),
            "vip": rng.random(n) < 0.3,
            "paid": pd.array(np.where(rng.random(n) < 0.5, True, False), dtype="boolean"),
            "size": pd.Categorical(np.array([10, 20, 30])[kind], ordered=True),
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(1000 * kind + rng.integers(0, 999, n), unit="h"),
            "zoned": pd.Timestamp("2021-06-01", tz="Europe/Berlin") + pd.to_timedelta(rng.integers(0, 9999, n), unit="min"),
            "took": pd.to_timedelta(rng.integers(1, 9999, n), unit="s"),
            "unit": 7.5,
            "score": 1e9 + rng.normal(size=n),  # called as an output is
            "day": (pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, n), unit="D")).strftime("%d.%m.%Y"),
            "note": rng.choice(["", "a"], n),
        }
    )
    for name in ("home town", "paid", "since", "took"):
        frame.loc[rng.random(n) < 0.1, name] = None
    return frame


def tomorrow(n=40):
    """Rows with what was never seen: a town, a size, another constant, a count below 0, values far away."""
    frame = table(n, np.random.default_rng(7))
    frame["home town"] = frame["home town"].astype(object)
    frame["size"] = frame["size"].astype(float)
    frame.loc[0, "home town"], frame.loc[1, "size"], frame.loc[2, "unit"] = "nowhere", 40, 8.0
    frame["visits"] = frame["visits"].astype(float)
    frame.loc[3, "visits"], frame.loc[4, "age"], frame.loc[5, "score"] = -3, 1e6, 0.0
    frame.loc[6, "age"], frame.loc[7, "visits"] = 1e300, 1e6
    return frame


def fed(frame):
    """A frame as the scorer's inputs: what its documentation says, and nothing else."""
    found = {}
    for name, values in frame.items():
        if name == "day":  # dates that are text
            days = pytest.importorskip("pandas").to_datetime(values, format="%d.%m.%Y")
            found[name] = days.to_numpy("datetime64[us]").astype("int64")
        elif str(values.dtype) in ("str", "object"):
            found[name] = values.fillna("").to_numpy(object)
        elif "datetime64" in str(values.dtype):
            plain = values.dt.tz_convert("UTC").dt.tz_localize(None) if "," in str(values.dtype) else values
            found[name] = plain.to_numpy("datetime64[us]").astype("int64")
        elif "timedelta64" in str(values.dtype):
            found[name] = values.to_numpy("timedelta64[us]").astype("int64")
        else:
            found[name] = values.to_numpy("float64", na_value=np.nan)
    return found


def alike(found, wanted):
    assert found.shape == wanted.shape and found.dtype == np.float64
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)


def session_of(one):
    """The scorer of an autoencoder or of a detector."""
    known = {} if isinstance(one, Autoencoder) else {"verdict": Verdict(one.usual_, one.offset_, LOWEST, one._columns)}
    verdict = known and {"draws": DRAWS, **known}
    model = one if isinstance(one, Autoencoder) else one.model_
    return onnxruntime.InferenceSession(model.trained_.scorer(**verdict))


@pytest.fixture(scope="module")
def detector():
    options = {"random_state": 0, "epochs": 4, "contamination": 0.05, "options": {"transforms": "centred"}}
    return AnomalyDetector(**options).fit(table(400, np.random.default_rng(1)))


@pytest.fixture(scope="module")
def folder(detector, tmp_path_factory):
    """Where the detector is exported to."""
    found = tmp_path_factory.mktemp("exported")
    assert [path.name for path in detector.export(found)] == ["encoder.onnx", "decoder.onnx", "scorer.onnx"]
    return found


def test_a_detector_scores_and_blames_columns_as_python_does(detector, folder):
    assert detector.model_.model_.scaling.power is not None  # the skewed column's transform is part of the file
    session = onnxruntime.InferenceSession(folder / "scorer.onnx")
    assert [one.name for one in session.get_outputs()] == ["score_", "decision", "blame"]
    for frame in (tomorrow(), tomorrow().iloc[[0]], table(9, np.random.default_rng(8))[::-1]):
        score, decision, blame = session.run(None, fed(frame))
        alike(score, detector.score_samples(frame))
        alike(decision, detector.decision_function(frame))
        alike(blame, np.asarray(detector.blame(frame)))
        assert np.array_equal(np.where(decision >= 0, 1, -1), detector.predict(frame))
    new = tomorrow()
    assert (session.run(None, fed(new))[1][[0, 1, 2, 3, 6]] < 0).all()  # the test would not see rows that are all ordinary
    assert {"score_", "decision", "blame"}.isdisjoint(new) and new["home town"].isna().any()


def test_the_file_says_what_its_inputs_are(folder):
    session = onnxruntime.InferenceSession(folder / "scorer.onnx")
    said = json.loads(session.get_modelmeta().custom_metadata_map["inputs"])
    kinds = {one["name"]: (one["type"], one["missing"]) for one in said}
    assert kinds["home town"] == ("string", "") and kinds["age"] == kinds["vip"] == kinds["size"] == ("double", "NaN")
    assert kinds["since"] == kinds["took"] == ("int64", str(-(2**63)))
    assert [one.name for one in session.get_inputs()] == [one["name"] for one in said] == [*tomorrow()]
    assert all(one.shape == ["n"] for one in session.get_inputs())


CASES = {
    "an array": lambda: (RNG.normal(size=(60, 5)), "vae", {}),
    "counts": lambda: (RNG.poisson(900, (60, 4)), "vae", {"likelihood": "negative-binomial"}),
    "booleans, a point": lambda: (RNG.random((60, 6)) > 0.5, "ae", {}),
    "a learnt prior": lambda: (RNG.normal(size=(60, 5)), Recipe("v", prior="mixture", generative=True), {}),
    "images, conv": lambda: (
        RNG.random((40, 12, 12)),
        "vae",
        {"network": Network("conv", channels=(4,), widths=(8,), start="mean"), "likelihood": "continuous-bernoulli"},
    ),
    "signals, gru": lambda: (RNG.normal(size=(40, 5)), "vae", {"network": Network("gru", widths=(8,))}),
}


@pytest.mark.parametrize("case", CASES)
def test_an_autoencoder_scores_arrays_as_python_does(case):
    x, recipe, options = CASES[case]()
    usual = {"epochs": 2, "latent": 3, "network": SMALL, "random_state": 0, "progress": False}
    model = Autoencoder(recipe, **usual | options).fit(x)
    session = session_of(model)
    for rows in (slice(None), slice(3, 4)):
        score, each = session.run(["score", "each"], {"x": x[rows]})
        alike(score, model.score_samples(x[rows]))
        alike(each, model.score_each(x[rows]))


def test_named_columns_of_plain_numbers_are_inputs_and_a_condition_beside_them():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(RNG.normal(size=(90, 3)), columns=["given", "x", "inside/c"])
    y = RNG.choice(["one", "two", "three"], 90)
    model = Autoencoder("vae", latent=2, network=SMALL, condition=True, epochs=2, random_state=0, progress=False).fit(frame, y)
    session = session_of(model)
    assert [one.name for one in session.get_inputs()] == [*frame, "given_"]
    told = np.eye(3, dtype=np.float32)[[model.classes_.index(one) for one in y]]
    score, each = session.run(None, fed(frame) | {"given_": told})
    alike(score, model.score_samples(frame, condition=y))
    alike(each, np.asarray(model.score_each(frame, condition=y)))


def test_values_out_of_range_have_no_score():
    x = RNG.random((60, 6)) > 0.5
    model = Autoencoder("vae", latent=2, epochs=1, random_state=0, progress=False).fit(x.astype(float))
    assert model.likelihood_.kind == "bernoulli"
    score = session_of(model).run(None, {"x": np.full((1, 6), 1.5)})[0]
    assert np.isnan(score).all()


def test_served_with_onnxruntime_alone(detector, folder, tmp_path):
    """As the documentation has it, in a process that may import neither PyTorch nor pandas nor this library."""
    rows = tomorrow(8)
    np.savez(
        tmp_path / "rows.npz",
        **{name: cells.astype(str) if cells.dtype == object else cells for name, cells in fed(rows).items()},
    )
    lines = """
import sys
sys.modules.update(dict.fromkeys(["torch", "pandas", "latentwalk"]))
import numpy, onnxruntime
session = onnxruntime.InferenceSession(sys.argv[1])
print(*session.run(None, dict(numpy.load(sys.argv[2])))[0])
"""
    words = [sys.executable, "-c", lines, str(folder / "scorer.onnx"), str(tmp_path / "rows.npz")]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    alike(np.array(done.stdout.split(), float), detector.score_samples(rows))


def test_all_files_are_written_or_none(tmp_path):
    files = {"encoder.onnx": b"one", "decoder.onnx": b"two", "scorer.onnx": b"three"}
    exported(files, tmp_path)
    (tmp_path / "scorer.onnx").unlink()
    (tmp_path / "scorer.onnx").mkdir()
    (tmp_path / "scorer.onnx" / "in the way").touch()
    with pytest.raises(CheckpointError, match="cannot write to"):
        exported(dict.fromkeys(files, b"new"), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["decoder.onnx", "encoder.onnx", "scorer.onnx"]
    assert [(tmp_path / name).read_bytes() for name in files if "scorer" not in name] == [b"one", b"two"]


def test_counts_with_totals_are_scored_as_python_does(tmp_path):
    x = RNG.poisson(RNG.dirichlet(np.ones(8), 2)[RNG.integers(0, 2, 200)] * RNG.lognormal(3, 0.8, (200, 1)))
    x[0] = 0
    model = Autoencoder("vae", likelihood="negative-binomial", latent=2, network=SMALL, epochs=1, progress=False).fit(x)
    assert model.spec_.totals is not None
    model.export(tmp_path, scorer=True)
    rows = np.concatenate([x[:5], 1000 * x[5:8]])
    score = onnxruntime.InferenceSession(tmp_path / "scorer.onnx").run(None, {"x": rows})[0]
    np.testing.assert_allclose(score, model.score_samples(rows), rtol=1e-4, atol=1e-4)
