"""Sounds: files in, windows of one length, rate and number of channels out; and sounds as files.

WAV is read by SciPy, FLAC, OGG and MP3 by the package `soundfile`. What does not open in a folder is listed in
`Dataset.skipped`; what was resampled, mixed, padded or cut off is counted in `Dataset.remarks`.
"""

import io
import struct
import wave
from collections import Counter
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentwalk.arrays import Array
from latentwalk.checks import whole
from latentwalk.data.dataset import Dataset
from latentwalk.data.overlap import apart
from latentwalk.data.sources.packed import Split, undivided
from latentwalk.data.spec import RATES, Kind
from latentwalk.errors import ConfigError, DataError
from latentwalk.files import write_atomically
from latentwalk.surroundings import hushed, imported

__all__ = ["SOUNDS", "Sound", "check_written", "holds_sounds", "mixed", "read_sounds", "resampled", "sound", "usual_window"]

SOUNDS = (".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3")
PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff")
SECONDS = 0.25  # of a window, about, unless said
FULL = {"int16": 2**15, "int24": 2**23, "int32": 2**31, "int64": 2**63, "uint8": 2**7}  # what 1.0 is in a file's own type
CHANNELS = 64  # of a sound, at most
LONGEST = 1 << 28  # samples of a sound, all channels together
LOOKED_AT = 1_000  # files of a folder, to tell what it holds
FINEST = 10_000  # by whole numbers up to it rates are divided
UNKNOWN = 0xFFFFFFF0  # from here on a length in a header says that it was not known when that was written
INSTALL = "{} needs soundfile. Install it with: pip install 'latentwalk[sound]'. Or save it as .wav."
SUBTYPES = {"PCM_U8": "uint8", "PCM_S8": "int16", "PCM_16": "int16", "PCM_24": "int24", "PCM_32": "int32", "DOUBLE": "float64"}


@dataclass(frozen=True, slots=True)
class Sound:
    """A sound: x (T,) or (T, channels) in [-1, 1], its samples a second, and the type its file keeps them in.

    dtype: "uint8", "int16", "int24", "int32", "float32" or "float64". remarks: what its file promised and did not hold.
    """

    x: NDArray[np.float64]
    rate: int
    dtype: str = "int16"
    remarks: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        """Raise DataError for what are no samples."""
        x = self.x
        if not isinstance(x, np.ndarray) or x.dtype.kind != "f" or x.ndim not in (1, 2):
            said = f"{x.dtype} of shape {x.shape}" if isinstance(x, np.ndarray) else type(x).__name__
            raise DataError(f"a sound is (T,) or (T, channels), of floats in [-1, 1]; got {said}. Divide whole numbers first.")

    def content(self) -> bytes:
        """The bytes of a WAV file; what is louder than the type can hold is cut off. DataError for NaN, but of floats."""
        kept = self.x
        if self.dtype in FULL:
            if not np.isfinite(kept).all():
                raise DataError(f"the sound holds NaN or infinity, which {self.dtype} does not hold. Fill it first: `impute`.")
            most, centre = FULL[self.dtype], 128 if self.dtype == "uint8" else 0
            kept = np.rint(self.x * most).clip(-most, most - 1) + centre
        file = io.BytesIO()
        if self.dtype == "int24":
            return self._in_three_bytes(kept)
        _wavfile().write(file, self.rate, kept.astype(self.dtype))
        return file.getvalue()

    def save(self, path: Path | str) -> None:
        """Write a .wav, or with the extra `sound` a .flac or .ogg, whole or not at all. Raises ConfigError, OSError."""
        path = Path(path)
        check_written(path)
        content = self.content() if path.suffix.lower() == ".wav" else self._packed(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)

    def within(self) -> "Sound":
        """The same, as much softer as it takes for no sample to be beyond 1."""
        loudest = float(np.abs(self.x).max(initial=0.0))
        return self if loudest <= 1 else replace(self, x=self.x / (loudest * (1 + 2.0**-14)))

    def _in_three_bytes(self, kept: NDArray[np.float64]) -> bytes:
        """A WAV of 24 bits, which SciPy does not write."""
        channels = 1 if self.x.ndim == 1 else self.x.shape[1]
        words = kept.reshape(-1).astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3]
        file = io.BytesIO()
        with wave.open(file, "wb") as writing:
            writing.setparams((channels, 3, self.rate, 0, "NONE", ""))
            writing.writeframes(words.tobytes())
        return file.getvalue()

    def _packed(self, path: Path) -> bytes:
        writing = _soundfile(path.name, ConfigError)
        ogg = path.suffix.lower() == ".ogg"
        kind = "VORBIS" if ogg else "PCM_16" if self.dtype in ("uint8", "int16") else "PCM_24"
        file = io.BytesIO()
        writing.write(file, self.x, self.rate, format="OGG" if ogg else "FLAC", subtype=kind)
        return file.getvalue()


