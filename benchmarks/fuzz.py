"""Files from anywhere: mutations of real files of every format that is read, in processes with limits; is any outcome not ours?

    OMP_NUM_THREADS=1 nice -n 10 python benchmarks/fuzz.py                     50,000 in all; the table of results/trust.md
    OMP_NUM_THREADS=1 python benchmarks/fuzz.py csv zip --count 500 --seed 7   so many of these formats
    python benchmarks/fuzz.py png --only 123                                   one mutation again, in this process

Files are real: digits, photographs, tables with text, dates and gaps, folders that `datasets` wrote, runs that were trained. A
mutation is one to three wounds: a bit flipped, bytes overwritten (with what a length or an offset should never be), cut, left
out, said twice, put in, spliced with another file of the format; numbers written as text become absurd ones. Where a sum, or a
packing, guards the bytes (gzip, zip, PNG, the SHA-256 of weights), half of the mutations are made within and the guard is made
to agree, so that what lies behind is reached. JSON gets other values in its places. Then the file is read as a user would, and
all of what came of it is looked at.

Outcomes: a data set or model that does not contradict itself; an error of ours that names the file; anything else: another
exception, a contradiction, a death by signal, more than TIME seconds of work, more than WAIT by the clock. Memory beyond what
the process had, and MEMORY, cannot be had. What is anything else is kept in --keep, with what was said.
"""

import argparse
import gzip
import hashlib
import io
import json
import os
import random
import resource
import select
import shutil
import signal
import struct
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "fuzz"))
import samples

from latentwalk import AnomalyDetector, Autoencoder, Network
from latentwalk.app.run import Run
from latentwalk.app.source import Source
from latentwalk.data import Dataset, load, read
from latentwalk.data.synthetic import faces
from latentwalk.errors import LatentwalkError
from latentwalk.report import redraw
from latentwalk.studies.sweep.ledger import Ledger

COUNT = 50_000
TIME, WAIT = 15, 60.0  # seconds of work, in which all is read several times, and by the clock
MEMORY = 4 << 30  # bytes beyond what the process had
BATCH = 400  # mutations that one process sees
PACKAGES = ("numpy", "torch", "pandas", "pyarrow", "datasets", "pillow", "safetensors")
Edit = Callable[[random.Random, bytes], bytes]

# ---------------------------------------------------------------------- wounds

ABSURD = [
    number.to_bytes(width, order, signed=number < 0)
    for width in (1, 2, 4, 8)
    for number in (0, 1, -1, -2, 2 ** (8 * width - 1) - 1, -(2 ** (8 * width - 1)), 2 ** (4 * width))
    for order in ("little", "big")
]
WRITTEN = [
    b"0",
    b"-1",
    b"4294967296",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"1e999",
    b"nan",
    b"1" * 50,
    b"0.5",
    b"",
]


def wounded(random_: random.Random, content: bytes, valid: Sequence[bytes]) -> bytes:
    """The content with one to three wounds. valid: other files of the format."""
    for _ in range(random_.choice((1, 1, 1, 2, 2, 3))):
        content = random_.choice(WOUNDS)(random_, content, valid)
    return content


def _place(random_: random.Random, content: bytes) -> int:
    """Where: anywhere, but often near the beginning or the end, where headers and directories are."""
    near = min(len(content), 96)
    at = random_.choice((random_.randrange(near + 1), len(content) - random_.randrange(near + 1), None, None, None))
    return random_.randrange(len(content) + 1) if at is None else at


def _flipped(random_: random.Random, old: bytes, _: Sequence[bytes]) -> bytes:
    at = _place(random_, old)
    return old if at >= len(old) else old[:at] + bytes([old[at] ^ 1 << random_.randrange(8)]) + old[at + 1 :]


def _overwritten(random_: random.Random, old: bytes, _: Sequence[bytes]) -> bytes:
    at, new = _place(random_, old), random_.choice((random_.choice(ABSURD), random_.randbytes(random_.randrange(1, 9))))
    return old[:at] + new + old[at + len(new) :]


