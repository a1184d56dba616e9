"""What generated clips are compared with: a corpus's real training and test clips."""

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

    import numpy as np
    from numpy.typing import NDArray

    from voxlet.corpus.dataset import Dataset
    from voxlet.corpus.splits import SplitKind
    from voxlet.evaluation.clipset import ClipSet


@dataclass(frozen=True)
class Reference:
    """Real clips: on `train` generator and in-corpus classifier were trained, on `test` neither."""

    name: str
    split: SplitKind
    train: ClipSet
    test: ClipSet
    notes: tuple[str, ...] = field(default=())
    language: str = UNKNOWN_LANGUAGE  # of its words, a tag of BCP 47

    @property
    def key(self) -> str:
        """A digest of all samples."""
        both = json.dumps([self.train.digest, self.test.digest])
        return hashlib.sha256(both.encode()).hexdigest()[:32]


def open_reference(
    corpus: str | Path, *, layout: str | None = None, language: str | None = None
) -> Reference:
    """A corpus's clips, none left out, however long or short; divided as suits the corpus best.

    How it was read is said on standard error.

    Args:
        corpus: Its name or place.
        layout: How its files are named, where that is not found out,
        language: and of which language its words are, where it is not a known corpus; see `open_corpus`.

    Raises:
        CorpusError: The corpus is not there or cannot be used.
        ConfigError: It cannot be divided, or is in another language.
        ScoreError: It is too small to have test clips.
    """
    opened = open_corpus(corpus, layout=layout, language=language)
    opened.tell()
    rate = Counter(clip.rate for clip in opened.clips).most_common(1)[0][0]
    return reference_of(make_dataset(opened, Preparation(rate=rate, outliers=None)))


def reference_of(dataset: Dataset) -> Reference:
    """The clips of a dataset as they were recorded; what validates is in neither set.

    What is reserved for classifiers is not in the test set, since the cross-corpus classifier has heard it.

    Raises:
        ScoreError: There are no test clips.
        AudioError: A clip cannot be read any more.
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
