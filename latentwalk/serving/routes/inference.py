"""`/v2`: the Open Inference Protocol over REST, with its binary tensors, as Triton's clients speak it.

Each run is two models: RUN-encoder takes x (n, *E) and gives codes (n, D), RUN-decoder the other way. Inputs and outputs are
called as in our ONNX files, and are of the same types; a model with a condition takes `given` (n, C), too. There is one
version, "1".
Source: https://github.com/kserve/open-inference-protocol, and Triton's extension for binary tensors.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Path, Request, Response

import latentwalk
from latentwalk.arrays import Array
from latentwalk.errors import unknown
from latentwalk.serving.answers import JSON, OCTETS, json_response, nested
from latentwalk.serving.bodies import apart
from latentwalk.serving.problems import Refused
from latentwalk.serving.routes.chosen import PROBLEMS, SCHEMAS, gives
from latentwalk.serving.served import Served

__all__ = ["inference_router"]

inference_router = APIRouter(prefix="/v2", tags=["v2"], responses=PROBLEMS, default_response_class=Response)
LENGTH = "Inference-Header-Content-Length"
ENCODER, DECODER = "-encoder", "-decoder"
VERSIONS = ("", "1")
KINDS = {"b": "BOOL", "u": "UINT", "i": "INT", "f": "FP"}


@dataclass(frozen=True, slots=True)
class Tensor:
    """What a model takes or gives: its name, the type of its numbers, and the shape (*E) of one row."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    @property
    def datatype(self) -> str:
        """The type as the protocol calls it."""
        return KINDS[self.dtype.kind] + ("" if self.dtype.kind == "b" else str(8 * self.dtype.itemsize))

    @property
    def told(self) -> dict[str, Any]:
        return {"name": self.name, "datatype": self.datatype, "shape": [-1, *self.shape]}


@dataclass(frozen=True, slots=True)
class Half:
    """One half of a run, as a model of the protocol."""

    run: Served
    encodes: bool

    @property
    def name(self) -> str:
        return f"{self.run.name}{ENCODER if self.encodes else DECODER}"

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        labels = self.run.trained.labels
        given = () if labels is None else (Tensor("given", np.dtype(np.float32), (len(labels.names),)),)
        return (self._examples(self._learnt) if self.encodes else self._codes, *given)

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        spec = self.run.spec
        return (self._codes if self.encodes else self._examples(np.dtype(np.int32 if spec.form.serial else np.float32)),)

    @property
    def told(self) -> dict[str, Any]:
        """The model's metadata."""
        return {
            "name": self.name,
            "versions": ["1"],
            "platform": "latentwalk",
            "inputs": [one.told for one in self.inputs],
            "outputs": [one.told for one in self.outputs],
        }

    async def __call__(self, tensors: Mapping[str, Array]) -> dict[str, Array]:
        """The outputs for these inputs. Raises DataError; Saturated."""
        first, *given = (tensors[one.name] for one in self.inputs)
        self.run.check_count(len(first), "rows")
        told = given[0] if given else None
        if self.encodes:
            codes, _ = await self.run.encode(np.asarray(self.run.trained.given(first)), told)
            return {"codes": codes}
        x = await self.run.decode(first, told)
        return {"x": x.astype(self.outputs[0].dtype, copy=False)}

    @property
    def _codes(self) -> Tensor:
        return Tensor("codes", np.dtype(np.float32), (self.run.dim,))

    @property
    def _learnt(self) -> np.dtype[Any]:
        dtype = np.dtype(self.run.spec.dtype).newbyteorder("=")
        return dtype if dtype.itemsize <= 8 else np.dtype(np.float64)

    def _examples(self, dtype: np.dtype[Any]) -> Tensor:
        return Tensor("x", dtype, self.run.spec.shape)


