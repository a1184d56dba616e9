"""A classifier of labels and speakers: a small residual network on log-mel spectrograms.

Its label head answers "which word?", its speaker head "who?", and the layer below both gives the features
that distances between sets of clips are measured on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from voxlet.evaluation.classifiers.inputs import FLOOR

if TYPE_CHECKING:
    from voxlet.evaluation.classifiers.config import ClassifierConfig


class Block(nn.Module):
    """Two 3x3 convolutions with a shortcut; `stride` is that of bands and of frames."""

    def __init__(self, inputs: int, outputs: int, stride: tuple[int, int]) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm2d(outputs), nn.BatchNorm2d(outputs)])
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, M, F) to (B, outputs, M / stride, F / stride)."""
        y = F.relu(self.norms[0](self.first(x)))
        return F.relu(self.norms[1](self.second(y)) + self.shortcut(x))


class Network(nn.Module):
    """Log-mel (B, M, F) to label logits (B, C), speaker logits (B, S) and features (B, D)."""

    def __init__(self, labels: int, speakers: int, config: ClassifierConfig) -> None:
        super().__init__()
        width, features = config.width, config.features
        self.stem = nn.Conv2d(1, width, (5, 5), (2, 2), 2, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.blocks = nn.Sequential(
            Block(width, width, (1, 2)),
            Block(width, 2 * width, (2, 2)),
            Block(2 * width, 4 * width, (2, 1)),
        )
        self.feature = nn.Linear(8 * width, features)
        self.drop = nn.Dropout(0.2)
        self.label = nn.Linear(features, labels)
        self.speaker = nn.Linear(features, max(1, speakers))

    def forward(self, log_mel: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """All three outputs; both heads are computed from the features."""
        x = (log_mel[:, None] - 0.5 * float(np.log(FLOOR))) / 3.0
        x = x.to(memory_format=torch.channels_last)
        x = self.blocks(F.relu(self.norm(self.stem(x))))
        x = x.mean(dim=2)  # over bands; then over frames, both mean and maximum
        pooled = torch.cat([x.mean(dim=2), x.amax(dim=2)], dim=1)
        features = self.feature(self.drop(pooled.float()))
        active = F.relu(features)
        return self.label(active), self.speaker(active), features
