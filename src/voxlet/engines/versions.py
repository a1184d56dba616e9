"""Package versions that decide results: a worker with other versions refuses to work."""

from __future__ import annotations

import functools
import importlib.metadata
from typing import TYPE_CHECKING

from voxlet.errors import VoxletError
from voxlet.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

Versions = tuple[tuple[str, str], ...]  # (package, version), sorted by name; sent with a task


@functools.cache
def installed(*packages: str) -> dict[str, str]:
    """The versions of voxlet and these packages, `none` if not installed; cached, so do not change them."""
    found = {"voxlet": __version__}
    for name in packages:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "none"
    return found


def refuse_others(here: Mapping[str, str], asked: Versions) -> None:
    """Check that the versions on this machine are those asked for.

    Raises:
        VoxletError: A version differs.
    """
    there = dict(asked)
    differing = [name for name in {**there, **here} if here.get(name) != there.get(name)]
    if differing:
        raise VoxletError(
            f"a worker has {_listed(here, differing)} instead of {_listed(there, differing)}",
            remedy="install the same versions on every machine",
        )


def _listed(versions: Mapping[str, str], names: list[str]) -> str:
    return ", ".join(f"{name} {versions.get(name, 'none')}" for name in names)
