"""How much memory there is, and what would not fit: told before the system is asked for it, which may end the process."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from latentwalk.errors import ConfigError

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

__all__ = ["check_room", "room", "sized"]

SYSTEM = Path("/proc/meminfo")
OWN = Path("/proc/self")
GROUPS = Path("/sys/fs/cgroup")
FILES = (
    ("memory.max", "memory.current", ("active_file", "inactive_file", "slab_reclaimable")),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", ("total_active_file", "total_inactive_file")),
)  # of a container: its limit, what it has taken, and what of that can be dropped, files above all; in version 2 and 1
STAT = "memory.stat"
SMALL = 1 << 26  # bytes that are there: to ask would take longer than to answer for one row


def room() -> int | None:
    """Bytes that this process can still take, from 0; None where the system does not say.

    The least of what the machine has left, swap included, what a container may take (control groups), and the process itself
    (`ulimit -v`). Where the system says only how much there is in all, that.
    """
    found = [*_machine(), *_container(), *_process()]
    return max(0, min(found)) if found else None


def check_room(size: int, what: str, advice: str) -> None:
    """Raise ConfigError where so many bytes are more than there is room for.

    what: what takes them, the beginning of a sentence. advice: sentences, what to do.

    >>> check_room(2**62, "draws=10: that", "Ask for fewer.")
    Traceback (most recent call last):
    latentwalk.errors.ConfigError: draws=10: that takes 4,294,967,296.0 GiB, and ... GiB of memory are free. Ask for fewer.
    """
    there = room() if size > SMALL else None
    if there is not None and size > there:
        raise ConfigError(f"{what} takes {sized(size)}, and {sized(there)} of memory are free. {advice}")


def sized(size: float) -> str:
    """A number of bytes in words.

    >>> sized(3 << 29)
    '1.5 GiB'
    """
    return f"{size / 2**30:,.1f} GiB" if size >= 2**30 else f"{size / 2**20:,.1f} MiB"


# ---------------------------------------------------------------------- inside


def _machine() -> Iterator[int]:
    said: dict[str, int] = {}
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in SYSTEM.read_text().splitlines():
            name, value = line.split(":")
            said[name] = 1024 * int(value.split()[0])
    if "MemAvailable" in said:
        yield said["MemAvailable"] + said.get("SwapFree", 0)
    else:
        with contextlib.suppress(AttributeError, OSError, ValueError):
            yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _container() -> Iterator[int]:
    for limit, taken, names in FILES:
        with contextlib.suppress(OSError, ValueError):
            most, now = (int((GROUPS / file).read_text()) for file in (limit, taken))  # "max" is no number
            stat = (GROUPS / limit).with_name(STAT).read_text().splitlines()
            yield most - now + sum(int(line.split()[1]) for line in stat if line.split()[0] in names)


def _process() -> Iterator[int]:
    if resource is None:
        return
    most = resource.getrlimit(resource.RLIMIT_AS)[0]
    if most != resource.RLIM_INFINITY:
        with contextlib.suppress(OSError, ValueError):
            yield most - int((OWN / "statm").read_text().split()[0]) * resource.getpagesize()
