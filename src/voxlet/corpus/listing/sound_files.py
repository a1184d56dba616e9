"""Find the sound files under a folder, and account for all other files there."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from voxlet.decoding.decoders import file_argument, remedy_for
from voxlet.decoding.kinds import (
    FFMPEG_SUFFIXES,
    HEAD_BYTES,
    HEADERLESS_SUFFIXES,
    LIBSNDFILE_SUFFIXES,
    UNFINISHED_SUFFIXES,
    kind_of,
)
from voxlet.words.spelling import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SOUND_SUFFIXES = LIBSNDFILE_SUFFIXES | FFMPEG_SUFFIXES
SPEECHLESS = "background noise"  # usual name of a folder of recordings without words
LONGEST_SUFFIX = 10  # characters: a longer suffix is part of the name
NO_KIND = "without an ending"
# Reasons for ignoring files.
NO_SOUND = "no sound"
HIDDEN = "hidden"
ASIDE = "in folders of background noise or named _..."
UNFINISHED = "copies or unfinished files, by their ending"
HEADERLESS = "without a header"
UNREAD = "of a kind that needs FFmpeg"
UNLISTED = "not in the table"
OTHER_KIND = "takes that also exist as another kind of file"
OTHER_LABELS = "with labels that the known corpus does not have"
NOT_OPENED = "folders that cannot be opened"


@dataclass(frozen=True)
class Passed:
    """Files of one kind that are ignored for the same reason.

    Attributes:
        kind: The file extension.
        reason: One of the reasons above.
        count: Number of files.
        example: Path of the first of them, relative to the corpus's root.
    """

    kind: str
    reason: str
    count: int
    example: str

    def describe(self) -> str:
        """Count and kind, such as `41 .m4a`, with a remedy if there is one."""
        if self.reason == NOT_OPENED:
            return f"{self.count:,} {self.reason}, such as {self.example}"
        counted = f"{self.count:,} {self.kind}"
        if self.reason == UNREAD:
            return f"{counted}: {remedy_for(self.example)}"
        if self.reason == HEADERLESS:
            old = file_argument(self.example)
            new = file_argument(f"{PurePosixPath(self.example).with_suffix('.wav')}")
            form = HEADERLESS_SUFFIXES[self.kind]
            return f"{counted}: give their rate with ffmpeg -f {form} -ar RATE -i {old} {new}"
        return f"{counted} {self.reason}" if self.reason != NO_SOUND else counted


def count_kinds(root: Path, files: Iterable[tuple[Path, str]]) -> tuple[Passed, ...]:
    """Count ignored files, given as (path, reason), by kind and reason, the most frequent first."""
    groups: dict[tuple[str, str], list[Path]] = {}
    for path, reason in files:
        groups.setdefault((kind_name(path), reason), []).append(path)
    counted = [
        Passed(kind, reason, len(paths), relative_name(min(paths), root))
        for (kind, reason), paths in groups.items()
    ]
    return tuple(sorted(counted, key=lambda passed: (-passed.count, passed.kind, passed.reason)))


def relative_name(path: Path, root: Path) -> str:
    """The path relative to `root` with forward slashes; the whole path if it lies elsewhere."""
    try:
        return path.relative_to(root).as_posix()
    except ValueError:
        return path.as_posix()


def common_folder(paths: Iterable[Path]) -> Path:
    """The folder that contains all paths; on Windows, the first path's drive if they lie on several."""
    found = list(paths)
    try:
        return Path(os.path.commonpath(found))
    except ValueError:
        return Path(found[0].anchor)


def kind_name(path: Path) -> str:
    """The file extension as shown to users, or `NO_KIND`."""
    suffix = path.suffix.lower()
    return suffix if 1 < len(suffix) <= LONGEST_SUFFIX and suffix.isprintable() else NO_KIND


def sound_files(root: Path) -> Iterator[Path]:
    """The sound files under `root`, recognised by extension or first bytes."""
    return (path for path, reason in survey(root) if reason is None)


def survey(root: Path, *, deep: bool = True) -> Iterator[tuple[Path, str | None]]:
    """All files under `root` (or directly in it, if not `deep`), with the reason to ignore each or None."""
    seen: set[tuple[int, int]] = set()
    closed: list[OSError] = []
    reasons: dict[str, str | None] = {os.fspath(root): None}
    for folder, subfolders, names in os.walk(root, followlinks=True, onerror=closed.append):
        # Links to folders are followed, but each folder is visited only once.
        status = os.stat(folder)  # noqa: PTH116
        if (status.st_dev, status.st_ino) in seen:
            subfolders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        subfolders.sort()
        for name in subfolders:
            reasons[os.path.join(folder, name)] = reasons[folder] or _folder_reason(name)  # noqa: PTH118
        if not deep:
            subfolders.clear()
        for name in names:
            path = Path(folder, name)
            yield path, reasons[folder] or _reason(path)
    for error in closed:
        yield Path(error.filename), NOT_OPENED


def _folder_reason(name: str) -> str | None:
    """The reason to ignore all files in a folder of this name; None if there is none."""
    if name.startswith("."):
        return HIDDEN
    return ASIDE if name.startswith("_") or fold(name) == SPEECHLESS else None


def _reason(path: Path) -> str | None:
    """The reason to ignore a file; None for a sound file, by extension or first bytes."""
    suffix = path.suffix.lower()
    if path.name.startswith("."):
        return HIDDEN
    if suffix in SOUND_SUFFIXES:
        return None
    if suffix in UNFINISHED_SUFFIXES or path.name.endswith("~"):
        return UNFINISHED
    if _begins_as_sound(path):
        return None
    return HEADERLESS if suffix in HEADERLESS_SUFFIXES else NO_SOUND


def _begins_as_sound(path: Path) -> bool:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would block
            return False
        with path.open("rb") as file:
            return kind_of(file.read(HEAD_BYTES)) is not None
    except OSError:
        return False
