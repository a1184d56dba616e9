"""Clarity: how well a clip is recorded, as one number from 0 to 1.

From noise floor, bandwidth, reverberation and hum alone: who is trained to be clear cannot learn to please a
network that predicts listeners' scores, nor a classifier, since none is asked.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# What counts as 0 and what as 1; in between by the measure itself, of the bandwidth by its logarithm.
NOISE_DB = (-10.0, -50.0)
BANDWIDTH_HZ = (2000.0, 8000.0)
DECAY_SECONDS = (0.50, 0.20)
HUM_DB = (-10.0, -50.0)


def clarity(
    noise_db: NDArray[np.float64],
    bandwidth_hz: NDArray[np.float64],
    decay_seconds: NDArray[np.float64],
    hum_db: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The clarity of clips, (B,): midway between the mean of four grades and the worst of them.

    Each grade rises from 0 to 1: noise from 10 to 50 dB below the speech, bandwidth from 2 to 8 kHz
    (telephones: 0.4), reverberation from 0.5 to 0.2 s, hum from 10 to 50 dB below the speech. A measure that
    is NaN is left out; NaN where none is known.
    """
    grades = np.array(
        [
            grade(noise_db, *NOISE_DB),
            grade(np.log(bandwidth_hz), *np.log(BANDWIDTH_HZ)),
            grade(decay_seconds, *DECAY_SECONDS),
            grade(hum_db, *HUM_DB),
        ]
    )
    with warnings.catch_warnings():  # clips of which nothing is known
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray((np.nanmean(grades, axis=0) + np.nanmin(grades, axis=0)) / 2)


def grade(values: NDArray[np.float64], worst: float, best: float) -> NDArray[np.float64]:
    """Values (B,) on a scale from 0, `worst`, to 1, `best`; NaN stays."""
    return np.clip((values - worst) / (best - worst), 0.0, 1.0)
