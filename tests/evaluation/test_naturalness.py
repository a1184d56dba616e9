"""What DNSMOS is given to hear."""

from __future__ import annotations

import numpy as np

from voxlet.evaluation.metrics.naturalness import FEWEST_STRINGS, GAP_SECONDS, STRING_SECONDS, strings

RATE = 8000


def bursts(count: int, seconds: float) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.standard_normal(round(seconds * RATE)).astype(np.float32) for _ in range(count)]


def test_every_clip_is_heard():
    each = 2.0
    in_a_string = -(-STRING_SECONDS // (each + GAP_SECONDS))
    few, many = 5, 100
    assert len(strings(bursts(few, each), RATE)) == FEWEST_STRINGS
    assert len(strings(bursts(many, each), RATE)) == many / in_a_string > FEWEST_STRINGS
    assert len(strings(bursts(many, each), RATE, count=3)) == 3


def test_strings_last_nine_seconds_at_sixteen_kilohertz():
    assert {len(string) for string in strings(bursts(7, 0.4), RATE)} == {9 * 16_000}