def sound(path: Path) -> Sound:
    """The sound in a file. Raises DataError that begins with the path."""
    try:
        return _sound(path)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def check_written(path: Path) -> None:
    """Raise ConfigError for a file that is not called like a sound that can be written."""
    if path.suffix.lower() not in (".wav", ".flac", ".ogg"):
        raise ConfigError(f"{path}: a sound is written as .wav, .flac or .ogg.")


def holds_sounds(path: Path) -> bool:
    """Whether a folder holds sounds, at any depth, and not more pictures: among the first files that are met."""
    if not path.is_dir():
        return False
    endings = Counter(one.suffix.lower() for one in islice(path.rglob("*"), LOOKED_AT))
    return 0 < sum(endings[one] for one in SOUNDS) >= sum(endings[one] for one in PICTURES)


def usual_window(rate: int) -> int:
    """Samples of a window: a power of two, about a quarter of a second.

    >>> usual_window(16_000)
    4096
    """
    return 1 << max(1, round(np.log2(SECONDS * rate)))


def resampled(x: Array, rate: int, wanted: int) -> NDArray[np.float64]:
    """A sound (T[, C]) at another rate: ceil(T * wanted / rate) samples, what the new rate cannot hold filtered out.

    By SciPy's polyphase filter (`resample_poly`). Raises DataError where the rates have no ratio of whole numbers up to 10,000.
    """
    if rate == wanted:
        return np.asarray(x, np.float64)
    ratio = Fraction(wanted, rate)
    if max(ratio.numerator, ratio.denominator) > FINEST:
        near = ratio.limit_denominator(FINEST)
        raise DataError(
            f"{rate:,} samples a second cannot be made {wanted:,}: their ratio is {ratio}. Choose rate={round(rate * near)} or "
            "another with a shorter one."
        )
    found: NDArray[np.float64] = imported("scipy.signal").resample_poly(
        np.asarray(x, np.float64), ratio.numerator, ratio.denominator, axis=0
    )
    return found


