"""A clip as frames: their levels, band powers and pitch, which tell speech from other sounds.

Shapes: T samples, F frames, W samples of a window, K bins of a spectrum, M bands.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from voxlet.audio import Samples

Value = TypeVar("Value", np.float64, np.bool_)

FRAME_SECONDS = 0.010  # time resolution of levels
WINDOW_SECONDS = 0.040  # two periods of mains hum at 50 Hz: in shorter windows its level would fluctuate
KEPT_SIZE = 2**16  # points of the longest transform whose gains are cached
CHUNK_FRAMES = 2048  # per transform, so that long clips do not need much memory

RUMBLE_HZ, VOWEL_HZ = 120.0, 500.0  # hum and breath are below 120 Hz, most of a vowel below 500 Hz
# Narrow where the harmonics of a voice are resolved, so that a single one can rise above noise.
VOICE_EDGES_HZ = (100, 170, 240, 310, 400, 500, 600, 720, 850, 1000, 1150, 1320, 1500, 1750, 2000, 2300, 2600)
BAND_EDGES_HZ = (*VOICE_EDGES_HZ, 2950, 3300, 3650, 4000, 5000, 6300, 8000)

PITCH_HZ, HARMONICS_HZ = (75.0, 400.0), (80.0, 1000.0)  # range of the pitch, and of harmonics that show it
PITCH_FRAMES = 3  # a sound has a pitch if this many frames do


def frame_levels(samples: Samples, rate: int) -> NDArray[np.float64]:
    """Level of each 10 ms frame in dB re full scale, shape (F,); the last frame may be shorter."""
    size = max(1, round(FRAME_SECONDS * rate))
    edges = np.arange(0, len(samples), size)
    energy = np.add.reduceat(np.square(samples, dtype=np.float64), edges)
    counts = np.minimum(size, len(samples) - edges)
    return 10 * np.log10(np.maximum(energy / counts, 1e-12))


def emphasise_speech(samples: Samples, rate: int) -> Samples:
    """The samples, (T,), filtered without delay so that speech stands out from noise.

    Frequencies below 120 Hz (hum, breath, an offset) are suppressed; below 500 Hz the gain falls by 6 dB per
    octave, so that an s or f counts beside a vowel.
    """
    # A power of two: transforms of some lengths take ten times as long.
    size = 1 << (len(samples) - 1).bit_length()
    gains = _kept_emphasis(size, rate) if size <= KEPT_SIZE else emphasis(np.fft.rfftfreq(size, 1 / rate))
    # An offset would be a step at the end, where the padding begins.
    centred = samples - samples.mean(dtype=np.float64)
    return np.fft.irfft(np.fft.rfft(centred, size) * gains, size)[: len(samples)].astype(np.float32)


@lru_cache(maxsize=16)
def _kept_emphasis(size: int, rate: int) -> NDArray[np.float64]:
    """Gains for a transform of `size` points, cached since the clips of a corpus need the same few sizes."""
    return emphasis(np.fft.rfftfreq(size, 1 / rate))


def emphasis(frequencies: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Gains (K,) of `emphasise_speech` at frequencies (K,) in Hz."""
    frequencies = np.maximum(frequencies, 1e-3)
    rumble = (RUMBLE_HZ / frequencies) ** 4  # Butterworth, second order
    vowel = (VOWEL_HZ / frequencies) ** 2  # first order
    return np.asarray(1 / np.sqrt((1 + rumble) * (1 + vowel)))


@dataclass(frozen=True)
class Bands:
    """How windows of one length are measured.

    Attributes:
        taper: Hann window, (W,).
        size: Points of the transform.
        weights: From power spectra to mean squares in M bands and, last, of the emphasised whole, (K, M + 1).
        freedom: Degrees of freedom of noise in each band, (M,), which tell how far its power varies.
    """

    taper: NDArray[np.float32]
    size: int
    weights: NDArray[np.float32]
    freedom: NDArray[np.float64]


@lru_cache(maxsize=16)
def bands_of(rate: int, window: int) -> Bands:
    """The bands below half the sampling rate, for windows of `window` samples."""
    taper = np.hanning(window + 2)[1:-1]
    size = 1 << (window - 1).bit_length()
    frequencies = np.fft.rfftfreq(size, 1 / rate)
    inner = [edge for edge in BAND_EDGES_HZ[:-1] if edge < rate / 2]
    edges = [*inner, min(rate / 2, BAND_EDGES_HZ[-1]) + 1e-3]  # the last bin belongs to the last band
    members = [(frequencies >= low) & (frequencies < high) for low, high in pairwise(edges)]
    rows = np.array([row for row in members if row.any()] or [frequencies >= 0], dtype=np.float64)
    weights = np.vstack([rows, emphasis(frequencies) ** 2]).T * 2 / (size * np.sum(taper**2))
    # Power over time T and bandwidth B: 2 B T degrees of freedom; the taper leaves about half the window.
    seconds = np.sum(taper**2) ** 2 / np.sum(taper**4) / rate
    freedom = 2 * rows.sum(axis=1) * rate / size * seconds
    return Bands(taper.astype(np.float32), size, np.ascontiguousarray(weights, dtype=np.float32), freedom)


