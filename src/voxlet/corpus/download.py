"""Fetching a catalogued corpus: resumed, retried, verified; it appears whole or not at all.

Resuming is our own: requests, urllib3 and pooch begin a broken download anew; pypdl asks for the rest without
If-Range, so a file that has changed on the server is glued to the old one, and sets no bound on its size.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from voxlet import files
from voxlet.corpus.catalog import CATALOG, Known, content_digest, find_known, home
from voxlet.corpus.listing.sound_files import sound_files
from voxlet.corpus.unpack import too_large, unpack
from voxlet.errors import DownloadError
from voxlet.extras import import_extra
from voxlet.files import atomic_folder, cache_folder, exclusive, writing_cache

if TYPE_CHECKING:
    import urllib3

ATTEMPTS = 6  # without a byte of progress between them
BACKOFF_SECONDS = 0.5  # doubled at each attempt
TIMEOUT_SECONDS = 30.0  # for a connection, and for the next byte
PIECE = 1 << 14  # bytes written at once: a break loses at most as many
RETRY_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
LONGEST_WAIT = 60.0  # seconds, whatever a busy server asks for
BOUND = 10  # times the size that is expected


@dataclass(frozen=True)
class RetryPolicy:
    """How long a server is waited for."""

    attempts: int = ATTEMPTS
    backoff: float = BACKOFF_SECONDS  # seconds before the second attempt, doubled before each later one
    timeout: float = TIMEOUT_SECONDS  # seconds without a byte


@dataclass(frozen=True)
class Fetched:
    """A corpus on this machine; `pinned` where its digest was not known before and is kept from now on."""

    name: str
    folder: Path
    clips: int
    digest: str
    pinned: bool
    fresh: bool  # fetched now, not found


DEFAULT_RETRIES = RetryPolicy()


def get_corpus(
    name: str,
    *,
    source: str | None = None,
    progress: bool = True,
    retries: RetryPolicy = DEFAULT_RETRIES,
) -> Fetched:
    """Fetch, verify and unpack a catalogued corpus, unless it is here already.

    Args:
        name: Its name in the catalog.
        source: A mirror's address or a local archive, in place of the catalogued address.
        progress: Show a progress bar on standard error.
        retries: How long to wait for the server.

    Raises:
        DownloadError: No such corpus, no answer, a damaged or hostile archive, or unexpected content.
        FileError: The cache cannot be written.
    """
    known = CATALOG.get(name)
    if known is None:
        raise DownloadError("no such corpus", where=name, remedy=f"the known ones are {', '.join(CATALOG)}")
    folder = home(name)
    with exclusive(folder.with_suffix(".lock")), writing_cache(folder):
        here = find_known(name)
        if here is not None:
            digest, clips = folder_digest(here)
            return Fetched(name, here, clips, digest, pinned=False, fresh=False)
        local = None if source is None else Path(source).expanduser()
        if local is not None and local.exists():
            return install(known, checked_archive(local), progress)
        address = source or known.source
        archive = cache_folder("downloads") / f"{name}-{hashlib.sha256(address.encode()).hexdigest()[:8]}"
        fetch(address, archive, limit=BOUND * known.megabytes * 10**6, progress=progress, retries=retries)
        try:
            return install(known, archive, progress)
        finally:
            archive.unlink()  # also where it is of no use: the next attempt must not find it again


def checked_archive(local: Path) -> Path:
    """An archive on this machine that was named as the source.

    Raises:
        DownloadError: It is a folder or cannot be read.
    """
    if local.is_dir():
        raise DownloadError(
            "is a folder, not an archive", where=local, remedy="a folder is opened by its path as it is"
        )
    if not os.access(local, os.R_OK):
        raise DownloadError("cannot be read", where=local, remedy="check its permissions")
    return local


def install(known: Known, archive: Path, progress: bool) -> Fetched:
    """Unpack and verify an archive; the corpus's folder appears when all is well.

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
                f"the archive holds {clips:,} clips in place of {known.clips:,}",
                where=archive,
                remedy="take another source, or open your own part of the corpus by its folder's path",
            )
        expected = known.digest or read_pin(pin)
        if expected is not None and digest != expected:
            place = "" if known.digest else f" pinned in {pin}"
            raise DownloadError(
                f"its content has the digest {digest[:16]}…, not {expected[:16]}…{place}",
                where=archive,
                remedy="the source has changed or was tampered with; take another",
            )
    if expected is None:
        files.write_atomically(pin, f"{digest}\n".encode())
    return Fetched(known.name, folder, clips, digest, pinned=expected is None, fresh=True)


