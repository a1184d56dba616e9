"""The study's dense clip VAE: a flattened spectrogram through narrowing layers, and back."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from voxlet.models.clip.config import MLPConfig
from voxlet.models.clip.layers import Dense, Dropout
from voxlet.models.clip.vae import Decoder, Encoder

# Matrices whose rows are aligned to cache lines (32 bfloat16 numbers) are multiplied a quarter faster.
ALIGNED = 32


def aligned(count: int) -> int:
    """The next multiple of `ALIGNED`."""
    return -(-count // ALIGNED) * ALIGNED


def dense_stack(sizes: list[int], dropout: float) -> nn.Sequential:
    """Dense layers from `sizes[0]` to `sizes[-1]`, each with ReLU and dropout."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes):
        layers += [Dense(inputs, outputs), nn.ReLU(inplace=True)]
        if dropout:
            layers.append(Dropout(dropout))
    return nn.Sequential(*layers)


class DenseEncoder(Encoder):
    """Narrowing layers on the flattened spectrogram."""

    def __init__(self, config: MLPConfig, shape: tuple[int, int], condition_size: int) -> None:
        super().__init__()
        self.width = config.widths[-1]
        self.inputs = aligned(math.prod(shape) + condition_size)
        self.layers = dense_stack([self.inputs, *config.widths], config.dropout)

    def forward(self, spectrograms: Tensor, condition: Tensor) -> Tensor:
        """Spectrogram (B, M, F) and condition (B, C or 0) to hidden values (B, width)."""
        flat = spectrograms.flatten(1)
        if condition.shape[1]:
            flat = torch.cat([flat, condition], dim=1)
        hidden: Tensor = self.layers(functional.pad(flat, (0, self.inputs - flat.shape[1])))
        return hidden


class DenseDecoder(Decoder):
    """The encoder's layers in reverse, then a linear layer to all values."""

    def __init__(self, config: MLPConfig, shape: tuple[int, int], condition_size: int) -> None:
        super().__init__()
        self.shape = shape
        widths = config.widths[::-1]
        self.layers = dense_stack([config.latent_size + condition_size, *widths], config.dropout)
        self.values = math.prod(shape)
        self.output = Dense(widths[-1], aligned(self.values))

    def forward(self, latents: Tensor) -> Tensor:
        """Latent and condition (B, Z + C or 0) to logits (B, M, F)."""
        logits: Tensor = self.output(self.layers(latents))[:, : self.values]
        return logits.view(-1, *self.shape)

    def start_at(self, logits: Tensor) -> None:
        """Set the initial output to `logits` (M, F)."""
        self.output.bias.data[: self.values] = logits.flatten()