def _put_in(random_: random.Random, old: bytes, _: Sequence[bytes]) -> bytes:
    at, new = _place(random_, old), random_.choice((random_.choice(ABSURD), random_.randbytes(random_.randrange(1, 9))))
    return old[:at] + new + old[at:]


def _left_out(random_: random.Random, old: bytes, _: Sequence[bytes]) -> bytes:
    at = _place(random_, old)
    return old[:at] + old[at + random_.choice((1, 2, 4, 8, random_.randrange(1, 200))) :]


def _twice(random_: random.Random, old: bytes, _: Sequence[bytes]) -> bytes:
    at, size = _place(random_, old), random_.choice((1, 4, 8, random_.randrange(1, 200)))
    return old[: at + size] + old[at:]


def _cut(random_: random.Random, old: bytes, _: Sequence[bytes]) -> bytes:
    return old[: _place(random_, old)]


def _spliced(random_: random.Random, old: bytes, valid: Sequence[bytes]) -> bytes:
    other = random_.choice(valid)
    return old[: _place(random_, old)] + other[_place(random_, other) :]


def _emptied(random_: random.Random, old: bytes, _: Sequence[bytes]) -> bytes:
    at, size = _place(random_, old), random_.choice((4, 16, 200))
    return old[:at] + bytes([random_.choice((0, 255))]) * len(old[at : at + size]) + old[at + size :]


def _renumbered(random_: random.Random, old: bytes, _: Sequence[bytes]) -> bytes:
    """A number that is written as text is another one; or its digits are those of another alphabet."""
    starts = [at for at in range(min(len(old), 4096)) if old[at : at + 1].isdigit() and not old[at - 1 : at].isdigit()]
    if not starts:
        return _overwritten(random_, old, _)
    at = end = random_.choice(starts)
    while old[end : end + 1].isdigit():
        end += 1
    return old[:at] + random_.choice(WRITTEN) + old[end:]


WOUNDS = (_flipped, _flipped, _overwritten, _overwritten, _put_in, _left_out, _twice, _cut, _spliced, _emptied, _renumbered)
STRANGE: list[Any] = [None, True, 0, 1, -1, 3, 2**31, 2**63, 10**40, 0.5, -1e308, float("inf"), float("nan")]
STRANGE += ["", "ae", "conv", "a\0b", "/etc/passwd", "\ud800", "é" * 9, "float64", [], {}, [[[]]], {"type": "Network"}]


def respelt(random_: random.Random, content: bytes) -> bytes:
    """JSON with something else, or nothing, in one to three of its places, or with what stands in another."""
    value = json.loads(content)
    for _ in range(random_.choice((1, 1, 2, 3))):
        places = [*_places(value)]
        if not places:
            break
        holder, key = random_.choice(places)
        other, at = random_.choice(places)
        new = random_.choice((random_.choice(STRANGE), json.loads(json.dumps(other[at]))))
        if isinstance(holder, dict) and random_.random() < 0.2:
            del holder[key]
        elif isinstance(holder, dict) and isinstance(key, str) and random_.random() < 0.1:
            holder[random_.choice(("", key + "x", "type"))] = holder.pop(key)
        else:
            holder[key] = new
    return json.dumps(value).encode()


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """All places in a JSON value; of a long list its first ones, so that the rest is not drowned by numbers."""
    if isinstance(value, (dict, list)):
        for key in list(value) if isinstance(value, dict) else range(min(len(value), 3)):
            yield value, key
            yield from _places(value[key])


# ---------------------------------------------------------------------- guards made to agree


def within_gzip(edit: Edit) -> Edit:
    return lambda random_, old: gzip.compress(edit(random_, gzip.decompress(old)), 1, mtime=0)


def within_zip(edit: Edit) -> Edit:
    """One member, or its name, is another; the archive is whole."""

    def edited(random_: random.Random, old: bytes) -> bytes:
        new = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(old)) as was, zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED) as now:
            chosen = random_.choice(was.namelist())
            for name in was.namelist():
                content = was.read(name)
                if name == chosen and random_.random() < 0.9:
                    content = edit(random_, content)
                elif name == chosen:
                    name = edit(random_, name.encode()).decode(errors="replace").lstrip("\0") or "x"
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    now.writestr(name[:60_000], content)
        return new.getvalue()

    return edited


