"""One channel of several: the mean of all, unless they differ; then what holds the speech best.

Microphones wired with opposite poles cancel in the mean, a silent channel takes half of the level, and one
with hum or noise beside the word buries it. So where channels are not alike, each of them, the mean and, of
two, half the difference are compared by how far their speech stands out of its background.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from voxlet.trimming.regions import find_speech

if TYPE_CHECKING:
    from numpy.typing import NDArray

HEARD_SECONDS = 60.0  # from the beginning, that are compared
ALIKE_DB = -12.0  # how far what differs from the mean has to lie below it: then the mean is taken unheard
CLEAR_DB = 45.0  # speech that stands out by more is as good as any
# Mean and difference are taken for a channel only if their speech is hardly weaker, and if they do not stand
# out less (the mean, which is the usual) or stand out more (the difference).
WEAKER_DB, MEAN_DB, DIFFERENCE_DB = 5.5, -3.0, 3.0


@dataclass(frozen=True)
class Choice:
    """Weights, (C,), that make one channel of C, and what that is called; the mean has no name."""

    weights: NDArray[np.float32]
    name: str = ""

    def of(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """One channel, (T,), of samples, (T, C)."""
        if not self.name:
            mean: NDArray[np.float32] = samples.mean(axis=1, dtype=np.float32)
            return mean
        used = np.flatnonzero(self.weights)
        mixed: NDArray[np.float32] = samples[:, used] @ self.weights[used]
        return mixed


@dataclass(frozen=True)
class Heard:
    """A choice, the level of its speech in dB, and how far that stands out of its background."""

    choice: Choice
    level: float
    contrast: float


def choose(samples: NDArray[np.float32], rate: int) -> Choice:
    """What to make of the channels of a clip, (T, C)."""
    channels = samples.shape[1]
    mean = Choice(np.full(channels, 1 / channels, np.float32))
    if len(samples) < 2 or _alike(samples):
        return mean
    singles = [
        hear(Choice(_unit(channels, number), f"channel {number + 1} of {channels}"), samples, rate)
        for number in range(channels)
    ]
    # Of channels as good as each other the first, whatever the last bit of a sample is.
    best = max(singles, key=lambda heard: (np.round(heard.contrast), np.round(heard.level)))
    mixed = hear(mean, samples, rate)
    if np.isfinite(mixed.level) and _is_as_good(mixed, best, MEAN_DB):
        return mean
    if channels == 2:
        difference = hear(
            Choice(np.array([0.5, -0.5], np.float32), "the difference of 2 channels"), samples, rate
        )
        if _is_as_good(difference, best, DIFFERENCE_DB):
            return difference.choice
    return best.choice if np.isfinite(best.level) else mean


def hear(choice: Choice, samples: NDArray[np.float32], rate: int) -> Heard:
    """How well the speech in a choice is heard; without any, the level is that of all, the contrast 0."""
    mono = choice.of(samples)
    found = find_speech(mono, rate)
    if found.regions:
        return Heard(choice, found.level_db, min(found.contrast_db, CLEAR_DB))
    power = float(np.mean(np.square(np.diff(mono), dtype=np.float64)))
    return Heard(choice, 10 * np.log10(power) if power else -np.inf, 0.0 if power else -np.inf)


def _is_as_good(heard: Heard, best: Heard, more_db: float) -> bool:
    return heard.level >= best.level - WEAKER_DB and heard.contrast >= best.contrast + more_db


def _unit(channels: int, number: int) -> NDArray[np.float32]:
    weights = np.zeros(channels, np.float32)
    weights[number] = 1
    return weights


def _alike(samples: NDArray[np.float32]) -> bool:
    """Whether each channel is the mean but for little; steps between samples count, so hum hardly does."""
    steps = np.diff(samples, axis=0)
    mean = steps.mean(axis=1, keepdims=True)
    power = float(np.mean(np.square(mean, dtype=np.float64)))
    rest = float(np.mean(np.square(steps - mean, dtype=np.float64), axis=0).max())
    return bool(rest <= power * 10 ** (ALIKE_DB / 10))
