"""The layout of Speech Commands (Warden 2018): a folder for each word, lists of validation and test clips."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlet import files
from voxlet.datasets.formats.folder import SoundFolder, all_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from voxlet.datasets.formats.interface import Encoded, Object
    from voxlet.datasets.plan import Plan, Shard

LISTS = {"validation": "validation_list.txt", "test": "testing_list.txt"}
LONGEST_NAME = 60


@functools.lru_cache(1)
def _folders(words: tuple[str, ...]) -> dict[str, str]:
    return files.safe_names(words, LONGEST_NAME, "word")


@dataclass(frozen=True)
class SpeechCommands(SoundFolder):
    """Files like `yes/0a7c2a8d_nohash_12345.wav`: word, speaker and number.

    Each word of the class `unknown` has a folder of its own, too.
    """

    sound: str = "wav"
    loader = ""
    reader = 'voxlet.corpus.corpus.open_corpus("{place}")'

    def path_of(self, plan: Plan, shard: Shard, clip: Encoded) -> str:  # noqa: ARG002
        """The path of a clip's file, by word and speaker; the split does not matter."""
        folders = _folders((*plan.labels, *plan.others))
        speaker = hashlib.sha256(str(clip.facts["speaker"]).encode()).hexdigest()[:8]
        return f"{folders[str(clip.facts['word'])]}/{speaker}_nohash_{clip.facts['index']}.{self.sound}"

    def finish(self, plan: Plan, get: Callable[[str], bytes]) -> Iterator[Object]:
        """The lists of the clips that are not for training."""
        rows = list(all_rows(plan, get))
        for split, name in LISTS.items():
            listed = sorted(row["path"] for row in rows if row["split"] == split)
            yield name, "".join(f"{path}\n" for path in listed).encode()
