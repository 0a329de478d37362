"""Rows and columns keep their identity: index, names, order and types of frames, the float type of arrays."""

import json

import numpy as np
import pytest

from latentwalk.data import Dataset
from latentwalk.data.spec import DataSpec
from latentwalk.errors import DataError
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.networks.build import Network

RNG = np.random.default_rng(0)
QUICK = {"epochs": 2, "random_state": 0, "progress": False, "network": Network("dense", widths=(16,))}


def numbers(pd):
    frame = pd.DataFrame(
        {
            "a": RNG.normal(size=90),
            "n": RNG.integers(0, 9, 90).astype("int32"),
            "f": RNG.normal(size=90).astype("float32"),
            "since": 1.7e9 + np.arange(90.0),
        },
        index=pd.Index(RNG.permutation(90) + 1000, name="who"),
    )
    frame.iloc[::9, 0] = np.nan
    return frame


def mixed(pd):
    return numbers(pd).assign(t=RNG.choice(list("xy"), 90), day=pd.Timestamp("2026-01-01"))


@pytest.fixture(params=[numbers, mixed])
def fitted(request):
    pd = pytest.importorskip("pandas")
    frame = request.param(pd)
    return Autoencoder("vae", **QUICK).fit(frame), frame, pd


def test_a_frame_comes_back_with_index_names_order_and_types(fitted):
    model, frame, pd = fitted
    for X in (frame, frame[frame.columns[::-1]], frame.iloc[[4, 2, 2]]):
        for answer in (model.impute(X), model.reconstruct(X), model.denoise(X)):
            pd.testing.assert_index_equal(answer.index, X.index)
            pd.testing.assert_index_equal(answer.columns, X.columns)
            assert answer.dtypes.equals(X.dtypes)
    drawn = model.sample(5)
    assert drawn.dtypes.equals(frame.dtypes)
    assert drawn.index.tolist() == list(range(5))
    codes = model.set_output(transform="pandas").transform(frame)
    pd.testing.assert_frame_equal(model.inverse_transform(codes), model.reconstruct(frame))


def test_what_was_observed_is_untouched_and_a_gap_is_filled(fitted):
    model, frame, pd = fitted
    whole = model.impute(frame)
    assert not whole.isna().any().any()
    pd.testing.assert_frame_equal(whole.mask(frame.isna()), frame)
    assert whole.a.isna().sum() == 0 and frame.a.isna().sum() == 10
    gapless = frame.dropna()
    answer = model.impute(gapless)
    pd.testing.assert_frame_equal(answer, gapless)
    assert answer is not gapless and not np.shares_memory(answer["since"].to_numpy(), gapless["since"].to_numpy())
    holed = frame.astype({"n": float})
    holed.iloc[3, 1] = np.nan  # pandas turned the whole numbers into floats
    assert model.impute(holed).n.dtype == "int32"
    holed.iloc[4, 1] = 2.5
    filled = model.impute(holed).n if "t" not in frame else None  # in a table of mixed columns it may be a count
    assert filled is None or (filled.iloc[4] == 2.5 and filled.notna().all())


def test_columns_are_known_by_name(fitted):
    model, frame, _ = fitted
    codes = model.transform(frame)
    np.testing.assert_array_equal(model.transform(frame[frame.columns[::-1]]), codes)
    np.testing.assert_array_equal(model.transform(Dataset.of(frame[frame.columns[::-1]])), codes)
    assert model.feature_names_in_.tolist() == list(frame)
    wider = frame.assign(extra=1.0)
    with pytest.raises(DataError, match=r"unknown: 'extra'.*extra=True"):
        model.transform(wider)
    with pytest.raises(DataError, match="missing: 'n'; unknown: 'm'"):
        model.transform(frame.rename(columns={"n": "m"}))
    model.set_params(extra=True)
    for X in (wider, Dataset.of(wider)):
        np.testing.assert_array_equal(model.transform(X), codes)
    assert model.impute(wider).columns.tolist() == list(wider)
    assert model.reconstruct(wider).columns.tolist() == list(frame)
    with pytest.raises(DataError, match="missing: 'n'"):
        model.score_samples(wider.drop(columns="n"))
    with pytest.raises(DataError, match="missing: 'n'"):
        model.space(frame.drop(columns="n"))


