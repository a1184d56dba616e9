"""The parts of a scorecard: each measures one set of clips, real or generated, against the reference.

Measurements are cached under a digest of everything that determines them.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlet.cache import contents as cache
from voxlet.cache.code import code_digest
from voxlet.engines.versions import installed, refuse_others
from voxlet.evaluation.classifiers.inputs import inputs_code, log_mels
from voxlet.evaluation.detection import detector, phases, resynthesis
from voxlet.evaluation.detection import measure as detection
from voxlet.evaluation.intervals import Interval, wilson
from voxlet.evaluation.metric import CATALOGUE, KINDS, Measurement, metrics_of
from voxlet.evaluation.metrics import (
    attributes,
    band,
    distribution,
    memorisation,
    naturalness,
    recognition,
    speaker,
    utility,
)
from voxlet.files import cache_folder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import ModuleType

    from voxlet.engines.versions import Versions
    from voxlet.evaluation.classifiers.inputs import InputConfig
    from voxlet.evaluation.classifiers.opened import Classifiers
    from voxlet.evaluation.clipset import ClipSet
    from voxlet.evaluation.metric import ByName, ClassifierKind, Table, Value
    from voxlet.evaluation.reference import Reference

VERSION = 9  # raise it when the same inputs give other figures, except for parts that list their `code`
GENERATED, REAL, TRAIN = "generated", "real", "real_train"  # the sets that are measured
PACKAGES = (
    "numpy",
    "scipy",
    "soxr",
    "torch",
    "onnxruntime",
    "speechmos",
    "pocketsphinx",
    "scikit-learn",
)  # whose versions may change the figures
SET_TITLES = {GENERATED: "generated", REAL: "real test", TRAIN: "real train"}


@dataclass(frozen=True)
class Comparison:
    """The reference, classifiers and settings with which a set of clips is measured."""

    reference: Reference
    classifiers: Classifiers
    inputs: InputConfig  # for spectrograms that are compared: never more bandwidth than the clips have
    seed: int = 0


def measure_recognition(comparison: Comparison, clips: ClipSet) -> Measurement:
    """Accuracy of each classifier, also within strings of words, and its confusion table."""
    classifiers = comparison.classifiers
    said = {kind: classifiers.ask(kind, clips) for kind in classifiers.kinds}
    asked = clips.labels, clips.label_names, said
    found = recognition.evaluate(*asked)
    if classifiers.strings is not None:
        _, right = classifiers.strings.found_in_strings(clips.sounds, clips.rate, clips.labels)
        found[recognition.STRINGS] = wilson(int(right.sum()), len(right))
    if (fitted := classifiers.cross_fitted) is not None and clips.digest == comparison.reference.test.digest:
        # All real takes stand in for the test takes; each is classified by a head not fitted on it.
        found |= recognition.cross_fitted(fitted.asked, fitted.predicted, fitted.label_names)
    return Measurement(found, recognition.confusions(*asked))


def measure_naturalness(comparison: Comparison, clips: ClipSet) -> Measurement:
    """DNSMOS by the protocol of `metrics.naturalness`, at telephone bandwidth and at the clips' own."""
    return Measurement(naturalness.evaluate(clips.sounds, clips.rate, seed=comparison.seed))


def measure_distribution(comparison: Comparison, clips: ClipSet) -> Measurement:
    """Distances of the set as a whole to the real test clips, and certainty and diversity of its labels."""
    reference = comparison.reference
    ours, theirs = (
        {
            kind: said
            for kind in distribution.FEATURES
            if not isinstance(said := comparison.classifiers.ask(kind, one), str)
        }
        for one in (clips, reference.test)
    )
    labels = np.bincount(reference.train.labels, minlength=len(reference.train.label_names))
    same = clips.digest == reference.test.digest
    found = distribution.evaluate(
        ours, theirs, labels / len(reference.train), same=same, seed=comparison.seed
    )
    return Measurement(found)


def measure_band(comparison: Comparison, clips: ClipSet) -> Measurement:
    """Levels across the spectrum, and their distance to those of real training clips."""
    return Measurement(band.evaluate(clips, comparison.reference.train, seed=comparison.seed))


def measure_speaker(comparison: Comparison, clips: ClipSet) -> Measurement:
    """Speaker accuracy by the in-corpus classifier, and speaker similarity by an independent encoder."""
    train = comparison.reference.train
    said = comparison.classifiers.predict("in_corpus", clips)
    return Measurement(
        speaker.evaluate(clips.speakers, train.speaker_names, said)
        | speaker.similarity(clips, train, seed=comparison.seed)
    )


def measure_memorisation(comparison: Comparison, clips: ClipSet) -> Measurement:
    """Distances to the nearest training clips, and the nearest pairs."""
    train = comparison.reference.train
    ours, theirs = (log_mels(one.sounds, one.rate, comparison.inputs) for one in (clips, train))
    found = memorisation.nearest(ours, theirs)
    pairs: Table = [
        [clip, clips.sources[clip], train.sources[row], round(distance, 4)]
        for clip, row, distance in found.pairs()
    ]
    return Measurement(memorisation.evaluate(found), {memorisation.PAIRS_KEY: pairs})


