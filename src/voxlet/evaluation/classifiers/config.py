"""Training settings of classifiers."""

from __future__ import annotations

from dataclasses import dataclass

RELIABLE = 0.95  # a classifier with a lower accuracy on real clips is unreliable


@dataclass(frozen=True)
class ClassifierConfig:
    """Training settings of a classifier. `strength` scales every augmentation; 0 means none."""

    steps: int = 1000
    batch: int = 64
    rate: float = 2e-3  # peak learning rate (AdamW, one cycle)
    weight_decay: float = 0.02
    width: int = 32
    features: int = 64  # D
    strength: float = 1.0
    speaker_weight: float = 0.3  # of the speaker's cross-entropy relative to the label's
    balanced: bool = False  # draw every label equally often, however rare
    seed: int = 0


IN_CORPUS = ClassifierConfig()