def within_png(edit: Edit) -> Edit:
    """The content of one chunk is another; its length and its sum agree. Of pixels, what they are unpacked to."""

    def edited(random_: random.Random, old: bytes) -> bytes:
        chunks, at = [], 8
        while at + 8 <= len(old):
            size = struct.unpack(">I", old[at : at + 4])[0]
            chunks.append((old[at + 4 : at + 8], old[at + 8 : at + 8 + size]))
            at += size + 12
        chosen = random_.randrange(len(chunks))
        kind, content = chunks[chosen]
        if kind == b"IDAT" and random_.random() < 0.5:
            with suppress(zlib.error):
                content = zlib.compress(edit(random_, zlib.decompress(content)))
        else:
            content = edit(random_, content)
        chunks[chosen] = kind, content
        said = (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
        )
        return old[:8] + b"".join(said)

    return edited


def within_lines(_: Edit) -> Edit:
    """One line is other JSON."""

    def edited(random_: random.Random, old: bytes) -> bytes:
        lines = old.splitlines()
        chosen = random_.randrange(len(lines))
        lines[chosen] = respelt(random_, lines[chosen])
        return b"\n".join(lines) + b"\n"

    return edited


def within_safetensors(edit: Edit) -> Edit:
    """The header is other JSON, or what a checkpoint says of itself in it; its length agrees. Or the numbers are others."""

    def edited(random_: random.Random, old: bytes) -> bytes:
        size = int.from_bytes(old[:8], "little")
        header, numbers = json.loads(old[8 : 8 + size]), old[8 + size :]
        about = header.get("__metadata__", {}).get("latentwalk")
        match random_.randrange(3):
            case 0 if about:
                header["__metadata__"]["latentwalk"] = respelt(random_, about.encode()).decode()
            case 1:
                header = json.loads(respelt(random_, json.dumps(header).encode()))
            case _:
                numbers = edit(random_, numbers)
        text = json.dumps(header).encode()
        return len(text).to_bytes(8, "little") + text + numbers

    return edited


# ---------------------------------------------------------------------- formats


@dataclass(frozen=True)
class Format:
    """What is read. files: real ones. place: where a mutated one is written. opened: what is made of it; says what is wrong.

    within: edits beside those of bytes anywhere, by what they make agree. weight: how many of the mutations are of it.
    """

    files: Sequence[bytes]
    place: Path
    opened: Callable[[Path, random.Random], None]
    within: Sequence[Callable[[Edit], Edit]] = ()
    spelt: bool = False  # as JSON
    weight: float = 1.0
    put: Callable[[Path, bytes], Path] | None = None  # other than to write it there; gives what is opened

    def mutation(self, random_: random.Random) -> bytes:
        content = random_.choice(self.files)
        edit: Edit = partial(_wounded_among, valid=self.files)
        if self.spelt and content[:1] == b"{" and random_.random() < 0.7:
            return respelt(random_, content)
        if self.within and random_.random() < 0.5:
            edit = random_.choice(self.within)(edit)
        return edit(random_, content)


def _wounded_among(random_: random.Random, content: bytes, valid: Sequence[bytes]) -> bytes:
    return wounded(random_, content, valid)


def of_data(path: Path, random_: random.Random, **options: Sequence[Any]) -> None:
    """Read a data set, with options drawn from these, and look at all of it."""
    samples.check_consistent(read(path, **{name: random_.choice(values) for name, values in options.items()}))


def of_model(folder: Path, _: random.Random) -> None:
    """Open a run; its model must answer for what it says that it learnt from."""
    model = Run.open(folder).model
    with suppress(LatentwalkError):
        model.transform(np.zeros((2, *model.spec_.shape), model.spec_.dtype))
    if model.sampler_ is not None:
        assert model.sampler_(2, np.random.default_rng(0)).shape == (2, model.sampler_.dim)


