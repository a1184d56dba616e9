"""Training of classifiers, which are cached under a digest of their training data and settings."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sys
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from voxlet.cache import contents as cache
from voxlet.errors import ScoreError
from voxlet.evaluation.classifiers.augmentation import augment
from voxlet.evaluation.classifiers.inputs import InputConfig, inputs_code, log_mels
from voxlet.evaluation.classifiers.network import Network
from voxlet.evaluation.classifiers.prediction import Prediction
from voxlet.files import cache_folder
from voxlet.training.hardware import autocast
from voxlet.training.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from voxlet.audio import Samples
    from voxlet.evaluation.classifiers.config import ClassifierConfig

VERSION = 6  # raise it when the same inputs and settings give another classifier
BATCH = 250  # clips classified at once
LABEL_SMOOTHING = 0.02
WARM_UP = 0.2  # of the steps


@dataclass(frozen=True)
class TrainingSet:
    """Everything that determines a trained classifier."""

    name: str  # for the progress bar
    source: str  # digest of the recordings, or another string that identifies them
    read: Callable[[], NDArray[np.float32]]  # returns (B, M, F); not called for a cached classifier
    labels: NDArray[np.int64]  # (B,)
    label_names: tuple[str, ...]
    speakers: NDArray[np.int64] | None  # (B,)
    speaker_names: tuple[str, ...]
    inputs: InputConfig
    config: ClassifierConfig

    @property
    def digest(self) -> str:
        """Digest of the training set; `source` stands for the spectrograms.

        The last bits of the spectrograms depend on the number of threads that computed them.
        """
        settings = [VERSION, inputs_code(), asdict(self.inputs), asdict(self.config), self.label_names]
        total = hashlib.sha256(json.dumps([*settings, self.speaker_names, self.source]).encode())
        for rows in (self.labels, self.speakers):
            if rows is not None:
                total.update(np.ascontiguousarray(rows).tobytes())
        return total.hexdigest()[:32]


class TrainedClassifier:
    """A trained network with its input settings and the names of its labels and speakers.

    Attributes:
        digest: Digest of the training data and settings.
    """

    def __init__(self, network: Network, training_set: TrainingSet) -> None:
        self.network = network.eval()
        self.inputs = training_set.inputs
        self.label_names = training_set.label_names
        self.speaker_names = training_set.speaker_names
        self.digest = training_set.digest

    def predict(self, sounds: Sequence[Samples], rate: int) -> Prediction:
        """Classify B clips, each float32 (T,) at `rate` Hz; a clip need not be trimmed or levelled."""
        return self.predict_log_mels(log_mels(sounds, rate, self.inputs))

    @torch.inference_mode()
    def predict_log_mels(self, spectrograms: NDArray[np.float32]) -> Prediction:
        """Classify spectrograms (B, M, F) that were computed with this classifier's `inputs`.

        Raises:
            ScoreError: There are no spectrograms.
        """
        labels, speakers, features = [], [], []
        for start in range(0, len(spectrograms), BATCH):
            answer = self.network(torch.from_numpy(spectrograms[start : start + BATCH]))
            labels.append(F.log_softmax(answer[0].double(), dim=1))
            speakers.append(F.log_softmax(answer[1].double(), dim=1))
            features.append(answer[2].double())
        if not labels:
            raise ScoreError("there are no clips to classify")
        return Prediction(
            torch.cat(labels).numpy(),
            torch.cat(speakers).numpy() if self.speaker_names else None,
            torch.cat(features).numpy(),
        )


def open_classifier(training_set: TrainingSet, *, progress: bool = True) -> TrainedClassifier:
    """The classifier of this training set: from the cache, or trained now and stored there.

    Raises:
        ScoreError: There are fewer than two clips.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load, save

    path = cache_folder("classifiers") / f"{training_set.digest}.safetensors"
    if path.is_file():
        network = new_network(training_set)
        try:
            network.load_state_dict(load(path.read_bytes()))  # Windows cannot delete a mapped file
            cache.touch(path)
            return TrainedClassifier(network, training_set)
        except (SafetensorError, RuntimeError, OSError):
            path.unlink(missing_ok=True)  # damaged, or written by an older version: train again
    classifier = train_classifier(training_set, progress=progress)
    note = {
        "labels": json.dumps(training_set.label_names),
        "speakers": json.dumps(training_set.speaker_names),
    }
    cache.write(path, save(classifier.network.state_dict(), metadata=note))
    return classifier


