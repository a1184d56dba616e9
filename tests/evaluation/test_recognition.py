from __future__ import annotations

import numpy as np
import pytest

from voxlet.errors import ScoreError
from voxlet.evaluation.classifiers.prediction import Prediction
from voxlet.evaluation.metric import ONE_LABEL
from voxlet.evaluation.metrics import recognition, speaker

ASKED = np.array([0, 0, 1, 1])


def said(labels, speakers=None):
    def sure(rows):
        return np.log(np.eye(2)[rows] * 0.98 + 0.01)

    return Prediction(sure(labels), None if speakers is None else sure(speakers), None)


def test_accuracy_and_confusion_of_four_clips():
    predicted = np.array([0, 1, 1, 1])
    assert recognition.accuracy(ASKED, predicted).value == 0.75
    assert recognition.confusion(ASKED, predicted, 2).tolist() == [[1, 1], [0, 2]]
    with pytest.raises(ScoreError, match="3 predictions for 4 clips"):
        recognition.accuracy(ASKED, predicted[:3])
    with pytest.raises(ScoreError, match="0 predictions for 0 clips"):
        recognition.accuracy(ASKED[:0], predicted[:0])


def test_every_classifier_has_its_key_and_a_label_that_nobody_asked_for_none():
    asked = np.repeat(ASKED, 3)
    answers = {"in_corpus": said(np.repeat([0, 1, 1, 1], 3)), "cross_corpus": "none here"}
    found = recognition.evaluate(asked, ("no", "yes", "maybe"), answers)
    assert found["recognition.in_corpus.accuracy"].value == 0.75
    by_label = found["recognition.in_corpus.accuracy.by_label"]
    assert {label: value.value for label, value in by_label.items()} == {"no": 0.5, "yes": 1.0}
    assert found["recognition.cross_corpus.accuracy"] == "none here"
    assert list(recognition.confusions(asked, ("no", "yes"), answers)) == ["recognition.in_corpus.confusion"]


def test_fewer_than_five_clips_of_a_label_give_no_accuracy_and_say_why():
    asked = np.array([0, 0, 0, 0, 0, 1, 1, 1, 1])
    found = recognition.by_label(asked, asked, ("no", "yes"))
    assert found["no"].value == 1
    assert found["yes"] == "4 clips are too few (needs 5)"


def test_speakers_count_only_where_one_was_asked_for():
    asked = np.array([0, 1, -1, 1])
    found = speaker.evaluate(asked, ("ann", "bob"), said(ASKED, speakers=[0, 0, 1, 1]))
    assert found["speaker.accuracy"].value == pytest.approx(2 / 3)
    assert found["speaker.accuracy"].count == 3
    answer = said(ASKED, speakers=ASKED)
    assert (
        "no particular speaker"
        in speaker.evaluate(np.full(4, -1), ("ann", "bob"), answer)["speaker.accuracy"]
    )
    assert "only one" in speaker.evaluate(np.zeros(4, int), ("ann",), answer)["speaker.accuracy"]
    with pytest.raises(ScoreError, match="does not know speakers"):
        speaker.evaluate(asked, ("ann", "bob"), said(ASKED))


def test_one_label_cannot_be_taken_for_another():
    predictions = {"in_corpus": said([0] * 6), "cross_corpus": ONE_LABEL}
    assert recognition.evaluate(np.zeros(6, np.int64), ("yes",), predictions) == {
        "recognition.in_corpus.accuracy": ONE_LABEL,
        "recognition.cross_corpus.accuracy": ONE_LABEL,
    }
    assert recognition.confusions(np.zeros(6, np.int64), ("yes",), predictions) == {}