def of_detector(folder: Path, _: random.Random) -> None:
    """Load a detector, and score."""
    detector = AnomalyDetector.load(folder)
    x = np.zeros((2, *detector.model_.spec_.shape))
    assert detector.score_samples(x).shape == detector.predict(x).shape == (2,)
    assert detector.blame(x).shape == x.shape


def signed(folder: Path, content: bytes) -> Path:
    """Weights, whose sum the description is made to say."""
    (path,) = folder.glob("weights-*")
    path.write_bytes(content)
    about = json.loads((folder / "model.json").read_text()) | {"sha256": hashlib.sha256(content).hexdigest()}
    (folder / "model.json").write_text(json.dumps(about))
    return folder


def beside(place: Path, content: bytes) -> Path:
    """A file in a folder, which is what is opened."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)
    return place.parent


def formats(room: Path) -> dict[str, Format]:
    """All that is read, by name. Real files are made in `room`."""
    found: dict[str, Format] = {}
    tables_ = tables()
    csvs = [one.to_csv(index=False).encode() for one in tables_] + [
        tables_[1].to_csv(index=False, sep=";", decimal=",").encode("cp1252"),
        tables_[0].to_csv(index=False, sep="\t", lineterminator="\r\n").encode("utf-16"),
    ]
    table = partial(of_data, label=(None, None, None, "", "kind"), kind=(None, None, None, "table", "signal"))
    found["csv"] = Format([*csvs, *samples.csvs()], room / "t.csv", table, weight=2)
    found["csv.gz"] = Format([gzip.compress(one, mtime=0) for one in csvs], room / "t.csv.gz", table, [within_gzip])
    found["parquet"] = Format([*parquets(), *samples.parquets()], room / "t.parquet", table, weight=3)
    found["npy"] = Format(samples.npy(), room / "x.npy", partial(of_data, kind=(None, "image", "signal")))
    arrays = partial(of_data, split=("train", "test", "all"), label=(None, "", "y"))
    found["npz"] = Format([*samples.npz(), digits_npz()], room / "x.npz", arrays, [within_zip], weight=1.5)
    found["IDX"] = Format([*samples.idxs()[:3], digits_idx()], room / "x-idx3-ubyte", partial(of_data, kind=(None, "image")))
    found["IDX, gzipped"] = Format([gzip.compress(digits_idx(), mtime=0)], room / "y-idx3-ubyte.gz", of_data, [within_gzip])
    found["wav"] = Format(samples.wavs(), room / "x.wav", partial(of_data, window=(None, 2, 64)))
    sized = partial(of_data, size=(None, 8, (3, 7)), color=(None, "gray", "rgb"), lazy=(None, True))
    for kind, files in pictures().items():
        place = room / kind / "x.img.png"
        within = [within_png] if kind == "png" else []
        found[kind] = Format(files, place, sized, within, put=beside, weight=2 if kind in ("png", "jpeg", "tiff") else 1)
    found["zip of images"] = Format([*samples.archives(), photographs()], room / "x.zip", sized, [within_zip], weight=2)
    for name, folder in saved(room / "saved").items():
        for path in sorted(folder.iterdir()):
            kind = "Arrow" if path.suffix == ".arrow" else "JSON"
            place = shutil.copytree(folder, room / f"{name}-{path.name}") / path.name
            found[f"Hugging Face, {name}: {path.name if kind == 'JSON' else kind}"] = Format(
                [path.read_bytes()],
                place,
                partial(of_data, lazy=(None, True)),
                spelt=kind == "JSON",
                put=beside,
                weight=0.4 if kind == "JSON" else 2,
            )
    found["attributes"] = Format(
        [b"file,has\nset/a/0.png,1\nset/b/1.png,0\n", b"file\thas\tx\r\n0.png\t.5\t\n"],
        room / "attributes.csv",
        partial(_of_attributes, beside=_written(room / "pictures.zip", samples.archives()[0])),
        weight=0.5,
    )
    kinds = [b"visits,count\nkind,category\n", b'{"visits": "count", "kind": "category", "joined": "date"}']
    typed = partial(_of_columns, beside=_written(room / "typed.csv", csvs[0]))
    found["kinds of columns"] = Format(kinds, room / "columns", typed, spelt=True, weight=0.5)
    return found | saved_by_us(room)


def _of_attributes(path: Path, _: random.Random, beside: Path) -> None:
    samples.check_consistent(read(beside, attributes=path))


def _of_columns(path: Path, _: random.Random, beside: Path) -> None:
    samples.check_consistent(read(beside, columns=path))


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def tables() -> list[Any]:
    """Tables with all that a column can be."""
    pandas = __import__("pandas")
    rng = np.random.default_rng(0)
    n = 40
    first = pandas.DataFrame(
        {
            "amount": np.where(rng.random(n) < 0.1, np.nan, rng.lognormal(size=n)).round(3),
            "visits": rng.poisson(3, n),
            "town": rng.choice(["Bern", "Zürich", "Oslo, N"], n),
            "member": rng.random(n) < 0.5,
            "joined": pandas.Timestamp("2020-01-01") + pandas.to_timedelta(rng.integers(0, 900, n), "D"),
            "kind": rng.choice(["a", "b"], n),
            "whole": pandas.array([*range(n - 1), None], dtype="Int64"),
            "note": pandas.array([*(["x", "y"] * n)[: n - 1], None], dtype="string"),
        }
    )
    second = pandas.DataFrame(rng.normal(size=(n, 5)).round(3), columns=list("pqrst"))
    return [first, second]


def parquets() -> list[bytes]:
    """Tables as Parquet, in several ways: dictionaries or not, row groups, compressions, versions of pages."""
    import pyarrow
    import pyarrow.parquet

    found = []
    for frame in tables():
        rows = pyarrow.Table.from_pandas(frame)
        for options in (
            {"compression": "none", "use_dictionary": False},
            {"compression": "snappy", "row_group_size": 7},
            {"compression": "zstd", "data_page_version": "2.0"},
            {"compression": "gzip", "use_byte_stream_split": False, "write_page_index": True},
        ):
            file = io.BytesIO()
            pyarrow.parquet.write_table(rows, file, **options)
            found.append(file.getvalue())
    return found


@cache
def digits() -> Dataset:
    return load("digits")


def digits_npz() -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, x=np.asarray(digits().x[:12]), y=np.asarray(digits().y[:12]))
    return file.getvalue()


def digits_idx() -> bytes:
    x = np.asarray(digits().x[:6])
    return samples.idx(np.ascontiguousarray(x.reshape(len(x), *x.shape[1:][:2]).astype(np.uint8)))


def pictures() -> dict[str, list[bytes]]:
    """Drawn faces, and what `samples` has, in each of the formats, by its name."""
    drawn = [Image.fromarray(image) for image in faces(3, size=24).x]
    others = samples.pictures()

    def written(kind: str, **options: Any) -> list[bytes]:
        files = []
        for image in drawn[:2]:
            file = io.BytesIO()
            image.save(file, kind, **options)
            files.append(file.getvalue())
        return files

    film = {"save_all": True, "append_images": drawn[1:]}
    found = {
        "png": [*written("PNG"), others["PNG"], others["16"], others["palette"]],
        "jpeg": [*written("JPEG", quality=80), *written("JPEG", progressive=True), others["exif"]],
        "tiff": [
            *written("TIFF"),
            *written("TIFF", compression="tiff_lzw"),
            *written("TIFF", compression="jpeg"),
            *written("TIFF", **film),
        ],
        "gif": [*written("GIF"), others["frames"]],
        "webp": [*written("WEBP"), *written("WEBP", lossless=True), *written("WEBP", **film)],
    }
    named = {
        kind.lower(): [content] for kind, content in others.items() if kind in ("BMP", "PPM", "TGA", "JPEG2000", "AVIF", "ICO")
    }
    return found | named


def photographs() -> bytes:
    """Drawn faces in a zip, as JPEG, a folder a class."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for row, image in enumerate(faces(4, size=16).x):
            content = io.BytesIO()
            Image.fromarray(image).save(content, "JPEG")
            archive.writestr(f"train/{'ab'[row % 2]}/{row}.jpg", content.getvalue())
    return file.getvalue()


