"""Downloading one file: resumed, retried, within bounds of size and speed.

Resuming is implemented here: requests, urllib3 and pooch start a broken download anew; pypdl requests the
rest without If-Range, so that a file that has changed is joined to its old version, and sets no size limit.
"""

from __future__ import annotations

import json
import re
import ssl
import sys
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from voxlet import files
from voxlet.downloading.addresses import check_address, proxy_for
from voxlet.downloading.pace import Pace
from voxlet.errors import DownloadError, printable
from voxlet.extras import import_extra

if TYPE_CHECKING:
    from pathlib import Path

    import urllib3

ATTEMPTS = 6  # in a row without progress
BACKOFF_SECONDS = 0.5  # before the second attempt, doubled at each later one
TIMEOUT_SECONDS = 30.0  # for a connection, and for the next byte
PIECE = 1 << 14  # bytes read at once at most; an attempt that brings fewer makes no progress
# Slower than any connection in use: the smallest corpus would take hours. Timeouts do not catch a server that
# sends a byte now and then.
FLOOR_RATE = 1000.0  # bytes per second
FLOOR_SECONDS = 60.0  # over which the rate is measured
RETRY_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
DIGITS = 19  # of a byte count: more than any file has; Python refuses to read thousands of digits
LONGEST_WAIT = 60.0  # seconds, whatever a busy server asks for
MIRROR = "name a mirror or a local archive with --source"
GO_ON = f"run it again to continue where it stopped, or {MIRROR}"


@dataclass(frozen=True)
class RetryPolicy:
    """How long to wait for a server."""

    attempts: int = ATTEMPTS
    backoff: float = BACKOFF_SECONDS  # seconds before the second attempt, doubled before each later one
    timeout: float = TIMEOUT_SECONDS  # seconds without a byte
    patience: float = FLOOR_SECONDS  # seconds at less than `FLOOR_RATE`, or before an answer begins


DEFAULT_RETRIES = RetryPolicy()


@dataclass(frozen=True)
class Download:
    """What to download, and how; `part` is the file with what has arrived so far."""

    address: str
    part: Path
    limit: int  # bytes
    progress: bool
    retries: RetryPolicy


def progress_bar(title: str, total: int | None, progress: bool) -> Any:
    """A progress bar in bytes on standard error; hidden without `progress` or a terminal."""
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
) -> bool:
    """Download `address` to the file `target`, resuming where an earlier attempt or process stopped.

    `target`.part holds what has arrived so far, and `target`.json its version's validator (ETag or date):
    if the file has changed on the server, all of it is sent anew (RFC 9110, If-Range). Both files are kept
    only if the download can be resumed with them.

    Returns:
        Whether the file was assembled from pieces, or may have been: without a validator, the server may have
        changed the file between the pieces.

    Raises:
        DownloadError: The address or the proxy is malformed, the host is unknown, or the server refuses,
            fails, is too slow or sends too much.
    """
    if target.is_file():
        return True
    check_address(address)
    part = target.with_name(f"{target.name}.part")
    try:
        pieces = receive_with_retries(Download(address, part, limit, progress, retries))
        files.patiently(part.replace, target)
    except RefusedError:
        part.unlink(missing_ok=True)
        raise
    finally:
        if read_mark(part) is None or not part.exists() or part.stat().st_size == 0:
            part.unlink(missing_ok=True)
            mark_path(part).unlink(missing_ok=True)
    return pieces


def receive_with_retries(download: Download) -> bool:
    """Receive the whole file, in as many attempts as it takes while they make progress; see `fetch`.

    Raises:
        DownloadError: See `fetch`.
    """
    urllib3 = import_extra("urllib3", "train")
    address, part, retries = download.address, download.part, download.retries
    failures, reason, asked, failed = 0, "", 0.0, None
    while failures < retries.attempts:
        if failures:
            pause = max(asked, retries.backoff * 2 ** (failures - 1))
            asked = 0.0
            if download.progress:
                told = f"the download stopped ({reason}); trying again in {pause:.1f} s"
                sys.stderr.write(f"{printable(told)}\n")
            time.sleep(pause)
        before = part.stat().st_size if part.exists() else 0
        try:
            return attempt(urllib3, download)
        except urllib3.exceptions.HTTPError as error:
            refuse_hopeless(urllib3, error, address)
            reason, failed = describe(error), proxy_failure(urllib3, error, address)
        except BusyError as error:
            reason, asked, failed = str(error), error.seconds, None
        after = part.stat().st_size if part.exists() else 0
        failures = 1 if after - before >= PIECE else failures + 1
    raise failed or DownloadError(
        f"the download failed {retries.attempts} times without progress ({reason})",
        where=address,
        remedy=GO_ON,
    )


