"""The judges and DNSMOS on real recordings: minutes, since judges are taught from nothing."""

from __future__ import annotations

import numpy as np
import pytest

from voxlet.evaluation.classifiers.pocketsphinx import ReadyMade
from voxlet.evaluation.classifiers.trained import own_judge, stranger_judge, strangers_of
from voxlet.evaluation.metrics.naturalness import fidelity, naturalness, strings
from voxlet.evaluation.metrics.statistics import wilson
from voxlet.evaluation.reference import open_reference

pytestmark = pytest.mark.slow
teaches = pytest.mark.teaches


@pytest.fixture(scope="module")
def fsdd(voxlet_data):
    return open_reference("fsdd")


def share(judge, clips):
    return (judge.judge(clips.sounds, clips.rate).labels == clips.labels).mean()


@teaches
def test_the_own_judge_hears_the_official_test_set(fsdd):
    judge = own_judge(fsdd.train, progress=False)
    verdict = judge.judge(fsdd.test.sounds, fsdd.test.rate)
    assert (verdict.labels == fsdd.test.labels).mean() >= 0.99
    assert (verdict.speakers == fsdd.test.speakers).mean() >= 0.98


@teaches
def test_the_stranger_has_never_heard_the_corpus(fsdd):
    others = strangers_of(fsdd.train.label_names, "fsdd")
    assert "fsdd" not in others
    if not others:
        pytest.skip("needs another corpus of spoken digits under VOXLET_DATA")
    assert share(stranger_judge(others, fsdd.train.label_names, progress=False), fsdd.test) >= 0.9


def test_the_ready_made_judge(fsdd):
    every_third = fsdd.test.take(np.arange(0, 300, 3))
    judge = ReadyMade(fsdd.train.label_names)
    right = round(share(judge, every_third) * len(every_third))
    assert wilson(right, len(every_third)).high >= 0.8


def test_noise_sounds_less_natural_than_speech(fsdd):
    clips = fsdd.test.take(np.arange(60))
    rng = np.random.default_rng(0)
    noisy = [
        sound + np.float32(0.5 * sound.std()) * rng.standard_normal(len(sound)) for sound in clips.sounds
    ]
    real = naturalness(clips.sounds, clips.rate, count=2)
    made = naturalness(noisy, clips.rate, count=2)
    assert 2.2 < real["overall"].value < 3.0
    assert made["overall"].value < real["overall"].value - 0.5
    assert all(len(string) == 9 * 16_000 for string in strings(clips.sounds, clips.rate, count=2))


def test_a_perfect_reconstruction_and_a_poor_one(fsdd):
    clips = fsdd.test.take(np.arange(0, 300, 30)).sounds
    same = fidelity(clips, clips, 8000)
    assert same.log_mel_l1.value == 0
    assert same.stoi is not None
    assert same.stoi.value == pytest.approx(1, abs=1e-3)
    assert same.pesq is not None
    assert same.pesq.value > 4.4
    rng = np.random.default_rng(0)
    noisy = [
        sound + np.float32(sound.std()) * rng.standard_normal(len(sound)).astype(np.float32)
        for sound in clips
    ]
    poor = fidelity(clips, noisy, 8000)
    assert poor.log_mel_l1.value > 0.5
    assert poor.stoi is not None
    assert poor.stoi.value < 0.9
    assert poor.pesq is not None
    assert poor.pesq.value < 2.5
