"""What every request has to pass before anything is done for it, and what every answer carries.

    Host        one of the names that are allowed, on every route: a page of another site whose name was made to point here
                (DNS rebinding) sends its own name, and Origin agrees with it
    token       of every request, where the server is to be reached from other machines: `Authorization: Bearer TOKEN`, or
                Basic with the token as the password, which a browser asks for and sends with all that a page loads
    Origin      where there is one, this server's; what a browser says of a request from another site is believed
    type        of a body: one that no form of another site can send without the browser asking first
    size, time  of a body, and of all bodies at once

There are no cookies. A page may load nothing from elsewhere, and be shown in no frame.
"""

import asyncio
import base64
import binascii
import hmac
import ipaddress
import logging
import time
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from latentwalk.errors import LatentwalkError
from latentwalk.serving.lanes import Saturated
from latentwalk.serving.limits import Limits
from latentwalk.serving.problems import Refused, problem, problem_of, says_error

__all__ = ["LOOPBACK", "POLICY", "Gate"]

LOOPBACK = ("localhost", "127.0.0.1", "::1")
SAFE = ("GET", "HEAD", "OPTIONS")
TYPES = (
    "application/json",
    "application/octet-stream",
    "application/x-npy",
    "audio/midi",
    "image/jpeg",
    "image/png",
    "image/webp",
    "text/csv",
)  # of bodies
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' data: blob:; "
    "connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
CARRIED = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}  # unless a route says otherwise
INFERENCE = "inference-header-content-length"  # with which a body is bytes, whatever else is said
UNPACKED = 16  # bytes of memory to a byte of JSON, once it is lists
Seen = Callable[[Scope, int, float], None]
log = logging.getLogger(__name__)