@dataclass(frozen=True)
class Frames:
    """A clip (T,) without offset, cut into windows of 40 ms, one every 10 ms, all within the clip."""

    samples: Samples
    rate: int

    @cached_property
    def hop(self) -> int:
        """Samples from one frame to the next."""
        return max(1, round(FRAME_SECONDS * self.rate))

    @cached_property
    def window(self) -> int:
        """Samples of a window."""
        return min(len(self.samples), max(1, round(WINDOW_SECONDS * self.rate)))

    def bands(self) -> Bands:
        """How the windows are measured."""
        return bands_of(self.rate, self.window)

    def spectra(self, frames: NDArray[np.int64], size: int) -> NDArray[np.float32]:
        """Power spectra (F, size / 2 + 1) of the frames with the indices `frames`, (F,)."""
        # At the clip's ends the window stays inside: hum that is cut off would look like a click.
        first = np.clip(frames * self.hop + (self.hop - self.window) // 2, 0, len(self.samples) - self.window)
        samples = np.ascontiguousarray(self.samples)
        # Like `sliding_window_view`, which takes longer than the transforms of a short clip.
        views = np.ndarray(
            (len(samples) - self.window + 1, self.window), samples.dtype, samples, strides=2 * samples.strides
        )
        spectra = np.fft.rfft(views[first] * self.bands().taper, size)
        return np.asarray(spectra.real**2 + spectra.imag**2, dtype=np.float32)

    def band_powers(self) -> NDArray[np.float64]:
        """Mean squares of all frames in M bands and, last, of the emphasised whole, (F, M + 1)."""
        indices = np.arange(-(-len(self.samples) // self.hop))
        bands = self.bands()
        chunks = [
            self.spectra(indices[first : first + CHUNK_FRAMES], bands.size) @ bands.weights
            for first in range(0, len(indices), CHUNK_FRAMES)
        ]
        return np.concatenate(chunks).astype(np.float64)


def pitch_strength(frames: Frames, indices: NDArray[np.int64], quiet: NDArray[np.int64]) -> float:
    """Correlation over a period: 1 is a steady pitch, noise reaches 0.5.

    The autocorrelation (the transform of the power spectrum) is divided by the window's own: Boersma,
    "Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of a sampled
    sound", 1993.

    Args:
        frames: The clip.
        indices: Indices of the frames to measure, (F,).
        quiet: Indices of background frames, whose mean spectrum is subtracted first; may be empty.
    """
    size = 1 << (2 * frames.window - 1).bit_length()
    frequencies = np.fft.rfftfreq(size, 1 / frames.rate)
    power = frames.spectra(indices, size)
    if len(quiet):
        power = power - frames.spectra(quiet, size).mean(axis=0)
    power = np.maximum(power, 0) * ((frequencies >= HARMONICS_HZ[0]) & (frequencies <= HARMONICS_HZ[1]))
    low, high = round(frames.rate / PITCH_HZ[1]), min(round(frames.rate / PITCH_HZ[0]), frames.window - 1)
    if high - low < 3:
        return 0.0
    correlation = np.fft.irfft(power, size)
    own = np.fft.irfft(np.abs(np.fft.rfft(frames.bands().taper, size)) ** 2, size)
    strength = correlation[:, low:high] / np.maximum(correlation[:, :1], 1e-20) / (own[low:high] / own[0])
    inner = strength[:, 1:-1]
    peaks = (inner >= strength[:, :-2]) & (inner >= strength[:, 2:])
    best = np.sort(np.where(peaks, inner, 0.0).max(axis=1))
    return float(best[-min(PITCH_FRAMES, len(best))])


def moving(values: NDArray[Value], count: int, ufunc: np.ufunc) -> NDArray[Value]:
    """`np.add`, `np.minimum` or such over each `count` successive rows of (F, ...), (F - count + 1, ...)."""
    last = len(values) - count + 1
    found = values[:last].copy()
    for shift in range(1, count):
        ufunc(found, values[shift : last + shift], out=found)
    return found


def moving_mean(values: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Means over each `count` successive rows of (F, ...), (F - count + 1, ...)."""
    return moving(values, count, np.add) / count


def decibels(power: float) -> float:
    """A mean square in dB re full scale."""
    return float(10 * np.log10(max(power, 1e-14)))
