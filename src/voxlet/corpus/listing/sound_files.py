"""The sound files under a folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

SOUND_SUFFIXES = frozenset({".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3"})
SPEECHLESS = frozenset({"background_noise"})  # what makers of corpora call recordings without a word


def sound_files(root: Path) -> Iterator[Path]:
    """Files under `root` whose suffix is a sound file's.

    Not hidden names, folders named `_...` and folders of background noise.
    """
    seen: set[tuple[int, int]] = set()
    for folder, subfolders, names in os.walk(root, followlinks=True):
        # A link to a folder is followed, but never round in a circle.
        status = os.stat(folder)  # noqa: PTH116
        if (status.st_dev, status.st_ino) in seen:
            subfolders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        subfolders[:] = sorted(
            name for name in subfolders if not name.startswith((".", "_")) and name.lower() not in SPEECHLESS
        )
        for name in names:
            path = Path(folder, name)
            if path.suffix.lower() in SOUND_SUFFIXES and not name.startswith("."):
                yield path
