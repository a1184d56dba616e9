"""The layout of Speech Commands (Warden 2018): a folder a word, lists for validation and tests."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlet import files
from voxlet.datasets.formats.folder import ROWS, all_rows, table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from voxlet.datasets.formats.written import Encoded, Object
    from voxlet.datasets.plan import Plan, Shard

LISTS = {"validation": "validation_list.txt", "test": "testing_list.txt"}
LONGEST_NAME = 60


@dataclass(frozen=True)
class SpeechCommands:
    """`yes/0a7c2a8d_nohash_12345.wav`: word, speaker, number; a word of `unknown` has its own folder."""

    sound = "wav"
    loader = ""
    reader = 'voxlet.corpus.corpus.open_corpus("{place}")'

    def objects(self, plan: Plan, shard: Shard, clips: Sequence[Encoded]) -> Iterator[Object]:  # noqa: ARG002
        """Each clip's file, then the rows about them."""
        rows = []
        for clip in clips:
            speaker = hashlib.sha256(str(clip.facts["speaker"]).encode()).hexdigest()[:8]
            word = files.safe_name(str(clip.facts["word"]), LONGEST_NAME) or f"word-{clip.word}"
            path = f"{word}/{speaker}_nohash_{clip.facts['index']}.{self.sound}"
            rows.append({"path": path, "split": shard.split, **clip.facts})
            yield path, clip.sound
        yield f"{ROWS}/{shard.name}.csv", table(rows)

    def clips(self, names: Iterable[str], get: Callable[[str], bytes]) -> Iterator[bytes]:
        """Each object that is a sound file."""
        return (get(name) for name in names if name.endswith(f".{self.sound}"))

    def finish(self, plan: Plan, get: Callable[[str], bytes]) -> Iterator[Object]:
        """The lists of what is not for training."""
        rows = list(all_rows(plan, get))
        for split, name in LISTS.items():
            listed = sorted(row["path"] for row in rows if row["split"] == split)
            yield name, "".join(f"{path}\n" for path in listed).encode()
