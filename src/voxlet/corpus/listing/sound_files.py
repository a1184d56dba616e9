"""The sound files under a folder."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from voxlet.spelling import fold

if TYPE_CHECKING:
    from collections.abc import Iterator

SOUND_SUFFIXES = frozenset({".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3"})
SPEECHLESS = "background noise"  # what makers of corpora call recordings without a word


def sound_files(root: Path) -> Iterator[Path]:
    """Files under `root` whose suffix is a sound file's.

    Not hidden names, and what lies in a `speechless` folder.
    """
    for path in all_sound_files(root):
        if speechless(path, root) is None:
            yield path


def speechless_files(root: Path) -> Counter[str]:
    """How many sound files lie in each `speechless` folder under `root`."""
    folders = (speechless(path, root) for path in all_sound_files(root))
    return Counter(folder for folder in folders if folder is not None)


def speechless(path: Path, root: Path) -> str | None:
    """The folder under `root` that says that a file holds no word: of background noise, or named `_...`."""
    for name in path.relative_to(root).parts[:-1]:
        if name.startswith("_") or fold(name) == SPEECHLESS:
            return name
    return None


def all_sound_files(root: Path) -> Iterator[Path]:
    """Files under `root` whose suffix is a sound file's, but hidden ones."""
    seen: set[tuple[int, int]] = set()
    for folder, subfolders, names in os.walk(root, followlinks=True):
        # A link to a folder is followed, but never round in a circle.
        status = os.stat(folder)  # noqa: PTH116
        if (status.st_dev, status.st_ino) in seen:
            subfolders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        for name in names:
            path = Path(folder, name)
            if path.suffix.lower() in SOUND_SUFFIXES and not name.startswith("."):
                yield path
