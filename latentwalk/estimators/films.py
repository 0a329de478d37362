"""How a `FramePredictor` learns, and what comes of it: a frame autoencoder, then the dynamics of its codes.

First the autoencoder learns from single frames; then the whole from films, with the encoder kept as it is or, unless told
otherwise, learning on with the rest.
"""

import math
import os
import warnings
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from latentwalk.arrays import Array
from latentwalk.chance import covered, from_seed
from latentwalk.data.batches.windowed import batches_of, placed
from latentwalk.data.dataset import Dataset
from latentwalk.data.examples import check_finite
from latentwalk.data.fingerprint import fingerprint
from latentwalk.data.footage import Stills, clips, ends_of_films, frames_of
from latentwalk.data.rows import picked, taken
from latentwalk.data.scaling import Scaling, as_tensor
from latentwalk.data.spec import DataSpec
from latentwalk.errors import ConfigError, DataError, TrainingStopped, TrainingWarning
from latentwalk.estimators.autoencoder import Autoencoder
from latentwalk.estimators.fitting import LEARNT, split
from latentwalk.estimators.options import FREE
from latentwalk.estimators.resuming import Kept
from latentwalk.models.collapse import FORESEEN, SILENT, UNSAID
from latentwalk.models.film import WEANED, FilmModel, FilmState, frames_there
from latentwalk.models.inference import Coder
from latentwalk.models.latent_model import Pass
from latentwalk.models.objective import Objective, Terms, elbo
from latentwalk.models.schedule import Schedule, Time, linear
from latentwalk.models.size import WEIGHT, check_weights, each_takes
from latentwalk.networks.build import Network, network_named
from latentwalk.networks.dynamics import DynamicsShape
from latentwalk.saving.options import is_same, to_json
from latentwalk.training.checkpoints import Checkpoints, opened
from latentwalk.training.group import told_rank
from latentwalk.training.history import Epoch
from latentwalk.training.loop import train
from latentwalk.training.plan import Plan
from latentwalk.training.progress import foretold, with_progress
from latentwalk.training.runtime import calculates_bfloat16, device_named, stop_asked
from latentwalk.training.settings import Settings
from latentwalk.training.state import Snapshot

__all__ = ["ADDED", "FALLING", "FRAMES", "FilmOptions", "Foresight", "fit_films", "untrained"]

FRAMES = "frames"  # the folder of the first stage's checkpoints, within that of the second
SEEN, STILLS_SEEN = 20_000, 40_000  # films, and frames before them, looked at in all where no number of epochs is asked for
MOST, FEWEST = 300, 3  # epochs that are chosen, at most and at least
JUDGED = 256  # films on which the best weights are chosen, at most
TIMED = 1_000_000  # epochs, of which there are as many as there is time for
SHARE = 0.15  # of a limited time, for single frames
RISING = WEANED[0]  # of the training, over which the weight of the KL rises; of fewer, innovations are given up too soon
FREELY = (0.5, 0.7)  # of the training: until then an innovation has its free rate, and from then on nothing for free
OVERLAP = 5  # parts of a window by which the next one begins later
PATIENCE = 8  # epochs without a better loss, after which no more single frames are looked at
SMALLEST = 16  # pixels of the shorter side, from which on codes are small images
DEPTH, LATENT = 8, 32  # channels of such a code; numbers of a plain one
FALLING: dict[str, Any] = {"learning_schedule": "cosine", "ema": None}  # how motion is learnt unless told otherwise
ADDED: dict[str, Any] = {"free_rate": 0.0}  # options that came later, and what they were before
BEGUN = 64  # films by which it is seen how much frames change
HELD = 1 << 29  # numbers of an answer: 2 GiB
CHUNK = 32  # films, or draws of one, that are predicted together


@dataclass(frozen=True, slots=True)
class FilmOptions:
    """What a `FramePredictor` was asked for; see there."""

    recipe: Any
    latent: int | None
    network: Any
    likelihood: Any
    innovation: int
    width: int
    window: int
    beta: float
    free_rate: float
    joint: bool
    epochs: int | None
    batch_size: int
    learning_rate: float
    patience: int | None
    validation: float
    device: str
    progress: bool
    training: Settings | None

    def settings(self, device: torch.device, shape: DynamicsShape) -> Settings:
        """How to learn. Unless told, the rate falls along a cosine, without averaged weights; bfloat16 where that is fast."""
        if self.training is not None:
            return self.training
        fast = shape.kernel > 1 and calculates_bfloat16(device)
        return Settings(**FALLING, precision="bfloat16" if fast else "float32")


