"""A classifier that tells two kinds of clips apart, tested only on speakers that it was not fitted on.

Logistic regression on features of phase. With few speakers, a network would learn to recognise the speakers
instead (docs/decisions/detection.md). Axes: B clips, D features.
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

INVERSE_PENALTIES = (0.001, 0.003, 0.01, 0.03, 0.1)  # the inverse of the penalty, as scikit-learn's C
FARTHEST = 5.0  # standard deviations to which features are clipped, so that no outlier dominates
ITERATIONS = 300


@dataclass(frozen=True)
class Views:
    """Clips as input for a detector: features (B, D), and the fold (B,) that each belongs to."""

    features: NDArray[np.float64]
    folds: NDArray[np.int64]


def views(sounds: Sequence[Samples], rate: int, folds: NDArray[np.int64]) -> Views:
    """Detector input from clips (T,) at `rate`, trimmed, levelled and limited to telephone bandwidth."""
    config = InputConfig(rate=RATE)
    return Views(np.stack([features_of(normalise(sound, rate, config)) for sound in sounds]), folds)


def right_answers(real: Views, other: Views) -> NDArray[np.float64]:
    """Whether each clip, first the real ones and then the others, is classified right, (B,) of 0 and 1.

    Each clip is classified by a detector fitted to all folds but the clip's own, with a penalty chosen on
    these folds. No speaker may be in two folds.
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
    """The penalty with the best balanced accuracy in cross-validation over folds of features (B, D)."""
    shares = []
    for penalty in INVERSE_PENALTIES:
        right = np.zeros(len(kinds))
        for fold in np.unique(folds):
            own = folds == fold
            told = fit_and_tell(features[~own], kinds[~own], features[own], penalty)
            right[own] = told == kinds[own]
        shares.append(right[kinds == 0].mean() + right[kinds == 1].mean())
    return INVERSE_PENALTIES[int(np.argmax(shares))]  # among equals, the strongest penalty


def fit_and_tell(
    features: NDArray[np.float64],
    kinds: NDArray[np.int64],
    asked: NDArray[np.float64],
    penalty: float,
) -> NDArray[np.int64]:
    """The kind predicted for each of `asked` (B, D), by a detector fitted to clips of both kinds."""
    linear = import_extra("sklearn.linear_model", "train")
    centre, spread = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-9)

    def standard(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.clip((rows - centre) / spread, -FARTHEST, FARTHEST))

    found = linear.LogisticRegression(C=penalty, max_iter=ITERATIONS, class_weight="balanced")
    found.fit(standard(features), kinds)
    return np.asarray(found.predict(standard(asked)), dtype=np.int64)
