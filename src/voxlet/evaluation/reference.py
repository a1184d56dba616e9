"""What generated clips are compared with: a corpus's real training and test clips."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from voxlet.corpus.corpus import open_corpus
from voxlet.corpus.prepare import Preparation, prepare
from voxlet.corpus.splits import make_split
from voxlet.evaluation.clipset import read_clips

if TYPE_CHECKING:
    from pathlib import Path

    from voxlet.corpus.splits import SplitKind
    from voxlet.evaluation.clipset import ClipSet


@dataclass(frozen=True)
class Division:
    """How a corpus is divided into training and test clips: a run must be compared by its own division.

    Without a preparation no clip is left out, however long or short it is.
    """

    kind: SplitKind = "auto"
    seed: int = 0
    preparation: Preparation | None = None


@dataclass(frozen=True)
class Reference:
    """Real clips: on `train` generator and in-corpus classifier were trained, on `test` neither."""

    name: str
    split: SplitKind
    train: ClipSet
    test: ClipSet
    notes: tuple[str, ...] = field(default=())

    @property
    def key(self) -> str:
        """A digest of all samples."""
        both = json.dumps([self.train.digest, self.test.digest])
        return hashlib.sha256(both.encode()).hexdigest()[:32]


def open_reference(corpus: str | Path, division: Division | None = None) -> Reference:
    """Divide a corpus and read its clips as they are; what validates is in neither set.

    Raises:
        CorpusError: The corpus is not there or cannot be used.
        ConfigError: It cannot be divided so.
    """
    division = division or Division()
    opened = open_corpus(corpus)
    rate = Counter(clip.rate for clip in opened.clips).most_common(1)[0][0]
    preparation = division.preparation or Preparation(rate=rate, outliers=None)
    prepared = prepare(opened, preparation)
    split = make_split(prepared, division.kind, seed=division.seed)

    def read(part: str, rows: np.ndarray) -> ClipSet:
        clips = [prepared.clips[row] for row in rows]
        return read_clips(f"{opened.name} {part}", clips, prepared.label_names, prepared.speaker_names)

    return Reference(opened.name, split.kind, read("train", split.train), read("test", split.test))
