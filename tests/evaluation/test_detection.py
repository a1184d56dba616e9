"""Real or generated: what a detector finds, and when it is trusted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from voxlet.evaluation.clipset import ClipSet
from voxlet.evaluation.detection import detector as detector_module
from voxlet.evaluation.detection import measure as measure_module
from voxlet.evaluation.detection.detector import Views, right_answers, views
from voxlet.evaluation.detection.measure import BALANCED, CONTROL, balanced, evaluate, resynthesised
from voxlet.evaluation.intervals import Interval

RATE = 8000

pytestmark = pytest.mark.slow


def buzzes(count, seed, people=6):
    """Words of harmonics of a pitch of each speaker's own."""
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


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(detector_module, "TRAINING", replace(detector_module.TRAINING, steps=40, batch=16))


def test_what_is_alike_is_told_by_chance_and_what_is_not_is_found(quick):
    first, second = buzzes(36, seed=1), buzzes(36, seed=2)
    folds = first.speakers % 3
    given = views(first.sounds, RATE, folds)
    alike = right_answers(given, views(second.sounds, RATE, folds))
    assert 0.25 < alike.mean() < 0.75
    whistle = 0.01 * np.sin(2 * np.pi * 3000 * np.arange(2000) / RATE).astype(np.float32)
    whistling = [sound + whistle for sound in first.sounds]
    assert right_answers(given, views(whistling, RATE, folds)).mean() > 0.95


def test_each_clip_is_told_by_who_has_not_heard_its_fold(monkeypatch):
    """The detector here knows by heart: what it was trained on it tells right, all else wrong."""
    trained = []

    def train(spectrograms, kinds, seed):
        trained.append(
            {(float(one.flat[0]), int(kind)) for one, kind in zip(spectrograms, kinds, strict=True)}
        )
        return trained[-1]

    def told(known, spectrograms):
        return np.array([int((float(one.flat[0]), 1) in known) for one in spectrograms])

    monkeypatch.setattr(detector_module, "train_detector", train)
    monkeypatch.setattr(detector_module, "told", told)
    numbers = np.arange(12, dtype=np.float32)[:, None, None, None]
    real, other = Views(numbers[:6], np.arange(6) % 3), Views(numbers[6:], np.arange(6) % 3)
    right = right_answers(real, other)
    assert right.tolist() == [1.0] * 6 + [0.0] * 6  # the others were not in what it had heard
    assert [len(known) for known in trained] == [8, 8, 8]


def test_balanced_accuracy_counts_both_kinds_alike():
    right = np.array([1.0] * 9 + [0.0] + [1.0] * 10 + [0.0] * 30)  # 9 of 10 real, 10 of 40 others
    found = balanced(right, 10)
    assert found.value == pytest.approx((0.9 + 0.25) / 2)
    assert found.low < found.value < found.high


def test_resynthesis_keeps_amplitudes_and_loses_phases():
    clip = buzzes(1, seed=3).sounds[0]
    again = resynthesised([clip, clip[:1500]], RATE)
    assert [len(one) for one in again] == [2000, 1500]
    ours, theirs = (np.abs(np.fft.rfft(one)) for one in (clip, again[0]))
    ours, theirs = ours / np.linalg.norm(ours), theirs / np.linalg.norm(theirs)
    assert np.sum(ours * theirs) > 0.6
    assert np.abs(np.corrcoef(clip, again[0])[0, 1]) < 0.95


def test_a_detector_that_misses_resyntheses_is_not_trusted(monkeypatch):
    shares = iter([0.8])
    monkeypatch.setattr(measure_module, "right_answers", lambda real, other, seed: np.zeros(72))
    monkeypatch.setattr(measure_module, "balanced", lambda right, first: Interval(next(shares), 0.7, 0.9, 72))
    found = evaluate(buzzes(36, seed=1), buzzes(36, seed=2))
    assert found[BALANCED] == "not trusted: Griffin-Lim is found in 80.0 % only"
    assert found[CONTROL].value == 0.8


def test_a_trusted_detector_gives_both_figures(monkeypatch):
    answers = iter([np.ones(72), np.array([1.0, 0.0] * 36)])
    monkeypatch.setattr(measure_module, "right_answers", lambda real, other, seed: next(answers))
    found = evaluate(buzzes(36, seed=1), buzzes(36, seed=2))
    assert (found[CONTROL].value, found[BALANCED].value) == (1.0, 0.5)


def test_few_speakers_have_no_figure():
    found = evaluate(buzzes(30, seed=1, people=3), buzzes(30, seed=2, people=3))
    assert found[BALANCED] == found[CONTROL] == "not enough real speakers (needs 6)"