@dataclass(frozen=True, slots=True, eq=False)
class Foresight:
    """What a fit made: the autoencoder of single frames, the model of films that it is a part of, and how they came about.

    spec: of the films learnt from, one window long. validation_films: numbers of the windows on which the best weights were
    chosen.
    """

    frames: Autoencoder
    model: FilmModel
    spec: DataSpec
    history: tuple[Epoch, ...] = ()
    interrupted: bool = False
    validation_films: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))

    def predict(self, x: Array, steps: int, draws: int, temperature: float, seed: int) -> NDArray[np.float32]:
        """The futures of films x (n, t, *frame), each after its own last frame: (n, draws, steps, *frame)."""
        counts = ends_of_films(x)
        shape = x.shape[2:]
        _check_room(len(x) * draws * steps * math.prod(shape), f"steps={steps}, draws={draws}")
        noise = self._noise(draws, steps, seed)  # the same for each film
        found = np.empty((len(x), draws, steps, *shape), np.float32)
        for first in range(0, len(x), CHUNK):
            some = np.arange(first, min(first + CHUNK, len(x)))
            memory = self._remembered(taken(x, some), counts[some])
            remembered = {
                film: FilmState(memory.state[at : at + 1], memory.codes[at : at + 1]) for at, film in enumerate(some.tolist())
            }
            pairs = [(film, draw) for film in remembered for draw in range(draws)]
            for start in range(0, len(pairs), CHUNK):
                self._futures(pairs[start : start + CHUNK], remembered, noise, temperature, found)
        return found

    def bounds(self, x: Array, draws: int) -> NDArray[np.float64]:
        """log p of each frame of films x (n, T, *frame), given those before it, in nats, from below: (n, T).

        NaN for the first frame, of which nothing is known before, and behind the last.
        """
        length = x.shape[1]
        noise = self._noise(draws, length - 1, 0)
        volume = self.frames.trained_.log_volume if self.frames.likelihood_.is_density else 0.0
        found = np.full((len(x), length), np.nan)
        for first in range(0, len(x), CHUNK):
            some = taken(x, np.arange(first, min(first + CHUNK, len(x))))
            raw = self._scaled(some)
            with torch.inference_mode():
                answer = self.model.bounds(raw, noise.to(raw.device))
            found[first : first + len(some), 1:] = answer[: len(some)].double().cpu().numpy() - volume
        return found

    def codes(self, x: Array) -> NDArray[np.float32]:
        """The codes (n, T, D) of films x (n, T, *frame), frame by frame, as their autoencoder has them; NaN behind the last."""
        counts = ends_of_films(x)
        found = np.full((*x.shape[:2], self.frames.trained_.latent), np.nan, np.float32)
        numbers = np.concatenate([row * x.shape[1] + np.arange(count) for row, count in enumerate(counts.tolist())])
        films, places = np.divmod(numbers, x.shape[1])
        found[films, places] = Coder(self.frames.model_).encode(np.asarray(Stills(x, numbers)))[0]
        return found

    # ------------------------------------------------------------------ inside

    def _noise(self, draws: int, steps: int, seed: int) -> torch.Tensor:
        """N(0, I) for each draw and step, (draws, steps, Z): of fewer draws or steps, the first of these."""
        numbers = self.model.shape.innovation
        _check_room(draws * steps * numbers, f"draws={draws} of {steps} frames")
        each = [np.random.default_rng((seed, draw)).standard_normal((steps, numbers), np.float32) for draw in range(draws)]
        return torch.from_numpy(np.stack(each))

    def _scaled(self, films: Array) -> torch.Tensor:
        """Films (m, T, *frame), m at most CHUNK, as the model sees them, and others behind them: (CHUNK, C, T, H, W).

        Products of one shape round alike, so that a film's answer does not depend on its company.
        """
        device = next(self.model.parameters()).device
        full = np.zeros((CHUNK, *films.shape[1:]), films.dtype)
        full[: len(films)] = films
        scaling = self.model.scaling
        spec = replace(scaling.spec, shape=films.shape[1:], dtype=scaling.spec.dtype)
        like = Scaling(spec, scaling.shift, scaling.scale)
        return like(as_tensor(full).to(device))

    @torch.inference_mode()
    def _remembered(self, films: Array, counts: NDArray[np.int64]) -> FilmState:
        """What is known after the last frame of each of films (m, t, *frame)."""
        x = self._scaled(films).nan_to_num()
        last = torch.ones(len(x), dtype=torch.long, device=x.device)
        last[: len(counts)] = torch.from_numpy(counts).to(x.device)
        memory = self.model.see(x[:, :, 0])
        for at in range(1, x.shape[2]):
            new, there = self.model.see(x[:, :, at], memory), (at < last)[:, None, None, None]
            memory = FilmState(torch.where(there, new.state, memory.state), torch.where(there, new.codes, memory.codes))
        return memory

    @torch.inference_mode()
    def _futures(
        self,
        pairs: list[tuple[int, int]],
        remembered: Mapping[int, FilmState],
        noise: torch.Tensor,
        temperature: float,
        into: NDArray[np.float32],
    ) -> None:
        """Write the futures of these pairs (film, draw) to their place."""
        padded = pairs + [pairs[0]] * (CHUNK - len(pairs))
        state = torch.cat([remembered[film].state for film, _ in padded])
        codes = torch.cat([remembered[film].codes for film, _ in padded])
        memory, drawn = FilmState(state, codes), noise[[draw for _, draw in padded]].to(state.device)
        scaling = self.frames.model_.scaling
        steps = noise.shape[1]
        for step in range(steps):
            mean = self.model.frame(self.model.ahead(memory, drawn[:, step], temperature))
            shown = scaling.inverse(mean).float().cpu().numpy()
            for at, (film, draw) in enumerate(pairs):
                into[film, draw, step] = shown[at]
            if step < steps - 1:
                memory = self.model.see(mean, memory)


