"""Settings for training: frozen dataclasses, saved as JSON in the run, importable without PyTorch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from voxlet.errors import ConfigError

Precision = Literal["auto", "float32", "bfloat16"]


@dataclass(frozen=True)
class Budget:
    """How long to train: whole epochs, minutes of training and validation, or steps; exactly one of them.

    With 0 steps, a stage ends with the weights that it begins with.

    Raises:
        ConfigError: None or several are given, or the one given is not positive (steps: negative).
    """

    epochs: int | None = None
    minutes: float | None = None
    steps: int | None = None

    def __post_init__(self) -> None:
        if self.steps is not None:
            if self.steps < 0 or self.epochs is not None or self.minutes is not None:
                raise ConfigError(f"{self.steps} steps are not a budget, or not the only one")
            return
        if (self.epochs is None) == (self.minutes is None):
            given = "neither" if self.epochs is None else "both"
            raise ConfigError(f"give either --epochs or --minutes ({given} given)")
        if self.epochs is not None and self.epochs < 1:
            raise ConfigError(f"--epochs {self.epochs} is less than 1")
        if self.minutes is not None and not (self.minutes > 0 and math.isfinite(self.minutes)):
            raise ConfigError(f"--minutes {self.minutes} is not a positive number")

    def share(self, part: float) -> Budget:
        """The budget of a stage with the share `part` in [0, 1]: no step for 0, else at least one."""
        if part == 0:
            return Budget(steps=0)
        if self.steps is not None:
            return Budget(steps=max(1, round(self.steps * part)))
        if self.minutes is not None:
            return Budget(minutes=self.minutes * part)
        return Budget(epochs=max(1, round((self.epochs or 0) * part)))


@dataclass(frozen=True)
class LoopConfig:
    """Settings of the training loop, for any stage.

    Args:
        batch_size: Clips per step, over all processes; an epoch's last batch may be smaller.
        seed: Seed of the weights, the order of the clips and the noise.
        decay: Learning-rate schedule over the budget: `constant`, or half a `cosine` down to `final_rate`.
        final_rate: Final learning rate of the cosine, as a share of the initial one.
        warmup: Share of the budget over which the learning rate rises linearly.
        validate_every: Steps between validations; None validates at the end of each epoch.
        checkpoint_seconds: Seconds between checkpoints; more if writing takes over a tenth of the time.
    """

    batch_size: int = 128
    seed: int = 0
    decay: Literal["constant", "cosine"] = "constant"
    final_rate: float = 0.0
    warmup: float = 0.0
    validate_every: int | None = None
    checkpoint_seconds: float = 60.0

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise ConfigError(f"batch_size {self.batch_size} is less than 1")
        if self.seed < 0:
            raise ConfigError(f"seed {self.seed} is negative")
        if self.validate_every is not None and self.validate_every < 1:
            raise ConfigError(f"validate_every {self.validate_every} is less than 1")
        if not 0 <= self.final_rate <= 1 or not 0 <= self.warmup < 1:
            raise ConfigError(f"final_rate {self.final_rate} and warmup {self.warmup} are shares from 0 to 1")
        if self.checkpoint_seconds < 0:
            raise ConfigError(f"checkpoint_seconds {self.checkpoint_seconds} is negative")


def rate_factor(config: LoopConfig, progress: float) -> float:
    """The factor for learning rates at the share `progress` in [0, 1] of the budget."""
    if progress < config.warmup:
        # At least half a percent: a first step with a learning rate of 0 would be wasted.
        return max(progress / config.warmup, 0.005)
    if config.decay == "constant":
        return 1.0
    through = (progress - config.warmup) / (1 - config.warmup)
    return config.final_rate + (1 - config.final_rate) * 0.5 * (1 + math.cos(math.pi * min(through, 1.0)))
