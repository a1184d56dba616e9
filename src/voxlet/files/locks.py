"""Locks between processes, which go with who holds them."""

from __future__ import annotations

import contextlib
import errno
import os
from typing import TYPE_CHECKING

from voxlet.errors import LockedError
from voxlet.extras import import_extra
from voxlet.files.folders import is_there
from voxlet.files.refused import writing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

WITHOUT_LOCKS = frozenset({errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP})


@contextlib.contextmanager
def exclusive(
    path: Path, *, wait: bool = True, state: str = "is in use", leaves: bool = True
) -> Iterator[Callable[[], None]]:
    """Hold the lock file `path` while the block runs; it then holds this process's number.

    The lock goes with its process, however that ends; the file stays. Where the file system knows no locks
    the block runs unlocked: who uses this renames what is finished into place, so a race only costs work.

    Args:
        path: The lock file, made when missing.
        wait: For the process that has the lock, if one has it.
        state: What the error says of what is locked, before "by process N".
        leaves: The file where the block fails; else one that was not there before goes while it is held.

    Yields:
        What removes the lock file while it is held: afterwards it may be another's. On Windows, where nothing
        goes that is open, it is tried again when the block has ended, and refused if another has it by then.

    Raises:
        LockedError: Another process has it, and it is not waited for.
        FileError: The lock file cannot be made.
    """
    filelock = import_extra("filelock", "train")
    fresh = not is_there(path)
    lock = filelock.FileLock(path, timeout=-1 if wait else 0)
    with contextlib.ExitStack() as held:

        def remove() -> None:
            if not _is_removed(path):
                released.callback(_is_removed, path)

        released = held.enter_context(contextlib.ExitStack())  # ends after the lock, which is entered later
        with writing(path):
            try:
                held.enter_context(lock)
            except filelock.Timeout as error:
                raise LockedError(f"{state} by process {_holder(path)}", where=path) from error
            except (NotImplementedError, OSError) as error:
                if isinstance(error, OSError) and error.errno not in WITHOUT_LOCKS:
                    raise
        with contextlib.suppress(OSError):  # Windows lets nobody write into a locked file
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
    """The number of the process that has a lock, as far as the lock file tells."""
    try:
        number = path.read_text().strip()
    except OSError:  # Windows keeps others from reading it
        number = ""
    return number or "unknown"
