"""Doubtful recordings: planted wrong labels are found, copies grouped, faults named, tables read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from synthetic import RATE, every_word, write_clip
from voxlet import audio, files
from voxlet.corpus.corpus import open_corpus
from voxlet.exploring.doubt import FOLDS, find_doubts, folds_of, label_odds, unexplained
from voxlet.exploring.explore import with_doubts
from voxlet.exploring.tour import usual_walks
from voxlet.recipes.opened import ClipRun


def test_planted_labels_are_doubted_and_the_right_one_is_heard() -> None:
    rng = np.random.default_rng(0)
    truth = np.arange(300) % 3
    features = rng.standard_normal((300, 12)) + 4 * np.eye(3, 12)[truth]
    pictures = (rng.standard_normal((300, 12)) + 6 * np.eye(3, 12)[truth]).astype(np.float32)
    labels, bad = truth.copy(), rng.choice(300, 9, replace=False)
    labels[bad] = (truth[bad] + 1) % 3
    odds, heard = label_odds(features, pictures, labels, np.arange(300))
    assert set(np.argsort(-odds)[:9]) == set(bad)
    assert np.array_equal(heard[bad], truth[bad])


def test_labels_with_few_takes_are_not_doubted() -> None:
    rng = np.random.default_rng(0)
    labels = np.array([0] * 10 + [1] * 10 + [2] * 3)
    features = rng.standard_normal((23, 6))
    odds, _ = label_odds(features, features.astype(np.float32), labels, np.arange(23))
    assert np.isnan(odds[-3:]).all()
    assert np.isfinite(odds[:-3]).all()


def test_copies_of_one_take_are_no_takes_to_learn_from() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [20, 20, 5])
    features = rng.standard_normal((45, 4)) + 5 * labels[:, None]
    features[40:] = features[40]
    groups = np.append(np.arange(40), np.full(5, 40))
    odds, _ = label_odds(features, features.astype(np.float32), labels, groups)
    assert np.isnan(odds[40:]).all()
    assert not np.isnan(odds[:40]).any()


def test_copies_are_in_one_fold_and_folds_are_even() -> None:
    labels = np.repeat([0, 1], 20)
    groups = np.array([*range(19), 0, *range(19, 39)])
    folds = folds_of(labels, groups)
    assert folds[0] == folds[19]
    assert np.bincount(folds[20:]).tolist() == [4] * FOLDS


def test_a_loss_far_above_its_labels_is_unexplained() -> None:
    rng = np.random.default_rng(0)
    losses, labels = rng.normal(100, 5, 60), np.arange(60) % 2
    losses[labels == 1] += 1000
    losses[7], losses[8] = 1200.0, np.nan
    found = unexplained(losses, labels)
    assert np.flatnonzero(found).tolist() == [7]


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Words, one of them a copy, one nearly silent, one with a pause."""
    folder = tmp_path_factory.mktemp("faulty")
    for label, speaker, take, samples in every_word(3, 10):
        write_clip(files.make_folder(folder / f"word{label}") / f"{speaker}_nohash_{take}.wav", samples, RATE)
    one, other, third = sorted(folder.glob("*/*.wav"))[:3]
    one.with_name("copy_nohash_0.wav").write_bytes(one.read_bytes())
    audio.write(other, 0.01 * audio.read(other).samples, RATE)
    sound = audio.read(third).samples
    audio.write(third, np.concatenate([sound, np.zeros(RATE // 2, np.float32), sound]), RATE)
    return folder


@pytest.mark.slow
def test_faults_are_named_and_the_table_is_trained_on(faulty: Path, tmp_path: Path) -> None:
    corpus = open_corpus(faulty, layout="folders", allow_rejected=True)
    losses = {(clip.label, clip.digest): float(100 + number % 5) for number, clip in enumerate(corpus.clips)}
    found = find_doubts(corpus.clips, losses=losses, progress=False)
    said = {clip.path.name + clip.label: found.reasons[row] for row, clip in enumerate(corpus.clips)}
    every = [reason for reasons in said.values() for reason in reasons]
    assert "silent" in every
    assert "perhaps two words" in every
    assert any(reason.startswith("a copy of") for reason in every)
    assert any(reason == "occurs 2 times" for reason in every)
    worst = found.order[: sum(map(bool, found.reasons))]
    assert all(found.reasons[row] for row in worst)
    found.write(tmp_path / "doubts.csv")
    again = open_corpus(tmp_path / "doubts.csv", allow_rejected=True)
    assert {(clip.path.resolve(), clip.label, clip.speaker) for clip in again.clips} == {
        (clip.path.resolve(), clip.label, clip.speaker) for clip in corpus.clips
    }


@dataclass
class Shown:
    """Stands for a map's clips."""

    labels: np.ndarray
    label_names: tuple[str, ...]
    digests: tuple[str, ...]
    doubt: np.ndarray


def test_of_copies_with_two_labels_the_wrong_one_is_doubted_on_the_map() -> None:
    clips = [SimpleNamespace(label=label, digest=digest) for label, digest in (("one", "a"), ("zero", "a"))]
    doubts = SimpleNamespace(clips=clips, wrong=np.array([0.9, 0.0]))
    shown = Shown(np.array([1, 0, 1]), ("zero", "one"), ("a", "a", ""), np.zeros(3))
    np.testing.assert_array_equal(with_doubts(shown, doubts).doubt, [0.9, 0.0, np.nan])


def test_usual_walks_are_between_words_of_the_map() -> None:
    names = tuple("abcdefghij")
    for there, walks in (
        ((0, 9), [("a", "j")]),
        ((5,), []),
        (range(10), [("d", "h"), ("e", "i"), ("f", "j")]),
    ):
        shown = Shown(np.array(there), names, (), np.zeros(0))
        assert usual_walks(ClipRun.__new__(ClipRun), shown) == walks
