"""A recogniser of labels and speakers: a small residual network on log-mel spectrograms.

It learns from real recordings only. Its label head answers "which word?", its speaker head "who?", and the
layer below both gives the features that distances between sets of clips are measured on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from voxlet.errors import ScoreError
from voxlet.evaluation.classifiers.inputs import FLOOR, Hearing, hear
from voxlet.training.hardware import autocast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from voxlet.audio import Samples


@dataclass(frozen=True)
class Schooling:
    """How a recogniser is taught. `strength` scales every augmentation; 0 is none."""

    steps: int = 1000
    batch: int = 64
    rate: float = 2e-3  # peak learning rate (AdamW, one cycle)
    weight_decay: float = 0.02
    width: int = 32
    features: int = 64  # D
    strength: float = 1.0
    speaker_weight: float = 0.3  # of the speaker's cross-entropy against the label's
    balanced: bool = False  # draw every label equally often, however rare
    margin: float = 0.0  # logits by which the rarest label must win while it is taught, see `margins`
    fine: bool = False  # keep 20 ms frames for longer: hears better and costs half as much again
    seed: int = 0


@dataclass(frozen=True)
class Verdict:
    """What a judge heard in B clips: natural-log probabilities of C labels and S speakers, features."""

    label_log_probabilities: NDArray[np.float64]  # (B, C)
    speaker_log_probabilities: NDArray[np.float64] | None  # (B, S); None: this judge does not know voices
    features: NDArray[np.float64] | None  # (B, D)

    @property
    def labels(self) -> NDArray[np.int64]:
        """Most probable label of each clip, (B,)."""
        return np.asarray(self.label_log_probabilities.argmax(axis=1), dtype=np.int64)

    @property
    def speakers(self) -> NDArray[np.int64]:
        """Most probable speaker of each clip, (B,)."""
        if self.speaker_log_probabilities is None:
            raise ScoreError("this judge does not know voices")
        return np.asarray(self.speaker_log_probabilities.argmax(axis=1), dtype=np.int64)


class Block(nn.Module):
    """Two 3x3 convolutions with a shortcut; `stride` halves bands and frames."""

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

    def __init__(self, labels: int, speakers: int, schooling: Schooling) -> None:
        super().__init__()
        width, features = schooling.width, schooling.features
        self.stem = nn.Conv2d(1, width, (5, 5), (2, 2), 2, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.blocks = nn.Sequential(
            Block(width, width, (1, 1 if schooling.fine else 2)),
            Block(width, 2 * width, (2, 2)),
            Block(2 * width, 4 * width, (2, 1)),
        )
        self.feature = nn.Linear(8 * width, features)
        self.drop = nn.Dropout(0.2)
        self.label = nn.Linear(features, labels)
        self.speaker = nn.Linear(features, max(1, speakers))

    def forward(self, log_mel: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """All three answers; the features are what both heads see."""
        x = (log_mel[:, None] - 0.5 * float(np.log(FLOOR))) / 3.0
        x = x.to(memory_format=torch.channels_last)
        x = self.blocks(F.relu(self.norm(self.stem(x))))
        x = x.mean(dim=2)  # bands have done their work; now what is there at all, and on average
        pooled = torch.cat([x.mean(dim=2), x.amax(dim=2)], dim=1)
        features = self.feature(self.drop(pooled.float()))
        active = F.relu(features)
        return self.label(active), self.speaker(active), features


def vary(log_mel: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Other tellings of the same clips (B, M, F): speed, pitch, timbre, room, noise, level, masks.

    All of it happens on mel power: a warp of time and of the mel axis (as vocal-tract-length perturbation),
    a smooth random equaliser, an exponential tail (room), exponentially distributed noise power
    (the periodogram of Gaussian noise) with a random tilt, gain, then SpecAugment's masks (Park et al. 2019).
    """
    if strength == 0:
        return log_mel
    B, M, frames = log_mel.shape

    def uniform(*shape: int) -> Tensor:
        return 2 * torch.rand(*shape, generator=generator) - 1

    def chance(share: float) -> Tensor:
        return (torch.rand(B, 1, 1, generator=generator) < share).float()

    quiet = float(np.log(FLOOR))
    time = torch.linspace(-1, 1, frames) * torch.exp(
        0.2 * strength * uniform(B, 1)
    ) + 0.2 * strength * uniform(B, 1)
    pitch = (torch.linspace(-1, 1, M) + 1) * torch.exp(0.12 * strength * uniform(B, 1)) - 1
    pitch = pitch + 0.03 * strength * uniform(B, 1)
    grid = torch.stack([time[:, None].expand(B, M, frames), pitch[:, :, None].expand(B, M, frames)], dim=-1)
    warped = F.grid_sample(log_mel[:, None] - quiet, grid, align_corners=True)[:, 0] + quiet

    band = torch.linspace(0, 1, M)
    waves = torch.stack([torch.cos(torch.pi * k * band) for k in range(5)])  # (5, M)
    curve = (uniform(B, 5) * torch.tensor([1.0, 1.5, 1.0, 0.7, 0.5]) * strength) @ waves  # nepers of power
    power = torch.exp(warped + curve[:, :, None]) - FLOOR

    tail = torch.exp(-torch.arange(12) / (1.5 + 2.5 * torch.rand(B, 1, generator=generator)))  # (B, 12)
    room = F.conv1d(F.pad(power.transpose(0, 1), (11, 0)), tail.flip(1)[:, None], groups=B).transpose(0, 1)
    power = torch.lerp(power, room, 0.4 * strength * chance(0.4) * torch.rand(B, 1, 1, generator=generator))

    tilt = uniform(B, 1, 1) * (band[:, None] - 0.5) * 4
    hiss = -torch.log(torch.rand(B, M, frames, generator=generator).clamp_min(1e-6))
    loudness = torch.exp(-4.5 + 3.0 * uniform(B, 1, 1))  # -6.5 dB down to -32 dB below the average band
    power = power + strength * chance(0.5) * loudness * hiss * torch.exp(tilt)

    gain = torch.exp(1.0 * strength * uniform(B, 1, 1))
    out = torch.log(power.clamp_min(0) * gain + FLOOR)
    at = torch.arange(frames)[None, None]
    start = torch.rand(B, 1, 1, generator=generator) * frames
    masked = (at >= start) & (at < start + 12 * strength * torch.rand(B, 1, 1, generator=generator))
    rows = torch.arange(M)[None, :, None]
    start = torch.rand(B, 1, 1, generator=generator) * M
    masked = masked | (
        (rows >= start) & (rows < start + 8 * strength * torch.rand(B, 1, 1, generator=generator))
    )
    return torch.where(masked, torch.full_like(out, quiet), out)


