"""Where a voice is: `hf:user/name`, or an address with its digest, `https://.../my.voice#sha256=...`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from voxlet.errors import HubError

HUB = "hf:"
WEB = ("https://", "http://")
REPOSITORY = re.compile(r"[\w-][\w.-]{0,95}/[\w-][\w.-]{0,95}", re.ASCII)
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
        return self.url.partition("?")[0].rpartition("/")[2].partition(".")[0]

    def __str__(self) -> str:
        return self.url


def is_address(text: str) -> bool:
    """Whether a text is meant to be one of these, right or wrong, and no file or voice of this machine."""
    return text.startswith((HUB, *WEB))


def check_repository(text: str) -> str:
    """A repository's name, `user/name`.

    Raises:
        HubError: It is none.
    """
    if REPOSITORY.fullmatch(text) is None or ".." in text or "--" in text or text.endswith((".", "-")):
        raise HubError(f"{text!r} names no repository", remedy="give user/name, of letters, digits and -_.")
    return text


def parse_address(text: str) -> HubAddress | WebAddress:
    """Read an address.

    Raises:
        HubError: It is malformed, or of the web without a digest.
    """
    if text.startswith(WEB):
        url, _, fragment = text.partition("#")
        if (found := DIGEST.fullmatch(fragment)) is None:
            raise HubError("does not say which file it has to be", where=text, remedy=HOW)
        return WebAddress(url, found[1].lower())
    repository, _, revision = text.removeprefix(HUB).partition("@")
    if "@" in text and REVISION.fullmatch(revision) is None:
        raise HubError(f"{revision!r} is no revision", where=text, remedy=HOW)
    return HubAddress(check_repository(repository), revision or None)
