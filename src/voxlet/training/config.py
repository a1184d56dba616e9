"""How to train: frozen settings, saved as JSON in the run, importable without PyTorch."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Literal

from voxlet.corpus.prepare import Preparation
from voxlet.corpus.splits import SplitKind
from voxlet.errors import ConfigError
from voxlet.features import SpectrogramConfig
from voxlet.models.config import ModelConfig

Precision = Literal["auto", "float32", "bfloat16"]

# The study's arrays hold 17,640 samples a clip at 22,050 Hz: 257 bands by 69 frames.
STUDY_PREPARATION = Preparation(rate=22_050, length=0.8, trim=False, outliers=None)


@dataclass(frozen=True)
class Budget:
    """How long to train: whole epochs, or minutes of training and validation; exactly one of them.

    Raises:
        ConfigError: None or both are given, or the one given is not positive.
    """

    epochs: int | None = None
    minutes: float | None = None

    def __post_init__(self) -> None:
        if (self.epochs is None) == (self.minutes is None):
            given = "neither" if self.epochs is None else "both"
            raise ConfigError(f"give --epochs or --minutes, one of them ({given} given)")
        if self.epochs is not None and self.epochs < 1:
            raise ConfigError(f"--epochs {self.epochs} is less than 1")
        if self.minutes is not None and not (self.minutes > 0 and math.isfinite(self.minutes)):
            raise ConfigError(f"--minutes {self.minutes} is not a positive number")

    def share(self, part: float) -> Budget:
        """The budget of a stage that has `part` (0 to 1] of the whole; at least one epoch."""
        if self.minutes is not None:
            return Budget(minutes=self.minutes * part)
        return Budget(epochs=max(1, round((self.epochs or 0) * part)))


@dataclass(frozen=True)
class LoopConfig:
    """How a stage is trained, whatever it is.

    Args:
        batch_size: Clips of a step, over all processes; an epoch's last batch may be smaller.
        seed: Of the weights, the order and the noise.
        decay: The learning rates over the budget: `constant`, or half a `cosine` down to `floor`.
        floor: Share of the learning rates that a cosine ends with.
        warmup: Share of the budget in which the learning rates rise linearly.
        validate_every: Steps between validations; None validates at the end of each epoch.
        checkpoint_seconds: Between checkpoints; longer where writing takes more than a tenth of the time.
    """

    batch_size: int = 128
    seed: int = 0
    decay: Literal["constant", "cosine"] = "constant"
    floor: float = 0.0
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
        if not 0 <= self.floor <= 1 or not 0 <= self.warmup < 1:
            raise ConfigError(f"floor {self.floor} and warmup {self.warmup} are shares from 0 to 1")
        if self.checkpoint_seconds < 0:
            raise ConfigError(f"checkpoint_seconds {self.checkpoint_seconds} is negative")


def rate_factor(config: LoopConfig, progress: float) -> float:
    """What learning rates are multiplied with at this share [0, 1] of the budget."""
    if progress < config.warmup:
        # Half a percent at the start: a first step of exactly nothing would be one step lost.
        return max(progress / config.warmup, 0.005)
    if config.decay == "constant":
        return 1.0
    through = (progress - config.warmup) / (1 - config.warmup)
    return config.floor + (1 - config.floor) * 0.5 * (1 + math.cos(math.pi * min(through, 1.0)))


@dataclass(frozen=True)
class Augmentation:
    """How far a training spectrogram may be moved at random, each way; by default not at all.

    Args:
        shift: Seconds.
        stretch: Of the time axis, a share.
        bend: Of the frequency axis, a share.
        moved: Share of a batch's clips that are moved, drawn anew each time. The others stay exactly as
            recorded: moving blurs a spectrogram a little, and those to be explained later are not blurred.
    """

    shift: float = 0.0
    stretch: float = 0.0
    bend: float = 0.0
    moved: float = 1.0

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            most = 1 if name == "moved" else 0.5
            if not 0 <= value <= most:
                raise ConfigError(f"{name} {value} is not between 0 and {most}", where="augmentation")

    @property
    def none(self) -> bool:
        """Whether clips stay as they are."""
        return self.moved == 0 or self.shift == self.stretch == self.bend == 0


@dataclass(frozen=True)
class ClipTraining:
    """How a clip VAE is trained: on log spectrograms, with Adam.

    Args:
        model: The VAE.
        preparation: How clips are made alike.
        spectrogram: How they become spectrograms; its rate is the preparation's.
        split: Which clips are trained on, validated with and tested on; seeded by `split_seed`.
        split_seed: See `split`.
        train_share: Of each label's training clips, how many are trained on.
        loop: Batches, schedule, checkpoints.
        augmentation: How training clips are varied.
        learning_rate: Adam's.
        beta: Weight of the KL divergence.
        kl_warmup: Share of the budget in which beta rises linearly from 0.
        clip_norm: Gradients are scaled down to this norm; None leaves them.
        precision: Of matrix products; `auto` takes bfloat16 where the hardware is quicker in it.
    """

    model: ModelConfig
    preparation: Preparation = STUDY_PREPARATION
    spectrogram: SpectrogramConfig = field(default_factory=SpectrogramConfig)
    split: SplitKind = "stratified"
    split_seed: int = 0
    train_share: float = 1.0
    loop: LoopConfig = field(default_factory=LoopConfig)
    augmentation: Augmentation = field(default_factory=Augmentation)
    learning_rate: float = 1e-3
    beta: float = 1.0
    kl_warmup: float = 0.0
    clip_norm: float | None = None
    precision: Precision = "auto"

    def __post_init__(self) -> None:
        if self.preparation.rate != self.spectrogram.rate:
            raise ConfigError(
                f"preparation.rate {self.preparation.rate} is not spectrogram.rate {self.spectrogram.rate}"
            )
        if not (self.learning_rate > 0 and math.isfinite(self.learning_rate)):
            raise ConfigError(f"learning_rate {self.learning_rate} is not a positive number")
        if not (self.beta >= 0 and math.isfinite(self.beta)):
            raise ConfigError(f"beta {self.beta} is negative or no number")
        if not 0 < self.train_share <= 1:
            raise ConfigError(f"train_share {self.train_share} is not a share of the clips")
        if not 0 <= self.kl_warmup <= 1:
            raise ConfigError(f"kl_warmup {self.kl_warmup} is not a share from 0 to 1")
        if self.clip_norm is not None and not self.clip_norm > 0:
            raise ConfigError(f"clip_norm {self.clip_norm} is not positive")
        if self.split_seed < 0:
            raise ConfigError(f"split_seed {self.split_seed} is negative")
