"""The classifiers of a reference, opened once and shared by all measurements."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from voxlet.errors import MissingExtraError, ScoreError
from voxlet.evaluation.classifiers.cross_corpus import cross_corpus_classifier, reserving_corpora
from voxlet.evaluation.classifiers.cross_fitted import CrossFitted, cross_fitted_classifier
from voxlet.evaluation.classifiers.in_corpus import in_corpus_classifier
from voxlet.evaluation.classifiers.inputs import InputConfig
from voxlet.evaluation.classifiers.pocketsphinx import PocketSphinx
from voxlet.evaluation.clipset import joined
from voxlet.evaluation.metric import KINDS, ONE_LABEL
from voxlet.extras import how_to_install
from voxlet.words.language import UNKNOWN_LANGUAGE, same_language

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from voxlet.evaluation.classifiers.prediction import Classifier, Prediction
    from voxlet.evaluation.clipset import ClipSet
    from voxlet.evaluation.metric import ClassifierKind
    from voxlet.evaluation.reference import Reference

WIDE_RATE = 16_000  # Hz: the highest rate of a classifier's input
NARROW_RATE = 8000  # Hz: telephone bandwidth, which every clip has
# Only for wide-band clips. For others, the in-corpus classifier is itself at telephone bandwidth.
WIDE_BAND_KINDS: tuple[ClassifierKind, ...] = ("in_corpus_narrow", "cross_corpus_wide", "off_the_shelf_wide")
NOT_OPENED = "this classifier was not opened"
NO_POCKETSPHINX = f"PocketSphinx is not installed: {how_to_install('study')}"
NO_LANGUAGE = "the language of the real recordings is not known: if they are English, give --language en"
NOT_ENGLISH = "PocketSphinx knows English words only"
NO_CORPUS = "no corpus that reserves speakers for these labels is on this machine"


@dataclass(frozen=True)
class Classifiers:
    """Classifiers by kind, in the order of `KINDS`; a string says why one is missing.

    A kind that makes no sense for the clips, such as 16 kHz for clips at 8 kHz, is left out. Predictions for
    a set of clips are memoised, since several parts of the scorecard need the same ones.
    """

    by_kind: Mapping[ClassifierKind, Classifier | str]
    _said: dict[tuple[ClassifierKind, str], Prediction] = field(
        default_factory=dict, repr=False, compare=False
    )

    def of(self, kind: ClassifierKind) -> Classifier | str:
        """The classifier of this kind, or the reason why there is none."""
        return self.by_kind.get(kind, NOT_OPENED)

    @property
    def kinds(self) -> tuple[ClassifierKind, ...]:
        """The kinds that make sense for the clips, whether or not there is a classifier."""
        return tuple(self.by_kind)

    @property
    def strings(self) -> PocketSphinx | None:
        """The classifier that recognises words within strings, at the widest band; None if there is none."""
        found = [self.by_kind.get(kind) for kind in ("off_the_shelf_wide", "off_the_shelf")]
        return next((one for one in found if isinstance(one, PocketSphinx)), None)

    @property
    def cross_fitted(self) -> CrossFitted | None:
        """The classifier that was fitted on the real takes; None if it was not needed."""
        found = self.by_kind.get("cross_fitted")
        return found if isinstance(found, CrossFitted) else None

    def digest(self, kind: ClassifierKind) -> str:
        """Digest of the classifier of this kind, or the reason why there is none."""
        classifier = self.of(kind)
        return classifier if isinstance(classifier, str) else classifier.digest

    def ask(self, kind: ClassifierKind, clips: ClipSet) -> Prediction | str:
        """Predictions of a classifier for a set of clips, or the reason why there is no classifier."""
        classifier = self.of(kind)
        if isinstance(classifier, str):
            return classifier
        key = (kind, clips.digest)
        if key not in self._said:
            self._said[key] = classifier.predict(clips.sounds, clips.rate)
        return self._said[key]

    def predict(self, kind: ClassifierKind, clips: ClipSet) -> Prediction:
        """Predictions of a classifier for a set of clips.

        Raises:
            ScoreError: There is no such classifier.
        """
        said = self.ask(kind, clips)
        if isinstance(said, str):
            raise ScoreError(said)
        return said


def in_corpus_inputs(reference: Reference, rate: int) -> InputConfig:
    """Input settings for clips at `rate`: at most 16 kHz, and never more than the real clips have."""
    return InputConfig(rate=min(WIDE_RATE, rate, reference.train.rate))


def open_classifiers(
    reference: Reference,
    rate: int,
    *,
    kinds: Collection[ClassifierKind] = KINDS,
    progress: bool = True,
) -> Classifiers:
    """Open the classifiers for a reference: from the cache, or trained now, which takes minutes.

    Classifiers at 16 kHz are opened if both the clips and the reference have that band, the cross-fitted one
    if neither other corpora nor PocketSphinx know the words.

    Args:
        reference: Its training clips train the in-corpus classifier; its labels choose the corpora.
        rate: Sampling rate of the clips that will be classified, in Hz.
        kinds: Kinds to open; others are left out.
        progress: Show the progress of training.

    Raises:
        ScoreError: The reference has fewer than two training clips.
    """
    inputs = in_corpus_inputs(reference, rate)
    wide = inputs.rate >= WIDE_RATE
    opened: dict[ClassifierKind, Classifier | str] = {}
    for kind in KINDS:
        if kind in kinds and (wide or kind not in WIDE_BAND_KINDS) and kind != "cross_fitted":
            opened[kind] = open_one(kind, reference, inputs, progress)
    others = [opened.get(kind, "") for kind in ("cross_corpus", "off_the_shelf")]
    if "cross_fitted" in kinds and all(isinstance(other, str) for other in others):
        try:
            takes = joined(reference.train, reference.test)
            opened["cross_fitted"] = cross_fitted_classifier(takes, progress=progress)
        except ScoreError as error:
            opened["cross_fitted"] = error.what
    return Classifiers(opened)


def open_one(
    kind: ClassifierKind, reference: Reference, inputs: InputConfig, progress: bool
) -> Classifier | str:
    """The classifier of a kind, or the reason why there is none."""
    labels = reference.train.label_names
    if kind in {"in_corpus", "in_corpus_narrow"}:
        own = inputs if kind == "in_corpus" else replace(inputs, rate=NARROW_RATE)
        return in_corpus_classifier(reference.train, inputs=own, progress=progress)
    if len(labels) < 2:
        return ONE_LABEL
    if reference.language == UNKNOWN_LANGUAGE:
        return NO_LANGUAGE
    wide = kind in WIDE_BAND_KINDS
    try:
        if kind in {"cross_corpus", "cross_corpus_wide"}:
            corpora = reserving_corpora(labels, reference.language)
            if not corpora:
                return NO_CORPUS
            return cross_corpus_classifier(corpora, labels, wide=wide, progress=progress)
        return PocketSphinx(labels, wide=wide) if same_language(reference.language, "en") else NOT_ENGLISH
    except ScoreError as error:
        return error.what
    except MissingExtraError:
        return NO_POCKETSPHINX