class Recogniser:
    """A taught network with its ear and its names."""

    def __init__(
        self,
        network: Network,
        hearing: Hearing,
        label_names: tuple[str, ...],
        speaker_names: tuple[str, ...] = (),
    ) -> None:
        self.network = network.eval()
        self.hearing = hearing
        self.label_names = label_names
        self.speaker_names = speaker_names

    def judge(self, sounds: Sequence[Samples], rate: int) -> Verdict:
        """Listen to B clips, each float32 (T,) at `rate` Hz; a clip need not be trimmed or levelled."""
        return self.judge_log_mel(hear(sounds, rate, self.hearing))

    @torch.inference_mode()
    def judge_log_mel(self, log_mel: NDArray[np.float32]) -> Verdict:
        """The same for spectrograms (B, M, F) that were heard before with this judge's `hearing`."""
        labels, speakers, features = [], [], []
        for start in range(0, len(log_mel), 250):
            answer = self.network(torch.from_numpy(log_mel[start : start + 250]))
            labels.append(F.log_softmax(answer[0].double(), dim=1))
            speakers.append(F.log_softmax(answer[1].double(), dim=1))
            features.append(answer[2].double())
        if not labels:
            raise ScoreError("there are no clips to judge")
        return Verdict(
            torch.cat(labels).numpy(),
            torch.cat(speakers).numpy() if self.speaker_names else None,
            torch.cat(features).numpy(),
        )


