"""The files that a table names, found where they lie here: names are rarely written as the disk has them."""

from __future__ import annotations

import os
import re
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from voxlet.corpus.listing.sound_files import SOUND_SUFFIXES

AUDIO_FOLDERS = ("", "wavs", "clips", "audio")  # where a table's files may lie, beside it
ENDING = re.compile(r"\.(?=.*[a-z])\w{2,4}", re.IGNORECASE)  # a kind of file, not the number in `take.2`


@dataclass
class Finder:
    """Finds the files that a table names: backslashes, forms of Unicode and other endings notwithstanding.

    Where the first name that is tried is not found, but is without its first folders, the table was made
    elsewhere (`/home/ann/corpus/wavs/0.wav`): these folders are left out of all its names.

    Attributes:
        roots: The folders that names may be relative to, the table's own first.
    """

    roots: tuple[Path, ...]
    elsewhere: int | None = None
    folders: dict[Path, dict[str, Path]] = field(default_factory=dict)

    def find(self, written: str) -> Path:
        """The file that is meant; where there is none, the path as it is written."""
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
        except (OSError, ValueError):  # a name that no file can have
            pass
        return as_written

    def _below(self, name: str) -> Path | None:
        """A file of this name below one of the roots."""
        for root in self.roots:
            for folder in AUDIO_FOLDERS:
                place = Path(os.path.normpath(root / folder / name))
                found = place if place.is_file() else self._similar(place)
                if found:
                    return found
        return None

    def _similar(self, place: Path) -> Path | None:
        """A file of the same name in another form of Unicode, case or with another ending."""
        names = self.folders.get(place.parent)
        if names is None:
            names = self.folders[place.parent] = self._names(place.parent)
        found = names.get(fold_name(place.name))
        if found is None and ENDING.fullmatch(place.suffix):
            found = names.get(fold_name(place.stem))
        return found

    @staticmethod
    def _names(folder: Path) -> dict[str, Path]:
        if not folder.is_dir():
            return {}
        sounds = sorted(path for path in folder.iterdir() if path.suffix.lower() in SOUND_SUFFIXES)
        names: dict[str, Path] = {}
        for path in sounds:
            names.setdefault(fold_name(path.name), path)
            names.setdefault(fold_name(path.stem), path)
        return names


def fold_name(name: str) -> str:
    """A file's name without case, in one form of Unicode."""
    return unicodedata.normalize("NFC", name).casefold()
