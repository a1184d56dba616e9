"""Importing optional packages, and naming the extra that installs a missing one."""

from __future__ import annotations

import importlib
from types import ModuleType

from voxlet.errors import MissingExtraError


def import_extra(module: str, extra: str) -> ModuleType:
    """Import `module`; if it is missing, the error names the extra of voxlet that installs it.

    Raises:
        MissingExtraError: The module is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise missing_extra(error, extra, module) from error


def missing_extra(error: ModuleNotFoundError, extra: str, module: str = "") -> MissingExtraError:
    """The error that names the missing package and the command that installs the extra."""
    package = (error.name or module).partition(".")[0]
    return MissingExtraError(
        f"this needs the package {package!r}, which is not installed",
        remedy=f"install it with: {how_to_install(extra)}",
    )


def how_to_install(extra: str) -> str:
    """The command that installs an extra from the folder of voxlet's sources."""
    return f"pip install -c constraints.txt '.[{extra}]' in the folder of voxlet's sources"
