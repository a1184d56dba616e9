"""The interface of classifiers, and their predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from voxlet.errors import ScoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from voxlet.audio import Samples


@dataclass(frozen=True)
class Prediction:
    """A classifier's output for B clips: natural-log probabilities of C labels and S speakers, features."""

    label_log_probabilities: NDArray[np.float64]  # (B, C)
    speaker_log_probabilities: NDArray[np.float64] | None  # (B, S); None: speakers are not known
    features: NDArray[np.float64] | None  # (B, D)

    @property
    def labels(self) -> NDArray[np.int64]:
        """Most probable label of each clip, (B,)."""
        return np.asarray(self.label_log_probabilities.argmax(axis=1), dtype=np.int64)

    @property
    def speakers(self) -> NDArray[np.int64]:
        """Most probable speaker of each clip, (B,).

        Raises:
            ScoreError: The classifier does not know speakers.
        """
        if self.speaker_log_probabilities is None:
            raise ScoreError("this classifier does not know speakers")
        return np.asarray(self.speaker_log_probabilities.argmax(axis=1), dtype=np.int64)


class Classifier(Protocol):
    """Predicts which of its labels each clip has."""

    @property
    def label_names(self) -> tuple[str, ...]:
        """The labels to choose among."""

    @property
    def digest(self) -> str:
        """Identifies the classifier: its training data and settings."""

    def predict(self, sounds: Sequence[Samples], rate: int) -> Prediction:
        """Classify B clips, each float32 (T,) at `rate` Hz, which need not be trimmed or levelled."""
