"""What an estimator was asked for: its parameters as they were set, and what they come to."""

import os
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from latentwalk.data.corruption import Corruption, corruption_named
from latentwalk.data.spec import DataSpec, Kind
from latentwalk.errors import ConfigError
from latentwalk.latent.completion import BEST, check_sampler
from latentwalk.latent.samplers import Vamp
from latentwalk.models.likelihood import Likelihood
from latentwalk.models.recipes import Recipe, recipe_named
from latentwalk.networks.build import CONVOLUTIONAL, RECURRENT, Network, network_named
from latentwalk.training.optimise import LearningSchedule, OptimizerName
from latentwalk.training.runtime import device_named
from latentwalk.training.settings import Settings

__all__ = ["FREE", "Options"]

# Options that may differ when a training is gone on with; random_state, where it is not the same seed, is told apart by that.
FREE = ("epochs", "patience", "device", "warm_start", "progress", "checkpoint_every", "random_state", "track", "complete")
LEARNING = (
    "optimizer",
    "learning_rate",
    "learning_schedule",
    "warmup",
    "weight_decay",
    "clip",
    "skip",
    "accumulate",
    "ema",
    "patience",
    "precision",
    "compile",
)  # options that `Settings` has under the same names


@dataclass(frozen=True, slots=True)
class Options:
    """The parameters of an `Autoencoder`, by their names. What they mean is said there."""

    recipe: str | Recipe
    latent: int | None
    network: str | Network
    likelihood: str | Likelihood
    noise: float | tuple[float, float] | str | Corruption | None
    epochs: int
    batch_size: int
    optimizer: OptimizerName
    learning_rate: float
    learning_schedule: LearningSchedule
    warmup: float
    weight_decay: float
    clip: float | None
    skip: float | None
    accumulate: int
    ema: float | None
    patience: int | None
    validation: float
    precision: str
    compile: bool
    device: str
    random_state: int | np.random.RandomState | None
    warm_start: bool
    spec: DataSpec | None
    progress: bool
    checkpoint_every: float
    track: str | os.PathLike[str] | None
    complete: bool | str

    def check(self) -> None:
        """Raise ConfigError now for what `fit` would refuse whatever the data is."""
        self.settings()
        device_named(self.device)
        network_named(self.network)
        if self.latent is not None:
            self.check_latent(self.latent)

    def check_latent(self, latent: Any) -> None:
        """Raise ConfigError where that is no number of dimensions."""
        if not (isinstance(latent, (int, np.integer)) and latent >= 1):
            raise ConfigError(f"latent={self.latent!r} is not a number of dimensions. Expected a whole number, at least 1.")

    def noisy_recipe(self) -> Recipe:
        """The recipe, with the noise that was asked for. Raises ConfigError."""
        recipe = recipe_named(self.recipe)
        return recipe if self.noise is None else replace(recipe, corruption=corruption_named(self.noise))

    def kind(self, axes: int) -> Kind | None:
        """What the network says that an array of so many axes is: some read (n, T) and (n, T, F) in one way only."""
        network = network_named(self.network).kind
        return "signal" if network in RECURRENT or (network in CONVOLUTIONAL and axes == 2) else None

    def settings(self) -> Settings:
        """How to learn. Raises ConfigError."""
        if not (isinstance(self.batch_size, (int, np.integer)) and self.batch_size >= 1):
            raise ConfigError(f"batch_size={self.batch_size!r}: expected a whole number, at least 1.")
        if not (isinstance(self.validation, (int, float, np.floating)) and 0 <= self.validation < 1):
            raise ConfigError(f"validation={self.validation!r} is not a share of the rows. Expected 0 <= validation < 1.")
        recipe = self.noisy_recipe()
        if self.compile and recipe.contraction:
            raise ConfigError("compile=True cannot differentiate a gradient, as a contractive recipe must. Use compile=False.")
        return Settings(
            epochs=self.epochs,
            draws=recipe.draws,
            **{name: getattr(self, name) for name in LEARNING},
            max_norm=network_named(self.network).max_norm,
        )

    def sampler(self) -> str | None:
        """The sampler that is to be fitted after training, or "best". Raises ConfigError, before anything is learnt."""
        if self.complete is False:
            return None
        name = BEST if self.complete is True else check_sampler(self.complete)
        recipe = self.noisy_recipe()
        if name == Vamp.kind and not recipe.spreads:
            raise ConfigError(
                f'complete="vamp" needs an encoder whose q(z | x) has a spread, and that of recipe "{recipe.name}" has '
                'none. Use complete="mixture", or recipe="vae".'
            )
        return name

    def seed(self) -> int:
        """A seed, of random_state; from a generator, the next one."""
        return int(check_random_state(self.random_state).randint(2**31 - 1))
