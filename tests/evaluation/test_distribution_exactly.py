"""Distances between sets, and scores of sets, of so few clips that the answers can be worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from messages import message
from voxlet.errors import ScoreError
from voxlet.evaluation.classifiers.prediction import Prediction
from voxlet.evaluation.metrics import distribution

LN2, LN9 = math.log(2), math.log(9)


def column(*values: float) -> np.ndarray:
    """Return one feature of several clips, (B, 1)."""
    return np.array(values, dtype=float)[:, None]


def test_frechet_distance_of_pairs():
    # Two values a and b have the mean (a + b) / 2 and the variance (a - b)^2 / 2.
    assert distribution.frechet_distance(column(0, 2), column(0, 2)) == pytest.approx(0, abs=1e-9)
    assert distribution.frechet_distance(column(0, 2), column(3, 5)) == pytest.approx(9)
    assert distribution.frechet_distance(column(0, 2), column(-3, 5)) == pytest.approx(9 / 2 * 4)
    assert distribution.frechet_distance(column(0, 2), column(1, 9)) == pytest.approx(16 + 18)


def test_frechet_distance_in_two_dimensions():
    across, along = np.array([[-1.0, 0.0], [1.0, 0.0]]), np.array([[0.0, -3.0], [0.0, 3.0]])
    # Variances (2, 0) and (0, 18): nothing is shared.
    assert distribution.frechet_distance(across, along) == pytest.approx(20)
    assert distribution.frechet_distance(across, along + 1) == pytest.approx(22)
    assert distribution.frechet_distance(across + np.array([5, 1]), along) == pytest.approx(46)


@pytest.mark.parametrize("sets", [(column(1), column(1, 2)), (column(1, 2), column(1))])
def test_one_clip_has_no_frechet_distance(sets):
    assert (
        message(ScoreError, distribution.frechet_distance, *sets)
        == "a Frechet distance needs two clips in each set"
    )


def test_extrapolation_leaves_a_distance_that_does_not_change():
    alike = np.ones((12, 2))
    assert distribution.frechet_extrapolated(alike, alike + np.array([3, 4])) == pytest.approx(25)


def test_extrapolation_takes_the_bias_of_few_clips_away():
    rng = np.random.default_rng(3)
    first, second = rng.normal(size=(400, 10)), rng.normal(size=(400, 10))
    plain = distribution.frechet_distance(first, second)
    found = distribution.frechet_extrapolated(first, second)
    assert found < 0.5 * plain  # the sets have the same distribution: all of it is bias
    assert found == distribution.frechet_extrapolated(first, second, points=8, seed=0)
    assert found != distribution.frechet_extrapolated(first, second, seed=1)
    assert found != distribution.frechet_extrapolated(first, second, points=3)


def test_distances_are_euclidean():
    found = distribution.distances(np.array([[0.0, 0.0], [3.0, 0.0]]), np.array([[3.0, 4.0], [0.0, 0.0]]))
    assert found.tolist() == [[5, 0], [4, 3]]
    assert not distribution.distances(column(0.1, 0.7), column(0.1, 0.7)).diagonal().any()


def test_manifolds_on_a_line():
    """Radii to the nearest neighbour: real 1, 1, 9, 50; generated 4.5, 1, 1, 24."""
    real, generated = column(0, 1, 10, -50), column(0.5, 5, 6, 30)
    found = distribution.feature_overlap(real, generated, k=1)
    assert (found.precision, found.recall, found.density, found.coverage) == (0.75, 0.75, 1.0, 0.75)


@pytest.mark.parametrize("k", [2, 5])
def test_manifolds_by_definition(k):
    rng = np.random.default_rng(k)
    real, generated = rng.normal(size=(9, 2)), rng.normal(0.5, 1.5, size=(7, 2))

    def reach(rows, row):
        return sorted(math.dist(row, other) for other in rows)[k]  # the first is its own, 0

    in_real = [[math.dist(r, g) < reach(real, r) for r in real] for g in generated]
    in_generated = [[math.dist(r, g) < reach(generated, g) for g in generated] for r in real]
    found = distribution.feature_overlap(real, generated, k=k)
    assert found.precision == pytest.approx(np.mean([any(row) for row in in_real]))
    assert found.recall == pytest.approx(np.mean([any(row) for row in in_generated]))
    assert found.density == pytest.approx(np.sum(in_real) / (k * 7))
    assert found.coverage == pytest.approx(np.mean(np.any(in_real, axis=0)))
    if k == distribution.NEIGHBOURS:
        assert distribution.feature_overlap(real, generated) == found


def test_manifolds_need_more_clips_than_neighbours():
    assert (
        message(ScoreError, distribution.feature_overlap, column(1, 2), column(1, 2, 3), 2)
        == "needs more than 2 clips in each set"
    )
    assert (
        message(ScoreError, distribution.feature_overlap, column(1, 2, 3), column(1, 2), 2)
        == "needs more than 2 clips in each set"
    )


CONFIDENT = np.log([[0.9, 0.1], [0.1, 0.9]])
ENTROPY = -0.9 * math.log(0.9) - 0.1 * math.log(0.1)


def test_inception_scores_of_two_confident_clips():
    assert distribution.inception_score(CONFIDENT) == pytest.approx(math.exp(LN2 - ENTROPY))
    assert distribution.inception_score(CONFIDENT[:1]) == pytest.approx(1)
    # Of four pairs two are of unlike clips: their divergence is 0.8 ln 9.
    assert distribution.modified_inception_score(CONFIDENT) == pytest.approx(math.exp(0.4 * LN9))
    # With a third clip of two labels the means over clips are 11/30 and 19/30.
    uneven = np.log([[0.9, 0.1], [0.1, 0.9], [0.1, 0.9]])
    pairs = [np.sum(np.exp(a) * (a - b)) for a in uneven for b in uneven]
    assert distribution.modified_inception_score(uneven) == pytest.approx(np.exp(np.mean(pairs)))
    never = np.log([[1.0, 1e-320], [1.0, 1e-320]])
    assert distribution.inception_score(never) == pytest.approx(1)


def test_am_score_of_two_confident_clips():
    assert distribution.am_score(CONFIDENT, np.array([0.5, 0.5])) == pytest.approx(ENTROPY)
    alike = 0.25 * math.log(0.25 / 0.9) + 0.75 * math.log(0.75 / 0.1)
    once = distribution.am_score(CONFIDENT[[0, 0, 0]], np.array([0.25, 0.75]))
    assert once == pytest.approx(ENTROPY + alike)
    uneven = 0.25 * math.log(0.5) + 0.75 * math.log(1.5)
    assert distribution.am_score(CONFIDENT, np.array([0.25, 0.75])) == pytest.approx(ENTROPY + uneven)
    assert distribution.am_score(CONFIDENT, np.array([1.0, 0.0])) == pytest.approx(ENTROPY + LN2)


def prediction(seed: int, count: int = 250, features: bool = True) -> Prediction:
    """Draw outputs that a classifier of two labels may have for clips."""
    rng = np.random.default_rng(seed)
    said = np.log(rng.dirichlet([1, 1], size=count))
    return Prediction(said, None, rng.normal(seed, 1, size=(count, 2)) if features else None)


def test_figures_of_a_set_are_its_metrics_against_the_real_clips():
    clips = {"in_corpus": prediction(1), "cross_corpus": prediction(2), "pocketsphinx": prediction(3)}
    real = {"in_corpus": prediction(4), "cross_corpus": prediction(5)}
    labels = np.array([0.3, 0.7])
    found = distribution.evaluate(clips, real, labels)
    expected = {}
    for kind in ("in_corpus", "cross_corpus"):
        pair = clips[kind].features, real[kind].features
        expected[f"{kind}.frechet_distance"] = distribution.frechet_distance(*pair)
        expected[f"{kind}.frechet_extrapolated"] = distribution.frechet_extrapolated(*pair)
    overlap = distribution.feature_overlap(real["in_corpus"].features, clips["in_corpus"].features)
    said = clips["in_corpus"].label_log_probabilities
    expected |= {f"in_corpus.{name}": value for name, value in vars(overlap).items()}
    expected |= {
        "in_corpus.inception_score": distribution.inception_score(said),
        "in_corpus.modified_inception_score": distribution.modified_inception_score(said),
        "in_corpus.am_score": distribution.am_score(said, labels),
    }
    assert {key.removeprefix("distribution."): value.value for key, value in found.items()} == expected


def test_intervals_of_a_set_are_those_of_a_seed():
    clips, labels = {"in_corpus": prediction(1)}, np.array([0.3, 0.7])
    key = "distribution.in_corpus.am_score"
    found, same, other = (
        distribution.evaluate(clips, clips, labels, same=True, **seed)[key]
        for seed in ({}, {"seed": 0}, {"seed": 1})
    )
    assert found == same
    assert (found.value, found.count) == (other.value, 250)
    assert found.low != other.low


def test_shares_have_intervals_of_shares():
    here, beside = {"in_corpus": prediction(1, count=60)}, {"in_corpus": prediction(3, count=60)}
    labels = np.array([0.5, 0.5])
    for sets in ((here, here), (here, beside)):
        found = distribution.evaluate(*sets, labels)
        for name in ("precision", "recall", "coverage"):
            ends = found[f"distribution.in_corpus.{name}"]
            assert 0 <= ends.low <= ends.value <= ends.high <= 1
    precision, recall = (found[f"distribution.in_corpus.{name}"] for name in ("precision", "recall"))
    assert 0 < precision.low < precision.value < precision.high < 1
    assert recall.low < recall.value < recall.high == 1


def test_few_clips_and_real_ones_have_fewer_figures():
    real, few = {"in_corpus": prediction(1)}, {"in_corpus": prediction(2, count=249)}
    labels = np.array([0.5, 0.5])
    key = "distribution.in_corpus.frechet_extrapolated"
    for sets in ((few, real), (real, few)):
        assert distribution.evaluate(*sets, labels)[key] == "not enough clips (needs 250)"
    assert list(distribution.evaluate(real, real, labels, same=True)) == [
        f"distribution.in_corpus.{name}"
        for name in ("inception_score", "modified_inception_score", "am_score")
    ]


def test_sets_that_classifiers_have_said_too_little_of():
    known, labels = {"in_corpus": prediction(1, count=20)}, np.array([0.5, 0.5])
    for sets in (({}, known), (known, {}), ({}, {})):
        assert message(ScoreError, distribution.evaluate, *sets, labels) == (
            "the distribution is measured with the in-corpus classifier, which is missing"
        )
    blind = {"in_corpus": prediction(1, count=20, features=False)}
    for sets in ((blind, known), (known, blind)):
        assert message(ScoreError, distribution.evaluate, *sets, labels) == (
            "this classifier has no features to measure distances on"
        )
