"""A trained model as ONNX files, which run without PyTorch and without this library.

    encoder.onnx   x (n, *E), raw data in its own units, layout and type → codes (n, D), the posterior means
    decoder.onnx   codes (n, D) → x (n, *E), the likelihood means, in the units and layout of the data, not rounded

A decoder of units that come one after the other (texts, music) is two files, which whoever runs them calls in turn:

    decoder.onnx   codes (n, D) → known (n, K), read at each step, and memory, memory_2, … (n, L, H), before the first unit
    step.onnx      last (n,) int64, the unit before, 0 at first; known; memory … → scores (n, units) of the next, memory …

The next unit is the one of the largest score, or one drawn by softmax(scores); 0 is the end. "spec" has the units by number.

A model with a condition takes it as a second input of both, `given` (n, C) float32, of which one is 1 in each row. Scaling is
part of both. n is any number. Rows of a frame go in and come out as numbers, one a column, as `columns.encoded` has them; the
metadata of both files says what these mean ("spec", JSON), and which model they are of ("model", a hash of its weights). Each
file is tried before it is written: onnxruntime must answer as PyTorch does.
"""

import contextlib
import copy
import hashlib
import importlib.util
import inspect
import json
import logging
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor, nn

from latentwalk.arrays import Array
from latentwalk.data.scaling import as_tensor
from latentwalk.data.spec import DataSpec
from latentwalk.errors import ConfigError
from latentwalk.files import telling, write_together
from latentwalk.models.latent_model import LatentModel
from latentwalk.models.serial import SerialConditional
from latentwalk.models.stepwise import StepwiseConditional
from latentwalk.networks.serial import AutoregressiveDecoder
from latentwalk.surroundings import hushed, imported, same_floats, unmoved

__all__ = [
    "DECODER",
    "ENCODER",
    "STEP",
    "TRIED",
    "check_same",
    "exported",
    "onnx_files",
    "prepared",
    "properties",
    "some_labels",
    "some_rows",
    "traced",
    "widened",
]

ENCODER, DECODER, STEP = "encoder.onnx", "decoder.onnx", "step.onnx"
NEEDED = ("onnx", "onnxscript", "onnxruntime")
LARGEST = 2**31 - 2**20  # bytes of weights in one file: protocol buffers end at 2 GiB
TRIED = 3  # rows of each trial; neither 0 nor 1, which PyTorch's tracer takes for constants
QUIETLY = {"ORT_DISABLE_TELEMETRY": "1"}  # onnxruntime would begin a thread that tells its makers, and open a file of theirs
CLOSE = 1e-5  # of the range of an answer


def onnx_files(model: LatentModel, spec: DataSpec) -> dict[str, bytes]:
    """The content of each file, by its name. Raises ConfigError where that cannot be done with this model."""
    model, about = prepared(model, spec)
    rng = np.random.default_rng(0)
    codes = rng.standard_normal((TRIED, model.dim), dtype=np.float32)
    given = some_labels(model)
    parts: dict[str, _Part] = {ENCODER: (_Encode(model), {"x": some_rows(spec, rng)} | given, ["codes"])}
    if isinstance(model.decoder, StepwiseConditional):
        raise ConfigError(
            "a decoder with a code for every step is not exported to ONNX. Use it with PyTorch: Autoencoder.load."
        )
    if isinstance(model.decoder, SerialConditional):
        parts |= _stepwise(model.decoder.body, {"codes": codes} | given)
    else:
        parts[DECODER] = _Decode(model), {"codes": codes} | given, ["x"]
    return {name: _onnx(*part, about) for name, part in parts.items()}


def _stepwise(body: AutoregressiveDecoder, trial: dict[str, Array]) -> "dict[str, _Part]":
    """The two parts of a decoder of units. Raises ConfigError where its memory grows from step to step."""
    with torch.no_grad():
        known, *memory = _Begin(body)(*(torch.from_numpy(array) for array in trial.values()))
        last = torch.arange(len(known)) % body.units
        _, *after = _Step(body)(last, known, *memory)
    if [part.shape for part in memory] != [part.shape for part in after]:
        raise ConfigError(
            "this decoder remembers more with each unit, which an ONNX file of one step does not hold. Use it with PyTorch: "
            "Autoencoder.load; or fit network='gru'."
        )
    names = ["memory" if at == 0 else f"memory_{at + 1}" for at in range(len(memory))]
    before = {"last": last.numpy(), "known": known.numpy()} | {
        name: part.numpy() for name, part in zip(names, memory, strict=True)
    }
    return {
        DECODER: (_Begin(body), trial, ["known", *names]),
        STEP: (_Step(body), before, ["scores", *(f"{name}_after" for name in names)]),
    }


def exported(files: Mapping[str, bytes], folder: str | os.PathLike[str]) -> tuple[Path, ...]:
    """Write files by their paths in the folder, replacing those that are there: all, or none. Raises CheckpointError."""
    folder = Path(folder)
    with telling("write to", folder, "Free some space or choose another folder, and export again."):
        for name in files:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_together({folder / name: content for name, content in files.items()})
    return tuple(folder / name for name in files)


