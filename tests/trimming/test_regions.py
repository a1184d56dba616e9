"""Finding speech in clips where its position is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxlet.audio import fade
from voxlet.trimming.hum import without_hum
from voxlet.trimming.regions import find_speech, frame_levels, speech_bounds, speech_rms, trim

RATE = 8000
NEAR = 0.0301  # seconds that an edge may be off: three frames


def noise(seconds, level_db, rate=RATE, seed=0):
    """Return white noise at a level in dB re an RMS of 0.1."""
    return 0.1 * 10 ** (level_db / 20) * np.random.default_rng(seed).standard_normal(round(seconds * rate))


def vowel(seconds, rate=RATE, pitch=130.0):
    """Return harmonics up to 2,500 Hz with a slow rise and fall, of RMS 0.1."""
    time = np.arange(round(seconds * rate)) / rate
    orders = np.arange(1, int(2500 / pitch))
    tone = sum(np.sin(2 * np.pi * order * pitch * time) / order for order in orders)
    tone *= 0.7 + 0.3 * np.sin(np.pi * time / seconds)
    return 0.1 * tone / np.sqrt(np.mean(tone**2))


def hiss(seconds, level_db, rate=RATE):
    """Return an s: noise in the upper half of the band."""
    spectrum = np.fft.rfft(noise(seconds, level_db, rate, seed=1))
    spectrum[: len(spectrum) // 2] = 0
    return np.fft.irfft(spectrum, round(seconds * rate)) * np.sqrt(2)


def breath(seconds, level_db, rate=RATE):
    return noise(seconds, level_db, rate, seed=2) * np.hanning(round(seconds * rate))


def clip(seconds, *parts, rate=RATE):
    """Return waveforms placed in digital silence at their times in seconds."""
    samples = np.zeros(round(seconds * rate))
    for at, part in parts:
        start = round(at * rate)
        samples[start : start + len(part)] += part
    return samples


def bounds(samples, rate=RATE, **settings):
    """Return the regions of speech in seconds."""
    return tuple(edge / rate for edge in speech_bounds(samples.astype(np.float32), rate, **settings))


def hum(wave, mains, level_db, seconds, rate):
    phase = (mains * np.arange(round(seconds * rate)) / rate) % 1
    shape = {"sine": np.sin(2 * np.pi * phase), "square": np.sign(phase - 0.5), "saw": phase - 0.5}[wave]
    return 0.1 * 10 ** (level_db / 20) * shape / np.sqrt(np.mean(shape**2))


# --- a word, and what else is heard


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
@pytest.mark.parametrize("noise_db", [-200, -60, -30, -20, -10])
def test_the_word_is_found_in_steady_noise(rate, noise_db):
    samples = clip(1.3, (0.4, vowel(0.4, rate)), rate=rate) + noise(1.3, noise_db, rate)
    assert bounds(samples, rate) == pytest.approx((0.4, 0.8), abs=NEAR)


@pytest.mark.parametrize("wave", ["sine", "square", "saw"])
@pytest.mark.parametrize("mains", [50.0, 60.0])
@pytest.mark.parametrize("rate", [8000, 22050])
def test_hum_of_any_wave_form_does_not_hide_the_word(wave, mains, rate):
    samples = clip(1.3, (0.4, vowel(0.4, rate)), rate=rate) + hum(wave, mains, -10, 1.3, rate)
    assert bounds(samples, rate) == pytest.approx((0.4, 0.8), abs=NEAR)


@pytest.mark.parametrize("wave", ["square", "saw"])
@pytest.mark.parametrize("mains", [49.9, 60.1])
@pytest.mark.parametrize("noise_db", [-200, -60])
def test_an_end_that_hum_covers_is_kept(wave, mains, noise_db):
    consonant = noise(0.15, -26, seed=5)  # 16 dB below the hum
    samples = clip(1.6, (0.4, vowel(0.3)), (0.7, consonant)) + noise(1.6, noise_db, seed=6)
    # As recorded: without frequencies above half the rate.
    orders = np.arange(1, int(RATE / 2 / mains), 2 if wave == "square" else 1)
    phase = 2 * np.pi * mains * np.arange(len(samples)) / RATE
    wave_form = np.sum(np.sin(orders[:, None] * phase) / orders[:, None], axis=0)
    covered = samples + 0.1 * 10**-0.5 * wave_form / np.sqrt(np.mean(wave_form**2))
    assert bounds(covered) == pytest.approx((0.4, 0.85), abs=NEAR)
    found = find_speech(covered.astype(np.float32), RATE)
    assert found.contrast_db < 25  # the contrast still shows how loud the background is
    quiet = np.ones(len(samples), np.bool_)
    quiet[round(0.35 * RATE) : round(0.9 * RATE)] = False
    left = without_hum(covered, quiet, RATE) - samples
    assert np.mean(left**2) < 1e-3 * np.mean((covered - samples) ** 2)


@pytest.mark.parametrize("seed", range(5))
def test_noise_is_no_hum(seed):
    assert without_hum(noise(1.0, -10, seed=seed), np.ones(RATE, np.bool_), RATE) is None


@pytest.mark.parametrize("pause", [0.1, 0.3, 0.5, 1.5])
@pytest.mark.parametrize("second_db", [0, -12, -20])
@pytest.mark.parametrize("noise_db", [-200, -60, -30])
def test_a_pause_in_a_label_keeps_both_words(pause, second_db, noise_db):
    second = vowel(0.25, pitch=180.0) * 10 ** (second_db / 20)
    samples = clip(pause + 1.2, (0.3, vowel(0.3)), (0.6 + pause, second)) + noise(pause + 1.2, noise_db)
    assert bounds(samples) == pytest.approx((0.3, 0.85 + pause), abs=NEAR)
    assert len(find_speech(samples.astype(np.float32), RATE).regions) == 2


@pytest.mark.parametrize("at", [0.05, 1.15])
@pytest.mark.parametrize("seconds", [0.001, 0.010, 0.020, 0.030])
@pytest.mark.parametrize("kind", ["click", "knock"])
@pytest.mark.parametrize("noise_db", [-200, -50])
def test_a_click_or_knock_twice_as_loud_is_no_speech(at, seconds, kind, noise_db):
    word = vowel(0.4)
    if kind == "click":
        sound = noise(seconds, 0, seed=3)
    else:
        time = np.arange(round(seconds * RATE)) / RATE
        sound = np.cos(2 * np.pi * 300 * time) * np.exp(-3 * time / seconds)
    sound *= 2 * np.abs(word).max() / np.abs(sound).max()
    samples = clip(1.3, (0.4, word), (at, sound)) + noise(1.3, noise_db)
    assert bounds(samples) == pytest.approx((0.4, 0.8), abs=NEAR)


@pytest.mark.parametrize("at", [0.05, 1.25])
@pytest.mark.parametrize("noise_db", [-200, -50, -30])
def test_breath_is_no_speech(at, noise_db):
    samples = clip(1.6, (0.6, vowel(0.4)), (at, breath(0.3, -18))) + noise(1.6, noise_db)
    assert bounds(samples) == pytest.approx((0.6, 1.0), abs=NEAR)


def test_weak_consonants_at_the_edges_are_part_of_the_word():
    # s, vowel, closure of 80 ms, burst of 40 ms
    samples = clip(1.4, (0.3, hiss(0.12, -20)), (0.42, vowel(0.2)), (0.7, hiss(0.04, -15)))
    samples += noise(1.4, -60)
    assert bounds(samples) == pytest.approx((0.3, 0.74), abs=NEAR)


def test_a_word_cut_close_is_left_whole_and_the_report_says_so():
    samples = np.concatenate([hiss(0.12, -12), vowel(0.25), hiss(0.12, -12)]).astype(np.float32)
    found = find_speech(samples, RATE)
    assert (found.start, found.stop) == (0, len(samples))
    assert not found.silence_found
    apart = find_speech(np.pad(samples, RATE // 2), RATE)
    assert apart.silence_found
    assert apart.contrast_db > 40


@pytest.mark.parametrize("rate", [8000, 16000])
@pytest.mark.parametrize("noise_db", [-60, -45, -35, -30])
@pytest.mark.parametrize("seed", range(3))
def test_what_is_cut_to_its_margin_is_not_cut_again(rate, noise_db, seed):
    # An s, then a vowel that decays into the noise: a floor that extends into the word would hide its end.
    end = vowel(0.15, rate) * np.logspace(0, -1.5, round(0.15 * rate))
    word = np.concatenate([hiss(0.1, -10, rate), vowel(0.15, rate), end])
    samples = clip(1.6, (0.5, word), rate=rate) + noise(1.6, noise_db, rate, seed)
    start, stop = speech_bounds(samples.astype(np.float32), rate)
    margin = round(0.05 * rate)
    cut = fade(samples[start - margin : stop + margin].astype(np.float32), rate, 0.005)
    again = find_speech(cut, rate)
    found = (again.start / rate, (len(cut) - again.stop) / rate)
    assert found == pytest.approx((0.05, 0.05), abs=NEAR)
    assert again.silence_found


@pytest.mark.parametrize("faded", [0.05, 0.2])
def test_fades_and_digital_silence_around_noise(faded):
    samples = clip(1.6, (0.6, vowel(0.4))) + noise(1.6, -20)
    count = round(faded * RATE)
    ramp = np.ones(len(samples))
    ramp[:count], ramp[-count:] = np.linspace(0, 1, count), np.linspace(1, 0, count)
    assert bounds(samples * ramp) == pytest.approx((0.6, 1.0), abs=NEAR)
    samples[:count], samples[-count:] = 0, 0
    assert bounds(samples) == pytest.approx((0.6, 1.0), abs=NEAR)


def test_an_offset_hides_nothing():
    samples = clip(1.3, (0.4, vowel(0.4))) + noise(1.3, -50) + 0.3
    assert bounds(samples) == pytest.approx((0.4, 0.8), abs=NEAR)


def test_noise_alone_is_left_as_it_is():
    samples = noise(1.0, -20).astype(np.float32)
    found = find_speech(samples, RATE)
    assert (found.start, found.stop, found.silence_found) == (0, len(samples), False)


def test_a_shallower_threshold_cuts_more():
    tail = vowel(0.3) * np.logspace(0, -2, round(0.3 * RATE))
    samples = clip(1.2, (0.2, vowel(0.2)), (0.4, tail))
    assert bounds(samples, threshold_db=-20)[1] == pytest.approx(0.55, abs=2 * NEAR)
    assert bounds(samples, threshold_db=-40)[1] == pytest.approx(0.7, abs=NEAR)


# --- what follows from it


def test_trimming_keeps_a_margin():
    samples = clip(1.2, (0.4, vowel(0.4))).astype(np.float32)
    start, stop = speech_bounds(samples, RATE)
    np.testing.assert_array_equal(trim(samples, RATE), samples[start:stop])
    np.testing.assert_array_equal(trim(samples, RATE, margin=0.05), samples[start - 400 : stop + 400])
    np.testing.assert_array_equal(trim(samples, RATE, margin=9.0), samples)


@pytest.mark.parametrize("silence", [0.1, 2.0])
def test_the_level_of_speech_does_not_depend_on_the_silence_around_it(silence):
    samples = clip(2 * silence + 0.8, (silence, vowel(0.4)), (silence + 0.6, vowel(0.2)))
    assert speech_rms(samples.astype(np.float32), RATE) == pytest.approx(0.1, rel=0.05)


def test_levels_of_frames():
    samples = np.concatenate([np.full(80, 0.1), np.full(40, 1.0)]).astype(np.float32)
    assert frame_levels(samples, RATE) == pytest.approx([-20.0, 0.0], abs=1e-4)


# --- for any clip


@pytest.mark.parametrize("count", [0, 1, 5, 79, 81, 1000])
@pytest.mark.parametrize("rate", [4000, 8000])
def test_bounds_of_anything_are_within_it(count, rate):
    rng = np.random.default_rng(count)
    for samples in (np.zeros(count), np.ones(count), rng.standard_normal(count), np.eye(1, count)[0]):
        start, stop = speech_bounds(samples.astype(np.float32), rate)
        assert 0 <= start <= stop <= count
        assert stop > start or count == 0


words = st.tuples(st.floats(0.15, 0.6), st.floats(90, 260))


@settings(max_examples=40, deadline=None)
@given(words, st.floats(0.2, 0.8), st.floats(0.2, 0.8), st.floats(-70, -20), st.integers(0, 99))
def test_any_word_anywhere_is_found(word, before, after, noise_db, seed):
    seconds, pitch = word
    samples = clip(before + seconds + after, (before, vowel(seconds, pitch=pitch)))
    samples += noise(len(samples) / RATE, noise_db, seed=seed)
    # The word is whole. Noise beside it may by chance look like a part of it, louder noise for longer.
    start, stop = bounds(samples)
    assert start <= before + NEAR
    assert stop >= before + seconds - NEAR
    assert stop - start <= seconds + (4 if noise_db < -30 else 8) * NEAR


@settings(max_examples=20, deadline=None)
@given(st.floats(1e-3, 9.0), st.floats(-60, -12), st.integers(0, 99))
def test_the_level_of_a_clip_changes_nothing(gain, noise_db, seed):
    samples = clip(1.2, (0.4, vowel(0.3))) + noise(1.2, noise_db, seed=seed)
    one, other = bounds(samples), bounds(gain * samples)
    assert other == pytest.approx(one, abs=0.0101)
