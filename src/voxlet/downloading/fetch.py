"""Downloading one file: resumed, retried, within bounds of size and speed.

Resuming is our own: requests, urllib3 and pooch begin a broken download anew; pypdl asks for the rest without
If-Range, so a file that has changed on the server is glued to the old one, and sets no bound on its size.
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

ATTEMPTS = 6  # without a byte of progress between them
BACKOFF_SECONDS = 0.5  # doubled at each attempt
TIMEOUT_SECONDS = 30.0  # for a connection, and for the next byte
PIECE = 1 << 14  # bytes read at once at most; an attempt that brings fewer is one without progress
# Slower than any line in use: the smallest corpus would take hours. A server that sends a byte now and then
# keeps within every timeout.
FLOOR_RATE = 1000.0  # bytes per second
FLOOR_SECONDS = 60.0  # over which the rate is looked at
RETRY_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
DIGITS = 19  # of a number of bytes that nobody has; Python itself reads no number of some thousands
LONGEST_WAIT = 60.0  # seconds, whatever a busy server asks for
MIRROR = "name a mirror or a local archive with --source"
GO_ON = f"run it again to continue where it stopped, or {MIRROR}"


@dataclass(frozen=True)
class RetryPolicy:
    """How long a server is waited for."""

    attempts: int = ATTEMPTS
    backoff: float = BACKOFF_SECONDS  # seconds before the second attempt, doubled before each later one
    timeout: float = TIMEOUT_SECONDS  # seconds without a byte
    patience: float = FLOOR_SECONDS  # seconds with fewer bytes than `FLOOR_RATE`, or before an answer


DEFAULT_RETRIES = RetryPolicy()


@dataclass(frozen=True)
class Download:
    """What is downloaded, and how; `part` is the file that holds what has come so far."""

    address: str
    part: Path
    limit: int  # bytes
    progress: bool
    retries: RetryPolicy


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
) -> bool:
    """Download `address` to the file `target`, going on where an earlier attempt or process stopped.

    What has come so far lies in `target`.part, and the server's mark of its version in `target`.json: a
    server that has changed the file sends it anew (RFC 9110, If-Range). Both stay only where it can be gone
    on with them.

    Returns:
        Whether it was put together of pieces, or may have been: a server that gives no marks may have changed
        the file between them.

    Raises:
        DownloadError: The address or the proxy is malformed, or the address unknown, or the server refuses,
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
    """Receive all of the file, in as many attempts as it takes while they bring something; see `fetch`.

    Raises:
        DownloadError: See `fetch`.
    """
    urllib3 = import_extra("urllib3", "train")
    address, part, retries = download.address, download.part, download.retries
    failures, reason, asked = 0, "", 0.0
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
            reason = describe(error)
        except BusyError as error:
            reason, asked = str(error), error.seconds
        after = part.stat().st_size if part.exists() else 0
        failures = 1 if after - before >= PIECE else failures + 1
    raise DownloadError(
        f"the download failed {retries.attempts} times without progress ({reason})",
        where=address,
        remedy=GO_ON,
    )


def attempt(library: Any, download: Download) -> bool:
    """One attempt: ask for what the part lacks and append it; whether there was a part.

    Raises:
        RefusedError: The server refuses for good, or sends too much.
        DownloadError: It sends less than `FLOOR_RATE` for too long, be it headers or content.
        BusyError: It answered that it is busy, or with another piece than the one asked for.
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
        if pace.too_slow:  # of an answer that tells no length, its end is all that is seen
            raise too_slow(download)
    return pieces


def refuse_hopeless(library: Any, error: Exception, address: str) -> None:
    """Give up at once where another attempt could bring nothing else.

    Raises:
        DownloadError: No such host, one whose certificate cannot be trusted, or redirected in a circle or
            to something that is no http address.
    """
    errors = library.exceptions
    cause = getattr(error, "reason", None)
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
    """What is wrong with a server's certificate; "" where TLS failed for another reason."""
    cause = next((one for one in error.args if isinstance(one, ssl.SSLCertVerificationError)), None)
    return "" if cause is None else cause.verify_message.rstrip(".")


class RefusedError(DownloadError):
    """The server refuses for good: what has come so far is of no use."""


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
    """Connections of the library urllib3, by way of the proxy that the environment names, if it does.

    Raises:
        DownloadError: What it names is no proxy.
    """
    # Redirects are followed by the library, attempts are counted here: they must go on at the right byte.
    settings = {
        "timeout": library.Timeout(connect=retries.timeout, read=retries.timeout),
        "retries": library.Retry(total=None, connect=0, read=0, redirect=5, other=0),
    }
    proxy = proxy_for(address)
    if proxy is None:
        return cast("urllib3.PoolManager", library.PoolManager(**settings))
    user = urllib.parse.urlsplit(proxy).netloc.rpartition("@")[0]
    named = {"proxy_basic_auth": urllib.parse.unquote(user), "proxy_basic_auth_encoding": "utf-8"}
    headers = library.make_headers(**named) if user else {}
    made = library.ProxyManager(proxy, proxy_headers=headers, **settings)
    return cast("urllib3.PoolManager", made)


def receive(pool: urllib3.PoolManager, download: Download, pace: Pace) -> bool:
    """Ask for what the part lacks and append it; see `attempt`.

    Raises:
        RefusedError: The server refuses for good, or sends too much.
        BusyError: It answered that it is busy, or with another piece than the one asked for.
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
            part.unlink(missing_ok=True)  # first: the mark is that of what comes, not of what came
            write_mark(part, answer.headers)
        with progress_bar("downloading", total, download.progress) as shown:
            append(answer, download, begin, shown, pace)
    finally:
        answer.close()
    return begin > 0


def count(text: str) -> int | None:
    """How many bytes a header tells; None where it tells no number. One of many digits is only large."""
    return int(text.lstrip("0")[:DIGITS] or "0") if text.isdecimal() else None


def first_byte(answer: urllib3.BaseHTTPResponse, download: Download, offset: int) -> int:
    """Where in the file the answer begins: at `offset`, as was asked for, or at 0.

    Raises:
        RefusedError: The server refuses for good.
        BusyError: It answered that it is busy, or with another piece.
    """
    if answer.status in RETRY_STATUS:
        raise BusyError(status_line(answer), answer.headers.get("Retry-After", ""))
    if answer.status == 416:  # what is here is no beginning of what is there
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
    """Write what comes to the part, from `offset` on.

    Raises:
        RefusedError: It is too much.
    """
    shown.update(offset)
    with download.part.open("ab" if offset else "wb") as file:
        while piece := answer.read1(PIECE):  # returns what is there, however little
            file.write(piece)
            offset += len(piece)
            if offset > download.limit:
                raise too_much(download)
            shown.update(len(piece))
            pace.came(len(piece))


def too_much(download: Download) -> RefusedError:
    """The error for a download that would fill the disk."""
    what = f"the download has more than {download.limit / 1e6:,.0f} MB, as a bomb would"
    return RefusedError(what, where=download.address, remedy=MIRROR)


def too_slow(download: Download) -> DownloadError:
    """The error for a server that sends a byte now and then."""
    return DownloadError(
        f"the download was slower than {FLOOR_RATE / 1000:g} kB/s for {download.retries.patience:g} s",
        where=download.address,
        remedy=GO_ON,
    )


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
