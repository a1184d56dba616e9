"""Find the files that a table names, although names in tables often differ from those on disk."""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from voxlet.corpus.listing.sound_files import SOUND_SUFFIXES
from voxlet.files import fold_name

if TYPE_CHECKING:
    from collections.abc import Sequence

AUDIO_FOLDERS = ("", "wavs", "clips", "audio")  # folders beside a table that may hold its files
ENDING = re.compile(r"\.(?=.*[a-z])\w{2,4}", re.IGNORECASE)  # a file extension, not the number in `take.2`


@dataclass
class Finder:
    """Finds the files that a table names, in spite of backslashes, Unicode forms and other extensions.

    If the first name is found only without its leading folders, the table was made on another machine
    (`/home/ann/corpus/wavs/0.wav`); then as many leading folders are dropped from all other names.

    Attributes:
        roots: Folders that names may be relative to, the table's own first.
        sounds: Sound files in any folder, to resolve a bare file name that occurs only once.
    """

    roots: tuple[Path, ...]
    sounds: Sequence[Path] = ()
    elsewhere: int | None = None
    folders: dict[Path, dict[str, Path] | None] = field(default_factory=dict)

    def find(self, written: str) -> Path:
        """The file that a name in the table means; the path as written if there is none."""
        as_written = Path(os.path.normpath(self.roots[0] / written))
        try:
            if as_written.is_file():
                self.elsewhere = self.elsewhere or 0
                return as_written
            parts = PurePosixPath(written.replace("\\", "/")).parts
            counts = range(len(parts)) if self.elsewhere is None else (self.elsewhere,)
            for count in counts:
                if len(parts) > count and (found := self._below(str(PurePosixPath(*parts[count:])))):
                    self.elsewhere = count
                    return found
            if len(parts) == 1:
                return self.anywhere.get(fold_name(written)) or as_written
        except (OSError, ValueError):  # not a valid file name
            pass
        return as_written

    @cached_property
    def bases(self) -> list[Path]:
        """The folders in which files may lie, those beside the table first."""
        return [root / folder for root in self.roots for folder in AUDIO_FOLDERS]

    @cached_property
    def anywhere(self) -> dict[str, Path]:
        """The sound files with unique names, by folded name."""
        names = Counter(fold_name(path.name) for path in self.sounds)
        return {name: path for path in self.sounds if names[name := fold_name(path.name)] == 1}

    def _below(self, name: str) -> Path | None:
        """The file of this name in one of `bases`, possibly with another Unicode form, case or extension."""
        for base in self.bases:
            place = Path(os.path.normpath(base / name))
            folder = place.parent
            if folder not in self.folders:
                self.folders[folder] = _names(folder)
            names = self.folders[folder]
            if names is None:
                continue
            if place.is_file():
                return place
            found = names.get(fold_name(place.name))
            if found is None and ENDING.fullmatch(place.suffix):
                found = names.get(fold_name(place.stem))
            if found is not None:
                return found
        return None


def _names(folder: Path) -> dict[str, Path] | None:
    """A folder's sound files by folded name, with and without extension; None if there is no such folder."""
    if not folder.is_dir():
        return None
    sounds = sorted(path for path in folder.iterdir() if path.suffix.lower() in SOUND_SUFFIXES)
    names: dict[str, Path] = {}
    for path in sounds:
        names.setdefault(fold_name(path.name), path)
        names.setdefault(fold_name(path.stem), path)
    return names
