"""Workers that would give other results refuse: which versions decide, and whether they are these."""

from __future__ import annotations

import functools
import importlib.metadata
from typing import TYPE_CHECKING

from voxlet.errors import VoxletError
from voxlet.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

Versions = tuple[tuple[str, str], ...]  # by name, sorted: it travels with a task


@functools.cache
def installed(*packages: str) -> dict[str, str]:
    """The versions of voxlet and of these packages, `none` for what is not there; nobody may change it."""
    found = {"voxlet": __version__}
    for name in packages:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "none"
    return found


def refuse_others(here: Mapping[str, str], asked: Versions) -> None:
    """See that what is here is what is asked for.

    Raises:
        VoxletError: It is not.
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
