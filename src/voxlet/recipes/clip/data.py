"""Log spectrograms of the clips that a clip VAE learns from, held in memory if they fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from voxlet.spectral.log_spectrogram import analyse
from voxlet.training.batches import in_turn

if TYPE_CHECKING:
    from torch import Tensor

    from voxlet.corpus.prepare import Prepared
    from voxlet.corpus.rows.stored import Rows
    from voxlet.spectral.config import SpectrogramConfig

ANALYSIS_BATCH = 256
HELD_BYTES = 1 << 30  # spectrograms that take more are computed each time they are read
CPU = torch.device("cpu")


@dataclass(frozen=True)
class InMemory:
    """Spectrograms in memory: `values` (N, M, F), scaled to [0, 1]."""

    values: Tensor

    @property
    def shape(self) -> tuple[int, int, int]:
        """(N, M, F)."""
        count, bands, frames = self.values.shape
        return count, bands, frames

    def read(self, rows: Tensor) -> Tensor:
        """Spectrograms (B, M, F) float32 of the clips `rows` (B,)."""
        return self.values[rows]


@dataclass(frozen=True)
class Computed:
    """Spectrograms computed from the clips on disk each time they are read, however many there are."""

    rows: Rows
    config: SpectrogramConfig
    device: torch.device = CPU

    @property
    def shape(self) -> tuple[int, int, int]:
        """(N, M, F)."""
        count, samples = self.rows.shape
        return count, self.config.bands, self.config.frames(samples)

    def read(self, rows: Tensor) -> Tensor:
        """Spectrograms (B, M, F) float32 of the clips `rows` (B,).

        Each is computed alone: the last bits of vectorised logarithms depend on the place in a batch.
        """
        waveforms = torch.from_numpy(self.rows.read(rows.cpu().numpy()))
        made = [analyse(waveform[None], self.config).values for waveform in waveforms]
        return torch.cat(made).to(self.device)


Spectrograms = InMemory | Computed


def spectrograms_of(
    prepared: Prepared, config: SpectrogramConfig, device: torch.device = CPU
) -> Spectrograms:
    """Scaled log spectrograms (N, M, F) of all clips, on `device`."""
    made = Computed(prepared.rows, config)
    if not held_bytes(*made.shape):
        return Computed(prepared.rows, config, device)
    values = torch.empty(made.shape)
    for rows in map(torch.from_numpy, in_turn(np.arange(len(values)), ANALYSIS_BATCH)):
        values[rows] = made.read(rows)
    return InMemory(values.to(device))


def held_bytes(count: int, bands: int, frames: int) -> int:
    """Bytes that `count` spectrograms take in memory; 0 if they do not fit and are computed when read."""
    whole = 4 * count * bands * frames
    return whole if whole <= HELD_BYTES else 0
