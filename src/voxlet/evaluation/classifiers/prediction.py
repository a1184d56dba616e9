"""What a classifier is, and what it says of clips."""

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
    """A classifier's answer for B clips: natural-log probabilities of C labels and S speakers, features."""

    label_log_probabilities: NDArray[np.float64]  # (B, C)
    speaker_log_probabilities: NDArray[np.float64] | None  # (B, S); None: it does not know speakers
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
    """Says of clips which of its labels each is."""

    @property
    def label_names(self) -> tuple[str, ...]:
        """The labels that it chooses among."""

    @property
    def digest(self) -> str:
        """Tells it from any other classifier: what it was trained on, and how."""

    def predict(self, sounds: Sequence[Samples], rate: int) -> Prediction:
        """Classify B clips, each float32 (T,) at `rate` Hz, which need not be trimmed or levelled."""
