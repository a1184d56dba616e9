"""Bandwidth of clips: energy above 4 kHz, levels in third octaves, and distances between spectra by band.

An upsampled telephone voice is as intelligible as a wide-band one but sounds dull: no measure at telephone
bandwidth can tell them apart. Clips are trimmed and levelled first. Shapes: B clips, T samples, M bands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from voxlet.evaluation.classifiers.inputs import InputConfig, normalise
from voxlet.evaluation.intervals import bootstrap, jackknife

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from voxlet.audio import Samples
    from voxlet.evaluation.clipset import ClipSet
    from voxlet.evaluation.metric import ByName, Figures

    Levels = NDArray[np.float64]

ABOVE, LEVEL, DISTANCE = "band.above_4k", "band.level.by_band", "band.log_spectral_distance.by_band"
TELEPHONE = 4000.0  # Hz
HIGHEST_RATE = 16_000  # Hz
# Third octaves (IEC 61260-1), base-ten system: centre k is 1000 * 10 ** (k / 10) Hz.
FIRST, LAST = -9, 8  # centres 126 Hz to 6.3 kHz; the last band ends at 7.1 kHz
FLOOR_DB = -80.0  # relative to the whole clip: weaker levels are raised to it
SPANS = {
    "below 1 kHz": (0, 1000),
    "1 to 2 kHz": (1000, 2000),
    "2 to 4 kHz": (2000, 4000),
    "4 to 7 kHz": (4000, 7100),
}


def edges(rate: int) -> NDArray[np.float64]:
    """Edges in Hz, (M + 1,), of the third octaves that lie entirely in the band of clips at `rate`."""
    found = 1000 * 10 ** ((np.arange(FIRST, LAST + 2) - 0.5) / 10)
    return found[found <= rate / 2]


def names_of(borders: NDArray[np.float64]) -> list[str]:
    """Names of the third octaves between these borders: their centre frequencies."""
    return [f"{centre:,.0f} Hz" for centre in np.sqrt(borders[:-1] * borders[1:])]


def spectrum(samples: Samples, rate: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Frequencies in Hz and energies of one clip (T,), trimmed, levelled and resampled to 16 kHz at most."""
    config = InputConfig(rate=min(rate, HIGHEST_RATE))
    sound = normalise(samples, rate, config)
    energies: NDArray[np.float64] = np.square(np.abs(np.fft.rfft(sound.astype(np.float64))))
    return np.fft.rfftfreq(len(sound), 1 / config.rate).astype(np.float64), energies


def decibels(share: float | NDArray[np.float64]) -> NDArray[np.float64]:
    """A share of a clip's energy in dB, at least `FLOOR_DB`."""
    return np.asarray(10 * np.log10(np.maximum(share, 10 ** (FLOOR_DB / 10))), dtype=np.float64)


def above_telephone(samples: Samples, rate: int) -> float:
    """Energy of a clip (T,) above 4 kHz relative to its total energy, dB."""
    frequencies, energies = spectrum(samples, rate)
    return float(decibels(energies[frequencies > TELEPHONE].sum() / max(energies.sum(), 1e-12)))


def third_octaves(samples: Samples, rate: int, borders: NDArray[np.float64]) -> Levels:
    """Level (M,) in each third octave between `borders`, dB relative to the whole clip."""
    frequencies, energies = spectrum(samples, rate)
    table = np.histogram(frequencies, borders, weights=energies)[0]
    return decibels(table / max(energies.sum(), 1e-12))


def levels(sounds: Sequence[Samples], rate: int, borders: NDArray[np.float64]) -> Levels:
    """Levels (B, M) of clips in third octaves, dB."""
    return np.stack([third_octaves(sound, rate, borders) for sound in sounds])


def mean_by_label(table: Levels, labels: NDArray[np.int64], wanted: NDArray[np.int64]) -> Levels:
    """Mean levels (labels, M) of the clips of each label in `wanted`; a label without clips is NaN."""
    found = np.full((len(wanted), table.shape[1]), np.nan)
    for row, label in enumerate(wanted):
        if (own := labels == label).any():
            found[row] = table[own].mean(axis=0)
    return found


def distance(first: Levels, second: Levels) -> float:
    """Root mean square difference of levels (labels, M), dB; a label that either set lacks is ignored."""
    return float(np.sqrt(np.nanmean(np.square(first - second))))


def evaluate(clips: ClipSet, train: ClipSet, *, seed: int = 0) -> Figures:
    """Energy above 4 kHz and third octaves of clips, and distances to the spectra of real training clips.

    A distance is the log-spectral distance between the sets' mean third-octave spectra of each label, in each
    span of the band that both sets have.
    """
    found: Figures = {ABOVE: f"clips at {clips.rate:,} Hz have nothing above 4 kHz"}
    if clips.rate > 2 * TELEPHONE:
        energies = np.array([above_telephone(sound, clips.rate) for sound in clips.sounds])
        found[ABOVE] = bootstrap(energies, seed=seed)
    borders = edges(clips.rate)
    table = levels(clips.sounds, clips.rate, borders)
    found[LEVEL] = {
        name: bootstrap(table[:, column], seed=seed) for column, name in enumerate(names_of(borders))
    }
    found[DISTANCE] = distances(clips, table, train, seed)
    return found


def distances(clips: ClipSet, table: Levels, train: ClipSet, seed: int) -> ByName:
    """Distances of clips with levels `table` (B, M) to real training clips, by span."""
    shared = edges(min(clips.rate, train.rate))
    centres = np.sqrt(shared[:-1] * shared[1:])
    wanted = np.unique(clips.labels)
    theirs = mean_by_label(levels(train.sounds, train.rate, shared), train.labels, wanted)
    spans = {name: np.flatnonzero((centres > low) & (centres < high)) for name, (low, high) in SPANS.items()}

    def measure(rows: NDArray[np.int64]) -> dict[str, float]:
        ours = mean_by_label(table[rows][:, : len(centres)], clips.labels[rows], wanted)
        return {
            name: distance(ours[:, columns], theirs[:, columns])
            for name, columns in spans.items()
            if len(columns)
        }

    return {**jackknife(measure, len(clips), seed=seed)}
