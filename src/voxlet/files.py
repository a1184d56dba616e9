"""Files and folders that appear whole or not at all, locks, and the cache folder.

Everything in the cache can be deleted at any time and is made again when needed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING

from voxlet.errors import AudioError, CorpusError

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
def atomic_folder(folder: Path) -> Iterator[Path]:
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


def make_folder(path: str | os.PathLike[str]) -> Path:
    """Make a folder for files, unless it is there, and those above it.

    Raises:
        AudioError: It cannot be made.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AudioError(f"the folder cannot be made ({error.strerror})", where=folder) from error
    return folder


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Write `data` so that the file appears whole or not at all, even when the power fails.

    Raises:
        AudioError: The folder is missing, full or not writable.
    """
    with atomic_file(path) as file:
        file.write(data)


@contextlib.contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """A file to write to that takes its place at `path` when the block ends, and vanishes if it fails.

    Raises:
        AudioError: The folder is missing, full or not writable.
    """
    path = Path(path)
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            with path.open("wb") as device:  # /dev/null or a pipe is written to, not replaced
                yield device
            return
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        try:
            with os.fdopen(handle, "w+b") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).chmod(0o644)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise AudioError(
            f"cannot be written ({error.strerror})", where=path, remedy="check the folder and its free space"
        ) from error
