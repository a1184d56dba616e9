"""Entries of a listing: files of a corpus with label, speaker and take, before any is decoded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

    from voxlet.corpus.listing.sound_files import Passed

Part = Literal["", "train", "validation", "test"]

UNKNOWN_SPEAKER = "unknown"
# Usual names of the parts of a corpus.
PARTS: dict[str, Part] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "validate", "dev", "development"), "validation"),
    **dict.fromkeys(("test", "testing", "eval"), "test"),
}
# Speech Commands' lists of paths; files in neither are for training.
PART_LISTS: dict[str, Part] = {"validation_list.txt": "validation", "testing_list.txt": "test"}
# Additions to a part's name in the name of a folder or table: `train_set`, `data-dev`, `test_manifest`.
BESIDE_PARTS = re.compile(
    r"[\W_]+|(?<![a-z])(?:set|split|data|dataset|clips|audio|files?|list|filelist|manifest|metadata|labels)(?![a-z])"
)


def part_of(name: str) -> Part:
    """The part that the name of a folder or table (without extension) stands for; empty if none.

    >>> part_of("Train"), part_of("dev_set"), part_of("test-manifest"), part_of("trainer")
    ('train', 'validation', 'test', '')
    """
    return PARTS.get(BESIDE_PARTS.sub("", name.casefold()), "")


@dataclass(frozen=True, slots=True)
class Entry:
    """One file, as described by the corpus's layout.

    Attributes:
        path: The file.
        label: The word that is said.
        speaker: The speaker.
        take: Identifies the recording among those of the same label and speaker.
        part: The part (training, validation or test) to which the corpus itself assigns the file, if any.
        problem: Why the file cannot be used; None if it can.
    """

    path: Path
    label: str = ""
    speaker: str = UNKNOWN_SPEAKER
    take: str = ""
    part: Part = ""
    problem: str | None = None


@dataclass(frozen=True)
class Listing:
    """The entries of a corpus's folder or manifest.

    Attributes:
        entries: One for each file; `list_entries` sorts them by path.
        layout: How labels, speakers and takes were found, and why, in one line.
        notes: Remarks and doubts about the listing, one line each.
        passed: Counts of the files under the root that are not listed, by kind and reason.
    """

    entries: tuple[Entry, ...]
    layout: str
    notes: tuple[str, ...] = ()
    passed: tuple[Passed, ...] = ()
