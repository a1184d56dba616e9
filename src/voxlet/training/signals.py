"""Turn Ctrl-C, SIGTERM and Ctrl-Break into a flag, so that a training can save before it stops."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType


class Signals:
    """While entered, a first SIGINT, SIGTERM or (Windows) SIGBREAK is only recorded; a second acts at once.

    Outside the main thread, where Python allows no handlers, nothing changes.
    """

    KINDS = tuple(
        getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)
    )

    def __init__(self) -> None:
        self.received = 0
        self._before: dict[signal.Signals, object] = {}

    def __enter__(self) -> Signals:
        if threading.current_thread() is threading.main_thread():
            self._before = {kind: signal.signal(kind, self._note) for kind in self.KINDS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()

    def _note(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 (the signature is Python's)
        self.received = number
        self._restore()

    def _restore(self) -> None:
        for kind, handler in self._before.items():
            signal.signal(kind, handler)  # type: ignore[arg-type]  # it is what signal.signal gave
        self._before = {}


def stop(number: int) -> None:
    """End the program as the signal would have: status 130 after Ctrl-C, 143 after SIGTERM.

    Raises:
        KeyboardInterrupt: After SIGINT.
        SystemExit: After another signal, with 128 plus its number.
    """
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    raise SystemExit(128 + number)
