"""Manner: the requested attributes in the order of the voice's."""

from __future__ import annotations

import math

import numpy as np
import pytest

from voxlet.errors import ConfigError, VoiceError
from voxlet.speak.manner import PLAIN, Manner


def test_wishes_stand_in_the_voices_order():
    wishes = Manner(speed=2.0, pitch=-3.0, clarity=0.25).wishes(("clarity", "speed", "pitch"), "v")
    assert wishes.dtype == "float32"
    assert wishes.tolist() == pytest.approx([0.25, math.log(2), -3.0])


def test_a_voice_that_has_learned_nothing_speaks_plainly_only():
    assert len(PLAIN.wishes((), "v")) == 0
    with pytest.raises(VoiceError, match=r"^v: has not learned pitch; leave pitch at 0$"):
        Manner(pitch=1.0).wishes(("speed",), "v")


@pytest.mark.parametrize(
    ("name", "value"),
    [("speed", 0.49), ("speed", 2.1), ("speed", math.nan), ("pitch", 13), ("clarity", -0.1), ("pitch", True),
     ("speed", "fast"), ("clarity", math.inf), ("variation", -1), ("variation", 2.5), ("variation", None)],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(name, value):
    with pytest.raises(ConfigError, match=f"^{name}: "):
        Manner(**{name: value})


def test_metadata_tell_what_is_not_as_usual():
    assert PLAIN.metadata == {}
    assert Manner(speed=1.2).metadata == {"speed": 1.2}


SPREADS = {"speed": 0.2, "pitch": 1.5}


def test_takes_differ_as_far_as_is_said():
    drawn = np.random.default_rng(0).standard_normal((4000, 2))
    takes = [Manner(clarity=0.5).of_take(SPREADS, one) for one in drawn]
    speeds, pitches = np.log([one.speed for one in takes]), np.array([one.pitch for one in takes])
    assert (np.median(speeds), np.median(pitches)) == pytest.approx((0, 0), abs=0.05)
    assert (speeds.std(), pitches.std()) == pytest.approx((0.2, 1.5), rel=0.06)
    assert np.abs(speeds).max() <= 0.4 + 1e-9  # two standard deviations
    assert {one.variation for one in takes} == {0.0}
    assert {one.clarity for one in takes} == {0.5}


def test_what_is_asked_for_is_said_so():
    take = (1.0, -1.0)
    assert Manner(speed=1.2).of_take(SPREADS, take) == Manner(speed=1.2, pitch=-1.5, variation=0.0)
    fast = Manner(speed=math.exp(0.2), pitch=2.0, variation=0.0)
    assert Manner(pitch=2.0).of_take(SPREADS, take) == fast
    assert fast.of_take(SPREADS, take) == fast
    assert Manner(variation=0.0).of_take(SPREADS, take) == Manner(variation=0.0)
    assert PLAIN.of_take({}, take) == Manner(variation=0.0)


def test_takes_may_differ_twice_as_much_within_the_bounds():
    once, twice = (Manner(variation=v).of_take(SPREADS, (1.0, 1.0)) for v in (1.0, 2.0))
    assert twice.pitch == pytest.approx(2 * once.pitch) == 3.0
    most, least = (Manner(variation=2.0).of_take({"speed": 0.5, "pitch": 6.0}, (z, z)) for z in (9, -9))
    assert (most.speed, most.pitch, least.speed, least.pitch) == (2.0, 12.0, 0.5, -12.0)
    assert Manner(variation=0.5).metadata == {"variation": 0.5}
