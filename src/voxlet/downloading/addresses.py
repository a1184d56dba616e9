"""Web addresses, and the proxies on the way to them: checked before any request."""

from __future__ import annotations

import re
import urllib.parse
import urllib.request

from voxlet.errors import DownloadError


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


def host_of(address: str) -> str:
    """The host of an http(s) address; "" if it is not one."""
    try:
        parts = urllib.parse.urlsplit(address)
        valid = parts.scheme in ("http", "https") and parts.port != 0
    except ValueError:  # the port is invalid
        return ""
    return (parts.hostname or "") if valid else ""


def is_host(name: str) -> bool:
    """Whether a text can be a host name or an IP address."""
    try:
        return re.fullmatch(r"[\w.:%-]+", name) is not None and (":" in name or bool(name.encode("idna")))
    except UnicodeError:  # a part of the name is empty or too long
        return False


def proxy_for(address: str) -> str | None:
    """The proxy that the environment sets for an address; None if it sets none.

    Raises:
        DownloadError: The proxy set there is malformed.
    """
    parts = urllib.parse.urlsplit(address)
    if urllib.request.proxy_bypass(parts.hostname or ""):
        return None
    named = urllib.request.getproxies()
    kind = parts.scheme if named.get(parts.scheme) else "all"
    if not (proxy := named.get(kind)):
        return None
    whole = proxy if "://" in proxy else f"http://{proxy}"
    if not is_host(host_of(whole)):
        raise DownloadError(
            f"{without_password(whole)} is not a usable proxy",
            where=f"{kind}_proxy",
            remedy="give this variable the form http://host:port, or unset it",
        )
    return whole
