"""Augmentation of log-mel spectrograms: speed, pitch, timbre, room, noise, level, masks.

All effects work on natural-log mel power (B, M, F) or on the power itself. Each effect is a function that
takes its amounts as arguments; `augment` draws the amounts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from voxlet.evaluation.classifiers.inputs import FLOOR

if TYPE_CHECKING:
    from collections.abc import Callable

SILENCE = float(np.log(FLOOR))

# Largest amounts, at strength 1. Those of stretching, loudness and gain are natural logarithms.
SPEED, TIME_SHIFT = 0.2, 0.2  # the shift as a share of half the window
PITCH, PITCH_SHIFT = 0.12, 0.03  # the shift as a share of half the mel axis
TIMBRE = (1.0, 1.5, 1.0, 0.7, 0.5)  # nepers of power, for each cosine along the mel axis
ROOM_CHANCE, ROOM_MIX = 0.4, 0.4
ROOM_FRAMES, ROOM_DECAY, ROOM_DECAY_RANGE = 12, 1.5, 2.5  # decay in frames, from 1.5 to 4
NOISE_CHANCE, NOISE_LEVEL, NOISE_RANGE = 0.5, -4.5, 3.0  # -6.5 dB down to -32 dB relative to the average band
NOISE_TILT = 4.0  # nepers from the lowest band to the highest
LEVEL = 1.0
MASKED_FRAMES, MASKED_BANDS = 12, 8


def augment(log_mel: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Vary spectrograms (B, M, F) as if the same words had been said and recorded differently.

    The order of the random draws must not change, or the same seed gives other variations.
    """
    if strength == 0:
        return log_mel
    B, M, frames = log_mel.shape

    def unit(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator)

    def spread(*shape: int) -> Tensor:
        return 2 * unit(*shape) - 1

    time = stretched_time(frames, SPEED * strength * spread(B, 1), TIME_SHIFT * strength * spread(B, 1))
    bands = stretched_bands(M, PITCH * strength * spread(B, 1), PITCH_SHIFT * strength * spread(B, 1))
    warped = warp(log_mel, time, bands)
    power = equalised_power(warped, spread(B, len(TIMBRE)) * torch.tensor(TIMBRE) * strength)
    decay = ROOM_DECAY + ROOM_DECAY_RANGE * unit(B, 1)
    happens = (unit(B, 1, 1) < ROOM_CHANCE).float()
    power = reverberate(power, decay, ROOM_MIX * strength * happens * unit(B, 1, 1))
    tilt, noise = spread(B, 1, 1), noise_power(unit(B, M, frames))
    loudness = torch.exp(NOISE_LEVEL + NOISE_RANGE * spread(B, 1, 1))
    happens = (unit(B, 1, 1) < NOISE_CHANCE).float()
    power = add_noise(power, noise, strength * happens * loudness, tilt)
    out = at_level(power, LEVEL * strength * spread(B, 1, 1))
    return masked(out, *masks(unit, (B, M, frames), strength))


def stretched_time(frames: int, speed: Tensor, shift: Tensor) -> Tensor:
    """Positions (B, F) at which F frames are read, in [-1, 1] of the window, at speed exp(`speed`) (B, 1)."""
    return torch.linspace(-1, 1, frames) * torch.exp(speed) + shift


def stretched_bands(bands: int, stretch: Tensor, shift: Tensor) -> Tensor:
    """Positions (B, M) at which M bands are read, in [-1, 1] of the mel axis, stretched from its lower end.

    This imitates another length of the vocal tract (vocal tract length perturbation, Jaitly & Hinton 2013).
    """
    return (torch.linspace(-1, 1, bands) + 1) * torch.exp(stretch) - 1 + shift


def warp(log_mel: Tensor, time: Tensor, bands: Tensor) -> Tensor:
    """Spectrograms (B, M, F) read at positions `time` (B, F) and `bands` (B, M); silent beyond the ends."""
    B, M, frames = log_mel.shape
    grid = torch.stack([time[:, None].expand(B, M, frames), bands[:, :, None].expand(B, M, frames)], dim=-1)
    return F.grid_sample(log_mel[:, None] - SILENCE, grid, align_corners=True)[:, 0] + SILENCE


def equalised_power(log_mel: Tensor, weights: Tensor) -> Tensor:
    """Power of log-mel spectrograms (B, M, F), filtered by a smooth curve; their floor is subtracted.

    The curve is a sum of cosines along the mel axis, with `weights` (B, waves) in nepers.
    """
    band = torch.linspace(0, 1, log_mel.shape[1])
    waves = torch.stack([torch.cos(torch.pi * k * band) for k in range(weights.shape[1])])
    return torch.exp(log_mel + (weights @ waves)[:, :, None]) - FLOOR


def reverberate(power: Tensor, decay: Tensor, mix: Tensor) -> Tensor:
    """Power (B, M, F) with a share `mix` (B, 1, 1) of it smeared over an exponential tail.

    `decay` (B, 1) is the number of frames in which the tail falls by one neper.
    """
    tail = torch.exp(-torch.arange(ROOM_FRAMES) / decay)  # (B, ROOM_FRAMES)
    padded = F.pad(power.transpose(0, 1), (ROOM_FRAMES - 1, 0))
    room = F.conv1d(padded, tail.flip(1)[:, None], groups=len(power)).transpose(0, 1)
    return torch.lerp(power, room, mix)


def noise_power(uniform: Tensor) -> Tensor:
    """Exponentially distributed power, as in a periodogram of Gaussian noise, from numbers in [0, 1)."""
    return -torch.log(uniform.clamp_min(1e-6))


def add_noise(power: Tensor, noise: Tensor, level: Tensor, tilt: Tensor) -> Tensor:
    """Power (B, M, F) plus `level` (B, 1, 1) times noise; a positive `tilt` shifts noise to high bands."""
    band = torch.linspace(0, 1, power.shape[1])
    slope = tilt * (band[:, None] - 0.5) * NOISE_TILT
    return power + level * noise * torch.exp(slope)


def at_level(power: Tensor, gain: Tensor) -> Tensor:
    """Log-mel spectrograms of power (B, M, F) multiplied by exp(`gain`) (B, 1, 1)."""
    return torch.log(power.clamp_min(0) * torch.exp(gain) + FLOOR)


def masks(unit: Callable[..., Tensor], shape: tuple[int, int, int], strength: float) -> tuple[Tensor, Tensor]:
    """Masks of one stretch of frames (B, 1, F) and one of bands (B, M, 1) per clip, drawn with `unit`."""
    B, M, frames = shape
    start = unit(B, 1, 1) * frames
    times = stretch_mask(torch.arange(frames)[None, None], start, MASKED_FRAMES * strength * unit(B, 1, 1))
    start = unit(B, 1, 1) * M
    bands = stretch_mask(torch.arange(M)[None, :, None], start, MASKED_BANDS * strength * unit(B, 1, 1))
    return times, bands


def stretch_mask(places: Tensor, start: Tensor, length: Tensor) -> Tensor:
    """Whether each place lies in the stretch that begins at `start` (B, 1, 1)."""
    return (places >= start) & (places < start + length)


def masked(log_mel: Tensor, times: Tensor, bands: Tensor) -> Tensor:
    """Spectrograms (B, M, F), silenced where a mask is true (SpecAugment, Park et al. 2019)."""
    return torch.where(times | bands, torch.full_like(log_mel, SILENCE), log_mel)
