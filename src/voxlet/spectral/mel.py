"""Mel filters on the two scales that are in use, and the log-mel spectrogram."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from voxlet.spectral.config import SpectrogramConfig
from voxlet.spectral.stft import stft

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

MEL_BREAK_HZ = 1000.0  # Slaney's mel scale: linear below, logarithmic above
MEL_STEP_HZ = 200.0 / 3
MEL_LOG_STEP = math.log(6.4) / 27


def log_mel(waveforms: Tensor, rate: int, *, n_fft: int = 512, hop: int = 128, bands: int = 64) -> Tensor:
    """Natural logarithm of the mel power spectrum, (B, T) -> (B, bands, F), floored at 1e-10."""
    import torch

    config = SpectrogramConfig(rate=rate, n_fft=n_fft, hop=hop)
    power = stft(waveforms, config).abs().square()
    filters = torch.tensor(mel_filters(rate, n_fft, bands)).to(power)
    return (filters @ power).clamp_min(1e-10).log()


@lru_cache
def mel_filters(rate: int, n_fft: int, bands: int) -> NDArray[np.float32]:
    """Triangular filters (bands, n_fft // 2 + 1) on Slaney's mel scale, each with the area 1 (per Hz)."""
    frequencies = np.linspace(0, rate / 2, n_fft // 2 + 1)
    centres = _mel_to_hz(np.linspace(0, _hz_to_mel(rate / 2), bands + 2))
    widths = np.diff(centres)
    slopes = centres[:, None] - frequencies
    rising, falling = -slopes[:-2] / widths[:-1, None], slopes[2:] / widths[1:, None]
    triangles = np.maximum(0, np.minimum(rising, falling))
    filters: NDArray[np.float32] = (triangles * (2 / (centres[2:] - centres[:-2]))[:, None]).astype(
        np.float32
    )
    filters.setflags(write=False)
    return filters


def _hz_to_mel(hz: float) -> float:
    if hz < MEL_BREAK_HZ:
        return hz / MEL_STEP_HZ
    return MEL_BREAK_HZ / MEL_STEP_HZ + math.log(hz / MEL_BREAK_HZ) / MEL_LOG_STEP


def _mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    turn = MEL_BREAK_HZ / MEL_STEP_HZ
    logarithmic = MEL_BREAK_HZ * np.exp(MEL_LOG_STEP * (np.maximum(mel, turn) - turn))
    return np.where(mel < turn, mel * MEL_STEP_HZ, logarithmic)


@lru_cache(maxsize=16)
def htk_mel_filters(rate: int, n_fft: int, bands: int, low: float = 50.0) -> NDArray[np.float32]:
    """Triangular filters (M, n_fft // 2 + 1) from `low` Hz to half the rate, each summing to one.

    Centres are equally spaced on O'Shaughnessy's mel scale, 2595 log10(1 + f / 700).
    """
    lowest, highest = 2595 * np.log10(1 + np.array([low, rate / 2]) / 700)
    mel_edges = np.linspace(float(lowest), float(highest), bands + 2)
    edges = 700 * (10 ** (mel_edges / 2595) - 1)
    bins = np.linspace(0, rate / 2, n_fft // 2 + 1)
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    filters = np.maximum(0.0, np.minimum(rising, falling))
    return np.asarray(filters / np.maximum(filters.sum(axis=1, keepdims=True), 1e-9), dtype=np.float32)
