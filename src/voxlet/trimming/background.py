"""What a clip sounds like where nobody speaks: what is steady, or else its quietest stretch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from voxlet.trimming.frames import moving, moving_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIGITAL_SILENCE_DB = -80.0  # relative to the loudest frame: below what a microphone's own noise is
# The quietest stretch of so many frames shows the noise floor; of a clip that was cut close to its word, five
# may reach into the word.
FLOOR_FRAMES, CLOSE_FLOOR_FRAMES = 5, 3
STEADY_DB = ((3.5, 9.0), (2.0, 6.0), (2.0, 6.0))  # mean over bands, any band: how like, in three rounds
STEADY_FRAMES, CLOSE_FRAMES = 15, 5  # so many that are alike are no sound of speech beside others; cut close
SILENCE_REACH = 4  # frames that windows and a short fade take from a sound to digital silence
LOUDER_DB = 5.0  # than the background: another sound


class Search(NamedTuple):
    """How a steady background is looked for.

    Attributes:
        fade: Frames at each end that may lie below it, since the clip is faded in and out.
        fewest: Frames that are alike in all bands.
        averaged: The quietest mean of so many frames is the first guess at its power.
        bias: How far that lies below its mean.
        above_db: The loudest 50 ms are so far above it, or it is the sound itself.
    """

    fade: int
    fewest: int
    averaged: int
    bias: float
    above_db: float


# Last, of a clip that was cut close to its word: a third as many frames, where the word is clearly louder.
SEARCHES = (
    *(Search(fade, STEADY_FRAMES, FLOOR_FRAMES, 1.3, LOUDER_DB) for fade in (0, 10, 20)),
    Search(0, CLOSE_FRAMES, CLOSE_FLOOR_FRAMES, 2.0, 20.0),
)


@dataclass(frozen=True)
class Background:
    """What a clip sounds like where nobody speaks.

    Attributes:
        level: Its emphasised mean square.
        steady: Whether it sounds alike for long enough to be told apart from speech.
        powers: Its mean squares in bands, (M,), where it is steady.
        frames: Which frames are background alone, (F,).
    """

    level: float
    steady: bool
    powers: NDArray[np.float64]
    frames: NDArray[np.bool_]


def find_background(powers: NDArray[np.float64], level: NDArray[np.float64]) -> Background:
    """The steady background of band powers (F, M) and levels (F,), or their quietest stretch.

    A background adds to everything, so no frame is below it in any band. Its first guess is each band's
    minimum (Martin, "Noise power spectral density estimation based on optimal smoothing and minimum
    statistics", 2001); frames near that in all bands give the mean. Digital silence is no sound, and what is
    faded in or out at the ends may lie lower.
    """
    silent = level <= level.max() * 10 ** (DIGITAL_SILENCE_DB / 10)
    beside_silence = np.convolve(silent, np.ones(2 * SILENCE_REACH + 1), "same") > 0
    sustained = moving(level, min(FLOOR_FRAMES, len(level)), np.minimum).max()
    live = np.flatnonzero(~silent)
    inner = powers[live]
    for fade, fewest, averaged, bias, above_db in SEARCHES:
        middle = inner[fade : len(inner) - fade]
        if len(middle) < 2 * fewest:
            continue
        mean = bias * moving_mean(middle, averaged).min(axis=0)
        for average_db, any_db in STEADY_DB:
            excess = 10 * np.log10(inner / mean)
            alike = (np.abs(excess.mean(axis=1)) < average_db) & (excess.max(axis=1) < any_db)
            if alike.sum() < fewest:
                break
            mean = inner[alike].mean(axis=0)
        else:
            floor = float(level[live[alike]].mean())
            louder = level > floor * 10 ** (LOUDER_DB / 10)
            # Nothing in front of a background is heard beside digital silence.
            if sustained > floor * 10 ** (above_db / 10) and not (louder & beside_silence).any():
                return Background(floor, True, mean, np.isin(np.arange(len(level)), live[alike]))
    floor = float(moving_mean(level, min(CLOSE_FLOOR_FRAMES, len(level))).min())
    return Background(floor, False, powers.min(axis=0), np.zeros(len(level), np.bool_))
