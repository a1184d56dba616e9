"""A minimum rate for downloads: a connection that only drips is ended, in whichever part of the answer.

A timeout limits one read: a server that sends a byte now and then stays within every timeout, in the
handshake, in the headers and in the body.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType

LOOKS = 20  # checks in each period over which the rate is measured


class Pace:
    """Ends a pool manager's connections if they stay below a minimum rate while the block runs.

    Args:
        floor: The minimum rate of the body in bytes per second.
        seconds: The period over which the rate is measured; also how long an answer may take to begin.
    """

    def __init__(self, floor: float, seconds: float) -> None:
        self.floor, self.seconds = floor, seconds
        self.too_slow = False
        self._bytes, self._since = 0, 0.0
        self._sockets: list[socket.socket] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Pace:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        for one in self._sockets:
            one.close()

    def watch(self, manager: Any) -> None:
        """Watch every connection that `manager`, a PoolManager of urllib3, makes from now on."""
        pools = manager.pool_classes_by_scheme
        manager.pool_classes_by_scheme = {scheme: self._watched(pool) for scheme, pool in pools.items()}

    def begin(self) -> None:
        """Start a new period, in which no bytes have arrived yet."""
        self._bytes, self._since = 0, time.monotonic()

    def came(self, count: int) -> None:
        """Add `count` bytes that have arrived."""
        self._bytes += count

    def _watched(self, pool: Any) -> Any:
        def connection(*arguments: Any, **options: Any) -> Any:
            made = pool.ConnectionCls(*arguments, **options)
            connect = made._new_conn

            def connected() -> socket.socket:
                found: socket.socket = connect()
                # A duplicate, as TLS takes over the original.
                self._sockets.append(found.dup())
                self.begin()
                return found

            made._new_conn = connected
            return made

        def pool_of(*arguments: Any, **options: Any) -> Any:
            made = pool(*arguments, **options)
            made.ConnectionCls = connection
            return made

        return pool_of

    def _watch(self) -> None:
        while not self._ended.wait(self.seconds / LOOKS):
            if not self._sockets or time.monotonic() - self._since < self.seconds:
                continue
            if self._bytes < self.floor * self.seconds:
                self.too_slow = True
                for one in self._sockets:
                    with contextlib.suppress(OSError):  # the server has closed it already
                        one.shutdown(socket.SHUT_RDWR)
                return
            self.begin()
