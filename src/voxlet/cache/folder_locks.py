"""Locks on folders: many processes may use one, a single one may remove it. POSIX systems alone have them.

Elsewhere nothing is locked; on Windows a file that is open keeps its folder there.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from voxlet.errors import LockedError

if TYPE_CHECKING:
    from pathlib import Path


def lock_for_use(folder: Path) -> int | None:
    """A handle that keeps others from removing the folder until it is closed.

    None where there is nothing to lock: the folder is being removed, or the system knows no such locks.
    """
    if sys.platform == "win32":
        return None
    import fcntl

    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


def lock_for_removal(folder: Path) -> int | None:
    """A handle with which the folder may be removed; None where the system knows no such locks.

    Raises:
        LockedError: A process uses the folder.
    """
    if sys.platform == "win32":
        return None
    import fcntl

    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise LockedError("is in use", where=folder) from error
    except OSError:  # the file system knows no locks
        os.close(handle)
        return None
    return handle
