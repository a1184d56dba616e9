"""The entries of the cache, the processes that use them, and what is removed when it exceeds its limit.

The cache is a folder with a folder for each kind of entry. An entry is a folder with its lock file, or a few
files with one name. Only names that voxlet gives are considered, so other things in the cache's folder are
never removed.
"""

from __future__ import annotations

import contextlib
import importlib.util
import math
import os
import re
import secrets
import shutil
import time
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlet.cache.folder_locks import lock_for_removal, lock_for_use
from voxlet.errors import ConfigError, LockedError
from voxlet.files import ABANDONED_SECONDS, cache_path, exclusive, write_atomically

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

LIMIT_VARIABLE = "VOXLET_CACHE_GB"
DEFAULT_GB = 10.0
CORPORA = "corpora"


@dataclass(frozen=True)
class Kind:
    """A kind of entry: a description, a pattern for its names, and whether it counts towards the limit."""

    what: str
    names: str
    bounded: bool = True


@dataclass(frozen=True)
class Entry:
    """Files and folders of the cache that are kept, used and removed together.

    Attributes:
        kind: A key of `KINDS`.
        name: Name within the kind.
        paths: The files and folders; unfinished ones are an entry of their own.
        files: Number of files.
        size: Size of all files in bytes.
        used: When the entry was last made or used, in seconds since the epoch.
    """

    kind: str
    name: str
    paths: tuple[Path, ...]
    files: int
    size: int
    used: float

    @property
    def unfinished(self) -> bool:
        """Whether a process is making this entry, or was killed while making it."""
        return self.paths[0].name.startswith(".")


KINDS = {
    "prepared": Kind("clips brought to one rate, length and level", r"[0-9a-f]{24}"),
    "scans": Kind("what reading each recording has shown", r"[0-9a-f]{24}"),
    "classifiers": Kind("classifiers trained for scores", r"[0-9a-f]{32}"),
    "judges": Kind("classifiers of voxlet 0.1", r"[0-9a-f]{32}"),
    "scores": Kind("what was measured", r"[0-9a-f]{32}"),
    "downloads": Kind("archives whose download is unfinished", r"\w+-[0-9a-f]{8}"),
    "voices": Kind(
        "pulled voices; only --clear removes them", r"models--[\w.-]+|[0-9a-f]{64}", bounded=False
    ),
    "matplotlib": Kind("matplotlib's list of this machine's fonts", r"fontlist-[\w-]+", bounded=False),
    "said": Kind("notes that are shown only once", r"\w+", bounded=False),
    CORPORA: Kind("fetched recordings; only --clear removes them", r"\w+", bounded=False),
}
_held: dict[Path, int] = {}  # handles of folders that are in use until this process ends


def limit() -> float:
    """Most bytes of all bounded kinds together: `VOXLET_CACHE_GB`, or ten gigabytes.

    Raises:
        ConfigError: The variable is not a number of gigabytes.
    """
    text = os.environ.get(LIMIT_VARIABLE) or str(DEFAULT_GB)
    try:
        gigabytes = float(text)
    except ValueError:
        gigabytes = math.nan
    if not gigabytes >= 0:
        raise ConfigError(
            f"{text!r} is not a number of gigabytes",
            where=LIMIT_VARIABLE,
            remedy="give 0 or more; inf for no bound",
        )
    return gigabytes * 1e9


def entries(kinds: Iterable[str] = tuple(KINDS)) -> list[Entry]:
    """All entries of these kinds, kind by kind."""
    return [entry for kind in kinds for entry in _entries_of(kind)]


def shrink() -> None:
    """Remove the least recently used entries until the bounded kinds are within the limit; used ones stay.

    Raises:
        ConfigError: As `limit`.
    """
    most = limit()
    found = entries(kind for kind, about in KINDS.items() if about.bounded)
    excess = sum(entry.size for entry in found) - most
    for entry in sorted(found, key=lambda entry: entry.used):
        if excess <= 0:
            return
        if remove(entry):
            excess -= entry.size


