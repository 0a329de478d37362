"""Bodies that mean harm: what would be run, unpacked without end, or taken for something else."""

import io
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from numpy.lib import format as written
from PIL import Image

from latentwalk.errors import DataError
from latentwalk.serving.bodies import array_of, picture_of
from latentwalk.serving.limits import Limits

NPY = {"content-type": "application/x-npy"}
LIMITS = Limits(values=10_000, pixels=10_000)


def header(text, version=b"\x01\x00"):
    """A .npy file of this header, and of nothing else."""
    length = struct.pack("<H" if version[0] == 1 else "<I", len(text))
    return b"\x93NUMPY" + version + length + text.encode("latin1")


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width, height, *chunks):
    """A gray picture that says it is so large, whatever its pixels are."""
    first = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + first + b"".join(chunks) + chunk(b"IEND", b"")


class Trap:
    """Says so when it is unpickled."""

    sprung = False

    def __reduce__(self):
        return (setattr, (Trap, "sprung", True))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["f4", ">f8", "f2", "u1", "<i8", "?"])
def test_arrays_of_numbers_are_read_as_they_were_written(npy, dtype, order):
    x = np.asarray(np.arange(24).reshape(2, 3, 4) % 7, dtype=dtype, order=order)
    found = array_of(npy(x), LIMITS)
    np.testing.assert_array_equal(found, x)
    assert found.dtype == x.dtype.newbyteorder("=") and found.flags.c_contiguous
    file = io.BytesIO()
    written.write_array(file, x, version=(2, 0))
    np.testing.assert_array_equal(array_of(file.getvalue(), LIMITS), x)


def test_nothing_is_unpickled(client, npy):
    content = npy(np.array([Trap()], object))
    answer = client.post("/v1/digits/encode", content=content, headers=NPY)
    assert answer.status_code == 422 and "expected an array of numbers, got object" in answer.json()["detail"]
    assert not Trap.sprung
    np.load(io.BytesIO(content), allow_pickle=True)
    assert Trap.sprung, "it would have been one"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not an array"),
        (b"\x93NUMPY", "not an array"),
        (b"PK\x03\x04" + b"\0" * 60, "not an array"),
        (header("{'descr': '<f4', 'fortran_order': False, 'shape': (4,)}", b"\x03\x00"), "its version is 3.0"),
        (header("{'descr': '<f4', 'fortran_order': False, 'shape': (4,)}\n"), "has 16 bytes; 0 were sent"),
        (header("{'descr': '<f4', 'fortran_order': False, 'shape': (0,)}\n") + b"\0", "has 0 bytes; 1 were sent"),
        (header("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,)}\n"), "at most 10,000 numbers"),
        (header("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}\n"), "got shape (-1,)"),
        (header("{'descr': '<f4', 'fortran_order': False, 'shape': (2, -3)}\n"), "got shape (2, -3)"),
        (header("{'descr': '<f4', 'fortran_order': False, 'shape': (1e3,)}\n"), "not an array"),
        (header("{'descr': '|S100', 'fortran_order': False, 'shape': (1,)}\n"), "expected an array of numbers"),
        (header("{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}\n"), "expected an array of numbers"),
        (header("{'descr': '<f16', 'fortran_order': False, 'shape': (1,)}\n"), "expected an array of numbers"),
        (header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}\n"), "expected an array of numbers"),
        (header("{'descr': ('<f4', (1000000,)), 'fortran_order': False, 'shape': (1,)}\n"), "expected an array of numbers"),
        (header("__import__('os').abort()\n"), "not an array"),
        (header("(" * 5000), "not an array"),
        (header("{'descr': '<f4', 'fortran_order': False, 'shape': (" + "9" * 5000 + ",)}\n"), "not an array"),
        (header(" " * 60000), "not an array"),
    ],
)
def test_headers_that_lie_are_found_out(content, says):
    with pytest.raises(DataError) as wrong:
        array_of(content, LIMITS)
    assert says in str(wrong.value) and len(str(wrong.value)) < 400


