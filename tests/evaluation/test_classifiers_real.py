"""The classifiers and DNSMOS on real recordings; takes minutes, as classifiers are trained from scratch."""

from __future__ import annotations

import numpy as np
import pytest

from voxlet.evaluation.classifiers.cross_corpus import cross_corpus_classifier, reserving_corpora
from voxlet.evaluation.classifiers.in_corpus import in_corpus_classifier
from voxlet.evaluation.classifiers.pocketsphinx import PocketSphinx
from voxlet.evaluation.metrics.naturalness import dnsmos, strings
from voxlet.evaluation.metrics.recognition import accuracy
from voxlet.evaluation.metrics.reconstruction import NO_PESQ, fidelity
from voxlet.evaluation.reference import open_reference

pytestmark = pytest.mark.slow
trains = pytest.mark.trains


@pytest.fixture(scope="module")
def fsdd(voxlet_data):
    return open_reference("fsdd")


def accuracy_of(classifier, clips):
    return accuracy(clips.labels, classifier.predict(clips.sounds, clips.rate).labels)


@trains
def test_the_in_corpus_classifier_on_the_official_test_set(fsdd):
    classifier = in_corpus_classifier(fsdd.train, progress=False)
    said = classifier.predict(fsdd.test.sounds, fsdd.test.rate)
    assert (said.labels == fsdd.test.labels).mean() >= 0.99
    assert (said.speakers == fsdd.test.speakers).mean() >= 0.98


@trains
def test_the_cross_corpus_classifier_was_not_trained_on_the_corpus(fsdd):
    others = reserving_corpora(fsdd.train.label_names, "en")
    assert others == ("speech_commands",)
    classifier = cross_corpus_classifier(others, fsdd.train.label_names, progress=False)
    assert accuracy_of(classifier, fsdd.test).value >= 0.9


def test_the_off_the_shelf_classifier(fsdd):
    pytest.importorskip("pocketsphinx", reason="it has no wheel for every system")
    every_third = fsdd.test.take(np.arange(0, 300, 3))
    assert accuracy_of(PocketSphinx(fsdd.train.label_names), every_third).high >= 0.8


def test_noise_sounds_less_natural_than_speech(fsdd):
    clips = fsdd.test.take(np.arange(60))
    rng = np.random.default_rng(0)
    noisy = [
        sound + np.float32(0.5 * sound.std()) * rng.standard_normal(len(sound)) for sound in clips.sounds
    ]
    real = dnsmos(clips.sounds, clips.rate, count=2)
    noise = dnsmos(noisy, clips.rate, count=2)
    assert 2.2 < real["overall"].value < 3.0
    assert noise["overall"].value < real["overall"].value - 0.5
    assert all(len(string) == 9 * 16_000 for string in strings(clips.sounds, clips.rate, count=2))


def test_a_perfect_reconstruction_and_a_poor_one(fsdd):
    clips = fsdd.test.take(np.arange(0, 300, 30)).sounds
    same = fidelity(clips, clips, 8000)
    assert same.log_mel_l1.value == 0
    assert same.stoi is not None
    assert same.stoi.value == pytest.approx(1, abs=1e-3)
    assert same.pesq == NO_PESQ or same.pesq.value > 4.4
    rng = np.random.default_rng(0)
    noisy = [
        sound + np.float32(sound.std()) * rng.standard_normal(len(sound)).astype(np.float32)
        for sound in clips
    ]
    poor = fidelity(clips, noisy, 8000)
    assert poor.log_mel_l1.value > 0.5
    assert poor.stoi is not None
    assert poor.stoi.value < 0.9
    assert poor.pesq == NO_PESQ or poor.pesq.value < 2.5
