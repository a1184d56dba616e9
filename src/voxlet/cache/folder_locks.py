"""Locks on folders: many processes may use a folder, or one may remove it. Only POSIX systems have them.

Elsewhere nothing is locked; on Windows, a folder with an open file cannot be removed.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Literal

from voxlet.errors import LockedError

if TYPE_CHECKING:
    from pathlib import Path

AGAIN = "run the same command again"


def lock_for_use(folder: Path) -> int | None:
    """A handle that keeps others from removing the folder until it is closed.

    None if the system has no such locks.

    Raises:
        LockedError: The folder is being removed, was removed, or cannot be opened.
    """
    return _locked(folder, "LOCK_SH", "is being removed")


def lock_for_removal(folder: Path) -> int | None:
    """A handle that entitles this process to remove the folder; None if the system has no such locks.

    Raises:
        LockedError: A process uses the folder, another process has removed it, or it cannot be opened.
    """
    return _locked(folder, "LOCK_EX", "is in use")


def _locked(folder: Path, lock: Literal["LOCK_SH", "LOCK_EX"], state: str) -> int | None:
    if sys.platform == "win32":
        return None
    import fcntl

    try:
        handle = os.open(folder, os.O_RDONLY)
    except FileNotFoundError as error:
        raise LockedError("was removed", where=folder, remedy=AGAIN) from error
    except OSError as error:
        raise LockedError(f"cannot be opened ({error.strerror})", where=folder) from error
    try:
        fcntl.flock(handle, getattr(fcntl, lock) | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise LockedError(state, where=folder, remedy=AGAIN) from error
    except OSError:  # the file system has no locks
        os.close(handle)
        return None
    if not _is_at(handle, folder):  # it was moved aside before it was locked
        os.close(handle)
        raise LockedError("was removed", where=folder, remedy=AGAIN)
    return handle


def _is_at(handle: int, folder: Path) -> bool:
    """Whether a handle is that of the folder that is at this path now."""
    try:
        return os.path.samestat(os.fstat(handle), folder.stat())
    except FileNotFoundError:
        return False
