"""A clip as power in third octaves over time, and its background: what noise and bandwidth are told from.

Shapes: T samples, F frames, K bins of a spectrum, M bands.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from voxlet.spectral.magnitudes import magnitudes
from voxlet.trimming.frames import emphasis, moving_mean
from voxlet.trimming.regions import find_speech

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from voxlet.audio import Samples
    from voxlet.trimming.regions import SpeechRegions

WINDOW, HOP = 0.040, 0.010  # seconds
CENTRES_HZ = tuple(1000 * 2 ** (step / 3) for step in range(-9, 14))  # 125 Hz to 20 kHz
WHOLE_SHARE = 0.4  # of a third octave that has to lie below half the rate for it to be measured

DIGITAL_SILENCE = 1e-8  # of the loudest frame's power: no microphone is as quiet
AWAY_SECONDS = 0.04  # frames as far from the speech as this hold nothing of it
FEWEST_FRAMES = 8  # of background that show the floor
# Without background: the quietest 50 ms, and how far below the mean that is.
FLOOR_FRAMES, MINIMUM_BIAS = 5, 1.3


@dataclass(frozen=True)
class ThirdOctaves:
    """Third octaves below half a rate: the bins of each, (K, M), ones and zeros; their emphasis, (M,)."""

    members: NDArray[np.float64]
    emphasis: NDArray[np.float64]


@lru_cache(maxsize=16)
def third_octaves(rate: int, size: int) -> ThirdOctaves:
    """For spectra of windows of `size` samples."""
    frequencies = np.fft.rfftfreq(size, 1 / rate)
    lower = np.array(CENTRES_HZ) / 2 ** (1 / 6)
    width = lower * (2 ** (1 / 3) - 1)
    lower = lower[lower + WHOLE_SHARE * width < rate / 2]
    edges = np.append(lower, min(lower[-1] * 2 ** (1 / 3), rate / 2))
    inside = (frequencies[:, None] >= edges[:-1]) & (frequencies[:, None] < edges[1:])
    weights = emphasis(np.sqrt(edges[:-1] * edges[1:])) ** 2
    return ThirdOctaves(inside.astype(np.float64), weights)


@dataclass(frozen=True)
class ClipSpectrum:
    """What the attributes of a clip are told from.

    Attributes:
        samples: The clip without offset, (T,).
        rate: In Hz.
        found: Where its speech is.
        power: Power spectra (F, K) of windows that lie whole within the clip.
        bands: Power in third octaves, (F, M).
        thirds: Which third octaves these are.
        live: Frames that are not digital silence, (F,).
        speech: Frames of speech, (F,).
        background: Frames of background alone, (F,); none in a clip that is cut close to its word.
        floor: Power of the background in third octaves, (M,).
    """

    samples: Samples
    rate: int
    found: SpeechRegions
    power: NDArray[np.float64]
    bands: NDArray[np.float64]
    thirds: ThirdOctaves
    live: NDArray[np.bool_]
    speech: NDArray[np.bool_]
    background: NDArray[np.bool_]
    floor: NDArray[np.float64]

    @property
    def loudness(self) -> NDArray[np.float64]:
        """Power of the speech above the background in third octaves, (M,), none negative."""
        above: NDArray[np.float64] = np.maximum(self.bands[self.speech].mean(axis=0) - self.floor, 0.0)
        return above


def clip_spectrum(samples: Samples, rate: int, found: SpeechRegions | None = None) -> ClipSpectrum | None:
    """A clip (T,) at `rate` Hz, or None where it is silent or shorter than two windows.

    `found` says where its speech is, if that is known already.
    """
    size, hop = round(WINDOW * rate), round(HOP * rate)
    if len(samples) < 2 * size or not np.any(samples):
        return None
    samples = samples - np.float32(samples.mean(dtype=np.float64))
    reach = -(-size // (2 * hop))
    power = np.square(magnitudes(samples, size, hop).astype(np.float64))[reach:-reach]
    thirds = third_octaves(rate, size)
    bands = power @ thirds.members
    total = bands.sum(axis=1)
    silent = total <= DIGITAL_SILENCE * total.max()
    live = np.convolve(silent, np.ones(2 * reach + 1), "same") == 0
    found = found or find_speech(samples, rate)
    # Of each frame, the middle in samples.
    middle = (np.arange(len(power)) + reach + 0.5) * hop
    regions = found.regions or ((0, len(samples)),)
    inside = np.any([(middle >= start) & (middle < stop) for start, stop in regions], axis=0)
    away = AWAY_SECONDS * rate
    beyond = (middle < found.start - away) | (middle >= found.stop + away)
    if not (inside & live).any():
        return None
    background = beyond & live
    if background.sum() < FEWEST_FRAMES:
        background = np.zeros_like(background)
    floor = noise_floor(bands, live, background)
    return ClipSpectrum(samples, rate, found, power, bands, thirds, live, inside & live, background, floor)


def noise_floor(
    bands: NDArray[np.float64], live: NDArray[np.bool_], background: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Power of the background (M,) in bands (F, M), from frames of background or, without any, from all.

    A background adds to everything, so even within a word no band is ever below it, and each band is without
    speech at some time (Martin, "Noise power spectral density estimation based on optimal smoothing and
    minimum statistics", 2001).
    """
    if background.any():
        return np.asarray(np.median(bands[background], axis=0))
    rows = bands[live]
    quietest: NDArray[np.float64] = moving_mean(rows, min(FLOOR_FRAMES, len(rows))).min(axis=0)
    return MINIMUM_BIAS * quietest
