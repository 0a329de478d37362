"""A trained model as an ONNX file that scores rows as they come, without PyTorch, pandas or this library.

    of an autoencoder   columns → score (n,), each (n, *E): its `score_samples` and `score_each`
    of a detector       columns → score (n,), decision (n,), blame (n, *E): its own; below 0, the decision says strange

A table whose columns have names has an input (n,) for each, called as the column is, and of the type of its values:

    text                      strings, "" where a value is missing; another text than those learnt is "other"
    numbers, counts           float64, NaN where missing
    booleans                  float64: 0, 1, NaN; so are categories that are numbers
    dates, spans of time      int64: microseconds, of dates since 1970 in UTC, -2^63 where missing (NumPy's own NaT)

All other data is one input, `x` (n, *E), as of encoder.onnx. A model with a condition takes it as `given` (n, C) float32. Where
a column is called as another input or an output, these have a "_" after their name; their order stays. What Python refuses has
the score NaN, and of a detector the lowest there is: infinity, or values outside the range of a Bernoulli. Draws are those of
Python (`models.inference.Draws`). The metadata says what each input is ("inputs", JSON). The file is tried before it is kept.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from latentwalk.arrays import Array
from latentwalk.data.columns import Column
from latentwalk.data.spec import DataSpec
from latentwalk.models.densities import ColumnDensities
from latentwalk.models.inference import Draws, bound, each_at_code
from latentwalk.models.latent_model import LatentModel
from latentwalk.saving.onnx import TRIED, check_same, prepared, properties, some_labels, some_rows, traced, widened

__all__ = ["SCORER", "Verdict", "scorer_file"]

SCORER = "scorer.onnx"
MISSING = np.iinfo(np.int64).min  # what NumPy has for NaT
DOMAIN, VERSION = "ai.onnx.ml", 4  # of operators that tell texts apart


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a detector knows beside its model. usual: (*E). offset: below it is strange. lowest: the score, in place of NaN.

    columns: the densities that are pooled with the model's, of a table.
    """

    usual: Array
    offset: float
    lowest: float
    columns: ColumnDensities | None = None


def scorer_file(
    model: LatentModel,
    spec: DataSpec,
    columns: Sequence[Column] = (),
    *,
    draws: int = 1,
    volume: float = 0.0,
    limits: tuple[float, float] | None = None,
    verdict: Verdict | None = None,
) -> bytes:
    """The content of scorer.onnx. Raises ConfigError where that cannot be done with this model.

    columns: those with names. draws: of q(z | x) for each score. volume: see `Trained.log_volume`. limits: outside which values
    have no score.
    """
    model, about = prepared(model, spec)
    part = _Score(model, draws, volume, limits, verdict)
    rng = np.random.default_rng(0)
    x = _some_cells(model, columns, spec.missing, rng) if columns else some_rows(spec, rng)
    gives = ["score", "each"] if verdict is None else ["score", "decision", "blame"]
    program, expected = traced(part, {"x": x} | some_labels(model), gives)
    trial = {"x": x} | some_labels(model)
    inputs = [_said("x", "", str(x.dtype))]
    if columns:
        program, trial, inputs = _by_column(program, columns, trial)
    program.metadata_props.extend(properties(about | {"inputs": json.dumps(inputs)}))
    content: bytes = program.SerializeToString()
    check_same(content, trial, expected)
    return content


class _Score(nn.Module):
    """Raw data (n, *E) → what a scorer answers."""

    usual: Tensor

    def __init__(
        self, model: LatentModel, draws: int, volume: float, limits: tuple[float, float] | None, verdict: Verdict | None
    ) -> None:
        super().__init__()
        self.model, self.draw = model, Draws(model, draws)
        self.volume, self.limits = volume, limits
        self.lowest, self.offset = (torch.nan, 0.0) if verdict is None else (verdict.lowest, verdict.offset)
        usual = torch.zeros(0) if verdict is None else torch.from_numpy(np.asarray(verdict.usual, np.float64))
        self.judges = verdict is not None
        self.columns = None if verdict is None else verdict.columns
        self.register_buffer("usual", usual)

    def forward(self, raw: Tensor, given: Tensor | None = None) -> tuple[Tensor, ...]:
        raw = widened(raw)
        score = bound(self.model, raw, self.draw(raw), given).double() - self.volume
        each = each_at_code(self.model, raw, given).double()
        if self.columns is not None:
            alone = self.columns(raw)
            score, each = 0.5 * (score + alone.flatten(1).sum(1)), each + self.columns.against(alone)
        known = score.abs() < torch.inf
        if self.limits is not None:
            low, high = self.limits
            known = known & ~((raw < low) | (raw > high)).flatten(1).any(1)
        score = torch.where(known, score, self.lowest)
        if not self.judges:
            return score, each
        scaling = self.model.scaling
        far = scaling.arranged(scaling(raw)).double().abs().nan_to_num(0.0, posinf=-self.lowest).clamp(max=-self.lowest)
        blame = self.usual - each
        blame = torch.where(blame.abs() < torch.inf, blame, far)
        if raw.is_floating_point():
            blame = torch.where(raw.isnan(), 0.0, blame)
        return score, score - self.offset, blame


# ---------------------------------------------------------------------- columns as inputs


