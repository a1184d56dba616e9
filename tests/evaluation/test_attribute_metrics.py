"""Metrics of attributes: sets of generated clips beside real ones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stand_ins import tones
from voxlet import audio
from voxlet.evaluation.metric import metrics_of
from voxlet.evaluation.metrics.attributes import NOT_SEEN, evaluate
from voxlet.spectral.window import hann

RATE = 8000


def buzz(seconds, pitch, noise=1e-4, seed=0):
    """Return a word of harmonics with a pause, in noise that extends 0.2 s on either side."""
    time = np.arange(round(seconds * RATE)) / RATE
    orders = np.arange(1, int(3000 / pitch))
    tone = np.sum([np.cos(2 * np.pi * order * pitch * time + order**2) for order in orders], axis=0)
    tone *= 0.1 / audio.rms(tone) * hann(len(tone)) ** 0.25
    tone[len(tone) * 2 // 5 : len(tone) * 7 // 10] = 0  # like the closure before a p or t
    samples = noise * np.random.default_rng(seed).standard_normal(len(tone) + 2 * RATE // 5)
    samples[RATE // 5 : RATE // 5 + len(tone)] += tone
    return samples.astype(np.float32)


def words(lengths, pitches, noise=1e-4):
    """Return a clip of each length (s) and pitch (Hz), all of one label by one speaker."""
    sounds = [buzz(s, p, noise, seed) for seed, (s, p) in enumerate(zip(lengths, pitches, strict=True))]
    few = tones(4, seed=0).take(np.zeros(len(sounds), np.int64))
    return replace(few, sounds=tuple(sounds), rate=RATE, labels=np.zeros(len(sounds), np.int64))


@pytest.fixture(scope="module")
def train():
    return words([0.5] * 12, [120.0] * 12)


def test_every_metric_of_the_part_is_given(train):
    assert list(evaluate(train, train)) == [metric.key for metric in metrics_of("attributes")]


def test_speed_pitch_and_their_spreads(train):
    clips = words([0.4, 0.5, 0.625] * 4, [100.0, 200.0] * 6)
    found = evaluate(clips, train)
    assert found["attributes.speed"].value == pytest.approx(1.0, abs=0.05)
    assert found["attributes.speed.spread"].value == pytest.approx(np.std(np.log([0.8, 1, 1.25])), abs=0.04)
    assert found["attributes.pitch"].value == pytest.approx(np.sqrt(100 * 200), rel=0.01)
    assert found["attributes.pitch.spread"].value == pytest.approx(6.0, abs=0.2)
    assert found["attributes.pitch.spread"].count == 12


def test_whoever_speaks_twice_as_quickly_has_twice_the_speed(train):
    found = evaluate(words([0.25] * 10, [120.0] * 10), train)
    assert found["attributes.speed"].value == pytest.approx(2.0, rel=0.1)
    assert found["attributes.speed.spread"].value < 0.05


def test_noisier_clips_have_a_higher_background_and_less_clarity(train):
    noisy = evaluate(words([0.5] * 10, [120.0] * 10, noise=0.01), train)
    clean = evaluate(train, train)
    assert noisy["attributes.noise"].low > clean["attributes.noise"].high
    assert noisy["attributes.clarity"].high < clean["attributes.clarity"].low


def test_what_clips_do_not_show_has_no_figure(train):
    hiss = [0.1 * np.random.default_rng(seed).standard_normal(4000).astype(np.float32) for seed in range(12)]
    found = evaluate(replace(train, sounds=tuple(hiss)), train)
    assert found["attributes.pitch"] == found["attributes.pitch.spread"] == NOT_SEEN
