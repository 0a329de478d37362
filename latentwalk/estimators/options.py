"""What an estimator was asked for: its parameters as they were set, and what they come to."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import wraps
from typing import Any, ParamSpec, get_args

import numpy as np
from sklearn.utils import check_random_state
from torch import nn

from latentwalk.chance import fresh_seed
from latentwalk.checks import COUNTED, MADE, own_numbers, share, whole
from latentwalk.data.corruption import Corruption, corruption_named
from latentwalk.data.powers import Transforms
from latentwalk.data.spec import DataSpec, Kind
from latentwalk.errors import ConfigError, unknown
from latentwalk.latent.completion import BEST, QUICK, check_sampler
from latentwalk.latent.samplers import Vamp
from latentwalk.models.likelihood import Likelihood
from latentwalk.models.recipes import Recipe, recipe_named
from latentwalk.networks.build import CONVOLUTIONAL, RECURRENT, Network, network_named
from latentwalk.saving.options import params_from_json, params_to_json
from latentwalk.training.plan import Plan
from latentwalk.training.runtime import device_named
from latentwalk.training.settings import Settings

__all__ = ["FREE", "IDLE", "SETTINGS", "Options", "flat", "flat_json", "moved", "params_of", "places_told", "seed_from"]

P = ParamSpec("P")
MAY_DIFFER = {"free": True}  # where a training is gone on with; random_state, where it is not the same seed, is told by that
IS_IDLE = {"free": True, "idle": True}  # no number depends on it


@dataclass(frozen=True, slots=True)
class Options:
    """The parameters of an `Autoencoder`, by their names. What they mean is said there."""

    recipe: str | Recipe
    latent: int | None
    network: str | Network | Sequence[nn.Module]
    likelihood: str | Likelihood
    noise: float | tuple[float, float] | str | Corruption | None
    epochs: int = field(metadata=MAY_DIFFER)
    batch_size: int
    learning_rate: float
    patience: int | None = field(metadata=MAY_DIFFER)
    validation: float | Sequence[int | bool]
    device: str = field(metadata=IS_IDLE)
    random_state: int | np.random.RandomState | None = field(metadata=MAY_DIFFER)
    warm_start: bool = field(metadata=IS_IDLE)
    spec: DataSpec | None
    progress: bool = field(metadata=IS_IDLE)
    complete: bool | str = field(metadata=IS_IDLE)
    condition: bool
    extra: bool = field(metadata=IS_IDLE)
    transforms: str
    training: Settings | None

    def __post_init__(self) -> None:
        own_numbers(self)
        if hasattr(self.validation, "tolist"):  # an array, a column of a frame
            object.__setattr__(self, "validation", self.validation.tolist())

    @property
    def settings(self) -> Settings:
        """How to learn."""
        return self.training or Settings()

    def check(self) -> None:
        """Raise ConfigError now for what `fit` would refuse whatever the data is."""
        self.plan()
        device_named(self.device)
        network_named(self.network)

    def check_latent(self, latent: Any) -> None:
        """Raise ConfigError where that is no number of dimensions."""
        if not (isinstance(latent, (int, np.integer)) and 1 <= latent <= MADE):
            raise ConfigError(f"latent={latent!r} is not a number of dimensions. Expected a whole number, from 1 to {MADE}.")

    def noisy_recipe(self) -> Recipe:
        """The recipe, with the noise that was asked for. Raises ConfigError."""
        recipe = recipe_named(self.recipe)
        return recipe if self.noise is None else replace(recipe, corruption=corruption_named(self.noise))

    def kind(self, axes: int) -> Kind | None:
        """What the network says that an array of so many axes is: some read (n, T) and (n, T, F) in one way only."""
        network = network_named(self.network).kind
        return "signal" if network in RECURRENT or (network in CONVOLUTIONAL and axes == 2) else None

    def plan(self) -> Plan:
        """What the training is to do. Raises ConfigError."""
        whole("batch_size", self.batch_size, "rows", least=1, most=COUNTED)
        if isinstance(self.validation, Sequence) and not isinstance(self.validation, str):
            if not all(isinstance(one, int) for one in self.validation):
                raise ConfigError(f"validation={self.validation!r:.80}: expected a share, row numbers, or a mark for each row.")
        else:
            share("validation", self.validation, "the rows")
        if self.latent is not None:
            self.check_latent(self.latent)
        if not isinstance(self.condition, bool):
            raise ConfigError(f"condition={self.condition!r}: expected True, to be told the labels y in fit, or False.")
        if not isinstance(self.extra, bool):
            raise ConfigError(f"extra={self.extra!r}: expected True, to leave out columns that were not learnt from, or False.")
        if self.transforms not in get_args(Transforms):
            raise unknown("choice of transforms", self.transforms, get_args(Transforms))
        if not isinstance(self.training, Settings | None):
            raise ConfigError(f"training={self.training!r}: expected Settings(…), or None for the usual ones.")
        recipe = self.noisy_recipe()
        if self.settings.compile and recipe.contraction:
            raise ConfigError("compile=True cannot differentiate a gradient, as a contractive recipe must. Use compile=False.")
        return Plan(
            epochs=self.epochs,
            learning_rate=self.learning_rate,
            patience=self.patience,
            draws=recipe.draws,
            max_norm=network_named(self.network).max_norm,
            settings=self.settings,
        )

    def sampler(self) -> str | None:
        """The sampler that is to be fitted after training, "best" or "quick". Raises ConfigError, before anything is learnt."""
        if self.complete is False:
            return None
        name = BEST if self.complete is True else check_sampler(self.complete, QUICK)
        recipe = self.noisy_recipe()
        if name == Vamp.kind and self.condition:
            raise ConfigError('complete="vamp" goes with condition=False: its inputs have no labels. Use complete="mixture".')
        if name == Vamp.kind and not recipe.spreads:
            raise ConfigError(
                f'complete="vamp" needs an encoder whose q(z | x) has a spread, and that of recipe "{recipe.name}" has '
                'none. Use complete="mixture", or recipe="vae".'
            )
        return name

    def seed(self) -> int:
        """See `seed_from`."""
        return seed_from(self.random_state)


def seed_from(random_state: Any) -> int:
    """A seed, of random_state; from a generator, the next one; of None another each time, and no generator is moved.

    Raises ConfigError.
    """
    if random_state is None:
        return fresh_seed()
    try:
        return int(check_random_state(random_state).randint(2**31 - 1))
    except ValueError as error:
        raise ConfigError(
            f"random_state={random_state!r}: expected a whole number from 0 to {2**32 - 1}, a RandomState of NumPy's, or None."
        ) from error


ALL = (*fields(Options), *fields(Settings))
FREE = frozenset(one.name for one in ALL if one.metadata.get("free"))  # may differ where a training is gone on with
IDLE = frozenset(one.name for one in ALL if one.metadata.get("idle"))  # no number depends on them
LATER = {"complete": False, "condition": False, "extra": False, "transforms": "auto", "minutes": None}  # once there were not
SETTINGS = frozenset(one.name for one in fields(Settings))


def flat(params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of an estimator by name, those of its training among the others."""
    training = params.get("training") or Settings()
    return {name: value for name, value in params.items() if name != "training"} | training.get_params()


