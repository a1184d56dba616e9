"""What commands print. All text goes through here, so no file's content steers the terminal.

Answers go to standard output, errors and progress to standard error. Where standard output is closed or
full, that is an error like any other, and the interpreter has nothing left to complain about when it ends.
Where standard error is, what is told there is lost, and the work goes on.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import TYPE_CHECKING, BinaryIO, TextIO, cast

from voxlet.errors import FileError, printable

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class Unfailing(io.FileIO):
    """A stream whose reader may have gone, or whose disk may be full: what cannot be written is lost."""

    def write(self, data: ReadableBuffer, /) -> int:
        """Write as much as can be written, and count all of it."""
        with contextlib.suppress(OSError):
            super().write(data)
        return memoryview(data).nbytes


def prepare_streams() -> None:
    """Let no character stop a print, no complaint the work, and no file take a closed stream's number."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # it gets the lowest free number
    if sys.stderr is None or _is_own(sys.stderr):
        # Libraries write there, too, and each of them would have to be ready for an error.
        raw = cast("BinaryIO", Unfailing(2, "w", closefd=False))
        encoding = getattr(sys.stderr, "encoding", None)
        sys.stderr = io.TextIOWrapper(raw, encoding, line_buffering=True, write_through=True)
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # it may be closed, or something else in its place
            stream.reconfigure(errors="backslashreplace")


def _is_own(stream: TextIO) -> bool:
    """Whether it is the interpreter's own, not a console of Windows or what a program put in its place."""
    return stream is sys.__stderr__ and type(getattr(stream.buffer, "raw", stream.buffer)) is io.FileIO


def answer(*lines: object) -> None:
    """Print a command's answer, of which no line becomes several, whatever names are in it.

    Raises:
        FileError: Standard output is closed, or what it leads to is full.
        BrokenPipeError: Nobody reads it any more.
    """
    stream = standard_output()
    try:
        stream.writelines(f"{printable(str(line))}\n" for line in lines)
        stream.flush()
    except OSError as error:
        _discard(stream)
        if isinstance(error, BrokenPipeError):
            raise
        raise FileError(f"cannot be written ({error.strerror})", where="standard output") from error


def complain(text: str) -> None:
    """Print an error of one line, as far as standard error can be written."""
    sys.stderr.write(f"{printable(' '.join(text.split()))}\n")
    sys.stderr.flush()


def standard_output() -> TextIO:
    """Standard output.

    Raises:
        FileError: It is closed.
    """
    if sys.stdout is None:
        raise FileError("is closed", where="standard output")
    return sys.stdout


def in_bytes(count: float) -> str:
    """A number of bytes, in decimal units.

    >>> in_bytes(999), in_bytes(2_500), in_bytes(12_000_000), in_bytes(3.4e9), in_bytes(float("inf"))
    ('999 B', '2.5 kB', '12 MB', '3.4 GB', 'any size')
    """
    if count == float("inf"):
        return "any size"
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            break
        count /= 1000
    return f"{count:.1f} {unit}" if unit != "B" and count < 10 else f"{count:,.0f} {unit}"


def _discard(stream: TextIO) -> None:
    """Let a stream lead nowhere, so that flushing it at the end of the process succeeds."""
    with contextlib.suppress(OSError):  # it may be no file at all
        number = stream.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, number)
        os.close(nowhere)
