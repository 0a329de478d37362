"""How examples are shown: as tiles, lines, colours, strips and films; in a terminal's files and in a notebook.

A `Painter` for each kind of data; those imported here are the ones that `Painter.of` finds.
"""

from latentwalk.drawing.films import Films
from latentwalk.drawing.heat import Heat
from latentwalk.drawing.images import Images
from latentwalk.drawing.lines import Lines
from latentwalk.drawing.pages import Pages
from latentwalk.drawing.painter import Painter
from latentwalk.drawing.rolls import Rolls
from latentwalk.drawing.sounds import Sounds

__all__ = ["Films", "Heat", "Images", "Lines", "Pages", "Painter", "Rolls", "Sounds"]
