"""The sound files under a folder, and what else lies there: every file is one or the other."""

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
SPEECHLESS = "background noise"  # what makers of corpora call recordings without a word
LONGEST_SUFFIX = 10  # characters: what is longer is part of the name
NO_KIND = "without an ending"
# Why files are passed over.
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
    """Files that are passed over for one reason.

    Attributes:
        kind: The ending of their names.
        reason: Why, one of those above.
        count: How many.
        example: The first of them, by its path under the corpus's root.
    """

    kind: str
    reason: str
    count: int
    example: str

    def describe(self) -> str:
        """`41 .m4a`, with what can be done to have them used."""
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
    """Files under `root` with the reasons they are passed over for, by kind and reason, the most first."""
    groups: dict[tuple[str, str], list[Path]] = {}
    for path, reason in files:
        groups.setdefault((kind_name(path), reason), []).append(path)
    counted = [
        Passed(kind, reason, len(paths), relative_name(min(paths), root))
        for (kind, reason), paths in groups.items()
    ]
    return tuple(sorted(counted, key=lambda passed: (-passed.count, passed.kind, passed.reason)))


def relative_name(path: Path, root: Path) -> str:
    """The path under `root` with forward slashes, or the whole path where it lies elsewhere."""
    try:
        return path.relative_to(root).as_posix()
    except ValueError:
        return path.as_posix()


def common_folder(paths: Iterable[Path]) -> Path:
    """The folder that all paths lie under; the first one's drive where they lie on several, as on Windows."""
    found = list(paths)
    try:
        return Path(os.path.commonpath(found))
    except ValueError:
        return Path(found[0].anchor)


def kind_name(path: Path) -> str:
    """The ending of a file's name, which a reader knows its kind by."""
    suffix = path.suffix.lower()
    return suffix if 1 < len(suffix) <= LONGEST_SUFFIX and suffix.isprintable() else NO_KIND


def sound_files(root: Path) -> Iterator[Path]:
    """Files under `root` that hold sound, by their ending or their first bytes."""
    return (path for path, reason in survey(root) if reason is None)


def survey(root: Path, *, deep: bool = True) -> Iterator[tuple[Path, str | None]]:
    """Every file under `root` (or, not `deep`, in it), and why it is passed over; None: it holds sound."""
    seen: set[tuple[int, int]] = set()
    closed: list[OSError] = []
    reasons: dict[str, str | None] = {os.fspath(root): None}
    for folder, subfolders, names in os.walk(root, followlinks=True, onerror=closed.append):
        # A link to a folder is followed, but never round in a circle.
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
    """Why all in a folder of this name is passed over, if it is."""
    if name.startswith("."):
        return HIDDEN
    return ASIDE if name.startswith("_") or fold(name) == SPEECHLESS else None


def _reason(path: Path) -> str | None:
    """Why a file is passed over; None: it holds sound, or has the ending of a file that does."""
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
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would be waited for
            return False
        with path.open("rb") as file:
            return kind_of(file.read(HEAD_BYTES)) is not None
    except OSError:
        return False
