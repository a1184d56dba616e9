"""The guard before every request: access, limits on size and time, metrics and the log."""

from __future__ import annotations

import asyncio
import base64
import hmac
import logging
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders

from voxlet.errors import ConfigError
from voxlet.serving.refusals import RefusedError, refusal

if TYPE_CHECKING:
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from voxlet.serving.limits import Limits
    from voxlet.serving.metrics import Metrics

OPEN = "/healthz"  # the one path that needs no key
UPLOADS = ("/v1/audio/like", "/takes/")  # prefixes of the paths that take recordings
READING = ("GET", "HEAD", "OPTIONS")  # methods that change nothing
CROWDED = "crowded"  # in the state of requests on connections beyond `Limits.connections`
LATER = 5  # seconds after which such a client may try again
OWN_SITE = ("same-origin", "none")  # allowed Sec-Fetch-Site; programs send no such header
LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
OTHER = "other"  # counted and logged for an unknown path, in place of what the client sent
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
log = logging.getLogger("voxlet.serving")


def check_key(key: str) -> None:
    """Refuse a key that is too short, or that cannot be sent in a header.

    Raises:
        ConfigError: The key has fewer than 8 characters, or others than printable ASCII without spaces.
    """
    if not key.isascii() or not key.isprintable() or " " in key or len(key) < 8:
        raise ConfigError(
            "is not a valid key", where="VOXLET_KEY", remedy="give 8 or more ASCII characters without spaces"
        )


class Guard:
    """Middleware that checks every request before the application gets it.

    Without a key, it admits only programs on this machine. Pages of other sites in a browser on this machine
    are refused, under their own names (`Origin`) and under names that resolve to this machine (`Host`).

    Args:
        app: The guarded application.
        limits: How large a request may be, and how long it and its answer may take.
        key: Expected as a bearer token or as a browser's password; None: no key is needed.
        metrics: Where answers are counted.
    """

    def __init__(self, app: ASGIApp, limits: Limits, key: str | None, metrics: Metrics) -> None:
        self._app, self._limits, self._key, self._metrics = app, limits, key, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or pass it to the application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 0
        until = begun + self._limits.request + self._limits.answer
        late = False  # whether the client took too long

        async def sending(message: Message) -> None:
            nonlocal status, late
            if body.refused is not None and status == 0:
                return  # the application answers half a body: the refusal is sent instead
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers.setdefault("Cache-Control", "no-cache")  # old and new scripts never mix
            if heads and message["type"] == "http.response.body":
                return
            try:  # a client that reads nothing would keep the connection, and the server, from ending
                async with asyncio.timeout(min(self._limits.stalled, until - time.perf_counter())):
                    await send(message)
            except TimeoutError:
                late = True
                raise
            if heads:  # ends answers that would go on, such as events
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        # HEAD is answered wherever GET is, which is all that the routes declare.
        heads = scope["method"] == "HEAD"
        asked = {**scope, "method": "GET"} if heads else scope
        body = _Body(receive, self._limits, uploads=scope["path"].startswith(UPLOADS))
        refused: RefusedError | None = None
        try:
            try:
                self._admit(scope, Headers(scope=scope), body)
                await self._app(asked, body.receive, sending)
            except RefusedError as error:
                refused = error
            except Exception as error:
                if late:
                    return  # the connection is cut
                log.error("failed: %s in %s", type(error).__name__, _place(error))
                refused = RefusedError(500, "the server failed", code="internal_error")
                if status:  # the answer has begun: the connection is cut
                    raise
            refused, body.refused = body.refused or refused, None
            if refused is not None and status == 0:
                await _answer(refused)(scope, receive, sending)
        finally:
            self._note(scope["method"], asked, status, time.perf_counter() - begun)

    def _admit(self, scope: Scope, headers: Headers, body: _Body) -> None:
        """Check the connection, host, origin, key and length of a request.

        Raises:
            RefusedError: The request is not allowed; the error has the status to answer with.
        """
        if CROWDED in scope.get("state", {}):
            crowded = f"{self._limits.connections} connections are open; try again in {LATER} s"
            raise RefusedError(503, crowded, code="busy")
        host = headers.get("host", "")
        if self._key is None and _name(f"//{host}") not in LOCAL_NAMES:
            raise RefusedError(403, "this server answers only under the names of this machine")
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2] != host:
            raise RefusedError(403, "pages of other sites may not ask this server")
        if scope["method"] not in READING and headers.get("sec-fetch-site", "none") not in OWN_SITE:
            raise RefusedError(403, "pages of other sites may not ask this server")
        if scope["path"] != OPEN and not self._has_key(headers.get("authorization", "")):
            raise RefusedError(401, "a key is needed: Authorization: Bearer KEY", code="invalid_api_key")
        body.check_length(headers.get("content-length", ""))

    def _has_key(self, given: str) -> bool:
        if self._key is None:
            return True
        scheme, _, value = given.partition(" ")
        if scheme.lower() == "basic":
            try:
                value = base64.b64decode(value, validate=True).decode().partition(":")[2]
            except ValueError:
                return False
        return scheme.lower() in ("bearer", "basic") and hmac.compare_digest(
            value.strip().encode(), self._key.encode()
        )

    def _note(self, method: str, scope: Scope, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", "") or OTHER
        self._metrics.requests.labels(route, str(status)).inc()
        self._metrics.answer.labels(route).observe(seconds)
        log.info("%s %s %d %.3f s", method, route, status, seconds)


def _answer(error: RefusedError) -> Response:
    ask = {"WWW-Authenticate": 'Basic realm="voxlet"'} if error.status == 401 else {}
    later = {"Retry-After": str(LATER)} if error.status == 503 else {}
    # The unread rest of a request would be taken for the next request; a connection too many makes room.
    close = {"Connection": "close"} if error.status in (408, 413, 503) else {}
    return refusal(error.status, error.message, code=error.code, headers={**ask, **later, **close})


def _name(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


def _place(error: BaseException) -> str:
    """The file and line where an error arose, for the log: its message could hold what a client sent."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "?" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"


class _Body:
    """The body of a request, limited in size and time; `refused` is the error once it exceeds a limit."""

    refused: RefusedError | None = None

    def __init__(self, receive: Receive, limits: Limits, *, uploads: bool) -> None:
        self._receive, self._most = receive, limits.upload if uploads else limits.body
        self._seconds, self._until, self._got, self._whole = limits.request, 0.0, 0, False

    def check_length(self, told: str) -> None:
        """Refuse a body whose Content-Length is too large.

        Raises:
            RefusedError: It is.
        """
        if told.isdecimal() and len(told) < 20 and int(told) > self._most:
            raise self._too_long()

    async def receive(self) -> Message:
        """The next message of the request.

        Raises:
            RefusedError: The body is too long, or took too long.
        """
        if self._whole:  # after the body, only a disconnect comes
            return await self._receive()
        loop = asyncio.get_running_loop()
        self._until = self._until or loop.time() + self._seconds
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError as error:
            slow = f"the request took more than {self._seconds:g} s to arrive"
            self.refused = RefusedError(408, slow)
            raise self.refused from error
        self._got += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        if self._got > self._most:
            self.refused = self._too_long()
            raise self.refused
        return message

    def _too_long(self) -> RefusedError:
        return RefusedError(413, f"the request has more than {self._most:,} bytes")
