"""Going on with a training that was cut short: with the same options, the same data and the same seed."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from latentwalk.arrays import Array
from latentwalk.data.fingerprint import fingerprint
from latentwalk.errors import ConfigError, DataError
from latentwalk.estimators.options import FREE, Options, flat_json
from latentwalk.saving.options import is_same
from latentwalk.training.checkpoints import Checkpoints, opened
from latentwalk.training.group import Group
from latentwalk.training.history import Epoch
from latentwalk.training.state import Snapshot

__all__ = ["Beginning", "Kept", "begun"]


@dataclass(frozen=True, slots=True)
class Kept:
    """A folder in which a training is kept, and what more is known: may stand where the folder's path does.

    run: what the training is to its keeper, as JSON values, kept in each checkpoint. anew: whether it takes the place of the
    one that is there. started: called once its first checkpoint is written.
    """

    folder: Path
    run: Mapping[str, Any] | None = None
    anew: bool = False
    started: Callable[[], None] = lambda: None

    def __fspath__(self) -> str:
        return str(self.folder)


@dataclass(frozen=True, slots=True)
class Beginning:
    """Where a training begins: its seed, who keeps it, and the snapshot it goes on from; None where it begins anew."""

    seed: int
    keeper: Checkpoints | None = None
    start: Snapshot | None = None

    @property
    def past(self) -> tuple[Epoch, ...]:
        """The epochs that were done before."""
        return () if self.start is None else tuple(self.start.place.history)


@contextmanager
def begun(place: Kept | None, group: Group, options: Options, x: Array, told: Array | None = None) -> Iterator[Beginning]:
    """The beginning that the place keeps; without one, a new one. told: what is learnt beside x (n, *E), for each row.

    The first process of a group reads and writes for all. Raises CheckpointError, ConfigError, DataError.
    """
    seed = group.told(options.seed())
    if place is None:
        yield Beginning(seed)
        return
    folder = place.folder
    params = {field.name: getattr(options, field.name) for field in fields(options)}
    about = {"params": flat_json(params), "data": fingerprint(x), "seed": seed}
    if told is not None:
        about["conditions"] = fingerprint(told)
    if place.run is not None:
        about["run"] = place.run
    if not group.leads:
        yield _beginning(folder, options, about, None, group.handed(None))
        return
    with Checkpoints(folder, about, float(options.settings.checkpoint_every), place.anew, place.started) as keeper:
        yield _beginning(folder, options, about, keeper, group.handed(keeper.found))


def _beginning(
    folder: Path, options: Options, about: dict[str, Any], keeper: Checkpoints | None, content: bytes | None
) -> Beginning:
    if content is None:
        return Beginning(about["seed"], keeper)
    before, start = opened(content, folder)
    _check_same(folder, options, before, about)
    if keeper is not None:
        keeper.about = about | {"seed": before["seed"]}
    return Beginning(int(before["seed"]), keeper, start)


def _check_same(folder: Path, options: Options, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raise ConfigError or DataError, saying which, where going on would not be the same training."""
    for name in {**now["params"], **before["params"]}:
        begun_with, value = (params.get(name) for params in (before["params"], now["params"]))
        if name not in FREE and not is_same(begun_with, value):
            raise ConfigError(
                f"{name}={value!r:.200} is not what the training in {folder} was begun with: {begun_with!r:.200}. "
                "Give the same options to go on, or choose another folder to begin anew."
            )
    if isinstance(options.random_state, int) and before["seed"] != now["seed"]:
        raise ConfigError(
            f"random_state={options.random_state} is not what the training in {folder} was begun with. Give the same to go "
            "on, or choose another folder to begin anew."
        )
    if before["data"] != now["data"]:
        raise DataError(
            f"X is not the data that the training in {folder} was begun with: {_difference(before['data'], now['data'])}. "
            "Give the same data to go on, or choose another folder to begin anew."
        )
    if before.get("conditions") != now.get("conditions"):
        raise DataError(
            f"y holds other labels than those that the training in {folder} was begun with. Give the same to go on, or choose "
            "another folder to begin anew."
        )
    epochs = int(before["params"]["epochs"])
    if options.settings.learning_schedule == "cosine" and options.epochs != epochs:
        raise ConfigError(
            f"epochs={options.epochs}: the learning rate of the training in {folder} falls to 0 after {epochs} epochs "
            '(learning_schedule="cosine"), so it cannot be made longer or shorter. Begin anew in another folder.'
        )


def _difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    told = [" x ".join(map(str, about["shape"])) + f" of {about['dtype']}" for about in (before, now)]
    return f"both are {told[0]}, with other values" if told[0] == told[1] else f"it was {told[0]}, now it is {told[1]}"