def measure_attributes(comparison: Comparison, clips: ClipSet) -> Measurement:
    """Speed, pitch and recording quality of the clips."""
    return Measurement(attributes.evaluate(clips, comparison.reference.train, comparison.seed))


def measure_detection(comparison: Comparison, clips: ClipSet) -> Measurement:
    """How well the clips can be told from real ones."""
    return Measurement(detection.evaluate(clips, comparison.reference.train, comparison.seed))


def measure_utility(comparison: Comparison, clips: ClipSet) -> Measurement:
    """Accuracy of classifiers trained on the set, alone and with a few real clips."""
    config = utility.UtilityConfig(inputs=comparison.inputs, seed=comparison.seed)
    reference = comparison.reference
    return Measurement(utility.evaluate(clips, reference.train, reference.test, config))


@dataclass(frozen=True)
class Part:
    """A part of the scorecard: how it is measured, on which sets, and with which classifiers."""

    measure: Callable[[Comparison, ClipSet], Measurement]
    sets: tuple[str, ...] = (GENERATED, REAL)
    uses: tuple[ClassifierKind, ...] = ()
    by_default: bool = True  # False: measured only if asked for by name
    code: tuple[ModuleType, ...] = ()  # determines the figures: cached ones of other code are not used


PARTS: dict[str, Part] = {
    "recognition": Part(measure_recognition, uses=KINDS),
    "naturalness": Part(measure_naturalness, (GENERATED, REAL, TRAIN)),
    "band": Part(measure_band),
    "distribution": Part(measure_distribution, (GENERATED, REAL, TRAIN), distribution.FEATURES),
    "speaker": Part(measure_speaker, uses=("in_corpus",)),
    "memorisation": Part(measure_memorisation),
    "attributes": Part(measure_attributes),
    # Resynthesising clips and fitting detectors takes a minute.
    "detection": Part(
        measure_detection,
        (GENERATED,),
        by_default=False,
        code=(detection, detector, phases, resynthesis),
    ),
    # Some twenty classifiers are trained for each set.
    "utility": Part(measure_utility, (GENERATED, TRAIN), by_default=False),
}


@dataclass(frozen=True)
class Measure:
    """The task of a worker: measure a part on a set of clips, both given by name.

    A worker with other package versions, which may give other figures, refuses.
    """

    comparison: Comparison
    sets: Mapping[str, ClipSet]
    versions: Versions

    def __call__(self, job: tuple[str, str]) -> tuple[tuple[str, str], Measurement]:
        """Measure a job, (part, set), and return it with its measurement.

        Raises:
            VoxletError: Other versions are installed here.
        """
        refuse_others(measure_versions(), self.versions)
        part, role = job
        return job, PARTS[part].measure(self.comparison, self.sets[role])


def measure_versions() -> dict[str, str]:
    """Versions of the packages that may change the figures, by name."""
    return installed(*PACKAGES)


def read_cached(comparison: Comparison, part: str, clips: ClipSet) -> Measurement | None:
    """The cached measurement of a part on a set, or that its clips are too few; None if there is neither."""
    metrics = metrics_of(part)
    if len(clips) < min(metric.needs for metric in metrics):
        return Measurement({m.key: f"not enough clips (needs {m.needs})" for m in metrics if m.by is None})
    path = _path(comparison, part, clips)
    try:
        found = from_json(json.loads(path.read_text()))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    cache.touch(path)
    return found


def store_cached(comparison: Comparison, part: str, clips: ClipSet, found: Measurement) -> None:
    """Store the measurement of a part on a set in the cache.

    Raises:
        FileError: The cache cannot be written.
    """
    cache.write(_path(comparison, part, clips), json.dumps(dataclasses.asdict(found)).encode())


def _path(comparison: Comparison, part: str, clips: ClipSet) -> Path:
    return cache_folder("scores") / f"{key_of(comparison, part, clips)}.json"


def key_of(comparison: Comparison, part: str, clips: ClipSet) -> str:
    """Digest of everything that determines the measurement of a part on a set."""
    classifiers = [comparison.classifiers.digest(kind) for kind in PARTS[part].uses]
    inputs, reference = dataclasses.asdict(comparison.inputs), comparison.reference.key
    decides = [VERSION, inputs_code(), part, reference, inputs, comparison.seed, classifiers, clips.digest]
    if code := PARTS[part].code:
        decides.append(code_digest(*code))
    return hashlib.sha256(json.dumps(decides).encode()).hexdigest()[:32]


def from_json(stored: dict[str, Any]) -> Measurement:
    """The measurement that `json.dumps(asdict(measurement))` wrote.

    Raises:
        KeyError, TypeError: It is not a stored measurement.
    """
    figures: dict[str, Value | ByName] = {}
    for key, value in stored["figures"].items():
        several = CATALOGUE[key].by is not None and not isinstance(value, str)
        figures[key] = (
            {name: read_value(one) for name, one in value.items()} if several else read_value(value)
        )
    return Measurement(figures, stored["tables"])


def read_value(stored: Any) -> Value:
    """An interval from its fields, or the reason why there is none.

    Raises:
        TypeError: `stored` is neither.
    """
    return stored if isinstance(stored, str) else Interval(**stored)
