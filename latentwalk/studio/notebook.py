"""The studio in a notebook: Jupyter, VS Code, Colab, marimo."""

from typing import TYPE_CHECKING

from latentwalk.checks import whole
from latentwalk.errors import ConfigError
from latentwalk.latent.space import LatentSpace
from latentwalk.studio.exhibit import Exhibit
from latentwalk.surroundings import imported

if TYPE_CHECKING:
    from latentwalk.studio.widget import Explorer

__all__ = ["explore"]

INSTALL = "a space is explored in a notebook by anywidget. Install it with: pip install 'latentwalk[studio]'"
NUMBERS = 600_000  # in all codes that are sent, at most: what Jupyter lets through at once, three megabytes, with some room


def explore(space: LatentSpace, *, points: int = 20_000, height: int = 680, title: str = "") -> "Explorer":
    """The space under the pointer, in a notebook: a widget that shows its map, and what it decodes to where the pointer is.

    points: examples on the map, at most; fewer where codes are long. height: pixels. title: what it is called; its recipe,
    unless given. Raises ConfigError: anywidget is not installed, or the space does not know what an example is.
    """
    whole("points", points, "examples", least=2)
    whole("height", height, "pixels", least=200)
    try:
        imported("anywidget")
    except ImportError as error:
        raise ConfigError(INSTALL) from error
    from latentwalk.studio.widget import Explorer

    name = title or ("space" if space.origin is None else space.origin.recipe.name)
    exhibit = Exhibit.of(name, name, space, most=max(2, min(points, NUMBERS // space.dim)))
    return Explorer(space, exhibit, height)
