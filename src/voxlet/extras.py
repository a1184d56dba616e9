"""Optional packages: imported, or named with the extra that brings them."""

from __future__ import annotations

import importlib
from types import ModuleType

from voxlet.errors import MissingExtraError


def import_extra(module: str, extra: str) -> ModuleType:
    """Import `module`, or say which extra of voxlet brings it.

    Raises:
        MissingExtraError: The module is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise missing_extra(error, extra, module) from error


def missing_extra(error: ModuleNotFoundError, extra: str, module: str = "") -> MissingExtraError:
    """The one line that says which package is missing, and which extra of voxlet brings it."""
    package = (error.name or module).partition(".")[0]
    return MissingExtraError(
        f"this needs the package {package!r}, which is not installed",
        remedy=f"install it with: {how_to_install(extra)}",
    )


def how_to_install(extra: str) -> str:
    """The command that brings an extra, for the folder that voxlet is installed from."""
    return f"pip install -c constraints.txt '.[{extra}]' in the folder of voxlet's sources"
