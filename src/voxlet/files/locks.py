"""Locks between processes, which end with the process that holds them."""

from __future__ import annotations

import contextlib
import errno
import os
from typing import TYPE_CHECKING

from voxlet.errors import LockedError
from voxlet.extras import import_extra
from voxlet.files.folders import is_there
from voxlet.files.os_errors import writing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

WITHOUT_LOCKS = frozenset({errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP})


@contextlib.contextmanager
def exclusive(
    path: Path, *, wait: bool = True, state: str = "is in use", leaves: bool = True
) -> Iterator[Callable[[], None]]:
    """Hold the lock file `path`, which contains this process's number, while the block runs.

    The lock ends with its process, however that ends; the file stays. If the file system has no locks, the
    block runs unlocked: callers rename finished work into place, so a race only costs work.

    Args:
        path: The lock file, made if missing.
        wait: Wait if another process has the lock.
        state: State of what is locked, in the error message before "by process N".
        leaves: Keep the lock file if the block fails; otherwise, one that was not there before is removed.

    Yields:
        A function that removes the lock file while it is held: later, the file may be another process's. On
        Windows, where open files cannot be removed, it tries again after the block; that fails if another
        process has the file by then.

    Raises:
        LockedError: Another process has the lock, and `wait` is false.
        FileError: The lock file cannot be made.
    """
    filelock = import_extra("filelock", "train")
    fresh = not is_there(path)
    lock = filelock.FileLock(path, timeout=-1 if wait else 0)
    with contextlib.ExitStack() as held:

        def remove() -> None:
            if not _is_removed(path):
                released.callback(_is_removed, path)

        released = held.enter_context(contextlib.ExitStack())  # exits after the lock, which is entered later
        with writing(path):
            try:
                held.enter_context(lock)
            except filelock.Timeout as error:
                raise LockedError(f"{state} by process {_holder(path)}", where=path) from error
            except (NotImplementedError, OSError) as error:
                if isinstance(error, OSError) and error.errno not in WITHOUT_LOCKS:
                    raise
        with contextlib.suppress(OSError):  # Windows does not allow writing to a locked file
            path.write_text(f"{os.getpid()}\n")
        try:
            yield remove
        except BaseException:
            if fresh and not leaves:
                remove()
            raise


def _is_removed(path: Path) -> bool:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return False
    return True


def _holder(path: Path) -> str:
    """The number of the process that has a lock, from the lock file, or "unknown"."""
    try:
        number = path.read_text().strip()
    except OSError:  # Windows does not let other processes read a locked file
        number = ""
    return number or "unknown"
