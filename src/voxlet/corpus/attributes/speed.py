"""Speed of speech: how quickly a word is said, compared with its usual length."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def usual_seconds(
    seconds: NDArray[np.float64], labels: NDArray[np.int64], speakers: NDArray[np.int64], count: int
) -> NDArray[np.float64]:
    """Usual length of each label's speech in seconds, (C,): the median of the speakers' medians.

    This way the speakers with most recordings do not dominate. NaN for a label without clips.

    Args:
        seconds: Length of the speech in each clip, (B,).
        labels: Label of each clip, (B,) from 0 to `count` - 1.
        speakers: Speaker of each clip, (B,).
        count: Number of labels, C.
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
    """The usual length of each clip's label divided by the clip's own, (B,): 1.25 is 25 % faster than usual.

    Train on the logarithm: in it, twice and half as fast are equally far from the usual speed.
    """
    return usual[labels] / seconds
