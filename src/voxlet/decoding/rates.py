"""Whether a header's rate can be true: at half of it, a word lasts twice as long and lies an octave lower.

A clip is compared with other takes of its label as a pattern of bands and times that knows no length: at
another rate its bands are shifted, and one shift fits best.
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
COMPARED_BANDS = 8  # at least
RANGE_DB = 50.0  # below the loudest, that counts
LOUD_DB = 25.0  # below the loudest 10 ms: what is louder is speech
NEAREST_OCTAVES = 0.45  # between rates that can be told apart by the length of a word
# How much better another rate has to explain a clip: octaves of length and decibels of its pattern together.
# Measured on real takes: docs/decisions/sound-files.md.
DB_AN_OCTAVE, BETTER_OCTAVES = 4.0, 1.3


def loud_part(samples: NDArray[np.float32], levels: NDArray[np.float64], rate: int) -> NDArray[np.float32]:
    """What lies between the first loud frame and the last, (T,), of samples with these levels of frames."""
    loud = np.flatnonzero(levels >= levels.max() - LOUD_DB)
    frame = max(1, round(FRAME_SECONDS * rate))
    return samples[loud[0] * frame : (loud[-1] + 1) * frame]


def pattern(samples: NDArray[np.float32], rate: int) -> NDArray[np.float64]:
    """Levels in dB, (SLICES, BANDS), of quarters of octaves at even times; NaN above half the rate."""
    emphasised, size = emphasise_speech(samples, rate), max(2, round(SLICE_SECONDS * rate))
    spoken = loud_part(emphasised, frame_levels(emphasised, rate), rate)
    spoken = np.pad(spoken, (0, max(0, size - len(spoken))))
    starts = np.linspace(0, len(spoken) - size, SLICES).astype(np.int64)
    pieces = spoken[starts[:, None] + np.arange(size)] * np.hanning(size)
    points = 4 << (size - 1).bit_length()  # so that the lowest bands have one
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
    """The rate that explains a clip much better than the header's; None where there is none.

    Args:
        own: The clip's pattern.
        others: Patterns of other takes of its label.
        longer: By how many octaves (powers of two) it is longer than they are; negative: shorter.
        rate: The header's, in Hz.
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
    """The median pattern; NaN where none has a level."""
    table = np.stack(patterns)
    known = ~np.isnan(table).all(axis=(0, 1))
    median = np.full(table.shape[1:], np.nan)
    median[:, known] = np.nanmedian(table[:, :, known], axis=0)
    return median


def distance(own: NDArray[np.float64], template: NDArray[np.float64], octaves: float) -> float:
    """How unlike a pattern shifted up by `octaves` is to another, in dB; infinite where few bands meet."""
    shift = round(octaves * BANDS_AN_OCTAVE)
    if abs(shift) > BANDS - COMPARED_BANDS:
        return np.inf
    shifted, against = (own[:, : BANDS - shift], template[:, shift:])
    if shift < 0:
        shifted, against = own[:, -shift:], template[:, : BANDS + shift]
    difference = shifted - against
    difference = difference[:, ~np.isnan(difference).any(axis=0)]
    return float(difference.std()) if difference.shape[1] >= COMPARED_BANDS else np.inf