def moved(name: str, value: object, *, setting: bool = False) -> ConfigError:
    """The error for an option of the training that is given as one of the estimator's own: it says where it belongs."""
    place = f"training__{name}={value!r}" if setting else f"training=Settings({name}={value!r})"
    return ConfigError(f"{name} is an option of the training. Say it there: {place}.")


def places_told(init: Callable[P, None]) -> Callable[P, None]:
    """A constructor that says where options of the training belong, and is as it was otherwise."""

    @wraps(init)
    def checked(*args: P.args, **options: P.kwargs) -> None:
        for name, value in options.items():
            if name in SETTINGS:
                raise moved(name, value)
        init(*args, **options)

    return checked


def flat_json(params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of an estimator, by name, as plain JSON values; those of its training among the others.

    What is not asked for is not written: an estimator of before there were such options is the same as one of today.
    """
    return {name: value for name, value in params_to_json(flat(params)).items() if not (name in LATER and value == LATER[name])}


def params_of(values: Mapping[str, Any], parts: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The parameters that `flat_json` wrote. parts: see `from_json`. Raises CheckpointError, ConfigError."""
    params = params_from_json(values, parts)
    if strange := sorted(params.keys() - {one.name for one in ALL}):
        raise ConfigError(f"an option {strange[0]!r} is not known here")
    try:
        settings = Settings(**{name: params.pop(name) for name in SETTINGS & params.keys()})
    except (TypeError, ValueError) as error:
        raise ConfigError(f"the options of a training are damaged: {error}") from error
    later = {name: value for name, value in LATER.items() if name not in SETTINGS}
    return later | params | {"training": None if settings == Settings() else settings}
