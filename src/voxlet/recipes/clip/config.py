"""How a clip VAE is trained: frozen settings, importable without PyTorch."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field

from voxlet.corpus.prepare import Preparation
from voxlet.corpus.splits import SplitKind
from voxlet.errors import ConfigError
from voxlet.models.clip.config import ModelConfig
from voxlet.spectral.config import SpectrogramConfig
from voxlet.training.config import LoopConfig, Precision

CLIP_PREPARATION = Preparation(rate=22_050)


@dataclass(frozen=True)
class Augmentation:
    """Limits of the random shift and stretch of training spectrograms, each way; by default none.

    Args:
        shift: Largest shift in time, in seconds.
        stretch: Largest stretch of the time axis, as a share.
        bend: Largest stretch of the frequency axis, as a share.
        moved: Share of a batch's clips that are moved, drawn anew each time. The others stay exactly as
            recorded: moving blurs a spectrogram a little, and test clips are not blurred.
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
        """Whether all clips stay as recorded."""
        return self.moved == 0 or self.shift == self.stretch == self.bend == 0


@dataclass(frozen=True)
class ClipTraining:
    """How a clip VAE is trained: on log spectrograms, with Adam.

    Args:
        model: The VAE.
        preparation: How clips are brought to one rate, length and level.
        spectrogram: How clips become spectrograms; its rate must be the preparation's.
        split: How clips are divided into training, validation and test; seeded by `split_seed`.
        split_seed: Seed of the split.
        train_share: Share of each label's training clips that is used.
        loop: Batches, schedule, checkpoints.
        augmentation: How training clips are varied.
        learning_rate: Learning rate of Adam.
        beta: Weight of the KL divergence.
        kl_warmup: Share of the budget in which beta rises linearly from 0.
        clip_norm: Gradients of a larger norm are scaled down to this one; None: no clipping.
        precision: Precision of matrix products; `auto` takes bfloat16 if the hardware is faster in it.
    """

    model: ModelConfig
    preparation: Preparation = CLIP_PREPARATION
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
                f"preparation.rate {self.preparation.rate} differs from "
                f"spectrogram.rate {self.spectrogram.rate}"
            )
        if not (self.learning_rate > 0 and math.isfinite(self.learning_rate)):
            raise ConfigError(f"learning_rate {self.learning_rate} is not a positive number")
        if not (self.beta >= 0 and math.isfinite(self.beta)):
            raise ConfigError(f"beta {self.beta} is negative or not a number")
        if not 0 < self.train_share <= 1:
            raise ConfigError(f"train_share {self.train_share} is not a share of the clips")
        if not 0 <= self.kl_warmup <= 1:
            raise ConfigError(f"kl_warmup {self.kl_warmup} is not a share from 0 to 1")
        if self.clip_norm is not None and not self.clip_norm > 0:
            raise ConfigError(f"clip_norm {self.clip_norm} is not positive")
        if self.split_seed < 0:
            raise ConfigError(f"split_seed {self.split_seed} is negative")
