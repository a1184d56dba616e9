"""Third-octave spectrogram of a clip and its noise floor, from which noise and bandwidth are measured.

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
WHOLE_SHARE = 0.4  # a third octave is measured if at least this much of it lies below half the rate

DIGITAL_SILENCE = 1e-8  # times the loudest frame's power: no microphone is that quiet
AWAY_SECONDS = 0.04  # frames at least this far from the speech are background
FEWEST_FRAMES = 8  # of background, to measure the floor in them
# Without background, the floor is the quietest 50 ms, corrected for how far a minimum lies below the mean.
FLOOR_FRAMES, MINIMUM_BIAS = 5, 1.3


@dataclass(frozen=True)
class ThirdOctaves:
    """Third octaves below half the rate: bin membership, (K, M), 1 or 0; emphasis as power weights, (M,)."""

    members: NDArray[np.float64]
    emphasis: NDArray[np.float64]


@lru_cache(maxsize=16)
def third_octaves(rate: int, size: int) -> ThirdOctaves:
    """The third octaves for spectra of windows of `size` samples."""
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
    """Spectrogram of a clip, from which its attributes are measured.

    Attributes:
        samples: The clip without DC offset, (T,).
        rate: Sampling rate in Hz.
        found: Where the speech is.
        power: Power spectra (F, K) of windows that lie entirely within the clip.
        bands: Power in third octaves, (F, M).
        thirds: The third octaves.
        live: Mask of frames that are not digital silence, (F,).
        speech: Mask of frames of speech, (F,).
        background: Mask of frames with background only, (F,); all false in a clip cut close to its word.
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
        """Power of the speech minus the background in third octaves, (M,), at least 0."""
        above: NDArray[np.float64] = np.maximum(self.bands[self.speech].mean(axis=0) - self.floor, 0.0)
        return above


def clip_spectrum(samples: Samples, rate: int, found: SpeechRegions | None = None) -> ClipSpectrum | None:
    """The spectrogram of a clip (T,) at `rate` Hz; None if it is silent or shorter than two windows.

    `found` is the result of `find_speech`, if already known.
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
    # Centre of each frame, in samples.
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
    """Power of the background (M,) in bands (F, M), from background frames or, without any, from all frames.

    Background noise is added to the speech, so no band falls below it even within a word, and each band is
    without speech at some time (Martin, "Noise power spectral density estimation based on optimal smoothing
    and minimum statistics", 2001).
    """
    if background.any():
        return np.asarray(np.median(bands[background], axis=0))
    rows = bands[live]
    quietest: NDArray[np.float64] = moving_mean(rows, min(FLOOR_FRAMES, len(rows))).min(axis=0)
    return MINIMUM_BIAS * quietest
