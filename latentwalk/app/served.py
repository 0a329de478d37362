"""Runs behind an address: what the commands that serve some have in common."""

import contextlib
import ipaddress
import secrets
import signal
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from latentwalk.app.output import note, say
from latentwalk.app.run import Run
from latentwalk.errors import ConfigError
from latentwalk.estimators.anomalies import DETECTOR, AnomalyDetector

if TYPE_CHECKING:
    from latentwalk.estimators.autoencoder import Autoencoder
    from latentwalk.latent.space import LatentSpace
    from latentwalk.serving.limits import Limits
    from latentwalk.serving.served import Served

__all__ = ["Address", "served_runs"]

NEEDED = ("fastapi", "uvicorn", "prometheus_client", "pandas")


def served_runs(folders: Sequence[Path], data: str | None, limits: "Limits | None" = None) -> "dict[str, Served]":
    """The runs in these folders, by the name of each folder. data: what they learnt from, where that is somewhere else.

    Raises ConfigError where a package is missing or two have one name; CheckpointError.
    """
    _check_packages()
    from latentwalk.serving.served import Served

    found: dict[str, Served] = {}
    for folder in folders:
        name = folder.resolve().name
        if name in found:
            raise ConfigError(f"two runs are called {name!r}. Rename the folder of one: each is served by its name.")
        run = Run.open(folder)
        detector = AnomalyDetector.load(folder) if (folder / DETECTOR).exists() else None
        known = run.source is not None or data is not None
        found[name] = Served(
            name,
            run.model,
            data=partial(run.train, data) if known else None,
            judged=partial(_judged, run, data),
            classes=run.classes,
            detector=detector,
            limits=limits,
        )
    return found


def _judged(run: Run, data: str | None, model: "Autoencoder") -> "LatentSpace":
    """The space by which a model is judged."""
    return replace(run, model=model).judged(data)


def _check_packages() -> None:
    """Raise ConfigError where a package of the extra is missing."""
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise ConfigError(f"serving needs {' and '.join(missing)}. Install it: pip install 'latentwalk[studio]'")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens, and who may ask it.

    token: None where none is asked for. hosts: by which names it may be called. addresses: whether by any numeric one.
    """

    socket: socket.socket
    token: str | None
    hosts: tuple[str, ...]
    addresses: bool

    @classmethod
    def of(cls, host: str, port: int, token: str | None, allowed: Sequence[str]) -> "Address":
        """The address, bound. Other than loopback it asks for a token, a new one unless given. Raises ConfigError."""
        from latentwalk.serving.gate import LOOPBACK
        from latentwalk.serving.socket import listener

        if token is not None and not (len(token) >= 16 and token.isascii() and token.isprintable() and " " not in token):
            raise ConfigError("--token: expected at least 16 letters and digits, so that nobody guesses it.")
        found = listener(host, port)
        where = ipaddress.ip_address(found.getsockname()[0].partition("%")[0])
        if where.is_loopback:
            return cls(found, token, (*LOOPBACK, host, *allowed), False)
        names = (*LOOPBACK, host, *([socket.gethostname()] if where.is_unspecified else []), *allowed)
        return cls(found, token or secrets.token_urlsafe(24), names, where.is_unspecified)

    @property
    def url(self) -> str:
        """How the server is called, from here."""
        name, port = self.socket.getsockname()[:2]
        name = "127.0.0.1" if name == "0.0.0.0" else "::1" if name == "::" else name
        return f"http://{f'[{name}]' if ':' in name else name}:{port}"

    def serve(self, application: Callable[..., Any], limits: "Limits", **options: Any) -> None:
        """Answer until Ctrl-C, or until the process is told to end. options: of `application`, besides whom it answers."""
        from latentwalk.serving.socket import server

        app = application(token=self.token, hosts=self.hosts, addresses=self.addresses, limits=limits, **options)
        say(f"serving at {self.url} (Ctrl-C ends it)")
        if self.token is not None:
            say(f"token: {self.token} (Authorization: Bearer TOKEN, or as a password)")
        signal.signal(signal.SIGTERM, lambda *_: None)  # the server ends by it, and so this does
        with contextlib.suppress(KeyboardInterrupt):
            server(app, limits).run(sockets=[self.socket])
        note("closed.")
