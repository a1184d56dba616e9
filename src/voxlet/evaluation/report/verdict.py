"""The verdict of a scorecard: the sentences and headline rows that a reader wants to see first."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Protocol

from voxlet.evaluation.intervals import Interval
from voxlet.evaluation.metric import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from voxlet.evaluation.metric import ClassifierKind, Metric, Value
    from voxlet.evaluation.scorecard import Scorecard

# How far generated clips may be behind real ones and still count as equal, or as nearly equal.
EQUAL_ACCURACY, NEAR_ACCURACY = 0.02, 0.10
EQUAL_MOS, NEAR_MOS = 0.10, 0.30
EQUAL_BAND, NEAR_BAND = 2.0, 6.0  # dB
EQUAL_VOICE, NEAR_VOICE = 0.15, 0.5  # of the way from the same speaker to other speakers
HEADLINES = {  # key -> title of its bar
    "recognition.in_corpus.accuracy": "Accuracy",
    "recognition.cross_corpus.accuracy": "Accuracy, cross-corpus",
    "naturalness.dnsmos.overall": "Naturalness (DNSMOS)",
    "speaker.accuracy": "Speaker accuracy",
    "speaker.similarity": "Speaker similarity",
    "memorisation.nearest.p1": "Distance to training clips",
    "distribution.in_corpus.frechet_distance": "Fréchet distance",
}


class Sets(Protocol):
    """A metric's values for generated clips, real test clips, and real training clips."""

    @property
    def generated(self) -> Value | None: ...  # noqa: D102
    @property
    def real(self) -> Value | None: ...  # noqa: D102
    @property
    def real_train(self) -> Value | None: ...  # noqa: D102


class Measured(Protocol):
    """A scorecard, or the summary of one in a model card."""

    def find(self, key: str) -> Sets | None:
        """The figure of the metric with this key; None if there is none."""

    @property
    def unreliable(self) -> Collection[ClassifierKind]:
        """Kinds of classifier whose accuracy on real clips is too low."""


@dataclass(frozen=True)
class CardSets:
    """A figure from a model card."""

    generated: Interval | None
    real: Interval | None
    real_train: Interval | None


@dataclass(frozen=True)
class CardScores:
    """The summary of a scorecard in a model card; anything malformed in it is ignored."""

    scores: object

    def find(self, key: str) -> CardSets | None:
        """The figure of the metric with this key; None if there is none."""
        sets = _of(_of(self.scores, "figures"), key)
        if not isinstance(sets, dict):
            return None
        return CardSets(*(_interval(sets.get(name)) for name in ("generated", "real", "real_train")))

    @property
    def unreliable(self) -> Collection[ClassifierKind]:
        """Kinds of classifier whose accuracy on real clips is too low."""
        found = _of(self.scores, "unreliable_classifiers")
        return found if isinstance(found, list) else ()


def _of(stored: object, name: str) -> object:
    return stored.get(name) if isinstance(stored, dict) else None


def _interval(stored: object) -> Interval | None:
    """An interval stored as [value, low, high]; None if it is malformed."""
    if not isinstance(stored, list) or len(stored) != 3:
        return None
    if not all(isinstance(one, int | float) and isfinite(one) for one in stored):
        return None
    value, low, high = map(float, stored)
    return Interval(value, low, high, count=0)


@dataclass(frozen=True)
class Headline:
    """A metric's value for generated clips beside that for real ones; None if there is none."""

    title: str
    metric: Metric
    generated: Interval | None
    real: Interval | None


def headlines(card: Scorecard) -> list[Headline]:
    """The rows that were measured; if real test clips have no value, real training clips replace them."""
    found = []
    for key, title in HEADLINES.items():
        figure = card.find(key)
        generated, real = both(figure)
        if generated is not None:
            found.append(Headline(title, CATALOGUE[key], generated, real))
    return found


