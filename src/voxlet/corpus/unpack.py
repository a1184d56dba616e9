"""Unpack a downloaded archive safely: only the wanted files, inside the target folder, of bounded size.

We do not use `tarfile`'s filter "data": the rules here also cover zip archives, refuse a path that leaves its
folder where the filter would correct it, never unpack links, and limit the size and number of files.
"""

from __future__ import annotations

import gzip
import io
import lzma
import stat
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, cast

from voxlet.corpus.listing.sound_files import SOUND_SUFFIXES
from voxlet.downloading.fetch import MIRROR
from voxlet.errors import DownloadError
from voxlet.files import fold_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PIECE = 1 << 20  # bytes
MAX_READ = 16 * PIECE  # at once: only an invalid header asks for more
MAX_MEMBERS = 500_000
TEXT_SUFFIXES = frozenset({".txt", ".json", ".csv", ".md"})
DAMAGE = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    gzip.BadGzipFile,
    RuntimeError,  # zipfile: encrypted
    NotImplementedError,  # zipfile: unsupported compression
    ValueError,  # tarfile, zipfile: malformed numbers
)


@dataclass(frozen=True)
class Member:
    """One entry of an archive; `kind` is file, folder or other (links, devices)."""

    name: str
    kind: str
    size: int
    open: Callable[[], IO[bytes] | None]


class BoundedReader(io.RawIOBase):
    """A stream that limits how much is read at once and in total, against decompression bombs."""

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        super().__init__()
        self.stream, self.limit = stream, limit

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """Position in bytes."""
        return self.stream.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Seek to a position within the limit."""
        if whence == io.SEEK_SET and offset > self.limit:
            raise too_large(self.limit)
        return self.stream.seek(offset, whence)

    def read(self, size: int = -1, /) -> bytes:
        """Read at most `size` bytes within the limit."""
        if size < 0 or size > MAX_READ or self.stream.tell() + size > self.limit + MAX_READ:
            raise too_large(self.limit)
        return self.stream.read(size)


def too_large(limit: int) -> DownloadError:
    """The error for an archive that would fill the disk or the memory."""
    return DownloadError(
        f"the archive unpacks to more than {limit / 1e6:,.0f} MB, as a bomb would",
        remedy=MIRROR,
    )


def unpack(
    archive: Path,
    folder: Path,
    folders: tuple[str, ...],
    limit: int,
    advance: Callable[[int], None] = lambda _: None,
) -> int:
    """Unpack the sound and text files in `folders`, which lie at the archive's top or one level below.

    Args:
        archive: A .tar, .tar.gz or .zip file, recognised by its content.
        folder: Existing folder to unpack to.
        folders: Names of the folders, and of files beside them, to unpack.
        limit: Largest total size of the unpacked archive in bytes.
        advance: Called with the number of bytes after each write.

    Returns:
        The number of files written.

    Raises:
        DownloadError: The archive is damaged, too large or without any of `folders`, or it contains a path
            that leaves its folder, a link or a device among the wanted files, or the same name twice.
    """
    written: set[str] = set()
    total = 0
    try:
        for number, member in enumerate(members(archive, limit), 1):
            if number > MAX_MEMBERS:
                raise DownloadError(f"the archive holds more than {MAX_MEMBERS:,} entries", where=archive)
            total += member.size
            if total > limit:
                raise too_large(limit)
            place = wanted(member, folders)
            if place is None:
                continue
            folded = fold_name(place.as_posix())
            if folded in written:
                raise DownloadError(f"the archive holds {member.name!r} twice", where=archive)
            written.add(folded)
            target = folder / place
            target.parent.mkdir(parents=True, exist_ok=True)
            copy(member, target, advance)
    except DAMAGE as error:
        raise DownloadError(
            f"the archive is damaged or of an unknown kind ({error})",
            where=archive,
            remedy="it must be a whole .tar.gz, .tar or .zip file: fetch it again",
        ) from error
    if not written:
        raise DownloadError(
            f"the archive has none of the expected folders ({', '.join(folders)})", where=archive
        )
    return len(written)


def members(archive: Path, limit: int) -> Iterator[Member]:
    """The entries of an archive, in its order."""
    with archive.open("rb") as raw:
        magic = raw.read(4)
        raw.seek(0)
        if magic[:2] == b"PK":
            with zipfile.ZipFile(raw) as packed:
                for info in packed.infolist():
                    yield _zip_member(packed, info)
            return
        stream = gzip.GzipFile(fileobj=raw) if magic[:2] == b"\x1f\x8b" else raw
        bounded = BoundedReader(cast("IO[bytes]", stream), limit)
        with tarfile.open(fileobj=bounded, mode="r:") as tape:
            for entry in tape:
                kind = "file" if entry.isreg() else "folder" if entry.isdir() else "other"
                yield Member(entry.name, kind, entry.size, partial(tape.extractfile, entry))
                tape.members = []  # type: ignore[attr-defined]  # it would grow with the archive


def _zip_member(packed: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    mode = info.external_attr >> 16
    plain = stat.S_IFMT(mode) in (0, stat.S_IFREG)
    kind = "folder" if info.is_dir() else "file" if plain else "other"
    return Member(info.filename, kind, info.file_size, lambda: packed.open(info))


def wanted(member: Member, folders: tuple[str, ...]) -> PurePosixPath | None:
    """The path of a member below the corpus's folder; None if the member is not wanted.

    Raises:
        DownloadError: Its path leaves the folder, or it is a link or a device with a wanted name.
    """
    path = PurePosixPath(member.name)
    parts = tuple(part for part in path.parts if part != ".")
    # On Windows, a colon or a backslash can lead out of the folder.
    if path.is_absolute() or ".." in parts or any(mark in member.name for mark in "\\:\0"):
        raise DownloadError(f"the archive holds a path that leaves its folder: {member.name!r}")
    top = next((index for index in (0, 1) if len(parts) > index and parts[index] in folders), None)
    if top is None or member.kind == "folder":
        return None
    suffix = path.suffix.lower()
    if suffix not in SOUND_SUFFIXES | TEXT_SUFFIXES or path.name.startswith("."):
        return None
    if member.kind != "file":
        raise DownloadError(f"the archive holds a link or a device in place of a file: {member.name!r}")
    return PurePosixPath(*parts[top:])


def copy(member: Member, target: Path, advance: Callable[[int], None]) -> None:
    """Write one member, never more bytes than its header states.

    Raises:
        DownloadError: The member holds more or fewer bytes than that, or no data.
    """
    source = member.open()
    if source is None:
        raise DownloadError(f"the archive holds no data for {member.name!r}")
    count = 0
    with source, target.open("xb") as file:
        while piece := source.read(PIECE):
            count += len(piece)
            if count > member.size:
                break
            file.write(piece)
            advance(len(piece))
    if count != member.size:
        raise DownloadError(f"the archive is damaged: {member.name!r} should have {member.size:,} bytes")