async def _half(model: Annotated[str, Path(description="RUN-encoder or RUN-decoder.")], request: Request) -> Half:
    """The model of that name. Raises Refused (404)."""
    runs = request.app.state.runs
    name, dash, half = model.rpartition("-")
    if name in runs and f"{dash}{half}" in (ENCODER, DECODER):
        return Half(runs[name], f"{dash}{half}" == ENCODER)
    raise Refused(404, str(unknown("model", model, [f"{run}{half}" for run in runs for half in (ENCODER, DECODER)])))


async def _version(version: str = "") -> None:
    """Raise Refused (404) for a version that there is not."""
    if version not in VERSIONS:
        raise Refused(404, f"there is no version {version!r:.40}. Known: 1.")


Chosen = Annotated[Half, Depends(_half)]
ONE_VERSION = [Depends(_version)]


# ---------------------------------------------------------------------- what there is


@inference_router.get("", responses=gives(JSON))
async def server() -> Response:
    """What this server is, and which extensions it knows."""
    extensions = ["binary_tensor_data", "model_configuration", "model_repository"]
    return json_response({"name": "latentwalk", "version": latentwalk.__version__, "extensions": extensions})


@inference_router.get("/health/live", responses=gives(JSON))
@inference_router.get("/health/ready", responses=gives(JSON))
async def health() -> Response:
    """That the server lives, and is ready."""
    return json_response({})


@inference_router.post("/repository/index", responses=gives(JSON))
async def index(request: Request) -> Response:
    """The models that there are."""
    halves = [Half(run, encodes) for run in request.app.state.runs.values() for encodes in (True, False)]
    return json_response([{"name": half.name, "version": "1", "state": "READY", "reason": ""} for half in halves])


@inference_router.get("/models/{model}", responses=gives(JSON))
@inference_router.get("/models/{model}/versions/{version}", dependencies=ONE_VERSION, responses=gives(JSON))
async def metadata(half: Chosen) -> Response:
    """What a model takes and gives."""
    return json_response(half.told)


@inference_router.get("/models/{model}/ready", responses=gives(JSON))
@inference_router.get("/models/{model}/versions/{version}/ready", dependencies=ONE_VERSION, responses=gives(JSON))
async def ready(half: Chosen) -> Response:
    """That a model is ready."""
    return json_response({"name": half.name, "ready": True})


@inference_router.get("/models/{model}/config", responses=gives(JSON))
@inference_router.get("/models/{model}/versions/{version}/config", dependencies=ONE_VERSION, responses=gives(JSON))
async def config(half: Chosen) -> Response:
    """The same, in the words of Triton's configuration."""

    def told(tensors: Sequence[Tensor]) -> list[dict[str, Any]]:
        return [{"name": one.name, "data_type": f"TYPE_{one.datatype}", "dims": list(one.shape)} for one in tensors]

    return json_response(
        {
            "name": half.name,
            "platform": "latentwalk",
            "backend": "latentwalk",
            "max_batch_size": half.run.limits.rows,
            "input": told(half.inputs),
            "output": told(half.outputs),
        }
    )


# ---------------------------------------------------------------------- what it is for


INFERENCE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            JSON: {"schema": {"$ref": "#/components/schemas/InferenceRequest"}},
            OCTETS: {"schema": {"type": "string", "format": "binary"}},
        },
    },
    SCHEMAS: {
        "InferenceRequest": {
            "type": "object",
            "required": ["inputs"],
            "properties": {
                "id": {"type": "string"},
                "parameters": {"type": "object"},
                "inputs": {
                    "type": "array",
                    "description": "Tensors: name, datatype, shape, and data, row by row; or binary_data_size in parameters.",
                    "items": {
                        "type": "object",
                        "required": ["name", "datatype", "shape"],
                        "properties": {
                            "name": {"type": "string"},
                            "datatype": {"type": "string"},
                            "shape": {"type": "array", "items": {"type": "integer"}},
                            "parameters": {"type": "object"},
                            "data": {"type": "array", "items": {}},
                        },
                    },
                },
                "outputs": {
                    "type": "array",
                    "description": "Those that are wanted, by name; all unless given.",
                    "items": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
                },
            },
        }
    },
}


