"""The doors: the command line, its commands (a file each, in `commands`), and what they share.

Files that need PyTorch are imported when they are first used (`app.run.Run.open(folder)`), so that `--help`
does not wait for it.
"""

from types import ModuleType
from typing import TYPE_CHECKING

from latentwalk.surroundings import imported

if TYPE_CHECKING:
    from latentwalk.app import films, named, run, served, source

__all__ = ["films", "named", "run", "served", "source"]


def __getattr__(name: str) -> ModuleType:
    """PEP 562: the file of that name."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return imported(f"{__name__}.{name}")
