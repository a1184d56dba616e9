"""How quickly a word is said: beside how long it usually takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def usual_seconds(
    seconds: NDArray[np.float64], labels: NDArray[np.int64], speakers: NDArray[np.int64], count: int
) -> NDArray[np.float64]:
    """How long the speech of each of `count` labels lasts, (C,): the median of the speakers' own medians.

    So that who has recorded most does not decide what is usual. NaN for a label without clips.

    Args:
        seconds: Of the speech of each clip, (B,).
        labels: Of each clip, (B,) from 0 to `count` - 1.
        speakers: Of each clip, (B,).
        count: C.
    """
    usual = np.full(count, np.nan)
    for label in np.unique(labels):
        said = labels == label
        usual[label] = np.median(
            [np.median(seconds[said & (speakers == speaker)]) for speaker in np.unique(speakers[said])]
        )
    return usual


def speed(
    seconds: NDArray[np.float64], labels: NDArray[np.int64], usual: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The usual length of each clip's label over its own, (B,): 1.25 is a quarter quicker than usual.

    Its logarithm is what to train on: twice and half as quick are equally far from 1.
    """
    return usual[labels] / seconds
