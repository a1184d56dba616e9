"""Attributes of clips whose attributes are known."""

from __future__ import annotations

import numpy as np
import pytest

from synthetic import write_clip
from voxlet import audio
from voxlet.corpus.attributes.attributes import Attributes, measure, measure_recordings
from voxlet.corpus.attributes.clarity import clarity
from voxlet.corpus.attributes.pitch import semitones
from voxlet.corpus.attributes.speed import speed, usual_seconds
from voxlet.corpus.corpus import open_corpus
from voxlet.trimming.frames import emphasise_speech

RATE = 16000
START, STOP = 0.4, 0.9  # seconds of the word


def word(rate=RATE, pitch=130.0, seconds=STOP - START):
    """Return a buzz of all harmonics (RMS 0.1), then a hiss (RMS 0.03), both abrupt."""
    time = np.arange(round(0.7 * seconds * rate)) / rate
    orders = np.arange(1, int(0.45 * rate / pitch))
    buzz = np.sum([np.cos(2 * np.pi * pitch * order * time + order**2) / order for order in orders], axis=0)
    buzz *= 0.1 / audio.rms(buzz)
    hiss = 0.03 * np.random.default_rng(0).standard_normal(round(0.3 * seconds * rate))
    return np.concatenate([buzz, hiss]).astype(np.float32)


def recording(said=None, rate=RATE, seconds=1.3):
    """Return a word, or the given samples, from 0.4 s on in faint noise."""
    samples = 3e-5 * np.random.default_rng(1).standard_normal(round(seconds * rate)).astype(np.float32)
    said = word(rate) if said is None else said
    samples[round(START * rate) :][: len(said)] += said
    return samples


def white(count, rms, seed=2):
    return (rms * np.random.default_rng(seed).standard_normal(count)).astype(np.float32)


def low_passed(samples, cut, rate):
    spectrum = np.fft.rfft(samples)
    spectrum[np.fft.rfftfreq(len(samples), 1 / rate) > cut] = 0
    return np.fft.irfft(spectrum, len(samples)).astype(np.float32)


def in_room(samples, seconds, rate, seed=3):
    """Return samples as in a room whose impulse response is noise that decays by 60 dB in some seconds."""
    time = np.arange(round(1.2 * seconds * rate)) / rate
    response = np.random.default_rng(seed).standard_normal(len(time)) * 10 ** (-3 * time / seconds)
    return np.convolve(samples, response / np.sqrt(np.sum(response**2))).astype(np.float32)


def only(samples, rate=RATE, **settings) -> dict[str, float]:
    """Return the attributes of one clip."""
    found = measure([samples], rate, **settings)
    assert len(found) == 1
    return {name: float(values[0]) for name, values in vars(found).items()}


# --- pitch and length


@pytest.mark.parametrize("rate", [8000, 22050, 48000])
@pytest.mark.parametrize("pitch", [85.0, 130.0, 220.0, 330.0])
def test_pitch_and_length_of_a_buzz(rate, pitch):
    found = only(recording(word(rate, pitch), rate), rate)
    assert found["pitch_hz"] == pytest.approx(pitch, rel=0.01)
    assert found["seconds"] == pytest.approx(STOP - START, abs=0.04)