def both(figure: Sets | None) -> tuple[Interval | None, Interval | None]:
    """The estimates for generated and for real clips: for test clips or, if missing, for training clips."""
    if figure is None:
        return None, None
    real = figure.real if isinstance(figure.real, Interval) else figure.real_train
    return tuple(value if isinstance(value, Interval) else None for value in (figure.generated, real))  # type: ignore[return-value]


def verdict(card: Measured) -> str:
    """What the figures say, in a few sentences; empty if too little was measured."""
    parts = (said_of_words, said_of_sound, said_of_band, said_of_speakers, said_of_copies)
    return " ".join(sentence for part in parts for sentence in part(card))


def verdict_of_card(card: Mapping[str, object]) -> str:
    """What the figures in a voice's model card say; empty if there are none."""
    return verdict(CardScores(card.get("scores")))


def said_of_words(card: Measured) -> Iterator[str]:
    """How often words are recognised, by the most independent classifier; reliable ones come first."""
    asked: tuple[ClassifierKind, ...] = ("cross_corpus_wide", "cross_corpus", "cross_fitted", "in_corpus")
    for kind in sorted(asked, key=lambda kind: kind in card.unreliable):
        generated, real = both(card.find(f"recognition.{kind}.accuracy"))
        if generated is not None and real is not None:
            how = graded(
                real.value - generated.value, EQUAL_ACCURACY, NEAR_ACCURACY,
                ("as often as", "nearly as often as", "clearly less often than"),
            )  # fmt: skip
            yield (
                f"Generated words are recognised {how} real ones "
                f"({100 * generated.value:.1f} % against {100 * real.value:.1f} %)."
            )
            return


def said_of_sound(card: Measured) -> Iterator[str]:
    """How natural the clips sound."""
    generated, real = both(card.find("naturalness.dnsmos.overall"))
    if generated is not None and real is not None:
        how = graded(
            real.value - generated.value, EQUAL_MOS, NEAR_MOS,
            ("as natural as", "a little less natural than", "clearly less natural than"),
        )  # fmt: skip
        yield f"They sound {how} real ones (DNSMOS {generated.value:.2f} against {real.value:.2f})."


def said_of_band(card: Measured) -> Iterator[str]:
    """Whether the clips have energy above 4 kHz; nothing if the real clips have no such band."""
    figure = card.find("band.above_4k")
    if figure is not None and isinstance(figure.real, Interval):
        behind = (
            figure.real.value - figure.generated.value
            if isinstance(figure.generated, Interval)
            else float("inf")
        )
        yield graded(
            behind, EQUAL_BAND, NEAR_BAND,
            (
                "They have as much above 4 kHz.",
                "They have a little less above 4 kHz.",
                "They lack what real ones have above 4 kHz.",
            ),
        )  # fmt: skip


def said_of_speakers(card: Measured) -> Iterator[str]:
    """How similar clips are to the speakers asked for, on a scale from other speakers to the same one."""
    generated, same = both(card.find("speaker.similarity"))
    _, others = both(card.find("speaker.similarity.others"))
    if generated is not None and same is not None and others is not None:
        behind = (same.value - generated.value) / max(same.value - others.value, 1e-6)
        how = graded(behind, EQUAL_VOICE, NEAR_VOICE, ("like", "a little unlike", "unlike"))
        yield (
            f"They sound {how} the speakers asked for (similarity {generated.value:.2f}; "
            f"real ones {same.value:.2f}, other speakers {others.value:.2f})."
        )


def said_of_copies(card: Measured) -> Iterator[str]:
    """Whether clips were memorised: estimates differ by chance, so only disjoint intervals count."""
    generated, real = both(card.find("memorisation.nearest.p1"))
    if generated is not None and real is not None:
        copies = generated.high < real.low
        yield (
            "Some are nearer to training clips than real test clips are: they may have been memorised."
            if copies
            else "They are no nearer to training clips than real test clips are: none was memorised."
        )


def graded(behind: float, equal: float, near: float, grades: tuple[str, str, str]) -> str:
    """The grade of a figure that is behind that of real clips by `behind`."""
    return grades[0] if behind <= equal else grades[1] if behind <= near else grades[2]
