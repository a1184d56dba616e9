"""Phase for spectrograms that have none: the fast Griffin-Lim algorithm."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from voxlet.spectral.config import SpectrogramConfig
from voxlet.spectral.stft import istft, stft


def griffin_lim(
    amplitude: Tensor,
    config: SpectrogramConfig,
    *,
    samples: int | None = None,
    iterations: int = 64,
    momentum: float = 0.99,
    seed: int = 0,
) -> Tensor:
    """Waveforms (B, T) whose spectra have nearly the amplitudes (B, M, F): fast Griffin-Lim.

    Perraudin, Balazs, Sondergaard: "A fast Griffin-Lim algorithm", WASPAA 2013. Each iteration projects onto
    the spectra of waveforms, c_n = P(t_{n-1}), extrapolates, t_n = c_n + a (c_n - c_{n-1}), and restores the
    wanted amplitudes.

    Args:
        amplitude: Linear amplitudes.
        config: Settings of the spectrogram.
        samples: T; by default, `config.samples` of the frames.
        iterations: Number of projections; 0 keeps the random phase.
        momentum: The paper's `a`; 0 gives the classical algorithm.
        seed: Seed of the initial phase.
    """
    length = config.samples(amplitude.shape[-1]) if samples is None else samples
    generator = torch.Generator().manual_seed(seed)
    # One phase pattern for all rows, so that a clip does not depend on the batch it is in.
    turns = torch.rand(amplitude.shape[1:], generator=generator).to(amplitude)
    phase = torch.polar(torch.ones_like(turns), 2 * math.pi * turns)
    spectrum = amplitude * phase
    previous = torch.zeros_like(spectrum)
    for _ in range(iterations):
        projected = stft(istft(spectrum, config, length), config)
        ahead = projected + momentum * (projected - previous)
        previous = projected
        spectrum = amplitude * (ahead / ahead.abs().clamp_min(1e-12))
    return istft(spectrum, config, length)
