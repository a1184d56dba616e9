from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxlet import audio
from voxlet.errors import ScoreError
from voxlet.evaluation.classifiers import trained
from voxlet.evaluation.classifiers.inputs import FLOOR, Hearing, condition, hear
from voxlet.evaluation.classifiers.network import Schooling, margins
from voxlet.evaluation.clipset import ClipSet, plan
from voxlet.evaluation.metrics.utility import Heard, few_of_each, usefulness

WORDS = ("low", "middle", "high")
PEOPLE = ("dull", "bright")
QUICK = Schooling(steps=60, batch=24, width=8, features=16, strength=0.3, speaker_weight=1.0)
COARSE = Hearing(seconds=0.5, hop=0.02, bands=24)


def beeps(count: int, seed: int) -> ClipSet:
    """Three words, told apart by pitch, and two speakers, told apart by a whistle at 3.4 kHz."""
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


def taught(clips: ClipSet):
    return trained.own_judge(clips, hearing=COARSE, schooling=QUICK, progress=False)


def test_learns_labels_and_speakers_and_is_kept():
    train, test = beeps(120, seed=1), beeps(60, seed=2)
    judge = taught(train)
    verdict = judge.judge(test.sounds, test.rate)
    assert (verdict.labels == test.labels).mean() > 0.95
    assert (verdict.speakers == test.speakers).mean() > 0.9
    assert np.exp(verdict.label_log_probabilities).sum(axis=1) == pytest.approx(1)
    assert verdict.features is not None
    assert verdict.features.shape == (60, 16)
    # Louder, with silence around it, at another rate: heard alike.
    other = [audio.resample(np.pad(3 * sound, (800, 400)), 8000, 22050) for sound in test.sounds]
    assert (judge.judge(other, 22050).labels == verdict.labels).mean() > 0.95
    again = taught(train).judge(test.sounds, test.rate)
    assert (again.label_log_probabilities == verdict.label_log_probabilities).all()


def test_shuffled_labels_give_chance():
    train, test = beeps(120, seed=1), beeps(120, seed=2)
    shuffled = np.random.default_rng(0).permutation(test.labels)
    share = (taught(train).judge(test.sounds, test.rate).labels == shuffled).mean()
    assert share == pytest.approx(1 / 3, abs=0.15)


def test_a_damaged_kept_judge_is_taught_again(tmp_path):
    train = beeps(30, seed=4)
    before = taught(train).judge(train.sounds, 8000).label_log_probabilities
    folder = trained.cache_folder("classifiers")
    newest = max(folder.glob("*.safetensors"), key=lambda path: path.stat().st_mtime)
    newest.write_bytes(b"not a judge")
    assert (taught(train).judge(train.sounds, 8000).label_log_probabilities == before).all()


def test_nothing_to_learn_from():
    with pytest.raises(ScoreError, match="cannot teach"):
        taught(beeps(1, seed=0))


def test_an_ear_makes_clips_alike():
    tone = np.sin(2 * np.pi * 440 * np.arange(2000) / 8000).astype(np.float32)
    quiet = np.pad(0.01 * tone, 500) + np.float32(0.2)  # faint, an offset, silence around it
    heard = condition(quiet, 8000, Hearing())
    assert audio.rms(heard) == pytest.approx(0.08, rel=1e-3)
    assert len(heard) == pytest.approx(2000, abs=160)
    spectrum = hear([tone], 8000, Hearing())[0]
    assert spectrum.shape == (48, 100)
    assert spectrum.min() == pytest.approx(np.log(FLOOR))
    edges = np.linspace(*2595 * np.log10(1 + np.array([50, 4000]) / 700), 50)
    centres = 700 * (10 ** (edges[1:-1] / 2595) - 1)
    assert abs(centres[spectrum.sum(axis=1).argmax()] - 440) < 30


@pytest.mark.parametrize(
    "sound", [np.zeros(0), np.zeros(1), np.zeros(5000), np.ones(300), np.eye(1, 9000)[0]]
)
def test_an_ear_takes_anything(sound):
    assert np.isfinite(hear([sound.astype(np.float32)], 8000, Hearing())).all()


@given(labels=st.integers(1, 12), speakers=st.integers(0, 9), count=st.integers(1, 300))
def test_a_plan_is_even(labels, speakers, count):
    asked, by = plan(labels, speakers, count, seed=0)
    assert len(asked) == len(by) == count
    pairs = np.unique(np.stack([asked, by]), axis=1, return_counts=True)[1]
    assert pairs.max() - (pairs.min() if len(pairs) == labels * max(1, speakers) else 0) <= 1


def test_few_real_clips_of_each_label():
    labels = np.array([0] * 10 + [1] * 3)
    few, more = few_of_each(labels, 2, seed=0), few_of_each(labels, 5, seed=0)
    assert np.bincount(labels[few]).tolist() == [2, 2]
    assert np.bincount(labels[more]).tolist() == [5, 3]
    assert set(few) <= set(more)


def test_pupils_hear_as_much_of_one_set_as_of_the_other():
    few, many = Heard("a", np.zeros((3, 1, 1)), np.zeros(3)), Heard("b", np.ones((7, 1, 1)), np.ones(7))
    both = few.beside(many)
    assert len(both.labels) == 14
    assert both.labels.mean() == 0.5


def test_clips_that_teach_and_clips_that_mislead():
    train, test = beeps(60, seed=1), beeps(40, seed=2)
    fresh = beeps(60, seed=3)
    pupil = replace(QUICK, steps=40, speaker_weight=0.0)
    found = dict(usefulness(fresh, train, test, hearing=COARSE, pupil=pupil, few=(2,)))
    assert found["taught on these clips alone"].value > 0.95
    assert len(found) == 5
    wrong = replace(fresh, labels=(fresh.labels + 1) % 3)
    found = dict(usefulness(wrong, train, test, hearing=COARSE, pupil=pupil, few=()))
    assert found["taught on these clips alone"].value < 0.1


def test_a_kept_judge_is_known_by_its_recordings_which_are_not_heard_again(monkeypatch):
    train = beeps(24, seed=5)
    first = taught(train)
    monkeypatch.setattr(trained, "hear", lambda *arguments: pytest.fail("heard again"))
    again = taught(train)
    for one, other in zip(first.network.parameters(), again.network.parameters(), strict=True):
        assert one.equal(other)

    def key(source: str, schooling: Schooling = QUICK) -> str:
        lesson = trained.Lesson(source, lambda: None, train.labels, WORDS, None, (), COARSE, schooling)
        return lesson.key

    assert len({key("x"), key("y"), key("x", replace(QUICK, seed=1))}) == 3
    few = Heard("x", np.ones((4, 3, 5)), np.arange(4) % 2)
    assert len({few.take(np.array(rows)).source for rows in ([0, 1], [1, 0], [0, 2])}) == 3


def test_the_rarest_label_gets_the_largest_margin():
    labels = np.array([0] * 100 + [1] * 4 + [2] * 25)
    assert margins(labels, 3, 2.0) == pytest.approx([2.0 * 0.2, 2.0, 2.0 * 0.4])
    assert margins(labels, 3, 0.0) == pytest.approx([0, 0, 0])
