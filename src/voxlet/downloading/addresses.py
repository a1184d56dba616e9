"""Web addresses, and the proxies on the way to them: checked before any request."""

from __future__ import annotations

import os
import re
import urllib.parse
import urllib.request
from dataclasses import dataclass

from voxlet.errors import DownloadError

WEB = ("http", "https")


def check_address(address: str) -> None:
    """Check that an address can be downloaded from, before anything is requested or created.

    Raises:
        DownloadError: It is malformed, has another scheme than http or https, or contains a user or password.
    """
    if (shown := without_password(address)) != address:
        raise DownloadError(
            "contains a user name or password, which is not sent",
            where=shown,
            remedy="leave out what comes before the @",
        )
    if not (host := host_of(address)):
        raise DownloadError(
            "is neither an http(s) address nor a file that exists",
            where=address,
            remedy="give --source an address that begins with http:// or https://, or the path of an archive",
        )
    if not is_host(host):
        raise DownloadError(
            f"{host!r} cannot be a host name",
            where=address,
            remedy="check what is between // and the next /",
        )


def without_password(address: str) -> str:
    """An address without its user name and password, as it may be shown."""
    return re.sub(r"//[^/?#]*@", "//", address, count=1)


def host_of(address: str, schemes: tuple[str, ...] = WEB) -> str:
    """The host of an address with one of these schemes, http(s) by default; "" if it is not one."""
    try:
        parts = urllib.parse.urlsplit(address)
        valid = parts.scheme in schemes and parts.port != 0
    except ValueError:  # the port is invalid
        return ""
    return (parts.hostname or "") if valid else ""


def is_host(name: str) -> bool:
    """Whether a text can be a host name or an IP address."""
    try:
        return re.fullmatch(r"[\w.:%-]+", name) is not None and (":" in name or bool(name.encode("idna")))
    except UnicodeError:  # a part of the name is empty or too long
        return False


@dataclass(frozen=True)
class Proxy:
    """A proxy that the environment sets.

    Attributes:
        variable: The environment variable that sets it.
        url: Its URL, which may contain a user name and password.
    """

    variable: str
    url: str

    @property
    def shown(self) -> str:
        """The URL without user name and password, which may hold any character."""
        return re.sub(r"//.*@", "//", self.url)

    def failure(self, reason: str) -> DownloadError:
        """The error that the proxy cannot be reached or refuses to pass requests on."""
        return DownloadError(
            f"the proxy {self.shown} does not work ({reason})",
            where=self.variable,
            remedy="correct this variable, or unset it to go without a proxy",
        )


def proxy_for(address: str, schemes: tuple[str, ...] = WEB) -> Proxy | None:
    """The proxy that the environment sets for an address; None if it sets none.

    Raises:
        DownloadError: The proxy set there is malformed, or has none of these schemes.
    """
    parts = urllib.parse.urlsplit(address)
    if urllib.request.proxy_bypass(parts.hostname or ""):
        return None
    return proxy_of(parts.scheme, schemes) or proxy_of("all", schemes)


def proxy_of(kind: str, schemes: tuple[str, ...] = WEB) -> Proxy | None:
    """The proxy that the environment sets for a kind of address: `http`, `https` or `all`.

    Raises:
        DownloadError: The proxy set there is malformed, or has none of these schemes.
    """
    named = urllib.request.getproxies()
    value = named.get(kind)
    if not value or "*" in map(str.strip, named.get("no", "").split(",")):  # NO_PROXY=*: none is used
        return None
    names = (f"{kind}_proxy", f"{kind}_PROXY".upper())
    variable = next((name for name in names if os.environ.get(name)), names[0])
    proxy = Proxy(variable, value if "://" in value else f"http://{value}")
    if not is_host(host_of(proxy.url, schemes)):
        raise DownloadError(
            f"{proxy.shown} is not a usable proxy",
            where=variable,
            remedy="give this variable the form http://host:port, or unset it",
        )
    return proxy
