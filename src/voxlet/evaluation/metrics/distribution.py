"""Distances of a set as a whole to real clips: Fréchet distances, overlap of features, inception scores.

Shapes: B clips, C labels, D features. Probabilities are given as natural logarithms.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from voxlet.errors import ScoreError
from voxlet.evaluation.intervals import Interval, jackknife
from voxlet.evaluation.metric import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from voxlet.evaluation.classifiers.prediction import Prediction
    from voxlet.evaluation.metric import ByName, ClassifierKind, Figures, Value

    Reals = NDArray[np.float64]
    Integers = NDArray[np.int64]

NEIGHBOURS = 5  # k of precision, recall, density and coverage, as their paper recommends
OWN: ClassifierKind = "in_corpus"  # the classifier whose labels and features are used where one is enough
FEATURES: tuple[ClassifierKind, ...] = (
    "in_corpus",
    "cross_corpus",
)  # classifiers whose features are used to compare sets
SHARES = tuple(f"distribution.{OWN}.{name}" for name in ("precision", "recall", "coverage"))


def frechet_distance(first: Reals, second: Reals) -> float:
    """Squared Frechet distance between the Gaussians fitted to two sets of features, (B, D) each.

    |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)) (Dowson & Landau 1982; Heusel et al. 2017). The trace of the
    root is computed from the eigenvalues of S1^(1/2) S2 S1^(1/2), which is symmetric and has those of S1 S2.

    Raises:
        ScoreError: A set has fewer than two clips.
    """
    if min(len(first), len(second)) < 2:
        raise ScoreError("a Frechet distance needs two clips in each set")
    one = np.atleast_2d(np.cov(first, rowvar=False))
    two = np.atleast_2d(np.cov(second, rowvar=False))
    return frechet_of_moments(first.mean(axis=0), one, second.mean(axis=0), two)


def frechet_of_moments(mean: Reals, covariance: Reals, other_mean: Reals, other_covariance: Reals) -> float:
    """Squared Frechet distance between two Gaussians with these means (D,) and covariances (D, D)."""
    gap = mean - other_mean
    values, vectors = np.linalg.eigh(covariance)
    root = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    shared = np.sqrt(np.linalg.eigvalsh(root @ other_covariance @ root).clip(min=0)).sum()
    return float(gap @ gap + np.trace(covariance) + np.trace(other_covariance) - 2 * shared)


def frechet_extrapolated(first: Reals, second: Reals, *, points: int = 8, seed: int = 0) -> float:
    """Frechet distance extrapolated to infinitely many clips (Chong & Forsyth 2020).

    The bias of the distance is inversely proportional to the number of clips, once there are several for each
    dimension. So the distance is computed for several shares of both sets, from a half to all, and a line in
    1 / share is extrapolated to 0. For two sets from one distribution, the result can be slightly negative.
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
class FeatureOverlap:
    """Overlap of two sets of features (Kynkaanniemi et al. 2019; Naeem et al. 2020)."""

    precision: float  # share of generated clips within a real clip's neighbourhood
    recall: float  # share of real clips within a generated clip's neighbourhood
    density: float  # mean number of real neighbourhoods that a generated clip is in, over k
    coverage: float  # share of real neighbourhoods with a generated clip in them


def feature_overlap(real: Reals, generated: Reals, k: int = NEIGHBOURS) -> FeatureOverlap:
    """Precision, recall, density and coverage of `generated` (B1, D) against `real` (B2, D).

    A clip's neighbourhood is the ball around it that reaches to its k-th nearest neighbour in its own set.

    Raises:
        ScoreError: A set has no more than k clips.
    """
    if min(len(real), len(generated)) <= k:
        raise ScoreError(f"needs more than {k} clips in each set")

    def radii(rows: Reals) -> Reals:
        # Index k, not k - 1: the nearest is the clip itself, at 0.
        return np.asarray(np.partition(distances(rows, rows), k, axis=1)[:, k], dtype=np.float64)

    between = distances(real, generated)
    inside_real = between < radii(real)[:, None]
    inside_generated = between < radii(generated)[None]
    return FeatureOverlap(
        precision=float(inside_real.any(axis=0).mean()),
        recall=float(inside_generated.any(axis=1).mean()),
        density=float(inside_real.sum(axis=0).mean() / k),
        coverage=float(inside_real.any(axis=1).mean()),
    )


def evaluate(
    clips: Mapping[ClassifierKind, Prediction],
    real: Mapping[ClassifierKind, Prediction],
    labels: Reals,
    *,
    same: bool = False,
    seed: int = 0,
) -> Figures:
    """All metrics of a set of clips against the real test clips, with block jackknife intervals.

    Args:
        clips: Predictions of classifiers for the set; `in_corpus` must be among them.
        real: Predictions of the same classifiers for the real test clips.
        labels: Distribution of labels in the real training clips, (C,).
        same: Whether the set is the real test clips themselves, so that no distance is measured.
        seed: Seed of the jackknife's blocks and of the extrapolation.

    Raises:
        ScoreError: A classifier has no features, or a set is too small.
    """
    validate(clips, real)
    compared = [] if same else [kind for kind in FEATURES if kind in clips]
    said = clips[OWN].label_log_probabilities
    ours = {kind: features_of(clips[kind]) for kind in compared}
    theirs = {kind: features_of(real[kind]) for kind in compared}
    fewest = min(len(said), len(real[OWN].label_log_probabilities))

    def figures(rows: Integers) -> dict[str, float]:
        found = {}
        for kind in compared:
            some, key = ours[kind][rows], f"distribution.{kind}.frechet_"
            found[f"{key}distance"] = frechet_distance(some, theirs[kind])
            if fewest >= CATALOGUE[f"{key}extrapolated"].needs:
                found[f"{key}extrapolated"] = frechet_extrapolated(some, theirs[kind], seed=seed)
            if kind == OWN:
                overlap = vars(feature_overlap(theirs[kind], some))
                found |= {f"distribution.{OWN}.{name}": value for name, value in overlap.items()}
        found[f"distribution.{OWN}.inception_score"] = inception_score(said[rows])
        found[f"distribution.{OWN}.modified_inception_score"] = modified_inception_score(said[rows])
        found[f"distribution.{OWN}.am_score"] = am_score(said[rows], labels)
        return found

    found: Figures = {**jackknife(figures, len(said), seed=seed)}
    for kind in compared:
        key = f"distribution.{kind}.frechet_extrapolated"
        found.setdefault(key, f"not enough clips (needs {CATALOGUE[key].needs})")
    return found | {key: within_shares(found[key]) for key in SHARES if key in found}


def within_shares(value: Value | ByName) -> Value | ByName:
    """The interval of a share, clipped to [0, 1], which jackknife intervals may exceed."""
    if not isinstance(value, Interval):
        return value
    return replace(value, low=max(0.0, value.low), high=min(1.0, value.high))


def validate(clips: Mapping[ClassifierKind, Prediction], real: Mapping[ClassifierKind, Prediction]) -> None:
    """Check that both sets were classified by the in-corpus classifier.

    Raises:
        ScoreError: A set was not.
    """
    if OWN not in clips or OWN not in real:
        raise ScoreError("the distribution is measured with the in-corpus classifier, which is missing")


def features_of(prediction: Prediction) -> Reals:
    """The features (B, D) of a prediction.

    Raises:
        ScoreError: The classifier has none.
    """
    if prediction.features is None:
        raise ScoreError("this classifier has no features to measure distances on")
    return prediction.features