def read_sounds(
    path: Path,
    *,
    split: Split,
    kind: Kind | None = None,
    window: int | None = None,
    hop: int | None = None,
    rate: float | None = None,
    channels: int | None = None,
) -> Dataset:
    """The windows of a sound, or of those in a folder, in the order of their names: (n, window) or (n, window, channels).

    A sound that is shorter than a window has silence after it. window: samples; about a quarter of a second. hop: samples from
    one window to the next; half a window. rate: samples a second that all are resampled to; that which most have. channels: 1
    mixes them; otherwise as they are, and 1 where they differ. Sub-folders are classes, where all sounds lie in one.
    Raises DataError: nothing that can be read; ConfigError.
    """
    if kind not in (None, "sound", "signal"):
        raise ConfigError(f"kind={kind!r}: what is heard is a sound. Leave kind out, or say 'signal'.")
    whole("window", window, "samples", least=2, none="about a quarter of a second")
    whole("hop", hop, "samples", least=1, none="half a window")
    whole("channels", channels, "channels", least=1, most=CHANNELS, none="as they are")
    if rate is not None and (rate != int(rate) or not RATES[0] <= rate <= RATES[1]):
        raise ConfigError(f"rate={rate:g}: expected whole samples a second, {RATES[0]:,} to {RATES[1]:,}.")
    files, inside = _half(path, split)
    found, skipped = _opened(path, files)
    remarks = Counter[str]()
    for _, one in found:
        remarks.update(one.remarks)
    wanted = int(rate) if rate is not None else _usual_rate([one.rate for _, one in found])
    many = {1 if one.x.ndim == 1 else one.x.shape[1] for _, one in found}
    many_said = channels if channels is not None else (many.pop() if len(many) == 1 else 1)
    length = usual_window(wanted) if window is None else window
    windows: list[Array] = []
    names: list[str] = []
    for name, one in found:
        try:
            x = resampled(mixed(one.x, many_said), one.rate, wanted)
        except DataError as error:
            if path.is_file():
                raise
            skipped.append(f"{name}: {error}")
            continue
        remarks["resampled from another rate"] += one.rate != wanted
        remarks[f"mixed to {many_said} channel{'s' * (many_said > 1)}"] += (
            1 if one.x.ndim == 1 else one.x.shape[1]
        ) != many_said
        remarks["shorter than a window, with silence after them"] += len(x) < length
        if len(x) < length:
            x = np.concatenate([x, np.zeros((length - len(x), *x.shape[1:]))])
        cut = apart(x.astype(np.float32), length, hop)
        windows.append(cut)
        names += [name] * len(cut)
    if not windows:
        raise DataError(f"none of its sounds can be used. The first: {skipped[0] if skipped else 'there is none'}")
    x = np.concatenate(windows)
    told = [f"{len(windows):,} sound{'s' * (len(windows) != 1)}", f"{wanted:,} samples a second"]
    told += [f"{len(x):,} windows of {length:,} samples ({1000 * length / wanted:.3g} ms)"]
    told += [f"{count:,} {what}" for what, count in remarks.items() if count]
    about: dict[str, Any] = {"name": path.stem, "names": tuple(names), "skipped": tuple(skipped), "remarks": tuple(told)}
    labels = _folders(names, inside) if path.is_dir() else None
    if kind == "signal":
        return Dataset.of(x, labels, kind="signal", **about)
    return Dataset.of(x, labels, kind="sound", rate=wanted, **about)


# ---------------------------------------------------------------------- inside


def _half(path: Path, split: Split) -> tuple[list[Path], int]:
    """The files of a half, and how many leading folders say nothing about the class: as of a folder of images."""
    if path.is_file():
        undivided(split)
        return [path], 0
    files = sorted(one for one in path.rglob("*") if one.suffix.lower() in SOUNDS and one.is_file())
    files = [one for one in files if not any(part.startswith(".") for part in one.relative_to(path).parts)]
    tops = {one.relative_to(path).parts[0] for one in files if len(one.relative_to(path).parts) > 1}
    if not {"train", "test"} <= tops:
        undivided(split)
        return files, 0
    wanted = {"train", "test"} if split == "all" else {split}
    return [one for one in files if one.relative_to(path).parts[0] in wanted], 1


def _folders(names: list[str], inside: int) -> Array | None:
    """The sub-folder of each, where every sound lies in one and there are two or more."""
    parts = [PurePosixPath(name).parts[inside:] for name in names]
    if any(len(part) < 2 for part in parts) or len({part[0] for part in parts}) < 2:
        return None
    return np.array([part[0] for part in parts])