def test_a_hiss_has_no_pitch():
    assert np.isnan(only(recording(white(RATE // 2, 0.1)))["pitch_hz"])


def test_pitch_does_not_depend_on_level():
    loud, faint = measure([recording(), 0.002 * recording()], RATE).pitch_hz
    assert faint == pytest.approx(loud, rel=1e-3)


def test_semitones():
    assert semitones(np.array([100.0, 200.0, 50.0])).tolist() == [0.0, 12.0, -12.0]


# --- noise floor


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
@pytest.mark.parametrize("ratio_db", [10, 20, 30, 40])
def test_noise_that_is_known(rate, ratio_db):
    said = word(rate)
    noise = white(round(1.3 * rate), 1.0)
    loudness = audio.rms(emphasise_speech(said, rate)) / audio.rms(emphasise_speech(noise, rate))
    noisy = recording(said, rate) + np.float32(loudness * 10 ** (-ratio_db / 20)) * noise
    assert only(noisy, rate)["noise_db"] == pytest.approx(-ratio_db, abs=1.5)


def test_noise_within_a_word_is_heard_without_any_silence():
    """The buzz has nothing above 2,245 Hz, the hiss nothing below, so the noise is audible there."""
    said = word()
    said[: len(said) * 7 // 10] = low_passed(said[: len(said) * 7 // 10], 2245, RATE)
    said[len(said) * 7 // 10 :] -= low_passed(said[len(said) * 7 // 10 :], 2245, RATE)
    noise = white(len(said), 0.005)
    true = audio.rms(emphasise_speech(noise, RATE)) / audio.rms(emphasise_speech(said, RATE))
    assert only(said + noise, cut=True)["noise_db"] == pytest.approx(20 * np.log10(true), abs=3)


def test_digital_silence_is_no_background():
    noisy = (word() + white(RATE // 2, 0.01)).astype(np.float32)
    padded = np.concatenate([np.zeros(8000, np.float32), noisy, np.zeros(8000, np.float32)])
    assert only(padded)["noise_db"] == pytest.approx(only(noisy)["noise_db"], abs=2)


# --- bandwidth


@pytest.mark.parametrize("rate", [16000, 48000])
@pytest.mark.parametrize("cut", [1500, 3400, 5000, 7000])
def test_bandwidth_is_where_a_filter_cuts(rate, cut):
    filtered = low_passed(recording(rate=rate), cut, rate)
    assert only(filtered, rate)["bandwidth_hz"] == pytest.approx(cut, rel=0.08)


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 48000])
def test_bandwidth_reaches_half_the_rate_at_most(rate):
    found = only(recording(white(rate // 2, 0.1), rate), rate)["bandwidth_hz"]
    assert 0.9 * min(rate / 2, 22400) < found <= rate / 2


def test_steady_noise_is_no_bandwidth():
    """Telephone speech in wide-band noise."""
    telephone = low_passed(recording(), 3400, RATE)
    assert only(telephone + white(len(telephone), 1e-4))["bandwidth_hz"] == pytest.approx(3400, rel=0.08)


def test_a_telephone_at_a_higher_rate_stays_a_telephone():
    narrow = recording(word(8000), 8000)
    assert only(audio.resample(narrow, 8000, 48000), 48000)["bandwidth_hz"] < 4200


# --- reverberation


def test_decays_follow_the_room():
    dry = [recording(word(pitch=pitch), seconds=2.0) for pitch in (90, 130, 210)]
    found = {
        seconds: np.median(measure([in_room(one, seconds, RATE) for one in dry], RATE).decay_seconds)
        for seconds in (0.3, 0.5, 0.8, 1.2)
    }
    assert found[0.3] == pytest.approx(0.3, rel=0.15)
    assert found[0.5] == pytest.approx(0.5, rel=0.2)
    assert found[0.3] < found[0.5] < found[0.8] < found[1.2] < 1.3


def test_decays_are_the_same_when_the_silence_is_cut():
    wet = in_room(recording(seconds=2.0), 0.5, RATE)
    cut = only(wet, cut=True)["decay_seconds"]
    assert cut == pytest.approx(only(wet)["decay_seconds"], rel=0.25)


def test_nothing_dies_away_in_noise_alone():
    assert np.isnan(only(white(RATE, 0.1))["decay_seconds"])


# --- hum


def mains(frequency, count, rate, wave):
    phase = (frequency * np.arange(count) / rate) % 1
    shape = {"sine": np.sin(2 * np.pi * phase), "saw": phase - 0.5, "square": np.sign(phase - 0.5)}[wave]
    return (shape / np.sqrt(np.mean(shape**2))).astype(np.float32)


@pytest.mark.parametrize("wave", ["sine", "saw", "square"])
@pytest.mark.parametrize("frequency", [50.0, 60.0])
@pytest.mark.parametrize("level_db", [-10, -25, -40])
def test_hum_of_known_level(wave, frequency, level_db):
    said = recording()
    loudness = audio.rms(word()) * 10 ** (level_db / 20)
    humming = said + np.float32(loudness) * mains(frequency, len(said), RATE, wave)
    assert only(humming)["hum_db"] == pytest.approx(level_db, abs=2.5)


def test_no_hum_in_noise_nor_in_a_voice_of_a_hundred_hertz():
    said = recording(word(pitch=100.0))
    assert only(said)["hum_db"] == -80
    assert only(said, cut=True)["hum_db"] < -40
    assert only(said + white(len(said), 0.01))["hum_db"] < -40


def test_hum_of_a_clip_without_silence():
    said = word()
    humming = said + np.float32(0.01) * mains(50.0, len(said), RATE, "sine")
    expected = 20 * np.log10(0.01 / audio.rms(said))
    assert only(humming, cut=True)["hum_db"] == pytest.approx(expected, abs=3)


# --- clips that show nothing


@pytest.mark.parametrize("samples", [np.zeros(8000, np.float32), np.zeros(0, np.float32), word()[:500]])
def test_silent_and_short_clips_have_no_figures(samples):
    found = measure([samples, recording()], RATE)
    assert np.isnan([found.noise_db[0], found.pitch_hz[0], found.clarity[0]]).all()
    assert np.isfinite(found.noise_db[1])


# --- speed


def test_the_usual_length_counts_speakers_alike():
    """One speaker says it five times in 1 s; two others once in 0.5 and 0.6 s."""
    seconds = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.6, 0.3])
    labels, speakers = np.array([0, 0, 0, 0, 0, 0, 0, 2]), np.array([0, 0, 0, 0, 0, 1, 2, 0])
    usual = usual_seconds(seconds, labels, speakers, count=3)
    assert usual == pytest.approx([0.6, np.nan, 0.3], nan_ok=True)
    assert speed(np.array([0.3, 0.6, 0.6]), np.array([0, 0, 2]), usual) == pytest.approx([2.0, 1.0, 0.5])


# --- clarity


def attributes(noise=-50.0, bandwidth=8000.0, decay=0.2, hum=-80.0):
    one = [np.array([value]) for value in (0.5, 120.0, noise, bandwidth, decay, hum)]
    return Attributes(*one)


def test_clarity_is_midway_between_the_mean_and_the_worst_grade():
    assert attributes().clarity == 1
    assert attributes(noise=-10, bandwidth=2000, decay=0.5, hum=-10).clarity == 0
    assert attributes(noise=-30).clarity == pytest.approx((3.5 / 4 + 0.5) / 2)
    assert attributes(bandwidth=4000).clarity == pytest.approx((3.5 / 4 + 0.5) / 2)
    assert attributes(decay=0.35).clarity == pytest.approx((3.5 / 4 + 0.5) / 2)
    assert attributes(hum=-20).clarity == pytest.approx((3.25 / 4 + 0.25) / 2)


def test_what_is_not_known_is_left_out_of_clarity():
    nan = np.full(1, np.nan)
    assert attributes(noise=-30, decay=np.nan).clarity == pytest.approx((2.5 / 3 + 0.5) / 2)
    assert np.isnan(clarity(nan, nan, nan, nan)[0])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda clip: clip + white(len(clip), 0.01),
        lambda clip: low_passed(clip, 2500, RATE),
        lambda clip: in_room(clip, 0.8, RATE),
        lambda clip: clip + np.float32(0.03) * mains(50.0, len(clip), RATE, "saw"),
    ],
    ids=["noise", "telephone", "room", "hum"],
)
def test_whatever_spoils_a_recording_makes_it_less_clear(spoil):
    said = recording()
    good, bad = measure([said, spoil(said)], RATE).clarity
    assert bad < good - 0.1


# --- recordings


def test_recordings_of_several_rates_keep_their_order_and_are_kept(tmp_path, fresh_cache, monkeypatch):
    for take, (rate, pitch) in enumerate([(8000, 100.0), (16000, 150.0), (8000, 200.0)]):
        write_clip(tmp_path / f"yes_ann_{take}.wav", recording(word(rate, pitch), rate), rate)
    clips = open_corpus(tmp_path).clips
    first = measure_recordings(clips, progress=False)
    assert first.pitch_hz == pytest.approx([100, 150, 200], rel=0.01)
    monkeypatch.setattr("voxlet.corpus.attributes.attributes.measure", None)  # not asked again
    again = measure_recordings(clips, progress=False)
    assert all(np.array_equal(getattr(first, name), getattr(again, name)) for name in vars(first))
