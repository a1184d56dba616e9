"""BC-ResNet, a small keyword spotting network, with which the utility of clips is measured.

Kim et al. 2021, "Broadcasted residual learning for efficient keyword spotting", arXiv 2106.04140: a block
filters a spectrogram along the bands, then the mean over bands along time, and adds the latter to every band.
Written from the paper, except that the first layer's stride along time is 2 instead of 1, which halves the
computation. Axes: B clips, H channels, M bands, F frames.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

SUB_BANDS = 5
STAGES = (  # channels for a width of 1, blocks, stride along the bands, dilation along time
    (8, 2, 1, 1),
    (12, 2, 2, 2),
    (16, 4, 2, 4),
    (20, 4, 1, 8),
)
FIRST, LAST = 16, 32  # channels for a width of 1
DROPOUT = 0.1


class SubSpectralNorm(nn.Module):
    """Batch normalisation of (B, H, M, F), separately for each fifth of the bands (Chang et al. 2021)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels * SUB_BANDS)

    def forward(self, x: Tensor) -> Tensor:
        """(B, H, M, F) to the same shape; M is a multiple of five."""
        B, H, M, F = x.shape
        parts = x.reshape(B, H * SUB_BANDS, M // SUB_BANDS, F)
        normed: Tensor = self.norm(parts).reshape(B, H, M, F)
        return normed


class Block(nn.Module):
    """A broadcasted residual block; one that changes channels or bands has no identity shortcut."""

    def __init__(self, channels_in: int, channels: int, stride: int, dilation: int) -> None:
        super().__init__()
        self.changes = channels_in != channels or stride != 1
        self.widen = (
            nn.Sequential(
                nn.Conv2d(channels_in, channels, 1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()
            )
            if self.changes
            else nn.Identity()
        )
        self.along_bands = nn.Sequential(
            nn.Conv2d(channels, channels, (3, 1), (stride, 1), (1, 0), groups=channels, bias=False),
            SubSpectralNorm(channels),
        )
        self.along_time = nn.Sequential(
            nn.Conv2d(
                channels, channels, (1, 3), padding=(0, dilation), dilation=(1, dilation),
                groups=channels, bias=False,
            ),
            nn.BatchNorm2d(channels),
            nn.SiLU(),
            nn.Conv2d(channels, channels, 1, bias=False),
            nn.Dropout2d(DROPOUT),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels_in, M, F) to (B, channels, M / stride, F)."""
        bands = self.along_bands(self.widen(x))
        out = bands + self.along_time(bands.mean(dim=2, keepdim=True))
        return torch.relu(out if self.changes else out + x)


class BCResNet(nn.Module):
    """Log-mel spectrograms (B, M, F) to logits (B, C).

    Args:
        labels: Number of labels, C.
        width: Factor on BC-ResNet-1's channels: 1 has some 10,000 parameters, 2 some 28,000, 3 some 55,000.
    """

    def __init__(self, labels: int, width: float = 1.0) -> None:
        super().__init__()

        def channels(count: int) -> int:
            return round(count * width)

        self.first = nn.Sequential(
            nn.Conv2d(1, channels(FIRST), 5, (2, 2), 2, bias=False),
            nn.BatchNorm2d(channels(FIRST)),
            nn.ReLU(),
        )
        blocks: list[nn.Module] = []
        before = channels(FIRST)
        for count, repeats, stride, dilation in STAGES:
            for number in range(repeats):
                blocks.append(Block(before, channels(count), stride if number == 0 else 1, dilation))
                before = channels(count)
        self.blocks = nn.Sequential(*blocks)
        self.last = nn.Sequential(
            nn.Conv2d(before, before, 5, padding=(0, 2), groups=before, bias=False),
            nn.Conv2d(before, channels(LAST), 1, bias=False),
            nn.BatchNorm2d(channels(LAST)),
            nn.ReLU(),
        )
        self.label = nn.Linear(channels(LAST), labels)

    def forward(self, log_mel: Tensor) -> Tensor:
        """Logits (B, C); M is 40."""
        found: Tensor = self.label(self.last(self.blocks(self.first(log_mel[:, None]))).mean(dim=(2, 3)))
        return found
