"""The clips that a clip VAE learns from: log spectrograms held in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from voxlet.spectral.log_spectrogram import analyse
from voxlet.training.batches import in_turn

if TYPE_CHECKING:
    from torch import Tensor

    from voxlet.corpus.prepare import Prepared
    from voxlet.spectral.config import SpectrogramConfig

ANALYSIS_BATCH = 256
EXACT_BYTES = 1 << 30  # more than this is held in half the space


def spectrograms_of(prepared: Prepared, config: SpectrogramConfig) -> Tensor:
    """Scaled log spectrograms (N, M, F) of all clips; float32, or float16 beyond a gigabyte."""
    count, samples = prepared.audio.shape
    shape = (count, config.bands, config.frames(samples))
    exact = 4 * int(np.prod(shape)) <= EXACT_BYTES
    values = torch.empty(shape, dtype=torch.float32 if exact else torch.float16)
    for rows in in_turn(np.arange(count), ANALYSIS_BATCH):
        values[rows] = analyse(torch.from_numpy(prepared.audio[rows]), config).values.to(values.dtype)
    return values
