"""Pulling voices and models into the cache, from which they can also be opened without a network.

A voice file is data and is checked before anything in it is run. A repository without a voice may hold a
folder of files and a list of their digests, such as a clip VAE. Nothing else in a repository is fetched.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import warnings
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxlet.downloading.addresses import WEB, host_of, is_host, proxy_for, proxy_of, without_password
from voxlet.downloading.fetch import DEFAULT_RETRIES, RetryPolicy, fetch
from voxlet.errors import DownloadError, HubError, VoiceError, VoxletError
from voxlet.extras import import_extra
from voxlet.files import cache_folder, exclusive, patiently, writing_cache
from voxlet.hub.address import HubAddress, WebAddress, own_remedy, parse_address
from voxlet.speak.voice_file import MOST_BYTES, SUFFIX, read_voice

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE = f"model{SUFFIX}"  # the voice in a repository
LISTING = "digests.json"  # the digests of a folder's files, by their paths in the repository
PLACE = re.compile(r"[\w-][\w.-]{0,60}(/[\w-][\w.-]{0,60}){0,3}", re.ASCII)  # stays inside the folder
MOST_FILES, MOST_OF_A_FILE = 16, 2 * 2**30  # files of a folder, and bytes of each
MOST_LISTED = 64 * 2**10  # bytes of the list of digests
CACHE = "voices"  # in the cache folder
SOCKS = ("socks5", "socks5h")  # schemes of proxies that the hub's client knows with the package socksio
UNCONNECTED = (
    "ConnectError",
    "ConnectTimeout",
    "ProxyError",
)  # the client's errors before a connection is made
ONLINE = "check the name, and whether this machine is online; what was pulled before is opened without"


def import_hub() -> Any:  # its types are unknown if it is not installed
    """Import the package huggingface_hub, without its logs, progress bars and telemetry.

    Raises:
        MissingExtraError: The package is not installed.
    """
    os.environ.setdefault("HF_HUB_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_DISABLE_XET", "1")  # plain HTTP transfers are resumed
    hub = import_extra("huggingface_hub", "hub")
    # The package reads these variables once: if it was imported before, its constants have to be set.
    constants: Any = import_extra("huggingface_hub.constants", "hub")
    utils: Any = import_extra("huggingface_hub.utils", "hub")
    constants.HF_HUB_DISABLE_XET = constants.HF_HUB_DISABLE_TELEMETRY = True
    utils.disable_progress_bars()
    utils.logging.set_verbosity_error()
    return hub


def pull(address: str, *, retries: RetryPolicy = DEFAULT_RETRIES) -> Path:
    """The voice file or folder that an address names, from the cache if it has not changed.

    Args:
        address: An address as `parse_address` reads it.
        retries: How long to wait for a web server.

    Raises:
        HubError: The address is malformed, cannot be reached, or leads to nothing complete made by voxlet.
        VoiceError: The file that was fetched is damaged or not a voice file.
        FileError: The cache cannot be written.
        MissingExtraError: A package is not installed.
    """
    found = parse_address(address)
    folder = cache_folder(CACHE)
    with writing_cache(folder):
        if isinstance(found, HubAddress):
            path = _from_hub(found, folder)
        else:
            path = _from_web(found, folder, retries)
    if path.is_dir():
        return path
    try:
        read_voice(path)
    except VoiceError as error:
        path.resolve().unlink(missing_ok=True)  # the hub's cache holds a link to the file
        path.unlink(missing_ok=True)
        raise VoiceError(error.what, where=address, remedy=error.remedy) from error
    return path


def _from_hub(address: HubAddress, folder: Path) -> Path:
    hub = import_hub()
    with answering(hub, str(address)):
        try:
            return file_of(hub, address, FILE, folder, MOST_BYTES)
        except (hub.errors.RemoteEntryNotFoundError, hub.errors.LocalEntryNotFoundError) as no_voice:
            try:
                listing = file_of(hub, address, LISTING, folder, MOST_LISTED)
            except (hub.errors.RemoteEntryNotFoundError, hub.errors.LocalEntryNotFoundError):
                raise no_voice  # noqa: B904  # only the missing voice is worth an error
        return _folder(hub, address, listing, folder)


def file_of(hub: Any, address: HubAddress, name: str, folder: Path, limit: int) -> Path:
    """Fetch one file of a repository; its size is checked first, as anybody can publish one.

    Raises:
        HubError: The file is too large.
    """
    asked = {"filename": name, "revision": address.revision, "cache_dir": folder}
    told = hub.hf_hub_download(address.repository, **asked, dry_run=True)
    if told.file_size is not None and told.file_size > limit:
        raise HubError(f"is too large for {name} ({told.file_size:,} bytes)", where=address)
    return Path(hub.hf_hub_download(address.repository, **asked))


def _folder(hub: Any, address: HubAddress, listing: Path, folder: Path) -> Path:
    """The folder of the files that a list names: all from the list's commit, with the digests listed."""
    digests = listed(listing, address)
    commit = replace(address, revision=listing.parent.name)
    for name, digest in digests.items():
        path = file_of(hub, commit, name, folder, MOST_OF_A_FILE)
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() == digest:
                continue
        for one in (path, listing):  # the files themselves, then the links to them
            one.resolve().unlink(missing_ok=True)
            one.unlink(missing_ok=True)
        raise HubError(f"{name} arrived damaged", where=address, remedy="run it again")
    return listing.parent


