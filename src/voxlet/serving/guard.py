"""What stands before every request: who may ask, how much may be sent, what is counted and logged."""

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

OPEN = "/healthz"  # needs no key
UPLOADS = ("/v1/audio/like", "/takes/")  # paths that begin so take recordings
READING = ("GET", "HEAD", "OPTIONS")  # change nothing
OWN_SITE = ("same-origin", "none")  # what a browser says of the page that asks; programs say nothing
LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")
OTHER = "other"  # the route of what is found nowhere: addresses of clients are neither counted nor logged
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
log = logging.getLogger("voxlet.serving")


def check_key(key: str) -> None:
    """Refuse a key that nobody would have to guess, or that cannot be sent.

    Raises:
        ConfigError: It is one.
    """
    if not key.isascii() or not key.isprintable() or " " in key or len(key) < 8:
        raise ConfigError(
            "is not a valid key", where="VOXLET_KEY", remedy="give 8 or more ASCII characters without spaces"
        )


class Guard:
    """An application behind its guard.

    Without a key, only programs of this machine may ask: a page of another site that a browser shows here
    may not, be it under its own name (`Origin`) or one that it lets lead to this machine (`Host`).

    Args:
        app: What is guarded.
        limits: How much a request may hold, and how long it may take to arrive.
        key: Asked for as a bearer token, or as the password of a browser; None: no key.
        metrics: Where answers are counted.
    """

    def __init__(self, app: ASGIApp, limits: Limits, key: str | None, metrics: Metrics) -> None:
        self._app, self._limits, self._key, self._metrics = app, limits, key, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or hand it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 0
        until = begun + self._limits.request + self._limits.answer
        late = False  # whether the client took too long

        async def sending(message: Message) -> None:
            nonlocal status, late
            if body.refused is not None and status == 0:
                return  # what the application makes of half a body
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers.setdefault("Cache-Control", "no-cache")  # an old script meets no new one
            if heads and message["type"] == "http.response.body":
                return
            try:  # a client that takes nothing would hold its connection, and the end of the server, for ever
                async with asyncio.timeout(min(self._limits.stalled, until - time.perf_counter())):
                    await send(message)
            except TimeoutError:
                late = True
                raise
            if heads:  # an answer that goes on, as events do, is over, too
                await send({"type": "http.response.body", "body": b"", "more_body": False})

        # Every address that is read can be asked about: routes know GET alone.
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
                if status:  # half an answer: the connection is cut
                    raise
            refused, body.refused = body.refused or refused, None
            if refused is not None and status == 0:
                await _answer(refused)(scope, receive, sending)
        finally:
            self._note(scope["method"], asked, status, time.perf_counter() - begun)

    def _admit(self, scope: Scope, headers: Headers, body: _Body) -> None:
        """Refuse who may not ask.

        Raises:
            RefusedError: With the status to answer.
        """
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
    # What has not been read of a request would be taken for the next one.
    close = {"Connection": "close"} if error.status in (408, 413) else {}
    return refusal(error.status, error.message, code=error.code, headers={**ask, **close})


def _name(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


def _place(error: BaseException) -> str:
    """The file and line where an error arose; its message could hold what a client sent."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "?" if trace is None else f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"


class _Body:
    """The body of a request, within bounds of size and time; `refused` is how it broke them."""

    refused: RefusedError | None = None

    def __init__(self, receive: Receive, limits: Limits, *, uploads: bool) -> None:
        self._receive, self._most = receive, limits.upload if uploads else limits.body
        self._seconds, self._until, self._got, self._whole = limits.request, 0.0, 0, False

    def check_length(self, told: str) -> None:
        """Refuse a body that says it is too long.

        Raises:
            RefusedError: It does.
        """
        if told.isdecimal() and len(told) < 20 and int(told) > self._most:
            raise self._too_long()

    async def receive(self) -> Message:
        """The next message.

        Raises:
            RefusedError: The body is too long, or took too long.
        """
        if self._whole:  # what comes then is the end of the connection
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
