"""Confidence intervals by their definitions, and of so few values that the answers are known."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from messages import message
from voxlet.errors import ScoreError
from voxlet.evaluation.intervals import Interval, bootstrap, jackknife, wilson


@pytest.mark.parametrize(("right", "count"), [(1, 4), (3, 4), (50, 80)])
@pytest.mark.parametrize("confidence", [0.5, 0.95])
def test_wilsons_ends_are_the_shares_that_lie_so_many_deviations_away(right, count, confidence):
    found = wilson(right, count, confidence)
    assert (found.value, found.count) == (right / count, count)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    for end in (found.low, found.high):
        assert abs(found.value - end) == pytest.approx(z * math.sqrt(end * (1 - end) / count))
    assert found.low < found.value < found.high


def test_wilson_at_the_ends_and_by_default():
    assert wilson(3, 4) == wilson(3, 4, 0.95)
    assert (wilson(0, 7).low, wilson(0, 7).value) == (0, 0)
    assert (wilson(7, 7).high, wilson(7, 7).value) == (1, 1)
    assert wilson(1, 1).low == pytest.approx(1 / (1 + NormalDist().inv_cdf(0.975) ** 2))
    assert message(ScoreError, wilson, 0, 0) == "a share of no clips has no value"


def test_bootstrap_of_two_values():
    # The mean of two draws from 0 and 1 is 0, 1/2, 1/2 or 1.
    values = np.array([0.0, 1.0])
    assert bootstrap(values) == Interval(0.5, 0.0, 1.0, 2)
    assert bootstrap(values, confidence=0.4) == Interval(0.5, 0.5, 0.5, 2)
    one = bootstrap(values, rounds=1)
    assert one.low == one.high
    assert message(ScoreError, bootstrap, values[:0]) == "a mean of no values does not exist"


def test_bootstrap_is_that_of_its_seed():
    values = np.arange(20.0) ** 2
    assert bootstrap(values) == bootstrap(values, rounds=2000, confidence=0.95, seed=0)
    assert bootstrap(values) != bootstrap(values, seed=1)
    found = bootstrap(values, confidence=0.9)
    assert found.value == pytest.approx(123.5)
    reach = 1.645 * values.std() / math.sqrt(20)
    assert (found.low, found.high) == pytest.approx((123.5 - reach, 123.5 + reach), rel=0.06)


@pytest.mark.parametrize("confidence", [0.5, 0.95])
def test_jackknife_of_a_mean_is_its_standard_error(confidence):
    values = np.array([3.0, -1.0, 4.0, 1.0, -5.0, 9.0])

    def mean_and_count(rows: np.ndarray) -> dict[str, float]:
        assert rows.dtype == np.int64
        assert (np.diff(rows) > 0).all()
        return {"mean": values[rows].mean(), "count": len(rows)}

    found = jackknife(mean_and_count, 6, blocks=6, confidence=confidence)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    reach = z * values.std(ddof=1) / math.sqrt(6)
    mean = values.mean()
    assert found["mean"] == Interval(mean, pytest.approx(mean - reach), pytest.approx(mean + reach), 6)
    assert found["count"] == Interval(6, 6, 6, 6)


def test_jackknife_leaves_out_one_of_ten_blocks():
    seen: list[set[int]] = []

    def total(rows: np.ndarray) -> dict[str, float]:
        seen.append(set(rows.tolist()))
        return {"total": float(np.sum(rows**2))}

    first = jackknife(total, 25)
    everything, *left_out = seen
    assert everything == set(range(25))
    blocks = [everything - rows for rows in left_out]
    assert sorted(map(len, blocks)) == [2] * 5 + [3] * 5
    assert set().union(*blocks) == everything
    assert jackknife(total, 25, seed=0) == first == jackknife(total, 25, confidence=0.95)
    assert jackknife(total, 25, seed=1) != first
    seen.clear()
    jackknife(total, 4)
    assert len(seen) == 1 + 4  # no more blocks than clips
