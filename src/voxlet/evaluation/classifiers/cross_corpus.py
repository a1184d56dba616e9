"""The cross-corpus classifier: trained on reserved speakers, on whom no generator may be trained.

`corpus.held_out` reserves the speakers, so no generator can be tuned to the classifier. In English it uses an
embedding that others trained on other speech, since some words have only a handful of reserved takes. It does
not know speakers.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from voxlet.corpus.catalog import CATALOG, find_known
from voxlet.corpus.corpus import open_corpus
from voxlet.corpus.held_out import use_of
from voxlet.errors import ScoreError
from voxlet.evaluation.classifiers.config import ClassifierConfig
from voxlet.evaluation.classifiers.embedded import EmbeddedConfig, Takes, open_embedded
from voxlet.evaluation.classifiers.inputs import InputConfig, log_mels
from voxlet.evaluation.classifiers.training import TrainingSet, open_classifier
from voxlet.evaluation.clipset import read_clips
from voxlet.evaluation.encoders import speech_embedding
from voxlet.words.language import same_language
from voxlet.words.spelling import find

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from voxlet.corpus.corpus import Clip, Corpus
    from voxlet.evaluation.classifiers.prediction import Classifier

RESERVING = ("speech_commands", "arabic_speech_commands")  # corpora that reserve clips for classifiers
ENGLISH = "en"  # the language of the speech embedding
WIDE_RATE = 16_000  # Hz
NETWORK = ClassifierConfig(balanced=True, speaker_weight=0.0, strength=0.7)


def reserving_corpora(label_names: tuple[str, ...], language: str) -> tuple[str, ...]:
    """Names of corpora on this machine that reserve clips for classifiers and have all the labels.

    Only corpora in `language`, a BCP 47 tag, count: `zero` in Arabic is another word. For `und` there are
    none. The reference's own corpus may be among them, since its reserved clips are in no test set.
    """
    return tuple(
        name
        for name in RESERVING
        if same_language(CATALOG[name].language, language)
        and all(find(label, CATALOG[name].labels) is not None for label in label_names)
        and find_known(name) is not None
    )


def cross_corpus_classifier(
    corpora: Sequence[str],
    label_names: tuple[str, ...],
    *,
    wide: bool = False,
    progress: bool = True,
) -> Classifier:
    """A classifier from the cache, or trained now on all reserved clips of these corpora with the labels.

    The classifier uses the speech embedding for English words. For other languages, which the embedding was
    not trained for, it is a network trained from scratch.

    Args:
        corpora: Names of corpora that reserve clips, all in one language.
        label_names: The labels to choose among.
        wide: Use clips at 16 kHz, not at 8 kHz.
        progress: Show the progress of training.

    Raises:
        ScoreError: No reserved speaker says one of the labels.
        CorpusError: A corpus is not on this machine.
    """
    opened = [open_corpus(name) for name in corpora]
    chosen = [reserved(corpus, label_names) for corpus in opened]
    labels = np.array([label_names.index(clip.label) for clips in chosen for clip in clips], dtype=np.int64)
    if missing := [name for row, name in enumerate(label_names) if row not in labels]:
        raise ScoreError(f"no reserved speaker says {missing[0]!r} in {', '.join(corpora) or 'any corpus'}")
    english = all(CATALOG[name].language == ENGLISH for name in corpora)
    inputs = InputConfig(rate=WIDE_RATE) if wide else InputConfig()

    def read() -> NDArray[np.float32]:
        parts = []
        for corpus, clips in zip(opened, chosen, strict=True):
            if clips:
                recordings = read_clips(corpus.name, clips, label_names, corpus.speakers)
                heard = recordings.sounds, recordings.rate
                parts.append(
                    speech_embedding.log_mels(*heard, wide=wide) if english else log_mels(*heard, inputs)
                )
        return np.concatenate(parts)

    name = f"cross-corpus classifier{', 16 kHz' if wide else ''}"
    source = " ".join(corpus.digest for corpus in opened)
    if english:
        takes = Takes(name, source, read, labels, label_names)
        return open_embedded(takes, EmbeddedConfig(wide=wide), progress=progress)
    training_set = TrainingSet(name, source, read, labels, label_names, None, (), inputs, NETWORK)
    return open_classifier(training_set, progress=progress)


def reserved(corpus: Corpus, label_names: tuple[str, ...]) -> list[Clip]:
    """The clips of these labels that are reserved for classifiers, relabelled as in `label_names`."""
    asked = ((clip, find(clip.label, label_names)) for clip in corpus.clips)
    return [
        replace(clip, label=label)
        for clip, label in asked
        if label is not None and use_of(corpus.name, clip) == "classifiers"
    ]
