"""Mel filters: triangles that sum a spectrum's bins to bands as wide as the ear resolves."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Scale = Literal["slaney", "htk"]
Norm = Literal["area", "sum"]

# Slaney's scale ("Auditory Toolbox", 1998): linear below 1 kHz, logarithmic above.
SLANEY_BREAK_HZ = 1000.0
SLANEY_STEP_HZ = 200.0 / 3
SLANEY_LOG_STEP = math.log(6.4) / 27
# O'Shaughnessy's scale, which the Hidden Markov Model Toolkit (HTK) uses: 2595 log10(1 + f / 700).
HTK_FACTOR, HTK_HZ = 2595, 700


@lru_cache(maxsize=16)
def mel_filters(
    rate: int,
    n_fft: int,
    bands: int,
    *,
    low: float = 0.0,
    high: float | None = None,
    scale: Scale = "slaney",
    norm: Norm = "area",
) -> NDArray[np.float32]:
    """Triangular filters (bands, n_fft // 2 + 1), read-only, with centres equally spaced on a mel scale.

    Args:
        rate: Sampling rate of the waveform in Hz.
        n_fft: Samples of the Fourier transform.
        bands: Number of filters.
        low: Hz at which the first filter begins.
        high: Hz at which the last filter ends; by default half the rate.
        scale: Slaney's scale, as in librosa, or HTK's.
        norm: `area`: each filter has area 1 over frequencies in Hz; `sum`: its bins sum to 1.

    >>> filters = mel_filters(8000, 256, 40, low=50.0, norm="sum")
    >>> filters.shape, round(float(filters.sum()), 3)
    ((40, 129), 40.0)
    """
    edges = _edges(rate / 2 if high is None else high, bands, low, scale)
    frequencies = np.linspace(0, rate / 2, n_fft // 2 + 1)
    widths = np.diff(edges)
    rising = (frequencies - edges[:-2, None]) / widths[:-1, None]
    falling = (edges[2:, None] - frequencies) / widths[1:, None]
    filters = np.maximum(0.0, np.minimum(rising, falling))
    if norm == "area":
        filters = filters * (2 / (edges[2:] - edges[:-2]))[:, None]
    else:
        filters = filters / np.maximum(filters.sum(axis=1, keepdims=True), 1e-9)
    found: NDArray[np.float32] = filters.astype(np.float32)
    found.setflags(write=False)
    return found


def _edges(high: float, bands: int, low: float, scale: Scale) -> NDArray[np.float64]:
    """Frequencies in Hz, (bands + 2,), at which the filters begin, peak and end."""
    if scale == "slaney":
        return _slaney_to_hz(np.linspace(_hz_to_slaney(low), _hz_to_slaney(high), bands + 2))
    lowest, highest = HTK_FACTOR * np.log10(1 + np.array([low, high]) / HTK_HZ)
    mel = np.linspace(float(lowest), float(highest), bands + 2)
    return np.asarray(HTK_HZ * (10 ** (mel / HTK_FACTOR) - 1))


def _hz_to_slaney(hz: float) -> float:
    if hz < SLANEY_BREAK_HZ:
        return hz / SLANEY_STEP_HZ
    return SLANEY_BREAK_HZ / SLANEY_STEP_HZ + math.log(hz / SLANEY_BREAK_HZ) / SLANEY_LOG_STEP


def _slaney_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    turn = SLANEY_BREAK_HZ / SLANEY_STEP_HZ
    logarithmic = SLANEY_BREAK_HZ * np.exp(SLANEY_LOG_STEP * (np.maximum(mel, turn) - turn))
    return np.where(mel < turn, mel * SLANEY_STEP_HZ, logarithmic)
