"""The entry point of `voxlet` and `python -m voxlet`: Ctrl-C during imports ends the process silently.

An interrupted import would print a traceback or raise an error of its own, and at that time no work has begun
that would need cleaning up.
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

IMPORTING = ("importlib", "_frozen_importlib")  # modules that carry out imports
SOON = 0.002  # seconds
OURS = ("__main__", "voxlet.__main__", "voxlet.cli")  # modules whose imports come before any work


def main() -> int:
    """Run the command of the process's arguments; see `voxlet.cli.main`.

    Returns:
        The exit status.
    """
    ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN  # as in commands started with `&`
    if not ignored:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from voxlet.cli.main import main as run

    if not ignored:
        signal.signal(signal.SIGINT, interrupt)
        sys.unraisablehook = interrupt_again
    return run()


def interrupt(number: int, frame: FrameType | None) -> None:
    """Handle SIGINT: end the process while the command line imports modules, else raise as usual.

    Raises:
        KeyboardInterrupt: Work may have begun.
    """
    if _begins(frame):
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)
    raise KeyboardInterrupt


def interrupt_again(ignored: sys.UnraisableHookArgs) -> None:
    """Interrupt again if the interruption was raised in code whose errors Python ignores: a finaliser, or the
    callback of a weak reference, such as imports use."""
    if ignored.exc_type is KeyboardInterrupt:
        _thread.start_new_thread(_interrupt_soon, (_thread.get_ident(),))  # after that code and this hook
    else:
        sys.__unraisablehook__(ignored)


def _interrupt_soon(main_thread: int) -> None:
    time.sleep(SOON)
    if sys.platform == "win32":
        _thread.interrupt_main()
    else:
        signal.pthread_kill(main_thread, signal.SIGINT)  # also wakes a waiting thread


def _begins(frame: FrameType | None) -> bool:
    """Whether the outermost import on the stack was started by the command line."""
    modules = [*_modules(frame)][::-1]
    return next(
        (caller.startswith(OURS) for caller, one in pairwise(modules) if one.startswith(IMPORTING)), False
    )


def _modules(frame: FrameType | None) -> Iterator[str]:
    """The name of each frame's module, from the innermost call outwards."""
    while frame is not None:
        yield str(frame.f_globals.get("__name__"))
        frame = frame.f_back


if __name__ == "__main__":
    sys.exit(main())
