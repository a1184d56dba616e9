"""A corpus ready for training: prepared clips, split into training, validation and test rows.

Clips dropped or cut by the preparation are counted by label, and every label must keep a training clip.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from voxlet.corpus.corpus import open_corpus
from voxlet.corpus.prepare import prepare
from voxlet.corpus.splits import make_split
from voxlet.engines.threads import THREADS
from voxlet.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from voxlet.corpus.corpus import Corpus
    from voxlet.corpus.prepare import Preparation, Prepared
    from voxlet.corpus.splits import Split, SplitKind
    from voxlet.engines.engine import Engine


HEARD_SHARE = 1e-4  # of a clip's energy (-40 dB): if less than this was cut off, it was silence


@dataclass(frozen=True)
class Dataset:
    """Prepared clips, and the split of their rows."""

    prepared: Prepared
    split: Split

    def notes(self) -> list[str]:
        """Remarks to read before training, one line each."""
        found = lost_takes(losses(self.prepared))
        if not len(self.split.validation):
            found.append(
                "too few takes for validation: trains without it and keeps the last weights, not the best"
            )
        return found


@dataclass(frozen=True)
class Loss:
    """What the preparation has removed from a label's takes.

    Attributes:
        label: The label.
        kept: Number of clips that remain.
        dropped: Number of clips dropped because of their unusual length.
        cut: Number of remaining clips that lost audible sound when they were cut to the row length.
        share: Mean share of the remaining clips' energy that was cut off.
    """

    label: str
    kept: int
    dropped: int
    cut: int
    share: float


def losses(prepared: Prepared) -> tuple[Loss, ...]:
    """What the preparation has removed, for each label that has lost something."""
    found = []
    for number, label in enumerate(prepared.label_names):
        behind = prepared.rows.cut[prepared.labels == number]
        dropped = sum(clip.label == label for clip in prepared.dropped)
        cut = int((behind > HEARD_SHARE).sum())
        if dropped or cut:
            found.append(Loss(label, len(behind), dropped, cut, float(behind.mean()) if len(behind) else 0.0))
    return tuple(found)


def lost_takes(lost: Sequence[Loss]) -> list[str]:
    """The losses in words: one line for dropped takes, one for takes that were cut."""
    dropped = ", ".join(
        f"{one.label} {one.dropped} of {one.kept + one.dropped}" for one in lost if one.dropped
    )
    cut = ", ".join(
        f"{one.label} {one.cut} of {one.kept} ({100 * one.share:.1f} % of the label's energy)"
        for one in lost
        if one.cut
    )
    found = []
    if dropped:
        count = sum(one.dropped for one in lost)
        takes = "1 take" if count == 1 else f"{count:,} takes"
        found.append(f"{takes} left out because the length is unusual for the label: {dropped}")
    if cut:
        found.append(f"takes cut at their end, losing some audible sound: {cut}")
    return found


def check_recordings(corpus: Corpus) -> None:
    """Check that every label has a usable recording.

    Raises:
        CorpusError: A label has none.
    """
    for label, first in corpus.lost_labels.items():
        raise CorpusError(
            f"no recording of the label {label!r} can be used; {first.path.name} {first.reason}",
            where=corpus.root,
            remedy="record it again, or remove its files to go on without the label",
        )


def check_labels(prepared: Prepared, split: Split) -> None:
    """Check that every label has a training clip.

    Raises:
        CorpusError: A label has none.
    """
    learned = np.bincount(prepared.labels[split.train], minlength=len(prepared.label_names))
    missing = [name for name, count in zip(prepared.label_names, learned, strict=True) if not count]
    if not missing:
        return
    raise CorpusError(
        f"the split {split.kind!r} leaves no clip to learn the label {missing[0]!r} from"
        + (f" (nor for {len(missing) - 1} other labels)" if missing[1:] else ""),
        where=prepared.name,
        remedy="use the split 'stratified' (--split stratified)"
        if split.kind != "stratified"
        else "its takes are copies of other labels' recordings: remove one of each two, or record it again",
    )


def make_dataset(
    corpus: Corpus,
    preparation: Preparation,
    *,
    split: SplitKind = "auto",
    seed: int = 0,
    progress: bool = True,
    engine: Engine = THREADS,
) -> Dataset:
    """Prepare an open corpus, or load it from the cache, and split it.

    Args:
        corpus: The corpus of real clips.
        preparation: Sampling rate, length and level of the prepared clips.
        split: How the clips are split; see `make_split`.
        seed: Seed of the random split.
        progress: Show a progress bar while clips are prepared.
        engine: Prepares the clips; see `prepare`.

    Raises:
        CorpusError: A clip has changed since it was scanned, or a label has no training clip.
        FileError: The cache cannot be written.
        ConfigError: This split of the corpus is not possible.
    """
    prepared = prepare(corpus, preparation, progress=progress, engine=engine)
    divided = make_split(prepared, split, seed=seed)
    check_labels(prepared, divided)
    return Dataset(prepared, divided)


def open_dataset(
    source: str | Path,
    preparation: Preparation,
    *,
    split: SplitKind = "auto",
    seed: int = 0,
    allow_rejected: bool = False,
    layout: str | None = None,
    progress: bool = True,
) -> Dataset:
    """Open a corpus by name or path, prepare and split it; see `open_corpus` and `make_dataset`.

    Raises:
        CorpusError: The corpus does not exist or cannot be used.
        ConfigError: This split of the corpus is not possible.
    """
    corpus = open_corpus(source, allow_rejected=allow_rejected, layout=layout)
    return make_dataset(corpus, preparation, split=split, seed=seed, progress=progress)
