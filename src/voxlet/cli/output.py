"""What commands print. All text goes through here, so that no file's content can control the terminal.

Answers go to standard output, errors and progress to standard error. A standard output that is closed or full
is an error like any other, and the interpreter has nothing left to complain about at exit. If standard error
is closed or full, its messages are lost and the work goes on.
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
    """A stream that drops what cannot be written, because its reader has gone or its disk is full."""

    def write(self, data: ReadableBuffer, /) -> int:
        """Write as much as possible, and return the size of all of it."""
        with contextlib.suppress(OSError):
            super().write(data)
        return memoryview(data).nbytes


def prepare_streams() -> None:
    """Prepare the standard streams, so that none of them can stop the work.

    Characters that cannot be encoded are escaped, failed writes to standard error are ignored, and no file
    that is opened later can get the file descriptor of a closed stream.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    if sys.stderr is None or _is_own(sys.stderr):
        # Libraries write there, too, and each of them would have to handle the error.
        raw = cast("BinaryIO", Unfailing(2, "w", closefd=False))
        encoding = getattr(sys.stderr, "encoding", None)
        sys.stderr = io.TextIOWrapper(raw, encoding, line_buffering=True, write_through=True)
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # it may be closed or replaced
            stream.reconfigure(errors="backslashreplace")


def _is_own(stream: TextIO) -> bool:
    """Whether a stream is the interpreter's own, not a Windows console or a program's replacement."""
    return stream is sys.__stderr__ and type(getattr(stream.buffer, "raw", stream.buffer)) is io.FileIO


def print_answer(*lines: object) -> None:
    """Print a command's answer, each item on exactly one line, whatever characters are in it.

    Raises:
        FileError: Standard output is closed or cannot be written, as on a full disk.
        BrokenPipeError: Its reader has closed it.
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


def print_error(text: str) -> None:
    """Print an error on one line, if standard error can be written."""
    sys.stderr.write(f"{printable(' '.join(text.split()))}\n")
    sys.stderr.flush()


def standard_output() -> TextIO:
    """Standard output.

    Raises:
        FileError: Standard output is closed.
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
    """Redirect a stream to the null device, so that flushing it at exit succeeds."""
    with contextlib.suppress(OSError):  # it may not be a file at all
        number = stream.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, number)
        os.close(nowhere)
