"""Ways to damage a file, and what a reader makes of any bytes at all: an answer, or an error of ours that names the path.

    @FUZZ
    @given(bytes_like(VALID))                      arbitrary bytes, and valid files that were damaged
    def test_my_format(content):
        path = written("x.mine", content)
        answer = outcome(read, path)               None where it was refused as it should be
        assert answer is None or …

    @pytest.mark.parametrize("content", [*tenths(VALID), *flips(VALID)])        the short, exhaustive kind

`LATENTWALK_FUZZ=20000 pytest tests/fuzz` draws that many files a test, others each time; CI draws few, always the same.
"""

import copy
import math
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from latentwalk.errors import LatentwalkError

T = TypeVar("T")
PATIENCE = 5.0  # seconds of work that a reader may take for a small file
LONGEST = 60.0  # seconds by the clock after which it hangs, however busy the machine
ASKED = os.environ.get("LATENTWALK_FUZZ")
FUZZ = settings(
    max_examples=int(ASKED or 25),
    derandomize=ASKED is None,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
FIELDS = [  # what a length, a count or an offset should never be
    number.to_bytes(width, order, signed=number < 0)
    for width in (1, 2, 4, 8)
    for number in (0, 1, -1, -2, 2 ** (8 * width - 1) - 1, -(2 ** (8 * width - 1)), 2 ** (4 * width))
    for order in ("little", "big")
]


class Hang(BaseException):
    """A reader that takes too long; no `except Exception` catches it."""


def tenths(content: bytes) -> list[bytes]:
    """The content cut off at every tenth of its length: ten pieces, the first of them empty."""
    return [content[: len(content) * tenth // 10] for tenth in range(10)]


def flips(content: bytes, count: int = 16, bit: int = 4) -> list[bytes]:
    """The content with one bit flipped, at `count` places from the first byte to the last."""
    places = [(len(content) - 1) * i // (count - 1) for i in range(count)]
    return [replaced(content, at, content[at] ^ 1 << bit) for at in places]


def replaced(content: bytes, at: int, byte: int) -> bytes:
    """The content with another byte at one place."""
    return content[:at] + bytes([byte]) + content[at + 1 :]


def damaged(valid: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """A valid file with a few wounds: cut, flipped, overwritten, inserted into, repeated, spliced with another one."""
    return st.builds(_wounded, st.sampled_from(valid), st.lists(_wound(valid), min_size=1, max_size=4))


def bytes_like(valid: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Arbitrary bytes, and damaged files."""
    return st.one_of(damaged(valid), damaged(valid), damaged(valid), st.binary(max_size=200))


def json_like(valid: Any) -> st.SearchStrategy[Any]:
    """A JSON value with something else, or nothing, in one or two of its places."""
    return st.lists(st.tuples(st.integers(0, 10_000), _STRANGE), min_size=1, max_size=2).map(lambda new: _spoilt(valid, new))


def written(name: str, content: bytes) -> Path:
    """A file of that name and content, in a folder that all examples share."""
    path = _folder() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def outcome(read: Callable[[Path], T], path: Path, *, within: bool = False) -> T | None:
    """What `read` makes of the path, None where it is refused. Fails for any other error, and one that does not say where.

    within: the path need not come first in the message.
    """
    try:
        with patient():
            return read(path)
    except LatentwalkError as error:
        message = str(error)
        assert str(path) in message if within else message.startswith(str(path)), message
        assert not message.startswith(f"{path}: {path}"), message
        assert len(message) > len(str(path)) + 10, message
        return None


@contextmanager
def refused() -> Iterator[None]:
    """What is done inside may be refused with an error of ours, and must be over in time."""
    with suppress(LatentwalkError), patient():
        yield


@contextmanager
def patient() -> Iterator[None]:
    """Fail where the block works longer than PATIENCE; raise Hang where it is not over, or waits, after LONGEST."""

    def late(*_: object) -> None:
        raise Hang(f"more than {LONGEST} s")

    begun, before = time.process_time(), signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, LONGEST)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert time.process_time() - begun < PATIENCE


Wound = Callable[[bytes], bytes]


def _wound(valid: Sequence[bytes]) -> st.SearchStrategy[Wound]:
    place = st.integers(0, 999).map(lambda share: share / 1000) | st.integers(
        0, 64
    )  # a share of the length, or a byte of the header
    new = st.binary(min_size=1, max_size=4) | st.sampled_from(FIELDS)
    return st.one_of(
        st.builds(lambda at: lambda old: old[: _at(at, old)], place),
        st.builds(lambda at, bit: lambda old: _flipped(old, _at(at, old), bit), place, st.integers(0, 7)),
        st.builds(lambda at, put: lambda old: old[: _at(at, old)] + put + old[_at(at, old) + len(put) :], place, new),
        st.builds(lambda at, put: lambda old: old[: _at(at, old)] + put + old[_at(at, old) :], place, new),
        st.builds(lambda at, n: lambda old: old[: _at(at, old)] + old[_at(at, old) + n :], place, st.integers(1, 64)),
        st.builds(lambda at, n: lambda old: old[: _at(at, old) + n] + old[_at(at, old) :], place, st.integers(1, 64)),
        st.builds(
            lambda at, of, other: lambda old: old[: _at(at, old)] + other[_at(of, other) :],
            place,
            place,
            st.sampled_from(valid),
        ),
    )


def _wounded(content: bytes, wounds: Sequence[Wound]) -> bytes:
    for wound in wounds:
        content = wound(content)
    return content


_NUMBERS = st.sampled_from([0, 1, -1, 3, 2**31, 2**63, 10**40, 0.5, -1e308, math.inf, math.nan])
_WORDS = st.sampled_from(["", "ae", "conv", "image", "a\0b", "/etc/passwd", "é" * 9, "float64", "object"]) | st.text(max_size=4)
_STRANGE = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_WORDS | st.just("type"), inner, max_size=2),
    max_leaves=4,
)


def _spoilt(value: Any, changes: Sequence[tuple[int, Any]]) -> Any:
    value = copy.deepcopy(value)
    for at, new in changes:
        places = list(_places(value))
        if places:
            holder, key = places[at % len(places)]
            if new == "" and isinstance(holder, dict):
                del holder[key]
            else:
                holder[key] = new
    return value


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """All places in a JSON value; of a long list its first ones, so that the rest is not drowned by numbers."""
    if isinstance(value, (dict, list)):
        for key in list(value) if isinstance(value, dict) else range(min(len(value), 3)):
            yield value, key
            yield from _places(value[key])


def _at(place: float, content: bytes) -> int:
    return min(int(place * len(content)) if isinstance(place, float) else place, len(content))


def _flipped(content: bytes, at: int, bit: int) -> bytes:
    return replaced(content, at, content[at] ^ 1 << bit) if at < len(content) else content


def _folder() -> Path:
    global _shared
    if _shared is None:
        _shared = tempfile.TemporaryDirectory(prefix="latentwalk-fuzz-")
    return Path(_shared.name)


_shared: tempfile.TemporaryDirectory[str] | None = None
