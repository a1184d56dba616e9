"""A classifier that tells clips of two kinds apart, asked only about speakers that it has not heard.

Logistic regression on what phases leave in a waveform: of few speakers a network learns who they are
(docs/decisions/detection.md). Axes: B clips, D features.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from voxlet.evaluation.classifiers.inputs import InputConfig, normalise
from voxlet.evaluation.detection.phases import RATE, features_of
from voxlet.extras import import_extra

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from voxlet.audio import Samples

PENALTIES = (0.001, 0.003, 0.01, 0.03, 0.1)  # the inverse of the penalty, as scikit-learn's C
FARTHEST = 5.0  # standard deviations: a clip of odd features is odd, but counts no more than others
ITERATIONS = 300


@dataclass(frozen=True)
class Views:
    """Clips as a detector is given them: features (B, D), and the fold (B,) that each belongs to."""

    features: NDArray[np.float64]
    folds: NDArray[np.int64]


def views(sounds: Sequence[Samples], rate: int, folds: NDArray[np.int64]) -> Views:
    """Clips (T,) at `rate`, trimmed and levelled, at telephone bandwidth."""
    config = InputConfig(rate=RATE)
    return Views(np.stack([features_of(normalise(sound, rate, config)) for sound in sounds]), folds)


def right_answers(real: Views, other: Views) -> NDArray[np.float64]:
    """Whether each clip, of the real ones and then of the others, is told right, (B,) of 0 and 1.

    By a detector that was fitted to all folds but the clip's own, its penalty chosen within these: no speaker
    is in two.
    """
    features = np.concatenate([real.features, other.features])
    folds = np.concatenate([real.folds, other.folds])
    kinds = np.repeat([0, 1], [len(real.folds), len(other.folds)])
    right = np.zeros(len(kinds))
    for fold in np.unique(folds):
        own = folds == fold
        penalty = best_penalty(features[~own], kinds[~own], folds[~own])
        told = fit_and_tell(features[~own], kinds[~own], features[own], penalty)
        right[own] = told == kinds[own]
    return right


def best_penalty(features: NDArray[np.float64], kinds: NDArray[np.int64], folds: NDArray[np.int64]) -> float:
    """With which clips (B, D) of each fold are told best, in balanced accuracy, by a detector fitted to the
    other folds.
    """
    shares = []
    for penalty in PENALTIES:
        right = np.zeros(len(kinds))
        for fold in np.unique(folds):
            own = folds == fold
            told = fit_and_tell(features[~own], kinds[~own], features[own], penalty)
            right[own] = told == kinds[own]
        shares.append(right[kinds == 0].mean() + right[kinds == 1].mean())
    return PENALTIES[int(np.argmax(shares))]  # of equals the strongest


def fit_and_tell(
    features: NDArray[np.float64],
    kinds: NDArray[np.int64],
    asked: NDArray[np.float64],
    penalty: float,
) -> NDArray[np.int64]:
    """Which kind each of `asked` (B, D) is told to be, by a detector fitted to clips of both kinds."""
    linear = import_extra("sklearn.linear_model", "train")
    centre, spread = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-9)

    def standard(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.clip((rows - centre) / spread, -FARTHEST, FARTHEST))

    found = linear.LogisticRegression(C=penalty, max_iter=ITERATIONS, class_weight="balanced")
    found.fit(standard(features), kinds)
    return np.asarray(found.predict(standard(asked)), dtype=np.int64)
