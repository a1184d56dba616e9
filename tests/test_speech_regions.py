"""Where in a clip the word is: noise, hum, clicks, silent closures."""

from __future__ import annotations

import numpy as np
import pytest

from voxlet import speech_regions


def burst(rate, start, stop, level, kind="tone"):
    """A second of silence with a tone or a hiss in it."""
    samples = np.zeros(rate)
    time = np.arange(stop - start) / rate
    rng = np.random.default_rng(start)
    samples[start:stop] = level * (
        np.sin(2 * np.pi * 700 * time) if kind == "tone" else rng.standard_normal(len(time))
    )
    return samples


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
@pytest.mark.parametrize("noise_db", [-90, -60, -40, -30])
def test_the_word_is_found_above_the_noise(rate, noise_db):
    rng = np.random.default_rng(0)
    start, stop = round(0.3 * rate), round(0.7 * rate)
    noise = 10 ** ((noise_db - 3) / 20) * rng.standard_normal(rate)
    found = speech_regions.speech_bounds((burst(rate, start, stop, 0.7) + noise).astype(np.float32), rate)
    assert found == pytest.approx((start, stop), abs=0.031 * rate)


def test_hum_and_offset_do_not_hide_the_word():
    rate = 16000
    time = np.arange(rate) / rate
    samples = burst(rate, 5000, 11000, 0.1) + 0.3 + 0.1 * np.sin(2 * np.pi * 50 * time)
    assert speech_regions.speech_bounds(samples.astype(np.float32), rate) == pytest.approx(
        (5000, 11000), abs=500
    )


def test_a_click_is_no_word_and_a_final_t_is_part_of_it():
    rate = 16000
    samples = burst(rate, 6000, 9000, 0.3) + burst(rate, 10500, 11000, 0.02, "hiss")
    samples[800:850] = 0.9
    assert speech_regions.speech_bounds(samples.astype(np.float32), rate) == pytest.approx(
        (6000, 11000), abs=500
    )


@pytest.mark.parametrize("count", [1, 5, 79, 81, 1000])
def test_bounds_of_anything_are_within_it(count):
    rng = np.random.default_rng(count)
    for samples in (np.zeros(count), np.ones(count), rng.standard_normal(count)):
        start, stop = speech_regions.speech_bounds(samples.astype(np.float32), 8000)
        assert 0 <= start < stop <= count


def test_levels_of_frames():
    rate = 8000
    samples = np.concatenate([np.zeros(80), 0.5 * np.ones(80), 0.25 * np.ones(40)]).astype(np.float32)
    levels = speech_regions.frame_levels(samples, rate)
    np.testing.assert_allclose(levels, [-120, 20 * np.log10(0.5), 20 * np.log10(0.25)], atol=1e-6)


@pytest.mark.parametrize(("hz", "decibels"), [(30, -48.6), (120, -15.6), (500, -3.0), (3000, -0.1)])
def test_the_emphasis_is_a_filter_of_known_response(hz, decibels):
    """Butterworth responses: second order at 120 Hz, first order at 500 Hz."""
    rate = 16_384
    tone = np.sin(2 * np.pi * hz * np.arange(rate) / rate).astype(np.float32)
    emphasised = speech_regions.emphasise_speech(tone, rate)
    level = 10 * np.log10(np.mean(emphasised**2) / np.mean(tone**2))
    assert level == pytest.approx(decibels, abs=0.1)
    assert np.argmax(np.correlate(emphasised[:2000], tone[:2000], "full")) == 1999  # no delay


def test_trimming_keeps_a_margin():
    rate = 8000
    samples = burst(rate, 2400, 5600, 0.5).astype(np.float32)
    bare, wide = (speech_regions.trim(samples, rate, margin=margin) for margin in (0.0, 0.05))
    assert len(wide) - len(bare) == 2 * round(0.05 * rate)
    assert len(bare) == pytest.approx(3200, abs=160)
    np.testing.assert_array_equal(wide[400:-400], bare)
    assert len(speech_regions.trim(samples, rate, margin=9.0)) == rate