def draw(labels: NDArray[np.int64], schooling: Schooling) -> NDArray[np.int64]:
    """Row numbers of every batch of the course, (steps, batch): whole epochs, or labels equally often."""
    rng = np.random.default_rng(schooling.seed)
    wanted = schooling.steps * schooling.batch
    if schooling.balanced:
        present = np.unique(labels)
        columns = [np.flatnonzero(labels == label) for label in present]
        picks = rng.integers(len(present), size=wanted)
        rows = np.array([columns[pick][rng.integers(len(columns[pick]))] for pick in picks])
    else:
        epochs = -(-wanted // len(labels))
        rows = np.concatenate([rng.permutation(len(labels)) for _ in range(epochs)])[:wanted]
    return rows.reshape(schooling.steps, schooling.batch)


def margins(labels: NDArray[np.int64], count: int, most: float) -> NDArray[np.float32]:
    """How much more a label must be heard than others while it is taught, (C,): most for the rarest.

    A few clips are soon known by heart, and then a rare label is heard in nothing else. A margin that falls
    with the number of clips gives it more room (Cao et al. 2019, there with the fourth root; chosen here on
    real clips).
    """
    rarity = 1 / np.sqrt(np.maximum(np.bincount(labels, minlength=count), 1))
    return np.asarray(most * rarity / rarity.max(), dtype=np.float32)


def teach(
    log_mel: NDArray[np.float32],
    labels: NDArray[np.int64],
    label_names: tuple[str, ...],
    *,
    speakers: NDArray[np.int64] | None = None,
    speaker_names: tuple[str, ...] = (),
    hearing: Hearing,
    schooling: Schooling,
    progress: bool = True,
    name: str = "judge",
) -> Recogniser:
    """Teach a new recogniser on spectrograms (B, M, F) with labels (B,) and, where known, speakers (B,).

    Raises:
        ScoreError: Fewer than two clips, or a label without any clip.
    """
    if len(labels) < 2:
        raise ScoreError(f"{len(labels)} clips cannot teach a recogniser")
    torch.set_flush_denormal(True)
    torch.manual_seed(schooling.seed)
    generator = torch.Generator().manual_seed(schooling.seed)
    network = Network(len(label_names), len(speaker_names), schooling)
    network.train()
    decay = [p for p in network.parameters() if p.ndim > 1]
    plain = [p for p in network.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": decay, "weight_decay": schooling.weight_decay}, {"params": plain, "weight_decay": 0.0}],
        lr=schooling.rate,
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, schooling.rate, total_steps=schooling.steps, pct_start=0.2
    )
    advantage = torch.from_numpy(margins(labels, len(label_names), schooling.margin))
    heard, said = torch.from_numpy(log_mel), torch.from_numpy(labels)
    who = None if speakers is None or not speaker_names else torch.from_numpy(speakers)
    bar = tqdm(
        draw(labels, schooling), desc=name, unit="step", disable=None if progress else True, leave=False
    )
    for numbers in bar:
        rows = torch.from_numpy(numbers)
        varied = vary(heard[rows], schooling.strength, generator)
        with autocast(torch.device("cpu"), "auto"):
            label_logits, speaker_logits, _ = network(varied)
        label_logits = label_logits.float() - advantage[said[rows], None] * F.one_hot(
            said[rows], len(label_names)
        )
        loss = F.cross_entropy(label_logits, said[rows], label_smoothing=0.02)
        if who is not None:
            loss = loss + schooling.speaker_weight * F.cross_entropy(speaker_logits.float(), who[rows])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    return Recogniser(network, hearing, label_names, speaker_names)
