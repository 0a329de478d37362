"""A bound address, and connections that are not waited for without end."""

import asyncio
import contextlib
import socket
from typing import Any

import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from latentwalk.errors import ConfigError
from latentwalk.serving.limits import Limits

__all__ = ["listener", "server"]

HEAD = 1 << 16  # bytes of the head of a request


def listener(host: str, port: int) -> socket.socket:
    """A socket that listens at the address; port 0 is one that is free. Raises ConfigError."""
    try:
        family, kind, protocol, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        with contextlib.ExitStack() as ends:
            found = ends.enter_context(socket.socket(family, kind, protocol))
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            found.bind(where)
            found.listen()  # who comes before the server is ready waits
            ends.pop_all()
    except (OSError, OverflowError, UnicodeError) as error:
        said = getattr(error, "strerror", None) or error
        raise ConfigError(f"cannot listen at {host}, port {port}: {said}. Choose another --host or --port.") from None
    return found


def server(app: Any, limits: Limits) -> uvicorn.Server:
    """A server of the application, to be run on a bound socket; `should_exit` ends it."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=_patient(limits),
            ws="none",
            lifespan="on",
            log_config=None,
            log_level="critical",  # what goes wrong is written down by the gate
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=max(1, round(limits.idle)),
            timeout_graceful_shutdown=max(1, round(limits.closing)),
        )
    )


def _patient(limits: Limits) -> type[asyncio.Protocol]:
    """uvicorn's protocol, which ends a connection whose client does not send the head of a request, or reads no answer."""
    base: Any = AutoHTTPProtocol

    class Patient(base):  # type: ignore[misc]
        head: asyncio.TimerHandle | None = None  # by when the head of a request is to be here
        stuck: asyncio.TimerHandle | None = None  # by when some of an answer is to be read
        sent = 0  # bytes of a head so far

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._begin()

        def data_received(self, data: bytes) -> None:
            busy = self._busy()
            self.sent += len(data)
            super().data_received(data)
            if self._busy() or busy:
                self._stop()
            elif self.sent > HEAD:
                self.transport.abort()
            elif self.head is None:
                self._begin()

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop()
            self.resumed()
            super().connection_lost(exc)

        def pause_writing(self) -> None:
            super().pause_writing()
            if self.stuck is None:
                self.stuck = self.loop.call_later(limits.writing, self.transport.abort)

        def resume_writing(self) -> None:
            self.resumed()
            super().resume_writing()

        def resumed(self) -> None:
            if self.stuck is not None:
                self.stuck.cancel()
                self.stuck = None

        def _busy(self) -> bool:
            """Whether a request is being read or answered."""
            return self.cycle is not None and not self.cycle.response_complete

        def _begin(self) -> None:
            self.head = self.loop.call_later(limits.head, self.transport.abort)

        def _stop(self) -> None:
            self.sent = 0
            if self.head is not None:
                self.head.cancel()
                self.head = None

    return Patient
