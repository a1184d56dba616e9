"""Folders that appear whole or not at all, and temporary folders."""

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
from voxlet.files.os_errors import patiently, writing
from voxlet.files.whole import flush

if TYPE_CHECKING:
    from collections.abc import Iterator

ABANDONED_SECONDS = 86_400.0  # older unfinished work was left by a process that was killed


def is_there(path: str | os.PathLike[str]) -> bool:
    """Whether the path exists; False for an impossible name, for which `Path.exists` may raise."""
    return os.path.exists(path)  # noqa: PTH110


def is_folder(path: str | os.PathLike[str]) -> bool:
    """Whether the path is a folder; False for an impossible name, for which `Path.is_dir` may raise."""
    return os.path.isdir(path)  # noqa: PTH112


def is_file(path: str | os.PathLike[str]) -> bool:
    """Whether the path is a file; False for an impossible name, for which `Path.is_file` may raise."""
    return os.path.isfile(path)  # noqa: PTH113


def make_folder(path: str | os.PathLike[str]) -> Path:
    """Make a folder and its parents, unless they exist, and return its path; symbolic links are followed.

    Raises:
        FileError: The folder cannot be made.
    """
    folder = Path(path)
    with writing(folder, "the folder cannot be made", remedy=None):
        real_path(folder).mkdir(parents=True, exist_ok=True)
    return folder


def real_path(path: str | os.PathLike[str]) -> Path:
    """The path behind symbolic links, even if nothing is there yet: `Path.mkdir` fails on such links."""
    return Path(os.path.realpath(path))


@contextlib.contextmanager
def atomic_folder(folder: Path, *, durable: bool = False) -> Iterator[Path]:
    """A temporary folder beside `folder` to build in; it replaces `folder` when the block ends without error.

    Until then, an existing `folder` stays. If another process puts its own there in the meantime, that one
    stays, since both have the same content. Remains of killed processes are removed after a day.

    Args:
        folder: Final path of the folder.
        durable: Wait until all is on the disk, so that the folder is whole even if the power fails.

    Raises:
        OSError: The folder cannot be written.
    """
    own = re.compile(rf"\.{re.escape(folder.name)}\.[a-z0-9_]{{8}}(\.stale)?")  # as named by `mkdtemp`
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
    """Move the built folder into place, unless another process has put one there since `before`."""
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
    """Device and inode of a folder; None if it does not exist."""
    try:
        found = folder.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


@contextlib.contextmanager
def _as_if_at(folder: Path, building: Path) -> Iterator[None]:
    """Let errors name the final path, since the temporary one no longer exists when they are read."""
    try:
        yield
    except VoxletError as error:
        if error.where is None or not error.where.startswith(str(building)):
            raise
        where = error.where.replace(str(building), str(folder), 1)
        raise type(error)(error.what, where=where, remedy=error.remedy) from error


@contextlib.contextmanager
def temporary_folder(*, otherwise: str = "") -> Iterator[Path]:
    """A folder that exists only within the block.

    Args:
        otherwise: Text that the error appends to its remedy, on what else to do if there is no room.

    Raises:
        FileError: The folder cannot be made, or the block cannot write into it.
    """
    with (
        writing("temporary files", remedy=f"set TMPDIR to a folder with room{otherwise}"),
        tempfile.TemporaryDirectory(prefix="voxlet", ignore_cleanup_errors=True) as folder,
    ):
        yield Path(folder)
