"""Write files that appear whole or not at all, and pipes, devices and descriptors, which are not replaced."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
import stat
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING

from voxlet.errors import FileError
from voxlet.files.os_errors import patiently, writing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

IN_MEMORY = 1 << 26  # bytes for a pipe or device; more are kept in a temporary file
# A path that stands for an open descriptor of this process.
DESCRIPTOR = re.compile(r"/(?:dev|proc/self)/fd/(?P<number>\d{1,6})|/dev/(?P<name>stdin|stdout|stderr)")
STANDARD = ("stdin", "stdout", "stderr")
MOST_LINKS = 40  # symbolic links to follow, as on Linux


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Write `data` so that the file appears whole or not at all, even if the power fails.

    Raises:
        FileError: The path is a folder; its folder is missing, full or not writable.
    """
    with atomic_file(path) as file:
        file.write(data)


def write_new(path: Path, data: bytes) -> None:
    """Write `data` to a new file, whole or not at all; a file that another process put there stays.

    Raises:
        FileExistsError: The path exists.
        FileError: The folder is missing, full or not writable.
    """
    with writing(path), contextlib.suppress(FileExistsError):
        with _built_beside(path, _take_free) as file:
            file.write(data)
        return
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))


@contextlib.contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """A file to write to, which replaces `path` when the block ends and is removed if the block fails.

    Symbolic links are kept, and the file that they lead to is replaced. A pipe, a device or an open
    descriptor (`/dev/stdout`, `/dev/fd/5`) is never replaced: at the end of the block, everything written is
    copied to it.

    Raises:
        FileError: The path is a folder; its folder is missing, full or not writable; a pipe has no reader.
    """
    with writing(path):
        target, descriptor = _destination(Path(path))
        if descriptor is None and target.is_dir():
            raise FileError("is a folder", where=Path(path), remedy="name a file in it")
        if descriptor is None and not is_special(target):
            with _built_beside(target, _replace) as file:
                yield file
            return

    def stream() -> IO[bytes]:
        # A duplicate continues at the descriptor's position; opening its path would start a file anew.
        return target.open("wb") if descriptor is None else os.fdopen(os.dup(descriptor), "wb")

    with writing(path, remedy=None), spooled(stream) as file:
        yield file


@contextlib.contextmanager
def spooled(
    open_stream: Callable[[], contextlib.AbstractContextManager[IO[bytes]]],
) -> Iterator[IO[bytes]]:
    """A file to write to; when the block ends without error, the stream is opened and gets all of it.

    Raises:
        OSError: The temporary file or the stream cannot be written.
    """
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as whole:
        yield whole
        whole.seek(0)
        with open_stream() as stream:
            shutil.copyfileobj(whole, stream)


def flush(path: Path) -> None:
    """Wait until a file or folder is on the disk; does nothing for folders on Windows, which cannot."""
    try:
        handle = os.open(path, os.O_RDWR if path.is_file() else os.O_RDONLY)  # Windows needs write access
    except PermissionError:
        return
    try:
        with contextlib.suppress(PermissionError):  # some network folders refuse this on folders
            os.fsync(handle)
    finally:
        os.close(handle)


def descriptor_of(path: str | os.PathLike[str]) -> int | None:
    """The open descriptor that a path such as `/dev/stdout` leads to; None for other paths."""
    try:
        return _destination(Path(path))[1]
    except OSError:
        return None


def _destination(path: Path) -> tuple[Path, int | None]:
    """The path to which the symbolic links at `path` lead, and its number if it is an open descriptor."""
    for _ in range(MOST_LINKS):
        match = DESCRIPTOR.fullmatch(os.path.abspath(path))  # noqa: PTH100  # resolve() would follow links
        if match is not None:
            return path, int(match["number"]) if match["number"] else STANDARD.index(match["name"])
        if not path.is_symlink():
            return path, None
        path = path.parent / path.readlink()
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))


def is_special(path: Path) -> bool:
    """Whether the path is a pipe, a device or a socket, or a link to one."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):  # the path does not exist, or is not accessible
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


@contextlib.contextmanager
def _built_beside(target: Path, put: Callable[[Path, Path], None]) -> Iterator[IO[bytes]]:
    """A temporary file to write to; after the block it is flushed to disk, and `put` moves it into place."""
    # Shortened, since the target's name may be as long as names can be.
    temporary = target.parent / f".{target.name[:40]}.{secrets.token_hex(4)}.part"
    try:
        with temporary.open("x+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        put(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _replace(temporary: Path, target: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        temporary.chmod(stat.S_IMODE(target.stat().st_mode))
    patiently(temporary.replace, target)


def _take_free(temporary: Path, target: Path) -> None:
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise
    except OSError as error:  # a file system without hard links
        if target.exists():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target)) from error
        patiently(temporary.replace, target)
    else:
        patiently(temporary.unlink)
