"""The parts of a scorecard: each measures one set of clips against the reference, real or made alike."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from voxlet import cache
from voxlet.corpus.corpus import open_corpus
from voxlet.errors import ScoreError
from voxlet.evaluation.classifiers.inputs import Hearing, hear
from voxlet.evaluation.classifiers.pocketsphinx import ReadyMade
from voxlet.evaluation.classifiers.trained import (
    OWN,
    STRANGER,
    VERSION,
    Judge,
    own_judge,
    stranger_judge,
    strangers_of,
)
from voxlet.evaluation.metrics import statistics
from voxlet.evaluation.metrics.memorisation import nearest
from voxlet.evaluation.metrics.naturalness import naturalness
from voxlet.evaluation.metrics.statistics import Interval
from voxlet.evaluation.metrics.utility import usefulness
from voxlet.files import cache_folder

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from voxlet.evaluation.classifiers.network import Recogniser, Verdict
    from voxlet.evaluation.clipset import ClipSet
    from voxlet.evaluation.reference import Reference

Value = Interval | str  # a string says why there is no figure
Table = list[list[float | str]]

MEASURES_VERSION = 3  # raise it when the same clips give other figures
MADE, REAL, TRAIN = "made", "real test", "real train"  # the sets that are measured
EXTRAPOLATION_NEEDS = 250  # about four for each dimension of the features
STRANGER_EAR = Hearing()
HIGHEST_RATE = 16_000  # Hz: what an own judge listens at, at most


@dataclass(frozen=True)
class Result:
    """What a part found in one set of clips: figures by name, and tables (confusions, nearest pairs)."""

    figures: dict[str, Value] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)


@dataclass(frozen=True)
class Bench:
    """The measuring bench: the reference, the judges, and what they have heard already.

    `rate` is the bandwidth of what is measured: real clips are never heard with more than the made ones have.
    """

    reference: Reference
    rate: int
    seed: int = 0
    progress: bool = True
    _heard: dict[tuple[str, str], Verdict] = field(default_factory=dict)

    @cached_property
    def hearing(self) -> Hearing:
        """The own judge's ear."""
        return Hearing(rate=min(HIGHEST_RATE, self.rate, self.reference.train.rate))

    @cached_property
    def own(self) -> Recogniser:
        """The judge taught on the reference's training clips."""
        return own_judge(self.reference.train, hearing=self.hearing, progress=self.progress)

    @cached_property
    def other_corpora(self) -> tuple[str, ...]:
        """Corpora on this machine, other than the reference, that have all its labels between them."""
        return strangers_of(self.reference.train.label_names, self.reference.name)

    @cached_property
    def stranger(self) -> Judge | str:
        """The judge taught on other corpora only, or why there is none."""
        if not self.other_corpora:
            return "no other corpus with these labels is on this machine"
        names = self.reference.train.label_names
        return stranger_judge(self.other_corpora, names, hearing=STRANGER_EAR, progress=self.progress)

    @cached_property
    def ready_made(self) -> Judge | str:
        """The judge of another kind, or why there is none."""
        try:
            return ReadyMade(self.reference.train.label_names)
        except ScoreError as error:
            return error.what

    @cached_property
    def judges(self) -> dict[str, Judge | str]:
        """All judges by name; a string says why one is missing."""
        return {"own": self.own, "stranger": self.stranger, "ready-made": self.ready_made}

    def verdict(self, judge: str, clips: ClipSet) -> Verdict:
        """What a judge heard in a set, remembered."""
        key = (judge, clips.digest)
        if key not in self._heard:
            listener = self.judges[judge]
            if isinstance(listener, str):
                raise ScoreError(listener)
            self._heard[key] = listener.judge(clips.sounds, clips.rate)
        return self._heard[key]

    def features(self, judge: str, clips: ClipSet) -> NDArray[np.float64]:
        """A judge's features of a set, (B, D)."""
        features = self.verdict(judge, clips).features
        if features is None:
            raise ScoreError(f"the judge {judge!r} has no features")
        return features

    @property
    def key(self) -> str:
        """A digest of all that decides what a part finds in a set."""
        settings = [
            VERSION,
            MEASURES_VERSION,
            self.reference.key,
            dataclasses.asdict(self.hearing),
            self.seed,
        ]
        judges = [dataclasses.asdict(OWN), dataclasses.asdict(STRANGER)]
        others = [open_corpus(name).digest for name in self.other_corpora]
        return hashlib.sha256(json.dumps([*settings, *judges, others]).encode()).hexdigest()[:32]


def recognition(bench: Bench, clips: ClipSet) -> Result:
    """Share of clips in which each judge hears the label that was asked for: overall and by label."""
    result = Result()
    for name, judge in bench.judges.items():
        if isinstance(judge, str):
            result.figures[f"heard right, {name} judge"] = judge
            continue
        heard = bench.verdict(name, clips).labels
        right = heard == clips.labels
        result.figures[f"heard right, {name} judge"] = statistics.wilson(int(right.sum()), len(clips))
        for number, label in enumerate(clips.label_names):
            asked = clips.labels == number
            if asked.any():
                share = statistics.wilson(int(right[asked].sum()), int(asked.sum()))
                result.figures[f"{label}, {name} judge"] = share
        table = statistics.confusion(clips.labels, heard, len(clips.label_names))
        result.tables[f"confusion, {name} judge"] = [[int(cell) for cell in row] for row in table]
    return result


def natural(bench: Bench, clips: ClipSet) -> Result:
    """DNSMOS by the one protocol, at telephone bandwidth."""
    found = naturalness(clips.sounds, clips.rate, seed=bench.seed)
    return Result({f"DNSMOS {name}": value for name, value in found.items()})


