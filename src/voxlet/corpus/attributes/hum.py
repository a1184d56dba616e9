"""Mains hum of a clip."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from voxlet.spectral.window import hann

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from voxlet.corpus.attributes.spectrum import ClipSpectrum

MAINS_HZ = (50.0, 60.0)
HARMONICS = 8
WINDOW, HOP = 0.120, 0.030  # seconds; a window holds at least six periods
BESIDE = (-0.6, -0.4, 0.4, 0.6)  # offsets, in harmonic spacings, at which there is no hum
WEAK_PERCENT = 25.0
STANDS_OUT = 4.0  # least ratio of a harmonic's power to the power beside it
HUM_RANGE = (-80.0, 20.0)  # dB re the speech


def hum_db(spectrum: ClipSpectrum) -> float:
    """Level of the harmonics of 50 or 60 Hz, whichever are louder, in dB re the speech; -80 to 20.

    Hum is steady, so the power of a harmonic is taken as that exceeded in three quarters of all windows of
    120 ms, less the power between harmonics, measured alike. In a clip cut close to its word only the
    fundamental counts, since a voice of 100 or 120 Hz resembles the others. The speech is not weighted here.
    """
    samples, rate = spectrum.samples, spectrum.rate
    size = min(len(samples), round(WINDOW * rate))
    views = np.lib.stride_tricks.sliding_window_view(samples, size)[:: round(HOP * rate)]
    views = views[np.square(views, dtype=np.float64).mean(axis=1) > 1e-12]
    if not len(views):
        return HUM_RANGE[0]
    harmonics = HARMONICS if spectrum.background.any() else 1
    hum = max(hum_power(views, mains, harmonics, rate) for mains in MAINS_HZ)
    regions = spectrum.found.regions or ((0, len(samples)),)
    speech = float(np.mean(np.concatenate([samples[a:b] for a, b in regions]).astype(np.float64) ** 2))
    return float(np.clip(10 * np.log10(max(hum, 1e-30) / max(speech - hum, 1e-30)), *HUM_RANGE))


def hum_power(views: NDArray[np.floating[Any]], mains: float, harmonics: int, rate: int) -> float:
    """Mean square of the steady ones among the first `harmonics` of `mains` Hz, in windows (F, W)."""
    orders = np.arange(1, harmonics + 1)
    lines = weak_power(views, orders * mains, rate)
    beside = np.mean([weak_power(views, (orders + share) * mains, rate) for share in BESIDE], axis=0)
    return float(np.where(lines > STANDS_OUT * beside, lines - beside, 0.0).sum())


def weak_power(
    views: NDArray[np.floating[Any]], frequencies: NDArray[np.floating[Any]], rate: int
) -> NDArray[np.float64]:
    """Mean square, (K,), of sines at frequencies (K,) in Hz: the lower quartile over windows (F, W)."""
    taper = hann(views.shape[1]).astype(np.float64)
    waves = np.exp(-2j * np.pi * np.outer(np.arange(views.shape[1]), frequencies) / rate)
    amplitudes = np.abs(views @ (waves * taper[:, None])) * 2 / taper.sum()
    return np.asarray(np.percentile(amplitudes**2 / 2, WEAK_PERCENT, axis=0))
