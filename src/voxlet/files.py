"""Files and folders that appear whole or not at all, locks, names, and the cache folder.

Everything in the cache can be deleted at any time and is made again when needed.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
import signal
import stat
import tempfile
import threading
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING

from voxlet.errors import FileError, LockedError, VoxletError
from voxlet.extras import import_extra

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

CACHE_VARIABLE = "VOXLET_CACHE"
CACHE_REMEDY = f"free some space or set {CACHE_VARIABLE} to a folder that can be written"
ABANDONED_SECONDS = 86_400.0  # what was begun so long ago was left by a process that was killed
IN_MEMORY = 1 << 26  # bytes of what goes to a pipe or device; more wait in a temporary file
# A path that stands for an open descriptor of this process.
DESCRIPTOR = re.compile(r"/(?:dev|proc/self)/fd/(?P<number>\d{1,6})|/dev/(?P<name>stdin|stdout|stderr)")
STANDARD = ("stdin", "stdout", "stderr")
MOST_LINKS = 40  # symbolic links that are followed, as in Linux
WITHOUT_LOCKS = frozenset({errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP})
# Names that stand for devices on Windows, whatever follows after a dot.
RESERVED = frozenset({"CON", "PRN", "AUX", "NUL", *(f"{p}{n}" for p in ("COM", "LPT") for n in range(1, 10))})


@contextlib.contextmanager
def writing(
    where: object,
    what: str = "cannot be written",
    *,
    remedy: str | None = "check the folder and its free space",
) -> Iterator[None]:
    """Turn what the system refuses while the block runs into one error that names the file or folder.

    Raises:
        FileError: The block raised an `OSError`.
    """
    try:
        yield
    except OSError as error:
        raise FileError(f"{what} ({error.strerror or error})", where=where, remedy=remedy) from error


def writing_cache(where: Path) -> contextlib.AbstractContextManager[None]:
    """`writing`, for a file or folder of the cache."""
    return writing(where, "the cache cannot be written", remedy=CACHE_REMEDY)


def cache_path(*parts: str) -> Path:
    """The path `parts` under `$VOXLET_CACHE` (or `~/.cache/voxlet`), whether or not anything is there.

    Raises:
        FileError: There is no such variable, and no home folder.
    """
    chosen = os.environ.get(CACHE_VARIABLE)
    try:
        base = Path(chosen).expanduser() if chosen else Path.home() / ".cache" / "voxlet"
    except RuntimeError as error:
        raise FileError(
            "there is no home folder for the cache", remedy=f"set {CACHE_VARIABLE} to a folder"
        ) from error
    return base.joinpath(*parts)


def cache_folder(*parts: str) -> Path:
    """The folder `cache_path(*parts)`, made when missing.

    Raises:
        FileError: It cannot be made.
    """
    folder = cache_path(*parts)
    with writing_cache(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder


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


def safe_name(text: str, longest: int) -> str:
    """A file name, without its ending, that resembles `text` and is one on any system; "" if nothing is left.

    Args:
        text: Anything: what was said, a label of one's own corpus.
        longest: Characters that it may have.

    >>> safe_name("+1 (555) 010-2345", 20), safe_name("../etc", 20), safe_name("nul", 20), safe_name("?", 20)
    ('1-555-010-2345', 'etc', '_nul', '')
    """
    name = re.sub(r"[^\w.]+", "-", text).strip("-._")[:longest].rstrip("-._")
    return f"_{name}" if name.partition(".")[0].upper() in RESERVED else name


def safe_names(texts: Iterable[str], longest: int, otherwise: str) -> dict[str, str]:
    """A file name for each text, as `safe_name` has it, and each another one on any system.

    Args:
        texts: Different from each other.
        longest: Characters of a name.
        otherwise: What a text is called of which nothing is left.

    >>> safe_names(["c", "c++", "C", "?"], 20, "word")
    {'c': 'c', 'c++': 'c-2', 'C': 'C-3', '?': 'word'}
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for text in texts:
        plain = safe_name(text, longest) or otherwise
        name, number = plain, 1
        while name.casefold() in taken:
            number += 1
            name = f"{plain[: longest - len(f'-{number}')]}-{number}"
        taken.add(name.casefold())
        found[text] = name
    return found


