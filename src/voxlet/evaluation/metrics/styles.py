"""Do fresh styles say the words, and sound like different people?

Words are labelled by the scorecard's classifiers; distances and the share of duplicates say how different the
styles are. The *mean spectrum* of a speaker or style is the mean log-mel spectrum of all its words: it
reflects vocal tract, pitch and recording, and what is said averages out. Distances are root mean squares over
bands, in dB.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from voxlet.evaluation.classifiers.inputs import FLOOR, InputConfig, normalise, whole_log_mel
from voxlet.evaluation.clipset import ClipSet
from voxlet.evaluation.intervals import Interval, bootstrap, wilson
from voxlet.evaluation.metrics.recognition import accuracy_or_reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from voxlet.audio import Samples
    from voxlet.evaluation.classifiers.opened import Classifiers
    from voxlet.evaluation.metric import ClassifierKind, Figures
    from voxlet.speak.voice import Voice

STYLES = 24
MOST_SPEAKERS = 50
FEWEST_SPEAKERS = 2
DECIBELS = 10 / np.log(10)  # in a neper of power
DISTANCE, DUPLICATES = "styles.distance", "styles.duplicates"
KINDS: tuple[ClassifierKind, ...] = ("in_corpus", "cross_corpus", "off_the_shelf")


def mean_spectrum(sounds: Sequence[Samples], rate: int, config: InputConfig) -> NDArray[np.float64]:
    """The mean log-mel spectrum (M,) of B clips, each (T,) at `rate`, in dB; all clips count equally."""
    spectra = [whole_log_mel(normalise(sound, rate, config), config) for sound in sounds]
    loud = [spectrum[:, spectrum.max(0) > np.log(FLOOR)] for spectrum in spectra]
    return np.asarray(DECIBELS * np.mean([s.mean(1) for s in loud if s.size], axis=0), dtype=np.float64)


def distances(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distances (B1, B2) between mean spectra (B1, M) and (B2, M), in dB."""
    differences = first[:, None] - second[None]
    return np.asarray(np.sqrt(np.square(differences).mean(-1)), dtype=np.float64)


def to_others(spectra: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distances (B, B - 1) of each mean spectrum to all others."""
    table = distances(spectra, spectra)
    return table[~np.eye(len(table), dtype=bool)].reshape(len(table), -1)


def real_spectra(clips: ClipSet, config: InputConfig, seed: int) -> tuple[NDArray[np.float64], ...]:
    """Two mean spectra of each speaker, (speakers, M) both, each from one clip of every label said twice."""
    rng = np.random.default_rng(seed)
    speakers = np.unique(clips.speakers[clips.speakers >= 0])
    if len(speakers) > MOST_SPEAKERS:
        speakers = rng.permutation(speakers)[:MOST_SPEAKERS]
    first: list[NDArray[np.float64]] = []
    second: list[NDArray[np.float64]] = []
    for speaker in speakers:
        own = rng.permutation(np.flatnonzero(clips.speakers == speaker))
        pairs = [own[clips.labels[own] == label][:2] for label in np.unique(clips.labels[own])]
        pairs = [pair for pair in pairs if len(pair) == 2]
        if pairs:
            for spectra, place in ((first, 0), (second, 1)):
                sounds = [clips.sounds[pair[place]] for pair in pairs]
                spectra.append(mean_spectrum(sounds, clips.rate, config))
    return np.array(first), np.array(second)


def fresh_clips(voice: Voice, count: int, seed: int) -> ClipSet:
    """Clips of `count` fresh styles, one after the other; each says every label once, in order."""
    sounds = [
        sound
        for number in range(count)
        for sound in voice.sample(voice.labels, speaker="random", seed=seed + number)
    ]
    return ClipSet(
        "fresh styles",
        tuple(sounds),
        voice.rate,
        np.tile(np.arange(len(voice.labels)), count),
        tuple(voice.labels),
        np.full(len(sounds), -1),
        (),
        tuple(f"style {number}: {label}" for number in range(count) for label in voice.labels),
    )


def recognised(said: ClipSet, classifiers: Classifiers, label_names: tuple[str, ...]) -> Figures:
    """Accuracy of each classifier on clips of fresh styles; a string says why there is none."""
    said = said.renamed(label_names, ())
    return {
        f"styles.{kind}.accuracy": accuracy_or_reason(
            said.labels, classifiers.ask(kind, said), len(label_names)
        )
        for kind in classifiers.kinds
    }


def evaluate(said: ClipSet, clips: ClipSet, *, seed: int = 0) -> tuple[Figures, Figures]:
    """Distance between styles and share of duplicates, of fresh styles and, second, of real speakers.

    A style is a duplicate if another is nearer than the median distance between two draws of a real speaker's
    words. A voice whose styles have collapsed has a distance of nearly 0, and only duplicates.

    Args:
        said: Clips of fresh styles, from `fresh_clips`.
        clips: Real clips with speakers.
        seed: Seed of the real clips that are drawn.
    """
    config = InputConfig(rate=min(8000, said.rate, clips.rate))
    one, two = real_spectra(clips, config, seed)
    if len(one) < FEWEST_SPEAKERS:
        reason = f"not enough speakers with two clips of a label (needs {FEWEST_SPEAKERS})"
        return {DISTANCE: reason, DUPLICATES: reason}, {DISTANCE: reason, DUPLICATES: reason}
    words = len(said.label_names)
    fresh = np.array(
        [
            mean_spectrum(said.sounds[first : first + words], said.rate, config)
            for first in range(0, len(said), words)
        ]
    )
    same = float(np.median(np.diagonal(distances(one, two))))
    generated, real = (
        {DISTANCE: distance(spectra, seed), DUPLICATES: duplicates(spectra, same)} for spectra in (fresh, one)
    )
    return {**generated}, {**real}


def distance(spectra: NDArray[np.float64], seed: int) -> Interval:
    """Mean distance between two of the mean spectra (B, M)."""
    return bootstrap(to_others(spectra).mean(1), seed=seed)


def duplicates(spectra: NDArray[np.float64], same: float) -> Interval:
    """Share of mean spectra (B, M) that have another nearer than `same`."""
    return wilson(int((to_others(spectra).min(1) < same).sum()), len(spectra))