def _opened(path: Path, files: list[Path]) -> tuple[list[tuple[str, Sound]], list[str]]:
    """What was read, by the file's name, and what could not be, with the reason."""
    if path.is_file():
        return [(path.name, _sound(path))], []
    found, skipped = [], []
    for one in files:
        name = one.relative_to(path).as_posix()
        try:
            found.append((name, _sound(one)))
        except (DataError, OSError) as error:
            skipped.append(f"{name}: {error}")
    if not found:
        raise DataError(f"none of its sounds can be read. The first: {skipped[0] if skipped else 'there is none'}")
    return found, skipped


def _usual_rate(rates: list[int]) -> int:
    """The rate that most have; the lowest of several."""
    counts = Counter(rates)
    most = max(counts.values())
    return min(rate for rate, count in counts.items() if count == most)


def mixed(x: NDArray[np.float64], channels: int) -> NDArray[np.float64]:
    """A sound (T[, C]) of so many channels: their mean, or one in each. Raises DataError for any other change."""
    own = 1 if x.ndim == 1 else x.shape[1]
    if own == channels:
        return x
    if channels == 1:
        return x.mean(1)
    if own == 1:
        return np.repeat(x.reshape(-1, 1), channels, axis=1)
    raise DataError(f"it has {own} channels, which cannot be made {channels}. Use channels=1, which mixes them.")


def _sound(path: Path) -> Sound:
    if not path.is_file():
        raise DataError("no such file.")
    found = _wav(path) if path.suffix.lower() == ".wav" else _by_soundfile(path)
    if not found.x.size:
        raise DataError("the file holds no samples.")
    if not RATES[0] <= found.rate <= RATES[1]:
        raise DataError(
            f"the file says {found.rate:,} samples a second. Expected {RATES[0]:,} to {RATES[1]:,}: give it its rate."
        )
    if found.x.ndim == 2 and found.x.shape[1] > CHANNELS:
        raise DataError(f"the file has {found.x.shape[1]:,} channels, and {CHANNELS} are the most.")
    if not (np.abs(found.x) <= np.finfo(np.float32).max).all():
        raise DataError("the samples are not all finite numbers of 32 bits.")
    return replace(found, x=found.x[:, 0]) if found.x.ndim == 2 and found.x.shape[1] == 1 else found


def _wav(path: Path) -> Sound:
    try:
        head = _header(path)
        if head.held > 8 * LONGEST:
            raise DataError(f"it holds more than {LONGEST:,} samples. Divide it.")
        with hushed(), np.errstate(invalid="ignore"):  # chatter about chunks; NaN that signals
            rate, values = _wavfile().read(head.mended(path) if head.each and (head.short or not head.trusted) else path)
            values = np.asarray(values, values.dtype.newbyteorder("="))
            dtype = values.dtype.name
            x = (values.astype(np.float64) - (128 if dtype == "uint8" else 0)) / FULL.get(dtype, 1)
    except DataError:
        raise
    except Exception as error:  # SciPy meets damaged headers with whatever comes up, struct.error among them
        raise DataError(f"not readable as WAV: {error}. Save it again as PCM or float WAV.") from error
    return Sound(x, int(rate), "int24" if dtype == "int32" and head.bits == 24 else dtype, head.remarks)