def remove(entry: Entry) -> bool:
    """Remove an entry, unless a process uses or makes it; return whether it is gone."""
    if entry.unfinished and time.time() - entry.used < ABANDONED_SECONDS:
        return False
    try:
        with _unused(entry) as remove_lock:
            for path in entry.paths:
                if path.suffix != ".lock":
                    _remove(path)
            remove_lock()  # last, while it is held: others may then build under a new lock
    except (LockedError, OSError):
        return False
    return not any(path.exists() for path in entry.paths if path.suffix != ".lock")


def write(path: Path, data: bytes) -> None:
    """Write a file of the cache, then shrink the cache to its limit.

    Raises:
        FileError: The file cannot be written.
        ConfigError: As `limit`.
    """
    write_atomically(path, data)
    shrink()


def touch(path: Path) -> None:
    """Record that an entry is used now, if this process has the permission."""
    with contextlib.suppress(OSError):
        os.utime(path)


def hold(folder: Path, user: object = None) -> None:
    """Keep others from removing a folder of the cache while `user` exists, or until this process ends.

    Raises:
        LockedError: The folder is being removed, was removed, or cannot be opened.
    """
    if folder in _held:
        return
    handle = lock_for_use(folder)
    if handle is None:
        return
    if user is None:
        _held[folder] = handle
    else:
        weakref.finalize(user, os.close, handle)


def _entries_of(kind: str) -> Iterator[Entry]:
    groups: dict[str, list[Path]] = {}
    folder = cache_path(kind)
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        name = path.name.removeprefix(".").partition(".")[0]
        if re.fullmatch(KINDS[kind].names, name, re.ASCII):
            groups.setdefault(path.name if path.name.startswith(".") else name, []).append(path)
    for key, paths in groups.items():
        # The user's own recordings may be in a folder `corpora`, but not beside a lock file of their name.
        if kind == CORPORA and not (folder / f"{key.removeprefix('.').partition('.')[0]}.lock").exists():
            continue
        statuses = [status for path in paths for status in _statuses(path)]
        if not statuses:  # removed since it was listed; a new entry of that name may be in use
            continue
        used = max(status.st_mtime for status, _ in statuses)
        sizes = [status.st_size for status, is_file in statuses if is_file]
        yield Entry(kind, key, tuple(paths), len(sizes), sum(sizes), used)


def _statuses(path: Path) -> Iterator[tuple[os.stat_result, bool]]:
    """The status of a path and of everything below it, each with whether it is a file.

    Paths that vanish or are not readable are skipped, so that files of other users do not cause errors.
    """
    with contextlib.suppress(FileNotFoundError, PermissionError):
        is_folder = path.is_dir() and not path.is_symlink()
        yield path.lstat(), not is_folder
        if is_folder:
            for inner in path.iterdir():
                yield from _statuses(inner)


@contextlib.contextmanager
def _unused(entry: Entry) -> Iterator[Callable[[], None]]:
    """Keep others from making or holding an entry while the block runs.

    Yields:
        A function that removes the entry's lock file, or does nothing if that belongs to another entry.

    Raises:
        LockedError: A process makes or holds the entry.
    """
    name = entry.name.removeprefix(".").partition(".")[
        0
    ]  # unfinished entries are made under the lock of the finished one
    if entry.kind == "downloads":  # fetching a corpus locks the corpus's folder
        lock = cache_path(CORPORA, f"{name.rpartition('-')[0]}.lock")
    else:
        lock = cache_path(entry.kind, f"{name}.lock")
    folders = [path for path in entry.paths if path.is_dir()]
    with contextlib.ExitStack() as held:
        remove_lock: Callable[[], None] = _nothing
        # A small installation lacks the package that locks, but does not fill the cache either.
        if (folders or lock.exists()) and importlib.util.find_spec("filelock"):
            made = not lock.exists()
            own = held.enter_context(exclusive(lock, wait=False))
            remove_lock = own if made or lock in entry.paths else _nothing
        for folder in folders:
            handle = lock_for_removal(folder)
            if handle is not None:
                held.callback(os.close, handle)
        yield remove_lock


def _nothing() -> None:
    """Do nothing: the lock file stays."""


def _remove(path: Path) -> None:
    """Remove a file, or a folder in one step, so that no process sees a part of its content."""
    if not path.is_dir() or path.is_symlink():
        path.unlink(missing_ok=True)
        return
    aside = path.with_name(f".{path.name.removeprefix('.')[:40]}.{secrets.token_hex(4)}")
    path.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)