def attempt(library: Any, download: Download) -> bool:
    """Request what the part lacks and append it, once; return whether the download was resumed.

    Raises:
        RefusedError: The server refuses for good, or sends too much.
        DownloadError: The server sends less than `FLOOR_RATE` for too long, in headers or content.
        BusyError: The server is busy, or sent a different piece from the one requested.
        urllib3.exceptions.HTTPError: The connection failed, stalled or broke.
    """
    retries = download.retries
    with open_pool(library, download.address, retries) as pool, Pace(FLOOR_RATE, retries.patience) as pace:
        pace.watch(pool)
        try:
            pieces = receive(pool, download, pace)
        except library.exceptions.HTTPError as error:
            if pace.too_slow:
                raise too_slow(download) from error
            raise
        if pace.too_slow:  # an answer without a length ends without an error when it is cut
            raise too_slow(download)
    return pieces


def proxy_failure(library: Any, error: Exception, address: str) -> DownloadError | None:
    """The error that names the proxy, if it was the proxy that failed; None otherwise."""
    cause = getattr(error, "reason", None)
    proxy = proxy_for(address)
    if proxy is None or not isinstance(cause, library.exceptions.ProxyError):
        return None
    return proxy.failure(describe(cause.original_error))


def refuse_hopeless(library: Any, error: Exception, address: str) -> None:
    """Give up at once if another attempt could not succeed.

    Raises:
        DownloadError: The host or its proxy is unknown, its certificate is not trusted, or it redirects in a
            circle or to something that is not an http address.
    """
    errors = library.exceptions
    cause = getattr(error, "reason", None)
    unknown = isinstance(getattr(cause, "original_error", None), errors.NameResolutionError)
    if unknown and (failed := proxy_failure(library, error, address)) is not None:
        raise failed from error
    if isinstance(cause, errors.NameResolutionError):
        raise DownloadError(
            f"cannot find the server {urllib.parse.urlsplit(address).hostname}",
            where=address,
            remedy="is this machine online? If not, copy the archive here and name it with --source",
        ) from error
    if isinstance(cause, errors.SSLError) and (problem := certificate_problem(cause)):
        raise DownloadError(
            f"the server's certificate cannot be trusted ({problem})",
            where=address,
            remedy="check this machine's clock, name the certificates to trust in the variable "
            f"SSL_CERT_FILE, or {MIRROR}",
        ) from error
    if isinstance(error, errors.LocationValueError) or isinstance(cause, errors.ResponseError):
        raise RefusedError(
            f"the server redirects the download to nowhere ({describe(error)})",
            where=address,
            remedy=MIRROR,
        ) from error


def certificate_problem(error: Exception) -> str:
    """What is wrong with a server's certificate; "" if TLS failed for another reason."""
    cause = next((one for one in error.args if isinstance(one, ssl.SSLCertVerificationError)), None)
    return "" if cause is None else cause.verify_message.rstrip(".")


class RefusedError(DownloadError):
    """The server refuses for good: what has arrived so far is useless."""


class BusyError(Exception):
    """Another attempt is worthwhile, after `seconds` if the server says so (at most `LONGEST_WAIT`)."""

    def __init__(self, what: str, retry_after: str = "") -> None:
        super().__init__(what)
        self.seconds = min(float(retry_after), LONGEST_WAIT) if retry_after.isdecimal() else 0.0


def describe(error: Exception) -> str:
    """A network error in a few words, without the representations of connection objects and pools."""
    cause = getattr(error, "reason", None)
    cause = getattr(cause, "original_error", cause)  # a proxy's
    text = str(cause if isinstance(cause, Exception) else error)
    return (
        re.sub(r"^.*?(HTTPS?Connection\w*|Pool)\([^)]*\)[:.] *|<[^>]*>: *", "", text) or type(error).__name__
    )


def open_pool(library: Any, address: str, retries: RetryPolicy) -> urllib3.PoolManager:
    """A urllib3 pool of connections, through the proxy that the environment sets, if it does.

    Raises:
        DownloadError: The proxy set there is malformed.
    """
    # urllib3 follows redirects; attempts are made here, as each has to resume at the right byte.
    settings = {
        "timeout": library.Timeout(connect=retries.timeout, read=retries.timeout),
        "retries": library.Retry(total=None, connect=0, read=0, redirect=5, other=0),
    }
    proxy = proxy_for(address)
    if proxy is None:
        return cast("urllib3.PoolManager", library.PoolManager(**settings))
    user = urllib.parse.urlsplit(proxy.url).netloc.rpartition("@")[0]
    named = {"proxy_basic_auth": urllib.parse.unquote(user), "proxy_basic_auth_encoding": "utf-8"}
    headers = library.make_headers(**named) if user else {}
    made = library.ProxyManager(proxy.url, proxy_headers=headers, **settings)
    return cast("urllib3.PoolManager", made)


