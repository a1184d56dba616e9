"""How classifiers are trained: the settings of each kind."""

from __future__ import annotations

from dataclasses import dataclass

RELIABLE = 0.95  # a classifier whose accuracy on real clips is lower is unreliable


@dataclass(frozen=True)
class ClassifierConfig:
    """How a classifier is trained. `strength` scales every augmentation; 0 is none."""

    steps: int = 1000
    batch: int = 64
    rate: float = 2e-3  # peak learning rate (AdamW, one cycle)
    weight_decay: float = 0.02
    width: int = 32
    features: int = 64  # D
    strength: float = 1.0
    speaker_weight: float = 0.3  # of the speaker's cross-entropy against the label's
    balanced: bool = False  # draw every label equally often, however rare
    seed: int = 0


IN_CORPUS = ClassifierConfig()
