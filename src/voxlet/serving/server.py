"""A running server: bound, patient with slow clients to a point, ended without cutting answers."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from voxlet.errors import ConfigError
from voxlet.serving.guard import LOCAL_NAMES, check_key

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator

    from fastapi import FastAPI

    from voxlet.serving.limits import Limits

IDLE = 20  # seconds that a connection stays open between requests
BACKLOG = 1024  # connections that wait to be taken


def check_exposure(host: str, key: str | None) -> None:
    """Refuse to serve other machines without a key.

    Raises:
        ConfigError: It would.
    """
    if host not in LOCAL_NAMES and key is None:
        raise ConfigError(
            f"{host} can be reached from other machines, but no key is set",
            where="--host",
            remedy="put a key of your own into the variable VOXLET_KEY",
        )
    if key is not None:
        check_key(key)


def bind(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes one that is free.

    Raises:
        ConfigError: The address is taken, or none of this machine.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except (OSError, OverflowError, UnicodeError) as error:
        told = str(getattr(error, "strerror", None) or error)
        problem = told.partition(" (while")[0]  # and where, once more
        raise ConfigError(
            f"cannot listen on this address ({problem})",
            where=f"{host}:{port}",
            remedy="choose another port (--port; 0 picks a free one)",
        ) from error
    # Connections inherit it. Without it the first sound waits until the client has acknowledged the headers,
    # often 40 ms; asyncio sets it for sockets alone that it has made itself.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def make_server(app: FastAPI, limits: Limits, ready: Callable[[], None]) -> uvicorn.Server:
    """A server, whose `run(sockets=[...])` serves until `should_exit`, which SIGINT or SIGTERM sets.

    Running answers are then finished; a second signal cuts them.

    Args:
        app: What `create_app` makes.
        limits: As in `create_app`.
        ready: Called when requests are answered.
    """

    class Patient(H11Protocol):
        """Connections that are cut when no request has begun on them for too long."""

        _watch: asyncio.TimerHandle | None = None
        _seen: object = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._watch = self.loop.call_later(limits.head, self._look)

        def connection_lost(self, exc: Exception | None) -> None:
            if self._watch is not None:
                self._watch.cancel()
            super().connection_lost(exc)

        def _look(self) -> None:
            if self.transport.is_closing():  # but waits for the client, which has had its time
                self.transport.abort()
                return
            busy = self.cycle is not None and not self.cycle.response_complete
            if not busy and self.cycle is self._seen:
                self.transport.close()
                return
            self._seen = self.cycle
            self._watch = self.loop.call_later(limits.head, self._look)

    config = uvicorn.Config(
        app,
        http=Patient,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=IDLE,
        timeout_graceful_shutdown=round(limits.answer),
    )
    return _Server(config, ready)


class _Server(uvicorn.Server):
    """Says when it is ready, and ends as a program that has done what it was for."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        closing = getattr(self.config.app.state, "closing", None)  # type: ignore[union-attr]
        if closing is not None:
            closing.set()  # who watches would do so for ever
        await super().shutdown(sockets)

    def handle_exit(self, *_: object) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        main = threading.current_thread() is threading.main_thread()  # others are given no signals
        handled = (signal.SIGINT, signal.SIGTERM) if main else ()
        before = {number: signal.signal(number, self.handle_exit) for number in handled}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
