"""Mains hum taken out of a clip: a wave of any form that repeats 50 or 60 times a second.

It is measured where nobody speaks and taken off everywhere, so that what it covers of a word can be seen.
This serves to find the word; nothing is trained on such clips. Shapes: T samples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAINS_HZ = (50.0, 60.0)
STRAY, STRAYS = 0.004, 81  # how far the mains stray from that, as a share, and in how many steps
FIRST_HZ = 600.0  # harmonics up to here show the frequency; more of them, and steps would have to be smaller
STANDS_OUT = 10.0  # times the power between the harmonics: less is not hum
FINEST_HZ, FINE_STEPS = 0.03, 241  # how far the first guess strays, and in how many steps that is mended
FINE_TOP_HZ = 3000.0
POINTS = 1 << 14  # of a period: more than harmonics need
RIDGE = 1e-3  # of the samples measured: what the harmonics would have to be, to be told from each other


def without_hum(
    samples: NDArray[np.floating], quiet: NDArray[np.bool_], rate: int
) -> NDArray[np.float64] | None:
    """The samples without mains hum; None where there is none to speak of.

    Args:
        samples: The clip, (T,).
        quiet: Where nothing but background is heard, (T,).
        rate: In Hz.
    """
    heard = np.asarray(samples, dtype=np.float64)
    base = mains_frequency(heard * quiet, rate)
    if base is None:
        return None
    return heard - hum_wave(heard, quiet, finer(heard, quiet, base, rate), rate)


def mains_frequency(quiet: NDArray[np.float64], rate: int) -> float | None:
    """Of the hum in samples (T,), in Hz, to some hundredths; None where none stands out."""
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
    """The frequency by how far harmonics turn from the first half of what is quiet to the second."""
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
    """The hum, (T,): all harmonics of a frequency, fitted by least squares to what is quiet."""
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
    """Where in the period of a frequency samples with these numbers (T,) lie, in points."""
    return (places * (base / rate) % 1.0 * POINTS).astype(np.int64)
