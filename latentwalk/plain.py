"""Text as a terminal is shown it. Names of classes, columns and files are others' words, and a terminal obeys some of them."""

import re

__all__ = ["plain"]

HIDDEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f"  # what moves a terminal: all control characters but the newline
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # what turns the direction of writing
    "\u2028\u2029\ud800-\udfff]"  # lines that are none, and halves of letters
)


def plain(text: object) -> str:
    r"""Text as it is shown: what would move a terminal, or make text look like other text, is written out.

    >>> plain("\x1b[31mred\a")
    '\\x1b[31mred\\x07'
    """
    return HIDDEN.sub(lambda found: found[0].encode("unicode_escape").decode(), str(text))
