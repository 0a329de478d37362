"""A copy: as many rows as asked for, of the types learnt from, none of which breaks what it must keep."""

import numpy as np
import pandas as pd
import pytest

from latentwalk import Autoencoder, Dataset, resemblance, synthesise
from latentwalk.data.columns import Column
from latentwalk.data.constraints import constraints_read
from latentwalk.errors import ConfigError
from latentwalk.studies.synthesis.lattices import lattices
from latentwalk.studies.synthesis.margins import Margins

ROWS = 500


def homes(seed=0, n=ROWS):
    """Sums, orders, dates, whole numbers, decimals, zeros and names."""
    rng = np.random.default_rng(seed)
    rooms = rng.poisson(3, n) + 1
    rent = np.exp(rng.normal(6, 0.4, n) + 0.1 * rooms).round(2)
    extra = np.where(rng.random(n) < 0.4, 0, rng.exponential(80, n)).round(2)
    built = np.datetime64("1990-01-01") + rng.integers(0, 9_000, n).astype("timedelta64[D]")
    return pd.DataFrame(
        {
            "rooms": rooms,
            "rent": rent,
            "extra": extra,
            "all in all": (rent + extra).round(2),
            "built": built,
            "sold": built + rng.integers(0, 2_000, n).astype("timedelta64[D]"),
            "town": pd.Categorical(rng.choice(["Bern", "Chur"], n)),
            "heated": rng.random(n) < 0.7,
        }
    )


FRAME = homes()


@pytest.fixture(scope="module")
def model():
    return Autoencoder("vae", latent=4, epochs=30, batch_size=64, random_state=0, progress=False).fit(FRAME)


@pytest.fixture(scope="module")
def copy(model):
    return synthesise(model, FRAME, 800, constraints=["rent >= 0", "sold >= built"], sampler="gaussian")


def test_rows_names_order_and_types_are_those_learnt_from(copy):
    assert len(copy) == len(copy.rows) == 800
    assert list(copy.rows.columns) == list(FRAME.columns)
    assert [str(one) for one in copy.rows.dtypes] == [str(one) for one in FRAME.dtypes]
    assert copy.rows.index.equals(pd.RangeIndex(800))


def test_no_row_breaks_what_was_given_or_found(copy):
    said = {str(one): one.found for one in copy.constraints}
    assert said["rent >= 0"] is False and said["built <= sold"] and said["rent + extra == `all in all`"]
    assert (copy.rows["sold"] >= copy.rows["built"]).all() and (copy.rows["rent"] >= FRAME["rent"].min()).all()
    np.testing.assert_allclose(copy.rows["rent"] + copy.rows["extra"], copy.rows["all in all"], atol=1e-9)
    assert not any(one.broken(copy.records.x).any() for one in copy.constraints)
    assert copy.drawn - copy.rejected + copy.moved >= 800 and f"{copy.rejected:,} of {copy.drawn:,}" in str(copy)


def test_numbers_are_written_as_those_learnt_from(copy):
    for name in ("rent", "extra", "all in all"):
        assert (copy.rows[name] == copy.rows[name].round(2)).all()
    assert (copy.rows["built"] == copy.rows["built"].dt.normalize()).all()
    zeros = (copy.rows["extra"] == 0).mean()
    assert zeros == pytest.approx((FRAME["extra"] == 0).mean(), abs=0.08)  # as often as they should be


def test_columns_are_spread_as_real_ones(model, copy):
    found = resemblance(copy.rows, FRAME, homes(1), target="rent")
    assert found.measures["marginals"].value < 3 * found.measures["marginals"].details["real"]
    plain = synthesise(model, FRAME, 800, sampler="gaussian", margins=False, find=False)
    blunt = resemblance(plain.rows, FRAME, homes(1), target="rent").measures["marginals"]
    assert found.measures["marginals"].value < 0.75 * blunt.value


def test_the_same_seed_gives_the_same_copy_and_the_model_stays_as_it_is(model):
    first, again, other = (synthesise(model, FRAME, 50, seed=seed) for seed in (1, 1, 2))
    pd.testing.assert_frame_equal(first.rows, again.rows)
    assert not first.rows.equals(other.rows)
    assert model.trained_.quick


def test_what_nothing_satisfies_is_an_error_that_says_what_breaks(model):
    with pytest.raises(ConfigError, match=r"hardly any satisfies all 2 constraints.*rooms < 0 is broken by 100 %"):
        synthesise(model, FRAME, 20, constraints=["rooms < 0", "rooms > 5"], find=False, sampler="gaussian")
    with pytest.raises(ConfigError, match="Did you mean 'rooms'"):
        synthesise(model, FRAME, 20, constraints="room < 0")
    with pytest.raises(ConfigError, match="n=0"):
        synthesise(model, FRAME, 0)


def test_a_frame_of_another_library_comes_back_as_one(model):
    polars = pytest.importorskip("polars")
    copy = synthesise(model, polars.from_pandas(FRAME), 40, sampler="gaussian")
    assert isinstance(copy.rows, polars.DataFrame) and copy.rows.columns == list(FRAME.columns)
    assert resemblance(copy.rows, polars.from_pandas(FRAME)).measures["marginals"].value < 0.4


def test_what_is_hardly_ever_drawn_is_moved_and_said(model):
    copy = synthesise(model, FRAME, 30, constraints="rent >= 1e5", find=False, sampler="gaussian")
    assert (copy.rows["rent"] >= 1e5).all() and copy.moved == 30
    assert "moved onto the edge" in str(copy)
    assert copy.remarks == ("rent >= 1e5 is broken by 100 % of the rows learnt from.",)


