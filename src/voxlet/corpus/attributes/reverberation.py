"""Reverberation: the decay time of a clip's sounds."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from voxlet.spectral.magnitudes import magnitudes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from voxlet.corpus.attributes.spectrum import ClipSpectrum

EDGES_HZ = (300, 500, 800, 1200, 1700, 2400, 3400)  # band edges, all within telephone bandwidth
WINDOW, HOP = 0.016, 0.004  # seconds; decays shorter than the window are not resolved
STEPS = 25  # frames in a fall: 100 ms
FALLS_DB = 4.0  # smallest drop that counts as a fall
ABOVE_FLOOR_DB = 8.0  # a fall must stay this far above the floor, or background noise masks it
STEEPEST_PERCENT = 10.0
FEWEST = 12  # falls, for a measurement
DECAY_RANGE = (0.05, 3.0)  # seconds


def decay_seconds(spectrum: ClipSpectrum) -> float:
    """Time in seconds in which the steepest falls drop by 60 dB; NaN if there are too few falls.

    In a room no band falls faster than the room's own decay, and in speech some band falls at nearly any
    time. The steepest tenth of all falls of 100 ms therefore shows the room's decay (after Wen, Habets and
    Naylor, "Blind estimation of reverberation time based on the distribution of signal decay rates", 2008).
    Dry speech itself has about 0.2 s, which hides shorter decays; above 0.5 s the room is underestimated.
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
    """Slopes in dB per second of the falls in a band's power (F,) that are deep and loud enough."""
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
