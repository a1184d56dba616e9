"""Stand-ins for what takes minutes to train."""

from __future__ import annotations

import numpy as np

from voxlet.evaluation.classifiers.opened import Classifiers
from voxlet.evaluation.classifiers.prediction import Prediction

WORDS = ("low", "high")


class StandInClassifier:
    """A classifier that needs no training: it tells a word by its pitch, a speaker by the overtone."""

    digest = "stand-in"

    def __init__(self, label_names=WORDS):
        self.label_names = label_names

    def predict(self, sounds, rate):
        features = []
        for sound in sounds:
            spectrum = np.abs(np.fft.rfft(np.asarray(sound), 8000))
            low, high, over = spectrum[300:500].max(), spectrum[1000:1400].max(), spectrum[3200:3400].max()
            features.append([np.log(high / low), np.log(over / max(low, high))])
        features = np.array(features)
        votes = np.stack([-features[:, 0], features[:, 0]], axis=1)
        who = np.stack([-features[:, 1] - 2, features[:, 1] + 2], axis=1)
        labels = votes - np.logaddexp(*votes.T)[:, None]
        return Prediction(labels, who - np.logaddexp(*who.T)[:, None], features)


def stand_in_classifiers(label_names=WORDS, **others):
    """An in-corpus classifier that needs no training; others are missing unless they are given."""
    missing = {"cross_corpus": "none here", "off_the_shelf": "none here"}
    return Classifiers({"in_corpus": StandInClassifier(label_names), **missing, **others})
