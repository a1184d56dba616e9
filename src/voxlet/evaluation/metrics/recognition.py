"""Are clips recognised as the labels asked for? Accuracy of independent classifiers, and confusion tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from voxlet.errors import ScoreError
from voxlet.evaluation.intervals import Interval, wilson
from voxlet.evaluation.metric import FEWEST_TAKES, ONE_LABEL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from voxlet.evaluation.classifiers.prediction import Prediction
    from voxlet.evaluation.metric import ByName, ClassifierKind, Figures, Table, Value

    Integers = NDArray[np.int64]


STRINGS = "recognition.off_the_shelf.string_accuracy"


def validate(asked: Integers, predicted: Integers) -> None:
    """Check that labels (B,) and predictions (B,) can be compared.

    Raises:
        ScoreError: Their numbers differ, or there are none.
    """
    if len(asked) != len(predicted) or not len(asked):
        raise ScoreError(f"{len(predicted)} predictions for {len(asked)} clips cannot be compared")


def accuracy(asked: Integers, predicted: Integers) -> Interval:
    """Share of clips whose predicted label (B,) is the label that was asked for (B,).

    Raises:
        ScoreError: Their numbers differ, or there are none.
    """
    validate(asked, predicted)
    return wilson(int((asked == predicted).sum()), len(asked))


def accuracy_or_reason(asked: Integers, prediction: Prediction | str, labels: int) -> Value:
    """Accuracy of a classifier that knows so many labels, or the reason why there is none.

    Raises:
        ScoreError: The predictions are not as many as the clips (B,), or there are no clips.
    """
    if isinstance(prediction, str):
        return prediction
    return ONE_LABEL if labels < 2 else accuracy(asked, prediction.labels)


def confusion(asked: Integers, predicted: Integers, labels: int) -> Integers:
    """Counts (C, C): rows are the labels asked for, columns the labels predicted."""
    table = np.zeros((labels, labels), np.int64)
    np.add.at(table, (asked, predicted), 1)
    return table


def evaluate(
    asked: Integers, label_names: tuple[str, ...], predictions: Mapping[ClassifierKind, Prediction | str]
) -> Figures:
    """Accuracy of each classifier, overall and by label; a string says why there is none.

    Raises:
        ScoreError: A classifier's predictions are not as many as the clips, or there are no clips.
    """
    found: Figures = {}
    for kind, prediction in predictions.items():
        key = f"recognition.{kind}.accuracy"
        found[key] = value = accuracy_or_reason(asked, prediction, len(label_names))
        if isinstance(prediction, str) or isinstance(value, str):
            continue
        found[f"{key}.by_label"] = by_label(asked, prediction.labels, label_names)
    return found


def by_label(asked: Integers, predicted: Integers, label_names: tuple[str, ...]) -> ByName:
    """Accuracy for each label that has clips; a string if the clips are too few."""
    found: ByName = {}
    for number, label in enumerate(label_names):
        own = asked == number
        if own.sum() >= FEWEST_TAKES:
            found[label] = accuracy(asked[own], predicted[own])
        elif own.any():
            found[label] = f"{own.sum()} clips are too few (needs {FEWEST_TAKES})"
    return found


def cross_fitted(asked: Integers, predicted: Integers, label_names: tuple[str, ...]) -> Figures:
    """Accuracy on real takes, each classified by a head that was not fitted on the take."""
    key = "recognition.cross_fitted.accuracy"
    return {key: accuracy(asked, predicted), f"{key}.by_label": by_label(asked, predicted, label_names)}


def confusions(
    asked: Integers, label_names: tuple[str, ...], predictions: Mapping[ClassifierKind, Prediction | str]
) -> dict[str, Table]:
    """The confusion table of each classifier, by key; none for a single label."""
    return {
        f"recognition.{kind}.confusion": [
            [int(cell) for cell in row] for row in confusion(asked, prediction.labels, len(label_names))
        ]
        for kind, prediction in predictions.items()
        if not isinstance(prediction, str) and len(label_names) > 1
    }