def distribution(bench: Bench, clips: ClipSet) -> Result:
    """How like the real test clips the set is as a whole, and how sure and various its labels."""
    real = bench.reference.test
    said = bench.verdict("own", clips).label_log_probabilities
    expected = np.bincount(bench.reference.train.labels, minlength=said.shape[1]) / len(bench.reference.train)
    same = clips.digest == real.digest
    judges = [] if same else [name for name in FEATURES if not isinstance(bench.judges[name], str)]

    def figures(rows: NDArray[np.int64]) -> dict[str, float]:
        found = {}
        for name in judges:
            theirs, ours = bench.features(name, real), bench.features(name, clips)[rows]
            found[f"Frechet distance, {name} features"] = statistics.frechet_distance(ours, theirs)
            if enough:
                found[f"Frechet extrapolated, {name} features"] = statistics.frechet_extrapolated(
                    ours, theirs
                )
            if name == "own":
                found |= vars(statistics.manifolds(theirs, ours))
        found["inception score"] = statistics.inception_score(said[rows])
        found["modified inception score"] = statistics.modified_inception_score(said[rows])
        found["AM score"] = statistics.am_score(said[rows], expected)
        return found

    enough = min(len(real), len(clips)) >= EXTRAPOLATION_NEEDS
    result = Result({**statistics.jackknife(figures, len(clips), seed=bench.seed)})
    for name in ("precision", "recall", "coverage"):
        if isinstance(value := result.figures.get(name), Interval):
            inside = dataclasses.replace(value, low=max(0.0, value.low), high=min(1.0, value.high))
            result.figures[name] = inside
    if not enough:
        for name in judges:
            reason = f"not enough clips (needs {EXTRAPOLATION_NEEDS})"
            result.figures[f"Frechet extrapolated, {name} features"] = reason
    return result


def voice(bench: Bench, clips: ClipSet) -> Result:
    """Share of clips in which the own judge hears the speaker that was asked for."""
    known = clips.speakers >= 0
    if not known.any():
        return Result({"speaker heard right": "nobody in particular was asked for"})
    if len(bench.reference.train.speaker_names) < 2:
        return Result({"speaker heard right": "the reference has but one speaker"})
    right = bench.verdict("own", clips).speakers[known] == clips.speakers[known]
    return Result({"speaker heard right": statistics.wilson(int(right.sum()), len(right))})


def copying(bench: Bench, clips: ClipSet) -> Result:
    """Distance to the nearest training clip: low percentiles, and the nearest pairs."""
    train = bench.reference.train
    found = nearest(
        hear(clips.sounds, clips.rate, bench.hearing), hear(train.sounds, train.rate, bench.hearing)
    )
    figures: dict[str, Value] = {
        f"nearest training clip, percentile {percentile}": value
        for percentile, value in found.percentiles().items()
    }
    pairs: Table = [
        [clip, clips.sources[clip], train.sources[row], round(distance, 4)]
        for clip, row, distance in found.pairs()
    ]
    return Result(figures, {"nearest pairs": pairs})


def useful(bench: Bench, clips: ClipSet) -> Result:
    """What recognisers learn from the set, alone and beside few real clips."""
    train, test = bench.reference.train, bench.reference.test
    return Result(dict(usefulness(clips, train, test, hearing=bench.hearing, seed=bench.seed)))


@dataclass(frozen=True)
class Part:
    """A part of the scorecard: how it is measured, and of which sets."""

    measure: Callable[[Bench, ClipSet], Result]
    title: str
    sets: tuple[str, ...] = (MADE, REAL)  # which sets are measured
    needs: int = 10  # clips
    by_default: bool = True  # or only when it is asked for by name


PARTS: dict[str, Part] = {
    "recognition": Part(recognition, "Recognised"),
    "naturalness": Part(natural, "Natural", (MADE, REAL, TRAIN), needs=20),
    # A Gaussian in 64 dimensions, and five neighbours.
    "distribution": Part(distribution, "Like real speech as a whole", (MADE, REAL, TRAIN), needs=100),
    "voice": Part(voice, "The speaker asked for"),
    "copying": Part(copying, "No copies", needs=100),  # for a first percentile
    # Some twenty judges are taught for each set.
    "usefulness": Part(useful, "Real test clips heard right", (MADE, TRAIN), needs=50, by_default=False),
}
# Of a run alone, or of a voice.
INSIDES = {"reconstruction": "Real test clips rebuilt", "latents": "Latent space", "styles": "Fresh styles"}
FEATURES = ("own", "stranger")  # judges whose features sets are compared by


def measure(bench: Bench, part: str, clips: ClipSet) -> Result:
    """A part's result for a set: from the cache, or measured now and kept."""
    needed = PARTS[part].needs
    if len(clips) < needed:
        return Result({PARTS[part].title.lower(): f"not enough clips (needs {needed})"})
    key = hashlib.sha256(json.dumps([bench.key, part, clips.digest]).encode()).hexdigest()[:32]
    path = cache_folder("scores") / f"{key}.json"
    try:
        result = result_from_json(json.loads(path.read_text()))
    except (OSError, ValueError, KeyError, TypeError):
        result = PARTS[part].measure(bench, clips)
        cache.write(path, json.dumps(dataclasses.asdict(result)).encode())
    else:
        cache.touch(path)
    return result


def result_from_json(stored: dict[str, dict[str, object]]) -> Result:
    """What `json.dumps(asdict(result))` wrote."""
    figures: dict[str, Value] = {}
    for name, value in stored["figures"].items():
        figures[name] = value if isinstance(value, str) else Interval(**value)  # type: ignore[arg-type]
    return Result(figures, stored["tables"])  # type: ignore[arg-type]
