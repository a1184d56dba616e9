"""Estimates with confidence intervals: of shares, of means, and of any measure of a set."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from voxlet.errors import ScoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """An estimate, the ends of its 95 % confidence interval, and how many clips it rests on."""

    value: float
    low: float
    high: float
    count: int


def exact(value: float, count: int) -> Interval:
    """A figure of `count` clips without a confidence interval: both ends are the value itself."""
    return Interval(value, value, value, count)


def wilson(successes: int, count: int, confidence: float = CONFIDENCE) -> Interval:
    """A share with Wilson's score interval (1927), which stays sensible at 0 and at 1.

    Raises:
        ScoreError: `count` is 0, or less than `successes`.
    """
    if count <= 0:
        raise ScoreError("a share of no clips has no value")
    if not 0 <= successes <= count:
        raise ScoreError(f"{successes} of {count} is no share")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = successes / count
    centre = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    # At shares of 0 and 1, rounding must not put the estimate outside its own interval.
    return Interval(share, min(share, max(0.0, centre - half)), max(share, min(1.0, centre + half)), count)


def bootstrap(
    values: NDArray[np.float64], *, rounds: int = 2000, confidence: float = CONFIDENCE, seed: int = 0
) -> Interval:
    """Mean of values (B,) with a percentile bootstrap interval (Efron 1979).

    Raises:
        ScoreError: There are no values.
    """
    if len(values) == 0:
        raise ScoreError("a mean of no values does not exist")
    rng = np.random.default_rng(seed)
    means = values[rng.integers(len(values), size=(rounds, len(values)))].mean(axis=1)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(values.mean()), float(low), float(high), len(values))


def jackknife(
    measure: Callable[[NDArray[np.int64]], Mapping[str, float]],
    count: int,
    *,
    blocks: int = 10,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> dict[str, Interval]:
    """Figures of a whole set with block jackknife intervals (Tukey 1958).

    `measure` takes the row numbers to use and returns figures by name. Distances between sets need the
    jackknife: the bootstrap draws rows twice, and such copies bias covariances and nearest neighbours.
    """
    order = np.random.default_rng(seed).permutation(count).astype(np.int64)
    parts = [part for part in np.array_split(order, min(blocks, count)) if len(part)]
    whole = measure(np.sort(order))
    left_out = [measure(np.setdiff1d(order, part)) for part in parts]
    found = {}
    for name, value in whole.items():
        values = np.array([figures[name] for figures in left_out])
        spread = np.sqrt((len(parts) - 1) / len(parts) * np.sum((values - values.mean()) ** 2))
        reach = NormalDist().inv_cdf(0.5 + confidence / 2) * float(spread)
        found[name] = Interval(value, value - reach, value + reach, count)
    return found
