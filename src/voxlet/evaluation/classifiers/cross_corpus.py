"""The cross-corpus classifier: trained on other corpora with the same labels, it cannot have been tuned to.

It does not know speakers, and hears at telephone bandwidth.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from voxlet.corpus.catalog import CATALOG, find_known
from voxlet.corpus.corpus import open_corpus
from voxlet.errors import ScoreError
from voxlet.evaluation.classifiers.config import CROSS_CORPUS, ClassifierConfig
from voxlet.evaluation.classifiers.inputs import InputConfig, log_mels
from voxlet.evaluation.classifiers.training import TrainedClassifier, TrainingSet, open_classifier
from voxlet.evaluation.clipset import read_clips
from voxlet.words.language import same_language
from voxlet.words.spelling import find

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from voxlet.corpus.corpus import Clip, Corpus

TRIMS = (-40.0, -25.0)  # dB: other people cut their words more or less tightly


def other_corpora(label_names: tuple[str, ...], but: str, language: str) -> tuple[str, ...]:
    """Names of the known corpora on this machine that have all the labels, without the one called `but`.

    Only those in this language, a tag of BCP 47: `zero` in Arabic is another word. None if it is `und`.
    """
    return tuple(
        name
        for name, known in CATALOG.items()
        if name != but
        and same_language(known.language, language)
        and all(find(label, known.labels) is not None for label in label_names)
        and find_known(name) is not None
    )


def cross_corpus_classifier(
    corpora: Sequence[str],
    label_names: tuple[str, ...],
    *,
    inputs: InputConfig | None = None,
    config: ClassifierConfig = CROSS_CORPUS,
    progress: bool = True,
) -> TrainedClassifier:
    """A classifier from the cache, or trained now on all of these corpora's clips that have the labels.

    Each clip is taken twice, cut loosely and tightly, and every label is drawn equally often.

    Raises:
        ScoreError: A label is in none of the corpora.
        CorpusError: A corpus is not on this machine.
    """
    inputs = inputs or InputConfig()

    def asked(clip: Clip) -> Clip | None:
        """The clip under the label's name here, if it is asked for."""
        label = find(clip.label, label_names)
        return None if label is None else replace(clip, label=label)

    opened = [open_corpus(name) for name in corpora]
    chosen = [[clip for clip in map(asked, corpus.clips) if clip is not None] for corpus in opened]
    labels = [label_names.index(clip.label) for clips in chosen for _ in TRIMS for clip in clips]
    if missing := [name for row, name in enumerate(label_names) if row not in set(labels)]:
        raise ScoreError(f"nobody says {missing[0]!r} in {', '.join(corpora) or 'no other corpus'}")
    training_set = TrainingSet(
        name="cross-corpus classifier",
        source=" ".join([str(TRIMS), *(corpus.digest for corpus in opened)]),
        read=lambda: np.concatenate(
            [spectrograms(*pair, label_names, inputs) for pair in zip(opened, chosen, strict=True)]
        ),
        labels=np.array(labels, dtype=np.int64),
        label_names=label_names,
        speakers=None,
        speaker_names=(),
        inputs=inputs,
        config=config,
    )
    return open_classifier(training_set, progress=progress)


def spectrograms(
    corpus: Corpus, clips: list[Clip], label_names: tuple[str, ...], inputs: InputConfig
) -> NDArray[np.float32]:
    """Log-mel spectrograms (B, M, F) of a corpus's clips, all of them loosely cut, then all tightly."""
    if not clips:
        return np.zeros((0, inputs.bands, inputs.frames), np.float32)
    recordings = read_clips(corpus.name, clips, label_names, corpus.speakers)
    return np.concatenate(
        [
            log_mels(recordings.sounds, recordings.rate, replace(inputs, trim_db=threshold))
            for threshold in TRIMS
        ]
    )
