"""The studio in a notebook: Jupyter, VS Code, Colab, marimo."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from latentwalk.checks import whole
from latentwalk.data.footage import as_films, frames_of
from latentwalk.errors import ConfigError
from latentwalk.estimators.predictor import FramePredictor
from latentwalk.latent.space import LatentSpace
from latentwalk.studio.exhibit import Exhibit
from latentwalk.studio.films import ShownFilms
from latentwalk.surroundings import imported

if TYPE_CHECKING:
    from latentwalk.studio.widget import Explorer

__all__ = ["explore"]

INSTALL = "a space is explored in a notebook by anywidget. Install it with: pip install 'latentwalk[studio]'"
FRAMES = 1 << 24  # bytes of those frames of films that are on a map, at most


def explore(
    space: LatentSpace | FramePredictor, films: Any = None, *, points: int = 20_000, height: int = 680, title: str = ""
) -> "Explorer":
    """The space under the pointer, in a notebook: a widget that shows its map, and what it decodes to where the pointer is.

    space: a latent space; or a predictor with films (n, T, H, W[, C]), as for its `fit`: then the map is of their frames, and
    they play, with their surprise and futures. points: examples on the map, at most. height: pixels. title: what it is called;
    its recipe, unless given. Raises ConfigError: anywidget is not installed, or the space does not know what an example is;
    DataError for films of another kind.
    """
    whole("points", points, "examples", least=2)
    whole("height", height, "pixels", least=200)
    try:
        imported("anywidget")
    except ImportError as error:
        raise ConfigError(INSTALL) from error
    from latentwalk.studio.widget import NUMBERS, Explorer

    shown = None
    if isinstance(space, FramePredictor):
        if films is None:
            raise ConfigError("a predictor is explored with films: explore(predictor, films).")
        shown, space = _of_films(space, films)
    elif films is not None:
        raise ConfigError("films go with a predictor: explore(predictor, films). A space is explored alone.")
    name = title or ("space" if space.origin is None else space.origin.recipe.name)
    names = () if shown is None else shown.names
    exhibit = Exhibit.of(name, name, space, names, most=max(2, min(points, NUMBERS // 2)), films=shown, room=NUMBERS)
    return Explorer(space, exhibit, height)


def _of_films(predictor: FramePredictor, films: Any) -> tuple[ShownFilms, LatentSpace]:
    """Films as a map of their frames. Raises DataError."""
    data = as_films(films, predictor.spec_)
    shown = ShownFilms.of(predictor, (data,), FRAMES)
    return shown, predictor.frames_.space(replace(frames_of(data, FRAMES), factors={"frame": shown.moments}))
