"""Training as TensorBoard shows it: curves of all that `Epoch` says, and pictures of what a model makes.

    loss/training, loss/validation, and the same of each term; active units, learning rate, examples a second, rescues
    samples, reconstructions    pictures, see `Gallery`

TensorBoard is asked for when a `Tracker` is made, and not before.
"""

import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from latentwalk.arrays import Array
from latentwalk.data.spec import DataSpec
from latentwalk.drawing.tiles import Pixels, enlarged, pixels, sheet, square_columns
from latentwalk.errors import ConfigError
from latentwalk.files import telling
from latentwalk.models.inference import Coder
from latentwalk.models.latent_model import LatentModel
from latentwalk.training.history import Epoch

__all__ = ["Gallery", "Tracker"]

SHOWN = 64  # codes that a gallery draws, and rows that it decodes again


class Tracker:
    """Writes to a folder that `tensorboard --logdir FOLDER` reads. A context: leaving it closes the file.

    first: the number of the first epoch to come; what an earlier training wrote of it and later ones is not shown any more.
    Raises ConfigError where TensorBoard is not installed or the folder cannot be written to.
    """

    def __init__(self, folder: str | os.PathLike[str], first: int = 1) -> None:
        if importlib.util.find_spec("tensorboard") is None:
            raise ConfigError("tracking needs TensorBoard. Install it: pip install 'latentwalk[track]', or leave it out.")
        from torch.utils.tensorboard import SummaryWriter

        with telling("write to", Path(folder), "Track in another folder.", ConfigError):
            Path(folder).mkdir(parents=True, exist_ok=True)
            self._writer = SummaryWriter(str(folder), purge_step=first)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._writer.close()

    def record(self, epoch: Epoch) -> None:
        """Add an epoch to the curves, to be seen from now on."""
        for tag, value in _curves(epoch).items():
            self._writer.add_scalar(tag, value, epoch.number)
        self._writer.flush()

    def show(self, number: int, gallery: "Gallery") -> None:
        """Add the pictures of a gallery as they are after epoch `number`."""
        for what, pictures in gallery.pictures().items():
            self.record_pictures(number, pictures, what)

    def record_pictures(self, number: int, pictures: NDArray[np.uint8], what: str = "samples") -> None:
        """Add a sheet of images (n, H, W) or (n, H, W, C), in bytes, as what was seen after epoch `number`."""
        tiles = enlarged(pictures if pictures.ndim == 4 else pictures[..., None])
        paper = sheet(tiles, square_columns(tiles))
        self._writer.add_image(what, paper, number, dataformats="HWC")
        self._writer.flush()


def _curves(epoch: Epoch) -> Mapping[str, float]:
    """What of an epoch is drawn as a curve, by name; what is not known is left out."""
    found: dict[str, float | None] = {"loss/training": epoch.loss, "loss/validation": epoch.validation_loss}
    for half, terms in (("training", epoch.train), ("validation", epoch.validation)):
        found |= {f"{name}/{half}": value for name, value in terms.items()}
    found |= {
        "active units": epoch.active,
        "learning rate": epoch.learning_rate,
        "examples a second": epoch.rate,
        "rescues": epoch.rescues,
    }
    return {tag: value for tag, value in found.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Gallery:
    """The same codes and rows, looked at through a model as it learns.

    model: as it is when it is looked at, in training or not. rows: raw images (m, *E). seed: of the codes, as many, drawn from
    the prior. given: (m, C) the conditions of both, for a model that takes them.
    """

    model: LatentModel
    spec: DataSpec
    rows: Array
    seed: int = 0
    given: NDArray[np.float32] | None = None

    @classmethod
    def of(cls, model: LatentModel, spec: DataSpec, x: Array, seed: int = 0, given: NDArray[np.float32] | None = None) -> Self:
        """For images x (n, *E) and their conditions (n, C): the first of them."""
        return cls(model, spec, x[:SHOWN], seed, None if given is None else given[:SHOWN])

    @property
    def codes(self) -> NDArray[np.float32]:
        """The codes (m, D): the same draws at all times, of the prior as it is now."""
        draws = SHOWN if self.given is None else len(self.given)
        return self.model.prior.sampler()(draws, np.random.default_rng(self.seed))

    def pictures(self) -> Mapping[str, Pixels]:
        """What the codes decode to, "samples", and each row with what becomes of it on its right, "reconstructions".

        Both as bytes (n, H, W, C).
        """
        learning, coder = self.model.training, Coder(self.model, self.given)
        self.model.eval()
        try:
            samples = coder.decode(self.codes)
            again = coder.decode(coder.encode(self.rows)[0])
        finally:
            self.model.train(learning)
        pairs = np.concatenate([pixels(self.rows, self.spec), pixels(again, self.spec)], axis=2)
        return {"samples": pixels(samples, self.spec), "reconstructions": pairs}