def test_a_saved_model_knows_names_and_types(fitted, tmp_path):
    model, frame, pd = fitted
    model.save(tmp_path)
    back = Autoencoder.load(tmp_path)
    assert back.spec_ == model.spec_ == DataSpec.from_json(json.loads(json.dumps(model.spec_.to_json())))
    pd.testing.assert_frame_equal(back.sample(4), model.sample(4))
    pd.testing.assert_frame_equal(back.reconstruct(frame), model.reconstruct(frame))


def test_a_model_of_before_takes_columns_by_name_too(tmp_path):
    pd = pytest.importorskip("pandas")
    frame = numbers(pd)
    model = Autoencoder("vae", **QUICK).fit(frame)
    model.save(tmp_path)
    path = tmp_path / "model.json"
    said = json.loads(path.read_text())
    assert "extra" not in said["model"]["params"]
    del said["model"]["spec"]["plain"]
    path.write_text(json.dumps(said))
    old = Autoencoder.load(tmp_path)
    assert isinstance(old.sample(2), np.ndarray)
    np.testing.assert_array_equal(old.transform(frame[[*"fna", "since"]]), model.transform(frame))
    answer = old.reconstruct(frame)
    assert answer.columns.tolist() == list(frame) and answer.index.equals(frame.index)


def test_names_that_are_no_text_stay_what_they_are():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(RNG.normal(size=(60, 3)))
    model = Autoencoder("vae", **QUICK).fit(frame)
    for answer in (model.sample(2), model.reconstruct(frame), model.impute(frame)):
        assert answer.columns.tolist() == [0, 1, 2]
    assert not hasattr(model, "feature_names_in_")
    unnamed = Autoencoder("vae", **QUICK).fit(frame.to_numpy())
    answer = unnamed.reconstruct(frame.set_index(pd.Index(range(7, 67))))
    assert answer.index[0] == 7
    assert isinstance(unnamed.sample(2), np.ndarray)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", ">f8"])
def test_an_array_comes_back_in_its_own_float_type_and_never_as_itself(dtype):
    x = RNG.normal(size=(90, 3)).astype(dtype)
    model = Autoencoder("vae", **QUICK).fit(x)
    own = np.dtype(dtype).newbyteorder("=")
    answers = [answer(x) for answer in (model.impute, model.reconstruct, model.denoise)]
    answers += [model.sample(3), model.inverse_transform(np.zeros((2, 2)))]
    assert {answer.dtype.newbyteorder("=") for answer in answers} == {own}
    assert not np.shares_memory(answers[0], x)
    assert model.transform(x).dtype == np.float32
    x[3, 1] = np.nan
    holed = Autoencoder("vae", **QUICK).fit(x).impute(x)
    assert holed.dtype == x.dtype and np.isfinite(holed).all()
    np.testing.assert_array_equal(np.delete(holed, 3, 0), np.delete(x, 3, 0))


def test_whole_numbers_stay_where_nothing_was_missing():
    x = RNG.integers(0, 2**40, (90, 3))
    model = Autoencoder("vae", **QUICK).fit(x)
    assert model.impute(x).dtype == x.dtype
    np.testing.assert_array_equal(model.impute(x), x)
    assert model.reconstruct(x).dtype == np.float64  # float32 would round them
    assert Autoencoder("vae", **QUICK).fit(x.astype(np.uint8)).reconstruct(x.astype(np.uint8)).dtype == np.float32