def prepared(model: LatentModel, spec: DataSpec) -> tuple[LatentModel, dict[str, str]]:
    """A copy of the model to be traced, and what its files say about it. Raises ConfigError where it cannot be exported."""
    _check_possible(model)
    model = copy.deepcopy(model).cpu().eval()  # tracing leaves its marks in a model
    return model, {"spec": json.dumps(spec.to_json()), "model": hashlib.sha256(save(_weights(model))).hexdigest()}


class _Encode(nn.Module):
    """Raw data (n, *E) of the type it came in → posterior means (n, D)."""

    def __init__(self, model: LatentModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, raw: Tensor, given: Tensor | None = None) -> Tensor:
        mean: Tensor = self.model.encoder(self.model.scaling(widened(raw)), given).mean
        return mean


class _Decode(nn.Module):
    """Codes (n, D) → likelihood means (n, *E) in the units of the data."""

    def __init__(self, model: LatentModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, codes: Tensor, given: Tensor | None = None) -> Tensor:
        return self.model.scaling.inverse(self.model.decoder(codes, given).mean)


class _Begin(nn.Module):
    """Codes (n, D) → what is known all the time (n, K), and what is remembered before the first unit, (n, L, H) each."""

    def __init__(self, body: AutoregressiveDecoder) -> None:
        super().__init__()
        self.body = body

    def forward(self, codes: Tensor, given: Tensor | None = None) -> tuple[Tensor, ...]:
        known, memory = self.body.begin(codes if given is None else torch.cat([codes, given], dim=-1))
        return known, *(part.transpose(0, 1) for part in memory)


class _Step(nn.Module):
    """The unit before (n,), what is known and remembered → the scores (n, units) of the next, and what is remembered then."""

    def __init__(self, body: AutoregressiveDecoder) -> None:
        super().__init__()
        self.body = body

    def forward(self, last: Tensor, known: Tensor, *memory: Tensor) -> tuple[Tensor, ...]:
        scores, after = self.body.step(last, known, tuple(part.transpose(0, 1).contiguous() for part in memory))
        return scores, *(part.transpose(0, 1) for part in after)


_Part = tuple[nn.Module, dict[str, Array], list[str]]  # what is traced, what it is tried with, what it gives


def widened(raw: Tensor) -> Tensor:
    """Raw data, of the next larger type that PyTorch calculates with."""
    return raw.to(as_tensor(np.empty(0, str(raw.dtype).removeprefix("torch."))).dtype)


def _onnx(part: nn.Module, trial: dict[str, Array], gives: list[str], about: dict[str, str]) -> bytes:
    """The content of an ONNX file for one half of a model; trial: what it is tried with, by name. Raises ConfigError."""
    program, expected = traced(part, trial, gives)
    program.metadata_props.extend(properties(about))
    content: bytes = program.SerializeToString()
    check_same(content, trial, expected)
    return content


def traced(part: nn.Module, trial: Mapping[str, Array], gives: Sequence[str]) -> tuple[Any, list[Array]]:
    """A part of a model as an ONNX program, and what it answers for `trial`: its inputs, by name. Raises ConfigError."""
    rows = tuple(torch.from_numpy(array) for array in trial.values())
    with _quiet(), torch.no_grad():
        answers = part(*rows)
        try:
            program = torch.onnx.export(
                part,
                rows,
                input_names=list(trial),
                output_names=list(gives),
                dynamic_shapes=_shapes(part, len(rows)),
                custom_translation_table={torch.ops.aten.lgamma.default: _log_gamma},
                dynamo=True,
                verbose=False,
            )
        except RuntimeError as error:
            raise ConfigError(
                f"the part of this model that makes {' and '.join(gives)} cannot be exported to ONNX: {_reason(error)}. Use it "
                "with PyTorch: Autoencoder.load."
            ) from error
        assert program is not None
        proto = program.model_proto
    return proto, [answer.detach().numpy() for answer in (answers if isinstance(answers, tuple) else (answers,))]


def _shapes(part: nn.Module, inputs: int) -> tuple[Any, ...]:
    """Of which size, by input, any number is taken: the first. Those of `*memory` are one input for PyTorch."""
    each = ({0: torch.export.Dim("n")},) * inputs
    kinds = [one.kind for one in inspect.signature(part.forward).parameters.values()]
    alone = kinds.index(inspect.Parameter.VAR_POSITIONAL) if inspect.Parameter.VAR_POSITIONAL in kinds else inputs
    return each if alone == inputs else (*each[:alone], each[alone:])


