"""How long a clip's sounds take to die away."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from voxlet.spectral.magnitudes import magnitudes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from voxlet.corpus.attributes.spectrum import ClipSpectrum

EDGES_HZ = (300, 500, 800, 1200, 1700, 2400, 3400)  # bands: telephones carry all of these
WINDOW, HOP = 0.016, 0.004  # seconds: what dies away faster than in the window is not seen
STEPS = 25  # frames of a fall: 100 ms
FALLS_DB = 4.0  # at least, for it to be one
ABOVE_FLOOR_DB = 8.0  # to its end: below that, the background fills it up
STEEPEST_PERCENT = 10.0
FEWEST = 12  # decays
DECAY_RANGE = (0.05, 3.0)  # seconds


def decay_seconds(spectrum: ClipSpectrum) -> float:
    """Seconds in which sounds fall by 60 dB where they fall steeply; NaN where too few decays are seen.

    In a room no band falls faster than the room's own decay, and in speech some band falls at nearly any
    time: the steepest tenth of all falls of 100 ms shows it (after Wen, Habets and Naylor, "Blind estimation
    of reverberation time based on the distribution of signal decay rates", 2008). Dry speech itself has some
    0.2 s, so that shorter ones are not told apart; from 0.5 s on the figure lags behind the room.
    """
    rate, size = spectrum.rate, round(WINDOW * spectrum.rate)
    power = np.square(magnitudes(spectrum.samples, size, round(HOP * rate)).astype(np.float64))[2:-2]
    frequencies = np.fft.rfftfreq(size, 1 / rate)
    slopes = [
        falls(power[:, (frequencies >= low) & (frequencies < high)].sum(axis=1))
        for low, high in pairwise(EDGES_HZ)
    ]
    steep = np.concatenate(slopes)
    if len(steep) < FEWEST:
        return float("nan")
    return float(np.clip(60 / np.percentile(steep, 100 - STEEPEST_PERCENT), *DECAY_RANGE))


def falls(power: NDArray[np.float64]) -> NDArray[np.float64]:
    """How steep the falls of a band's power (F,) are, in dB a second: those that are long and loud enough."""
    if len(power) < STEPS:
        return np.zeros(0)
    live = power > power.max() * 1e-8
    floor = 10 * np.log10(max(float(np.percentile(power[live], 3)), 1e-30))
    level = 10 * np.log10(np.maximum(power, 1e-30))
    views = np.lib.stride_tricks.sliding_window_view(level, STEPS)
    time = (np.arange(STEPS) - (STEPS - 1) / 2) * HOP
    slope = -(views @ time) / (time @ time)
    above = views.min(axis=1) > floor + ABOVE_FLOOR_DB
    return np.asarray(slope[above & (slope * HOP * (STEPS - 1) >= FALLS_DB)])
