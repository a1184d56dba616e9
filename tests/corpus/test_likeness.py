"""Finding takes that are unlike the others of their label."""

from __future__ import annotations

import numpy as np

from voxlet.corpus.look import likeness
from voxlet.corpus.look.likeness import NEAREST, nearest, unlikeness, word_features

RATE = 8000


def tone(hz, seconds=0.3, rate=RATE, seed=0):
    time = np.arange(round(seconds * rate)) / rate
    noise = 0.001 * np.random.default_rng(seed).standard_normal(len(time))
    return (0.3 * np.sin(2 * np.pi * hz * time) + noise).astype(np.float32)


def test_a_picture_knows_neither_level_nor_length_nor_rate():
    plain = word_features(tone(500), RATE)
    assert (
        plain.shape == word_features(tone(500, 0.05), RATE).shape == word_features(tone(500, 2.0), RATE).shape
    )
    assert np.abs(plain - word_features(0.1 * tone(500), RATE)).max() < 1e-3
    far = np.linalg.norm(plain - word_features(tone(1500), RATE))
    assert np.linalg.norm(plain - word_features(tone(500, 0.5, seed=1), RATE)) < 0.2 * far
    assert np.linalg.norm(plain - word_features(tone(500, rate=16_000), 16_000)) < 0.4 * far
    assert np.isfinite(word_features(np.zeros(800, np.float32), RATE)).all()


def points(rng, centre, count):
    return (centre + rng.standard_normal((count, 4))).astype(np.float32)


def test_planted_labels_are_the_most_unlike():
    rng = np.random.default_rng(0)
    centres = 10 * rng.standard_normal((3, 4))
    pictures = np.concatenate([points(rng, centre, 40) for centre in centres])
    labels = np.repeat(np.arange(3), 40)
    planted = labels.copy()
    planted[[5, 50, 100]] = (planted[[5, 50, 100]] + 1) % 3
    found = unlikeness(pictures, planted)
    assert set(np.argsort(-found)[:3].tolist()) == {5, 50, 100}
    assert (found[[5, 50, 100]] > 1.2).all()
    assert np.delete(found, [5, 50, 100]).max() < 1


def test_a_distance_is_the_mean_of_three_and_copies_do_not_vouch():
    others = np.float32([[0, 0], [0, 0.1], [3, 4], [6, 8], [0, 5], [30, 40]])
    assert nearest(np.float32([[0, 0]]), others).tolist() == [np.mean([5, 10, 5])]
    assert nearest(np.float32([[0, 0]]), others[:2]).tolist() == [np.inf]
    assert NEAREST == 3


def test_what_is_not_compared():
    rng = np.random.default_rng(0)
    pictures = points(rng, 0, 14)
    # One label alone; a label with four takes; copies of one recording.
    assert np.isnan(unlikeness(pictures, np.zeros(14, dtype=np.int64))).all()
    labels = np.repeat([0, 1, 2], [5, 5, 4])
    found = unlikeness(pictures, labels)
    assert np.isfinite(found[:10]).all()
    assert np.isnan(found[10:]).all()
    pictures[:5] = pictures[0]
    assert np.isnan(unlikeness(pictures, labels)[:5]).all()


def test_many_takes_are_compared_with_some(monkeypatch):
    rng = np.random.default_rng(1)
    pictures = np.concatenate([points(rng, 0, 100), points(rng, 20, 100)])
    labels = np.repeat([0, 1], 100)
    labels[7] = 1
    monkeypatch.setattr(likeness, "MOST_TAKES", 10)
    monkeypatch.setattr(likeness, "BATCH", 9)
    found = unlikeness(pictures, labels)
    assert int(found.argmax()) == 7
    assert len(likeness.subsample(np.arange(100))) == 10
