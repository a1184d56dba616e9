"""Detect wrong sampling rates in headers: at half the true rate, a word is twice as long, an octave lower.

A clip is compared with other takes of its label as a pattern of bands over time, independent of length: at
another rate the bands are shifted, and the shift that fits best tells the rate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from voxlet.trimming.frames import FRAME_SECONDS, emphasise_speech, frame_levels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

STANDARD_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 96000)  # Hz
SLICES, SLICE_SECONDS = 16, 0.04  # of a word
BANDS, BANDS_AN_OCTAVE, LOWEST_HZ = 33, 4, 60.0
COMPARED_BANDS = 8  # at least; with less overlap, patterns are not compared
RANGE_DB = 50.0  # below the loudest level; lower levels are raised to this
LOUD_DB = 25.0  # below the loudest 10 ms; louder frames are speech
NEAREST_OCTAVES = 0.45  # least distance of rates that the length of a word can tell apart
# How much better another rate must explain a clip: octaves of length, plus decibels of pattern as octaves.
# Measured on real takes: docs/decisions/sound-files.md.
DB_AN_OCTAVE, BETTER_OCTAVES = 4.0, 1.3


def loud_part(samples: NDArray[np.float32], levels: NDArray[np.float64], rate: int) -> NDArray[np.float32]:
    """The samples (T,) from the first loud frame to the last; `levels` are the levels of their frames."""
    loud = np.flatnonzero(levels >= levels.max() - LOUD_DB)
    frame = max(1, round(FRAME_SECONDS * rate))
    return samples[loud[0] * frame : (loud[-1] + 1) * frame]


def pattern(samples: NDArray[np.float32], rate: int) -> NDArray[np.float64]:
    """Levels in dB (SLICES, BANDS) of quarter-octave bands at even times; NaN above half the rate."""
    emphasised, size = emphasise_speech(samples, rate), max(2, round(SLICE_SECONDS * rate))
    spoken = loud_part(emphasised, frame_levels(emphasised, rate), rate)
    spoken = np.pad(spoken, (0, max(0, size - len(spoken))))
    starts = np.linspace(0, len(spoken) - size, SLICES).astype(np.int64)
    pieces = spoken[starts[:, None] + np.arange(size)] * np.hanning(size)
    points = 4 << (size - 1).bit_length()  # enough for at least one FFT bin in the lowest bands
    powers = np.square(np.abs(np.fft.rfft(pieces, points)))
    edges = LOWEST_HZ * 2 ** (np.arange(BANDS + 1) / BANDS_AN_OCTAVE)
    bins = np.searchsorted(np.arange(powers.shape[1]) * (rate / points), edges)
    table = np.full((SLICES, BANDS), np.nan)
    for band in np.flatnonzero((edges[1:] <= rate / 2) & (bins[1:] > bins[:-1])):
        table[:, band] = 10 * np.log10(powers[:, bins[band] : bins[band + 1]].mean(axis=1) + 1e-10)
    floored: NDArray[np.float64] = np.maximum(table, np.nanmax(table) - RANGE_DB)
    return floored


def likely_rate(
    own: NDArray[np.float64], others: Sequence[NDArray[np.float64]], longer: float, rate: int
) -> int | None:
    """The rate that explains a clip much better than the header's; None if there is none.

    Args:
        own: The clip's pattern.
        others: Patterns of other takes of its label.
        longer: Octaves (powers of two) by which the clip is longer than those takes; negative if shorter.
        rate: The header's rate in Hz.
    """
    template = _median(others)
    unlike = distance(own, template, 0.0)
    best, found = BETTER_OCTAVES, None
    for other in STANDARD_RATES:
        octaves = float(np.log2(other / rate))
        if abs(octaves) < NEAREST_OCTAVES:
            continue
        better = unlike - distance(own, template, octaves)
        gain = abs(longer) - abs(longer - octaves) + better / DB_AN_OCTAVE
        if better > 0 and gain > best:
            best, found = gain, other
    return found


def _median(patterns: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The median pattern; NaN where no pattern has a level."""
    table = np.stack(patterns)
    known = ~np.isnan(table).all(axis=(0, 1))
    median = np.full(table.shape[1:], np.nan)
    median[:, known] = np.nanmedian(table[:, :, known], axis=0)
    return median


def distance(own: NDArray[np.float64], template: NDArray[np.float64], octaves: float) -> float:
    """Distance in dB of a pattern, shifted up by `octaves`, from another; infinite if few bands overlap."""
    shift = round(octaves * BANDS_AN_OCTAVE)
    if abs(shift) > BANDS - COMPARED_BANDS:
        return np.inf
    shifted, against = (own[:, : BANDS - shift], template[:, shift:])
    if shift < 0:
        shifted, against = own[:, -shift:], template[:, : BANDS + shift]
    difference = shifted - against
    difference = difference[:, ~np.isnan(difference).any(axis=0)]
    return float(difference.std()) if difference.shape[1] >= COMPARED_BANDS else np.inf
