"""The in-corpus classifier: it knows the corpus's own labels and speakers, so it is the most lenient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlet.evaluation.classifiers.config import IN_CORPUS, ClassifierConfig
from voxlet.evaluation.classifiers.inputs import InputConfig, log_mels
from voxlet.evaluation.classifiers.training import TrainedClassifier, TrainingSet, open_classifier

if TYPE_CHECKING:
    from voxlet.evaluation.clipset import ClipSet


def in_corpus_classifier(
    train: ClipSet,
    *,
    inputs: InputConfig | None = None,
    config: ClassifierConfig = IN_CORPUS,
    progress: bool = True,
) -> TrainedClassifier:
    """A classifier of the labels and speakers of real training clips, from the cache or trained on them now.

    Raises:
        ScoreError: There are fewer than two clips.
    """
    inputs = inputs or InputConfig()
    training_set = TrainingSet(
        name="in-corpus classifier",
        source=train.digest,
        read=lambda: log_mels(train.sounds, train.rate, inputs),
        labels=train.labels,
        label_names=train.label_names,
        speakers=train.speakers,
        speaker_names=train.speaker_names,
        inputs=inputs,
        config=config,
    )
    return open_classifier(training_set, progress=progress)
