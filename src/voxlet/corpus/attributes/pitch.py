"""The median pitch of clips."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from voxlet import audio
from voxlet.audio import SPEECH_RMS, Samples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

RATE, HOP = 8000, 80
VOICED = 0.6  # least periodicity of a voiced frame
FEWEST_FRAMES = 5
BATCH = 64  # clips of similar length that are tracked together


def median_pitch(sounds: Sequence[Samples], rate: int) -> NDArray[np.float64]:
    """The median pitch of B clips in Hz, (B,); NaN for clips with less than 50 ms of voiced speech.

    Args:
        sounds: The speech of each clip, (T,), without silence around it.
        rate: Sampling rate in Hz.
    """
    import torch

    from voxlet.spectral.pitch import track_pitch

    long_enough = FEWEST_FRAMES * HOP * rate / RATE
    ready = {
        row: audio.level(audio.resample(sound, rate, RATE), SPEECH_RMS, peak=np.inf)
        for row, sound in enumerate(sounds)
        if len(sound) >= long_enough
    }
    order = sorted(ready, key=lambda row: len(ready[row]))
    pitch = np.full(len(sounds), np.nan)
    for first in range(0, len(order), BATCH):
        rows = order[first : first + BATCH]
        longest = max(len(ready[row]) for row in rows)
        batch = np.zeros((len(rows), longest), np.float32)
        for place, row in enumerate(rows):
            batch[place, : len(ready[row])] = ready[row]
        found = track_pitch(torch.from_numpy(batch), RATE, HOP)
        for place, row in enumerate(rows):
            frames = len(ready[row]) // HOP
            hz = found.hz[place, :frames][found.voicing[place, :frames] >= VOICED]
            if len(hz) >= FEWEST_FRAMES:
                pitch[row] = float(hz.median())
    return pitch


def semitones(hz: NDArray[np.float64], reference: float = 100.0) -> NDArray[np.float64]:
    """Pitches in semitones above a reference in Hz: the scale for training and for comparing speakers."""
    return 12 * np.log2(hz / reference)
