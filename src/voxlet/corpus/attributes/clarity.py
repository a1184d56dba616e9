"""Clarity: the recording quality of a clip as one number from 0 to 1.

It is computed from noise floor, bandwidth, reverberation and hum alone. No network is involved, so a model
that is trained for clarity cannot exploit a predictor of listeners' scores or a classifier.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Values that count as 0 and as 1; the grade is linear in between, for the bandwidth in its logarithm.
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
    """The clarity of clips, (B,): the average of the mean and the worst of four grades.

    Each grade rises from 0 to 1: noise from 10 to 50 dB below the speech, bandwidth from 2 to 8 kHz
    (telephones: 0.4), reverberation from 0.5 to 0.2 s, hum from 10 to 50 dB below the speech. Measures that
    are NaN are ignored; the result is NaN if all are.
    """
    grades = np.array(
        [
            grade(noise_db, *NOISE_DB),
            grade(np.log(bandwidth_hz), *np.log(BANDWIDTH_HZ)),
            grade(decay_seconds, *DECAY_SECONDS),
            grade(hum_db, *HUM_DB),
        ]
    )
    with warnings.catch_warnings():  # clips whose measures are all NaN
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.asarray((np.nanmean(grades, axis=0) + np.nanmin(grades, axis=0)) / 2)


def grade(values: NDArray[np.float64], worst: float, best: float) -> NDArray[np.float64]:
    """Map values (B,) linearly to 0 at `worst` and 1 at `best`, clipped; NaN stays NaN."""
    return np.clip((values - worst) / (best - worst), 0.0, 1.0)
