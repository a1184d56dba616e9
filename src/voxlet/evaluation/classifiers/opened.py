"""The classifiers of a reference, opened once and handed on to whoever measures with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from voxlet.errors import MissingExtraError, ScoreError
from voxlet.evaluation.classifiers.cross_corpus import cross_corpus_classifier, other_corpora
from voxlet.evaluation.classifiers.in_corpus import in_corpus_classifier
from voxlet.evaluation.classifiers.inputs import InputConfig
from voxlet.evaluation.classifiers.pocketsphinx import PocketSphinx
from voxlet.evaluation.metric import KINDS
from voxlet.extras import how_to_install
from voxlet.words.language import UNKNOWN_LANGUAGE, same_language

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from voxlet.evaluation.classifiers.prediction import Classifier, Prediction
    from voxlet.evaluation.clipset import ClipSet
    from voxlet.evaluation.metric import ClassifierKind
    from voxlet.evaluation.reference import Reference

HIGHEST_RATE = 16_000  # Hz: of an in-corpus classifier's input, at most
NOT_OPENED = "this classifier was not opened"
NO_POCKETSPHINX = f"PocketSphinx is not installed: {how_to_install('study')}"
NO_OTHER_CORPUS = "no other corpus with these labels is on this machine"
NO_LANGUAGE = "the language of the real recordings is not known: if they are English, --language en"
NOT_ENGLISH = "PocketSphinx knows English words only"


@dataclass(frozen=True)
class Classifiers:
    """One classifier of each kind; a string says why one is missing.

    What a classifier said of a set of clips is remembered: several parts of the scorecard ask for the same.
    """

    by_kind: Mapping[ClassifierKind, Classifier | str]
    _said: dict[tuple[ClassifierKind, str], Prediction] = field(
        default_factory=dict, repr=False, compare=False
    )

    def of(self, kind: ClassifierKind) -> Classifier | str:
        """The classifier of that kind, or why there is none."""
        return self.by_kind.get(kind, NOT_OPENED)

    def digest(self, kind: ClassifierKind) -> str:
        """What tells the classifier of that kind, or its absence, from all others."""
        classifier = self.of(kind)
        return classifier if isinstance(classifier, str) else classifier.digest

    def ask(self, kind: ClassifierKind, clips: ClipSet) -> Prediction | str:
        """What a classifier says of a set of clips, or why there is none."""
        classifier = self.of(kind)
        if isinstance(classifier, str):
            return classifier
        key = (kind, clips.digest)
        if key not in self._said:
            self._said[key] = classifier.predict(clips.sounds, clips.rate)
        return self._said[key]

    def predict(self, kind: ClassifierKind, clips: ClipSet) -> Prediction:
        """What a classifier says of a set of clips.

        Raises:
            ScoreError: There is no such classifier.
        """
        said = self.ask(kind, clips)
        if isinstance(said, str):
            raise ScoreError(said)
        return said


def in_corpus_inputs(reference: Reference, rate: int) -> InputConfig:
    """What is measured of clips at `rate`: real ones are never given more bandwidth than they have."""
    return InputConfig(rate=min(HIGHEST_RATE, rate, reference.train.rate))


def open_classifiers(
    reference: Reference,
    rate: int,
    *,
    kinds: Collection[ClassifierKind] = KINDS,
    progress: bool = True,
) -> Classifiers:
    """Open the classifiers for a reference: from the cache, or trained now, which takes minutes.

    Args:
        reference: Its training clips train the in-corpus classifier; its labels choose the other corpora.
        rate: Of the clips that will be classified, in Hz.
        kinds: Which of them; others stay closed.
        progress: Show how training goes.

    Raises:
        ScoreError: The reference has fewer than two training clips.
    """
    opened: dict[ClassifierKind, Classifier | str] = {}
    if "in_corpus" in kinds:
        inputs = in_corpus_inputs(reference, rate)
        opened["in_corpus"] = in_corpus_classifier(reference.train, inputs=inputs, progress=progress)
    if "cross_corpus" in kinds:
        opened["cross_corpus"] = open_cross_corpus(reference, progress=progress)
    if "off_the_shelf" in kinds:
        opened["off_the_shelf"] = open_off_the_shelf(reference)
    return Classifiers(opened)


def open_cross_corpus(reference: Reference, *, progress: bool) -> Classifier | str:
    """The classifier trained on other corpora of the reference's language, or why there is none."""
    if reference.language == UNKNOWN_LANGUAGE:
        return NO_LANGUAGE
    labels = reference.train.label_names
    others = other_corpora(labels, reference.name, reference.language)
    return cross_corpus_classifier(others, labels, progress=progress) if others else NO_OTHER_CORPUS


def open_off_the_shelf(reference: Reference) -> Classifier | str:
    """PocketSphinx, or why there is none."""
    if reference.language == UNKNOWN_LANGUAGE:
        return NO_LANGUAGE
    if not same_language(reference.language, "en"):
        return NOT_ENGLISH
    try:
        return PocketSphinx(reference.train.label_names)
    except ScoreError as error:
        return error.what
    except MissingExtraError:
        return NO_POCKETSPHINX
