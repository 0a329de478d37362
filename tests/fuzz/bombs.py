"""Small files that claim, or unpack to, far more than they should. Run as a program, it reads each and prints what that took.

python bombs.py FOLDER      one line of JSON a file: name, outcome, seconds of work, MiB of memory more than before
"""

import gzip
import io
import itertools
import json
import struct
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import samples

MIB = 1 << 20
ZEROS = bytes(MIB)


def deflated(piece: bytes, times: int) -> bytes:
    """A raw deflate stream that unpacks to `piece`, `times` times: made without ever holding what it unpacks to."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)) * times + b"\x03\x00"


def gzipped(head: bytes, piece: bytes, times: int) -> bytes:
    """A gzip file that unpacks to the head, and `times` times the piece."""
    return gzip.compress(head, mtime=0) + gzip.compress(piece, mtime=0) * times


def member(name: str, packed: bytes, size: int, *, method: int = 8, check: int = 0) -> tuple[bytes, Callable[[int], bytes]]:
    """A member of a .zip: its bytes, and its entry in the directory for where it lies. size: what it claims to unpack to."""
    about = struct.pack("<HHHHH", 20, 0, method, 0, 0)
    sizes = struct.pack("<IIIHH", check, len(packed), size, len(name), 0)
    local = b"PK\x03\x04" + about + sizes + name.encode() + packed
    return local, lambda at: b"PK\x01\x02\x14\0" + about[:10] + sizes + struct.pack("<HHHII", 0, 0, 0, 0, at) + name.encode()


def zipped(members: list[tuple[bytes, Callable[[int], bytes]]], *, apart: bool = True) -> bytes:
    """A .zip of these members; not `apart`: all entries of the directory name the first one's bytes."""
    starts = [0, *itertools.accumulate(len(local) for local, _ in members)]
    body = b"".join(local for local, _ in (members if apart else members[:1]))
    directory = b"".join(entry(at if apart else 0) for (_, entry), at in zip(members, starts, strict=False))
    end = struct.pack("<HHHHIIH", 0, 0, len(members) & 0xFFFF, len(members) & 0xFFFF, len(directory), len(body), 0)
    return body + directory + b"PK\x05\x06" + end


