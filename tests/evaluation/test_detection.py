"""Detecting whether clips are real or generated, and when the detector is trusted."""

from __future__ import annotations

import numpy as np
import pytest

from voxlet.evaluation.clipset import ClipSet
from voxlet.evaluation.detection import detector as detector_module
from voxlet.evaluation.detection import measure as measure_module
from voxlet.evaluation.detection.detector import Views, right_answers, views
from voxlet.evaluation.detection.measure import BALANCED, CONTROL, balanced, evaluate
from voxlet.evaluation.detection.phases import (
    band_signals,
    features_of,
    loud_frames,
    prediction_residual,
    pulses,
)
from voxlet.evaluation.detection.resynthesis import resynthesised
from voxlet.evaluation.intervals import Interval

RATE = 8000

pytestmark = pytest.mark.slow


def buzzes(count, seed, people=6):
    """Return words of harmonics at a pitch of each speaker's own."""
    rng = np.random.default_rng(seed)
    time = np.arange(2000) / RATE
    speakers = np.arange(count) % people
    sounds = []
    for speaker in speakers:
        pitch = (90 + 25 * speaker) * rng.uniform(0.95, 1.05)
        tone = np.sum([np.cos(2 * np.pi * k * pitch * time) for k in range(1, 12)], axis=0)
        noise = 0.05 * rng.standard_normal(len(time))
        sounds.append((0.02 * tone * np.sin(np.pi * time / time[-1]) + 0.02 * noise).astype(np.float32))
    names = tuple(f"speaker {number}" for number in range(people))
    labels = np.zeros(count, np.int64)
    return ClipSet("buzzes", tuple(sounds), RATE, labels, ("buzz",), speakers, names, ("",) * count)


def pulsed(period=80, count=4000):
    """Return one pulse per period through two resonances, with a little noise."""
    sound = np.zeros(count)
    sound[::period] = 1.0
    for hz in (600, 1700):
        time = np.arange(200)
        sound = np.convolve(sound, np.exp(-time / 25) * np.cos(2 * np.pi * hz / RATE * time))[:count]
    sound += 1e-3 * np.random.default_rng(0).standard_normal(count)
    return (0.08 * sound / sound.std()).astype(np.float32)


def test_what_is_alike_is_told_by_chance_and_what_is_not_is_found():
    first, second = buzzes(36, seed=1), buzzes(36, seed=2)
    folds = first.speakers % 3
    given = views(first.sounds, RATE, folds)
    alike = right_answers(given, views(second.sounds, RATE, folds))
    assert 0.25 < alike.mean() < 0.75
    again = [resynthesised(sound, RATE) for sound in first.sounds]
    assert right_answers(given, views(again, RATE, folds)).mean() > 0.9


def test_each_clip_is_told_by_who_has_not_heard_its_fold(monkeypatch):
    """Uses a detector that only memorises: right on its training clips, wrong on all others."""
    heard = []

    def fit_and_tell(features, kinds, asked, penalty):
        known = {(one[0], kind) for one, kind in zip(features.tolist(), kinds.tolist(), strict=True)}
        heard.append(len(known))
        return np.array([int((one[0], 1) in known) for one in asked.tolist()])

    monkeypatch.setattr(detector_module, "fit_and_tell", fit_and_tell)
    numbers = np.arange(12.0)[:, None]
    real, other = Views(numbers[:6], np.arange(6) % 3), Views(numbers[6:], np.arange(6) % 3)
    right = right_answers(real, other)
    assert right.tolist() == [1.0] * 6 + [0.0] * 6  # the others were not in its training set
    # The penalty is chosen within the two other folds, so that the clip's own fold does not affect it.
    assert sorted(set(heard)) == [4, 8]
    assert heard.count(8) == 3


