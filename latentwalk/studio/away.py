"""A map taken away: one HTML file that decodes from a disk, without a server and without a network.

In it are the page, as one script; the codes and what is known of each row; small pictures of some; of a map of frames some
films, with their surprise; the graph of codes on which walks go around holes; and the decoder as ONNX, which onnxruntime's
WebAssembly runs. Where a decoder has no such file (texts, music), what a few hundred codes decode to is written down instead,
and the nearest of them is shown.

Bytes stand in it as letters of windows-1252, of which HTML changes NUL, CR and "<" alone, so that a byte takes a byte, where
base64 takes a third more. Its policy allows the one script, the one style, and WebAssembly, and no connection at all.
"""

import base64
import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import triu

from latentwalk.errors import ConfigError, DataError
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.latent.moves.graph import Graph
from latentwalk.saving.onnx import DECODER, onnx_files
from latentwalk.studio.bundle import ascii_script, one_script, page_files, scripts
from latentwalk.studio.exhibit import Exhibit

__all__ = ["LARGEST", "decoder_files", "html_file"]

LARGEST = 8_000_000  # bytes of the file
BAKED = 400  # codes that are decoded beforehand where no decoder can be taken along
REELS, FILMED = 24, 0.3  # films that go along, at most, and what they may take of the room that decoder and page leave
GRAPHED = 0.5  # of the room that decoder and page leave, what a graph of codes may take
TILED = (12_000, 6_000, 3_000, 1_500)  # rows with a small picture: as many as there is room for
ESCAPED = (0, 10, 13, 60, 61)  # bytes that HTML changes, or that we give a meaning; a line feed, which follows a CR


def html_file(exhibit: Exhibit, files: Mapping[str, bytes], *, most: int = LARGEST) -> bytes:
    """The file. files: the model's own, as `saving.onnx.onnx_files` makes them; without a decoder that runs in one go, {}.

    most: bytes, at most; of more examples than fit, some are drawn. Raises ConfigError where not even the decoder fits.
    """
    page = page_files()
    whole = DECODER in files and len(files) == 2
    style, script = _ascii_style(page["style.css"].decode()), ascii_script(one_script(scripts(page), "away.js"))
    blocks = {"decoder": _packed(files[DECODER]), "wasm": _escaped(page["vendor/ort.wasm.gz"])} if whole else _baked(exhibit)
    fixed = len(style) + len(script) + sum(map(len, blocks.values())) + 4_000
    films, reels = _films(exhibit, int((most - fixed) * FILMED))
    fixed, blocks = fixed + sum(map(len, films.values())), blocks | films
    around, graph = _around(exhibit) if whole else ({}, None)
    size = sum(map(len, around.values()))
    if size <= (most - fixed) * GRAPHED:
        fixed, blocks = fixed + size, blocks | around
    else:
        graph = None
    for count in (len(exhibit.rows), 50_000, 20_000, 8_000, 3_000, 1_000, 300):
        if count <= len(exhibit.rows) and fixed < most:
            chosen = np.sort(np.random.default_rng(0).permutation(len(exhibit.rows))[:count])
            told = _told(exhibit, chosen, graph, reels)
            room = most - fixed - sum(map(len, told.values()))
            tiles = _tiles(exhibit, chosen, room) if room >= 0 else None
            if tiles is not None:
                return _document(exhibit, style, script, blocks | told | tiles)
    takes = len(blocks.get("decoder", b""))
    raise ConfigError(
        f"the file would be larger than {most:,} bytes" + f", of which the decoder takes {takes:,}" * bool(takes) + ". "
        "Fit a smaller network, or hand on the folder."
    )


def decoder_files(model: Autoencoder) -> dict[str, bytes]:
    """The model as ONNX files; {} where it cannot be had as such."""
    try:
        return onnx_files(model.model_, model.spec_)
    except ConfigError:
        return {}


# ---------------------------------------------------------------------- what is told


def _told(
    exhibit: Exhibit, chosen: NDArray[np.intp], graph: Mapping[str, Any] | None, reels: Sequence[int]
) -> dict[str, bytes]:
    """All that is known of these rows of a map but their pictures, by the name of its block.

    graph: see `_around`. reels: numbers of films that go along.
    """
    films = dict(exhibit.about["films"]) | {"numbers": list(reels)} if reels else None
    about = exhibit.about | {"shown": len(chosen), "posterior": False, "films": films}
    columns, blocks = [], {}
    for at, one in enumerate(exhibit.known):
        small = bool(one.classes) and len(one.classes) < 255
        values = one.values[chosen]
        columns.append(one.about | ({"packed": "bytes"} if small else {}))
        blocks[f"column-{at}"] = _packed(np.where(values < 0, 255, values).astype(np.uint8) if small else values.astype("<f4"))
    names = [exhibit.names[row] for row in chosen] if exhibit.names else []
    facts = {"about": about | {"columns": columns}, "names": names, "graph": graph}
    return blocks | {
        "facts": _packed(json.dumps(facts).encode()),
        "codes": _packed(exhibit.space.codes[chosen].astype("<f4")),
        "numbers": _packed(exhibit.rows[chosen].astype("<u4")),
    }


def _tiles(exhibit: Exhibit, chosen: NDArray[np.intp], room: int) -> dict[str, bytes] | None:
    """Small pictures of as many of these rows as fit into so many bytes, on one sheet, each by its place among them.

    None where not even the fewest fit; {} where there are none.
    """
    if not exhibit.about["tiled"]:
        return {}
    for many in dict.fromkeys(min(many, len(chosen)) for many in TILED):
        places = np.sort(np.random.default_rng(1).permutation(len(chosen))[:many])
        packed = _packed(json.dumps({"rows": places.tolist()} | exhibit.sheet(chosen[places])).encode())
        if len(packed) <= room:
            return {"tiles": packed}
    return None


