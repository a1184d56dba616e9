from __future__ import annotations

import numpy as np
import pytest

from voxlet.errors import ScoreError
from voxlet.evaluation.classifiers.prediction import Prediction
from voxlet.evaluation.metrics import distribution

RNG = np.random.default_rng(0)
SHARP = np.log(np.eye(10) * (1 - 1e-9) + 1e-10)  # one clip of each label, sure of itself


def test_frechet_distance_of_two_gaussians_in_closed_form():
    # N(0, I) and N(m, diag(s^2)): |m|^2 + sum (1 - s)^2.
    shift, scale = np.array([1.0, -2.0, 0.5]), np.array([2.0, 0.5, 1.0])
    first = RNG.normal(size=(200_000, 3))
    second = RNG.normal(size=(200_000, 3)) * scale + shift
    expected = np.sum(shift**2) + np.sum((1 - scale) ** 2)
    assert distribution.frechet_distance(first, second) == pytest.approx(expected, rel=0.02)
    assert distribution.frechet_distance(first, first) == pytest.approx(0.0, abs=1e-9)


def test_frechet_distance_sees_a_rotated_covariance():
    # Same variances, opposite correlation: S1 S2 = (1 - r^2) I.
    r, rows = 0.8, RNG.normal(size=(200_000, 2))
    first = rows @ np.linalg.cholesky(np.array([[1, r], [r, 1]])).T
    second = rows @ np.linalg.cholesky(np.array([[1, -r], [-r, 1]])).T
    assert distribution.frechet_distance(first, second) == pytest.approx(4 - 4 * np.sqrt(1 - r * r), rel=0.02)


def test_frechet_extrapolation_removes_the_bias_of_small_sets():
    plain, extrapolated = [], []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        first, second = rng.normal(size=(300, 20)), rng.normal(size=(300, 20)) + 0.1
        plain.append(distribution.frechet_distance(first, second))
        extrapolated.append(distribution.frechet_extrapolated(first, second))
    truth = 20 * 0.1**2
    assert np.mean(plain) > 4 * truth
    assert abs(np.mean(extrapolated) - truth) < 0.25 * abs(np.mean(plain) - truth)


def test_inception_score_of_a_perfect_and_of_a_constant_generator():
    assert distribution.inception_score(SHARP) == pytest.approx(10.0, rel=1e-5)
    assert distribution.inception_score(np.repeat(SHARP[1:2], 10, axis=0)) == pytest.approx(1.0)
    assert distribution.inception_score(np.full((10, 10), np.log(0.1))) == pytest.approx(1.0)


def test_modified_inception_score_is_the_mean_over_pairs():
    p = RNG.dirichlet(np.ones(4), size=30)
    pairs = [np.sum(a * np.log(a / b)) for a in p for b in p]
    assert distribution.modified_inception_score(np.log(p)) == pytest.approx(np.exp(np.mean(pairs)))
    assert distribution.modified_inception_score(np.repeat(SHARP[:1], 9, axis=0)) == pytest.approx(1.0)


def test_am_score_of_a_perfect_and_of_a_constant_generator():
    even = np.full(10, 0.1)
    assert distribution.am_score(SHARP, even) == pytest.approx(0.0, abs=1e-6)
    assert distribution.am_score(np.full((10, 10), np.log(0.1)), even) == pytest.approx(np.log(10))
    assert distribution.am_score(np.repeat(SHARP[1:2], 10, axis=0), even) > 10


def test_manifolds_of_two_known_clouds():
    real = RNG.normal(size=(400, 3))
    same = distribution.feature_overlap(real, RNG.normal(size=(400, 3)))
    assert same.precision > 0.85
    assert same.recall > 0.85
    assert same.density == pytest.approx(1.0, abs=0.15)
    assert same.coverage == pytest.approx(
        1 - 0.5**distribution.NEIGHBOURS, abs=0.05
    )  # the paper's expectation
    apart = distribution.feature_overlap(real, real + 100)
    assert (apart.precision, apart.recall, apart.density, apart.coverage) == (0, 0, 0, 0)
    collapsed = distribution.feature_overlap(real, 0.05 * RNG.normal(size=(400, 3)))
    assert collapsed.precision > 0.95
    assert collapsed.recall < 0.05
    with pytest.raises(ScoreError, match="more than 5"):
        distribution.feature_overlap(real[:5], real)


