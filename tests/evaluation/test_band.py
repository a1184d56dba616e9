"""Bandwidth of signals with known answers: noise, tones, and the same without the upper band."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from voxlet import audio
from voxlet.evaluation.clipset import ClipSet
from voxlet.evaluation.intervals import Interval
from voxlet.evaluation.metrics import band

RATE = 16_000


def noises(count: int, rate: int = RATE, seed: int = 0) -> ClipSet:
    """Return clips of half a second of white noise, with two labels in turn."""
    rng = np.random.default_rng(seed)
    sounds = tuple(0.1 * rng.standard_normal(rate // 2).astype(np.float32) for _ in range(count))
    labels, nobody = np.arange(count) % 2, np.full(count, -1)
    return ClipSet("noise", sounds, rate, labels, ("a", "b"), nobody, (), ("",) * count)


def telephone(clips: ClipSet) -> ClipSet:
    """Return the clips with nothing above 4 kHz, at the same rate, as of an upsampled telephone voice."""
    sounds = (audio.resample(sound, RATE, 8000) for sound in clips.sounds)
    return replace(clips, sounds=tuple(audio.resample(sound, 8000, RATE) for sound in sounds))


def tone(frequency: float) -> np.ndarray:
    return np.sin(2 * np.pi * frequency * np.arange(RATE // 2) / RATE).astype(np.float32)


def test_half_the_energy_of_white_noise_lies_above_4_khz():
    found = band.evaluate(noises(20), noises(20, seed=1))
    assert found[band.ABOVE].value == pytest.approx(10 * np.log10(0.5), abs=0.1)


def test_of_two_tones_one_lies_above_4_khz():
    assert band.above_telephone(tone(1000) + 0.1 * tone(5000), RATE) == pytest.approx(-20.04, abs=0.05)
    assert band.above_telephone(tone(1000), RATE) < -60
    assert band.above_telephone(tone(5000), RATE) == pytest.approx(0, abs=0.01)


def test_a_third_octave_of_white_noise_has_one_decibel_more_than_the_one_below():
    found = band.evaluate(noises(60), noises(20, seed=1))[band.LEVEL]
    levels = np.array([value.value for value in found.values()])[6:]  # the lowest hold few bins
    assert list(found)[-1] == "6,310 Hz"
    assert np.diff(levels) == pytest.approx(1.0, abs=0.35)
    # A third octave around 6.3 kHz is 1,459 Hz wide, of 8,000.
    assert levels[-1] == pytest.approx(10 * np.log10(1459 / 8000), abs=0.1)


def test_a_tone_is_in_its_third_octave_alone():
    borders = band.edges(RATE)
    levels = band.third_octaves(tone(2000), RATE, borders)
    assert band.names_of(borders)[levels.argmax()] == "1,995 Hz"
    assert levels.max() == pytest.approx(0, abs=0.05)


def test_an_upsampled_telephone_voice_is_found_out():
    train, wide = noises(40), noises(40, seed=1)
    narrow = telephone(wide)
    same, cut = (band.evaluate(clips, train) for clips in (wide, narrow))
    assert cut[band.ABOVE].value < -25
    assert max(value.value for value in same[band.DISTANCE].values()) < 0.5
    assert cut[band.DISTANCE]["4 to 7 kHz"].value > 20
    # What lies below is 3 dB more of the whole, and not otherwise different.
    assert cut[band.DISTANCE]["1 to 2 kHz"].value == pytest.approx(3, abs=0.5)


def test_clips_at_8_khz_have_no_upper_band_and_are_compared_in_what_they_have():
    found = band.evaluate(noises(20, rate=8000), noises(20, seed=1))
    assert found[band.ABOVE] == "clips at 8,000 Hz have nothing above 4 kHz"
    assert set(found[band.DISTANCE]) == {"below 1 kHz", "1 to 2 kHz", "2 to 4 kHz"}
    assert list(found[band.LEVEL])[-1] == "3,162 Hz"


def test_a_label_that_training_lacks_does_not_count():
    train = noises(20)
    train = train.take(train.labels == 0)
    found = band.evaluate(noises(20, seed=1), train)[band.DISTANCE]
    assert all(isinstance(value, Interval) and np.isfinite(value.value) for value in found.values())
