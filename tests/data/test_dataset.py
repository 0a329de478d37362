"""Dataset and DataSpec: what is inferred, what is refused."""

import json

import numpy as np
import pytest
import torch

from latentwalk.data import Dataset, DataSpec
from latentwalk.data.adopt import adopt
from latentwalk.data.scaling import Scaling
from latentwalk.data.spec import FORMS
from latentwalk.errors import DataError


def test_spec_survives_json():
    spec = DataSpec.infer(np.random.default_rng(0).random((5, 3, 8, 9)))
    assert DataSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec


def test_labels_come_back_from_their_codes():
    labels = np.array(["cat", "ant", "cat", "bee"])
    data = Dataset.of(np.eye(4), labels)
    assert (np.array(data.classes)[data.y] == labels).all()


def test_new_labels_take_the_place_of_the_old():
    data = Dataset.of(np.eye(3), [0, 1, 0])
    assert adopt(data) is data
    found = adopt(data, ["b", "a", "b"])
    assert found.x is data.x and found.y.tolist() == [1, 0, 1] and found.classes == ("a", "b")
    with pytest.raises(DataError, match="3 labels"):
        data.labelled([0, 1])


def test_rows_are_taken_by_number_from_the_end_or_by_a_mark_each():
    data = Dataset.of(np.arange(8.0).reshape(4, 2), names=tuple("abcd"))
    for rows in (np.array([1, 3]), [1, -1], np.array([False, True, False, True])):
        assert data.take(rows).names == ("b", "d")
    assert len(data.take([])) == 0
    for rows in (4, [4], [-5], [0.5], [True], "a", None):
        with pytest.raises(DataError, match="the numbers .* of rows, 0 to 3"):
            data.take(rows)


def test_take_moves_everything_together():
    data = Dataset.of(np.arange(8.0).reshape(4, 2), [0, 1, 0, 1], names=tuple("abcd"), factors={"f": np.arange(4)})
    part = data.take(np.array([3, 0]))
    assert part.x[:, 0].tolist() == [6, 0]
    assert part.y.tolist() == [1, 0]
    assert part.names == ("d", "a")
    assert part.factors["f"].tolist() == [3, 0]


@pytest.mark.parametrize(
    ("shape", "layout", "event"),
    [
        ((28, 28), "HW", (1, 28, 28)),
        ((8, 9, 3), "HWC", (3, 8, 9)),
        ((3, 8, 9), "CHW", (3, 8, 9)),
        ((30,), "flat", (30,)),
        ((5, 6, 7), "flat", (210,)),
    ],
)
def test_layout_is_read_off_the_shape(shape, layout, event):
    spec = DataSpec.infer(np.zeros((2, *shape)))
    assert (spec.layout, spec.event) == (layout, event)


@pytest.mark.parametrize(
    ("kind", "layout"),
    [(kind, layout) for kind, form in FORMS.items() if not (form.serial or form.scored) for layout in form.layouts],
)
def test_every_layout_comes_back_from_the_networks(kind, layout):
    axes = FORMS[kind].layouts[layout]
    shape = {0: (3, 5, 6), -1: (4, 5, 6, 3)[4 - (axes.count or 3) :], None: (5, 6, 7)[: axes.count]}[axes.channel]
    x = np.random.default_rng(0).random((4, *shape))
    spec = DataSpec.infer(x, kind, layout)
    scaling = Scaling.natural(x, spec)
    inside = scaling(torch.from_numpy(x))
    assert inside.shape[1:] == spec.event and spec.event[0] == (3 if axes.channel is not None else spec.event[0])
    np.testing.assert_allclose(scaling.inverse(inside), x, atol=1e-6)
    assert scaling.arranged(inside).shape == x.shape
    if spec.form.bounded:
        assert inside.min() >= 0 and inside.max() <= 1
    else:
        rows = inside.transpose(0, 1).flatten(1)  # one a column, or a channel
        np.testing.assert_allclose(rows.std(1, correction=0), 1, rtol=1e-5)


def test_range_of_bytes_is_that_of_bytes():
    x = np.full((2, 4, 4), 7, np.uint8)
    assert (DataSpec.infer(x).low, DataSpec.infer(x).high) == (0, 255)
    assert (DataSpec.infer(x.reshape(2, 16)).low, DataSpec.infer(x.reshape(2, 16)).high) == (7, 7)


def test_extreme_is_one_for_binary_data():
    assert DataSpec.infer(np.eye(6)).extreme == 1
    assert DataSpec.infer(np.linspace(0, 1, 1001).reshape(-1, 1)).extreme == pytest.approx(0.1, abs=0.01)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.array([["a"]]), "expected numbers"),
        (np.array([[None]]), "row 0 of X holds nothing but NaN"),
        (np.array([[{}]]), "expected numbers"),
        (np.zeros(3), r"\(n, \*E\)"),
        (np.zeros((0, 3)), "empty"),
        (np.zeros((3, 0)), "empty"),
        (np.array([[0.0, 1.0], [np.nan, np.nan]]), "row 1 of X holds nothing but NaN"),
        (np.array([[[0.0, 1.0]], [[np.nan, 1.0]]]), r"NaN .* row 1, position \(0, 0\)"),
        (np.array([[[0.0, -np.inf]]]), r"infinity .* row 0, position \(0, 1\)"),
    ],
)
def test_bad_arrays_are_refused(x, message):
    with pytest.raises(DataError, match=message):
        Dataset.of(x)


def test_nan_is_found_beyond_the_first_chunk():
    x = np.zeros((5000, 2, 2), np.float32)
    x[4999, 1] = np.nan
    with pytest.raises(DataError, match=r"row 4999, position \(1, 0\)"):
        Dataset.of(x)
    assert Dataset.of(x, kind="signal").spec.missing


def test_labels_of_another_length_are_refused():
    with pytest.raises(DataError, match="expected 3 labels"):
        Dataset.of(np.eye(3), [0, 1])
