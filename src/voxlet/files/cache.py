"""The cache folder: its content can be deleted at any time and is made again when needed."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from voxlet.errors import FileError
from voxlet.files.os_errors import writing

CACHE_VARIABLE = "VOXLET_CACHE"
CACHE_REMEDY = f"free some space or set {CACHE_VARIABLE} to a folder that can be written"


def writing_cache(where: Path) -> contextlib.AbstractContextManager[None]:
    """The context manager `writing` for a file or folder of the cache."""
    return writing(where, "the cache cannot be written", remedy=CACHE_REMEDY)


def cache_path(*parts: str) -> Path:
    """The path `parts` under `$VOXLET_CACHE` (or `~/.cache/voxlet`), whether or not it exists.

    Raises:
        FileError: The variable is not set, and there is no home folder.
    """
    chosen = os.environ.get(CACHE_VARIABLE)
    try:
        base = Path(chosen).expanduser() if chosen else Path.home() / ".cache" / "voxlet"
    except RuntimeError as error:
        raise FileError(
            "there is no home folder for the cache", remedy=f"set {CACHE_VARIABLE} to a folder"
        ) from error
    return base.joinpath(*parts)


def cache_folder(*parts: str) -> Path:
    """The folder `cache_path(*parts)`, made if missing.

    Raises:
        FileError: The folder cannot be made.
    """
    folder = cache_path(*parts)
    with writing_cache(folder):
        folder.mkdir(parents=True, exist_ok=True)
    return folder