def new_network(training_set: TrainingSet) -> Network:
    """An untrained network of the size that the training set needs."""
    return Network(len(training_set.label_names), len(training_set.speaker_names), training_set.config)


def train_classifier(training_set: TrainingSet, *, progress: bool = True) -> TrainedClassifier:
    """Train a new classifier; the caller's random state is not changed.

    Raises:
        ScoreError: There are fewer than two clips.
    """
    config, count = training_set.config, len(training_set.labels)
    if count < 2:
        raise ScoreError(f"{count} clips cannot train a classifier")
    with (
        torch.random.fork_rng(devices=[]),
        denormals_flushed(),
        Progress(training_set.name, silent=not progress) as shown,
    ):
        shown.note(f"training on {count:,} clips")
        torch.manual_seed(config.seed)
        generator = torch.Generator().manual_seed(config.seed)
        network = new_network(training_set)
        network.train()
        optimizer, schedule = optimizer_of(network, config)
        loss_of = Loss(training_set)
        spectrograms = torch.from_numpy(training_set.read())
        began = time.monotonic()
        for step, numbers in enumerate(batches(training_set.labels, config)):
            rows = torch.from_numpy(numbers)
            loss = loss_of(network, augment(spectrograms[rows], config.strength, generator), rows)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            left = (time.monotonic() - began) * (config.steps / (step + 1) - 1)
            shown.show((step + 1) / config.steps, f"loss {loss.item():.3f}", left)
    return TrainedClassifier(network, training_set)


@contextlib.contextmanager
def denormals_flushed() -> Iterator[None]:
    """Flush denormals, which make a step many times slower, to zero in the block; then restore the mode."""
    before = sys.float_info.min / 2 == 0.0
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


def optimizer_of(
    network: nn.Module, config: ClassifierConfig
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    """AdamW without weight decay of norms and biases, and its one-cycle learning rate schedule."""
    decay = [p for p in network.parameters() if p.ndim > 1]
    plain = [p for p in network.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": decay, "weight_decay": config.weight_decay}, {"params": plain, "weight_decay": 0.0}],
        lr=config.rate,
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, config.rate, total_steps=config.steps, pct_start=WARM_UP
    )
    return optimizer, schedule


class Loss:
    """Cross-entropy of labels and, where speakers are known, of speakers."""

    def __init__(self, training_set: TrainingSet) -> None:
        self.config = training_set.config
        self.labels = torch.from_numpy(training_set.labels)
        known = training_set.speakers is not None and bool(training_set.speaker_names)
        self.speakers = torch.from_numpy(training_set.speakers) if known else None

    def __call__(self, network: Network, spectrograms: Tensor, rows: Tensor) -> Tensor:
        """Loss () of spectrograms (B, M, F), which belong to these rows (B,) of the training set."""
        with autocast(torch.device("cpu"), "auto"):
            label_logits, speaker_logits, _ = network(spectrograms)
        asked = self.labels[rows]
        loss = F.cross_entropy(label_logits.float(), asked, label_smoothing=LABEL_SMOOTHING)
        if self.speakers is not None:
            speaker_loss = F.cross_entropy(speaker_logits.float(), self.speakers[rows])
            loss = loss + self.config.speaker_weight * speaker_loss
        return loss


def batches(labels: NDArray[np.int64], config: ClassifierConfig) -> NDArray[np.int64]:
    """Rows of every training batch, (steps, batch): in whole epochs or, if balanced, labels equally often."""
    rng = np.random.default_rng(config.seed)
    wanted = config.steps * config.batch
    if config.balanced:
        present = np.unique(labels)
        columns = [np.flatnonzero(labels == label) for label in present]
        picks = rng.integers(len(present), size=wanted)
        rows = np.array([columns[pick][rng.integers(len(columns[pick]))] for pick in picks])
    else:
        epochs = -(-wanted // len(labels))
        rows = np.concatenate([rng.permutation(len(labels)) for _ in range(epochs)])[:wanted]
    return rows.reshape(config.steps, config.batch)
