"""Turn errors of the file system into one error that names the file or folder."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from voxlet.errors import FileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Given = ParamSpec("Given")
Result = TypeVar("Result")
# Seconds, three in all: enough for readers of small files, and for virus scanners of new ones.
PAUSES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 1.12)


def patiently(act: Callable[Given, Result], *given: Given.args, **named: Given.kwargs) -> Result:
    """Call a function that moves or removes a file or folder, on Windows with retries; return its result.

    On Windows, a file cannot be moved, replaced or removed while any process has it open, even for a moment.

    Raises:
        OSError: The function still fails.
    """
    for pause in PAUSES if sys.platform == "win32" else ():
        try:
            return act(*given, **named)
        except PermissionError:
            time.sleep(pause)
    return act(*given, **named)


@contextlib.contextmanager
def writing(
    where: object,
    what: str = "cannot be written",
    *,
    remedy: str | None = "check the folder and its free space",
) -> Iterator[None]:
    """Turn errors of the file system in the block into one error that names the file or folder.

    Raises:
        FileError: The block raised an `OSError`, or no file can have this name.
    """
    try:
        yield
    except OSError as error:
        raise FileError(f"{what} ({error.strerror or error})", where=where, remedy=remedy) from error
    except ValueError as error:
        if is_a_name(str(where)):
            raise
        raise FileError("no file can have this name", where=repr(str(where))) from error


def is_a_name(text: str) -> bool:
    """Whether a file can have this name; if not, system calls raise `ValueError` instead of `OSError`."""
    with contextlib.suppress(UnicodeEncodeError):
        return b"\0" not in os.fsencode(text)
    return False
