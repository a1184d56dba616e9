"""The cache folder: where derived files live, and how two processes build one of them without harm.

Everything in it can be deleted at any time and is made again when needed. A folder appears whole or not at
all: it is built beside its place under another name and renamed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from voxlet.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Iterator

CACHE_VARIABLE = "VOXLET_CACHE"
ABANDONED_SECONDS = 86_400.0  # nobody builds for a day


def cache_folder(*parts: str) -> Path:
    """The folder `parts` under `$VOXLET_CACHE` (or `~/.cache/voxlet`), made when missing.

    Raises:
        CorpusError: It cannot be made.
    """
    chosen = os.environ.get(CACHE_VARIABLE)
    base = Path(chosen).expanduser() if chosen else Path.home() / ".cache" / "voxlet"
    folder = base.joinpath(*parts)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from error
    return folder


def unwritable(where: Path, error: OSError) -> CorpusError:
    """The error for a cache that cannot be written: full, read-only, or not ours."""
    return CorpusError(
        f"the cache cannot be written ({error.strerror or error})",
        where=where,
        remedy=f"free some space or set {CACHE_VARIABLE} to a folder that can be written",
    )


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock file `path` while the block runs; a second process waits for the first.

    The lock goes with its process, however that ends. Where the system has no `flock`, or the file system
    refuses it, the block runs unlocked: what it builds is renamed into place, so a race only costs work.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise unwritable(path, error) from error
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextlib.contextmanager
def appearing(folder: Path) -> Iterator[Path]:
    """A temporary folder beside `folder` to build in; it takes `folder`'s place when the block ends well.

    What stood at `folder` before is removed. Where another process put its own there in the meantime, that
    one stays: both hold the same content.
    """
    for left in folder.parent.glob(f".{folder.name}.*"):  # by a process that was killed
        if time.time() - left.stat().st_mtime > ABANDONED_SECONDS:
            shutil.rmtree(left, ignore_errors=True)
    building = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        building.chmod(0o755)
        if folder.exists():
            stale = building.with_name(f"{building.name}.stale")
            folder.rename(stale)
            shutil.rmtree(stale, ignore_errors=True)
        yield building
        try:
            building.rename(folder)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
    finally:
        shutil.rmtree(building, ignore_errors=True)
