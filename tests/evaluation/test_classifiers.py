from __future__ import annotations

import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from voxlet import audio
from voxlet.errors import ScoreError
from voxlet.evaluation.classifiers import in_corpus
from voxlet.evaluation.classifiers.config import ClassifierConfig
from voxlet.evaluation.classifiers.cross_corpus import reserving_corpora
from voxlet.evaluation.classifiers.in_corpus import in_corpus_classifier
from voxlet.evaluation.classifiers.inputs import FLOOR, InputConfig, log_mels, normalise
from voxlet.evaluation.classifiers.opened import (
    NO_CORPUS,
    NO_LANGUAGE,
    NOT_ENGLISH,
    open_classifiers,
)
from voxlet.evaluation.classifiers.training import TrainingSet, batches
from voxlet.evaluation.clipset import ClipSet, plan
from voxlet.extras import how_to_install
from voxlet.files import cache_folder

pytestmark = pytest.mark.slow  # they take seconds

WORDS = ("low", "middle", "high")
PEOPLE = ("dull", "bright")
QUICK = ClassifierConfig(steps=60, batch=24, width=8, features=16, strength=0.3, speaker_weight=1.0)
COARSE = InputConfig(seconds=0.5, hop=0.02, bands=24)


def beeps(count: int, seed: int) -> ClipSet:
    """Return three words, which differ in pitch, by two speakers, who differ in a whistle at 3.4 kHz."""
    rng = np.random.default_rng(seed)
    labels, speakers = plan(3, 2, count, seed)
    sounds = []
    for label, speaker in zip(labels, speakers, strict=True):
        time = np.arange(rng.integers(2400, 3600)) / 8000
        tone = np.sin(2 * np.pi * (300 * 2.5**label) * rng.uniform(0.95, 1.05) * time)
        whistle = speaker * np.sin(2 * np.pi * 3400 * time)
        sound = 0.1 * (tone + whistle) + 0.003 * rng.standard_normal(len(time))
        sounds.append(sound.astype(np.float32))
    return ClipSet("beeps", tuple(sounds), 8000, labels, WORDS, speakers, PEOPLE, ("",) * count)


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VOXLET_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


def trained(clips: ClipSet):
    return in_corpus_classifier(clips, inputs=COARSE, config=QUICK, progress=False)


def test_learns_labels_and_speakers_and_is_kept():
    train, test = beeps(120, seed=1), beeps(60, seed=2)
    classifier = trained(train)
    said = classifier.predict(test.sounds, test.rate)
    assert (said.labels == test.labels).mean() > 0.95
    assert (said.speakers == test.speakers).mean() > 0.9
    assert np.exp(said.label_log_probabilities).sum(axis=1) == pytest.approx(1)
    assert said.features is not None
    assert said.features.shape == (60, 16)
    # Louder, with silence around it, at another rate: classified alike.
    other = [audio.resample(np.pad(3 * sound, (800, 400)), 8000, 22050) for sound in test.sounds]
    assert (classifier.predict(other, 22050).labels == said.labels).mean() > 0.95
    again = trained(train).predict(test.sounds, test.rate)
    assert (again.label_log_probabilities == said.label_log_probabilities).all()


def test_shuffled_labels_give_chance():
    train, test = beeps(120, seed=1), beeps(120, seed=2)
    shuffled = np.random.default_rng(0).permutation(test.labels)
    share = (trained(train).predict(test.sounds, test.rate).labels == shuffled).mean()
    assert share == pytest.approx(1 / 3, abs=0.15)


def test_a_damaged_kept_classifier_is_trained_again():
    train = beeps(30, seed=4)
    before = trained(train).predict(train.sounds, 8000).label_log_probabilities
    folder = cache_folder("classifiers")
    newest = max(folder.glob("*.safetensors"), key=lambda path: path.stat().st_mtime)
    newest.write_bytes(b"not a classifier")
    assert (trained(train).predict(train.sounds, 8000).label_log_probabilities == before).all()


def test_nothing_to_learn_from():
    with pytest.raises(ScoreError, match="cannot train"):
        trained(beeps(1, seed=0))


def test_clips_are_made_alike():
    tone = np.sin(2 * np.pi * 440 * np.arange(2000) / 8000).astype(np.float32)
    quiet = np.pad(0.01 * tone, 500) + np.float32(0.2)  # faint, an offset, silence around it
    alike = normalise(quiet, 8000, InputConfig())
    assert audio.rms(alike) == pytest.approx(0.08, rel=1e-3)
    assert len(alike) == pytest.approx(2000, abs=160)
    spectrum = log_mels([tone], 8000, InputConfig())[0]
    assert spectrum.shape == (48, 100)
    assert spectrum.min() == pytest.approx(np.log(FLOOR))
    edges = np.linspace(*2595 * np.log10(1 + np.array([50, 4000]) / 700), 50)
    centres = 700 * (10 ** (edges[1:-1] / 2595) - 1)
    assert abs(centres[spectrum.sum(axis=1).argmax()] - 440) < 30