def saved(room: Path) -> dict[str, Path]:
    """Folders that `datasets` wrote: of numbers, and of pictures."""
    import datasets

    datasets.disable_progress_bars()
    room.mkdir()
    numbers = datasets.Dataset.from_dict({"a": [1.0, 2.0, None, 4.0], "b": [3, 4, 5, 6], "label": [0, 1, 0, 1]})
    numbers.save_to_disk(room / "numbers")
    images = [Image.fromarray(image) for image in faces(6, size=16).x]
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["no", "yes"])})
    pictured = datasets.Dataset.from_dict({"image": images, "label": [0, 1] * 3}, features=features)
    pictured.save_to_disk(room / "pictures")
    return {name: room / name for name in ("numbers", "pictures")}


def saved_by_us(room: Path) -> dict[str, Format]:
    """What this library reads again: a run, its weights and checkpoints, a detector, a report."""
    from typer.testing import CliRunner

    from latentwalk.app.cli import app

    x = np.random.default_rng(0).random((40, 4))
    run = room / "run"
    small = Network("dense", widths=(6,))
    model = Autoencoder("vae", epochs=1, random_state=0, network=small, progress=False).fit(x)
    model.fit_sampler(x, "mixture")
    Run.of(run, model, Source("digits", {}, 0), Dataset.of(x), 1).save()
    kept = room / "kept"
    AnomalyDetector(epochs=1, random_state=0, network=small).fit(x).save(kept)
    frame = tables()[0]
    mixed = room / "mixed"
    Autoencoder("vae", epochs=1, random_state=0, network=small, progress=False).fit(frame).save(mixed)
    going = room / "going"
    _written(room / "rows.csv", b"a,b,c\n" + b"1.5,2,3\n4,5.5,6\n7,8,9.5\n" * 10)
    words = ["fit", str(room / "rows.csv"), "--out", str(going), "--epochs", "1", "--network", "dense"]
    assert CliRunner().invoke(app, words).exit_code == 0
    found = {}
    for name, folder, opened in (("run", run, of_model), ("mixed", mixed, of_model), ("detector", kept, of_detector)):
        (weights,) = folder.glob("weights-*")
        files = {"weights": weights.name, "model.json": "model.json"} | ({"run.json": "run.json"} if name == "run" else {})
        files |= {"anomalies.json": "anomalies.json"} if name == "detector" else {}
        for what, file in files.items():
            place = shutil.copytree(folder, room / f"{name}-{what}")
            found[f"{name}: {what}"] = Format(
                [(folder / file).read_bytes()],
                place / file,
                opened,
                spelt=file.endswith(".json"),
                put=_signed if what == "weights" else beside,
                within=[within_safetensors] if what == "weights" else [],
            )
    (checkpoint, *_) = sorted(going.glob("checkpoint-*"))
    only = room / "only"
    only.mkdir()
    found["checkpoint"] = Format(
        [checkpoint.read_bytes()], only / checkpoint.name, _of_checkpoint, [within_safetensors], put=_named
    )
    golden = Path(__file__).parents[1] / "tests" / "golden"
    trials = (golden / "sweep" / "trials.jsonl").read_bytes()
    found["trials.jsonl"] = Format([trials], room / "swept" / "trials.jsonl", _of_trials, [within_lines], put=beside)
    report = (golden / "run" / "report.json").read_bytes()
    found["report.json"] = Format([report], room / "report" / "report.json", _of_report, spelt=True, put=beside, weight=0.1)
    return found