def listed(listing: Path, address: HubAddress) -> dict[str, object]:
    """The digests in a list, by the paths of their files.

    Raises:
        HubError: The file is not such a list.
    """
    try:
        digests = json.loads(listing.read_bytes())
        places = all(PLACE.fullmatch(name) and ".." not in name for name in digests)
        if not places or not 0 < len(digests) <= MOST_FILES or not isinstance(digests, dict):
            raise ValueError
    except (ValueError, TypeError, RecursionError):
        raise HubError(f"its {LISTING} is not a list of files", where=address) from None
    return digests


def _from_web(address: WebAddress, folder: Path, retries: RetryPolicy) -> Path:
    path = folder / f"{address.digest}{SUFFIX}"
    if path.is_file():
        return path
    with exclusive(path.with_suffix(".lock"), leaves=False):
        return path if path.is_file() else _fetched(address, path, retries)


def _fetched(address: WebAddress, path: Path, retries: RetryPolicy) -> Path:
    """Fetch and check the file at an address; the caller holds the lock for it."""
    arriving = path.with_suffix(".fetched")
    digest, pieces = _arrived(address, arriving, retries)
    if digest != address.digest and pieces:  # perhaps of two versions of the file
        digest, _ = _arrived(address, arriving, retries)
    if digest != address.digest:
        raise HubError(
            f"is not the file that was asked for: its SHA-256 is {digest}",
            where=address,
            remedy="ask whoever gave the address for the digest",
        )
    patiently(arriving.replace, path)
    return path


def _arrived(address: WebAddress, arriving: Path, retries: RetryPolicy) -> tuple[str, bool]:
    """Fetch a file, removed if its digest is wrong; return the digest, and whether it came in pieces."""
    try:
        pieces = fetch(address.url, arriving, limit=MOST_BYTES, progress=False, retries=retries)
    except DownloadError as error:
        remedy = own_remedy(error)
        where = error.where or address  # the address, or the variable that sets a proxy
        raise HubError(error.what, where=where, remedy=ONLINE if remedy is None else remedy) from error
    digest = hashlib.sha256(arriving.read_bytes()).hexdigest()
    if digest != address.digest:
        arriving.unlink()
    return digest, pieces


