"""What a user holds is taken as it is meant, in every way in; or refused in words of ours."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
from PIL import Image
from torch.utils.data import ConcatDataset, DataLoader, IterableDataset, Subset, TensorDataset
from torch.utils.data import Dataset as Items

from latentwalk import Autoencoder, Dataset, Network, adopt
from latentwalk.data.adopt import as_known
from latentwalk.data.examples import as_plain, check_labels
from latentwalk.data.sources import read
from latentwalk.errors import DataError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 4))
UNEQUAL = [[1.0, 2.0, 3.0], [4.0, 5.0], [1.0, 1.0, 1.0, 1.0]]
SIGNALS = np.array([[1, 2, 3, np.nan], [4, 5, np.nan, np.nan], [1, 1, 1, 1]])


class Each(Items):
    """A data set of PyTorch's whose items a function makes."""

    def __init__(self, item, count=12):
        self.item, self.count = item, count

    def __len__(self):
        return self.count

    def __getitem__(self, row):
        return self.item(row)


class Passing(IterableDataset):
    """A stream of PyTorch's."""

    def __iter__(self):
        return iter(torch.zeros(3, 2))


def model(**options):
    usual = {"epochs": 1, "progress": False, "random_state": 0, "network": Network("dense", widths=(8,))}
    return Autoencoder("vae", **usual | options)


@pytest.mark.parametrize(
    "form",
    [
        torch.tensor(X),
        torch.tensor(X, requires_grad=True),
        list(torch.tensor(X)),
        X.tolist(),
        [tuple(row) for row in X.tolist()],
        X.astype(object),
        np.ma.masked_array(X),
        pd.array(X.ravel()).to_numpy().reshape(X.shape),
        TensorDataset(torch.tensor(X)),
        Subset(TensorDataset(torch.tensor(X)), range(len(X))),
        ConcatDataset([TensorDataset(torch.tensor(X[:9])), TensorDataset(torch.tensor(X[9:]))]),
        Each(lambda row: torch.tensor(X[row]), len(X)),
        Each(lambda row: (X[row], row % 2), len(X)),
        Each(lambda row: X[row].tolist(), len(X)),
    ],
)
def test_rows_of_any_form_are_the_same_rows(form):
    np.testing.assert_array_equal(adopt(form).x, X)
    plain = model().fit(X)
    np.testing.assert_array_equal(model().fit(form).transform(form), plain.transform(X))


@pytest.mark.parametrize(
    "form",
    [
        UNEQUAL,
        tuple(map(tuple, UNEQUAL)),
        [np.array(one) for one in UNEQUAL],
        [torch.tensor(one, dtype=torch.float64) for one in UNEQUAL],
        [np.array(UNEQUAL[0]), UNEQUAL[1], torch.tensor(UNEQUAL[2])],
        np.array([np.array(one) for one in UNEQUAL], dtype=object),
        torch.nested.nested_tensor([torch.tensor(one, dtype=torch.float64) for one in UNEQUAL], layout=torch.jagged),
        Each(lambda row: torch.tensor(UNEQUAL[row], dtype=torch.float64), 3),
    ],
)
def test_rows_of_different_lengths_are_signals(form):
    data = adopt(form)
    assert data.spec.kind == "signal" and data.spec.missing
    np.testing.assert_array_equal(data.x, SIGNALS)
    learnt = model(network="gru").fit(form)
    np.testing.assert_array_equal(learnt.transform(form), learnt.transform(SIGNALS))
    assert learnt.reconstruct([[1.0, 2.0], [3.0]]).shape == (2, 4)


def test_signals_of_several_channels_and_of_gaps():
    assert adopt([[[1.0, 2.0], [3.0, 4.0]], [[1.0, 2.0]]]).x.shape == (2, 2, 2)
    data = adopt([[1.0, None, 3.0], [4.0, pd.NA]])
    np.testing.assert_array_equal(data.x, [[1, np.nan, 3], [4, np.nan, np.nan]])


@pytest.mark.parametrize("gap", [None, pd.NA, pd.NaT, np.nan, float("nan")])
def test_what_is_not_there_is_a_gap_in_lists_objects_and_frames(gap):
    rows = [[1.5, gap], [2.0, 3.5], [4.0, 5.0]]
    want = np.array([[1.5, np.nan], [2.0, 3.5], [4.0, 5.0]])
    objects = np.array(rows, dtype=object)
    for form in (rows, objects, [tuple(row) for row in rows]):
        data = adopt(form)
        assert data.spec.missing
        np.testing.assert_array_equal(data.x, want)
        assert model().fit(form).impute(form).shape == (3, 2)
    frame = pd.DataFrame({"a": objects[:, 0], "b": objects[:, 1]}, dtype=object)
    assert [column.kind for column in model().fit(frame).spec_.columns] == ["continuous", "continuous"]


def test_masked_numbers_are_gaps():
    data = adopt(np.ma.masked_array(X, X > 1))
    np.testing.assert_array_equal(np.isnan(data.x), X > 1)
    assert adopt(np.ma.masked_array(X.astype(np.float32), X > 1)).x.dtype == np.float32