def read_pin(pin: Path) -> str | None:
    """The digest that an earlier download was pinned to."""
    return pin.read_text().strip() if pin.is_file() else None


def folder_digest(folder: Path) -> tuple[str, int]:
    """Content digest over the sound files under a folder, and their number."""
    pairs = []
    for path in sound_files(folder):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        pairs.append((path.relative_to(folder).as_posix(), digest))
    return content_digest(pairs), len(pairs)


def progress_bar(title: str, total: int | None, progress: bool) -> Any:
    """A progress bar in bytes on standard error; silent where that is no terminal."""
    tqdm = import_extra("tqdm", "train").tqdm
    return tqdm(
        total=total, desc=title, unit="B", unit_scale=True, leave=False, disable=None if progress else True
    )


def fetch(
    address: str,
    target: Path,
    *,
    limit: int,
    progress: bool = True,
    retries: RetryPolicy = DEFAULT_RETRIES,
) -> None:
    """Download `address` to the file `target`, going on where an earlier attempt or process stopped.

    What has come so far lies in `target`.part, and the server's mark of its version in `target`.json: a
    server that has changed the file sends it anew (RFC 9110, If-Range).

    Raises:
        DownloadError: The address is malformed or unknown, or the server refuses, fails or sends too much.
    """
    if target.is_file():
        return
    urllib3 = import_extra("urllib3", "train")
    parts = urllib.parse.urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise DownloadError(
            "is neither an http(s) address nor a file that exists", where=address, remedy="check the source"
        )
    part = target.with_name(f"{target.name}.part")
    failures, reason, asked = 0, "", 0.0
    with open_pool(urllib3, address, retries) as pool:
        while failures < retries.attempts:
            if failures:
                pause = max(asked, retries.backoff * 2 ** (failures - 1))
                asked = 0.0
                if progress:
                    sys.stderr.write(f"{reason}; trying again in {pause:.1f} s\n")
                time.sleep(pause)
            before = part.stat().st_size if part.exists() else 0
            try:
                receive(pool, address, part, limit, progress)
                part.replace(target)
                mark_path(part).unlink(missing_ok=True)
                return
            except urllib3.exceptions.HTTPError as error:
                reason = describe(error)
                if isinstance(getattr(error, "reason", None), urllib3.exceptions.NameResolutionError):
                    raise DownloadError(
                        f"there is no way to {parts.hostname}",
                        where=address,
                        remedy="is this machine online? If not, bring the archive and name it with --source",
                    ) from error
            except BusyError as error:
                reason, asked = str(error), error.seconds
            after = part.stat().st_size if part.exists() else 0
            failures = 1 if after > before else failures + 1
    raise DownloadError(
        f"the download failed {retries.attempts} times without progress ({reason})",
        where=address,
        remedy="run it again to go on where it stopped, or name a mirror or a local archive with --source",
    )


class BusyError(Exception):
    """The server's answer is worth another attempt, after `seconds` if it says so (within reason)."""

    def __init__(self, what: str, retry_after: str = "") -> None:
        super().__init__(what)
        self.seconds = min(float(retry_after), LONGEST_WAIT) if retry_after.isdecimal() else 0.0


