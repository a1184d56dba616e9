"""Linear classifiers on the speech embedding, which learn a word from few takes, in a minute.

Every label gets equally many versions of its takes, varied by `augmentation`, however few takes it has. On
these, multinomial logistic regression is fitted. Shapes: B clips, M bands, F frames, D features, C labels.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from voxlet.cache import contents as cache
from voxlet.evaluation.classifiers.augmentation import augment
from voxlet.evaluation.classifiers.inputs import inputs_code
from voxlet.evaluation.classifiers.prediction import Prediction
from voxlet.evaluation.encoders import speech_embedding
from voxlet.files import cache_folder
from voxlet.training.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from voxlet.audio import Samples

    Reals = NDArray[np.float64]
    Integers = NDArray[np.int64]

VERSION = 1  # raise it when the same clips and settings give another classifier
FEATURES = 64  # of a prediction: principal components of the embedding
AT_ONCE = 128  # spectrograms that are embedded between two updates of the progress bar


@dataclass(frozen=True)
class EmbeddedConfig:
    """Training settings of a linear classifier.

    Attributes:
        wide: Also use the band above 3.8 kHz; for clips at 16 kHz or more.
        versions: Augmented versions of takes in all; each label has equally many.
        strength: Strength of the augmentation.
        penalty: Inverse of the weight of the squared coefficients.
        seed: Seed of the augmentation.
    """

    wide: bool = False
    versions: int = 2500
    strength: float = 1.0
    penalty: float = 0.003
    seed: int = 0


@dataclass(frozen=True)
class Examples:
    """Features (B, D) of versions of takes, with their labels (B,) and the rows of their takes (B,)."""

    features: Reals
    labels: Integers
    takes: Integers

    def without(self, left_out: NDArray[np.bool_]) -> Examples:
        """The examples of takes that are not left out; the mask is over takes."""
        kept = ~left_out[self.takes]
        return Examples(self.features[kept], self.labels[kept], self.takes[kept])


@dataclass(frozen=True)
class Head:
    """Learned parameters: standardisation, coefficients, principal components.

    Attributes:
        mean: Mean of the features, (D,).
        deviation: Standard deviation of the features, (D,).
        weights: Coefficients of standardised features, (C, D).
        bias: Intercepts, (C,).
        components: Principal components of standardised features, (features, D).
    """

    mean: Reals
    deviation: Reals
    weights: Reals
    bias: Reals
    components: Reals

    def log_probabilities(self, features: Reals) -> Reals:
        """Natural-log probabilities (B, C) of labels for features (B, D)."""
        logits = (features - self.mean) / self.deviation @ self.weights.T + self.bias
        return np.asarray(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True), dtype=np.float64)


class EmbeddedClassifier:
    """A linear classifier on the speech embedding.

    Attributes:
        digest: Digest of the training data and settings.
    """

    def __init__(self, head: Head, label_names: tuple[str, ...], *, wide: bool, digest: str) -> None:
        self.head = head
        self.label_names = label_names
        self.wide = wide
        self.digest = digest

    def predict(self, sounds: Sequence[Samples], rate: int) -> Prediction:
        """Classify B clips, each float32 (T,) at `rate` Hz; a clip need not be trimmed or levelled.

        Raises:
            ScoreError: There are no clips.
        """
        found = embedded(speech_embedding.log_mels(sounds, rate, wide=self.wide))
        components = (found - self.head.mean) / self.head.deviation @ self.head.components.T
        return Prediction(self.head.log_probabilities(found), None, components)


def embedded(spectrograms: NDArray[np.float32]) -> Reals:
    """Features (B, D) of log-mel spectrograms (B, M, F)."""
    return speech_embedding.embed(spectrograms).astype(np.float64)


def examples_of(
    spectrograms: NDArray[np.float32], labels: Integers, config: EmbeddedConfig, shown: Progress
) -> Examples:
    """Augmented versions of takes (B, M, F) with labels (B,), equally many of each label."""
    present = np.unique(labels)
    count = max(1, config.versions // len(present))
    rng = np.random.default_rng(config.seed)
    generator = torch.Generator().manual_seed(config.seed)
    chosen = []
    for label in present:
        own = np.flatnonzero(labels == label)
        rounds = -(-count // len(own))
        chosen.append(np.concatenate([rng.permutation(own) for _ in range(rounds)])[:count])
    takes = np.concatenate(chosen)
    parts = []
    for start in range(0, len(takes), AT_ONCE):
        rows = takes[start : start + AT_ONCE]
        batch = torch.from_numpy(spectrograms[rows])
        parts.append(embedded(augment(batch, config.strength, generator).numpy()))
        done = start + len(rows)
        shown.share(done / len(takes), f"{done:,} of {len(takes):,} versions")
    return Examples(np.concatenate(parts), labels[takes], takes)


def fit(examples: Examples, labels: int, config: EmbeddedConfig) -> Head:
    """Fit a head to examples of C labels; a label without examples is never predicted."""
    from sklearn.linear_model import LogisticRegression

    mean, deviation = examples.features.mean(axis=0), examples.features.std(axis=0) + 1e-6
    standard = (examples.features - mean) / deviation
    found = LogisticRegression(C=config.penalty, max_iter=300, class_weight="balanced").fit(
        standard, examples.labels
    )
    coefficients, offsets = found.coef_, found.intercept_
    if len(found.classes_) == 2:  # two labels share one row of coefficients
        coefficients = np.concatenate([-coefficients / 2, coefficients / 2])
        offsets = np.concatenate([-offsets / 2, offsets / 2])
    weights, bias = np.zeros((labels, standard.shape[1])), np.full(labels, -1e3)
    weights[found.classes_], bias[found.classes_] = coefficients, offsets
    _, vectors = np.linalg.eigh(np.cov(standard, rowvar=False))
    return Head(mean, deviation, weights, bias, vectors[:, ::-1][:, :FEATURES].T)


@dataclass(frozen=True)
class Takes:
    """Training data of a classifier.

    Attributes:
        name: Name of the classifier, for the progress bar.
        source: String that identifies the recordings.
        read: Returns their log-mel spectrograms (B, M, F); not called for a cached classifier.
        labels: (B,) indices into `label_names`.
        label_names: The labels to choose among.
    """

    name: str
    source: str
    read: Callable[[], NDArray[np.float32]]
    labels: Integers
    label_names: tuple[str, ...]

    def digest(self, config: EmbeddedConfig) -> str:
        """Digest of everything that determines a classifier."""
        versions = [VERSION, speech_embedding.VERSION, inputs_code()]
        settings = [*versions, asdict(config), self.label_names, self.source]
        total = hashlib.sha256(json.dumps(settings).encode())
        total.update(np.ascontiguousarray(self.labels).tobytes())
        return total.hexdigest()[:32]


def open_embedded(takes: Takes, config: EmbeddedConfig, *, progress: bool = True) -> EmbeddedClassifier:
    """A linear classifier from the cache, or trained now and stored there."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file, save

    digest = takes.digest(config)
    path = cache_folder("classifiers") / f"{digest}.safetensors"
    try:
        head = Head(**load_file(path))
        cache.touch(path)
    except (SafetensorError, OSError, TypeError):  # not there, or damaged
        with Progress(takes.name, silent=not progress) as shown:
            shown.note(f"training on {len(takes.labels):,} clips")
            examples = examples_of(takes.read(), takes.labels, config, shown)
            head = fit(examples, len(takes.label_names), config)
        cache.write(path, save({key: np.ascontiguousarray(value) for key, value in vars(head).items()}))
    return EmbeddedClassifier(head, takes.label_names, wide=config.wide, digest=digest)