@pytest.mark.parametrize(
    "sound", [np.zeros(0), np.zeros(1), np.zeros(5000), np.ones(300), np.eye(1, 9000)[0]]
)
def test_any_clip_has_a_spectrogram(sound):
    assert np.isfinite(log_mels([sound.astype(np.float32)], 8000, InputConfig())).all()


@given(labels=st.integers(1, 12), speakers=st.integers(0, 9), count=st.integers(1, 300))
def test_a_plan_is_even(labels, speakers, count):
    asked, by = plan(labels, speakers, count, seed=0)
    assert len(asked) == len(by) == count
    pairs = np.unique(np.stack([asked, by]), axis=1, return_counts=True)[1]
    assert pairs.max() - (pairs.min() if len(pairs) == labels * max(1, speakers) else 0) <= 1


def test_a_kept_classifier_is_known_by_its_recordings_which_are_not_read_again(monkeypatch):
    train = beeps(24, seed=5)
    first = trained(train)
    monkeypatch.setattr(in_corpus, "log_mels", lambda *arguments: pytest.fail("read again"))
    again = trained(train)
    assert again.digest == first.digest
    for one, other in zip(first.network.parameters(), again.network.parameters(), strict=True):
        assert one.equal(other)

    def digest(source: str, config: ClassifierConfig = QUICK) -> str:
        return TrainingSet("x", source, list, train.labels, WORDS, None, (), COARSE, config).digest

    assert len({digest("x"), digest("y"), digest("x", replace(QUICK, seed=1))}) == 3


def test_training_leaves_the_random_numbers_and_denormals_as_they_were():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    trained(beeps(20, seed=6))
    assert torch.rand(1) == expected
    assert sys.float_info.min / 2 > 0


def test_training_says_at_once_what_it_does(capsys):
    in_corpus_classifier(beeps(20, seed=7), inputs=COARSE, config=replace(QUICK, steps=2))
    assert "in-corpus classifier: training on 20 clips" in capsys.readouterr().err
    trained(beeps(20, seed=8))
    assert capsys.readouterr().err == ""


def test_batches_are_epochs_or_balanced():
    labels = np.array([0] * 9 + [1])
    rows = batches(labels, replace(QUICK, steps=4, batch=5))
    assert rows.shape == (4, 5)
    assert sorted(rows[:2].flatten()) == sorted(rows[2:].flatten()) == list(range(10))
    rare = labels[batches(labels, replace(QUICK, steps=40, batch=25, balanced=True))].mean()
    assert rare == pytest.approx(0.5, abs=0.05)


def test_without_pocketsphinx_its_line_says_so(monkeypatch):
    """PocketSphinx has wheels for some versions of Python only."""
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    clips = beeps(12, 0)
    reference = SimpleNamespace(name="beeps", train=clips, language="en-GB")
    opened = open_classifiers(reference, 8000, kinds=("off_the_shelf",), progress=False)
    said = f"PocketSphinx is not installed: {how_to_install('study')}"
    assert opened.ask("off_the_shelf", clips) == said


def test_classifiers_learn_from_reserved_speakers_of_the_same_language(tmp_path, monkeypatch):
    for name in ("fsdd", "audiomnist", "speech_commands", "arabic_speech_commands"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("VOXLET_DATA", str(tmp_path))
    assert reserving_corpora(("zero", "one"), "en") == ("speech_commands",)
    assert reserving_corpora(("Zero", "ONE"), "en-GB") == ("speech_commands",)
    assert reserving_corpora(("zero", "Zoom_In"), "ar") == ("arabic_speech_commands",)
    assert reserving_corpora(("abracadabra",), "en") == ()
    assert reserving_corpora(("zero", "one"), "und") == ()


def test_words_of_another_language_or_an_unknown_one_have_no_other_classifier(tmp_path, monkeypatch):
    (tmp_path / "fsdd").mkdir()
    monkeypatch.setenv("VOXLET_DATA", str(tmp_path))
    said = {}
    for language in ("und", "ar"):
        reference = SimpleNamespace(name="beeps", train=beeps(12, 0), language=language)
        opened = open_classifiers(reference, 8000, kinds=("cross_corpus", "off_the_shelf"), progress=False)
        said[language] = [opened.of(kind) for kind in ("cross_corpus", "off_the_shelf")]
    assert said["und"] == [NO_LANGUAGE, NO_LANGUAGE]
    assert NO_LANGUAGE.endswith("--language en")
    assert said["ar"] == [NO_CORPUS, NOT_ENGLISH]