# ---------------------------------------------------------------------- learning


def fit_films(
    options: FilmOptions, data: Dataset, seed: int, repeatable: bool, checkpoint: str | os.PathLike[str] | None = None
) -> Foresight:
    """Learn from films; see `FramePredictor.fit`. repeatable: whether the seed was asked for.

    Raises DataError, ConfigError, TrainingError, CheckpointError.
    """
    device = device_named(options.device)
    if told_rank()[1] > 1:
        raise ConfigError("films are learnt by one process. Start it without torchrun.")
    x, spec = _windows(data, options.window)
    frames = frames_of(data)
    stage = _first_stage(options, data.spec, len(frames), seed)
    place = checkpoint if checkpoint is None or isinstance(checkpoint, Kept) else Kept(Path(checkpoint))
    stage.fit(frames, checkpoint=None if place is None else Kept(place.folder / FRAMES, place.run, place.anew))
    with from_seed(seed), covered():
        model = untrained(stage, spec, options.innovation, options.width, each_takes(device))
    model.standardise(torch.from_numpy(Coder(stage.model_).encode(_some(frames.x))[0]).to(device))
    found = Foresight(stage, model.to(device), spec)
    with torch.no_grad():
        model.begin(model.scaling(as_tensor(_some(x, BEGUN)).to(device)))
    if stage.interrupted_:
        return replace(found, interrupted=True)
    settings = _timed(options.settings(device, model.shape), 1 - SHARE)
    learn, held = split(len(x), options.validation, np.random.default_rng(seed), most=JUDGED)
    epochs = options.epochs or (TIMED if settings.minutes is not None else _epochs(SEEN, len(learn)))
    plan = Plan(epochs, options.learning_rate, options.patience, settings=settings)
    for weight in model.frames.parameters():
        weight.requires_grad_(options.joint)
    history: list[Epoch] = []
    with ExitStack() as stack:
        keeper, start, seed = _begun(stack, place, options, epochs, x, seed, repeatable)
        stack.enter_context(from_seed(seed))
        given = placed(x, device)
        size = min(int(options.batch_size), len(learn))
        validation = batches_of(given, device, size, rows=held) if len(held) else None
        asked = stack.enter_context(stop_asked())
        loop = train(
            model,
            objective(model, options.beta, options.free_rate),
            batches_of(given, device, size, seed, learn),
            plan,
            validation,
            keeper=keeper,
            start=start,
            asked=asked,
            paced=foretold if options.progress else None,
        )
        if start is not None:
            history += start.place.history
        if keeper is not None:
            keeper.begin(list(history))
        limit = None if settings.minutes is None else max(60 * settings.minutes - sum(one.seconds for one in history), 0.0)
        shown = with_progress(loop, epochs, len(history), title="films", limit=limit) if options.progress else loop
        stopped = False
        try:
            for epoch in shown:
                history.append(replace(epoch, number=len(history) + 1))
        except KeyboardInterrupt:
            stopped = True
            loop.close()  # puts the best weights back
        stopped = stopped or asked()
    for weight in model.frames.parameters():
        weight.requires_grad_(True)
    if not stopped:
        try:
            stage.trained_ = stage.trained_.quickened(frames.x, None, seed)
        except KeyboardInterrupt:
            stopped = True
    if stopped:
        warnings.warn(
            f"training was stopped after {len(history)} of {epochs} epochs; the best weights so far are kept. To go on: fit "
            "again with the same checkpoint folder.",
            TrainingStopped,
            stacklevel=3,
        )
    elif len(history) * -(-len(learn) // size) >= LEARNT:
        _tell_silence(model, model.scaling(as_tensor(_some(picked(x, held if len(held) else learn), BEGUN)).to(device)))
    return replace(found, history=tuple(history), interrupted=stopped, validation_films=held)


def untrained(stage: Autoencoder, spec: DataSpec, innovation: int, width: int, each: int = WEIGHT) -> FilmModel:
    """The model of films (spec) whose frames this autoencoder knows, before it has learnt; each: see `check_weights`."""
    sides = stage.network_.places(stage.spec_)
    latent = stage.trained_.latent
    code = (latent // math.prod(sides), *sides) if sides else (latent, 1, 1)
    frames = stage.model_.scaling
    scaling = Scaling(replace(spec, missing=False), frames.shift.reshape(-1, 1, 1, 1), frames.scale.reshape(-1, 1, 1, 1))
    shape = DynamicsShape(code, width, innovation)  # type: ignore[arg-type]
    check_weights(
        lambda: FilmModel(scaling, stage.model_, shape),
        each,
        f"width={width}, innovation={innovation}, codes of {latent} numbers",
        "Choose a smaller width=, innovation= or latent=.",
    )
    model = FilmModel(scaling, stage.model_, shape)
    for part in (model.recurrence, model.advance, model.prior, model.posterior):
        if part is not None:
            part.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # what convolutions on a CPU prefer
    return model


def _first_stage(options: FilmOptions, spec: DataSpec, count: int, seed: int) -> Autoencoder:
    """The autoencoder of so many single frames, before it has learnt."""
    sides, network, latent = spec.shape[1:3], network_named(options.network), options.latent
    if network.kind == "auto" and network.bodies is None:
        network = Network("fully-conv", blocks=0) if min(sides) >= SMALLEST else Network("dense")
    if latent is None:
        still = replace(spec, kind="image", shape=spec.shape[1:], layout="HWC" if len(spec.shape) == 4 else "HW", missing=False)
        places = network.places(still)
        latent = DEPTH * math.prod(places) if places else LATENT
    settings = None if options.training is None else _timed(options.training, SHARE)
    return Autoencoder(
        options.recipe,
        latent=latent,
        network=network,
        likelihood=options.likelihood,
        epochs=_epochs(STILLS_SEEN, count, fewest=1),
        patience=PATIENCE,
        batch_size=128,
        learning_rate=1e-3,
        validation=options.validation,
        device=options.device,
        random_state=seed,
        progress=options.progress,
        complete=False,
        training=settings,
    )


def objective(model: FilmModel, beta: float, free_rate: float = 0.0) -> Objective:
    """The bound; the weight of the KL rises with the share of the training that is over, be that of epochs or of minutes.

    free_rate: nats a frame that are not pressed at first, and ever fewer after FREELY[0] of it.
    """
    rising, pressed = linear(beta, over=RISING), Schedule(1.0, FREELY[1] - FREELY[0], after=FREELY[0])
    free = free_rate if model.shape.innovation else 0.0

    def bound(p: Pass, epoch: Time) -> Terms:
        if epoch is None:
            return elbo(p, beta=rising)
        rate: float | torch.Tensor = free * (1 - pressed(model.trained))
        if rate:
            rate = rate * frames_there(p.target)[:, 1:].sum(1).float().mean()  # frames that follow another
        return elbo(p, model.trained, beta=rising, target_rate=rate)

    return bound


@torch.inference_mode()
def _tell_silence(model: FilmModel, x: torch.Tensor) -> None:
    """Warn where innovations tell nothing of films x (B, C, T, H, W), though not all can be foreseen without them."""
    nats, left = model.told(x)
    if model.shape.innovation and nats < SILENT and left > FORESEEN:
        warnings.warn(
            f"the innovation has collapsed: it tells {nats:.1g} nats a frame, while {left:.0%} of what changes from frame to "
            f"frame is not foreseen, {UNSAID}",
            TrainingWarning,
            stacklevel=4,
        )


def _timed(settings: Settings, share: float) -> Settings:
    """The settings with so large a share of the time there is."""
    return settings if settings.minutes is None else replace(settings, minutes=share * settings.minutes)


def _windows(data: Dataset, window: int) -> tuple[Array, DataSpec]:
    """Films of at most `window` frames, those of longer ones overlapping, and what one is. Raises DataError."""
    x, length = data.x, data.spec.shape[0]
    check_finite(x, missing=data.spec.missing)
    counts = ends_of_films(x)
    if (short := np.flatnonzero(counts < 2)).size:
        held = int(counts[short[0]])
        raise DataError(
            f"film {short[0]} has {held} frame{'s' * (held != 1)}, and nothing follows it"
            f"{f', nor in {short.size - 1} others' if short.size > 1 else ''}. Films to learn from need 2 frames or more."
        )
    if length <= window:
        return x, data.spec
    step = max(1, window // OVERLAP)
    first, sizes = [], []
    for film, count in enumerate(counts.tolist()):
        starts = [*range(0, max(count - window, 0) + 1, step)]
        if starts[-1] + window < count:
            starts.append(count - window)
        first += [film * length + start for start in starts]
        sizes += [min(window, count)] * len(starts)
    in_memory = isinstance(x, np.ndarray) and not isinstance(x, np.memmap)
    flat = x.reshape(-1, *x.shape[2:]) if in_memory else Stills(x)
    found = clips(flat, first, sizes)  # type: ignore[arg-type]
    return found, replace(data.spec, shape=(window, *data.spec.shape[1:]))


def _some(x: Array, most: int = 2_048) -> Array:
    """Some rows of x, evenly spaced."""
    return picked(x, np.unique(np.linspace(0, len(x) - 1, min(len(x), most)).astype(np.int64)))


def _epochs(seen: int, count: int, fewest: int = FEWEST) -> int:
    """Over how many epochs about so many examples are seen, of `count`."""
    return int(np.clip(round(seen / max(count, 1)), fewest, MOST))


def _begun(
    stack: ExitStack, place: Kept | None, options: FilmOptions, epochs: int, x: Array, seed: int, repeatable: bool
) -> tuple[Checkpoints | None, Snapshot | None, int]:
    """Who keeps the training, what it goes on from, and its seed. Raises CheckpointError, ConfigError, DataError."""
    if place is None:
        return None, None, seed
    said = {one.name: _plain(getattr(options, one.name)) for one in fields(options) if one.name not in FREE}
    about = {"params": said | {"epochs": epochs}, "data": fingerprint(x), "seed": seed, "run": place.run}
    keeper = Checkpoints(place.folder, about, (options.training or Settings()).checkpoint_every, place.anew, place.started)
    stack.enter_context(keeper)
    if keeper.found is None:
        return keeper, None, seed
    before, start = opened(keeper.found, place.folder)
    begun = ADDED | before["params"]
    for name, value in said.items():
        if not is_same(begun.get(name), value):
            raise ConfigError(
                f"{name}={value!r} is not what the training in {place.folder} was begun with: {begun.get(name)!r}. "
                "Give the same options to go on, or choose another folder to begin anew."
            )
    if before["data"] != about["data"]:
        raise DataError(
            f"these are not the films that the training in {place.folder} was begun with. Give the same to go on, or choose "
            "another folder to begin anew."
        )
    falls = options.training is None or options.training.learning_schedule == "cosine"
    if falls and before["params"]["epochs"] != epochs:
        raise ConfigError(
            f"epochs={epochs}: the learning rate of the training in {place.folder} falls to 0 after "
            f"{before['params']['epochs']} epochs, so it cannot be made longer or shorter. Begin anew in another folder."
        )
    if repeatable and before["seed"] != seed:
        raise ConfigError(f"random_state is not what the training in {place.folder} was begun with. Give the same to go on.")
    keeper.about = about | {"seed": before["seed"]}
    return keeper, start, int(before["seed"])


def _check_room(numbers: int, asked: str) -> None:
    """Raise ConfigError where an answer is more than memory is likely to hold."""
    if numbers > HELD:
        raise ConfigError(f"{asked}: that takes {numbers:.3g} numbers, and {HELD:,} are the most at once. Ask for fewer.")


def _plain(value: Any) -> Any:
    """An option as JSON, of settings those that make a training another."""
    if isinstance(value, Settings):
        return {name: to_json(one) for name, one in value.get_params().items() if name not in FREE}
    return to_json(value)