def test_the_second_entry_of_an_item_is_its_label():
    tensors = TensorDataset(torch.tensor(X), torch.arange(30) % 3)
    assert adopt(tensors).classes == ("0", "1", "2") and adopt(tensors, ["a"] * 30).classes == ("a",)
    np.testing.assert_array_equal(adopt(tensors).y, np.arange(30) % 3)
    assert adopt(Each(lambda row: (X[row], "ab"[row % 2]))).classes == ("a", "b")
    assert model(condition=True).fit(tensors).classes_ == ("0", "1", "2")
    column = TensorDataset(torch.tensor(X), torch.arange(30)[:, None] % 3)
    assert adopt(column).classes == ("0", "1", "2")
    assert adopt(TensorDataset(torch.tensor(X), torch.tensor(X))).y is None  # what an autoencoder's user gives as target
    assert set(adopt(TensorDataset(torch.tensor(X), torch.linspace(0, 1, 30))).factors) == {"label"}


def test_pictures_of_a_data_set_of_pytorchs():
    picture = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4))
    data = adopt(Each(lambda row: (picture, row % 2)))
    assert (data.spec.kind, data.x.shape, data.x.dtype) == ("image", (12, 3, 4), np.uint8)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        (
            scipy.sparse.csr_matrix(X),
            r"SciPy sparse matrix .* 30 x 4; .*X\.toarray\(\), which takes 0\.0 MiB.*TruncatedSVD",
        ),
        (scipy.sparse.csr_array((10**6, 10**6)), r"which takes 7,450\.6 GiB"),
        (torch.eye(3).to_sparse(), r"sparse tensor, 3 x 3; .*X\.to_dense\(\)"),
        (torch.empty(3, 2, device="meta"), "on the device meta"),
        (DataLoader(TensorDataset(torch.tensor(X))), r"loader\.dataset"),
        (Passing(), "come one after the other"),
        (TensorDataset(*[torch.tensor(X)] * 3), r"of 3 tensors, \(30, 4\)"),
        (Each(lambda row: {"x": X[row]}), "an item of this Each is a dict"),
        (Each(lambda row: 1.0), "an item of this Each is a float"),
        (Each(lambda row: X[row], 0), "without items"),
        (Each(lambda row: X[row], 10**12), "more than is read at once"),
        (Each(lambda row: (X[row], None if row == 5 else 1)), "row 5 has no label"),
        (Each(lambda row: np.zeros((2 + row % 2, 3, 2))), r"row 0 has \(2, 3, 2\) and row 1 has \(3, 3, 2\)"),
        ([np.zeros((2, 3, 2)), np.zeros((3, 3, 2))], r"row 0 has \(2, 3, 2\) and row 1 has \(3, 3, 2\)"),
        ([[1.0], []], "signal 1 has 0 steps"),
        ([["a"], ["b", "c"]], "signal 0 is <U1"),
        ([1.0, [2.0]], "a list of float and list"),
        ([[[1.0], [2.0, 3.0]], [[1.0]]], "no array can be made of a list"),
    ],
)
def test_what_holds_no_rows_of_numbers_is_refused_in_our_words(form, message):
    for use in (adopt, model().fit):
        with pytest.raises(DataError, match=message):
            use(form)


def test_a_data_set_of_pytorchs_goes_by_adopt_alone():
    with pytest.raises(DataError, match=r"Use latentwalk\.adopt"):
        Dataset.of(TensorDataset(torch.tensor(X)))
    with pytest.raises(DataError, match="sparse"):
        model().fit(X).transform(scipy.sparse.csr_array(X))


def test_what_is_plain_already_is_not_copied():
    frame, lists = pd.DataFrame(X), [X[:3], X]
    for form in (X, frame, lists, Dataset.of(X)):
        assert as_known(form) is form
    tensor = torch.tensor(X)
    assert np.shares_memory(as_plain(tensor), tensor.numpy())


LABELS = np.array(["a", "b"] * 15, dtype=object)
NOT_THERE = {
    "None": [None, *LABELS[1:]],
    "NaN in a list": [np.nan, *LABELS[1:]],
    "NaN": np.r_[np.nan, np.arange(29)],
    "NA": pd.array([pd.NA, *LABELS[1:]], dtype="string"),
    "a category": pd.Categorical([None, *LABELS[1:]]),
    "NaT": np.array(["NaT"] + ["2020-01-01"] * 29, dtype="datetime64[D]"),
    "a tensor": torch.tensor([float("nan")] * 2 + [1.0] * 28),
}


@pytest.mark.parametrize("y", NOT_THERE.values(), ids=NOT_THERE)
def test_a_row_without_a_label_is_named_wherever_labels_are_used(y):
    told = model(condition=True).fit(X, LABELS)
    for use in (
        lambda: adopt(X, y),
        lambda: Dataset.of(X).labelled(y),
        lambda: model().fit(X).space(X, y),
        lambda: model(condition=True).fit(X, y),
        lambda: told.transform(X, condition=y),
        lambda: told.sample(30, condition=y),
    ):
        with pytest.raises(DataError, match='row 0 has no label .*"unknown", say'):
            use()
    model().fit(X, y)  # which does not look at labels


def test_labels_of_a_csv_that_are_not_there_are_named(tmp_path):
    (tmp_path / "x.csv").write_text("a,b,label\n" + "1,2,u\n" * 5 + "2,1,\n" + "3,1,v\n" * 5)
    with pytest.raises(DataError, match="row 5"):
        read(tmp_path / "x.csv")


def test_labels_that_cannot_be_sorted_and_labels_in_a_column():
    with pytest.raises(DataError, match="the labels mix int and str"):
        check_labels(np.array([1, "a"], dtype=object), 2)
    np.testing.assert_array_equal(check_labels(pd.DataFrame({"y": LABELS}), 30), LABELS)
    for y in (LABELS[:5], LABELS.reshape(15, 2), "a"):
        with pytest.raises(DataError, match="expected 30 labels"):
            check_labels(y, 30)
