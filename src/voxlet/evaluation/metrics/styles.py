"""Are fresh styles different people? A measure that needs no labels of speakers: spread, and twins.

Somebody's *fingerprint* is the mean log-mel spectrum of all his words: vocal tract, pitch and recording show
in it, what is said averages out. Distances between fingerprints are root mean squares over bands, in dB.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from voxlet.evaluation.classifiers.inputs import FLOOR, Hearing, condition
from voxlet.evaluation.metrics.naturalness import hear_aligned
from voxlet.evaluation.metrics.statistics import Interval, bootstrap, wilson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from voxlet.audio import Samples
    from voxlet.evaluation.clipset import ClipSet
    from voxlet.evaluation.parts import Value
    from voxlet.speak.voice import Voice

STYLES = 24
MOST_SPEAKERS = 50
FEWEST_SPEAKERS = 2
DECIBELS = 10 / np.log(10)  # of a neper of power
PART = "styles"
SPREAD, TWINS = "distance between two of them, dB", "share that is another's twin"


def fingerprint(sounds: Sequence[Samples], rate: int, hearing: Hearing) -> NDArray[np.float64]:
    """The mean log-mel spectrum (M,) of B clips, each (T,) at `rate`, in dB; every clip counts alike."""
    spectra = [hear_aligned(condition(sound, rate, hearing), hearing) for sound in sounds]
    loud = [spectrum[:, spectrum.max(0) > np.log(FLOOR)] for spectrum in spectra]
    return np.asarray(DECIBELS * np.mean([s.mean(1) for s in loud if s.size], axis=0), dtype=np.float64)


def apart(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distances (B1, B2) between fingerprints (B1, M) and (B2, M), in dB."""
    differences = first[:, None] - second[None]
    return np.asarray(np.sqrt(np.square(differences).mean(-1)), dtype=np.float64)


def to_others(prints: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distances (B, B - 1) of each fingerprint to all others."""
    table = apart(prints, prints)
    return table[~np.eye(len(table), dtype=bool)].reshape(len(table), -1)


def real_fingerprints(clips: ClipSet, hearing: Hearing, seed: int) -> tuple[NDArray[np.float64], ...]:
    """Two fingerprints of each speaker, (speakers, M) both, from two clips of each label that he says."""
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
            for prints, place in ((first, 0), (second, 1)):
                sounds = [clips.sounds[pair[place]] for pair in pairs]
                prints.append(fingerprint(sounds, clips.rate, hearing))
    return np.array(first), np.array(second)


def fresh_styles(
    voice: Voice, clips: ClipSet, *, count: int = STYLES, seed: int = 0
) -> dict[str, tuple[Value, Value]]:
    """Spread and twins of fresh styles and, second, of real speakers.

    A style is another's twin where the two are nearer than two draws of one real speaker's words are in half
    the cases. A voice whose styles have collapsed has no spread, and twins only.

    Args:
        voice: Says each of its labels once with each of `count` fresh styles.
        clips: Real ones with speakers.
        count: Fresh styles.
        seed: Of the styles, and of the real clips that are drawn.
    """
    hearing = Hearing(rate=min(8000, voice.rate, clips.rate))
    one, two = real_fingerprints(clips, hearing, seed)
    if len(one) < FEWEST_SPEAKERS:
        reason = f"not enough speakers with two clips of a label (needs {FEWEST_SPEAKERS})"
        return {SPREAD: (reason, reason), TWINS: (reason, reason)}
    made = np.array(
        [
            fingerprint(voice.sample(voice.labels, speaker="random", seed=seed + number), voice.rate, hearing)
            for number in range(count)
        ]
    )
    same = float(np.median(np.diagonal(apart(one, two))))
    found = [(spread(prints, seed), twins(prints, same)) for prints in (made, one)]
    return {SPREAD: (found[0][0], found[1][0]), TWINS: (found[0][1], found[1][1])}


def spread(prints: NDArray[np.float64], seed: int) -> Interval:
    """Mean distance between two fingerprints of (B, M)."""
    return bootstrap(to_others(prints).mean(1), seed=seed)


def twins(prints: NDArray[np.float64], same: float) -> Interval:
    """Share of fingerprints (B, M) that have another nearer than `same`."""
    return wilson(int((to_others(prints).min(1) < same).sum()), len(prints))