def describe(error: Exception) -> str:
    """A network error in a few words, without addresses of objects and pools."""
    cause = getattr(error, "reason", None)
    text = str(cause if isinstance(cause, Exception) else error)
    return (
        re.sub(r"^.*?(HTTPS?Connection\w*|Pool)\([^)]*\)[:.] *|<[^>]*>: *", "", text) or type(error).__name__
    )


def open_pool(library: Any, address: str, retries: RetryPolicy) -> urllib3.PoolManager:
    """Connections of the library urllib3, by way of the proxy that the environment names, if it does."""
    # Redirects are followed by the library, attempts are counted here: they must go on at the right byte.
    settings = {
        "timeout": library.Timeout(connect=retries.timeout, read=retries.timeout),
        "retries": library.Retry(total=None, connect=0, read=0, redirect=5, other=0),
    }
    parts = urllib.parse.urlsplit(address)
    proxy = urllib.request.getproxies().get(parts.scheme)
    direct = not proxy or urllib.request.proxy_bypass(parts.hostname or "")
    made = library.PoolManager(**settings) if direct else library.ProxyManager(proxy, **settings)
    return cast("urllib3.PoolManager", made)


def receive(pool: urllib3.PoolManager, address: str, part: Path, limit: int, progress: bool) -> None:
    """One attempt: ask for what `part` lacks and append it.

    Raises:
        DownloadError: The server refuses for good, or sends too much.
        BusyError: It answered that it is busy, or with another piece than the one asked for.
        urllib3.exceptions.HTTPError: The connection failed, stalled or broke.
    """
    offset = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity", "User-Agent": "voxlet"}
    mark = read_mark(part)
    if offset and mark is not None:
        headers["Range"] = f"bytes={offset}-"
        if mark:
            headers["If-Range"] = mark
    answer = pool.request("GET", address, headers=headers, preload_content=False)
    try:
        if answer.status in RETRY_STATUS:
            raise BusyError(status_line(answer), answer.headers.get("Retry-After", ""))
        if answer.status == 416:  # what is here is no beginning of what is there
            part.unlink(missing_ok=True)
            raise BusyError("the server has not the piece asked for")
        if answer.status not in (200, 206):
            raise DownloadError(
                status_line(answer),
                where=address,
                remedy="name a mirror or a local archive with --source",
            )
        if answer.status == 206:
            start = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
            if start is None or int(start[1]) != offset:
                part.unlink(missing_ok=True)
                raise BusyError("the server sent another piece than the one asked for")
        else:
            offset = 0
            write_mark(part, answer.headers)
        length = answer.headers.get("Content-Length", "")
        total = offset + int(length) if length.isdecimal() else None
        if total is not None and total > limit:
            raise too_large(limit)
        with (
            part.open("ab" if offset else "wb") as file,
            progress_bar("downloading", total, progress) as shown,
        ):
            shown.update(offset)
            for piece in answer.stream(PIECE):
                file.write(piece)
                offset += len(piece)
                if offset > limit:
                    raise too_large(limit)
                shown.update(len(piece))
    finally:
        answer.close()


def status_line(answer: urllib3.BaseHTTPResponse) -> str:
    """What the server answered, in words."""
    return f"the server answered {answer.status} {answer.reason or ''}".strip()


def mark_path(part: Path) -> Path:
    """Where the server's mark of the version of `part` is kept."""
    return part.with_suffix(".json")


def read_mark(part: Path) -> str | None:
    """The mark of the version that `part` is the beginning of, "" if the server gave none; None: unknown."""
    try:
        mark = json.loads(mark_path(part).read_bytes())["mark"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return mark if isinstance(mark, str) else None


def write_mark(part: Path, headers: Any) -> None:
    """Keep the answer's strong ETag, or its date; a weak ETag does not promise the same bytes."""
    etag = headers.get("ETag", "")
    mark = etag if etag.startswith('"') else headers.get("Last-Modified", "")
    files.write_atomically(mark_path(part), json.dumps({"mark": mark}).encode())
