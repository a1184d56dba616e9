"""A corpus ready to learn from: clips made alike, and which are for training, validation and testing.

What the preparation leaves out is counted by label, and no label is left without a clip to learn from.
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


HEARD_SHARE = 1e-4  # of a clip's energy (-40 dB): less behind a cut is silence


@dataclass(frozen=True)
class Dataset:
    """Prepared clips and how their rows are divided."""

    prepared: Prepared
    split: Split

    def notes(self) -> list[str]:
        """What is to be known of it before it is trained on, a line each."""
        found = lost_takes(losses(self.prepared))
        if not len(self.split.validation):
            found.append(
                "too few takes for validation: trains without it and keeps the last weights, not the best"
            )
        return found


@dataclass(frozen=True)
class Loss:
    """What is left out of a label's takes.

    Attributes:
        label: The label.
        kept: Clips that are left.
        dropped: Clips of unusual length that are left out.
        cut: Clips that are cut at the end of their row, with something to be heard behind it.
        share: Of the energy of the clips that are left, how much lies behind the cut, on average.
    """

    label: str
    kept: int
    dropped: int
    cut: int
    share: float


def losses(prepared: Prepared) -> tuple[Loss, ...]:
    """What a preparation has left out, of each label that has lost something."""
    found = []
    for number, label in enumerate(prepared.label_names):
        behind = prepared.rows.cut[prepared.labels == number]
        dropped = sum(clip.label == label for clip in prepared.dropped)
        cut = int((behind > HEARD_SHARE).sum())
        if dropped or cut:
            found.append(Loss(label, len(behind), dropped, cut, float(behind.mean()) if len(behind) else 0.0))
    return tuple(found)


def lost_takes(lost: Sequence[Loss]) -> list[str]:
    """What is left out of the labels' takes: a line for what was dropped, and one for what was cut."""
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
    """See that of every label some recording can be used.

    Raises:
        CorpusError: There is none of a label.
    """
    for label, first in corpus.lost_labels.items():
        raise CorpusError(
            f"no recording of the label {label!r} can be used; {first.path.name} {first.reason}",
            where=corpus.root,
            remedy="record it again, or remove its files to go on without the label",
        )


def check_labels(prepared: Prepared, split: Split) -> None:
    """See that there is something to learn of every label.

    Raises:
        CorpusError: No clip of a label is trained on.
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
    """Prepare a corpus that is open, or take it from the cache, and divide it.

    Args:
        corpus: Of real clips.
        preparation: How they are made alike.
        split: How they are divided; see `make_split`.
        seed: Decides who goes where.
        progress: Show a bar while clips are prepared.
        engine: Who prepares them; see `prepare`.

    Raises:
        CorpusError: A clip has changed since it was scanned, or the cache cannot be written.
        CorpusError: There is nothing to learn of a label.
        ConfigError: The corpus cannot be divided so.
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
    """Open a corpus by its name or place, prepare and divide it; see `open_corpus` and `make_dataset`.

    Raises:
        CorpusError: The corpus is not there or cannot be used.
        ConfigError: It cannot be divided so.
    """
    corpus = open_corpus(source, allow_rejected=allow_rejected, layout=layout)
    return make_dataset(corpus, preparation, split=split, seed=seed, progress=progress)