def test_answers_differ_by_the_models_error_and_not_by_rounding():
    times = 1.7e9 + np.arange(400.0)
    x = np.c_[times, np.sin(np.arange(400) / 50)]
    back = Autoencoder("ae", **QUICK).fit(x).reconstruct(x)
    assert len(np.unique(back[:, 0])) > 300
    signal = 1e9 + RNG.normal(size=(40, 32))
    model = Autoencoder("ae", **QUICK | {"network": "conv"}).fit(signal)
    assert len(np.unique(model.reconstruct(signal))) > 1000
    assert len(np.unique(model.space(signal).sample(5, "gaussian").x)) > 100


def test_a_number_that_is_no_code_is_refused_wherever_it_is_given():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": RNG.normal(size=90), "t": RNG.choice(list("xy"), 90), "c": RNG.poisson(RNG.gamma(1, 9, 90))})
    model = Autoencoder("vae", **QUICK).fit(frame)
    assert model.spec_.columns[2].kind == "count"
    right = np.c_[frame.a, np.zeros(90), frame.c]
    assert np.isfinite(model.score_samples(right)).all()
    for value, at, named in ((7.0, 1, "'t'"), (0.5, 1, "'t'"), (-1.0, 1, "'t'"), (-1.0, 2, "'c'"), (1.5, 2, "'c'")):
        wrong = right.copy()
        wrong[5, at] = value
        for ask in (model.transform, model.score_samples, model.reconstruct, model.impute, model.space, model.score_each):
            with pytest.raises(DataError, match=rf"X holds {value:g} at row 5, column {at} \({named}\)"):
                ask(wrong)


def test_frames_of_another_library_come_back_as_such():
    pytest.importorskip("narwhals")
    pd, arrow = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    table = arrow.table(
        {
            "a": arrow.array([None if i % 9 == 1 else float(i) for i in range(90)], arrow.float32()),
            "n": arrow.array([None if i % 8 == 0 else i % 7 for i in range(90)], arrow.int16()),
            "t": arrow.array([None if i % 7 == 0 else "xy"[i % 2] for i in range(90)]),
        }
    )
    model = Autoencoder("vae", **QUICK).fit(table)
    for X in (table, table.select(["t", "n", "a"])):
        for answer in (model.impute(X), model.reconstruct(X)):
            assert isinstance(answer, arrow.Table)
            assert answer.schema.equals(X.schema)
    whole = model.impute(table)
    assert sum(column.null_count for column in whole.columns) == 0
    assert [v for v, old in zip(whole["n"].to_pylist(), table["n"].to_pylist(), strict=True) if old is not None] == [
        v for v in table["n"].to_pylist() if v is not None
    ]
    assert isinstance(model.sample(2), pd.DataFrame)
    assert Dataset.of(pd.DataFrame({"a": [1.0, 2.0]})).spec.plain[0].name == "a"


def test_what_is_said_of_cells_has_their_rows_and_columns(fitted):
    model, frame, pd = fitted
    turned = frame[frame.columns[::-1]].iloc[5:60]
    each = model.score_each(turned)
    pd.testing.assert_index_equal(each.index, turned.index)
    pd.testing.assert_index_equal(each.columns, turned.columns)
    assert {*each.dtypes} == {np.dtype(float)} and (each.to_numpy()[turned.isna().to_numpy()] == 0).all()
    pd.testing.assert_frame_equal(each[frame.columns], model.score_each(frame).iloc[5:60])


def test_a_frame_of_polars_comes_back_as_one():
    polars = pytest.importorskip("polars")
    pd = pytest.importorskip("pandas")
    frame = polars.from_pandas(mixed(pd).reset_index(drop=True))
    model = Autoencoder("vae", **QUICK).fit(frame)
    turned = frame.select(frame.columns[::-1])
    for answer in (model.impute(turned), model.reconstruct(turned)):
        assert isinstance(answer, polars.DataFrame) and answer.schema == turned.schema
    assert model.impute(frame).null_count().sum_horizontal()[0] == 0
    each = model.score_each(turned)
    assert isinstance(each, polars.DataFrame) and each.columns == turned.columns
    np.testing.assert_array_equal(model.transform(turned), model.transform(frame))
