from __future__ import annotations

import numpy as np
import pytest

from voxlet.errors import ScoreError
from voxlet.evaluation import intervals

RNG = np.random.default_rng(0)


def test_wilson_interval_is_the_textbook_one():
    half = intervals.wilson(8, 10)
    assert (half.low, half.high) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert intervals.wilson(10, 10).high == 1.0
    assert intervals.wilson(0, 10).low == 0.0
    with pytest.raises(ScoreError):
        intervals.wilson(0, 0)


def test_bootstrap_agrees_with_the_normal_interval():
    interval = intervals.bootstrap(RNG.normal(3.0, 2.0, 1000))
    assert interval.value == pytest.approx(3.0, abs=0.2)
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * 2.0 / np.sqrt(1000), rel=0.1)


def test_jackknife_agrees_with_the_normal_interval():
    values = RNG.normal(0.0, 1.0, 1000)
    found = [
        intervals.jackknife(lambda rows: {"mean": float(values[rows].mean())}, 1000, seed=seed)["mean"]
        for seed in range(20)
    ]
    widths = [interval.high - interval.low for interval in found]
    assert np.mean(widths) == pytest.approx(2 * 1.96 / np.sqrt(1000), rel=0.15)


def test_an_exact_figure_has_no_width():
    assert intervals.exact(2.5, 7) == intervals.Interval(2.5, 2.5, 2.5, 7)


def test_a_mean_of_nothing():
    with pytest.raises(ScoreError, match="no values"):
        intervals.bootstrap(np.zeros(0))


def test_the_jackknife_of_a_constant_has_no_width():
    found = intervals.jackknife(lambda rows: {"x": 3.0}, 50)["x"]
    assert (found.value, found.low, found.high, found.count) == (3.0, 3.0, 3.0, 50)
