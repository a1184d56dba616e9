"""Remove mains hum from a clip: a wave of any form that repeats 50 or 60 times a second.

Hum is measured where there is no speech and subtracted everywhere, which reveals what it covers of a word.
This only serves to find the word; no model is trained on such clips. Shapes: T samples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAINS_HZ = (50.0, 60.0)
STRAY, STRAYS = 0.004, 81  # share by which the mains frequency may deviate, and steps of its search
FIRST_HZ = 600.0  # highest harmonic in the first search: more would need smaller steps
STANDS_OUT = 10.0  # times the power between the harmonics: less is not hum
FINEST_HZ, FINE_STEPS = 0.03, 241  # error of the first search, and steps of the second, which corrects it
FINE_TOP_HZ = 3000.0
POINTS = 1 << 14  # per period: more than harmonics need
RIDGE = 1e-3  # share of the measured samples: regularises harmonics that they cannot tell apart


def without_hum(
    samples: NDArray[np.floating], quiet: NDArray[np.bool_], rate: int
) -> NDArray[np.float64] | None:
    """The samples without mains hum; None if there is no notable hum.

    Args:
        samples: The clip, (T,).
        quiet: Which samples contain only background, (T,).
        rate: Sampling rate in Hz.
    """
    heard = np.asarray(samples, dtype=np.float64)
    base = mains_frequency(heard * quiet, rate)
    if base is None:
        return None
    return heard - hum_wave(heard, quiet, finer(heard, quiet, base, rate), rate)


def mains_frequency(quiet: NDArray[np.float64], rate: int) -> float | None:
    """Frequency of the hum in samples (T,), in Hz, to a few hundredths; None if no hum stands out."""
    size = 1 << (2 * len(quiet) - 1).bit_length()
    powers = np.square(np.abs(np.fft.rfft(quiet, size)))

    def at(bases: NDArray[np.float64], shift: float) -> NDArray[np.float64]:
        orders = np.arange(2, int(min(FIRST_HZ, rate / 2) / bases.max())) + shift
        bins = np.rint(np.outer(bases, orders) * (size / rate)).astype(np.int64)
        return np.asarray(powers[bins].sum(axis=1))

    bases = np.concatenate([mains * (1 + np.linspace(-STRAY, STRAY, STRAYS)) for mains in MAINS_HZ])
    lines = np.concatenate([at(near, 0.0) for near in np.split(bases, len(MAINS_HZ))])
    best = bases[[int(lines.argmax())]]
    return float(best[0]) if lines.max() > STANDS_OUT * at(best, 0.5)[0] else None


def finer(samples: NDArray[np.float64], quiet: NDArray[np.bool_], base: float, rate: int) -> float:
    """The frequency, refined by the phase shift of harmonics from the first to the second half of `quiet`."""
    places = np.flatnonzero(quiet)
    orders = np.arange(1, int(min(rate / 2 - 1, FINE_TOP_HZ) / base) + 1)
    halves = []
    for part in (places[: len(places) // 2], places[len(places) // 2 :]):
        bins = period_points(part, base, rate)
        folded = np.bincount(bins, weights=samples[part], minlength=POINTS)
        halves.append((np.fft.rfft(folded)[orders], float(part.mean())))
    (early, first), (late, second) = halves
    steps = np.linspace(-FINEST_HZ, FINEST_HZ, FINE_STEPS)
    turns = np.exp(-2j * np.pi * np.outer(steps, orders) * (second - first) / rate)
    return base + float(steps[int((late * early.conj() * turns).real.sum(axis=1).argmax())])


def hum_wave(
    samples: NDArray[np.float64], quiet: NDArray[np.bool_], base: float, rate: int
) -> NDArray[np.float64]:
    """The hum, (T,): all harmonics of a frequency, fitted by least squares to the quiet samples."""
    bins = period_points(np.arange(len(samples)), base, rate)
    measured = np.fft.fft(np.bincount(bins[quiet], weights=samples[quiet], minlength=POINTS))
    counted = np.fft.fft(np.bincount(bins[quiet], minlength=POINTS))
    top = int((rate / 2 - 1) / base)
    orders = np.arange(-top, top + 1)
    overlap = counted[orders[:, None] - orders] + RIDGE * quiet.sum() * np.eye(len(orders))
    harmonics = np.zeros(POINTS, dtype=np.complex128)
    harmonics[orders] = np.linalg.solve(overlap, measured[orders])
    period = np.fft.ifft(harmonics).real * POINTS
    return np.asarray(period[bins], dtype=np.float64)


def period_points(places: NDArray[np.int64], base: float, rate: int) -> NDArray[np.int64]:
    """Positions (T,) of samples with the indices `places` in the period of a frequency, in points."""
    return (places * (base / rate) % 1.0 * POINTS).astype(np.int64)
