"""Distances between fresh styles, with known answers for voices of many speakers, of one, and of few."""

from __future__ import annotations

import numpy as np
import pytest

from synthetic import RATE, word
from voxlet.evaluation.classifiers.inputs import InputConfig
from voxlet.evaluation.clipset import ClipSet
from voxlet.evaluation.metrics import styles
from voxlet.evaluation.metrics.styles import DISTANCE, DUPLICATES, mean_spectrum, to_others

LABELS = ("zero", "one")


class Cast:
    """Return a voice whose style number n is the speaker `cast(n)` of the stand-in words."""

    rate, labels = RATE, LABELS

    def __init__(self, cast):
        self.cast = cast

    def sample(self, labels, *, speaker, seed):
        assert speaker == "random"
        return [word(label, self.cast(seed), 100 + seed) for label in range(len(labels))]


def real(speakers: int, takes: int = 4) -> ClipSet:
    """Return words of several speakers."""
    rows = [(label, who, take) for label in range(2) for who in range(speakers) for take in range(takes)]
    return ClipSet(
        "real", tuple(word(*row) for row in rows), RATE,
        np.array([row[0] for row in rows]), LABELS,
        np.array([row[1] for row in rows]), tuple("abcdef"[:speakers]),
        tuple(map(str, rows)),
    )  # fmt: skip


def test_a_voice_of_many_people():
    fresh, people = styles.evaluate(styles.fresh_clips(Cast(lambda number: number), 6, 0), real(6))
    assert fresh[DISTANCE].value == pytest.approx(people[DISTANCE].value, rel=0.15)  # the same six speakers
    assert fresh[DISTANCE].value > 1
    assert fresh[DUPLICATES].value == people[DUPLICATES].value == 0


def test_styles_that_have_collapsed():
    fresh, people = styles.evaluate(styles.fresh_clips(Cast(lambda number: 2), 8, 0), real(6))
    assert fresh[DISTANCE].value < 0.2 * people[DISTANCE].value
    assert fresh[DUPLICATES].value > 0.8


def test_two_people_behind_many_styles():
    fresh, people = styles.evaluate(styles.fresh_clips(Cast(lambda number: 5 * (number % 2)), 8, 0), real(6))
    assert fresh[DISTANCE].value > 0.3 * people[DISTANCE].value
    assert fresh[DUPLICATES].value > 0.7  # the distance alone does not show it


def test_a_corpus_of_one_speaker_says_so():
    fresh, _ = styles.evaluate(styles.fresh_clips(Cast(lambda number: number), 24, 0), real(1))
    assert fresh[DISTANCE] == fresh[DUPLICATES] == "not enough speakers with two clips of a label (needs 2)"


def test_a_mean_spectrum_knows_no_level():
    loud = mean_spectrum([word(0, 0, 0)], RATE, InputConfig())
    quiet = mean_spectrum([0.1 * word(0, 0, 0)], RATE, InputConfig())
    np.testing.assert_allclose(loud, quiet, atol=1e-3)
    assert to_others(np.array([[0.0, 0.0], [3.0, 4.0]])) == pytest.approx(np.sqrt(12.5))


def test_duplicates_and_distances_of_points_on_a_line():
    """In dB: 0, 1 and 10. With half a draw's distance at 2, the first two are each other's duplicates."""
    spectra = np.array([[0.0], [1.0], [10.0]])
    found = styles.duplicates(spectra, same=2.0)
    assert (found.value, found.count) == (pytest.approx(2 / 3), 3)
    assert styles.duplicates(spectra, same=0.5).value == 0
    assert styles.distance(spectra, seed=0).value == pytest.approx(np.mean([5.5, 5.0, 9.5]))