@dataclass(frozen=True, slots=True)
class _Header:
    """What a WAV says of its samples: its mark and its form, bits and bytes of each (of all channels), where they begin, how
    many bytes of them it promises and holds, and whether the lengths in it are to be believed. 0 where that is not found.

    behind: bytes after the samples that belong to nothing.
    """

    mark: bytes = b"RIFF"
    form: bytes = b""
    begin: int = 0
    claimed: int = 0
    held: int = 0
    trusted: bool = True
    behind: int = 0

    @property
    def bits(self) -> int:
        """Of a sample."""
        return self._told(14)

    @property
    def each(self) -> int:
        """Bytes of a sample of all channels."""
        return self._told(12)

    @property
    def order(self) -> str:
        """Of bytes, as `struct` calls it."""
        return ">" if self.mark == b"RIFX" else "<"

    @property
    def short(self) -> bool:
        """Whether it ends before all is there; a length that was not known when it was written is no promise."""
        return 0 < self.held < self.claimed < UNKNOWN and self.each > 0

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is to be told of it."""
        if self.short:
            return ("cut off: fewer samples than the file promises",)
        return (f"{self.behind:,} bytes behind the samples it promises are left out",) if self.behind else ()

    def _told(self, at: int) -> int:
        """The number of 16 bits at that place of its form."""
        return int(struct.unpack_from(f"{self.order}H", self.form, at)[0]) if len(self.form) >= 16 else 0

    def mended(self, path: Path) -> io.BytesIO:
        """The file as if it promised what it holds: its form and its samples alone."""
        kept = self.held - self.held % self.each
        with path.open("rb") as file:
            file.seek(self.begin)
            samples = file.read(kept)
        parts = [(b"fmt ", self.form), (b"data", samples)]
        body = b"".join(name + struct.pack(f"{self.order}I", len(one)) + one + b"\0" * (len(one) % 2) for name, one in parts)
        return io.BytesIO(self.mark + struct.pack(f"{self.order}I", len(body) + 4) + b"WAVE" + body)


def _header(path: Path) -> _Header:
    """See `_Header`. A writer that streams leaves lengths at 0; some leave out the byte that makes a chunk's length even."""
    size, form, length = path.stat().st_size, b"", 0
    with path.open("rb") as file:
        first = file.read(12)
        mark = first[:4]
        order = ">" if mark == b"RIFX" else "<"
        trusted = len(first) < 12 or struct.unpack(f"{order}I", first[4:8])[0] > 4
        for _ in range(1_000):
            chunk = file.read(8)
            if length % 2 and not _is_chunk(chunk):
                file.seek(-len(chunk) - 1, 1)
                chunk, trusted = file.read(8), False
            if len(chunk) < 8:
                break
            length = struct.unpack(f"{order}I", chunk[4:])[0]
            if chunk[:4] == b"data":
                begin, rest = file.tell(), size - file.tell()
                file.seek(min(length + length % 2, rest), 1)
                behind = 0 if length >= rest or _is_chunk(file.read(4)) else rest - length
                if not length and behind:
                    return _Header(mark, form, begin, 0, rest, trusted=False)
                behind = behind if behind > 1 else 0  # one alone makes it even
                return _Header(mark, form, begin, length, min(length, rest), trusted, behind)
            content = file.read(min(length, 64)) if chunk[:4] == b"fmt " else b""
            form = content or form
            file.seek(length - len(content) + length % 2, 1)
    return _Header(mark, form)


def _is_chunk(name: bytes) -> bool:
    """Whether a chunk may begin so: its name is four letters, or there is nothing any more."""
    return not name or (len(name) >= 4 and name[:4].isascii() and name[:4].decode().isprintable())


def _by_soundfile(path: Path) -> Sound:
    reading = _soundfile(path.name, DataError)
    try:
        with reading.SoundFile(str(path)) as file:
            if len(file) * file.channels > LONGEST:
                raise DataError(f"it holds more than {LONGEST:,} samples. Divide it.")
            x, rate, subtype, promised = file.read(dtype="float64"), int(file.samplerate), file.subtype, len(file)
    except DataError:
        raise
    except Exception as error:  # of libsndfile
        raise DataError(f"not readable as sound: {error}. Save it again as .wav or .flac.") from error
    short = ("cut off: fewer samples than the file promises",) if len(x) < promised else ()
    return Sound(np.asarray(x, np.float64), rate, SUBTYPES.get(subtype, "float32"), short)


def _soundfile(name: str, error: type[Exception]) -> Any:
    try:
        return imported("soundfile")
    except (ImportError, OSError) as missing:  # OSError: the package without its library
        raise error(INSTALL.format(name)) from missing


def _wavfile() -> Any:
    """SciPy's reader, imported when there is a sound to read: the list of data sets must not wait for it."""
    return imported("scipy.io.wavfile")
