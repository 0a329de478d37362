"""Numbers that are given: what is let through, and the sentence for what is not."""

import math

import numpy as np
import pytest

from latentwalk.checks import flag, positive, several, share, whole
from latentwalk.errors import ConfigError


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (lambda v: whole("n", v), [0, 7, np.int64(3), np.uint8(0)], [-1, 1.0, np.float64(2), "2", None, math.nan, [1]]),
        (lambda v: whole("n", v, least=2, most=4), [2, 3, 4], [1, 5]),
        (lambda v: whole("n", v, least=1, none="all"), [None, 1], [0]),
        (lambda v: positive("n", v), [1, 0.5, np.float32(2)], [0, -1, math.inf, math.nan, "1", None, 1j]),
        (lambda v: positive("n", v, zero=True), [0, 0.0, 2], [-1e-9, math.inf]),
        (lambda v: positive("n", v, none="no limit"), [None, 1], [0]),
        (lambda v: share("n", v, "rows"), [0, 0.999, np.float32(0.5)], [1, -0.1, math.nan, "0.5", None]),
        (lambda v: share("n", v, "rows", zero=False, most=0.5), [0.5, 1e-9], [0, 0.51]),
        (lambda v: share("n", v, "rows", none="none"), [None, 0], [1]),
        (lambda v: flag("n", v), [True, np.bool_(False)], [0, 1, None, "yes", np.array([True])]),
        (
            lambda v: several("n", v, "x"),
            [[1], (), range(2), {"a"}, np.arange(2)],
            ["ab", b"ab", 1, None, {}, np.array(1), np.eye(2)],
        ),
    ],
)
def test_good_numbers_pass_and_others_are_named(check, good, bad):
    for value in good:
        check(value)
    for value in bad:
        with pytest.raises(ConfigError) as caught:
            check(value)
        assert str(caught.value).startswith(f"n={value!r}")
        assert "xpected" in str(caught.value) and str(caught.value).endswith(".")


def test_the_sentence_says_what_would_do():
    for check, sentence in (
        (lambda: whole("k", 0, least=1, most=4), "k=0: expected a whole number, from 1 to 4."),
        (
            lambda: whole("rows", 0, "rows", least=2, none="all"),
            "rows=0: expected a whole number of rows, at least 2, or None for all.",
        ),
        (lambda: whole("n", -1, "examples"), "n=-1: expected a whole number of examples, 0 or more."),
        (lambda: positive("temperature", -1, zero=True), "temperature=-1: expected a number, 0 or more."),
        (lambda: share("s", 1, "rows", zero=False, most=0.5), "s=1 is not a share of rows. Expected 0 < s <= 0.5."),
    ):
        with pytest.raises(ConfigError) as caught:
            check()
        assert str(caught.value) == sentence
