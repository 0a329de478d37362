"""Small valid files of every format that is read, as bytes, and what a data set must be whatever it was read from."""

import gzip
import io
import json
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latentwalk.data.dataset import Dataset
from latentwalk.data.examples import check_finite
from latentwalk.data.spec import DataSpec

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (4, 6, 5), dtype=np.uint8)
NUMBERS = np.where(RNG.random((6, 3)) < 0.2, np.nan, RNG.normal(size=(6, 3)))
NUMBERS[0] = 1.5, -2.0, 3e30
FORMATS = [
    "PNG",
    "JPEG",
    "GIF",
    "BMP",
    "TIFF",
    "WEBP",
    "PPM",
    "TGA",
    "ICO",
    "PCX",
    "JPEG2000",
    "SGI",
    "DDS",
    "AVIF",
    "ICNS",
    "MSP",
]


def npy() -> list[bytes]:
    wide = np.lib.format.write_array_header_2_0
    files = [PIXELS, NUMBERS, np.asfortranarray(PIXELS > 99), NUMBERS.astype(">f4"), np.array([["é", "bc"]])]
    return [_bytes(np.save, x) for x in files] + [_bytes(wide, {"descr": "<f8", "fortran_order": False, "shape": (0, 3)})]


def npz() -> list[bytes]:
    about = {"images": PIXELS, "y": np.array([3, 3, 5, 5]), "names": np.array(["a", "b", "c", "d"]), "angle": np.arange(4.0)}
    halves = {"x_train": NUMBERS[:4], "x_test": NUMBERS[4:], "y_train": np.array(list("abca")), "y_test": np.array(list("ad"))}
    titled = {"x": PIXELS, "y": np.array([0, 1, 1, 0]), "y_names": np.array(["left", "right"]), "times": np.zeros(4, "M8[s]")}
    return [_bytes(save, **parts) for save in (np.savez, np.savez_compressed) for parts in (about, halves, titled)]


def idx(x: np.ndarray) -> bytes:
    code = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}[x.dtype.str[1:]]
    return struct.pack(f">BBBB{x.ndim}I", 0, 0, code, x.ndim, *x.shape) + x.astype(x.dtype.newbyteorder(">")).tobytes()


def idxs() -> list[bytes]:
    plain = [idx(PIXELS), idx(NUMBERS), idx(np.arange(4, dtype=np.uint8))]
    return plain + [gzip.compress(one, mtime=0) for one in plain]


def csvs() -> list[bytes]:
    return [
        b"a,b,label\n1,2.5,u\n-3,,v\n4,1e300,u\n",
        b'\xef\xbb\xbfname,"a ""b""",c\r\n"x\ny",true,1\r\nz,false,2\r\n\r\n',
        b"size,color,when\n1,red,2020-01-01\n2,blue,2021-05-05\n9,,2022-01-01\n100,red,\n",
        b"a\tb\n1\t2\n3\t4\n",
        "größe,ﬀ\n1,2\n".encode(),
        b"y,x\n1,2\n99999999999999999999,4\n",
    ]


def parquets() -> list[bytes]:
    pandas = __import__("pandas")
    numbers = pandas.DataFrame(NUMBERS, columns=["a", "b", "c"])
    when = pandas.to_datetime(["2020-01-01", None, "2021-01-01"])
    mixed = pandas.DataFrame({"n": [1, 2, 90], "t": ["u", None, "v"], "b": [True, False, True], "w": when, "y": [0, 1, 0]})
    mixed["k"] = pandas.Categorical(["p", "q", "p"])
    lists = pandas.DataFrame({"a": [1.0, 2.0], "l": [[1, 2], [3]], "d": [b"x", b"y"], "s": [{"u": 1}, {"u": 2}]})
    return [one.to_parquet(compression=how) for one in (numbers, mixed, lists) for how in ("snappy", None)]


def wav(data: bytes, tag: int = 1, channels: int = 1, bits: int = 16, rate: int = 8000, *, says: int | None = None) -> bytes:
    align = channels * bits // 8
    fmt = struct.pack("<HHIIHH", tag, channels, rate, rate * align, align, bits)
    chunks = b"WAVEfmt " + struct.pack("<I", 16) + fmt + b"data" + struct.pack("<I", len(data) if says is None else says) + data
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks


