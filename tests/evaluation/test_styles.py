"""The spread of fresh styles: known answers for voices of many people, of one, and of few."""

from __future__ import annotations

import numpy as np
import pytest

from synthetic import RATE, word
from voxlet.evaluation.classifiers.inputs import Hearing
from voxlet.evaluation.clipset import ClipSet
from voxlet.evaluation.metrics.styles import SPREAD, TWINS, fingerprint, fresh_styles, to_others

LABELS = ("zero", "one")


class Stage:
    """A voice whose style number n is the speaker `cast(n)` of the stand-in words."""

    rate, labels = RATE, LABELS

    def __init__(self, cast):
        self.cast = cast

    def sample(self, labels, *, speaker, seed):
        assert speaker == "random"
        return [word(label, self.cast(seed), 100 + seed) for label in range(len(labels))]


def real(speakers: int, takes: int = 4) -> ClipSet:
    """Words of several speakers."""
    rows = [(label, who, take) for label in range(2) for who in range(speakers) for take in range(takes)]
    return ClipSet(
        "real", tuple(word(*row) for row in rows), RATE,
        np.array([row[0] for row in rows]), LABELS,
        np.array([row[1] for row in rows]), tuple("abcdef"[:speakers]),
        tuple(map(str, rows)),
    )  # fmt: skip


def test_a_voice_of_many_people():
    found = fresh_styles(Stage(lambda number: number), real(6), count=6)
    made, beside = found[SPREAD]
    assert made.value == pytest.approx(beside.value, rel=0.15)  # the same six speakers
    assert made.value > 1
    assert found[TWINS][0].value == found[TWINS][1].value == 0


def test_styles_that_have_collapsed():
    found = fresh_styles(Stage(lambda number: 2), real(6), count=8)
    assert found[SPREAD][0].value < 0.2 * found[SPREAD][1].value
    assert found[TWINS][0].value > 0.8


def test_two_people_behind_many_styles():
    found = fresh_styles(Stage(lambda number: 5 * (number % 2)), real(6), count=8)
    assert found[SPREAD][0].value > 0.3 * found[SPREAD][1].value
    assert found[TWINS][0].value > 0.7  # the spread alone would not have told


def test_a_corpus_of_one_speaker_says_so():
    found = fresh_styles(Stage(lambda number: number), real(1))
    assert found[SPREAD][0] == "not enough speakers with two clips of a label (needs 2)"


def test_a_fingerprint_knows_no_level():
    loud = fingerprint([word(0, 0, 0)], RATE, Hearing())
    quiet = fingerprint([0.1 * word(0, 0, 0)], RATE, Hearing())
    np.testing.assert_allclose(loud, quiet, atol=1e-3)
    assert to_others(np.array([[0.0, 0.0], [3.0, 4.0]])) == pytest.approx(np.sqrt(12.5))