def receive(pool: urllib3.PoolManager, download: Download, pace: Pace) -> bool:
    """Request what the part lacks and append it; see `attempt`.

    Raises:
        RefusedError: The server refuses for good, or sends too much.
        BusyError: The server is busy, or sent a different piece from the one requested.
        urllib3.exceptions.HTTPError: The connection failed, stalled or broke.
    """
    part = download.part
    offset = part.stat().st_size if part.exists() else 0
    headers = {"Accept-Encoding": "identity", "User-Agent": "voxlet"}
    mark = read_mark(part)
    if offset and mark is not None:
        headers["Range"] = f"bytes={offset}-"
        if mark:
            headers["If-Range"] = mark
    answer = pool.request("GET", download.address, headers=headers, preload_content=False)
    pace.begin()
    try:
        begin = first_byte(answer, download, offset)
        length = count(answer.headers.get("Content-Length", ""))
        total = None if length is None else begin + length
        if total is not None and total > download.limit:
            raise too_much(download)
        if begin == 0:
            part.unlink(missing_ok=True)  # first: the new validator must not stand beside the old part
            write_mark(part, answer.headers)
        with progress_bar("downloading", total, download.progress) as shown:
            append(answer, download, begin, shown, pace)
    finally:
        answer.close()
    return begin > 0


def count(text: str) -> int | None:
    """The byte count in a header, cut to its first `DIGITS` digits; None if it is not a number."""
    return int(text.lstrip("0")[:DIGITS] or "0") if text.isdecimal() else None


def first_byte(answer: urllib3.BaseHTTPResponse, download: Download, offset: int) -> int:
    """The position in the file at which the answer begins: `offset`, as requested, or 0.

    Raises:
        RefusedError: The server refuses for good.
        BusyError: The server is busy, or sent a different piece from the one requested.
    """
    if answer.status in RETRY_STATUS:
        raise BusyError(status_line(answer), answer.headers.get("Retry-After", ""))
    if answer.status == 416:  # the part is not the start of the server's file
        download.part.unlink(missing_ok=True)
        raise BusyError("the server does not have the piece asked for")
    if answer.status == 200:
        return 0
    if answer.status != 206:
        raise RefusedError(
            f"the download was refused: {status_line(answer)}",
            where=download.address,
            remedy=MIRROR,
        )
    start = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
    if start is None or count(start[1]) != offset:
        download.part.unlink(missing_ok=True)
        raise BusyError("the server sent a different piece from the one asked for")
    return offset


def append(answer: urllib3.BaseHTTPResponse, download: Download, offset: int, shown: Any, pace: Pace) -> None:
    """Write the body of the answer to the part, from `offset` on.

    Raises:
        RefusedError: The file exceeds `download.limit`.
    """
    shown.update(offset)
    with download.part.open("ab" if offset else "wb") as file:
        while piece := answer.read1(PIECE):  # returns what has arrived, however little
            file.write(piece)
            offset += len(piece)
            if offset > download.limit:
                raise too_much(download)
            shown.update(len(piece))
            pace.came(len(piece))


def too_much(download: Download) -> RefusedError:
    """The error for a download that exceeds its limit and could fill the disk."""
    what = f"the download has more than {download.limit / 1e6:,.0f} MB, as a bomb would"
    return RefusedError(what, where=download.address, remedy=MIRROR)


def too_slow(download: Download) -> DownloadError:
    """The error for a server that sends less than `FLOOR_RATE`."""
    return DownloadError(
        f"the download was slower than {FLOOR_RATE / 1000:g} kB/s for {download.retries.patience:g} s",
        where=download.address,
        remedy=GO_ON,
    )


def status_line(answer: urllib3.BaseHTTPResponse) -> str:
    """The status of the server's answer, in words."""
    return f"the server answered {answer.status} {answer.reason or ''}".strip()


def mark_path(part: Path) -> Path:
    """The file that keeps the validator (ETag or date) of the version in `part`."""
    return part.with_suffix(".json")


def read_mark(part: Path) -> str | None:
    """The validator of the version in `part`; "" if the server gave none, None if it is unknown."""
    try:
        mark = json.loads(mark_path(part).read_bytes())["mark"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return mark if isinstance(mark, str) else None


def write_mark(part: Path, headers: Any) -> None:
    """Keep a strong ETag, or else the Last-Modified date; a weak ETag does not promise equal bytes."""
    etag = headers.get("ETag", "")
    mark = etag if etag.startswith('"') else headers.get("Last-Modified", "")
    files.write_atomically(mark_path(part), json.dumps({"mark": mark}).encode())
