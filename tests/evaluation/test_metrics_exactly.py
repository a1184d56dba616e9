"""Metrics of memorisation, styles and recognition for a few clips, by their definitions."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from messages import message
from voxlet.errors import ScoreError
from voxlet.evaluation.classifiers.inputs import FLOOR, InputConfig
from voxlet.evaluation.classifiers.opened import Classifiers
from voxlet.evaluation.classifiers.prediction import Prediction
from voxlet.evaluation.clipset import ClipSet
from voxlet.evaluation.intervals import wilson
from voxlet.evaluation.metrics import memorisation, recognition, speaker, styles
from voxlet.evaluation.metrics.memorisation import Nearest, nearest

QUIET = np.float32(np.log(FLOOR))


@pytest.mark.parametrize("shift", [0, 2])
def test_nearest_by_definition(shift):
    rng = np.random.default_rng(shift)
    clips = (QUIET + rng.uniform(0, 5, (4, 3, 6))).astype(np.float32)
    train = (QUIET + rng.uniform(0, 5, (5, 3, 6))).astype(np.float32)

    def moved(clip: np.ndarray, by: int) -> np.ndarray:
        """Return the clip `by` frames earlier or later, filled up with quiet frames."""
        wide = np.pad(clip, ((0, 0), (9, 9)), constant_values=QUIET)
        return wide[:, 9 + by : 15 + by]

    found = nearest(clips, train, shift=shift)
    for clip, distance, row in zip(clips, found.distance, found.row, strict=True):
        every = [
            [np.sqrt(np.mean((moved(clip, by) - other) ** 2)) for by in range(-shift, shift + 1)]
            for other in train
        ]
        assert distance == pytest.approx(np.min(every), rel=1e-4)
        assert row == np.argmin(np.min(every, axis=1))


def test_percentiles_of_the_nearest_distances():
    distances = np.arange(101.0) ** 2
    found = Nearest(distances, np.zeros(101, int))
    assert {name: value.value for name, value in found.percentiles().items()} == {1: 1, 5: 25, 50: 2500}
    assert found.percentiles() == found.percentiles(rounds=1000, seed=0)
    assert found.percentiles(rounds=3) == found.percentiles(rounds=3, seed=0)
    assert found.percentiles()[50] != found.percentiles(seed=1)[50]
    once = found.percentiles(rounds=1)[50]
    assert once.low == once.high
    # A quantile's ranks are binomial: the median of 101 lies between the 41st and the 61st in 95 % of cases.
    median = found.percentiles()[50]
    assert (median.low, median.high) == pytest.approx((40.0**2, 60.0**2), rel=0.06)
    assert median.count == 101
    assert list(memorisation.evaluate(found)) == [f"memorisation.nearest.p{n}" for n in (1, 5, 50)]


def test_nearest_pairs_are_the_first_ten():
    found = Nearest(np.array([3.0, 1.0, 2.0, *range(4, 20)]), np.array([7, 8, 9, *range(16)]))
    assert list(found.pairs(2)) == [(1, 8, 1.0), (2, 9, 2.0)]
    assert [distance for _, _, distance in found.pairs()] == list(range(1, 11))


def test_sets_that_cannot_be_compared():
    some = np.zeros((1, 2, 4), np.float32)
    for sets in ((some, some[:0]), (some[:0], some)):
        assert message(ScoreError, nearest, *sets) == "nearest neighbours need clips on both sides"
    assert (
        message(ScoreError, nearest, some, some[:, :, :3])
        == "spectrograms of (2, 4) and (2, 3) cannot be compared"
    )


SPECTRA = np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]])


def test_distances_between_styles_are_root_mean_squares():
    table = {
        (a, b): math.sqrt(np.mean((SPECTRA[a] - SPECTRA[b]) ** 2))
        for a, b in itertools.permutations(range(3), 2)
    }
    assert table[0, 1] == pytest.approx(math.sqrt(12.5))
    found = styles.to_others(SPECTRA)
    assert found.tolist() == [[pytest.approx(table[a, b]) for b in range(3) if b != a] for a in range(3)]
    mean = styles.distance(SPECTRA, seed=0)
    assert (mean.value, mean.count) == (pytest.approx(np.mean(list(table.values()))), 3)
    assert styles.distances(SPECTRA[:1], SPECTRA).tolist() == [
        [0, *map(pytest.approx, (table[0, 1], table[0, 2]))]
    ]


def test_duplicates_are_nearer_to_another_than_a_speaker_to_himself():
    assert styles.duplicates(SPECTRA, same=0.75) == wilson(2, 3)  # the first and the third: sqrt(1 / 2)
    assert styles.duplicates(SPECTRA, same=math.sqrt(0.5)) == wilson(0, 3)
    assert styles.duplicates(SPECTRA, same=100) == wilson(3, 3)


def said_by(speakers: list[int], labels: int, takes: list[int], rate: int = 8000) -> ClipSet:
    """Return clips of tones whose pitch depends on speaker and label; a second tone depends on the take."""
    rows = [(who, label, take) for who in speakers for label in range(labels) for take in takes]
    time = np.arange(rate // 5) / rate
    sounds = [
        np.sin(2 * np.pi * (200 + 30 * who + 11 * label) * time) + take * np.sin(2 * np.pi * 2500 * time)
        for who, label, take in rows
    ]
    return ClipSet(
        "real", tuple(sound.astype(np.float32) for sound in sounds), rate,
        np.array([label for _, label, _ in rows]), tuple(map(str, range(labels))),
        np.array([who for who, _, _ in rows]), tuple(map(str, range(max(speakers) + 1))),
        tuple(map(str, rows)),
    )  # fmt: skip


def test_two_spectra_of_every_speaker_over_the_same_labels():
    clips, config = said_by([0, 1, -1], labels=3, takes=[0, 0]), InputConfig()
    first, second = styles.real_spectra(clips, config, seed=0)
    assert np.array_equal(first, second)  # both takes of each label are the same
    for who, found in enumerate(first):
        rows = [row for row in range(18) if clips.speakers[row] == who][::2]
        expected = styles.mean_spectrum([clips.sounds[row] for row in rows], 8000, config)
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert len(first) == 2  # an unknown speaker does not count as one


def test_real_clips_are_drawn_by_a_seed():
    clips, config = said_by([0, 1], labels=2, takes=[0, 1, 2, 3]), InputConfig()
    drawn = [styles.real_spectra(clips, config, seed)[0] for seed in (0, 0, 1)]
    assert np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])


def test_fifty_speakers_are_enough():
    clips = said_by(list(range(51)), labels=1, takes=[0, 1])
    assert [len(found) for found in styles.real_spectra(clips, InputConfig(bands=8), seed=0)] == [50, 50]


class Speaks:
    """Return a voice that says a label with the tones of one of a few speakers."""

    labels = ("0", "1")

    def __init__(self, rate: int) -> None:
        self.rate = rate

    def sample(self, labels, *, speaker, seed):
        return list(said_by([seed % 5], len(labels), takes=[0], rate=self.rate).sounds)


def test_styles_are_compared_with_real_speakers_by_a_seed():
    clips, voice = said_by([0, 1], labels=2, takes=[0, 1, 2, 3]), Speaks(8000)
    said = styles.fresh_clips(voice, 24, 0)
    found = styles.evaluate(said, clips)
    assert found == styles.evaluate(styles.fresh_clips(voice, 24, 0), clips, seed=0)
    assert found != styles.evaluate(styles.fresh_clips(voice, 24, 1), clips, seed=1)
    fresh, real = found
    assert list(fresh) == list(real) == ["styles.distance", "styles.duplicates"]
    assert (fresh["styles.distance"].count, real["styles.distance"].count) == (24, 2)
    assert fresh["styles.duplicates"].value == 1  # five speakers behind 24 styles


@pytest.mark.parametrize(
    ("voice_rate", "rate", "band_rate"), [(16_000, 16_000, 8000), (6000, 16_000, 6000), (16_000, 6000, 6000)]
)
def test_all_are_heard_at_the_lowest_of_the_rates(monkeypatch, voice_rate, rate, band_rate):
    rates = []

    def mean_spectrum(sounds, rate, config):
        rates.append(config.rate)
        return np.arange(3.0)

    monkeypatch.setattr(styles, "mean_spectrum", mean_spectrum)
    styles.evaluate(styles.fresh_clips(Speaks(voice_rate), 2, 0), said_by([0, 1], 2, [0, 1], rate))
    assert set(rates) == {band_rate}


def test_one_speaker_is_too_few():
    reason = "not enough speakers with two clips of a label (needs 2)"
    expected = {"styles.distance": reason, "styles.duplicates": reason}
    said = styles.fresh_clips(Speaks(8000), 2, 0)
    assert styles.evaluate(said, said_by([0], 2, [0, 1])) == (expected, expected)
    assert styles.evaluate(said, said_by([0, 1], 2, [0])) == (expected, expected)


class Hears:
    """Return a classifier that takes every second clip for label 1."""

    digest = "every second"

    def predict(self, sounds, rate):
        return sure(*(number % 2 for number in range(len(sounds))))


def test_words_of_fresh_styles_are_labelled_by_each_classifier():
    said = styles.fresh_clips(Speaks(8000), 3, 0)
    assert (said.labels.tolist(), len(said.sounds)) == ([0, 1, 0, 1, 0, 1], 6)
    classifiers = Classifiers({"in_corpus": Hears(), "cross_corpus": "no other corpus has these words"})
    found = styles.recognised(said, classifiers, ("0", "1"))
    assert found == {
        "styles.in_corpus.accuracy": wilson(6, 6),
        "styles.cross_corpus.accuracy": "no other corpus has these words",
    }
    swapped = styles.recognised(said, classifiers, ("1", "0"))  # the classifiers number labels otherwise
    assert swapped["styles.in_corpus.accuracy"] == wilson(0, 6)


def sure(*labels: int) -> Prediction:
    said = np.log(np.full((len(labels), 2), 0.1) + 0.8 * np.eye(2)[list(labels)])
    return Prediction(said, said, None)


def test_classifiers_that_are_missing_and_what_the_others_say():
    asked, names = np.array([0, 0, 0, 0, 0, 0, 1]), ("no", "yes")
    heard = sure(0, 1, 0, 0, 1, 0, 1)
    answers = {"in_corpus": "not trained", "cross_corpus": heard, "off_the_shelf": "not installed"}
    assert recognition.evaluate(asked, names, answers) == {
        "recognition.in_corpus.accuracy": "not trained",
        "recognition.cross_corpus.accuracy": wilson(5, 7),
        "recognition.cross_corpus.accuracy.by_label": {
            "no": wilson(4, 6),
            "yes": "1 clips are too few (needs 5)",
        },
        "recognition.off_the_shelf.accuracy": "not installed",
    }
    ((key, table),) = recognition.confusions(asked, names, answers).items()
    assert (key, table) == ("recognition.cross_corpus.confusion", [[4, 2], [0, 1]])
    assert all(type(cell) is int for row in table for cell in row)  # for JSON


def test_speakers_that_were_asked_for():
    asked, prediction = np.array([0, 1, -1]), sure(0, 0, 0)
    assert speaker.evaluate(asked, ("ann", "bob"), prediction) == {"speaker.accuracy": wilson(1, 2)}
    assert speaker.evaluate(asked, ("ann",), prediction) == {
        "speaker.accuracy": "the reference has only one speaker"
    }
    assert speaker.evaluate(np.full(3, -1), ("ann", "bob"), prediction) == {
        "speaker.accuracy": "no particular speaker was asked for"
    }
