"""Convolutional clip VAEs: the study's at full resolution, and a light one with strides along time."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from voxlet.models.clip.config import CNNConfig, CNNLightConfig
from voxlet.models.clip.layers import Dense, Dropout
from voxlet.models.clip.vae import Decoder, Encoder


def channels_last(layers: list[nn.Module]) -> nn.Sequential:
    """A sequence of layers with channels-last kernels, the layout in which oneDNN and cuDNN are fastest."""
    stack = nn.Sequential(*layers)
    stack.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # PyTorch's stubs lack this form
    return stack


class MirrorConv(nn.ConvTranspose2d):
    """A 3x3 transposed convolution with stride 1 and padding 1, computed as the equivalent convolution.

    Kernels are rotated by 180 degrees, and their input and output channels swapped. oneDNN's own transposed
    convolution leaves the channels-last layout if there is one channel, and later layers then take up to
    twenty times as long.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]  # no output size to choose
        """(B, inputs, M, F) to (B, outputs, M, F)."""
        kernels = self.weight.flip(2, 3).transpose(0, 1).contiguous(memory_format=torch.channels_last)
        return functional.conv2d(x, kernels, self.bias, padding=1)


class ConvEncoder(Encoder):
    """The study's encoder: 3x3 convolutions without strides, flattened into one dense layer."""

    def __init__(self, config: CNNConfig, shape: tuple[int, int], condition_size: int) -> None:
        super().__init__()
        self.width = config.width
        sizes = [1, *config.channels]
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(sizes):
            layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.ReLU(inplace=True)]
        self.layers = channels_last(layers)
        self.dense = Dense(math.prod(shape) * sizes[-1] + condition_size, config.width)
        self.dropout = Dropout(config.dropout)

    def forward(self, spectrograms: Tensor, condition: Tensor) -> Tensor:
        """Spectrogram (B, M, F) and condition (B, C or 0) to hidden values (B, width)."""
        maps = self.layers(spectrograms[:, None].contiguous(memory_format=torch.channels_last))
        # Channels are last in memory, so flattening in this order copies nothing.
        flat = maps.permute(0, 2, 3, 1).flatten(1)
        if condition.shape[1]:
            flat = torch.cat([flat, condition.to(flat.dtype)], dim=1)
        hidden: Tensor = self.dropout(self.dense(flat).relu())
        return hidden


class ConvDecoder(Decoder):
    """The mirrored decoder: dense layers, then transposed convolutions to logits (B, M, F)."""

    def __init__(self, config: CNNConfig, shape: tuple[int, int], condition_size: int) -> None:
        super().__init__()
        self.shape = shape
        self.seed_channels = config.seed_channels
        self.dense = nn.Linear(config.latent_size + condition_size, config.width)
        self.dropout = Dropout(config.dropout)
        self.seed = Dense(config.width, math.prod(shape) * config.seed_channels)
        sizes = [config.seed_channels, *config.channels[::-1]]
        layers: list[nn.Module] = []
        for inputs, outputs in pairwise(sizes):
            layers += [MirrorConv(inputs, outputs), nn.ReLU(inplace=True)]
        layers.append(MirrorConv(sizes[-1], 1))
        self.layers = channels_last(layers)

    def forward(self, latents: Tensor) -> Tensor:
        """Latent and condition (B, Z + C or 0) to logits (B, M, F)."""
        hidden = self.dropout(self.dense(latents).relu())
        seed = self.dropout(self.seed(hidden).relu())
        maps = seed.unflatten(1, (*self.shape, self.seed_channels)).permute(0, 3, 1, 2)
        logits: Tensor = self.layers(maps)
        return logits.squeeze(1)

    def start_at(self, logits: Tensor) -> None:
        """Set the initial output to the mean of `logits` (M, F): one bias is shared by all values."""
        output = self.layers[-1]
        assert isinstance(output, nn.ConvTranspose2d)
        assert output.bias is not None
        output.bias.data.fill_(float(logits.mean()))


def _halved(frames: int, halvings: int) -> list[int]:
    """Frames after each halving by a stride of 2: F, ceil(F / 2), ..."""
    counts = [frames]
    for _ in range(halvings):
        counts.append(-(-counts[-1] // 2))
    return counts


class _Refined(nn.Module):
    """A convolution that changes the number of frames, then a residual convolution.

    There is no normalisation: group or batch normalisation made training slower and the loss higher.
    """

    def __init__(self, resample: nn.Module, width: int) -> None:
        super().__init__()
        self.resample = resample
        self.refine = nn.Conv1d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, F) to (B, width, F / 2 or 2 F)."""
        coarse: Tensor = self.resample(x)
        refined: Tensor = coarse + self.refine(functional.gelu(coarse))
        return refined


class LightEncoder(Encoder):
    """Convolutions along time with the bands as channels, so that nearly all cost is in matrix products."""

    def __init__(self, config: CNNLightConfig, shape: tuple[int, int], condition_size: int) -> None:
        super().__init__()
        self.width = config.dense
        bands, frames = shape
        width = config.width
        layers: list[nn.Module] = [nn.Conv1d(bands, width, 3, padding=1), nn.GELU()]
        layers += [
            _Refined(nn.Conv1d(width, width, 3, stride=2, padding=1), width) for _ in range(config.halvings)
        ]
        self.layers = nn.Sequential(*layers, nn.GELU())
        self.dropout = Dropout(config.dropout)
        self.dense = nn.Linear(_halved(frames, config.halvings)[-1] * width + condition_size, config.dense)

    def forward(self, spectrograms: Tensor, condition: Tensor) -> Tensor:
        """Spectrogram (B, M, F) and condition (B, C or 0) to hidden values (B, width)."""
        flat = self.dropout(self.layers(spectrograms).flatten(1))
        if condition.shape[1]:
            flat = torch.cat([flat, condition.to(flat.dtype)], dim=1)
        return functional.gelu(self.dense(flat))


class LightDecoder(Decoder):
    """The decoder for `LightEncoder`: each step doubles the frames; each spectrogram value has a bias."""

    def __init__(self, config: CNNLightConfig, shape: tuple[int, int], condition_size: int) -> None:
        super().__init__()
        bands, frames = shape
        width = config.width
        counts = _halved(frames, config.halvings)
        self.start = (width, counts[-1])
        self.dense = nn.Sequential(
            nn.Linear(config.latent_size + condition_size, config.dense),
            nn.GELU(),
            nn.Linear(config.dense, math.prod(self.start)),
        )
        self.dropout = Dropout(config.dropout)
        layers: list[nn.Module] = []
        for coarse, fine in pairwise(counts[::-1]):
            extra = fine - (2 * coarse - 1)
            up = nn.ConvTranspose1d(width, width, 3, stride=2, padding=1, output_padding=extra)
            layers.append(_Refined(up, width))
        self.layers = nn.Sequential(*layers, nn.GELU(), nn.Conv1d(width, bands, 3, padding=1))
        self.bias = nn.Parameter(torch.zeros(shape))

    def forward(self, latents: Tensor) -> Tensor:
        """Latent and condition (B, Z + C or 0) to logits (B, M, F)."""
        start = self.dropout(self.dense(latents)).unflatten(1, self.start)
        logits: Tensor = self.layers(start) + self.bias
        return logits

    def start_at(self, logits: Tensor) -> None:
        """Set the initial output to `logits` (M, F)."""
        self.bias.data.copy_(logits)