def _log_gamma(x: Any) -> Any:
    """log Gamma(x), x > 0, for ONNX, which has no such operator.

    By Stirling's series at x + 8, and back by Gamma(x + 1) = x Gamma(x). Exact to some 1e-13 in float64.
    Source: Abramowitz & Stegun 1964, 6.1.41.
    """
    from onnx.numpy_helper import from_array
    from onnxscript import opset18

    op: Any = opset18

    def number(value: float) -> Any:
        return op.CastLike(op.Constant(value=from_array(np.array(value, np.float64))), x)

    y = op.Add(x, number(8.0))
    product = x
    for step in range(1, 8):
        product = op.Mul(product, op.Add(x, number(float(step))))
    series = number(0.0)
    square = op.Reciprocal(op.Mul(y, y))
    for coefficient in (-691 / 360_360, 1 / 1188, -1 / 1680, 1 / 1260, -1 / 360, 1 / 12):  # of y^-11, …, y^-1
        series = op.Add(op.Mul(series, square), number(coefficient))
    stirling = op.Sub(op.Mul(op.Sub(y, number(0.5)), op.Log(y)), op.Sub(y, number(0.5 * math.log(2 * math.pi))))
    return op.Sub(op.Add(stirling, op.Div(series, y)), op.Log(product))


def properties(about: Mapping[str, str]) -> Iterator[Any]:
    """What a file says about itself."""
    from onnx import StringStringEntryProto

    return (StringStringEntryProto(key=key, value=value) for key, value in about.items())


def _check_possible(model: LatentModel) -> None:
    """Raise ConfigError where a package is missing, or the model is too large for the format."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigError(f"export needs {' and '.join(missing)}. Install it: pip install 'latentwalk[export]'.")
    size = sum(weight.nbytes for weight in model.parameters())
    if size > LARGEST:
        raise ConfigError(f"the model's weights are {size:,} bytes; an ONNX file holds {LARGEST:,}. Fit a smaller network.")


def check_same(content: bytes, trial: Mapping[str, Array], expected: Sequence[Array]) -> None:
    """Raise ConfigError where onnxruntime does not find in `trial` what PyTorch finds, for all rows and for one."""
    with unmoved(QUIETLY), same_floats():  # onnxruntime sets them as it likes
        _check_same(content, trial, expected)


def _check_same(content: bytes, trial: Mapping[str, Array], expected: Sequence[Array]) -> None:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    spans = [np.ptp(all_) if np.isfinite(all_).all() else 1.0 for all_ in expected]
    for rows in (len(expected[0]), 1):
        answers = session.run(None, {name: array[:rows] for name, array in trial.items()})
        for found, wanted, span in zip(answers, (array[:rows] for array in expected), spans, strict=True):
            if not np.allclose(found, wanted, rtol=CLOSE, atol=CLOSE * span, equal_nan=True):
                raise ConfigError(
                    f"onnxruntime {onnxruntime.__version__} does not answer as PyTorch does: they differ by up to "
                    f"{np.abs(found - wanted).max():.3g}, in answers that range over {span:.3g}. Nothing was written. "
                    "Another version of onnxruntime may do better."
                )


def some_labels(model: LatentModel) -> dict[str, Array]:
    """The condition of the rows of a trial, by the name of its input, for a model that takes one."""
    return {"given": np.eye(model.classes, dtype=np.float32)[np.arange(TRIED) % model.classes]} if model.classes else {}


def some_rows(spec: DataSpec, rng: np.random.Generator) -> Array:
    """Rows (TRIED, *E) such as the model learnt from may have been, of the same type, some of them not all observed."""
    rows = rng.uniform(spec.low, spec.high, (TRIED, *spec.shape))
    if spec.missing:
        rows[rng.random(rows.shape) < 0.2] = np.nan
    dtype = np.dtype(spec.dtype).newbyteorder("=")
    return rows.astype(dtype if dtype.itemsize <= 8 else np.float64)


def _weights(model: LatentModel) -> dict[str, Tensor]:
    return {name: value.contiguous() for name, value in model.state_dict().items()}


def _reason(error: BaseException) -> str:
    """The innermost cause in a line: an exporter wraps it in pages of advice."""
    while error.__cause__ is not None:
        error = error.__cause__
    return str(error).strip().splitlines()[0].rstrip(".")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The exporter speaks to its own programmers, of packages it could use and of PyTorch's future: not here.

    Nor does the bar that it does not show leave a thread that watches it.
    """
    bars = imported("tqdm").tqdm if importlib.util.find_spec("tqdm") else None
    every = None if bars is None else bars.monitor_interval
    talkers = [logging.getLogger(name) for name in ("torch.onnx", "torch.export", "torch.fx", "onnxscript", "onnx_ir")]
    before = [talker.level for talker in talkers]
    with hushed(), unmoved(QUIETLY):
        try:
            for talker in talkers:
                talker.setLevel(logging.CRITICAL)
            if bars is not None:
                bars.monitor_interval = 0
            yield
        finally:
            for talker, level in zip(talkers, before, strict=True):
                talker.setLevel(level)
            if bars is not None:
                bars.monitor_interval = every