def _signed(place: Path, content: bytes) -> Path:
    return signed(place.parent, content)


def _named(place: Path, content: bytes) -> Path:
    """A checkpoint, whose name says its sum."""
    for before in place.parent.iterdir():
        before.unlink()
    digest = hashlib.sha256(content).hexdigest()[:16]
    return beside(place.with_name(f"checkpoint-00000001-{digest}.safetensors"), content)


def _of_checkpoint(folder: Path, _: random.Random) -> None:
    Run.unfinished(folder)


def _of_trials(folder: Path, _: random.Random) -> None:
    with Ledger(folder) as ledger:
        ledger.check_data({})


def _of_report(folder: Path, _: random.Random) -> None:
    redraw(folder)


# ---------------------------------------------------------------------- processes with limits


class Late(BaseException):
    """Reading takes too long; no `except Exception` catches it."""


def outcome(one: Format, seed: int, number: int) -> tuple[str, str]:
    """What came of one mutation: "read", "refused" or "other"; and what is to be said of it."""
    random_ = random.Random(f"{seed} {number}")
    content = one.mutation(random_)
    path = one.put(one.place, content) if one.put is not None else _written(one.place, content)

    def late(*_: object) -> None:
        raise Late(f"more than {TIME} s of work")

    signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, TIME)
    try:
        one.opened(path, random_)
    except LatentwalkError as error:
        good = str(one.place.parent) in str(error)  # in that folder is nothing but what belongs to it
        return ("refused", "") if good else ("other", f"an error that does not say where: {error!r}")
    except BaseException:
        return "other", traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return "read", ""