def test_the_penalty_is_the_one_that_tells_other_folds_best(monkeypatch):
    """Uses a detector that is right with one penalty only."""
    monkeypatch.setattr(
        detector_module,
        "fit_and_tell",
        lambda features, kinds, asked, penalty: asked[:, 0] * (penalty == 0.03),
    )
    kinds = np.arange(12) % 2
    assert detector_module.best_penalty(kinds[:, None] * 1.0, kinds, np.arange(12) // 6) == 0.03


def test_balanced_accuracy_counts_both_kinds_alike():
    right = np.array([1.0] * 9 + [0.0] + [1.0] * 10 + [0.0] * 30)  # 9 of 10 real, 10 of 40 others
    found = balanced(right, 10)
    assert found.value == pytest.approx((0.9 + 0.25) / 2)
    assert found.low < found.value < found.high


def test_resynthesis_keeps_amplitudes_and_loses_phases():
    clip = buzzes(1, seed=3).sounds[0]
    again = resynthesised(clip, RATE)
    assert len(again) == 2000
    ours, theirs = (np.abs(np.fft.rfft(one)) for one in (clip, again))
    ours, theirs = ours / np.linalg.norm(ours), theirs / np.linalg.norm(theirs)
    assert np.sum(ours * theirs) > 0.6
    assert np.abs(np.corrcoef(clip, again)[0, 1]) < 0.95


def test_prediction_leaves_pulses_and_made_up_phases_smear_them():
    whole, again = pulsed(), resynthesised(pulsed(), RATE)
    residual = prediction_residual(whole.astype(np.float64))
    inner = np.abs(residual[400:3600])
    assert set(np.argsort(-inner)[:30] % 80) <= {0, 1, 79}  # the largest are where the pulses are
    assert residual.std() < 0.5 * whole.std()
    kurtosis = []
    for sound in (whole, again):
        left = prediction_residual(sound.astype(np.float64))
        kurtosis.append(pulses(left, loud_frames(sound.astype(np.float64)))[:, 29].mean())
    assert kurtosis[0] > kurtosis[1] + 0.5  # natural logarithms


def test_a_band_has_the_envelope_of_what_lies_in_it():
    time = np.arange(4000) / RATE
    tone = (1 + 0.5 * np.cos(2 * np.pi * 20 * time)) * np.cos(2 * np.pi * 1000 * time)
    inside, outside = np.abs(band_signals(tone, ((700, 1300), (2000, 2600))))
    np.testing.assert_allclose(inside[400:3600], 1 + 0.5 * np.cos(2 * np.pi * 20 * time[400:3600]), atol=0.03)
    assert outside[400:3600].max() < 1e-2


def test_loud_frames_are_where_the_sound_is():
    sound = np.zeros(6400)
    sound[3200:] = np.random.default_rng(0).standard_normal(3200)
    assert loud_frames(sound).min() >= 3040
    assert len(loud_frames(sound)) == 19


@pytest.mark.parametrize("sound", [np.zeros(10), np.zeros(800), pulsed()[:100], pulsed()[:700]])
def test_silence_and_short_clips_have_features(sound):
    found = features_of(sound.astype(np.float32))
    assert np.isfinite(found).all()
    assert found.shape == features_of(pulsed()).shape


def test_features_are_of_the_shape_not_of_the_level():
    np.testing.assert_allclose(features_of(pulsed()), features_of(0.5 * pulsed()), atol=0.1)


def test_a_detector_that_misses_resyntheses_is_not_trusted(monkeypatch):
    shares = iter([0.8])
    monkeypatch.setattr(measure_module, "right_answers", lambda real, other: np.zeros(72))
    monkeypatch.setattr(measure_module, "balanced", lambda right, first: Interval(next(shares), 0.7, 0.9, 72))
    found = evaluate(buzzes(36, seed=1), buzzes(36, seed=2))
    assert found[BALANCED] == "not trusted: Griffin-Lim is found in 80.0 % only"
    assert found[CONTROL].value == 0.8


def test_a_trusted_detector_gives_both_figures(monkeypatch):
    answers = iter([np.ones(72), np.array([1.0, 0.0] * 36)])
    monkeypatch.setattr(measure_module, "right_answers", lambda real, other: next(answers))
    found = evaluate(buzzes(36, seed=1), buzzes(36, seed=2))
    assert (found[CONTROL].value, found[BALANCED].value) == (1.0, 0.5)


def test_few_speakers_have_no_figure():
    found = evaluate(buzzes(30, seed=1, people=3), buzzes(30, seed=2, people=3))
    assert found[BALANCED] == found[CONTROL] == "not enough real speakers (needs 6)"
