"""Are made clips of use? Recognisers taught with them, tested on real clips, beside ones taught without."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from voxlet.evaluation.classifiers.inputs import Hearing, hear
from voxlet.evaluation.classifiers.network import Schooling
from voxlet.evaluation.classifiers.trained import Lesson, taught
from voxlet.evaluation.metrics.statistics import Interval, wilson

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from voxlet.evaluation.clipset import ClipSet

FEW = (5, 10, 20, 50)  # real clips of each label
PUPIL = Schooling(steps=400, speaker_weight=0.0)


@dataclass(frozen=True)
class Heard:
    """Spectrograms (B, M, F) and labels (B,); `source` tells their recordings from all others."""

    source: str
    log_mel: NDArray[np.float32]
    labels: NDArray[np.int64]

    def take(self, rows: NDArray[np.int64]) -> Heard:
        """Some of them."""
        chosen = hashlib.sha256(np.ascontiguousarray(rows).tobytes()).hexdigest()
        return Heard(f"{self.source}/{chosen}", self.log_mel[rows], self.labels[rows])

    def beside(self, other: Heard) -> Heard:
        """Both, the smaller set repeated so that a pupil hears as much of one as of the other."""
        count = max(len(self.labels), len(other.labels))
        rows = np.arange(count)
        one, two = self.take(rows % len(self.labels)), other.take(rows % len(other.labels))
        return Heard(
            f"{one.source} {two.source}",
            np.concatenate([one.log_mel, two.log_mel]),
            np.concatenate([one.labels, two.labels]),
        )


def few_of_each(labels: NDArray[np.int64], count: int, seed: int) -> NDArray[np.int64]:
    """Row numbers of `count` clips of each label, or all it has; a larger count holds the same and others."""
    order = np.random.default_rng(seed).permutation(len(labels))
    return np.concatenate([order[labels[order] == label][:count] for label in np.unique(labels)])


def usefulness(
    clips: ClipSet,
    train: ClipSet,
    test: ClipSet,
    *,
    hearing: Hearing,
    pupil: Schooling = PUPIL,
    few: tuple[int, ...] = FEW,
    seed: int = 0,
) -> Iterator[tuple[str, Interval]]:
    """Share of real test clips that pupils hear right: taught on `clips` alone, then with few real clips.

    With few real clips there are four pupils: real clips alone; with ordinary augmentation (speed, pitch,
    shift, noise, masks); with `clips` beside them; with both. All hear equally many clips while taught.
    """
    heard = {
        name: Heard(s.digest, hear(s.sounds, s.rate, hearing), s.labels)
        for name, s in (("clips", clips), ("train", train), ("test", test))
    }

    def share(lesson: Heard, strength: float) -> Interval:
        schooling = replace(pupil, strength=strength, seed=seed)
        recogniser = taught(
            Lesson(
                lesson.source,
                lambda: lesson.log_mel,
                lesson.labels,
                train.label_names,
                None,
                (),
                hearing,
                schooling,
            ),
            progress=False,
        )
        right = recogniser.judge_log_mel(heard["test"].log_mel).labels == heard["test"].labels
        return wilson(int(right.sum()), len(right))

    yield "taught on these clips alone", share(heard["clips"], pupil.strength)
    for count in few:
        real = heard["train"].take(few_of_each(train.labels, count, seed))
        both = real.beside(heard["clips"])
        yield f"{count} real clips a label", share(real, 0.0)
        yield f"{count} real clips a label, augmented", share(real, pupil.strength)
        yield f"{count} real clips a label and these clips", share(both, 0.0)
        yield f"{count} real clips a label and these clips, augmented", share(both, pupil.strength)
