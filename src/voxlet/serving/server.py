"""Running the server: it limits connections and slow clients, and ends without cutting answers off."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from voxlet.errors import ConfigError
from voxlet.serving.guard import CROWDED, LOCAL_NAMES, check_key

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator

    from fastapi import FastAPI

    from voxlet.serving.limits import Limits

IDLE = 20  # seconds that a connection stays open between requests
BACKLOG = 128  # connections that wait to be accepted; asyncio accepts that many before it looks at one


def check_exposure(host: str, key: str | None) -> None:
    """Refuse to serve other machines without a key.

    Raises:
        ConfigError: Other machines can reach `host` and there is no key, or the key is invalid.
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
    """A listening socket; port 0 picks a free one.

    Raises:
        ConfigError: The address is in use, or does not belong to this machine.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except (OSError, OverflowError, UnicodeError) as error:
        told = str(getattr(error, "strerror", None) or error)
        problem = told.partition(" (while")[0]  # what follows repeats the address
        raise ConfigError(
            f"cannot listen on this address ({problem})",
            where=f"{host}:{port}",
            remedy="choose another port (--port; 0 picks a free one)",
        ) from error
    # Connections inherit this option. Without it the first audio waits until the client has acknowledged the
    # headers, often 40 ms; asyncio sets it only on sockets that it has made itself.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def make_server(app: FastAPI, limits: Limits, ready: Callable[[], None]) -> uvicorn.Server:
    """A server whose `run(sockets=[...])` serves until SIGINT or SIGTERM sets `should_exit`.

    Running answers are then finished; a second signal cuts them off.

    Args:
        app: What `create_app` returns.
        limits: As in `create_app`.
        ready: Called once the server answers requests.
    """

    class Patient(H11Protocol):
        """A connection that is closed if no request begins on it for too long.

        One too many is refused by the guard, as uvicorn's `limit_concurrency` gives no time to try again and
        refuses requests on old connections, too. Beyond twice the limit there is no room even to refuse.
        """

        _watch: asyncio.TimerHandle | None = None
        _seen: object = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            if len(self.connections) > 2 * limits.connections:
                transport.abort()
                return
            if len(self.connections) > limits.connections:
                self.app_state = {**self.app_state, CROWDED: True}
            self._watch = self.loop.call_later(limits.head, self._look)

        def connection_lost(self, exc: Exception | None) -> None:
            if self._watch is not None:
                self._watch.cancel()
            super().connection_lost(exc)

        def _look(self) -> None:
            if self.transport.is_closing():  # still waiting for the client, whose time is over
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
        backlog=BACKLOG,
        timeout_keep_alive=IDLE,
        timeout_graceful_shutdown=round(limits.answer),
    )
    return _Server(config, ready)


class _Server(uvicorn.Server):
    """A server that reports when it is ready, and returns normally after a signal."""

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
            closing.set()  # streams of events do not end by themselves
        await super().shutdown(sockets)

    def handle_exit(self, *_: object) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        main = threading.current_thread() is threading.main_thread()  # other threads cannot handle signals
        handled = (signal.SIGINT, signal.SIGTERM) if main else ()
        before = {number: signal.signal(number, self.handle_exit) for number in handled}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
