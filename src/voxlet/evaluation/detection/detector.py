"""A classifier that tells clips of two kinds apart, asked only about speakers that it has not heard.

It is given each clip twice, through a short window, which shows when things happen, and a long one, which
shows how harmonics lie: phases that do not belong together show in the short one. Axes: B clips, W windows,
M bands, F frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from voxlet.evaluation.classifiers.config import ClassifierConfig
from voxlet.evaluation.classifiers.inputs import FLOOR, InputConfig, log_mel, normalise
from voxlet.evaluation.classifiers.training import batches, denormals_flushed, optimizer_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from voxlet.audio import Samples

WINDOWS = (0.008, 0.064)  # seconds
TRAINING = ClassifierConfig(steps=300, batch=32, rate=3e-3, balanced=True)
CHANNELS = (16, 32, 48)
SHIFT = 8  # frames that a clip is moved by in training, at most
BATCH = 250


@dataclass(frozen=True)
class Views:
    """Clips as a detector is given them (B, W, M, F), and the fold (B,) that each belongs to."""

    spectrograms: NDArray[np.float32]
    folds: NDArray[np.int64]


def views(sounds: Sequence[Samples], rate: int, folds: NDArray[np.int64]) -> Views:
    """Clips (T,) at `rate`, trimmed and levelled, through both windows, at telephone bandwidth."""
    configs = [InputConfig(window=seconds, hop=WINDOWS[0], bands=40) for seconds in WINDOWS]
    rows = []
    for sound in sounds:
        ready = normalise(sound, rate, configs[0])
        rows.append(np.stack([log_mel(ready, config) for config in configs]))
    return Views(np.stack(rows), folds)


class Detector(nn.Module):
    """Spectrograms (B, W, M, F) to the logit (B,) that a clip is of the second kind."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = len(WINDOWS)
        for channels in CHANNELS:
            layers += [
                nn.Conv2d(before, channels, 3, (2, 2) if before > len(WINDOWS) else (1, 2), 1, bias=False),
                nn.BatchNorm2d(channels),
                nn.ReLU(),
            ]
            before = channels
        self.layers = nn.Sequential(*layers)
        self.drop = nn.Dropout(0.3)
        self.kind = nn.Linear(2 * before, 1)

    def forward(self, spectrograms: Tensor) -> Tensor:
        """Logits (B,)."""
        x = self.layers((spectrograms - 0.5 * float(np.log(FLOOR))) / 3.0)
        pooled = torch.cat([x.mean(dim=(2, 3)), x.amax(dim=(2, 3))], dim=1)
        found: Tensor = self.kind(self.drop(pooled))[:, 0]
        return found


def right_answers(real: Views, other: Views, seed: int = 0) -> NDArray[np.float64]:
    """Whether each clip, of the real ones and then of the others, is told right, (B,) of 0 and 1.

    By a detector that was trained on all folds but the clip's own: no speaker is in two. The caller's random
    numbers are left as they were.
    """
    spectrograms = np.concatenate([real.spectrograms, other.spectrograms])
    folds = np.concatenate([real.folds, other.folds])
    kinds = np.repeat([0, 1], [len(real.folds), len(other.folds)])
    right = np.zeros(len(kinds))
    for fold in np.unique(folds):
        own = folds == fold
        detector = train_detector(spectrograms[~own], kinds[~own], seed)
        right[own] = told(detector, spectrograms[own]) == kinds[own]
    return right


def train_detector(spectrograms: NDArray[np.float32], kinds: NDArray[np.int64], seed: int) -> Detector:
    """A detector trained on spectrograms (B, W, M, F) of both kinds (B,), each as often as the other."""
    with torch.random.fork_rng(devices=[]), denormals_flushed():
        torch.manual_seed(seed)
        rng = np.random.default_rng(seed)
        detector = Detector().train()
        config = ClassifierConfig(
            steps=TRAINING.steps, batch=TRAINING.batch, rate=TRAINING.rate, balanced=True, seed=seed
        )
        optimizer, schedule = optimizer_of(detector, config)
        for rows in batches(kinds, config):
            shift = int(rng.integers(-SHIFT, SHIFT + 1))
            given = torch.from_numpy(np.roll(spectrograms[rows], shift, axis=-1))
            asked = torch.from_numpy(kinds[rows]).float()
            loss = F.binary_cross_entropy_with_logits(detector(given), asked)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    return detector.eval()


@torch.inference_mode()
def told(detector: Detector, spectrograms: NDArray[np.float32]) -> NDArray[np.int64]:
    """Which kind each of (B, W, M, F) is told to be, (B,)."""
    logits = [
        detector(torch.from_numpy(spectrograms[first : first + BATCH]))
        for first in range(0, len(spectrograms), BATCH)
    ]
    return (torch.cat(logits) > 0).long().numpy()
