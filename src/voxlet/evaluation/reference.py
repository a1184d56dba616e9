"""The reference for generated clips: real training and test clips of a corpus."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from voxlet.corpus.corpus import open_corpus
from voxlet.corpus.dataset import make_dataset
from voxlet.corpus.held_out import use_of
from voxlet.corpus.prepare import Preparation
from voxlet.errors import ScoreError
from voxlet.evaluation.clipset import read_clips
from voxlet.words.language import UNKNOWN_LANGUAGE

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from voxlet.corpus.dataset import Dataset
    from voxlet.corpus.splits import SplitKind
    from voxlet.evaluation.clipset import ClipSet


@dataclass(frozen=True)
class Reference:
    """Real clips: the generator and the in-corpus classifier were trained on `train`, neither on `test`."""

    name: str
    split: SplitKind
    train: ClipSet
    test: ClipSet
    notes: tuple[str, ...] = field(default=())
    language: str = UNKNOWN_LANGUAGE  # BCP 47 tag of the language of its words

    @property
    def key(self) -> str:
        """Digest of both sets of clips."""
        both = json.dumps([self.train.digest, self.test.digest])
        return hashlib.sha256(both.encode()).hexdigest()[:32]


def open_reference(
    corpus: str | Path, *, layout: str | None = None, language: str | None = None
) -> Reference:
    """Open a corpus as a reference: all its clips, of any length, with the split that suits the corpus best.

    A message on standard error says how the corpus was read.

    Args:
        corpus: Name or path of the corpus.
        layout: How its files are named, if that is not detected; see `open_corpus`.
        language: BCP 47 tag of the language of its words, if it is not a known corpus.

    Raises:
        CorpusError: The corpus does not exist or cannot be used.
        ConfigError: The corpus cannot be split, or is in another language.
        ScoreError: The corpus is too small to have test clips.
    """
    opened = open_corpus(corpus, layout=layout, language=language)
    opened.print_account()
    rate = Counter(clip.rate for clip in opened.clips).most_common(1)[0][0]
    return reference_of(make_dataset(opened, Preparation(rate=rate, outliers=None)))


def reference_of(dataset: Dataset) -> Reference:
    """The training and test clips of a dataset as they were recorded; validation clips are in neither set.

    Clips reserved for classifiers are not in the test set: the cross-corpus classifier is trained on them.

    Raises:
        ScoreError: There are no test clips.
        AudioError: A clip can no longer be read.
    """
    prepared, split = dataset.prepared, dataset.split
    unheard = [row for row in split.test if use_of(prepared.name, prepared.clips[row]) != "classifiers"]
    if not unheard:
        raise ScoreError(
            "has too few takes: all are used for training, and none is left to compare with",
            where=prepared.name,
            remedy="give recordings with three or more takes of each label: --corpus FOLDER",
        )

    def read(part: str, rows: NDArray[np.int64]) -> ClipSet:
        clips = [prepared.clips[row] for row in rows]
        return read_clips(f"{prepared.name} {part}", clips, prepared.label_names, prepared.speaker_names)

    return Reference(
        prepared.name,
        split.kind,
        read("train", split.train),
        read("test", np.array(unheard, dtype=np.int64)),
        language=prepared.language,
    )