def test_manifolds_of_points_on_a_line():
    """By hand, with one neighbour: real 0, 1, 3 have radii 1, 1, 2; generated 0.5, 1.5, 10 have 1, 1, 8.5."""
    real, generated = (np.array(points)[:, None] for points in ([0.0, 1.0, 3.0], [0.5, 1.5, 10.0]))
    found = distribution.feature_overlap(real, generated, k=1)
    assert found.precision == pytest.approx(2 / 3)  # 0.5 is near 0 and 1; 1.5 near 1 and 3; 10 near none
    assert found.density == pytest.approx(4 / 3)
    assert found.coverage == pytest.approx(1)  # 0 and 1 cover 0.5, 3 covers 1.5
    assert found.recall == pytest.approx(1)  # 0 near 0.5, 1 near both, 3 within 8.5 of 10


def test_manifolds_of_corners():
    """A square and its centre: the centre lies in every corner's ball, and every corner in the centre's."""
    square = np.array([[0.0, 0.0], [0.0, 2.0], [2.0, 0.0], [2.0, 2.0]])
    centres = np.array([[1.0, 1.0], [1.0, 1.1], [9.0, 9.0]])
    found = distribution.feature_overlap(square, centres, k=1)
    assert found.precision == pytest.approx(2 / 3)
    assert found.density == pytest.approx(8 / 3)
    assert found.coverage == 1
    assert found.recall == 0.25  # the far point's ball reaches the nearest corner; the centres' are 0.1 wide


def said(labels, features):
    rows = np.full((len(labels), 2), 0.01)
    rows[np.arange(len(labels)), labels] = 0.99
    return Prediction(np.log(rows), None, features)


def test_a_set_beside_itself_and_a_collapsed_one():
    labels = np.arange(300) % 2
    features = RNG.normal(size=(300, 3)) + 4 * labels[:, None]
    real = {"in_corpus": said(labels, features)}
    same = distribution.evaluate(real, real, np.array([0.5, 0.5]))
    assert same["distribution.in_corpus.frechet_distance"].value == pytest.approx(0, abs=1e-9)
    assert same["distribution.in_corpus.precision"].value == 1
    assert same["distribution.in_corpus.inception_score"].value == pytest.approx(1.89, abs=0.01)
    stuck = {"in_corpus": said(np.zeros(300, np.int64), np.repeat(features[:1], 300, axis=0))}
    found = distribution.evaluate(stuck, real, np.array([0.5, 0.5]))
    assert found["distribution.in_corpus.inception_score"].value == pytest.approx(1)
    assert found["distribution.in_corpus.recall"].value == 0
    assert found["distribution.in_corpus.frechet_distance"].value > 4


def test_real_clips_have_no_distance_to_themselves_and_few_clips_no_extrapolation():
    labels = np.arange(120) % 2
    real = {"in_corpus": said(labels, RNG.normal(size=(120, 3)))}
    themselves = distribution.evaluate(real, real, np.array([0.5, 0.5]), same=True)
    assert {key.rpartition(".")[2] for key in themselves} == {
        "inception_score", "modified_inception_score", "am_score",
    }  # fmt: skip
    found = distribution.evaluate(real, real, np.array([0.5, 0.5]))
    assert found["distribution.in_corpus.frechet_extrapolated"] == "not enough clips (needs 250)"
    with pytest.raises(ScoreError, match="in-corpus classifier"):
        distribution.evaluate({}, real, np.array([0.5, 0.5]))
