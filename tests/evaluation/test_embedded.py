"""Classifiers on the speech embedding: their accuracy with few takes, and what they refuse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stand_ins import tones
from voxlet import audio
from voxlet.errors import ScoreError
from voxlet.evaluation.classifiers.cross_fitted import cross_fitted_classifier, folds_of
from voxlet.evaluation.classifiers.embedded import EmbeddedConfig, Examples, Takes, fit, open_embedded
from voxlet.evaluation.classifiers.inputs import InputConfig
from voxlet.evaluation.classifiers.opened import open_classifiers
from voxlet.evaluation.encoders import speech_embedding
from voxlet.evaluation.intervals import Interval
from voxlet.evaluation.parts import Comparison, measure_recognition
from voxlet.evaluation.reference import Reference
from voxlet.files import cache_folder

QUICK = EmbeddedConfig(versions=80, strength=0.3)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VOXLET_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def takes_of(clips, config=QUICK, read=None):
    mels = read or (lambda: speech_embedding.log_mels(clips.sounds, clips.rate, wide=config.wide))
    return Takes("test", clips.digest, mels, clips.labels, clips.label_names)


def trained(clips, config=QUICK):
    return open_embedded(takes_of(clips, config), config, progress=False)


def test_two_words_are_learned_from_few_takes_and_kept():
    train, test = tones(12, seed=1), tones(40, seed=2)
    classifier = trained(train)
    said = classifier.predict(test.sounds, test.rate)
    assert (said.labels == test.labels).mean() > 0.95
    assert np.exp(said.label_log_probabilities).sum(axis=1) == pytest.approx(1)
    assert said.features.shape == (40, 64)
    kept = open_embedded(takes_of(train, read=lambda: pytest.fail("read again")), QUICK, progress=False)
    again = kept.predict(test.sounds, test.rate)
    assert (again.label_log_probabilities == said.label_log_probabilities).all()


def test_a_damaged_kept_classifier_is_trained_again():
    train = tones(12, seed=3)
    before = trained(train).head.weights
    folder = cache_folder("classifiers")
    newest = max(folder.glob("*.safetensors"), key=lambda path: path.stat().st_mtime)
    newest.write_bytes(b"not a classifier")
    assert (trained(train).head.weights == before).all()


def test_a_wide_classifier_hears_what_a_narrow_one_cannot():
    """Return two words that differ only above 4 kHz."""
    rng = np.random.default_rng(0)
    time = np.arange(6400) / 16_000
    low = np.sin(2 * np.pi * 500 * time)
    sounds = tuple(
        (0.05 * (low + label * np.sin(2 * np.pi * 6000 * time)) + 0.001 * rng.standard_normal(6400)).astype(
            np.float32
        )
        for label in np.arange(40) % 2
    )
    clips = replace(tones(40, seed=0), sounds=sounds, rate=16_000)
    narrow, wide = (trained(clips.take(np.arange(20)), replace(QUICK, wide=wide)) for wide in (False, True))
    test = clips.take(np.arange(20, 40))
    assert (wide.predict(test.sounds, 16_000).labels == test.labels).all()
    assert (narrow.predict(test.sounds, 16_000).labels == test.labels).mean() < 0.9


def test_a_label_without_examples_is_never_predicted():
    rng = np.random.default_rng(0)
    examples = Examples(rng.standard_normal((40, 70)), np.arange(40) % 2 * 2, np.arange(40))
    head = fit(examples, 3, EmbeddedConfig())
    said = head.log_probabilities(examples.features)
    assert set(said.argmax(axis=1)) <= {0, 2}
    assert np.exp(said).sum(axis=1) == pytest.approx(1)


def test_the_embedding_hears_a_clip_at_any_rate_and_level():
    (sound, *_) = tones(1, seed=0).sounds
    first = speech_embedding.embed(speech_embedding.log_mels([sound], 8000))
    other = audio.resample(np.pad(3 * sound, 3000), 8000, 22_050)
    second = speech_embedding.embed(speech_embedding.log_mels([other], 22_050))
    assert first.shape == (1, 288)
    assert np.corrcoef(first[0], second[0])[0, 1] > 0.95
    with pytest.raises(ScoreError, match="no clips"):
        speech_embedding.log_mels([], 8000)


def test_takes_left_out_say_how_good_a_cross_fitted_classifier_is():
    takes, test = tones(20, seed=1), tones(40, seed=2)
    classifier = cross_fitted_classifier(takes, config=QUICK, progress=False)
    assert (classifier.predicted == classifier.asked).mean() > 0.9
    assert (classifier.predict(test.sounds, test.rate).labels == test.labels).mean() > 0.95
    shuffled = replace(takes, labels=np.random.default_rng(4).permutation(takes.labels))
    chance = cross_fitted_classifier(shuffled, config=QUICK, progress=False)
    assert (chance.predicted == chance.asked).mean() < 0.75


def test_the_takes_of_a_label_are_in_all_folds_alike():
    takes = tones(23, seed=1)
    folds = folds_of(takes)
    for label in (0, 1):
        counts = np.bincount(folds[takes.labels == label], minlength=5)
        assert counts.max() - counts.min() <= 1


def test_four_takes_of_a_word_give_no_accuracy_and_say_why():
    takes = tones(9, seed=1)  # five and four
    with pytest.raises(ScoreError, match="needs 5 takes of each: 'high' has 4"):
        cross_fitted_classifier(takes, progress=False)
    one = replace(takes.take(takes.labels == 0), label_names=("low",))
    with pytest.raises(ScoreError, match="one word alone"):
        cross_fitted_classifier(one, progress=False)


def test_words_that_no_classifier_knows_are_judged_by_takes_left_out(monkeypatch):
    monkeypatch.setenv("VOXLET_DATA", "nowhere")
    names = ("blorb", "fnarg")
    train, test = (replace(tones(count, seed=count), label_names=names) for count in (20, 10))
    reference = Reference("mine", "stratified", train, test)
    opened = open_classifiers(
        reference, 8000, kinds=("cross_corpus", "off_the_shelf", "cross_fitted"), progress=False
    )
    assert isinstance(opened.of("cross_corpus"), str)
    comparison = Comparison(reference, opened, InputConfig())
    key = "recognition.cross_fitted.accuracy"
    generated = replace(tones(30, seed=9), label_names=names)
    found = measure_recognition(comparison, generated).figures[key]
    assert isinstance(found, Interval)
    assert (found.count, found.value > 0.9) == (30, True)
    assert measure_recognition(comparison, test).figures[key].count == 30  # all real takes, train and test
