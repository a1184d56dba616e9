"""Folders that appear whole or not at all, and temporary ones."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from voxlet.errors import VoxletError
from voxlet.files.refused import patiently, writing
from voxlet.files.whole import flush

if TYPE_CHECKING:
    from collections.abc import Iterator

ABANDONED_SECONDS = 86_400.0  # what was begun so long ago was left by a process that was killed


def is_there(path: str | os.PathLike[str]) -> bool:
    """Whether anything is there; a name that nothing can have is none, where `Path.exists` may raise."""
    return os.path.exists(path)  # noqa: PTH110


def is_folder(path: str | os.PathLike[str]) -> bool:
    """Whether a folder is there; a name that no folder can have is none, where `Path.is_dir` may raise."""
    return os.path.isdir(path)  # noqa: PTH112


def is_file(path: str | os.PathLike[str]) -> bool:
    """Whether a file is there; a name that no file can have is none, where `Path.is_file` may raise."""
    return os.path.isfile(path)  # noqa: PTH113


def make_folder(path: str | os.PathLike[str]) -> Path:
    """Make a folder for files, unless it is there, and those above it; symbolic links are followed.

    Raises:
        FileError: It cannot be made.
    """
    folder = Path(path)
    with writing(folder, "the folder cannot be made", remedy=None):
        real_path(folder).mkdir(parents=True, exist_ok=True)
    return folder


def real_path(path: str | os.PathLike[str]) -> Path:
    """Where symbolic links lead, also to what is not there yet: `Path.mkdir` takes such a link for a file."""
    return Path(os.path.realpath(path))


@contextlib.contextmanager
def atomic_folder(folder: Path, *, durable: bool = False) -> Iterator[Path]:
    """A temporary folder beside `folder` to build in; it takes `folder`'s place when the block ends well.

    What stands at `folder` stays until then. Where another process put its own there in the meantime, that
    one stays: both hold the same content. What a process that was killed has left is removed after a day.

    Args:
        folder: Where it is to appear.
        durable: Wait until all is on the disk, so that it is whole even when the power fails.

    Raises:
        OSError: It cannot be written.
    """
    own = re.compile(rf"\.{re.escape(folder.name)}\.[a-z0-9_]{{8}}(\.stale)?")  # as `mkdtemp` has them
    for left in folder.parent.iterdir():
        with contextlib.suppress(FileNotFoundError):  # its process has just put it into place
            if own.fullmatch(left.name) and time.time() - left.stat().st_mtime >= ABANDONED_SECONDS:
                shutil.rmtree(left, ignore_errors=True)
    before = _identity(folder)
    building = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        building.chmod(0o755)
        with _as_if_at(folder, building):
            yield building
        if durable:
            for path in (*building.rglob("*"), building):
                flush(path)
        _put(building, folder, before)
        if durable:
            flush(folder.parent)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _put(building: Path, folder: Path, before: tuple[int, int] | None) -> None:
    """Let what was built take the folder's place, unless another process's has come since `before`."""
    stale = building.with_name(f"{building.name}.stale")
    try:
        if before is not None and _identity(folder) == before:
            with contextlib.suppress(FileNotFoundError):  # another process has just removed it
                patiently(folder.rename, stale)
        patiently(building.rename, folder)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
    finally:
        if stale.exists() and not folder.exists():
            patiently(stale.rename, folder)
        shutil.rmtree(stale, ignore_errors=True)


def _identity(folder: Path) -> tuple[int, int] | None:
    """Which folder lies there; None for none."""
    try:
        found = folder.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


@contextlib.contextmanager
def _as_if_at(folder: Path, building: Path) -> Iterator[None]:
    """Let errors name what is built as it is to be called: the temporary name is gone when they are read."""
    try:
        yield
    except VoxletError as error:
        if error.where is None or not error.where.startswith(str(building)):
            raise
        where = error.where.replace(str(building), str(folder), 1)
        raise type(error)(error.what, where=where, remedy=error.remedy) from error


@contextlib.contextmanager
def temporary_folder(*, otherwise: str = "") -> Iterator[Path]:
    """A folder for the block alone.

    Args:
        otherwise: What else can be done where there is no room for one, for the error.

    Raises:
        FileError: It cannot be made, or what the block writes into it finds no room.
    """
    with (
        writing("temporary files", remedy=f"set TMPDIR to a folder with room{otherwise}"),
        tempfile.TemporaryDirectory(prefix="voxlet", ignore_cleanup_errors=True) as folder,
    ):
        yield Path(folder)