class Gate:
    """The application behind these checks (ASGI).

    token: None where none is asked for. hosts: names that the server may be called by, without ports. addresses: whether
    numeric ones are allowed besides; no name can be made to point here by them. seen: is told each answer's status and seconds.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        token: str | None = None,
        hosts: Iterable[str] = LOOPBACK,
        addresses: bool = False,
        limits: Limits | None = None,
        seen: Seen = lambda scope, status, seconds: None,
    ) -> None:
        self.app, self.token, self.addresses, self.seen = app, token, addresses, seen
        self.hosts = frozenset(name.lower().rstrip(".") for name in hosts)
        self.limits = limits or Limits()
        self.requests = self.held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await self._pass(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        start, status, held = time.perf_counter(), 0, 0

        async def carry(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in CARRIED.items():
                    headers.setdefault(name, value)
            await send(message)

        self.requests += 1
        try:
            headers = Headers(scope=scope)
            self._check(scope, headers)
            held = self._hold(scope, headers)
            await self.app(scope, self._counted(receive, scope), carry)
        except LatentwalkError as error:
            if not status:
                await problem_of(error, told=says_error(scope["path"]))(scope, receive, carry)
        except asyncio.CancelledError:  # the server ends, and has waited for long enough
            if not status:
                answer = problem_of(Saturated("the server is closing."), told=says_error(scope["path"]))
                await answer(scope, receive, carry)
        except Exception:
            log.exception("%s %s", scope["method"], ascii(scope["path"]))
            if not status:
                await problem(500, "something went wrong here, and was written down.", error=says_error(scope["path"]))(
                    scope, receive, carry
                )
        finally:
            self.requests -= 1
            self.held -= held
            self.seen(scope, status, time.perf_counter() - start)

    # ------------------------------------------------------------------ checks, each of which may raise Refused

    def _check(self, scope: Scope, headers: Headers) -> None:
        self._check_host(headers)
        self._check_token(headers)
        _check_origin(scope, headers)
        if scope["method"] not in SAFE:
            _check_type(headers)

    def _check_host(self, headers: Headers) -> None:
        given = headers.getlist("host")
        name = _host(given[0]) if len(given) == 1 else ""
        if name in self.hosts or (self.addresses and _is_address(name)):
            return
        raise Refused(
            421,
            f"this server is not called {name!r:.80}. To allow a name, start it with --allow-host NAME.",
            {"Connection": "close"},
        )

    def _check_token(self, headers: Headers) -> None:
        if self.token is None:
            return
        for given in headers.getlist("authorization"):
            if hmac.compare_digest(_secret(given), self.token.encode()):
                return
        raise Refused(
            401,
            "this server asks for its token, which it printed when it was started: 'Authorization: Bearer TOKEN', or as the "
            "password of any user.",
            {"WWW-Authenticate": 'Bearer realm="latentwalk", Basic realm="latentwalk"'},
        )

    def _hold(self, scope: Scope, headers: Headers) -> int:
        """Bytes set aside for a body. Raises Refused, Saturated."""
        if self.requests > self.limits.requests:
            raise Saturated(f"{self.limits.requests} requests are being answered already. Try again in 1 s.")
        given = headers.get("content-length")
        if given is None and "transfer-encoding" not in headers:
            return 0
        if given is not None and not (given.isascii() and given.isdecimal()):
            raise Refused(400, f"Content-Length {given!r:.40} is no number.", {"Connection": "close"})
        json = _type(headers) in ("application/json", "") and INFERENCE not in headers
        most = min(self.limits.text, self.limits.body) if json else self.limits.body
        size = most if given is None else int(given)
        if size > most:
            raise _too_large(most)
        size *= UNPACKED if json else 1
        if self.held and self.held + size > self.limits.memory:
            raise Saturated("other requests fill the memory that is set aside for them. Try again in 1 s.")
        self.held += size
        return size

    def _counted(self, receive: Receive, scope: Scope) -> Receive:
        """The parts of a body, as long as it is neither too large nor too slow."""
        count, until, whole = 0, time.monotonic() + self.limits.reading, False
        most = self.limits.body

        async def counted() -> Message:
            nonlocal count, whole
            if whole:
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), max(0.0, until - time.monotonic()))
            except TimeoutError:
                raise Refused(
                    408, f"the body was not here in {self.limits.reading:g} seconds.", {"Connection": "close"}
                ) from None
            count += len(message.get("body", b""))
            if count > most:
                raise _too_large(self.limits.body)
            whole = not message.get("more_body", False)
            return message

        return counted


def _too_large(most: int) -> Refused:
    return Refused(413, f"the body is too large: {most:,} bytes are allowed. Send fewer examples.", {"Connection": "close"})


def _host(given: str) -> str:
    """The name in a Host header, without its port: "[::1]:80" is "::1"; "" for what is none."""
    try:
        return (urlsplit(f"//{given}").hostname or "").rstrip(".") if "@" not in given and "/" not in given else ""
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _secret(given: str) -> bytes:
    """The token in an Authorization header; nothing where there is none."""
    scheme, _, value = given.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip().encode("latin-1", "replace")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value.strip(), validate=True).partition(b":")[2]
        except (binascii.Error, ValueError):
            return b""
    return b""


def _check_origin(scope: Scope, headers: Headers) -> None:
    """Raise Refused for what a page of another site asks for: Host is known to be ours here."""
    site = headers.get("sec-fetch-site", "none")
    page = scope["method"] == "GET" and headers.get("sec-fetch-mode") == "navigate"  # a link that was followed
    if site not in ("none", "same-origin") and not page:
        raise Refused(403, "a page of another site asks for this, which only pages of this server may.")
    origins = headers.getlist("origin")
    if origins and [_netloc(one) for one in origins] != [headers["host"].lower()]:
        raise Refused(403, f"a page of {origins[0]!r:.80} asks for this, which only pages of this server may.")


def _netloc(origin: str) -> str | None:
    """The host and port of an origin, as a Host header has them; None for "null" and what is none."""
    try:
        found = urlsplit(origin)
    except ValueError:
        return None
    plain = not (found.path or found.query or found.fragment)
    return found.netloc.lower() if found.scheme in ("http", "https") and plain else None


def _type(headers: Headers) -> str:
    """The type of a body, in lower case; "" where none is said."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def _check_type(headers: Headers) -> None:
    """Raise Refused for a body of a type that is not asked for, or that is packed."""
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise Refused(415, "bodies are not unpacked here. Send it without Content-Encoding.", {"Accept-Encoding": "identity"})
    if headers.get("content-length") in (None, "0") and "transfer-encoding" not in headers:
        return
    given = headers.get("content-type")
    if given is None and "origin" not in headers and "sec-fetch-site" not in headers:
        return  # no browser: clients of the Open Inference Protocol do not say
    if _type(headers) not in TYPES:
        raise Refused(415, f"a body of type {given!r:.80} is not read here. Expected one of {', '.join(TYPES)}.")
