"""Do clips sound like the speaker who was asked for? By the in-corpus classifier, which knows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlet.evaluation.metrics.recognition import accuracy

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from voxlet.evaluation.classifiers.prediction import Prediction
    from voxlet.evaluation.metric import Figures

KEY = "speaker.accuracy"


def evaluate(asked: NDArray[np.int64], speaker_names: tuple[str, ...], prediction: Prediction) -> Figures:
    """Share of clips whose speaker is classified as the one asked for (B,); -1: nobody in particular was."""
    known = asked >= 0
    if not known.any():
        return {KEY: "nobody in particular was asked for"}
    if len(speaker_names) < 2:
        return {KEY: "the reference has but one speaker"}
    return {KEY: accuracy(asked[known], prediction.speakers[known])}