def _by_column(program: Any, columns: Sequence[Column], trial: Mapping[str, Array]) -> tuple[Any, dict[str, Array], list[Any]]:
    """The program with an input for each column in place of x, its trial, and what each input is."""
    from onnx import TensorProto, compose, helper

    taken = {column.name for column in columns}
    inside = _free("inside/", lambda name: any(one.startswith(name) for one in taken))
    program = compose.add_prefix(program, inside)
    graph, nodes, inputs, said, fed = program.graph, [], [], [], {}
    for at, column in enumerate(columns):
        kind, cell = _kind(column), f"{inside}cell/{at}"
        nodes += _cells(column, kind, cell)
        inputs.append(helper.make_tensor_value_info(column.name, getattr(TensorProto, kind.upper()), ["n"]))
        said.append(_said(column.name, column.name, kind))
        fed[column.name] = _as_input(trial["x"][:, at], column, kind)
    nodes.append(helper.make_node("Concat", [f"{inside}cell/{at}" for at in range(len(columns))], [f"{inside}x"], axis=1))
    others = [one for one in graph.input if one.name != f"{inside}x"]
    ends = []
    for one in (*others, *graph.output):
        outer = type(one)()
        outer.CopyFrom(one)
        outer.name = _free(one.name.removeprefix(inside), taken.__contains__, "_")
        if one in others:
            nodes.append(helper.make_node("Identity", [outer.name], [one.name]))
            inputs.append(outer)
            said.append(_said(outer.name, "", "float"))
            fed[outer.name] = trial["given"]
        else:
            ends.append((helper.make_node("Identity", [one.name], [outer.name]), outer))
    within = [*graph.node]
    for field, content in (
        (graph.node, [*nodes, *within, *(node for node, _ in ends)]),
        (graph.input, inputs),
        (graph.output, [outer for _, outer in ends]),
    ):
        del field[:]
        field.extend(content)
    if not any(one.domain == DOMAIN for one in program.opset_import):
        program.opset_import.append(helper.make_opsetid(DOMAIN, VERSION))
    return program, fed, said


def _free(name: str, taken: Any, more: str = "_") -> str:
    """The name, with as many signs after it as it needs not to be taken."""
    while taken(name):
        name += more
    return name


def _kind(column: Column) -> str:
    """The type of a column's input, as ONNX calls it."""
    if column.kind == "category":
        return "string" if isinstance(column.categories[0], str) else "double"
    return "int64" if column.dtype.startswith(("datetime64", "timedelta64")) else "double"


def _said(name: str, column: str, kind: str) -> dict[str, Any]:
    missing = {"string": "", "double": "NaN", "int64": str(MISSING)} if column else {}
    return {"name": name, "type": kind} | ({"missing": missing[kind]} if column else {})


def _cells(column: Column, kind: str, cell: str) -> list[Any]:
    """The nodes that take a column as it comes to numbers as `data.columns.encoded` has them: (n, 1) float64, called `cell`."""
    from onnx import TensorProto, helper
    from onnx.numpy_helper import from_array

    def constant(value: Any, name: str) -> Any:
        return helper.make_node("Constant", [], [f"{cell}/{name}"], value=from_array(np.array(value), name))

    nodes, flat = [], column.name
    if column.kind == "category":
        keys: list[Any] = [*column.categories]
        codes = [*range(len(keys))]
        gap: Any = "" if kind == "string" else np.nan
        if gap not in keys:  # text that is empty may be a category of its own
            keys, codes = [*keys, gap], [*codes, np.nan]
        told = {"keys_strings": keys} if kind == "string" else {"keys_tensor": from_array(np.array(keys, np.float64), "keys")}
        values = from_array(np.array(codes, np.float64), "values")
        other = from_array(np.array([len(column.categories)], np.float64), "other")
        nodes.append(
            helper.make_node(
                "LabelEncoder", [flat], [f"{cell}/code"], domain=DOMAIN, values_tensor=values, default_tensor=other, **told
            )
        )
        flat = f"{cell}/code"
    elif kind == "int64":
        nodes += [
            constant(MISSING, "gap"),
            constant(np.nan, "nan"),
            helper.make_node("Equal", [flat, f"{cell}/gap"], [f"{cell}/gone"]),
            helper.make_node("Cast", [flat], [f"{cell}/number"], to=TensorProto.DOUBLE),
            helper.make_node("Where", [f"{cell}/gone", f"{cell}/nan", f"{cell}/number"], [f"{cell}/flat"]),
        ]
        flat = f"{cell}/flat"
    return [*nodes, constant([-1, 1], "column"), helper.make_node("Reshape", [flat, f"{cell}/column"], [cell])]


# ---------------------------------------------------------------------- a trial


def _some_cells(model: LatentModel, columns: Sequence[Column], missing: bool, rng: np.random.Generator) -> Array:
    """Rows (TRIED, C) of a table such as it may be, with a gap and a category that is new in some of them."""
    noise = torch.from_numpy(rng.standard_normal((TRIED, len(columns)), dtype=np.float32))
    x: Array = model.scaling.inverse(noise).double().detach().numpy()
    for at, column in enumerate(columns):
        if column.kind == "category":
            x[:, at] = rng.integers(0, len(column.categories) + 1, TRIED)
        elif column.kind == "count":
            x[:, at] = rng.poisson(column.typical, TRIED)
        elif _kind(column) == "int64":
            x[:, at] = x[:, at].round()
    gaps = [at for at, column in enumerate(columns) if "" not in column.categories]  # where a gap can be told from a value
    if gaps and (missing or model.scaling.spec.columns):
        x[1, rng.choice(gaps)] = np.nan
    return x


def _as_input(cells: Array, column: Column, kind: str) -> Array:
    """Cells (n,) as they come: the way back from numbers."""
    if column.kind == "category":
        there = [*column.categories]
        new = _free("?", there.__contains__) if kind == "string" else 1 + max(map(float, there))
        gap = "" if kind == "string" else np.nan
        named = [gap if np.isnan(code) else [*there, new][int(code)] for code in cells]
        return np.array(named, dtype=object if kind == "string" else np.float64)
    if kind == "int64":
        return np.where(np.isnan(cells), MISSING, np.nan_to_num(cells).astype(np.int64))
    return cells
