"""Measures as pure functions on arrays: each with its formula, its paper and a known answer in the tests.

Shapes: B clips, C labels, D features. Probabilities come as natural logarithms.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from voxlet.errors import ScoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Reals = NDArray[np.float64]
    Integers = NDArray[np.int64]

CONFIDENCE = 0.95
NEIGHBOURS = 5  # k of precision, recall, density and coverage, as their paper recommends


@dataclass(frozen=True)
class Interval:
    """An estimate, the ends of its 95 % confidence interval, and how many clips it rests on."""

    value: float
    low: float
    high: float
    count: int


def wilson(successes: int, count: int, confidence: float = CONFIDENCE) -> Interval:
    """A share and Wilson's score interval (1927), which stays sensible at 0 and at 1.

    Raises:
        ScoreError: `count` is 0.
    """
    if count <= 0:
        raise ScoreError("a share of no clips has no value")
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = successes / count
    centre = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    # At the ends rounding must not put the estimate outside its own interval.
    return Interval(share, min(share, max(0.0, centre - half)), max(share, min(1.0, centre + half)), count)


def bootstrap(
    values: Reals, *, rounds: int = 2000, confidence: float = CONFIDENCE, seed: int = 0
) -> Interval:
    """Mean of (B,) values with the percentile bootstrap's interval (Efron 1979).

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
    measure: Callable[[Integers], Mapping[str, float]],
    count: int,
    *,
    blocks: int = 10,
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> dict[str, Interval]:
    """Measures of a whole set with the block jackknife's interval (Tukey 1958).

    `measure` takes the row numbers to use and names its figures. Distances between sets need this instead of
    the bootstrap: drawing rows twice puts copies in a set, which biases covariances and nearest neighbours.
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


def confusion(asked: Integers, heard: Integers, labels: int) -> Integers:
    """Counts (C, C): row what was asked for, column what was heard."""
    table = np.zeros((labels, labels), np.int64)
    np.add.at(table, (asked, heard), 1)
    return table


def frechet_distance(first: Reals, second: Reals) -> float:
    """Squared Frechet distance of the Gaussians fitted to two sets of features, (B, D) each.

    |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)) (Dowson & Landau 1982; Heusel et al. 2017). The trace of the
    root is taken from the eigenvalues of S1^(1/2) S2 S1^(1/2), which is symmetric and has the same ones.

    Raises:
        ScoreError: A set has fewer than two clips.
    """
    if min(len(first), len(second)) < 2:
        raise ScoreError("a Frechet distance needs two clips in each set")
    gap = first.mean(axis=0) - second.mean(axis=0)
    one = np.atleast_2d(np.cov(first, rowvar=False))
    two = np.atleast_2d(np.cov(second, rowvar=False))
    values, vectors = np.linalg.eigh(one)
    root = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    shared = np.sqrt(np.linalg.eigvalsh(root @ two @ root).clip(min=0)).sum()
    return float(gap @ gap + np.trace(one) + np.trace(two) - 2 * shared)


def frechet_extrapolated(first: Reals, second: Reals, *, points: int = 8, seed: int = 0) -> float:
    """The Frechet distance that infinitely many clips would have (Chong & Forsyth 2020).

    Its bias falls as one over the number of clips, once there are several for each dimension. So it is taken
    at several shares of both sets, from a half to all, and a line in 1 / share is carried on to 0. It can
    come out slightly negative for two sets of one kind.
    """
    rng = np.random.default_rng(seed)
    shares = 1 / np.linspace(1.0, 2.0, points)
    distances = []
    for share in shares:
        rounds = 1 if share == 1 else 6
        drawn = [
            frechet_distance(
                *(
                    rows[rng.permutation(len(rows))[: max(2, round(share * len(rows)))]]
                    for rows in (first, second)
                )
            )
            for _ in range(rounds)
        ]
        distances.append(np.mean(drawn))
    slope, at_one = np.polyfit(1 / shares - 1, distances, 1)
    return float(at_one - slope)


def inception_score(log_probabilities: Reals) -> float:
    """exp of the mean KL(p(y|x) || p(y)) over clips (B, C): 1 at worst, C at best (Salimans et al. 2016)."""
    p = np.exp(log_probabilities)
    marginal = p.mean(axis=0)
    divergence = np.sum(p * (log_probabilities - np.log(np.maximum(marginal, 1e-300))), axis=1)
    return float(np.exp(divergence.mean()))


def modified_inception_score(log_probabilities: Reals) -> float:
    """exp of the mean KL(p(y|x) || p(y|x')) over all pairs of clips (Gurumurthy et al. 2017).

    The mean over pairs separates into means over clips: E sum p log p - sum E[p] E[log p].
    """
    p = np.exp(log_probabilities)
    own = np.sum(p * log_probabilities, axis=1).mean()
    return float(np.exp(own - p.mean(axis=0) @ log_probabilities.mean(axis=0)))


def am_score(log_probabilities: Reals, reference: Reals) -> float:
    """KL(p(y) of the real set || mean p(y|x)) + mean entropy of p(y|x): 0 is best (Zhou et al. 2017).

    `reference` (C,) is the real set's distribution of labels.
    """
    p = np.exp(log_probabilities)
    marginal = np.maximum(p.mean(axis=0), 1e-300)
    used = reference > 0
    divergence = np.sum(reference[used] * np.log(reference[used] / marginal[used]))
    return float(divergence - np.sum(p * log_probabilities, axis=1).mean())


def distances(first: Reals, second: Reals) -> Reals:
    """Euclidean distances (B1, B2) between two sets of features."""
    squares = (first**2).sum(axis=1)[:, None] + (second**2).sum(axis=1)[None] - 2 * first @ second.T
    return np.asarray(np.sqrt(np.maximum(squares, 0)), dtype=np.float64)


@dataclass(frozen=True)
class Manifolds:
    """How two clouds of features overlap (Kynkaanniemi et al. 2019; Naeem et al. 2020)."""

    precision: float  # share of made clips within a real clip's neighbourhood
    recall: float  # share of real clips within a made clip's neighbourhood
    density: float  # real neighbourhoods around a made clip, over k
    coverage: float  # share of real neighbourhoods with a made clip in them


def manifolds(real: Reals, made: Reals, k: int = NEIGHBOURS) -> Manifolds:
    """Precision, recall, density and coverage of `made` (B1, D) against `real` (B2, D).

    A clip's neighbourhood is the ball that reaches to its k-th nearest in its own set.

    Raises:
        ScoreError: A set has no more than k clips.
    """
    if min(len(real), len(made)) <= k:
        raise ScoreError(f"needs more than {k} clips in each set")

    def radii(rows: Reals) -> Reals:
        # Index k, not k - 1: the nearest is the clip itself, at 0.
        return np.asarray(np.partition(distances(rows, rows), k, axis=1)[:, k], dtype=np.float64)

    between = distances(real, made)
    inside_real = between < radii(real)[:, None]
    inside_made = between < radii(made)[None]
    return Manifolds(
        precision=float(inside_real.any(axis=0).mean()),
        recall=float(inside_made.any(axis=1).mean()),
        density=float(inside_real.sum(axis=0).mean() / k),
        coverage=float(inside_real.any(axis=1).mean()),
    )
