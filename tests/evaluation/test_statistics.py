from __future__ import annotations

import numpy as np
import pytest

from voxlet.errors import ScoreError
from voxlet.evaluation.metrics import statistics

RNG = np.random.default_rng(0)
SHARP = np.log(np.eye(10) * (1 - 1e-9) + 1e-10)  # one clip of each label, sure of itself


def test_wilson_interval_is_the_textbook_one():
    half = statistics.wilson(8, 10)
    assert (half.low, half.high) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert statistics.wilson(10, 10).high == 1.0
    assert statistics.wilson(0, 10).low == 0.0
    with pytest.raises(ScoreError):
        statistics.wilson(0, 0)


def test_bootstrap_agrees_with_the_normal_interval():
    interval = statistics.bootstrap(RNG.normal(3.0, 2.0, 1000))
    assert interval.value == pytest.approx(3.0, abs=0.2)
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * 2.0 / np.sqrt(1000), rel=0.1)


def test_jackknife_agrees_with_the_normal_interval():
    values = RNG.normal(0.0, 1.0, 1000)
    intervals = [
        statistics.jackknife(lambda rows: {"mean": float(values[rows].mean())}, 1000, seed=seed)["mean"]
        for seed in range(20)
    ]
    widths = [interval.high - interval.low for interval in intervals]
    assert np.mean(widths) == pytest.approx(2 * 1.96 / np.sqrt(1000), rel=0.15)


def test_frechet_distance_of_two_gaussians_in_closed_form():
    # N(0, I) and N(m, diag(s^2)): |m|^2 + sum (1 - s)^2.
    shift, scale = np.array([1.0, -2.0, 0.5]), np.array([2.0, 0.5, 1.0])
    first = RNG.normal(size=(200_000, 3))
    second = RNG.normal(size=(200_000, 3)) * scale + shift
    expected = np.sum(shift**2) + np.sum((1 - scale) ** 2)
    assert statistics.frechet_distance(first, second) == pytest.approx(expected, rel=0.02)
    assert statistics.frechet_distance(first, first) == pytest.approx(0.0, abs=1e-9)


def test_frechet_distance_sees_a_rotated_covariance():
    # Same variances, opposite correlation: S1 S2 = (1 - r^2) I.
    r, rows = 0.8, RNG.normal(size=(200_000, 2))
    first = rows @ np.linalg.cholesky(np.array([[1, r], [r, 1]])).T
    second = rows @ np.linalg.cholesky(np.array([[1, -r], [-r, 1]])).T
    assert statistics.frechet_distance(first, second) == pytest.approx(4 - 4 * np.sqrt(1 - r * r), rel=0.02)


def test_frechet_extrapolation_removes_the_bias_of_small_sets():
    plain, extrapolated = [], []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        first, second = rng.normal(size=(300, 20)), rng.normal(size=(300, 20)) + 0.1
        plain.append(statistics.frechet_distance(first, second))
        extrapolated.append(statistics.frechet_extrapolated(first, second))
    truth = 20 * 0.1**2
    assert np.mean(plain) > 4 * truth
    assert abs(np.mean(extrapolated) - truth) < 0.25 * abs(np.mean(plain) - truth)


def test_inception_score_of_a_perfect_and_of_a_constant_generator():
    assert statistics.inception_score(SHARP) == pytest.approx(10.0, rel=1e-5)
    assert statistics.inception_score(np.repeat(SHARP[1:2], 10, axis=0)) == pytest.approx(1.0)
    assert statistics.inception_score(np.full((10, 10), np.log(0.1))) == pytest.approx(1.0)


def test_modified_inception_score_is_the_mean_over_pairs():
    p = RNG.dirichlet(np.ones(4), size=30)
    pairs = [np.sum(a * np.log(a / b)) for a in p for b in p]
    assert statistics.modified_inception_score(np.log(p)) == pytest.approx(np.exp(np.mean(pairs)))
    assert statistics.modified_inception_score(np.repeat(SHARP[:1], 9, axis=0)) == pytest.approx(1.0)


def test_am_score_of_a_perfect_and_of_a_constant_generator():
    even = np.full(10, 0.1)
    assert statistics.am_score(SHARP, even) == pytest.approx(0.0, abs=1e-6)
    assert statistics.am_score(np.full((10, 10), np.log(0.1)), even) == pytest.approx(np.log(10))
    assert statistics.am_score(np.repeat(SHARP[1:2], 10, axis=0), even) > 10


def test_manifolds_of_two_known_clouds():
    real = RNG.normal(size=(400, 3))
    same = statistics.manifolds(real, RNG.normal(size=(400, 3)))
    assert same.precision > 0.85
    assert same.recall > 0.85
    assert same.density == pytest.approx(1.0, abs=0.15)
    assert same.coverage == pytest.approx(1 - 0.5**statistics.NEIGHBOURS, abs=0.05)  # the paper's expectation
    apart = statistics.manifolds(real, real + 100)
    assert (apart.precision, apart.recall, apart.density, apart.coverage) == (0, 0, 0, 0)
    collapsed = statistics.manifolds(real, 0.05 * RNG.normal(size=(400, 3)))
    assert collapsed.precision > 0.95
    assert collapsed.recall < 0.05
    with pytest.raises(ScoreError, match="more than 5"):
        statistics.manifolds(real[:5], real)


def test_manifolds_equal_the_papers_own_code():
    prdc = pytest.importorskip("prdc")
    real, made = RNG.normal(size=(120, 4)), 0.8 * RNG.normal(size=(150, 4)) + 0.3
    theirs, ours = prdc.compute_prdc(real, made, nearest_k=5), statistics.manifolds(real, made)
    assert {name: pytest.approx(value) for name, value in theirs.items()} == vars(ours)


def test_confusion_counts_what_was_heard_for_what_was_asked():
    table = statistics.confusion(np.array([0, 0, 1]), np.array([0, 1, 1]), 2)
    assert table.tolist() == [[1, 1], [0, 1]]
