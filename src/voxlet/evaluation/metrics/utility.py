"""Utility of generated clips: the accuracy, on real clips, of classifiers trained with and without them.

Train on synthetic, test on real (Esteban et al. 2017).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from voxlet.errors import ScoreError
from voxlet.evaluation.classifiers.config import ClassifierConfig
from voxlet.evaluation.classifiers.inputs import InputConfig, log_mels
from voxlet.evaluation.classifiers.training import TrainingSet, open_classifier
from voxlet.evaluation.metric import FEW
from voxlet.evaluation.metrics.recognition import accuracy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from voxlet.evaluation.clipset import ClipSet
    from voxlet.evaluation.intervals import Interval
    from voxlet.evaluation.metric import Figures

CONFIG = ClassifierConfig(steps=400, speaker_weight=0.0)


@dataclass(frozen=True)
class Examples:
    """Spectrograms (B, M, F) and labels (B,); `source` identifies the recordings."""

    source: str
    log_mels: NDArray[np.float32]
    labels: NDArray[np.int64]

    def take(self, rows: NDArray[np.int64]) -> Examples:
        """The examples with these row numbers."""
        chosen = hashlib.sha256(np.ascontiguousarray(rows).tobytes()).hexdigest()
        return Examples(f"{self.source}/{chosen}", self.log_mels[rows], self.labels[rows])

    def beside(self, other: Examples) -> Examples:
        """Both sets, the smaller one repeated so that a classifier sees as much of it as of the other."""
        count = max(len(self.labels), len(other.labels))
        rows = np.arange(count)
        one, two = self.take(rows % len(self.labels)), other.take(rows % len(other.labels))
        return Examples(
            f"{one.source} {two.source}",
            np.concatenate([one.log_mels, two.log_mels]),
            np.concatenate([one.labels, two.labels]),
        )


@dataclass(frozen=True)
class UtilityConfig:
    """Training settings of classifiers, numbers of real clips of each label, and the seed of all draws."""

    inputs: InputConfig = field(default_factory=InputConfig)
    classifier: ClassifierConfig = CONFIG
    few: tuple[int, ...] = FEW
    seed: int = 0


def examples(clips: ClipSet, inputs: InputConfig) -> Examples:
    """A set of clips as input for classifiers."""
    return Examples(clips.digest, log_mels(clips.sounds, clips.rate, inputs), clips.labels)


def few_of_each(labels: NDArray[np.int64], count: int, seed: int) -> NDArray[np.int64]:
    """Row numbers of `count` clips of each label, or of all it has; a larger count adds to a smaller one."""
    order = np.random.default_rng(seed).permutation(len(labels))
    return np.concatenate([order[labels[order] == label][:count] for label in np.unique(labels)])


def validate(clips: ClipSet, train: ClipSet, test: ClipSet) -> None:
    """Check that all three sets number their labels alike.

    Raises:
        ScoreError: They do not.
    """
    if not clips.label_names == train.label_names == test.label_names:
        raise ScoreError("utility needs sets with the same labels", where=clips.name)


def trained_accuracy(
    train: Examples, test: Examples, label_names: tuple[str, ...], strength: float, config: UtilityConfig
) -> Interval:
    """Accuracy on `test` of a classifier trained on `train`, augmented with this strength."""
    training_set = TrainingSet(
        name="utility",
        source=train.source,
        read=lambda: train.log_mels,
        labels=train.labels,
        label_names=label_names,
        speakers=None,
        speaker_names=(),
        inputs=config.inputs,
        config=replace(config.classifier, strength=strength, seed=config.seed),
    )
    classifier = open_classifier(training_set, progress=False)
    return accuracy(test.labels, classifier.predict_log_mels(test.log_mels).labels)


def evaluate(clips: ClipSet, train: ClipSet, test: ClipSet, config: UtilityConfig | None = None) -> Figures:
    """Accuracy on real test clips of classifiers trained on `clips` alone, then with few real clips.

    With few real clips there are four classifiers: real clips alone; with ordinary augmentation (speed,
    pitch, shift, noise, masks); with `clips` added; with both. All see equally many clips in training.

    Raises:
        ScoreError: The sets' labels differ.
    """
    config = config or UtilityConfig()
    validate(clips, train, test)
    generated, real, held_out = (examples(one, config.inputs) for one in (clips, train, test))
    full = config.classifier.strength

    def share(trained_on: Examples, strength: float) -> Interval:
        return trained_accuracy(trained_on, held_out, train.label_names, strength, config)

    found: Figures = {"utility.alone.accuracy": share(generated, full)}
    for count in config.few:
        few = real.take(few_of_each(train.labels, count, config.seed))
        both = few.beside(generated)
        key = f"utility.few_{count}"
        found[f"{key}.real.accuracy"] = share(few, 0.0)
        found[f"{key}.augmented.accuracy"] = share(few, full)
        found[f"{key}.generated.accuracy"] = share(both, 0.0)
        found[f"{key}.generated_augmented.accuracy"] = share(both, full)
    return found