def wavs() -> list[bytes]:
    sine = np.sin(np.arange(600) / 9)
    pcm = (sine * 3e4).astype("<i2").tobytes()
    large = struct.pack("<QQQI", 900, len(pcm), 600, 0)
    rf64 = b"RF64\xff\xff\xff\xffWAVEds64" + struct.pack("<I", len(large)) + large + wav(pcm)[12:]
    noted = wav(pcm).replace(b"WAVE", b"WAVELIST\x04\0\0\0INFOjunk\x01\0\0\0x\0")
    floats = wav(np.stack([sine, sine]).astype("<f4").tobytes(), 3, 2, 32)
    return [wav(pcm), wav((sine * 99 + 128).astype("u1").tobytes(), bits=8), floats, wav(pcm, bits=24), rf64, noted]


def pictures() -> dict[str, bytes]:
    """One image in every format that this Pillow writes."""
    Image.init()
    found = {}
    for kind in FORMATS:
        mode = {"MSP": "1"}.get(kind, "RGB")
        picture = Image.fromarray(np.kron(PIXELS[:3], np.ones((8, 8), np.uint8)).transpose(1, 2, 0)).convert(mode)
        if kind in Image.SAVE:
            found[kind] = _bytes(picture.save, kind)
    gray = Image.fromarray(PIXELS[0])
    exif = Image.Exif()
    exif[0x0112] = 6
    found["16"] = _bytes(Image.fromarray(PIXELS[0].astype(np.uint16) * 257).save, "PNG")
    found["palette"] = _bytes(gray.convert("P").save, "PNG", transparency=0)
    found["exif"] = _bytes(gray.save, "JPEG", exif=exif)
    found["frames"] = _bytes(gray.save, "GIF", save_all=True, append_images=[Image.fromarray(one) for one in PIXELS[1:]])
    found["packed"] = _bytes(gray.save, "TIFF", compression="tiff_lzw")
    return found


def archives() -> list[bytes]:
    found = []
    for how in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", how) as archive:
            for i, pixels in enumerate(PIXELS[:2]):
                archive.writestr(f"set/{'ab'[i]}/{i}.png", _bytes(Image.fromarray(pixels).save, "PNG"))
            archive.writestr("set/notes.txt", "hello")
        found.append(file.getvalue())
    return found


def saved(folder: Path) -> Path:
    """A folder that Hugging Face's `save_to_disk` wrote, of numbers and labels."""
    package = pytest.importorskip("datasets")
    place = folder / "saved"
    if not place.exists():
        rows = {"a": [1.0, 2.0, None], "b": [3, 4, 5], "label": [0, 1, 0]}
        package.disable_progress_bars()
        package.Dataset.from_dict(rows).save_to_disk(str(place))
    return place


def arrow(folder: Path) -> bytes:
    """The file of such a folder that holds the rows."""
    return next(saved(folder).glob("*.arrow")).read_bytes()


def check_consistent(data: Dataset) -> None:
    """Fail where a data set contradicts itself."""
    n, spec = len(data.x), data.spec
    assert n >= 1 and data.x.ndim >= 2 and data.x[0].size >= 1
    assert data.x.dtype.kind in "biuf" and data.x.dtype.isnative
    assert (spec.shape, spec.dtype) == (data.x.shape[1:], str(data.x.dtype))
    assert np.isfinite([spec.low, spec.high]).all() and spec.low <= spec.high and 0 <= spec.extreme <= 1
    assert spec.missing or not (data.x.dtype.kind == "f" and np.isnan(data.x).any())
    check_finite(data.x, missing=spec.missing)
    if data.y is not None:
        assert data.y.shape == (n,) and data.y.dtype == np.int64
        assert data.y.min() >= 0 and data.y.max() < len(data.classes)
    assert len(data.names) in (0, n)
    assert all(values.shape == (n,) for values in data.factors.values())
    assert all(isinstance(text, str) for text in (*data.classes, *data.names, *data.skipped, data.name))
    assert DataSpec.from_json(json.loads(json.dumps(spec.to_json(), allow_nan=False))) == spec
    assert len(data.take(np.array([0]))) == 1


def _bytes(write, *args, **kwargs) -> bytes:
    file = io.BytesIO()
    write(file, *args, **kwargs)
    return file.getvalue()
