"""Where a data set is written: a folder on this machine, or anything that fsspec reaches by URL.

Objects appear completely or not at all: each is built in memory and handed to the store at once. A write
through fsspec's own `open` that breaks off would leave a part of an object.
"""

from __future__ import annotations

import contextlib
import functools
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxlet import files
from voxlet.errors import FileError
from voxlet.extras import import_extra

if TYPE_CHECKING:
    from collections.abc import Iterator

GO_ON = "when it can be written, run the same command again: it continues from there"
LOST = "when the store can be reached, run the same command again: it continues from there"
S3 = "s3"
LOCK = ".lock"
BEGUN = ".part"
SECRET = re.compile(r"//[^/@]*@")  # user name and password in a URL


@dataclass(frozen=True)
class Folder:
    """A folder on a disk."""

    root: Path

    @property
    def place(self) -> str:
        """The name of the store in errors."""
        return str(self.root)

    def put(self, name: str, data: bytes) -> None:
        """Write an object, completely or not at all, even if this process is killed.

        The object is not synced to the disk, which for small files takes longer than making them: `verify`
        finds what a power failure damages.

        Raises:
            FileError: The object cannot be written.
        """
        path = self.root / name
        # A unique name: a machine that was given up for lost may still be writing the same object.
        beginning = path.with_name(f".{path.name}.{secrets.token_hex(4)}{BEGUN}")
        with files.writing(path, remedy=GO_ON):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                beginning.write_bytes(data)
                files.patiently(beginning.replace, path)
            except OSError:
                beginning.unlink(missing_ok=True)
                raise

    def get(self, name: str) -> bytes | None:
        """An object's bytes; None if there is no such object.

        Raises:
            FileError: The object cannot be read.
        """
        try:
            return (self.root / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise FileError(f"cannot be read ({error.strerror})", where=self.root / name) from error

    def names(self, folder: str) -> set[str]:
        """The names of the objects in a folder; empty if there is no such folder."""
        try:
            return {path.name for path in (self.root / folder).iterdir() if path.is_file()}
        except OSError:
            return set()

    def is_empty(self) -> bool:
        """Whether the folder holds nothing but hidden files, such as locks."""
        return all(path.name.startswith(".") for path in self.root.iterdir())

    def clear(self) -> None:
        """Remove partial files that killed processes have left behind."""
        for left in self.root.rglob(f".*{BEGUN}"):
            left.unlink(missing_ok=True)

    @contextlib.contextmanager
    def locked(self, part: str = "") -> Iterator[None]:
        """Let this process alone make the data set, or the named part, while the block runs.

        Raises:
            LockedError: Another process does so, or makes a part while all is to be made.
        """
        files.make_folder(self.root)
        locks = [self.root / (f"{LOCK}-{part}" if part else LOCK)]
        locks += [] if part else sorted(self.root.glob(f"{LOCK}-*"))
        with contextlib.ExitStack() as held:
            for lock in locks:
                own = files.exclusive(lock, wait=False, state="a data set is being made here")
                held.callback(held.enter_context(own))  # removes the lock file while the lock is held
            yield


@dataclass(frozen=True)
class Remote:
    """A place that fsspec reaches, such as `s3://bucket/words` or, in this process, `memory://words`."""

    url: str

    @property
    def place(self) -> str:
        """The name of the store in errors: the URL without its secrets."""
        return SECRET.sub("//", self.url)

    def put(self, name: str, data: bytes) -> None:
        """Write an object, completely or not at all.

        Raises:
            FileError: The store refuses it or cannot be reached.
        """
        with self._reaching(name) as (system, path):
            system.makedirs(path.rpartition("/")[0], exist_ok=True)
            system.pipe_file(path, data)

    def get(self, name: str) -> bytes | None:
        """An object's bytes; None if there is no such object.

        Raises:
            FileError: The store refuses it or cannot be reached.
        """
        with self._reaching(name) as (system, path):
            try:
                found: bytes = system.cat_file(path)
            except FileNotFoundError:
                return None
            return found

    def names(self, folder: str) -> set[str]:
        """The names of the objects in a folder.

        Raises:
            FileError: The store refuses it or cannot be reached.
        """
        with self._reaching(folder) as (system, path):
            try:
                return {str(found).rpartition("/")[2] for found in system.ls(path, detail=False)}
            except FileNotFoundError:
                return set()

    def is_empty(self) -> bool:
        """Whether the store holds no object."""
        return not self.names("")

    def clear(self) -> None:
        """Do nothing: a store shows complete objects only."""

    def locked(self, part: str = "") -> contextlib.AbstractContextManager[None]:  # noqa: ARG002
        """Do nothing: two processes that make the same data set write the same bytes."""
        return contextlib.nullcontext()

    @contextlib.contextmanager
    def _reaching(self, name: str) -> Iterator[tuple[Any, str]]:
        where = f"{self.place}/{name}"
        try:
            system, root = _filesystem(self.url)
            yield system, f"{root}/{name}"
        except ImportError as error:
            raise FileError(f"needs a package that is not installed ({error})", where=self.place) from error
        except Exception as error:  # stores have no common class for their errors
            first = next(iter(str(error).splitlines()), type(error).__name__)
            raise FileError(f"cannot be reached ({first[:200]})", where=where, remedy=LOST) from error


Store = Folder | Remote


def open_store(place: str) -> Store:
    """The store at a path or URL.

    Raises:
        FileError: The path is a file, or is empty.
    """
    if not place:
        raise FileError("is not a folder", where="--out ''", remedy="give a new folder")
    protocol, mark, path = place.partition("://")
    if mark and protocol != "file":
        return Remote(place.rstrip("/"))
    root = Path(path if mark else place).expanduser().absolute()
    if root.exists() and not root.is_dir():
        raise FileError("is a file", where=place, remedy="give a folder")
    return Folder(root)


@functools.lru_cache(8)
def _filesystem(url: str) -> tuple[Any, str]:
    """The fsspec file system of a URL, and the path within it."""
    protocol, _, path = url.partition("://")
    if protocol == S3:
        # Through Arrow: s3fs (botocore) caps urllib3 and dateutil, of which others need newer versions.
        arrow = import_extra("pyarrow.fs", "dataset")
        wrapper = import_extra("fsspec.implementations.arrow", "dataset").ArrowFSWrapper
        system, path = arrow.FileSystem.from_uri(url)
        return wrapper(system), path
    system, path = import_extra("fsspec", "dataset").core.url_to_fs(url)
    return system, str(path).rstrip("/")