@contextlib.contextmanager
def exclusive(
    path: Path, *, wait: bool = True, state: str = "is in use", leaves: bool = True
) -> Iterator[None]:
    """Hold the lock file `path` while the block runs; it then holds this process's number.

    The lock goes with its process, however that ends; the file stays. Where the file system knows no locks
    the block runs unlocked: who uses this renames what is finished into place, so a race only costs work.

    Args:
        path: The lock file, made when missing.
        wait: For the process that has the lock, if one has it.
        state: What the error says of what is locked, before "by process N".
        leaves: The file where the block fails; else one that was not there before goes while it is held.

    Raises:
        LockedError: Another process has it, and it is not waited for.
        FileError: The lock file cannot be made.
    """
    filelock = import_extra("filelock", "train")
    fresh = not path.exists()
    lock = filelock.FileLock(path, timeout=-1 if wait else 0)
    with contextlib.ExitStack() as held:
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
            yield
        except BaseException:
            if fresh and not leaves:
                with contextlib.suppress(OSError):  # Windows: it is open
                    path.unlink()
            raise


def _holder(path: Path) -> str:
    """The number of the process that has a lock, as far as the lock file tells."""
    try:
        number = path.read_text().strip()
    except OSError:  # Windows keeps others from reading it
        number = ""
    return number or "unknown"


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
                folder.rename(stale)
        building.rename(folder)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
    finally:
        if stale.exists() and not folder.exists():
            stale.rename(folder)
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


def flush(path: Path) -> None:
    """Wait until a file or folder is on the disk; nothing for folders where the system cannot (Windows)."""
    try:
        handle = os.open(path, os.O_RDWR if path.is_file() else os.O_RDONLY)  # Windows flushes no reader's
    except PermissionError:
        return
    try:
        with contextlib.suppress(PermissionError):  # some network folders refuse this on folders
            os.fsync(handle)
    finally:
        os.close(handle)


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Write `data` so that the file appears whole or not at all, even when the power fails.

    Raises:
        FileError: The folder is missing, full or not writable.
    """
    with atomic_file(path) as file:
        file.write(data)


@contextlib.contextmanager
def atomic_file(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """A file to write to that takes its place at `path` when the block ends, and vanishes if it fails.

    Symbolic links are followed: the file they lead to is replaced, they stay. A pipe, a device or an open
    descriptor (`/dev/stdout`, `/dev/fd/5`) is never replaced: all that was written is copied to it at the
    end of the block.

    Raises:
        FileError: The folder is missing, full or not writable; the reader of a pipe has gone.
    """
    with writing(path):
        target, descriptor = _destination(Path(path))
        if descriptor is None and not is_special(target):
            with _replacing(target) as file:
                yield file
            return

    def stream() -> IO[bytes]:
        # A duplicate goes on where the descriptor stands; opening its path would start a file anew.
        return target.open("wb") if descriptor is None else os.fdopen(os.dup(descriptor), "wb")

    with writing(path, remedy=None), spooled(stream) as file:
        yield file


@contextlib.contextmanager
def spooled(
    open_stream: Callable[[], contextlib.AbstractContextManager[IO[bytes]]],
) -> Iterator[IO[bytes]]:
    """A file to write to; the stream is opened, and gets all of it, when the block has ended well.

    Raises:
        OSError: The temporary file or the stream cannot be written.
    """
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as whole:
        yield whole
        whole.seek(0)
        with open_stream() as stream:
            shutil.copyfileobj(whole, stream)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C waits until the block ends: C code that calls Python back would swallow it and go on.

    Threads beside the main one are never interrupted.
    """
    handler = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(handler):
        yield
        return
    came = []
    signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
        for number in came[:1]:
            signal.raise_signal(number)


def descriptor_of(path: str | os.PathLike[str]) -> int | None:
    """The open descriptor that a path such as `/dev/stdout` stands for, links followed; None for others."""
    try:
        return _destination(Path(path))[1]
    except OSError:
        return None


def _destination(path: Path) -> tuple[Path, int | None]:
    """Where the symbolic links at `path` lead, and the open descriptor that this is, if it is one."""
    for _ in range(MOST_LINKS):
        match = DESCRIPTOR.fullmatch(os.path.abspath(path))  # noqa: PTH100  # resolve() would follow the links
        if match is not None:
            return path, int(match["number"]) if match["number"] else STANDARD.index(match["name"])
        if not path.is_symlink():
            return path, None
        path = path.parent / path.readlink()
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))


def is_special(path: Path) -> bool:
    """Whether a pipe, a device or a socket is there, or a link to one."""
    try:
        mode = path.stat().st_mode
    except OSError:  # nothing is there, or nothing that can be looked at
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


@contextlib.contextmanager
def _replacing(target: Path) -> Iterator[IO[bytes]]:
    # A short name: that of the target may be as long as names can be.
    temporary = target.parent / f".{target.name[:40]}.{secrets.token_hex(4)}.part"
    try:
        with temporary.open("x+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileNotFoundError):
            temporary.chmod(stat.S_IMODE(target.stat().st_mode))
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
