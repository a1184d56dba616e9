"""Waveforms to log spectrograms scaled to [0, 1], and exactly back to amplitudes."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from voxlet.spectral.config import SpectrogramConfig
from voxlet.spectral.stft import stft

AMPLITUDE_FLOOR = 1e-5  # the amplitude of silence, so that its logarithm exists


class Spectrogram(NamedTuple):
    """Log amplitudes scaled to [0, 1] clip by clip, and what is needed to undo the scaling.

    `values` is (B, M, F); `low` and `high` (B,) are the dB that 0 and 1 stand for, relative to `reference`
    (B,), the clip's largest amplitude.
    """

    values: Tensor
    low: Tensor
    high: Tensor
    reference: Tensor


def analyse(waveforms: Tensor, config: SpectrogramConfig) -> Spectrogram:
    """Log spectrograms of waveforms (B, T): dB re each clip's maximum, floored, scaled to [0, 1].

    A clip of zeros becomes zeros, with `high` equal to `low`.
    """
    amplitude = stft(waveforms, config).abs()
    reference = amplitude.amax(dim=(1, 2)).clamp_min(AMPLITUDE_FLOOR)
    decibels = 20 * (amplitude.clamp_min(AMPLITUDE_FLOOR) / reference[:, None, None]).log10()
    decibels = decibels.clamp_min(-config.range_db)
    low, high = decibels.amin(dim=(1, 2)), decibels.amax(dim=(1, 2))
    width = (high - low).clamp_min(1e-6)
    return Spectrogram((decibels - low[:, None, None]) / width[:, None, None], low, high, reference)


def amplitudes(spectrogram: Spectrogram) -> Tensor:
    """Linear amplitudes (B, M, F): the exact inverse of `analyse`, above its floor and but for the phase."""
    low, high = spectrogram.low[:, None, None], spectrogram.high[:, None, None]
    decibels = spectrogram.values * (high - low) + low
    linear: Tensor = 10 ** (decibels / 20)
    return linear * spectrogram.reference[:, None, None]