def test_labels_go_with_their_rows(monkeypatch):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, ROWS)
    x = rng.normal(size=(ROWS, 1)) + 0.3 * rng.normal(size=(ROWS, 3)) + 4 * y[:, None]
    data = Dataset.of(x, np.array(["low", "high"])[y])
    for condition in (False, True):
        model = Autoencoder(latent=2, epochs=30, condition=condition, random_state=0, progress=False).fit(data)
        if condition:
            monkeypatch.setattr(
                "latentwalk.studies.synthesis.copy.booster", None
            )  # nothing is to be learnt: rows were drawn as such
        copy = synthesise(model, data, 400, sampler="mixture")
        high = copy.labels == "high"
        assert high.mean() == pytest.approx(y.mean(), abs=0.06)
        assert ((copy.rows.mean(axis=1) > 2) == high).mean() > 0.85
        assert isinstance(copy.rows, np.ndarray) and copy.records.columns[-1].categories == ("high", "low")


def test_cells_are_missing_as_often_as_they_were():
    frame = FRAME[["rooms", "rent", "town"]].copy()
    frame.loc[::4, "rent"] = np.nan
    model = Autoencoder(epochs=3, random_state=0, progress=False).fit(frame)
    copy = synthesise(model, frame, 800, sampler="gaussian")
    assert copy.rows["rent"].isna().mean() == pytest.approx(0.25, abs=0.05)
    assert not copy.rows[["rooms", "town"]].isna().any(axis=None)


def test_only_tables_are_copied():
    pictures = np.random.default_rng(0).uniform(size=(40, 6, 6))
    model = Autoencoder(epochs=1, random_state=0, progress=False).fit(pictures)
    with pytest.raises(ConfigError, match="made of tables"):
        synthesise(model, pictures)


def test_few_samplers_draw_near_single_rows_and_that_is_said(model):
    assert any("near those of single rows" in one for one in synthesise(model, FRAME, 20, sampler="neighbours").remarks)


# ---------------------------------------------------------------------- parts


def test_margins_become_those_of_the_data_and_ranks_stay():
    rng = np.random.default_rng(0)
    real = np.column_stack([rng.exponential(1, 400), np.where(rng.random(400) < 0.3, 0, rng.exponential(2, 400))])
    drawn = rng.normal(5, 3, size=(3_000, 2))
    columns = (Column("a", "continuous"), Column("b", "continuous"))
    moved = Margins.of(drawn, real, columns)(drawn, rng)
    for at in range(2):
        shares = np.linspace(0.02, 0.98, 25)
        np.testing.assert_allclose(np.quantile(moved[:, at], shares), np.quantile(real[:, at], shares), atol=0.12)
        assert (np.diff(moved[np.argsort(drawn[:, at]), at]) >= -1e-12).all()
        assert real[:, at].min() <= moved[:, at].min() and moved[:, at].max() <= real[:, at].max()
    assert (moved[:, 1] == 0).mean() == pytest.approx((real[:, 1] == 0).mean(), abs=0.02)


def test_margins_keep_an_order_that_noise_would_break():
    rng = np.random.default_rng(0)
    low = rng.normal(size=500)
    real = np.column_stack([low, low + rng.exponential(0.05, 500), low + 1])
    drawn = real + rng.normal(0, 0.3, real.shape)
    assert (drawn[:, 1] < drawn[:, 0]).mean() > 0.3
    columns = tuple(Column(name, "continuous") for name in "abc")
    moved = Margins.of(drawn, real, columns, [(0, 1), (0, 2), (1, 2)])(drawn, rng)
    assert (moved[:, 1] >= moved[:, 0]).all() and (moved[:, 2] >= moved[:, 0]).all()


@pytest.mark.parametrize(
    ("values", "step", "dtype"),
    [
        ([0.1, 0.2, 12.7], 0.1, "float64"),
        ([3, 40, 500], 1.0, "int64"),
        ([300, 4_000, 1_100], 100.0, "int64"),
        ([0.25, 17.1, 0], 0.01, "float32"),
        ([np.pi, np.e, 1 / 3], 0.0, "float64"),
    ],
)
def test_a_grid_is_that_of_the_data(values, step, dtype):
    x = np.round(np.add.outer(np.arange(30) * (step or 0.1), values).ravel(), 12)
    (grid,) = lattices(x.astype(dtype)[:, None].astype(np.float64), [Column("a", "continuous", dtype)])
    assert grid.step == pytest.approx(step)
    np.testing.assert_array_equal(grid.snapped(x + 0.3 * step).astype(dtype), x.astype(dtype))


def test_a_column_of_few_numbers_has_no_others():
    x = np.repeat([0.5, 1.0, 7.25], 40)
    (grid,) = lattices(x[:, None], [Column("a", "continuous")])
    assert grid.snapped(np.array([-3, 0.7, 0.8, 4.2, 99, np.nan])).tolist()[:5] == [0.5, 0.5, 1.0, 7.25, 7.25]


def test_a_constraint_of_all_kinds_is_kept_at_once(model):
    texts = ("2 * rent + extra <= 4000", "rooms * 100 <= rent", "`all in all` - rent - extra == 0", "rooms != 3")
    copy = synthesise(model, FRAME, 100, constraints=texts)
    for text in texts:
        for one in constraints_read(text, copy.records.columns):
            assert not one.broken(copy.records.x).any()
