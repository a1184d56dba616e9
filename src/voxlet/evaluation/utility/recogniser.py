"""A BC-ResNet recogniser, trained on given clips and tested on others.

All recognisers that are compared are trained alike, whatever the clips: with the same number of steps, batch
size and augmentation (shift, speed, noise, warped frequencies, masks, room).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F

from voxlet.errors import ScoreError
from voxlet.evaluation.classifiers.augmentation import augment
from voxlet.evaluation.classifiers.config import ClassifierConfig
from voxlet.evaluation.classifiers.inputs import FLOOR, InputConfig, log_mels
from voxlet.evaluation.classifiers.training import batches, denormals_flushed, optimizer_of
from voxlet.evaluation.intervals import Interval, wilson
from voxlet.evaluation.utility.bc_resnet import BCResNet
from voxlet.training.hardware import autocast

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from voxlet.evaluation.clipset import ClipSet

INPUTS = InputConfig(bands=40)
TRAINING = ClassifierConfig(steps=1000, batch=32, rate=6e-3, balanced=True)
LABEL_SMOOTHING = 0.05
MISSED = 0.05  # share of its own words that a spotter may miss when false accepts are counted
BATCH = 250


@dataclass(frozen=True)
class Examples:
    """Log-mel spectrograms (B, M, F) and labels (B,)."""

    log_mels: NDArray[np.float32]
    labels: NDArray[np.int64]

    def take(self, rows: NDArray[np.int64]) -> Examples:
        """The examples with these row numbers."""
        return Examples(self.log_mels[rows], self.labels[rows])


def examples(clips: ClipSet, inputs: InputConfig = INPUTS) -> Examples:
    """A set of clips as input for the recogniser."""
    return Examples(log_mels(clips.sounds, clips.rate, inputs), clips.labels)


def few_takes(
    labels: NDArray[np.int64], speakers: NDArray[np.int64], people: int, takes: int, seed: int
) -> NDArray[np.int64]:
    """Row numbers of at most `takes` clips of each label by each of `people` speakers.

    With the same seed, a larger number of people or takes adds rows to those of a smaller one.

    Raises:
        ScoreError: There are fewer speakers than `people`.
    """
    rng = np.random.default_rng(seed)
    known = rng.permutation(np.unique(speakers[speakers >= 0]))
    if len(known) < people:
        raise ScoreError(f"{people} speakers were asked for, and there are {len(known)}")
    order = rng.permutation(len(labels))
    rows = [
        order[(labels[order] == label) & (speakers[order] == speaker)][:takes]
        for speaker in known[:people]
        for label in np.unique(labels)
    ]
    return np.sort(np.concatenate(rows))


def train_recogniser(sets: list[Examples], label_count: int, config: ClassifierConfig = TRAINING) -> BCResNet:
    """Train a recogniser on sets of clips; every batch has equally many clips of each set.

    The caller's random state is not changed.
    """
    with torch.random.fork_rng(devices=[]), denormals_flushed():
        torch.manual_seed(config.seed)
        generator = torch.Generator().manual_seed(config.seed)
        network = BCResNet(label_count)
        optimizer, schedule = optimizer_of(network, config)
        share = ClassifierConfig(
            steps=config.steps, batch=config.batch // len(sets), balanced=True, seed=config.seed
        )
        drawn = [batches(one.labels, share) for one in sets]
        for step in range(config.steps):
            rows = [numbers[step] for numbers in drawn]
            given = [one.take(numbers) for one, numbers in zip(sets, rows, strict=True)]
            spectrograms = torch.from_numpy(np.concatenate([one.log_mels for one in given]))
            labels = torch.from_numpy(np.concatenate([one.labels for one in given]))
            varied = augment(spectrograms, config.strength, generator)
            with autocast(torch.device("cpu"), "auto"):
                logits = network(normalised(varied))
            loss = F.cross_entropy(logits.float(), labels, label_smoothing=LABEL_SMOOTHING)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    return network.eval()


def normalised(log_mel: torch.Tensor) -> torch.Tensor:
    """Spectrograms scaled to a mean near 0 and a spread near 1, by the same constants for all clips."""
    return (log_mel - 0.5 * float(np.log(FLOOR))) / 3.0


@torch.inference_mode()
def probabilities(network: BCResNet, log_mel: NDArray[np.float32]) -> NDArray[np.float64]:
    """Probabilities (B, C) of labels for spectrograms (B, M, F)."""
    parts = [
        F.softmax(network(normalised(torch.from_numpy(log_mel[first : first + BATCH]))).double(), dim=1)
        for first in range(0, len(log_mel), BATCH)
    ]
    return torch.cat(parts).numpy()


@dataclass(frozen=True)
class RecogniserScores:
    """Performance of a recogniser.

    Attributes:
        accuracy: Share of test clips whose label is the most probable.
        false_accepts: How many of 1,000 other words it accepts as one of its labels, at the threshold on the
            highest probability that rejects 5 % of the test clips, classified right or not.
    """

    accuracy: Interval
    false_accepts: float


def assess(network: BCResNet, test: Examples, others: NDArray[np.float32]) -> RecogniserScores:
    """Test a recogniser on clips of its labels, and on spectrograms (B, M, F) of other words."""
    own = probabilities(network, test.log_mels)
    right = own.argmax(axis=1) == test.labels
    least = np.quantile(own.max(axis=1), MISSED)
    accepted = probabilities(network, others).max(axis=1) >= least
    return RecogniserScores(wilson(int(right.sum()), len(right)), 1000 * float(accepted.mean()))