def test_a_picture_that_would_fill_the_memory_is_not_unpacked():
    bomb = png(50_000, 50_000, chunk(b"IDAT", zlib.compress(b"\0" * 10_000_000)))
    with pytest.raises(DataError, match="bomb"):
        picture_of(bomb, "image/png", LIMITS)
    with pytest.raises(DataError, match=r"a picture of 101 × 100 pixels: at most 10,000 are read"):
        picture_of(png(101, 100), "image/png", LIMITS)
    text = chunk(b"zTXt", b"a\0\0" + zlib.compress(b"\0" * 2_000_000))
    many = png(20, 20, *[text] * 60, chunk(b"IDAT", zlib.compress(b"\0" * 420)))
    with pytest.raises(DataError, match="the picture: "):
        picture_of(many, "image/png", LIMITS)


def test_a_picture_is_what_it_says_it_is(client):
    file = io.BytesIO()
    Image.new("L", (8, 8)).save(file, "GIF")
    for content in (file.getvalue(), b"", b"%!PS-Adobe-3.0 EPSF-3.0", png(0, 0), png(8, 8), png(8, 8, chunk(b"IDAT", b"no"))):
        answer = client.post("/v1/digits/encode", content=content, headers={"content-type": "image/png"})
        assert answer.status_code == 422 and answer.json()["detail"].startswith("the picture: "), answer.text


def test_what_does_not_suit_the_data_is_told(client, npy):
    for run, kind in (("people", "image/png"), ("digits", "text/csv"), ("digits", "audio/midi"), ("texts", "image/png")):
        answer = client.post(f"/v1/{run}/encode", content=b"a,b\n1,2\n", headers={"content-type": kind})
        assert answer.status_code == 415 and f"does not come as {kind}" in answer.json()["detail"]
    assert client.post("/v1/digits/walk", content=npy(np.zeros(3)), headers=NPY).status_code == 415


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", ""),
        (b"height,visits\n1,2\n", "missing: 'town'"),
        (b"height,visits,town,town\n1,2,Ulm,Ulm\n", "town"),
        (b"height,visits,town\ntall,2,Ulm\n", "height"),
        (b"height,visits,town\n1,inf,Ulm\n", "visits"),
        (b"\xff\xfe\x00\x00height", ""),
    ],
)
def test_tables_that_are_none_are_told_without_a_path(client, content, says):
    answer = client.post("/v1/people/encode", content=content, headers={"content-type": "text/csv"})
    assert answer.status_code == 422, answer.text
    assert says in answer.json()["detail"] and "/tmp" not in answer.text and "rows.csv" not in answer.text


def test_a_long_text_among_many_takes_no_room_for_each():
    from latentwalk.serving.bodies import numbers

    tracemalloc.start()
    with pytest.raises(DataError, match="expected numbers in lists"):
        numbers(["a" * 100_000] + ["b"] * 20_000, "x")
    assert tracemalloc.get_traced_memory()[1] < 2**22  # NumPy would take 8 GB
    tracemalloc.stop()


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"x": ' + b"[" * 150 + b"]" * 150 + b"}",
        b'{"x": [1' + b"0" * 5000 + b"]}",
        b'{"x": [1e400]}',
        b'{"x": ["\\ud800"]}',
        b'{"x": [{}]}',
        b'{"x": {"a": 1}}',
        b'{"x": [[true, "a"]]}',
        b'{"x": "' + b"a" * 1000 + b'"}',
        b'{"x": [[1], [[2]]]}',
        b"null",
        b"",
        b"\xff\xfe",
        b'{"x": [[0]]} {"x": [[0]]}',
    ],
)
def test_json_that_is_no_request_is_told(client, body):
    paths = [f"/v1/{run}/encode" for run in ("digits", "people", "texts")]
    for path in (*paths, "/v1/digits/walk", "/invocations", "/v2/models/digits-encoder/infer"):
        answer = client.post(path, content=body, headers={"content-type": "application/json"})
        assert answer.status_code in (400, 422) and len(answer.text) < 1000, (path, answer.text)
