"""Where a voice is: `hf:user/name`, or an address with its digest, `https://.../my.voice#sha256=...`."""

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
REPOSITORY = re.compile(r"\w([\w.-]{0,94}\w)?/\w([\w.-]{0,94}\w)?", re.ASCII)  # as the hub's client has it
REVISION = re.compile(r"[\w-][\w./-]{0,99}", re.ASCII)
DIGEST = re.compile(r"sha256=([0-9a-f]{64})", re.IGNORECASE)
HOW = "give hf:user/name, hf:user/name@revision, or https://...#sha256=... with 64 hexadecimal digits"


@dataclass(frozen=True)
class HubAddress:
    """A repository of the hub, and a branch, tag or commit of it."""

    repository: str
    revision: str | None = None

    @property
    def name(self) -> str:
        """What the voice is called."""
        return self.repository.partition("/")[2]

    def __str__(self) -> str:
        return f"{HUB}{self.repository}" + (f"@{self.revision}" if self.revision else "")


@dataclass(frozen=True)
class WebAddress:
    """A file on the web, of which the SHA-256 is known."""

    url: str
    digest: str

    @property
    def name(self) -> str:
        """What the voice is called."""
        last = self.url.partition("?")[0].rpartition("/")[2]
        return urllib.parse.unquote(last).removesuffix(SUFFIX)

    def __str__(self) -> str:
        return self.url


def is_address(text: str) -> bool:
    """Whether a text is meant to be one of these, right or wrong, and no file or voice of this machine."""
    return text.lower().startswith((HUB, *WEB))


def check_repository(text: str) -> str:
    """A repository's name, `user/name`.

    Raises:
        HubError: It is none.
    """
    if REPOSITORY.fullmatch(text) is None or ".." in text or "--" in text or text.endswith(".git"):
        raise HubError(
            f"{text!r} does not name a repository", remedy="give user/name, of letters, digits and -_."
        )
    return text


def own_remedy(error: DownloadError) -> str | None:
    """What a download's error advises that is of use without the option --source, which is a corpus's."""
    remedy = (error.remedy or "").removesuffix(f", or {MIRROR}")
    return remedy if remedy and "--source" not in remedy else None


def parse_address(text: str) -> HubAddress | WebAddress:
    """Read an address.

    Raises:
        HubError: It is malformed, or of the web without a digest, or holds a password.
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
