"""Outcome of adapting a voice: a few figures beside those of its takes, and a grade, in a minute.

The thresholds are those of `verdict`. Faulty takes are found as `voxlet corpus inspect` finds them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from voxlet.corpus.listing.sound_files import relative_name
from voxlet.corpus.look.advise import NOISY_DB, listed
from voxlet.corpus.look.inspection import find, middle
from voxlet.errors import MissingExtraError, ScoreError
from voxlet.evaluation.classifiers.cross_fitted import cross_fitted_classifier
from voxlet.evaluation.clipset import read_clips, sample_clips
from voxlet.evaluation.intervals import Interval, wilson
from voxlet.evaluation.metrics import naturalness, speaker
from voxlet.evaluation.outcome import Outcome, Row, shown
from voxlet.evaluation.report.verdict import EQUAL_ACCURACY, EQUAL_MOS, NEAR_ACCURACY
from voxlet.words import spelling

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from voxlet.corpus.corpus import Corpus
    from voxlet.corpus.look.inspection import Measures
    from voxlet.evaluation.classifiers.cross_fitted import CrossFitted
    from voxlet.evaluation.clipset import ClipSet
    from voxlet.recipes.opened import VoiceRun

GENERATED_CLIPS = 100  # or three of each label, if there are more than 33 labels
STRINGS = 4  # nine-second strings of clips on which naturalness is measured
SPOILT_SHARE = 0.25  # of a label's takes, or of all takes: too many faulty ones to be an accident
WORD_ACCURACY = 0.75  # a word that is recognised less often counts as not understood
ACCURACY, NATURALNESS, SIMILARITY = "words recognised, %", "naturalness (DNSMOS)", "likeness of the voice"
NOTICED = 3  # words that the sentence names at most
FEW_TAKES = "with fewer than five takes of a word, how often it is understood cannot be measured"
OTHER_VOICES = "with takes of one voice only, how well the words are understood in others cannot be measured"


@dataclass(frozen=True)
class TakeFaults:
    """Faults of the takes.

    Attributes:
        count: Takes of each label.
        doubtful: Takes of each label that sound unlike the others.
        contrast: Median level of the speech above the background, dB.
        full_scale: Takes that reach full scale.
    """

    count: Mapping[str, int]
    doubtful: Mapping[str, int]
    contrast: float
    full_scale: int

    @classmethod
    def of(cls, corpus: Corpus, measures: Measures) -> TakeFaults:
        """The faults that the measures of a corpus show."""
        found = find(corpus, measures)
        labels = {relative_name(clip.path, corpus.root): clip.label for clip in corpus.clips}
        return cls(
            Counter(labels.values()),
            Counter(labels[name] for name in found["doubtful"]),
            middle(measures.contrast),
            len(found["full_scale"]),
        )


def outcome_of(opened: VoiceRun, corpus: Corpus, measures: Measures, *, seed: int = 0) -> Outcome:
    """Compare an adapted voice with the takes of `corpus`, on which it was trained.

    Args:
        opened: Run of the voice.
        corpus: The takes.
        measures: Measures of the takes, in the corpus's order.
        seed: Seed of the generated clips and of every random draw.

    Raises:
        AudioError: A take can no longer be read.
        VoxletError: The voice's file is damaged.
    """
    takes = read_clips("takes", list(corpus.clips), corpus.labels, corpus.speakers)
    other_voices = opened.scope is not None and not opened.scope.own
    found = [spelling.find(name, opened.labels) for name in takes.label_names]
    labels = [name for name in found if name is not None]
    own = [name for name in opened.speakers if name in takes.speaker_names]
    speakers = opened.speakers if other_voices else own
    count = max(GENERATED_CLIPS, 3 * len(labels))
    generated = sample_clips(opened, count, labels=labels, speakers=speakers, seed=seed)
    generated = generated.renamed(takes.label_names, takes.speaker_names)
    rows = (*_naturalness(generated, takes, seed), *_similarity(generated, takes))
    condition = TakeFaults.of(corpus, measures)
    if other_voices:
        return judged(rows, {}, {}, condition, unheard=OTHER_VOICES)
    try:
        fitted = cross_fitted_classifier(takes, progress=False)
    except ScoreError:  # too few takes, or a single word
        return judged(rows, {}, {}, condition)
    right = fitted.predict(generated.sounds, generated.rate).labels == generated.labels
    real = fitted.predicted == fitted.asked
    accuracy = Row(
        ACCURACY, wilson(int(right.sum()), len(right)), wilson(int(real.sum()), len(real)), percent=True
    )
    words = shares(right, generated.labels, generated.label_names)
    return judged((accuracy, *rows), words, disagreeing(fitted), condition)


def judged(
    rows: tuple[Row, ...],
    words: Mapping[str, float],
    unsure: Mapping[str, float],
    takes: TakeFaults,
    *,
    unheard: str = FEW_TAKES,
) -> Outcome:
    """Grade an adapted voice by its figures and the faults of its takes.

    Args:
        rows: Accuracy, naturalness and similarity, as far as they were measured.
        words: Share of the generated clips of each word that are recognised.
        unsure: Words whose takes are seldom recognised by cross-fitting, with the share that is.
        takes: Faults of the takes.
        unheard: Reason to give if it was not measured how well words are understood.
    """
    spoilt = list(_spoilt(takes, unsure))
    worst_first = sorted(words.items(), key=lambda word: word[1])
    unclear = [f"{word!r} ({100 * share:.0f} %)" for word, share in worst_first if share < WORD_ACCURACY]
    if spoilt:
        return Outcome("record again", "; ".join(spoilt), rows)
    if 2 * len(unclear) > len(words):
        why = f"{len(unclear)} of {len(words)} words are seldom recognised"
        return Outcome("not yet", f"{why}; give it more minutes, or more takes of each word", rows)
    if unclear:
        shown = listed(unclear[:NOTICED])
        return Outcome("record again", f"seldom recognised: {shown}; record more takes of these", rows)
    behind = {row.title: row.real.value - row.generated.value for row in rows if row.generated and row.real}
    words_behind, sound_behind = behind.get(ACCURACY), behind.get(NATURALNESS, 0.0)
    said = [_beside(row) for row in rows if row.generated and row.real and row.title != SIMILARITY]
    if words_behind is None:
        return Outcome("listen yourself", "; ".join([unheard, *said]), rows)
    if words_behind <= EQUAL_ACCURACY and sound_behind <= EQUAL_MOS:
        return Outcome("good", "; ".join(said), rows)
    if words_behind <= NEAR_ACCURACY:
        return Outcome("usable", f"{'; '.join(said)}; more takes or more minutes make it better", rows)
    return Outcome("record again", f"{'; '.join(said)}; ten takes of each word make it clearer", rows)


def _spoilt(takes: TakeFaults, unsure: Mapping[str, float]) -> Iterator[str]:
    """Faults of the takes that are reasons to record again, however good the voice is."""
    total = sum(takes.count.values())
    unlike = [
        f"{label!r} ({takes.doubtful.get(label, 0)} of {count} takes unlike the others)"
        if takes.doubtful.get(label, 0) >= SPOILT_SHARE * count
        else f"{label!r} (its takes do not sound like one word)"
        for label, count in takes.count.items()
        if takes.doubtful.get(label, 0) >= SPOILT_SHARE * count or label in unsure
    ]
    if unlike:
        yield f"listen to the takes of {listed(unlike[:NOTICED])}, and record the wrong ones again"
    if takes.full_scale >= SPOILT_SHARE * total:
        yield f"{takes.full_scale} of {total} takes are distorted at full scale; lower the microphone's level"
    if takes.contrast < NOISY_DB:
        yield f"the speech is {takes.contrast:.0f} dB above the noise; record in a quieter room, nearer"


def disagreeing(fitted: CrossFitted) -> dict[str, float]:
    """Words whose takes are seldom recognised by heads fitted on other takes, with the share that is."""
    found = shares(fitted.predicted == fitted.asked, fitted.asked, fitted.label_names)
    return {name: share for name, share in found.items() if share < WORD_ACCURACY}


def shares(right: NDArray[np.bool_], labels: NDArray[np.int64], names: Sequence[str]) -> dict[str, float]:
    """Share of recognised clips for each label that occurs, from `right` (B,) and `labels` (B,)."""
    return {
        name: float(right[labels == label].mean())
        for label, name in enumerate(names)
        if (labels == label).any()
    }


def _naturalness(generated: ClipSet, takes: ClipSet, seed: int) -> Iterator[Row]:
    try:
        ours, theirs = (
            naturalness.dnsmos(clips.sounds, clips.rate, count=STRINGS, seed=seed)["overall"]
            for clips in (generated, takes)
        )
    except MissingExtraError:  # DNSMOS comes with the extra `study`
        return
    yield Row(NATURALNESS, ours, theirs)


def _similarity(generated: ClipSet, takes: ClipSet) -> Iterator[Row]:
    """Similarity of generated clips to the takes, beside that of one half of the takes to the other half."""
    even = np.arange(len(takes)) % 2 == 0
    halves = takes.take(even), takes.take(~even)
    ours, theirs = (speaker.similarity(*pair)[speaker.SIMILARITY] for pair in ((generated, takes), halves))
    if isinstance(ours, Interval):
        yield Row(SIMILARITY, ours, theirs if isinstance(theirs, Interval) else None)


def _beside(row: Row) -> str:
    assert row.generated is not None
    assert row.real is not None
    unit = " %" if row.percent else ""
    sides = [shown(value, row.percent) for value in (row.generated, row.real)]
    return f"{row.title} {sides[0]}{unit}, of your takes {sides[1]}{unit}"
