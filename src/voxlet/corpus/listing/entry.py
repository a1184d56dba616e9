"""One file of a corpus as its layout describes it, before anything has been decoded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

    from voxlet.corpus.listing.sound_files import Passed

Part = Literal["", "train", "validation", "test"]

UNKNOWN_SPEAKER = "unknown"
# What makers of corpora call the parts.
PARTS: dict[str, Part] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "validate", "dev", "development"), "validation"),
    **dict.fromkeys(("test", "testing", "eval"), "test"),
}
# Speech Commands' lists of paths; what is in neither is trained on.
PART_LISTS: dict[str, Part] = {"validation_list.txt": "validation", "testing_list.txt": "test"}
# What stands beside a part's name in that of its folder or table: `train_set`, `data-dev`, `test_manifest`.
BESIDE_PARTS = re.compile(
    r"[\W_]+|(?<![a-z])(?:set|split|data|dataset|clips|audio|files?|list|filelist|manifest|metadata|labels)(?![a-z])"
)


def part_of(name: str) -> Part:
    """The part that a folder or table (without its ending) is called after; empty where it is none.

    >>> part_of("Train"), part_of("dev_set"), part_of("test-manifest"), part_of("trainer")
    ('train', 'validation', 'test', '')
    """
    return PARTS.get(BESIDE_PARTS.sub("", name.casefold()), "")


@dataclass(frozen=True, slots=True)
class Entry:
    """One file as its layout describes it.

    Attributes:
        path: The file.
        label: The word it says.
        speaker: Who says it.
        take: Which of the speaker's recordings of the label it is.
        part: The part of the corpus's own division into training, validation and test that it belongs to.
        problem: Why it cannot be a clip, if it cannot.
    """

    path: Path
    label: str = ""
    speaker: str = UNKNOWN_SPEAKER
    take: str = ""
    part: Part = ""
    problem: str | None = None


@dataclass(frozen=True)
class Listing:
    """What a corpus's folder or manifest lists: entries sorted by path.

    Attributes:
        entries: One for each file.
        layout: How labels, speakers and takes were found, and why, in one line.
        notes: What a reader should know or doubt of it, one line each.
        passed: The files under its root that it does not list, and why, by kind.
    """

    entries: tuple[Entry, ...]
    layout: str
    notes: tuple[str, ...] = ()
    passed: tuple[Passed, ...] = ()
