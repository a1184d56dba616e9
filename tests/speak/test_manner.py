"""Manner: what is asked for, in the order that a voice has it."""

from __future__ import annotations

import math

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
     ("speed", "fast"), ("clarity", math.inf)],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(name, value):
    with pytest.raises(ConfigError, match=f"^{name}: "):
        Manner(**{name: value})


def test_metadata_tell_what_is_not_as_usual():
    assert PLAIN.metadata == {}
    assert Manner(speed=1.2).metadata == {"speed": 1.2}
