"""Download, unpack and verify a catalogued corpus; it appears on disk complete or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from voxlet import files
from voxlet.corpus.catalog import CATALOG, CatalogEntry, content_digest, find_known, home, known_names
from voxlet.corpus.listing.sound_files import sound_files
from voxlet.corpus.unpack import unpack
from voxlet.downloading.addresses import check_address
from voxlet.downloading.fetch import (
    DEFAULT_RETRIES,
    MIRROR,
    RetryPolicy,
    fetch,
    progress_bar,
)
from voxlet.errors import DownloadError
from voxlet.files import atomic_folder, cache_folder, cache_path, exclusive, writing_cache

if TYPE_CHECKING:
    from collections.abc import Iterator


LOCK_SUFFIX = ".lock"
BOUND = 10  # times the expected size: upper limit of a download and of an unpacked archive


@dataclass(frozen=True)
class Fetched:
    """A corpus on this machine; `pinned` if its digest was unknown until now and has been recorded."""

    name: str
    folder: Path
    clips: int
    digest: str
    pinned: bool
    fresh: bool  # fetched by this call, not found on the machine


def get_corpus(
    name: str,
    *,
    source: str | None = None,
    progress: bool = True,
    retries: RetryPolicy = DEFAULT_RETRIES,
) -> Fetched:
    """Fetch, unpack and verify a catalogued corpus, unless it is already on this machine.

    Args:
        name: Its name in the catalog.
        source: Address of a mirror, or a local archive, instead of the catalogued address.
        progress: Show a progress bar on standard error.
        retries: How long to wait for the server.

    Raises:
        DownloadError: Unknown corpus, no answer, a damaged or malicious archive, or unexpected content.
        FileError: The cache cannot be written.
    """
    known = CATALOG.get(name)
    if known is None:
        raise DownloadError("no such corpus", where=name, remedy=known_names())
    local = None if source is None else Path(source).expanduser()
    if local is None or not local.exists():
        local = None
        check_address(source or known.source)
    with leaving_nothing(cache_path("corpora", name), cache_path("downloads", name)):
        folder = home(name)
        with exclusive(folder.with_suffix(LOCK_SUFFIX), leaves=False), writing_cache(folder):
            here = find_known(name)
            if here is not None:
                digest, clips = folder_digest(here)
                return Fetched(name, here, clips, digest, pinned=False, fresh=False)
            if local is not None:
                return install(known, checked_archive(local), progress)
            return download_corpus(known, source or known.source, progress, retries)


def download_corpus(known: CatalogEntry, address: str, progress: bool, retries: RetryPolicy) -> Fetched:
    """Download, unpack and verify a corpus.

    Raises:
        DownloadError: The download failed, or its content is not as expected.
    """
    name = f"{known.name}-{hashlib.sha256(address.encode()).hexdigest()[:8]}"
    archive = cache_folder("downloads") / name
    if not archive.is_file():  # it is there, complete, if an earlier run was stopped while unpacking
        fetch(address, archive, limit=BOUND * known.megabytes * 10**6, progress=progress, retries=retries)
    try:
        fetched = install(known, archive, progress)
    except DownloadError as error:
        archive.unlink(missing_ok=True)  # useless: the next attempt must not find it again
        # The archive no longer exists when the user reads the error, so name the address instead.
        what = error.what.replace("the archive", "the download")
        raise DownloadError(what, where=address, remedy=error.remedy) from error
    archive.unlink(missing_ok=True)
    return fetched


@contextlib.contextmanager
def leaving_nothing(*targets: Path) -> Iterator[None]:
    """If the block fails, remove the parent folders of `targets` that it created and left empty."""
    folders = {folder for target in targets for folder in target.parents if not folder.exists()}
    try:
        yield
    except BaseException:
        for folder in sorted(folders, key=lambda folder: len(folder.parts), reverse=True):
            with contextlib.suppress(OSError):  # not empty
                folder.rmdir()
        raise


def checked_archive(local: Path) -> Path:
    """The local archive itself, if it is a readable file.

    Raises:
        DownloadError: It is a folder, a pipe or a device, or cannot be read.
    """
    quoted = shlex.quote(str(local))
    if local.is_dir():
        raise DownloadError(
            "is a folder, not an archive",
            where=local,
            remedy=f"recordings in a folder need no fetching: voxlet corpus inspect {quoted}",
        )
    if files.is_special(local):
        raise DownloadError(
            "is a pipe or a device, not an archive",
            where=local,
            remedy="save it as a file, and give --source that file",
        )
    if not os.access(local, os.R_OK):
        raise DownloadError("cannot be read", where=local, remedy=f"make it readable: chmod u+r {quoted}")
    return local


def install(known: CatalogEntry, archive: Path, progress: bool) -> Fetched:
    """Unpack and verify an archive; the corpus's folder appears only if verification succeeds.

    Raises:
        DownloadError: The archive or its content is not as expected.
    """
    folder = home(known.name)
    pin = folder.with_suffix(".digest")
    with atomic_folder(folder) as building:
        with progress_bar(f"unpacking {known.name}", known.megabytes * 10**6, progress) as shown:
            unpack(archive, building, known.folders, BOUND * known.megabytes * 10**6, shown.update)
        digest, clips = folder_digest(building)
        if clips != known.clips:
            raise DownloadError(
                f"the archive holds {clips:,} clips instead of {known.clips:,}",
                where=archive,
                remedy=f"{MIRROR}, or open your own part of the corpus by its folder's path",
            )
        expected = known.digest or read_pin(pin)
        if expected is not None and digest != expected:
            place = "" if known.digest else f" pinned in {pin}"
            raise DownloadError(
                f"its content has the digest {digest[:16]}…, not {expected[:16]}…{place}",
                where=archive,
                remedy=f"the source has changed or was tampered with: {MIRROR}",
            )
        if expected is None:  # before the folder appears: a corpus without its pin would never get one
            files.write_atomically(pin, f"{digest}\n".encode())
    return Fetched(known.name, folder, clips, digest, pinned=expected is None, fresh=True)


def read_pin(pin: Path) -> str | None:
    """The digest pinned by an earlier download; None if there is none."""
    return pin.read_text().strip() if pin.is_file() else None


def folder_digest(folder: Path) -> tuple[str, int]:
    """The content digest of the sound files under a folder, and their number."""
    pairs = []
    for path in sound_files(folder):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        pairs.append((path.relative_to(folder).as_posix(), digest))
    return content_digest(pairs), len(pairs)
