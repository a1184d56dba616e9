"""Find the background of a clip: the steady sound where there is no speech, or else its quietest stretch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from voxlet.trimming.frames import moving, moving_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIGITAL_SILENCE_DB = -80.0  # relative to the loudest frame: below any microphone's own noise
# The noise floor is measured on the quietest stretch of this many frames; in a clip that was cut close to its
# word, a stretch of five may reach into the word.
FLOOR_FRAMES, CLOSE_FLOOR_FRAMES = 5, 3
STEADY_DB = ((3.5, 9.0), (2.0, 6.0), (2.0, 6.0))  # tolerance: mean over bands, any band; for three rounds
STEADY_FRAMES, CLOSE_FRAMES = 15, 5  # so many alike frames are not speech; in closely cut clips
SILENCE_REACH = 4  # frames from a sound to digital silence, because of windows and a short fade
LOUDER_DB = 5.0  # above the background: another sound


class Search(NamedTuple):
    """Settings of a search for a steady background.

    Attributes:
        fade: Frames at each end that may be below the background, since clips may be faded in and out.
        fewest: Least number of frames that are alike in all bands.
        averaged: Frames per mean; the quietest mean is the first guess of the background's power.
        bias: Factor from that guess to the mean of the background.
        above_db: How far the loudest 50 ms must be above the background; otherwise it is the sound itself.
    """

    fade: int
    fewest: int
    averaged: int
    bias: float
    above_db: float


# The last is for clips that were cut close to the word: a third as many frames, but a clearly louder word.
SEARCHES = (
    *(Search(fade, STEADY_FRAMES, FLOOR_FRAMES, 1.3, LOUDER_DB) for fade in (0, 10, 20)),
    Search(0, CLOSE_FRAMES, CLOSE_FLOOR_FRAMES, 2.0, 20.0),
)


@dataclass(frozen=True)
class Background:
    """The background of a clip.

    Attributes:
        level: Emphasised mean square of the background.
        steady: Whether the background is uniform for long enough to be told apart from speech.
        powers: Mean squares of a steady background in bands, (M,).
        frames: Which frames contain only background, (F,); none if it is not steady.
    """

    level: float
    steady: bool
    powers: NDArray[np.float64]
    frames: NDArray[np.bool_]


def find_background(powers: NDArray[np.float64], level: NDArray[np.float64]) -> Background:
    """The steady background of a clip with band powers (F, M) and levels (F,), or its quietest stretch.

    A background adds to every sound, so no frame is below it in any band. The first guess is each band's
    minimum (Martin, "Noise power spectral density estimation based on optimal smoothing and minimum
    statistics", 2001); the frames near this guess in all bands give the mean. Digital silence is not
    background, and frames that are faded in or out at the ends may be below it.
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
            # A sound in front of a background does not border on digital silence.
            if sustained > floor * 10 ** (above_db / 10) and not (louder & beside_silence).any():
                return Background(floor, True, mean, np.isin(np.arange(len(level)), live[alike]))
    floor = float(moving_mean(level, min(CLOSE_FLOOR_FRAMES, len(level))).min())
    return Background(floor, False, powers.min(axis=0), np.zeros(len(level), np.bool_))