def png(width: int, height: int, rows: int) -> bytes:
    """A black PNG of 8 bits that says width x height, and holds the data of so many rows."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    adler = (width + 1) * rows % 65521 << 16 | 1  # of so many zeros
    data = b"\x78\x9c" + deflated(bytes(width + 1), rows) + struct.pack(">I", adler)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def npy_header(shape: object, dtype: object = "|u1") -> bytes:
    text = f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape}}}".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def npz_bomb(times: int, claims: int) -> bytes:
    head = npy_header((claims // 1000, 1000))
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH) + deflated(ZEROS, times)
    return zipped([member("x.npy", packed, len(head) + claims // 1000 * 1000)])


def parquet_bomb(rows: int) -> bytes:
    pyarrow = __import__("pyarrow.parquet")
    file, piece = io.BytesIO(), MIB
    table = pyarrow.table({"a": np.zeros(piece), "b": np.zeros(piece)})
    with pyarrow.parquet.ParquetWriter(file, table.schema) as writer:
        for _ in range(rows // piece):
            writer.write_table(table)
    return file.getvalue()


def bombs() -> dict[str, bytes]:
    """Names and contents."""
    header = b"\0\0\x08\x03" + struct.pack(">III", 2048, 1024, 1024)
    black = png(8000, 8000, 8000)
    crc = zlib.crc32(black)
    half = member("x.png", black, len(black), method=0, check=crc)
    again = zlib.compress(black, 9)[2:-4]
    deep = b"[" * 200_000
    return {
        "rows.csv.gz": gzipped(b"a,b\n", b"0,0\n" * (MIB // 4), 2048),
        "line.csv.gz": gzipped(b"", b"a" * MIB, 2048),
        "header.tsv.gz": gzipped(b"", b"\t" * MIB, 64),
        "field.csv": b'a,b\n1,"' + b"\n" * (20 * MIB),
        "columns.csv": b",".join(b"%d" % i for i in range(10**6)) + b",a\n",
        "wide.csv": ",".join(f"c{i}" for i in range(50_000)).encode() + b"\n" + b",".join([b"1"] * 50_000) + b"\n",
        "empty.csv": b"," * (4 * MIB) + b"\n",
        "digits.csv": b"a\n" + b"9" * MIB + b"\n",
        "honest-idx3-ubyte.gz": gzipped(header, ZEROS, 2048),
        "short-idx3-ubyte.gz": gzipped(header, ZEROS, 10),
        "claims-idx3-ubyte": b"\0\0\x08\x03" + b"\xff" * 12,
        "honest.npz": npz_bomb(2048, 2048 * MIB),
        "modest.npz": npz_bomb(2048, 1000),
        "overlap.npz": zipped(
            [member(f"x{i}.npy", npy_header((2, 3)) + bytes(6), 78, method=0) for i in range(60_000)], apart=False
        ),
        "claims.npy": npy_header((1 << 40, 1 << 20)),
        "axes.npy": npy_header((1,) * 65) + b"\0",
        "empty.npy": npy_header((0, 1 << 40, 1 << 40)),
        "nothing.npy": npy_header((1 << 40, 2), "|S0"),
        "letters.npy": npy_header((1 << 40, 2), "<U0"),
        "inner.npy": npy_header((2, 2), ("<f8", (1 << 30,))),
        "minus.npy": npy_header((-1, -8)) + bytes(8),
        "truth.npy": npy_header("(True, 2)") + bytes(2),
        "deep.npy": b"\x93NUMPY\x02\x00" + struct.pack("<I", len(deep)) + deep,
        "chunk.wav": b"RIFF\xff\xff\xff\xffWAVEjunk\xff\xff\xff\xff",
        "fmt.wav": samples.wav(bytes(2000)).replace(b"fmt \x10\0\0\0", b"fmt \xff\xff\xff\xff"),
        "data.wav": samples.wav(bytes(2000), says=0xFFFFFFFF),
        "many.wav": samples.wav(bytes(2000)).replace(b"\xf4\x07\0\0WAVE", b"\xff\xff\xff\xffWAVE") + b"data\0\0\0\0" * 10**5,
        "channels.wav": samples.wav(bytes(2 * 30_000), channels=30_000),
        "claims/x.png": png(10**5, 10**5, 1),
        "black/x.png": black,
        "overlap.zip": zipped([half] * 60_000, apart=False),
        "twice.zip": zipped([member(f"{i}.png", again, len(black), check=crc) for i in range(40)]),
        "zeros.zip": zipped([member(f"{i}.png", deflated(ZEROS, 250), 250 * MIB) for i in range(20)]),
        "rows.parquet": parquet_bomb(16 * MIB),
    }


def take(path: Path) -> dict[str, object]:
    """Read the path and say how it went."""
    from latentwalk.data import read
    from latentwalk.errors import LatentwalkError

    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted anew
    before, begun = _memory("VmRSS"), time.process_time()
    try:
        data = read(path.parent if path.suffix == ".png" else path)
        answer = f"{data.x.dtype} {data.x.shape}"
        del data
    except LatentwalkError as error:
        answer = f"refused: {error}"
    except Exception as error:
        answer = f"{type(error).__name__}: {error}"
    seconds = round(time.process_time() - begun, 2)
    return {"name": path.name, "answer": answer, "seconds": seconds, "mib": (_memory("VmHWM") - before) // 1024}


def _memory(what: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what))


def main() -> None:
    folder = Path(sys.argv[1])
    for name, content in bombs().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        print(json.dumps({"length": len(content)} | take(path) | {"name": name}), flush=True)


if __name__ == "__main__":
    main()