@inference_router.post("/models/{model}/infer", openapi_extra=INFERENCE, responses=gives(JSON, OCTETS))
@inference_router.post(
    "/models/{model}/versions/{version}/infer",
    dependencies=ONE_VERSION,
    openapi_extra=INFERENCE,
    responses=gives(JSON, OCTETS),
)
async def infer(half: Chosen, request: Request) -> Response:
    """Codes of examples, or what codes decode to."""
    content, length = await request.body(), request.headers.get(LENGTH)

    def read() -> tuple[dict[str, Any], dict[str, Array]]:
        said, binary = _parts(content, length, half.run.limits.text)
        return said, _inputs(half, said, binary)

    said, tensors = await apart(len(content), read)
    wanted = _wanted(half, said)
    found = await half(tensors)
    answer: dict[str, Any] = {"model_name": half.name, "model_version": "1"}
    if "id" in said:
        answer["id"] = said["id"]
    outputs, parts = [], []
    for tensor in half.outputs:
        if tensor.name not in wanted:
            continue
        x = np.ascontiguousarray(found[tensor.name])
        one: dict[str, Any] = {"name": tensor.name, "datatype": tensor.datatype, "shape": list(x.shape)}
        if wanted[tensor.name]:
            parts.append(x.astype(x.dtype.newbyteorder("<"), copy=False).tobytes())
            one["parameters"] = {"binary_data_size": len(parts[-1])}
        elif x.size > half.run.limits.listed:
            raise Refused(413, f"the answer has {x.size:,} numbers: as JSON at most {half.run.limits.listed:,} are given.")
        else:
            one["data"] = nested(x.ravel())
        outputs.append(one)
    header = json_response({**answer, "outputs": outputs})
    if not parts:
        return header
    first = bytes(header.body)
    return Response(b"".join([first, *parts]), headers={LENGTH: str(len(first))}, media_type=OCTETS)


def _parts(content: bytes, length: str | None, most: int) -> tuple[dict[str, Any], bytes]:
    """The JSON of a request, and the bytes of tensors after it. Raises Refused (400)."""
    if length is not None and not (length.isascii() and length.isdecimal() and int(length) <= len(content)):
        raise Refused(400, f"{LENGTH}: {length!r:.40} of {len(content):,} bytes: expected that of the JSON.")
    end = len(content) if length is None else int(length)
    if end > most:
        raise Refused(413, f"{end:,} bytes of JSON: {most:,} are allowed. Send tensors as binary data.")
    try:
        said = json.loads(content[:end], parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"the request is no JSON: {error or 'nested too deeply'}.") from None
    if not isinstance(said, dict):
        raise Refused(400, "the request is no JSON object with inputs.")
    return said, content[end:]


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _inputs(half: Half, said: Mapping[str, Any], binary: bytes) -> dict[str, Array]:
    """The tensors of a request, each checked against what the model takes. Raises Refused (400)."""
    known = {one.name: one for one in half.inputs}
    given, found, first = said.get("inputs"), {}, 0
    if not isinstance(given, list) or not all(isinstance(one, dict) for one in given):
        raise Refused(400, "inputs: expected a list of tensors, each with name, datatype, shape and data.")
    for one in given:
        name = one.get("name")
        if not isinstance(name, str) or name not in known or name in found:
            raise Refused(400, f"inputs: {half.name} takes {' and '.join(known)}, each once; got {name!r:.40}.")
        tensor = known[name]
        shape = _shape(one, tensor)
        size = _parameters(one).get("binary_data_size")
        if size is None:
            found[name] = _of_json(one.get("data"), shape, tensor)
            continue
        expected = math.prod(shape) * tensor.dtype.itemsize
        if type(size) is not int or size != expected or first + size > len(binary):
            raise Refused(
                400,
                f"{name}: {size!r:.40} bytes for shape {shape} of {tensor.datatype}, which has {expected:,}; "
                f"{len(binary) - first:,} were sent.",
            )
        x = np.frombuffer(binary, tensor.dtype.newbyteorder("<"), math.prod(shape), first)
        found[name] = x.reshape(shape).astype(tensor.dtype, copy=False)
        first += size
    if missing := [name for name in known if name not in found]:
        raise Refused(400, f"inputs: {' and '.join(missing)} is missing.")
    if first != len(binary):
        raise Refused(400, f"{len(binary) - first:,} bytes after the tensors belong to none.")
    if len({len(x) for x in found.values()}) > 1:
        raise Refused(400, "inputs: they have different numbers of rows.")
    if "given" in found and not np.isfinite(found["given"]).all():
        raise Refused(400, "given: NaN or infinity is no condition.")
    return found


