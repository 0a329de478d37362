"""Curves of a sweep, from rows made by hand: means, bands, pictures, words."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from latentwalk import Sweep
from latentwalk.errors import ConfigError
from latentwalk.studies.sweep import curves


def row(latent, beta, seed, **found):
    own = {"completeness": 0.5, "continuity": 1.0, "error": 0.1, "active": latent, "class_accuracy": None}
    return {"data": "a", "latent": latent, "recipe__beta": beta, "seed": seed, **own, "warning": None, "failure": None, **found}


FALLS = {2: 0.86, 4: 0.7, 8: 0.5}
ROWS = [
    row(latent, beta, seed, completeness=value / beta + 0.01 * (seed - 1), error=0.1 / latent * beta)
    for seed in range(3)
    for latent, value in FALLS.items()
    for beta in (1, 2)
]
AXES = ["latent", "recipe__beta"]


@pytest.fixture
def sweep():
    found = Sweep({"latent": [2, 4, 8], "recipe__beta": [1, 2]}, seeds=3)
    found.results_, found.axes_, found.prior_ = ROWS, AXES, "N(0, I)"
    return found


def test_a_curve_is_the_mean_of_the_seeds_between_the_lowest_and_the_highest():
    one, two = curves.curves(ROWS, "completeness", "latent", "recipe__beta")
    assert (one.name, one.x, two.name) == ("beta 1", (2, 4, 8), "beta 2")
    np.testing.assert_allclose(one.mean, list(FALLS.values()))
    np.testing.assert_allclose(np.subtract(one.high, one.low), 0.02)
    (all_,) = curves.curves(ROWS, "completeness", "latent")
    np.testing.assert_allclose(all_.mean, [0.75 * value for value in FALLS.values()])
    with pytest.raises(ConfigError, match="Did you mean 'completeness'"):
        curves.curves(ROWS, "completenes", "latent")


def test_failed_trials_are_left_out():
    rows = [*ROWS, row(2, 1, 3, completeness=None, error=None, active=None, continuity=None, failure="no number")]
    assert curves.curves(rows, "completeness", "latent", "recipe__beta") == curves.curves(
        ROWS, "completeness", "latent", "recipe__beta"
    )
    assert [one["seeds"] for one in curves.means(rows, AXES)] == [3] * 6
    assert curves.numeric([{**rows[-1]}]) == []
    assert curves.sentences(rows[-1:], AXES) == []


def test_means_come_in_the_order_of_the_axes(sweep):
    means = sweep.means()
    assert [(one["latent"], one["recipe__beta"]) for one in means] == [(d, b) for d in (2, 4, 8) for b in (1, 2)]
    assert means[0]["completeness"] == pytest.approx(0.86)
    assert sweep.best() == means[0]
    assert sweep.best("error")["latent"] == 8
    with pytest.raises(ConfigError, match="called 'accuracy'"):
        sweep.best("accuracy")


def test_words_follow_the_numbers(sweep):
    said = sweep.summary()
    assert said[0] == (
        "Completeness under N(0, I): with beta 1 it falls from .86 at 2 dimensions to .50 at 8; "
        "with beta 2 it falls from .43 at 2 dimensions to .25 at 8."
    )
    assert said[1].endswith("with beta 1 it hardly changes: 1.00 at 2 dimensions, 1.00 at 8; "
                            "with beta 2 it hardly changes: 1.00 at 2 dimensions, 1.00 at 8.")  # fmt: skip
    assert said[3].startswith("The number of active dimensions: with beta 1 it rises from 2 at 2 dimensions to 8 at 8")
    assert said[4] == (
        "The highest mean completeness under N(0, I), .86, is that of 2 dimensions, beta 1 (error 0.0500); "
        "the least error, 0.0125, that of 8 dimensions, beta 1."
    )


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((0.5, 0.9, 0.4), "rises from .50 at 1 dimension to .90 at 2, and falls to .40 at 3."),
        ((0.5, 0.1, 0.4), "falls from .50 at 1 dimension to .10 at 2, and rises to .40 at 3."),
        ((0.5, 0.5, 0.5), "hardly changes: .50 at 1 dimension, .50 at 3."),
        ((0.1, 0.9, 0.92), "rises from .10 at 1 dimension to .92 at 3."),
        ((0.1, 0.92, 0.91), "rises from .10 at 1 dimension to .91 at 3."),  # the top is hardly above the end
        ((0.5, 0.51, 0.4), "falls from .50 at 1 dimension to .40 at 3."),
    ],
)
def test_turns_are_told_where_there_are_any(values, said):
    rows = [row(at, 1, 0, completeness=value) for at, value in enumerate(values, 1)]
    assert curves.sentences(rows, AXES)[0] == f"Completeness under N(0, I) {said}"


def test_a_change_that_seeds_make_too_is_none():
    rows = [row(at, 1, seed, completeness=0.6 + 0.05 * at + 0.04 * seed) for at in (1, 2) for seed in range(3)]
    assert "(0, I) hardly changes: .69 at 1 dimension, .74 at 2." in curves.sentences(rows, AXES)[0]
    assert "(0, I) rises from .65 at 1 dimension to .70 at 2." in curves.sentences(rows[::3], AXES)[0]  # one seed, no doubt


def test_the_plot_shows_a_line_and_a_band_a_value(sweep):
    axes = sweep.plot()
    assert [line.get_label() for line in axes.get_lines()] == ["beta 1", "beta 2"]
    np.testing.assert_allclose(axes.get_lines()[0].get_xydata(), np.column_stack([list(FALLS), list(FALLS.values())]))
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_xscale()) == ("dimensions", "completeness", "log")
    assert len(axes.collections) == 2
    given = Figure().subplots()
    assert sweep.plot("error", x="recipe__beta", hue="latent", ax=given) is given
    assert len(given.get_lines()) == 3
    for wrong in ({"y": "eror"}, {"x": "latnt"}, {"hue": "seed"}):
        with pytest.raises(ConfigError, match="unknown"):
            sweep.plot(**wrong)


def test_values_are_called_what_people_call_them():
    said = [("latent", 1), ("rows", 5000), ("recipe__beta", 0.25), ("network", "conv"), ("network__widths", "512-256")]
    assert [curves.label(*one) for one in said] == ["1 dimension", "5,000 rows", "beta 0.25", "conv", "widths 512-256"]
    rows = [one | {"network": name} for one in ROWS for name in ("conv", "dense")]
    assert "means over the values of network." in curves.sentences(rows, [*AXES, "network"])[-2]


def test_names_stand_in_a_row_and_the_notebook_escapes_them():
    sweep = Sweep({"recipe": ["<b>", "vae"]})
    rows = [row(2, 1, 0) | {"recipe": name} for name in ("<b>", "vae")]
    sweep.results_, sweep.axes_ = [{"data": "a", "recipe": one["recipe"], **one} for one in rows], ["recipe"]
    axes = sweep.plot(ax=Figure().subplots())
    assert [label.get_text() for label in axes.get_xticklabels()] == ["<b>", "vae"]
    html = sweep._repr_html_()
    assert "&lt;b&gt;" in html and "<b>" not in html
    assert "Sweep(" in Sweep({"latent": [1]})._repr_html_()
