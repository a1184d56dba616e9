"""The cross-fitted classifier, for words that no other classifier knows: fitted on the real takes at hand.

It uses an embedding that is independent of every generator. It is fitted several times, each time with
another fold of the takes left out; its accuracy is measured on the folds left out. Shapes: B clips, C labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from voxlet.errors import ScoreError
from voxlet.evaluation.classifiers.embedded import (
    EmbeddedConfig,
    Head,
    embedded,
    examples_of,
    fit,
)
from voxlet.evaluation.classifiers.prediction import Prediction
from voxlet.evaluation.encoders import speech_embedding
from voxlet.evaluation.metric import FEWEST_TAKES
from voxlet.training.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from voxlet.audio import Samples
    from voxlet.evaluation.clipset import ClipSet

FOLDS = 5
CONFIG = EmbeddedConfig(versions=1000)


@dataclass(frozen=True)
class CrossFitted:
    """Heads, each fitted on all folds of the takes but one, and their predictions for the folds left out.

    Attributes:
        heads: One for each fold.
        label_names: The labels to choose among.
        asked: Labels (B,) of the real takes.
        predicted: Labels (B,) predicted for the takes, each by the head that was not fitted on the take.
        digest: Identifies the takes and the settings.
    """

    heads: tuple[Head, ...]
    label_names: tuple[str, ...]
    asked: NDArray[np.int64]
    predicted: NDArray[np.int64]
    digest: str

    def predict(self, sounds: Sequence[Samples], rate: int) -> Prediction:
        """Classify B clips, each float32 (T,) at `rate` Hz, by the mean over heads; none may be a take.

        Raises:
            ScoreError: There are no clips.
        """
        found = embedded(speech_embedding.log_mels(sounds, rate))
        each = np.stack([head.log_probabilities(found) for head in self.heads])
        together = np.logaddexp.reduce(each, axis=0) - np.log(len(each))
        return Prediction(together, None, None)


def cross_fitted_classifier(
    takes: ClipSet, *, config: EmbeddedConfig = CONFIG, progress: bool = True
) -> CrossFitted:
    """Fit a classifier on real takes of any words.

    Raises:
        ScoreError: A label has fewer than five takes, or there is one label only.
    """
    check(takes)
    folds = folds_of(takes)
    with Progress("cross-fitted classifier", silent=not progress) as shown:
        shown.note(f"fitting on {len(takes):,} takes, {FOLDS} times")
        spectrograms = speech_embedding.log_mels(takes.sounds, takes.rate)
        examples = examples_of(spectrograms, takes.labels, config, shown)
    heads = tuple(
        fit(examples.without(folds == fold), len(takes.label_names), config) for fold in range(FOLDS)
    )
    plain = embedded(spectrograms)
    said = np.stack([head.log_probabilities(plain).argmax(axis=1) for head in heads])
    predicted = said[folds, np.arange(len(takes))].astype(np.int64)
    return CrossFitted(
        heads, takes.label_names, takes.labels, predicted, f"cross-fitted {config} {takes.digest}"
    )


def check(takes: ClipSet) -> None:
    """Check that there are enough takes and labels.

    Raises:
        ScoreError: A label has fewer than five takes, or there is one label only.
    """
    counts = np.bincount(takes.labels, minlength=len(takes.label_names))
    rare = int(counts.argmin())
    if counts[rare] < FEWEST_TAKES:
        raise ScoreError(
            f"no other classifier knows these words, and learning them needs {FEWEST_TAKES} takes of each: "
            f"{takes.label_names[rare]!r} has {counts[rare]}"
        )
    if len(takes.label_names) < 2:
        raise ScoreError("no other classifier knows this word, and one word alone cannot be told from others")


def folds_of(takes: ClipSet) -> NDArray[np.int64]:
    """The fold of each take (B,); the takes of each label are spread evenly over the folds."""
    folds = np.zeros(len(takes), np.int64)
    for label in np.unique(takes.labels):
        own = np.flatnonzero(takes.labels == label)
        folds[own] = np.arange(len(own)) % FOLDS
    return folds
