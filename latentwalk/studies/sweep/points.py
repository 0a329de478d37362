"""The points of a sweep: every combination of the values on its axes, or some of them drawn at random."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from sklearn.model_selection import ParameterGrid, ParameterSampler

from latentwalk.checks import whole
from latentwalk.errors import ConfigError, DataError, unknown
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.estimators.options import IDLE, SETTINGS, moved
from latentwalk.models.recipes import Recipe, recipe_named
from latentwalk.models.schedule import Schedule
from latentwalk.networks.build import Network
from latentwalk.training.settings import Settings

__all__ = ["DATA", "Grid", "Setting", "check_axes", "check_options", "heading", "settings", "value_name"]

Grid = Mapping[str, Sequence[Any]]
ROWS, DATA = "rows", "data"
TITLES = {"latent": "dimensions", "class_accuracy": "class accuracy"}
OUTSIDE = {
    "random_state": "seeds=…",
    "warm_start": "fit again with the same folder",
    "track": "Autoencoder(training=Settings(track=…)), for one model",
    "complete": "fit_sampler, for one model",
    "data": "fit({name: data, …})",
}
PARTS: tuple[tuple[str, type[Recipe] | type[Network] | type[Settings]], ...] = (
    ("recipe", Recipe),
    ("network", Network),
    ("training", Settings),
)  # options that have options
WEIGHED = ("elbo", "decomposed_elbo")  # objectives with a weight beta


@dataclass(frozen=True, slots=True)
class Setting:
    """One trial to be made. data: the name of the data set. values: by axis."""

    data: str
    values: Mapping[str, Any]
    seed: int

    @property
    def rows(self) -> int | None:
        """How many rows are learnt from; None is all."""
        return self.values.get(ROWS)

    @property
    def named(self) -> dict[str, Any]:
        """The values as numbers and names, ready for a table."""
        return {DATA: self.data, **{name: value_name(value) for name, value in self.values.items()}, "seed": self.seed}

    def __str__(self) -> str:
        rest = (f"{heading(name)} {value}" for name, value in self.named.items() if name != DATA)
        return ", ".join([self.data, *rest])

    def model(self, recipe: str | Recipe, options: Mapping[str, Any], of: int) -> Autoencoder:
        """The untrained model. of: rows of the data set; fewer are gone through more often, for the same number of steps.

        Raises ConfigError that names this setting.
        """
        own = {name: value for name, value in self.values.items() if name != ROWS}
        try:
            model = Autoencoder(recipe, **{**options, "random_state": self.seed, "progress": False, "complete": False})
            model.set_params(**{name: own[name] for name in sorted(own, key=lambda name: "__" in name)}).check()
            if self.rows is not None:
                model.epochs = round(model.epochs * of / self.rows)
            beta = "recipe__beta" in own and recipe_named(model.recipe).objective not in WEIGHED
        except (TypeError, ValueError) as error:  # a value of a foreign type, and any of our own complaints
            raise ConfigError(f"{self}: {error}") from error
        if beta:
            raise ConfigError(f"{self}: this recipe has no KL for beta to weigh. Leave recipe__beta out, or use 'vae'.")
        return model


def check_options(options: Mapping[str, Any], grid: Grid) -> None:
    """Raise ConfigError for what is no option of an `Autoencoder`, or is said twice."""
    known = [name for name in Autoencoder().get_params(deep=False) if name not in (*OUTSIDE, "progress", "recipe")]
    if isinstance(options.get("training"), Settings) and options["training"].track is not None:
        raise ConfigError(f"track is no option of a sweep. Say it otherwise: {OUTSIDE['track']}.")
    for name in options:
        if name in grid:
            raise ConfigError(f"{name} is an axis of the grid and an option as well. Leave one of them out.")
        if name in SETTINGS and name not in OUTSIDE:
            raise moved(name, options[name])
        if name not in known:
            raise unknown("option", name, known)


def check_axes(grid: Grid, *, drawing: bool) -> None:
    """Raise ConfigError for an axis that is no parameter, has no values, or has values that a table could not tell apart.

    drawing: whether settings are drawn at random, so that a distribution of scipy.stats may stand for values.
    """
    own = [name for name in Autoencoder().get_params(deep=False) if name not in (*OUTSIDE, *IDLE)]
    inner = [f"{whole}__{part.name}" for whole, kind in PARTS for part in fields(kind) if part.name not in IDLE]
    if not isinstance(grid, Mapping) or not grid:
        raise ConfigError('a sweep needs at least one axis. For example {"latent": [2, 4, 8]}.')
    for name, values in grid.items():
        if name in OUTSIDE:
            raise ConfigError(f"{name} is no axis of the grid. Say it otherwise: {OUTSIDE[name]}.")
        if name not in (*own, *inner, ROWS):
            raise unknown("axis", name, [*own, ROWS, *inner])
        if drawing and hasattr(values, "rvs"):
            continue
        if isinstance(values, (str, Mapping)) or not isinstance(values, Iterable) or not len(list(values)):
            example = "Give n_iter with a distribution." if hasattr(values, "rvs") else f"For example [{_example(name)}]."
            raise ConfigError(f"{name}={values!r}: expected a list of at least one value. {example}")
        _check_names(name, list(values))


def settings(
    grid: Grid, data: Mapping[str, int], seeds: Sequence[int], n_iter: int | None = None, random_state: int = 0
) -> list[Setting]:
    """All settings, or `n_iter` of them drawn at random: those of the first seed, then those of the next, …

    data: rows to learn from, by the name of each data set. A larger `n_iter` begins with the same settings.
    Raises DataError for more rows than there are.
    """
    axes = {name: values if hasattr(values, "rvs") else list(values) for name, values in grid.items()}
    named = axes if len(data) == 1 else {DATA: list(data), **axes}
    if n_iter is None:
        points: list[dict[str, Any]] = list(ParameterGrid(named))
    else:
        lists = not any(hasattr(values, "rvs") for values in named.values())
        whole = len(ParameterGrid(named)) if lists else n_iter  # a whole grid is shuffled once, so that more begin alike
        points = list(ParameterSampler(named, whole, random_state=random_state))[:n_iter]
    only, found = next(iter(data)), []
    for seed in seeds:
        for point in points:
            name, values = point.get(DATA, only), {axis: point[axis] for axis in grid}
            _check_rows(values.get(ROWS), name, data[name])
            found.append(Setting(name, values, int(seed)))
    return found


def value_name(value: Any) -> Any:
    """A value of an axis as a number, a name or None."""
    match value:
        case np.generic():
            return value.item()
        case None | bool() | int() | float() | str():
            return value
        case Recipe():
            return value.name
        case Network():
            return value.kind if value.widths is None else f"{value.kind} {value_name(value.widths)}"
        case Schedule(rise=0.0):
            return value.value
        case tuple() | list():
            return "-".join(str(value_name(one)) for one in value)
    return str(value)


def heading(name: str) -> str:
    """The name of a column that people read: recipe__beta → beta."""
    return TITLES.get(name, name.split("__")[-1].replace("_", " "))


def _check_names(axis: str, values: Sequence[Any]) -> None:
    names = [value_name(value) for value in values]
    for at, name in enumerate(names):
        if name in names[:at]:
            raise ConfigError(f"axis {axis} has two values that are called {name!r}. Leave one out, or give them other names.")


def _check_rows(rows: Any, name: str, most: int) -> None:
    whole("rows", rows, "rows to learn from", least=2, none="all")
    if rows is not None and rows > most:
        raise DataError(f"rows={rows:,}: {name} has {most:,} rows to learn from. Use at most that many.")


def _example(name: str) -> str:
    return {"latent": "2, 4, 8", "recipe__beta": "0.25, 1, 4", "network": '"dense", "conv"', ROWS: "1000, 5000"}.get(name, "…")
