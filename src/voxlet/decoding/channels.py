"""Mix several channels down to one: their mean or, if they differ, the mix with the clearest speech.

Microphones wired with opposite polarity cancel in the mean, a silent channel halves the level, and a channel
with hum or noise buries the word. So if channels differ, each of them, the mean and, for two channels, half
the difference are compared by how far their speech is above the background.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from voxlet.trimming.regions import find_speech

if TYPE_CHECKING:
    from numpy.typing import NDArray

HEARD_SECONDS = 60.0  # from the beginning of a clip, in which channels are compared
ALIKE_DB = -12.0  # differences from the mean up to this level, relative to it, are ignored
CLEAR_DB = 45.0  # contrasts above this count as equally clear
# Mean or difference are taken instead of the best channel if their speech is at most this much weaker and its
# contrast is at least that of the channel plus a margin: negative for the mean, the default, else positive.
WEAKER_DB, MEAN_DB, DIFFERENCE_DB = 5.5, -3.0, 3.0


@dataclass(frozen=True)
class Choice:
    """Weights (C,) that mix C channels to one, and a name for the result; the mean has no name."""

    weights: NDArray[np.float32]
    name: str = ""

    def of(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """One channel (T,) from samples (T, C)."""
        if not self.name:
            mean: NDArray[np.float32] = samples.mean(axis=1, dtype=np.float32)
            return mean
        used = np.flatnonzero(self.weights)
        mixed: NDArray[np.float32] = samples[:, used] @ self.weights[used]
        return mixed


@dataclass(frozen=True)
class Heard:
    """A choice, the level of its speech in dB, and how many dB that is above the background."""

    choice: Choice
    level: float
    contrast: float


def choose(samples: NDArray[np.float32], rate: int) -> Choice:
    """How to mix the channels of a clip (T, C) to one."""
    channels = samples.shape[1]
    mean = Choice(np.full(channels, 1 / channels, np.float32))
    if len(samples) < 2 or _alike(samples):
        return mean
    singles = [
        hear(Choice(_unit(channels, number), f"channel {number + 1} of {channels}"), samples, rate)
        for number in range(channels)
    ]
    # Rounded: of equally good channels the first is taken, whatever the last bits of their samples.
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
    """Level and contrast of the speech in a choice; without speech, the level of all samples, contrast 0."""
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
    """Whether all channels are close to their mean; steps between samples count, so hum hardly matters."""
    steps = np.diff(samples, axis=0)
    mean = steps.mean(axis=1, keepdims=True)
    power = float(np.mean(np.square(mean, dtype=np.float64)))
    rest = float(np.mean(np.square(steps - mean, dtype=np.float64), axis=0).max())
    return bool(rest <= power * 10 ** (ALIKE_DB / 10))
