"""All that training is made of at one moment, so that it can be begun again there: bit for bit, as if it had never stopped.

Weights, the optimiser's moments, the average of the weights, the best weights, the sums of a half-done epoch, random
generators, and the place in the data. The order of the data is not here: it follows from the seed and the epoch's number (see
`Batches`).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

import torch
from torch import Tensor

from latentwalk.chance import random_state, set_random_state
from latentwalk.training import history
from latentwalk.training.history import Epoch
from latentwalk.training.mean import Mean
from latentwalk.training.step import Step

__all__ = ["Place", "Snapshot", "State"]


@dataclass(slots=True)
class Place:
    """How far training has come.

    epoch: the one being worked on, from 1. index: how many of its batches are done. best: the lowest loss so far. stale:
    epochs since. slower: what the learning rate is multiplied with, after rescues. elapsed: seconds of the epoch so far. spent:
    seconds of the epochs before it, validation included. precision: that of all steps, once it is chosen.
    """

    epoch: int = 1
    index: int = 0
    best: float = math.inf
    stale: int = 0
    slower: float = 1.0
    rescues: int = 0
    elapsed: float = 0.0
    spent: float = 0.0
    precision: str | None = None
    history: list[Epoch] = field(default_factory=list)

    def copy(self) -> "Place":
        """The same place, with a history of its own."""
        return replace(self, history=list(self.history))

    def to_json(self) -> dict[str, Any]:
        """Plain values, for a JSON file."""
        return {f.name: getattr(self, f.name) for f in fields(self)} | {"history": history.epochs_to_json(self.history)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Place":
        """The place that a snapshot holds. Raises KeyError, TypeError, ValueError, AttributeError for anything else."""
        said = {name: values[name] for name in ("epoch", "index", "stale", "rescues", "best", "slower", "elapsed")}
        said["spent"] = values.get("spent", 0.0)  # which earlier versions did not count
        counts, numbers = list(said.values())[:4], list(said.values())[4:]
        if not all(type(count) is int and count >= 0 for count in counts) or not all(
            isinstance(n, (int, float)) for n in numbers
        ):
            raise ValueError(f"no training comes to the place {said}")
        precision = values.get("precision")
        if not (precision is None or isinstance(precision, str)):
            raise TypeError(f"no training has the precision {precision!r:.40}")
        return cls(**said, precision=precision, history=history.epochs_from_json(values["history"]))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A state that can be written: the place, the examples in the sums, the scaler's own state, and named tensors."""

    place: Place
    rows: int
    scaler: Mapping[str, Any] | None
    tensors: Mapping[str, Tensor]

    @classmethod
    def from_numbers(cls, numbers: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> "Snapshot":
        """The snapshot of what `numbers` gave. Raises KeyError, TypeError, ValueError, AttributeError for anything else."""
        return cls(Place.from_json(numbers["place"]), numbers["rows"], numbers["scaler"], tensors)

    @property
    def numbers(self) -> dict[str, Any]:
        """All but the tensors, as JSON values: made when it is written, not at each epoch."""
        return {"place": self.place.to_json(), "rows": self.rows, "scaler": self.scaler}

    def part(self, name: str) -> dict[str, Tensor]:
        """The tensors called `name.…`, by the rest of their names."""
        return {key.removeprefix(f"{name}."): value for key, value in self.tensors.items() if key.startswith(f"{name}.")}


@dataclass(slots=True)
class State:
    """What changes while training: that of a `Step`, and beside it the place, the sums of the epoch and the best weights."""

    step: Step
    place: Place = field(default_factory=Place)
    mean: Mean = field(default_factory=Mean)
    best: dict[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.best = self.weights()

    def weights(self) -> dict[str, Tensor]:
        """A copy of the model's weights; where they are averaged, of the average."""
        with self.step.judged():
            return _copied(self.step.model.state_dict())

    def snapshot(self, mean: Mean | None = None) -> Snapshot:
        """A copy of all of it. mean: the sums of all processes, where several share the work."""
        step, mean = self.step, mean or self.mean
        parts: dict[str, Mapping[str, Tensor]] = {
            "model": _copied(step.model.state_dict()),
            "best": self.best,  # replaced when there are better ones, never changed
            "optimiser": _copied(_moments(step.optimiser)),
            "sums": _copied(mean.sums),
            "random": {str(i): state for i, state in enumerate(random_state(self._device))},
        }
        if step.average is not None:
            parts["average"] = _copied(dict(_numbered(step.average.values)) | {"steps": step.average.steps})
        if step.guard is not None:
            parts["guard"] = {"usual": step.guard.usual.clone()}
        scaler = None if step.scaler is None else step.scaler.state_dict()
        tensors = {f"{part}.{name}": value for part, named in parts.items() for name, value in named.items()}
        return Snapshot(self.place.copy(), mean.rows, scaler, tensors)

    def restore(self, saved: Snapshot, *, leads: bool = True) -> None:
        """Be as when the snapshot was taken. leads: whether this process goes on with the sums of the half-done epoch.

        Raises KeyError, TypeError, ValueError, RuntimeError for a snapshot of something else.
        """
        step = self.step
        step.model.load_state_dict(saved.part("model"))
        _set_moments(step.optimiser, saved.part("optimiser"))
        if step.average is not None:
            average = saved.part("average")
            step.average.steps.copy_(average["steps"])
            for index, value in enumerate(step.average.values):
                value.copy_(average[str(index)])
        if step.guard is not None:
            step.guard.usual.copy_(saved.part("guard")["usual"])
        if step.scaler is not None:
            step.scaler.load_state_dict(dict(saved.scaler or {}))
        self.place = saved.place.copy()
        sums = {name: value.to(self._device, copy=True) for name, value in saved.part("sums").items()}
        self.mean = (
            Mean(saved.rows, sums) if leads else Mean(0, {name: torch.zeros_like(value) for name, value in sums.items()})
        )
        self.best = saved.part("best")
        random = saved.part("random")
        set_random_state([random[str(i)].cpu() for i in range(len(random))], self._device)

    @property
    def _device(self) -> torch.device:
        return self.step.learnt[0].device


def _copied(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in tensors.items()}


def _numbered(values: Any) -> Any:
    return ((str(index), value) for index, value in enumerate(values))


def _moments(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """What the optimiser remembers, by the number of the weight and the name of the moment."""
    remembered = optimiser.state_dict()["state"]
    return {f"{weight}.{name}": value for weight, moments in remembered.items() for name, value in moments.items()}


def _set_moments(optimiser: torch.optim.Optimizer, saved: Mapping[str, Tensor]) -> None:
    """Fused kernels walk through weights and moments side by side, so both must lie in memory in the same order."""
    weights = [weight for group in optimiser.param_groups for weight in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in saved.items():
        index, name = key.split(".", 1)
        weight = weights[int(index)]
        like = torch.empty_like(weight) if value.shape == weight.shape else torch.empty_like(value)
        state.setdefault(int(index), {})[name] = like.copy_(value)
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
