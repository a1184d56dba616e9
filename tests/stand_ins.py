"""Stand-ins for what takes minutes to train."""

from __future__ import annotations

import numpy as np

from voxlet.evaluation.classifiers.network import Verdict

WORDS = ("low", "high")


class Ear:
    """A judge that needs no teaching: it hears a word by its pitch, a speaker by the overtone."""

    label_names = WORDS

    def judge(self, sounds, rate):
        features = []
        for sound in sounds:
            spectrum = np.abs(np.fft.rfft(sound, 8000))
            low, high, over = spectrum[300:500].max(), spectrum[1000:1400].max(), spectrum[3200:3400].max()
            features.append([np.log(high / low), np.log(over / max(low, high))])
        features = np.array(features)
        votes = np.stack([-features[:, 0], features[:, 0]], axis=1)
        who = np.stack([-features[:, 1] - 2, features[:, 1] + 2], axis=1)
        labels = votes - np.logaddexp(*votes.T)[:, None]
        return Verdict(labels, who - np.logaddexp(*who.T)[:, None], features)
