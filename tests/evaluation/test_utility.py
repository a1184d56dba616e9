"""Utility of clips that train a classifier well, of clips that mislead it, and the mixing of sets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from voxlet.errors import ScoreError
from voxlet.evaluation.classifiers.config import ClassifierConfig
from voxlet.evaluation.classifiers.inputs import InputConfig
from voxlet.evaluation.clipset import ClipSet
from voxlet.evaluation.metric import CATALOGUE, metrics_of
from voxlet.evaluation.metrics import utility
from voxlet.evaluation.metrics.utility import Examples, UtilityConfig, few_of_each

COARSE = InputConfig(seconds=0.5, hop=0.02, bands=24)
QUICK = ClassifierConfig(steps=40, batch=24, width=8, features=16, strength=0.3, speaker_weight=0.0)
WORDS = ("low", "middle", "high")


def beeps(count: int, seed: int) -> ClipSet:
    """Return clips of three words, which differ in pitch."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    sounds = []
    for label in labels:
        time = np.arange(rng.integers(2400, 3600)) / 8000
        tone = np.sin(2 * np.pi * (300 * 2.5**label) * rng.uniform(0.95, 1.05) * time)
        sounds.append((0.1 * tone + 0.003 * rng.standard_normal(len(time))).astype(np.float32))
    nobody = np.full(count, -1)
    return ClipSet("beeps", tuple(sounds), 8000, labels, WORDS, nobody, (), ("",) * count)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("VOXLET_CACHE", str(tmp_path / "cache"))


@pytest.mark.slow
def test_clips_that_train_and_clips_that_mislead():
    train, test, fresh = beeps(60, seed=1), beeps(42, seed=2), beeps(60, seed=3)
    config = UtilityConfig(COARSE, QUICK, few=())
    good = utility.evaluate(fresh, train, test, config)
    assert list(good) == ["utility.alone.accuracy"]
    assert good["utility.alone.accuracy"].value > 0.95
    wrong = replace(fresh, labels=(fresh.labels + 1) % 3)
    assert utility.evaluate(wrong, train, test, config)["utility.alone.accuracy"].value < 0.1


def test_few_real_clips_have_four_classifiers_each_in_the_catalogue():
    config = UtilityConfig(COARSE, replace(QUICK, steps=2), few=(5,))
    found = utility.evaluate(beeps(12, seed=3), beeps(30, seed=1), beeps(12, seed=2), config)
    assert len(found) == 5
    assert set(found) <= set(CATALOGUE)
    assert len(metrics_of("utility")) == 1 + 4 * len(utility.FEW)


def test_few_real_clips_of_each_label():
    labels = np.array([0] * 10 + [1] * 3)
    few, more = few_of_each(labels, 2, seed=0), few_of_each(labels, 5, seed=0)
    assert np.bincount(labels[few]).tolist() == [2, 2]
    assert np.bincount(labels[more]).tolist() == [5, 3]
    assert set(few) <= set(more)


def test_as_much_of_one_set_as_of_the_other():
    few, many = Examples("a", np.zeros((3, 1, 1)), np.zeros(3)), Examples("b", np.ones((7, 1, 1)), np.ones(7))
    both = few.beside(many)
    assert len(both.labels) == 14
    assert both.labels.mean() == 0.5
    assert len({few.take(np.array(rows)).source for rows in ([0, 1], [1, 0], [0, 2])}) == 3


def test_sets_of_other_labels():
    other = replace(beeps(12, seed=3), label_names=("a", "b", "c"))
    with pytest.raises(ScoreError, match="same labels"):
        utility.evaluate(other, beeps(30, seed=1), beeps(12, seed=2))
