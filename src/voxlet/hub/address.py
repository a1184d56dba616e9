"""Addresses of voices: `hf:user/name`, or a URL with a digest, `https://.../my.voice#sha256=...`."""

from __future__ import annotations

import re
import urllib.parse
from dataclasses import dataclass

from voxlet.downloading.addresses import check_address
from voxlet.downloading.fetch import MIRROR
from voxlet.errors import DownloadError, HubError
from voxlet.speak.voice_file import SUFFIX

HUB = "hf:"
WEB = ("https://", "http://")
REPOSITORY = re.compile(r"\w([\w.-]{0,94}\w)?/\w([\w.-]{0,94}\w)?", re.ASCII)  # the rule of huggingface_hub
REVISION = re.compile(r"[\w-][\w./-]{0,99}", re.ASCII)
DIGEST = re.compile(r"sha256=([0-9a-f]{64})", re.IGNORECASE)
HOW = "give hf:user/name, hf:user/name@revision, or https://...#sha256=... with 64 hexadecimal digits"


@dataclass(frozen=True)
class HubAddress:
    """A repository on the hub, and optionally a branch, tag or commit of it."""

    repository: str
    revision: str | None = None

    @property
    def name(self) -> str:
        """The name of the voice: the repository's, without its user."""
        return self.repository.partition("/")[2]

    def __str__(self) -> str:
        return f"{HUB}{self.repository}" + (f"@{self.revision}" if self.revision else "")


@dataclass(frozen=True)
class WebAddress:
    """A file on the web, and its SHA-256."""

    url: str
    digest: str

    @property
    def name(self) -> str:
        """The name of the voice: the file name, without its suffix."""
        last = self.url.partition("?")[0].rpartition("/")[2]
        return urllib.parse.unquote(last).removesuffix(SUFFIX)

    def __str__(self) -> str:
        return self.url


def is_address(text: str) -> bool:
    """Whether a text is meant as an address, valid or not, rather than as a file or voice on this machine."""
    return text.lower().startswith((HUB, *WEB))


def check_repository(text: str) -> str:
    """Return `text` if it is the name of a repository, `user/name`.

    Raises:
        HubError: It is not.
    """
    if REPOSITORY.fullmatch(text) is None or ".." in text or "--" in text or text.endswith(".git"):
        raise HubError(
            f"{text!r} does not name a repository", remedy="give user/name, of letters, digits and -_."
        )
    return text


def own_remedy(error: DownloadError) -> str | None:
    """The remedy of a download error without --source, an option for corpora; None if nothing is left."""
    remedy = (error.remedy or "").removesuffix(f", or {MIRROR}")
    return remedy if remedy and "--source" not in remedy else None


def parse_address(text: str) -> HubAddress | WebAddress:
    """Parse the address of a voice.

    Raises:
        HubError: The address is malformed, is a URL without a digest, or contains a password.
    """
    if text.lower().startswith(WEB):
        url, _, fragment = text.partition("#")
        try:
            check_address(url)
        except DownloadError as error:
            remedy = own_remedy(error)
            raise HubError(error.what, where=error.where, remedy=HOW if remedy is None else remedy) from error
        if (found := DIGEST.fullmatch(fragment)) is None:
            raise HubError("does not give the digest of the file", where=text, remedy=HOW)
        return WebAddress(url, found[1].lower())
    repository, _, revision = re.sub(f"^{HUB}", "", text, flags=re.IGNORECASE).partition("@")
    if "@" in text and REVISION.fullmatch(revision) is None:
        raise HubError(f"{revision!r} is not a revision", where=text, remedy=HOW)
    return HubAddress(check_repository(repository), revision or None)
