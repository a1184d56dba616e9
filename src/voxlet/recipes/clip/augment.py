"""Data augmentation: spectrograms moved and stretched a little in time and frequency."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from voxlet import batch_random

if TYPE_CHECKING:
    from torch import Tensor

    from voxlet.recipes.clip.config import Augmentation


def warp(spectrograms: Tensor, augmentation: Augmentation, seconds: float) -> Tensor:
    """Move and stretch spectrograms (B, M, F) at random, by bilinear interpolation.

    Time is stretched from the clip's start and shifted, frequency is stretched from 0 Hz, each by a uniformly
    drawn amount. Values from beyond an edge are copies of the edge, which is silence at the clip's end.

    Args:
        spectrograms: (B, M, F), on any scale.
        augmentation: The largest shift and stretch.
        seconds: Duration of the F frames.

    Returns:
        (B, M, F); the input itself if `augmentation` changes nothing.
    """
    if augmentation.none:
        return spectrograms
    count = len(spectrograms)
    slower, later, higher = (
        most * (2 * batch_random.rand(count, device=spectrograms.device) - 1)
        for most in (augmentation.stretch, 2 * augmentation.shift / seconds, augmentation.bend)
    )
    stays = batch_random.rand(count, 1, 1, device=spectrograms.device) >= augmentation.moved
    # The grid says where each value comes from, on axes from -1 to 1, whose start (time 0, 0 Hz) is -1.
    time, frequency = 1 / (1 + slower), 1 / (1 + higher)
    zero = torch.zeros_like(time)
    rows = torch.stack([time, zero, time - 1 - later, zero, frequency, frequency - 1], dim=1)
    grid = F.affine_grid(rows.view(count, 2, 3), [count, 1, *spectrograms.shape[1:]], align_corners=True)
    moved = F.grid_sample(spectrograms[:, None], grid, padding_mode="border", align_corners=True)
    return torch.where(stays, spectrograms, moved[:, 0])
