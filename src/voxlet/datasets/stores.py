"""Where a data set goes: a folder of this machine, or whatever fsspec reaches by URL.

Objects appear whole or not at all: each is built in memory and given to the store at once. An object that
breaks off within fsspec's own `open` would be there in part.
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
SECRET = re.compile(r"//[^/@]*@")  # a key and its password in a URL


@dataclass(frozen=True)
class Folder:
    """A folder on a disk."""

    root: Path

    @property
    def place(self) -> str:
        """What errors call it."""
        return str(self.root)

    def put(self, name: str, data: bytes) -> None:
        """Write an object, whole or not at all, whatever kills this process.

        It is not waited for until it is on the disk, which for small files takes longer than making them:
        what a power failure damages is found by `verify`.

        Raises:
            FileError: It cannot be written.
        """
        path = self.root / name
        # A name of its own: a machine that was given up for lost may be writing the same.
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
        """An object's bytes; None where there is none.

        Raises:
            FileError: It cannot be read.
        """
        try:
            return (self.root / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise FileError(f"cannot be read ({error.strerror})", where=self.root / name) from error

    def names(self, folder: str) -> set[str]:
        """The names of the objects in a folder; none where there is no such folder."""
        try:
            return {path.name for path in (self.root / folder).iterdir() if path.is_file()}
        except OSError:
            return set()

    def is_empty(self) -> bool:
        """Whether nothing lies there but what is hidden, as locks are."""
        return all(path.name.startswith(".") for path in self.root.iterdir())

    def clear(self) -> None:
        """Remove what a process that was killed had begun to write."""
        for left in self.root.rglob(f".*{BEGUN}"):
            left.unlink(missing_ok=True)

    @contextlib.contextmanager
    def alone(self, part: str = "") -> Iterator[None]:
        """Be the only process that builds here, or that builds this part.

        Raises:
            LockedError: Another one does, or builds a part where all is to be built.
        """
        files.make_folder(self.root)
        locks = [self.root / (f"{LOCK}-{part}" if part else LOCK)]
        locks += [] if part else sorted(self.root.glob(f"{LOCK}-*"))
        with contextlib.ExitStack() as held:
            for lock in locks:
                own = files.exclusive(lock, wait=False, state="a data set is being made here")
                held.callback(held.enter_context(own))  # its file goes while it is held
            yield


@dataclass(frozen=True)
class Remote:
    """A place that fsspec reaches, such as `s3://bucket/words` or, in this process, `memory://words`."""

    url: str

    @property
    def place(self) -> str:
        """What errors call it: the URL without its secrets."""
        return SECRET.sub("//", self.url)

    def put(self, name: str, data: bytes) -> None:
        """Write an object, whole or not at all.

        Raises:
            FileError: The store refuses it or cannot be reached.
        """
        with self._reaching(name) as (system, path):
            system.makedirs(path.rpartition("/")[0], exist_ok=True)
            system.pipe_file(path, data)

    def get(self, name: str) -> bytes | None:
        """An object's bytes; None where there is none.

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
        """Whether it holds no object."""
        return not self.names("")

    def clear(self) -> None:
        """Nothing: a store shows whole objects only."""

    def alone(self, part: str = "") -> contextlib.AbstractContextManager[None]:  # noqa: ARG002
        """Nothing: two that make the same data set write the same bytes."""
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
    """The folder or store of a path or URL.

    Raises:
        FileError: It is a file, or empty.
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
    """The file system of a URL, and the path in it."""
    protocol, _, path = url.partition("://")
    if protocol == S3:
        # By Arrow: s3fs holds back packages (botocore: urllib3, dateutil) that others here need newer.
        arrow = import_extra("pyarrow.fs", "dataset")
        wrapper = import_extra("fsspec.implementations.arrow", "dataset").ArrowFSWrapper
        system, path = arrow.FileSystem.from_uri(url)
        return wrapper(system), path
    system, path = import_extra("fsspec", "dataset").core.url_to_fs(url)
    return system, str(path).rstrip("/")