def _shape(one: Mapping[str, Any], tensor: Tensor) -> tuple[int, ...]:
    """The shape of a tensor in a request. Raises Refused (400)."""
    shape: Any = one.get("shape")
    datatype = one.get("datatype")
    if datatype != tensor.datatype:
        raise Refused(400, f"{tensor.name}: expected datatype {tensor.datatype}, got {datatype!r:.40}.")
    whole = isinstance(shape, list) and all(type(size) is int for size in shape)
    if not (whole and shape) or tuple(shape[1:]) != tensor.shape or shape[0] < 1:
        expected = ", ".join(map(str, tensor.shape))
        raise Refused(400, f"{tensor.name}: expected shape [n, {expected}], n at least 1; got {shape!r:.80}.")
    return tuple(shape)


def _of_json(data: Any, shape: tuple[int, ...], tensor: Tensor) -> Array:
    """A tensor from JSON: row by row, nested or not. Raises Refused (400)."""
    try:
        x = np.asarray(data)
    except (ValueError, OverflowError, RecursionError):
        x = np.empty(0, object)
    numbers = x.dtype.kind in ("b" if tensor.dtype.kind == "b" else "iu" if tensor.dtype.kind in "iu" else "iuf")
    if not numbers or x.size != math.prod(shape):
        raise Refused(
            400, f"{tensor.name}: expected data, {math.prod(shape):,} numbers of type {tensor.datatype} in lists, none missing."
        )
    if tensor.dtype.kind in "iu" and x.size:
        ends = np.iinfo(tensor.dtype)
        if int(x.min()) < ends.min or int(x.max()) > ends.max:
            raise Refused(
                400, f"{tensor.name}: expected {tensor.datatype}, {ends.min} to {ends.max}; got {x.min()} to {x.max()}."
            )
    with np.errstate(over="ignore"):
        found = x.astype(tensor.dtype)
    if found.dtype.kind == "f" and not np.isfinite(found).all():
        raise Refused(400, f"{tensor.name}: a number is too large for {tensor.datatype}.")
    return found.reshape(shape)


def _parameters(one: Mapping[str, Any]) -> Mapping[str, Any]:
    found = one.get("parameters", {})
    if not isinstance(found, dict):
        raise Refused(400, f"parameters: expected an object, got {found!r:.40}.")
    return found


def _wanted(half: Half, said: Mapping[str, Any]) -> dict[str, bool]:
    """The outputs that are wanted, and whether as bytes. Raises Refused (400)."""
    known = [one.name for one in half.outputs]
    as_bytes = _parameters(said).get("binary_data_output") is True
    given = said.get("outputs")
    if given is None or given == []:
        return dict.fromkeys(known, as_bytes)
    if not isinstance(given, list) or not all(isinstance(one, dict) and one.get("name") in known for one in given):
        raise Refused(400, f"outputs: {half.name} gives {' and '.join(known)}.")
    return {one["name"]: _parameters(one).get("binary_data", as_bytes) is True for one in given}
