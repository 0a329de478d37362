"""What claims, or unpacks to, far more than its size costs neither memory nor time; and what is no file is not waited for."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import bombs
import numpy as np
import pytest
from damage import PATIENCE, outcome

from latentwalk.data import read
from latentwalk.errors import DataError

READ = {
    "wide.csv": "int64 (1, 50000)",
    "data.wav": "float32 (1, 2048)",
    "black/x.png": "uint8 (1, 8000, 8000)",
}  # odd, and meant
MOST = 1024  # MiB: 64 that anything may unpack to, or 200 times two million bytes, and what reading them takes


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="memory is measured as Linux does")
def test_bombs(tmp_path):
    """In a process of their own, whose address space ends where a reader that believes a file would need more."""
    pytest.importorskip("pyarrow")
    limited = f"import resource; resource.setrlimit(resource.RLIMIT_AS, ({12 << 30},) * 2); import bombs; bombs.main()"
    here = Path(bombs.__file__).parent
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(here), str(here.parents[1])])}
    told = subprocess.run(
        [sys.executable, "-c", limited, tmp_path], env=environment, capture_output=True, text=True, check=True
    )
    found = [json.loads(line) for line in told.stdout.splitlines()]
    assert len(found) > 30
    for one in found:
        name = Path(one["name"]).name
        place = tmp_path / one["name"]
        wanted = READ.get(one["name"]) or f"refused: {place.parent if place.suffix == '.png' else place}: "
        assert one["answer"].startswith(wanted), (name, one)
        assert one["mib"] < MOST and one["seconds"] < PATIENCE, one


ENDINGS = [".npy", ".npz", ".csv", ".csv.gz", ".tsv", ".parquet", ".wav", ".zip", "-idx3-ubyte", ""]


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("what", ["pipe", "device", "socket", "loop", "folder", "dangling"])
def test_what_is_no_file(tmp_path, ending, what):
    path = tmp_path / f"x{ending}"
    match what:
        case "pipe":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/zero")
        case "socket":
            here = Path.cwd()
            os.chdir(tmp_path)  # the path of a socket may be 107 bytes long
            with socket.socket(socket.AF_UNIX) as listening:
                listening.bind(path.name)
            os.chdir(here)
        case "loop":
            path.symlink_to(path)
        case "folder":
            path.mkdir()
        case "dangling":
            path.symlink_to(tmp_path / "nowhere")
    assert outcome(read, path) is None


def test_pipes_in_a_folder_are_no_images_and_no_labels(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    (tmp_path / "b.png").symlink_to("/dev/zero")
    (tmp_path / "c").symlink_to(tmp_path)
    assert outcome(read, tmp_path) is None
    os.mkfifo(tmp_path / "train-labels-idx1-ubyte")
    (tmp_path / "train-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03\0\0\0\1\0\0\0\1\0\0\0\1\7")
    assert read(tmp_path).y is None


@pytest.mark.parametrize("name", ["a\0b.npy", "x" * 300 + ".npy", "~nobody-of-that-name/x.npy", "."])
def test_names_that_no_file_has(name):
    with pytest.raises(DataError, match=r"no such file|cannot be read|no image"):
        read(name if name != "." else "/proc/self/fd")


def test_members_are_never_written_anywhere(tmp_path, monkeypatch):
    """Names that point out of the archive are names: nothing is unpacked to disk."""
    monkeypatch.chdir(tmp_path)
    png = bombs.png(3, 2, 2)
    names = ["../../up.png", "/root.png", "a/../../b.png", "C:\\c.png", "d.png"]
    inside = [bombs.member(name, png, len(png), method=0, check=bombs.zlib.crc32(png)) for name in names]
    (tmp_path / "x.zip").write_bytes(bombs.zipped(inside))
    data = read(tmp_path / "x.zip")
    assert "d.png" in data.names and "../../up.png" not in data.names
    assert [path.name for path in tmp_path.iterdir()] == ["x.zip"]


def test_two_arrays_of_one_name(tmp_path):
    one, other = bombs.npy_header((2, 3)) + bytes(6), bombs.npy_header((5, 2)) + bytes(10)
    for names in (("x.npy", "x.npy"), ("x", "x.npy")):
        inside = [
            bombs.member(name, content, len(content), method=0, check=bombs.zlib.crc32(content))
            for name, content in zip(names, (one, other), strict=True)
        ]
        (tmp_path / "x.npz").write_bytes(bombs.zipped(inside))
        with pytest.raises(DataError, match="two arrays have one name"):
            read(tmp_path / "x.npz")


def test_text_that_is_none(tmp_path):
    names = np.array(["a", "b"])
    names.view(np.uint32)[1] = 0x110000
    np.savez(tmp_path / "x.npz", x=np.eye(2), names=names)
    with pytest.raises(DataError, match="no character"):
        read(tmp_path / "x.npz")


def test_labels_that_are_no_whole_numbers_of_64_bits(tmp_path):
    np.savez(tmp_path / "x.npz", x=np.eye(2), y=np.array([1e300, 2.0]))
    data = read(tmp_path / "x.npz")
    assert data.y is None and data.factors["y"][0] == 1e300


def test_dates_in_a_parquet_stay_dates(tmp_path):
    """A missing one once became a number near -2^63."""
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    for unit in ("ns", "us", "s"):
        when = pandas.Series(pandas.to_datetime(["2020-01-01", None, "2020-01-03"])).astype(f"datetime64[{unit}]")
        pandas.DataFrame({"a": [1.0, 2.0, 4.0], "when": when}).to_parquet(tmp_path / "x.parquet")
        data = read(tmp_path / "x.parquet")
        assert [column.kind for column in data.spec.columns] == ["continuous", "continuous"]
        assert np.isnan(data.x[1, 1]) and data.x[2, 1] - data.x[0, 1] == 2 * 86_400e6


@pytest.mark.parametrize("header", [b" ", b"  ,  ", b'" "', b"\t"])
def test_a_header_of_blanks_does_not_cost_a_row(tmp_path, header):
    (tmp_path / "x.csv").write_bytes(header + b"\n1\n3\n")
    data = outcome(read, tmp_path / "x.csv")
    assert data is None or data.x.tolist() == [[1], [3]]


def test_a_number_too_large_for_a_float(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"a,b\n" + b"9" * 400 + b",2\n3,4\n")
    with pytest.raises(DataError, match="column 'a' holds 9999"):
        read(tmp_path / "x.csv")