def tried(one: Format, seed: int, numbers: Sequence[int]) -> Iterator[tuple[int, str, str]]:
    """The outcome of each of these mutations, in processes that may die."""
    left = list(numbers)
    while left:
        batch, left = left[:BATCH], left[BATCH:]
        said: list[tuple[int, str, str]] = []
        status = _forked(one, seed, batch, said)
        yield from said
        if len(said) < len(batch):
            number = batch[len(said)]
            yield number, "other", f"the process died: {status}"
            left = batch[len(said) + 1 :] + left


def _forked(one: Format, seed: int, batch: Sequence[int], said: list[tuple[int, str, str]]) -> str:
    reads, writes = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        os.close(reads)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        grown = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (grown, grown))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        warnings.simplefilter("ignore")
        try:
            for number in batch:
                told, what = outcome(one, seed, number)
                os.write(writes, json.dumps([number, told, what[-3000:]]).encode() + b"\n")
        finally:
            os._exit(0)
    os.close(writes)
    text, end = b"", ""
    while True:
        if not select.select([reads], [], [], WAIT)[0]:
            os.kill(child, signal.SIGKILL)
            end = f"more than {WAIT:.0f} s by the clock"
        piece = os.read(reads, 1 << 16)
        text += piece
        if not piece:
            break
    os.close(reads)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    said += [tuple(json.loads(line)) for line in text.splitlines()]
    return end or (f"signal {signal.Signals(-status).name}" if status < 0 else f"code {status}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("formats", nargs="*", help="those whose names begin so; all, if none")
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-findings"))
    parser.add_argument("--only", type=int, help="the number of one mutation, made again and told in full")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    room = Path(tempfile.mkdtemp(prefix="fuzz-"))
    chosen = {
        name: one
        for name, one in formats(room).items()
        if not asked.formats or any(name.startswith(start) for start in asked.formats)
    }
    if asked.only is not None:
        for name, one in chosen.items():
            print(name, *outcome(one, asked.seed, asked.only))
        return
    weights = sum(one.weight for one in chosen.values())
    print(
        "| format | mutations | read | refused | anything else | seconds |\n| --- | --- | --- | --- | --- | --- |", flush=True
    )
    total: Counter[str] = Counter()
    for name, one in chosen.items():
        begun, found = time.monotonic(), Counter[str]()
        for number, told, what in tried(one, asked.seed, range(round(asked.count * one.weight / weights))):
            found[told] += 1
            if told == "other":
                asked.keep.mkdir(exist_ok=True)
                kept = asked.keep / f"{name.replace('/', '-')}-{asked.seed}-{number}"
                kept.with_name(kept.name + ".txt").write_text(what)
                kept.write_bytes(one.mutation(random.Random(f"{asked.seed} {number}")))
        row = (found.total(), found["read"], found["refused"], found["other"])
        print(f"| {name} | {' | '.join(f'{n:,}' for n in row)} | {time.monotonic() - begun:.0f} |", flush=True)
        total += found
    print(f"| all | {total.total():,} | {total['read']:,} | {total['refused']:,} | {total['other']:,} | |")
    shutil.rmtree(room)
    sys.exit(bool(total["other"]))


if __name__ == "__main__":
    main()