@contextmanager
def answering(hub: Any, where: str) -> Iterator[None]:
    """Turn errors of the hub and of the network into one line without tokens and headers.

    Raises:
        HubError: The block raised an error of the hub, or the settings of the client are invalid.
        OSError: The block raised an error of the disk.
    """
    _check_settings(hub)
    try:
        with warnings.catch_warnings():  # about a nearly full disk: if it is full, an error says so
            warnings.simplefilter("ignore")
            yield
    except VoxletError:
        raise
    except Exception as error:  # the client's errors have no common class
        # An error "not in the cache either" has as its cause the hub's answer, or that offline mode is on.
        known = (hub.errors.HfHubHTTPError, hub.errors.OfflineModeIsEnabled)
        cause = error.__cause__ if isinstance(error.__cause__, known) else error
        if isinstance(cause, OSError) and not isinstance(cause, _not_of_the_disk(hub)):
            raise
        if (failed := _proxy_failure(hub, error)) is not None:
            raise HubError(failed.what, where=failed.where, remedy=failed.remedy) from error
        what, remedy = _told(hub, cause)
        raise HubError(what, where=where, remedy=remedy) from error


def _proxy_failure(hub: Any, error: BaseException) -> DownloadError | None:
    """The error that names the proxy to the hub, if no connection was made; None otherwise."""
    proxy = proxy_for(hub.constants.ENDPOINT, _proxy_schemes())
    cause: BaseException | None = error
    while cause is not None and type(cause).__name__ not in UNCONNECTED:
        cause = cause.__cause__
    return None if proxy is None or cause is None else proxy.failure(str(cause) or type(cause).__name__)


def _proxy_schemes() -> tuple[str, ...]:
    """The schemes of the proxies that the hub's client can use here."""
    return (*WEB, *(SOCKS if importlib.util.find_spec("socksio") else ()))


def _check_settings(hub: Any) -> None:
    """Check the client's settings, as its own errors about them do not name the variables.

    Raises:
        HubError: One of them is invalid: the address of the hub, a proxy or the token.
    """
    endpoint = hub.constants.ENDPOINT
    if not is_host(host_of(endpoint)):
        raise HubError(
            f"{without_password(endpoint)!r} is not the address of a hub",
            where="HF_ENDPOINT",
            remedy="unset this variable, or give it an address that begins with https://",
        )
    try:
        for kind in (*WEB, "all"):  # the client reads all of them, whichever it needs
            proxy_of(kind, _proxy_schemes())
    except DownloadError as error:
        raise HubError(error.what, where=error.where, remedy=error.remedy) from error
    token = hub.get_token() or ""
    if not (token.isascii() and token.isprintable()):
        raise HubError(
            "the token holds characters that no token has",
            where="HF_TOKEN",
            remedy="copy it into this variable again, or unset it and log in: `hf auth login`",
        )


def _not_of_the_disk(hub: Any) -> tuple[type[OSError], ...]:
    errors = hub.errors
    return (errors.HfHubHTTPError, errors.LocalEntryNotFoundError, ConnectionError, TimeoutError)


def _told(hub: Any, error: BaseException) -> tuple[str, str | None]:
    """The message and the remedy for an error of the hub or the network."""
    errors = hub.errors
    if isinstance(error, errors.OfflineModeIsEnabled):
        return "the hub is not asked: HF_HUB_OFFLINE is set", "unset this variable"
    if isinstance(error, errors.GatedRepoError):
        return "asks for consent on its page first", "give it there, then `hf auth login`"
    if isinstance(error, errors.RepositoryNotFoundError):
        return (
            "there is no such repository, or it is a private one",
            "check the name; for a private one `hf auth login`",
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return "has no such revision", "leave @revision out"
    if isinstance(error, errors.RemoteEntryNotFoundError):
        return f"holds no {FILE} and no {LISTING}: it was not made by voxlet", None
    if isinstance(error, errors.HfHubHTTPError):
        status = getattr(error.response, "status_code", 0)
        if status in (401, 403):
            return "you are not allowed to do this", "log in as somebody who is: `hf auth login`"
        return f"the hub answered {status}", "try again later"
    if isinstance(error, errors.LocalEntryNotFoundError):
        return "cannot be reached, and is not in the cache", ONLINE
    return f"the transfer failed ({type(error).__name__})", "run it again to continue where it stopped"