def _around(exhibit: Exhibit) -> tuple[dict[str, bytes], dict[str, Any] | None]:
    """What a walk around holes needs to know: the graph of codes, its edges with what they cost, and units of what is decoded.

    Nothing where outputs are no plain numbers, where they depend on a label, and where codes are too few.
    """
    space, spec = exhibit.space, exhibit.spec
    if space.serial or spec.form.heard or space.condition is not None:
        return {}, None
    try:
        graph = space.kept(Graph)
    except DataError:
        return {}, None
    edges = triu(graph.costs, format="coo")
    blocks = {
        "nodes": _packed(graph.nodes.astype("<f4")),
        "pairs": _packed(np.stack([edges.row, edges.col], axis=1).astype("<u2")),
        "costs": _packed(edges.data.astype("<f4")),
    }
    unit = np.asarray(space.unit, np.float64)
    return blocks, {"unit": float(unit.flat[0]) if unit.size == 1 else np.broadcast_to(unit, spec.shape).ravel().tolist()}


def _films(exhibit: Exhibit, room: int) -> tuple[dict[str, bytes], list[int]]:
    """As many films as fit into so many bytes, from first to last: frames as bytes, codes, surprise; and their numbers."""
    films = exhibit.films
    if films is None:
        return {}, []
    spec, total = exhibit.spec, films.about["count"]
    some = []
    for at in np.unique(np.linspace(0, total - 1, min(total, REELS)).round()):
        with suppress(DataError):  # one without frames stays at home
            film = films.film(int(at))
            some.append((film, film.reel(exhibit.space)))
    for step in (1, 2, 4, 8, REELS) if some else ():
        chosen = some[::step]
        frames = np.concatenate([film.x.astype(np.float64) for film, _ in chosen])
        levels = ((frames - spec.low) / ((spec.high - spec.low) or 1) * 255).round().clip(0, 255).astype(np.uint8)
        said = [{key: value for key, value in one.items() if key not in ("frames", "codes")} for _, one in chosen]
        blocks = {
            "films": _packed(json.dumps(said).encode()),
            "films-frames": _packed(levels),
            "films-codes": _packed(b"".join(base64.b64decode(one["codes"]) for _, one in chosen)),
        }
        if sum(map(len, blocks.values())) <= room:
            return blocks, [one["film"] for one in said]
    return {}, []


def _baked(exhibit: Exhibit) -> dict[str, bytes]:
    """What some codes decode to, where the decoder stays at home: those of examples, and draws from the prior."""
    space, rng = exhibit.space, np.random.default_rng(0)
    some = space.codes[rng.permutation(len(space))[: BAKED * 3 // 4]]
    z = np.concatenate([some, np.asarray(space.prior(BAKED - len(some), rng), np.float32)])
    shown = exhibit.shown(exhibit.decode(z))
    if isinstance(shown, bytes):
        about: dict[str, Any] = {"size": exhibit.spec.size, "count": len(z)}
        return {"baked": _packed(json.dumps(about).encode()), "baked-codes": _packed(z), "baked-values": _packed(shown)}
    shown.pop("sounds", None)
    return {"baked": _packed(json.dumps(shown).encode()), "baked-codes": _packed(z.astype("<f4"))}


# ---------------------------------------------------------------------- how it is written


def _document(exhibit: Exhibit, style: str, script: str, blocks: Mapping[str, bytes]) -> bytes:
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}' 'wasm-unsafe-eval'; style-src '{_hash(style)}'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    title = escape(exhibit.title).encode("ascii", "xmlcharrefreplace")
    head = (
        b'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="windows-1252">\n'
        b'<meta http-equiv="Content-Security-Policy" content="' + policy.encode() + b'">\n'
        b'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        b'<meta name="color-scheme" content="light dark">\n'
        b"<title>" + title + b" - latentwalk</title>\n<style>" + style.encode() + b"</style>\n</head>\n<body>\n"
        b'<div id="app"><p class="opening">Opening...</p></div>\n'
    )
    data = b"".join(
        b'<script type="application/octet-stream" id="data-' + name.encode() + b'">' + content + b"</script>\n"
        for name, content in blocks.items()
    )
    return head + data + b'<script type="module">' + script.encode() + b"</script>\n</body>\n</html>\n"


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _packed(content: Any) -> bytes:
    """Bytes, or an array's, gzipped, as letters."""
    raw = content if isinstance(content, bytes) else np.ascontiguousarray(content).tobytes()
    return _escaped(gzip.compress(raw, 9, mtime=0))


def _escaped(content: bytes) -> bytes:
    """Bytes of which HTML keeps each: those that it changes are 64 more, behind a "="."""
    values = np.frombuffer(content, np.uint8)
    changed = np.isin(values, ESCAPED)
    places = np.arange(len(values)) + np.cumsum(changed)
    out = np.full(len(values) + int(changed.sum()), ord("="), np.uint8)
    out[places] = np.where(changed, values + np.uint8(64), values)
    return out.tobytes()


def _ascii_style(text: str) -> str:
    """A style without other letters than those of ASCII."""
    return "".join(one if ord(one) < 128 else f"\\{ord(one):x} " for one in text).replace("</", "<\\/")
