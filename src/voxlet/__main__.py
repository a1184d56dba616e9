"""Where `voxlet` and `python -m voxlet` begin: Ctrl-C while modules are imported ends the process silently.

An import makes tracebacks, or errors of its own, of an interruption, and nothing is begun that would have to
be put in order.
"""

from __future__ import annotations

import _thread
import signal
import sys
import time
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

IMPORTING = ("importlib", "_frozen_importlib")  # modules that import
SOON = 0.002  # seconds
OURS = ("__main__", "voxlet.__main__", "voxlet.cli")  # what imports before anything is begun


def main() -> int:
    """Run the command of the process's arguments; see `voxlet.cli.main`.

    Returns:
        The exit status.
    """
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN  # as for what a shell starts with `&`
    if not ignored:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from voxlet.cli.main import main as run

    if not ignored:
        signal.signal(signal.SIGINT, interrupt)
        sys.unraisablehook = interrupt_again
    return run()


def interrupt(number: int, frame: FrameType | None) -> None:
    """What SIGINT does: end the process while a command imports what it needs, else raise as usual.

    Raises:
        KeyboardInterrupt: Something may be begun.
    """
    if _begins(frame):
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)
    raise KeyboardInterrupt


def interrupt_again(ignored: sys.UnraisableHookArgs) -> None:
    """Interrupt once more where an interruption fell into code whose errors Python ignores: what a weak
    reference calls, as imports do, or a finaliser."""
    if ignored.exc_type is KeyboardInterrupt:
        _thread.start_new_thread(_interrupt_soon, (_thread.get_ident(),))  # when that code, and this, is over
    else:
        sys.__unraisablehook__(ignored)


def _interrupt_soon(main_thread: int) -> None:
    time.sleep(SOON)
    if sys.platform == "win32":
        _thread.interrupt_main()
    else:
        signal.pthread_kill(main_thread, signal.SIGINT)  # wakes it where it waits


def _begins(frame: FrameType | None) -> bool:
    """Whether the first import on the stack is the command line's."""
    modules = [*_modules(frame)][::-1]
    return next(
        (caller.startswith(OURS) for caller, one in pairwise(modules) if one.startswith(IMPORTING)), False
    )


def _modules(frame: FrameType | None) -> Iterator[str]:
    """The names of the modules whose code runs, from the innermost call on."""
    while frame is not None:
        yield str(frame.f_globals.get("__name__"))
        frame = frame.f_back


if __name__ == "__main__":
    sys.exit(main())
