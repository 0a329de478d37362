"""ONNX files as a model repository, as Triton Inference Server reads one.

    FOLDER/NAME-encoder/config.pbtxt      what it takes and gives
    FOLDER/NAME-encoder/1/model.onnx      version 1
    FOLDER/NAME-decoder/…                 and so on, a folder each file

Where every input and output has rows before all else, Triton puts requests together. A text of Triton's that a name stands in
has its own rules for quotes and for what is not ASCII; ours are those of JSON, which it reads.
Source: Triton's "Model Repository" and "Model Configuration".
"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from latentwalk.errors import ConfigError

__all__ = ["repository"]

MOST = 1024  # rows that are put together
TYPES = {
    1: "TYPE_FP32",
    2: "TYPE_UINT8",
    3: "TYPE_INT8",
    4: "TYPE_UINT16",
    5: "TYPE_INT16",
    6: "TYPE_INT32",
    7: "TYPE_INT64",
    8: "TYPE_STRING",
    9: "TYPE_BOOL",
    10: "TYPE_FP16",
    11: "TYPE_FP64",
    12: "TYPE_UINT32",
    13: "TYPE_UINT64",
}  # what Triton calls the types of ONNX
TAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]*")


def repository(files: Mapping[str, bytes], name: str) -> dict[str, bytes]:
    """The files of a repository, by their paths in it, of ONNX files by their names: "encoder.onnx" is NAME-encoder.

    Raises ConfigError for a name that cannot be that of a folder.
    """
    if not TAME.fullmatch(name):
        raise ConfigError(
            f"{name!r} cannot name models of a repository. Expected letters, digits, dots, dashes and underscores."
        )
    found = {}
    for file, content in files.items():
        model = f"{name}-{PurePosixPath(file).stem}"
        found[f"{model}/config.pbtxt"] = _config(model, content)
        found[f"{model}/1/model.onnx"] = content
    return found


def _config(name: str, content: bytes) -> bytes:
    """What a model takes and gives, in the text format of protocol buffers."""
    from onnx import load_from_string

    graph = load_from_string(content).graph
    batched = all(len(_dims(one)) > 1 for one in (*graph.input, *graph.output))
    lines = [f"name: {json.dumps(name)}", 'platform: "onnxruntime_onnx"', f"max_batch_size: {MOST if batched else 0}"]
    for what, tensors in (("input", graph.input), ("output", graph.output)):
        lines.append(f"{what} [")
        lines += _listed(tensors, batched)
        lines.append("]")
    lines += ["dynamic_batching { }"] if batched else []
    return "\n".join([*lines, ""]).encode()


def _listed(tensors: Iterable[Any], batched: bool) -> list[str]:
    """A line for each tensor; Triton adds the rows itself, where it puts requests together."""
    said = [
        f"  {{ name: {json.dumps(one.name)}, data_type: {TYPES[one.type.tensor_type.elem_type]}, "
        f"dims: [ {', '.join(map(str, _dims(one)[1 if batched else 0 :]))} ] }}"
        for one in tensors
    ]
    return [f"{line}," for line in said[:-1]] + said[-1:]


def _dims(tensor: Any) -> list[int]:
    """The shape of a tensor; -1 for any number."""
    return [one.dim_value if one.HasField("dim_value") else -1 for one in tensor.type.tensor_type.shape.dim]
