"""How a voice is trained: frozen settings of its three stages, importable without PyTorch."""

from __future__ import annotations

from dataclasses import dataclass, field

from voxlet.corpus.prepare import Preparation
from voxlet.corpus.splits import SplitKind
from voxlet.errors import ConfigError
from voxlet.models.voice.config import DiscriminatorConfig, PriorConfig, WaveConfig
from voxlet.training.config import LoopConfig, Precision

VOICE_PREPARATION = Preparation(rate=8000)


def _loop(batch_size: int, final_rate: float, warmup: float) -> LoopConfig:
    return LoopConfig(
        batch_size=batch_size, decay="cosine", final_rate=final_rate, warmup=warmup, validate_every=250
    )


@dataclass(frozen=True)
class WaveTraining:
    """The first stage: the wave VAE against its discriminators.

    Args:
        model: The wave VAE.
        discriminators: What it is trained against.
        loop: Batches, schedule, checkpoints.
        crop: Seconds of a clip that a step sees.
        learning_rate: Of the VAE, by AdamW.
        discriminator_learning_rate: Of the discriminators, likewise.
        mel_weight: Weight of the multi-resolution log-mel L1.
        kl_weight: Weight of the divergence in nats per latent number.
        pitch_weight: Weight of the pitch's error in octaves.
        adversarial_weight: Weight of the discriminators' mean score.
        feature_matching_weight: Weight of the feature matching.
        discriminators_from: Share of the budget before the discriminators join.
        discriminators_per_step: Discriminators of each kind that a step uses.
        ema_decay: Decay of the exponential moving average of the weights.
        decoder_only: Leave the encoder as a base has it: latents, and what was learned of them, stay.
        narrow_share: Share of crops of which the encoder hears nothing above 3.2 to 4 kHz, as in recordings
            at 8 kHz, while all is compared: the decoder learns what is likely there.
    """

    model: WaveConfig = field(default_factory=WaveConfig)
    discriminators: DiscriminatorConfig = field(default_factory=DiscriminatorConfig)
    loop: LoopConfig = field(default_factory=lambda: _loop(16, 0.02, 0.01))
    crop: float = 0.512
    learning_rate: float = 5e-4
    discriminator_learning_rate: float = 5e-4
    mel_weight: float = 15.0
    kl_weight: float = 0.1
    pitch_weight: float = 5.0
    adversarial_weight: float = 2.0
    feature_matching_weight: float = 4.0
    discriminators_from: float = 0.05
    discriminators_per_step: int = 2
    ema_decay: float = 0.999
    decoder_only: bool = False
    narrow_share: float = 0.0

    def __post_init__(self) -> None:
        if not 0 < self.crop <= 10:
            raise ConfigError(f"crop {self.crop} s is not between 0 and 10", where="wave")
        if self.discriminators_per_step < 1:
            raise ConfigError(
                f"discriminators_per_step {self.discriminators_per_step} leaves no discriminator",
                where="wave",
            )
        for name in ("discriminators_from", "narrow_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name} {getattr(self, name)} is not a share from 0 to 1", where="wave")


@dataclass(frozen=True)
class PriorTraining:
    """The second stage: the prior and the style encoder.

    Args:
        model: Prior and style encoder.
        loop: Batches, schedule, checkpoints.
        learning_rate: By AdamW.
        label_rate: Of the labels' table, times the learning rate.
        weight_decay: AdamW's.
        style_kl_weight: Weight of a nat of style against the mean squared error of a velocity.
        style_clips: The style of a clip is inferred from at most so many other clips of its speaker.
        condition_dropout: Chance that label and style are left out, which classifier-free guidance needs.
        attribute_dropout: Chance of each attribute to be left out, so that it need not be asked for.
        shifts: Each clip is used at so many starts, one STFT hop apart.
        views_per_step: Of these starts and speeds, so many are encoded with each step, until all are.
        speeds: Each clip is also used at these speeds, as clips of another speaker.
        speeds_up_to: Speakers; a corpus of more is various enough without other speeds.
        same_speed: Share of the clips of a step that keep their own speed.
        ema_decay: Decay of the exponential moving average of the weights.
    """

    model: PriorConfig = field(default_factory=PriorConfig)
    loop: LoopConfig = field(default_factory=lambda: _loop(64, 0.02, 0.02))
    learning_rate: float = 1e-3
    label_rate: float = 1.0
    weight_decay: float = 0.01
    style_kl_weight: float = 1e-4
    style_clips: int = 4
    condition_dropout: float = 0.15
    attribute_dropout: float = 0.3
    shifts: int = 4
    views_per_step: int = 8
    speeds: tuple[float, ...] = (0.88, 0.94, 1.06, 1.13)
    speeds_up_to: int = 50
    same_speed: float = 0.5
    ema_decay: float = 0.999

    def __post_init__(self) -> None:
        for speed in self.speeds:
            if not 0.5 <= speed <= 2:
                raise ConfigError(f"speed {speed} is not between 0.5 and 2", where="prior")
        if not 0 < self.same_speed <= 1:
            raise ConfigError(f"same_speed {self.same_speed} is not a share of the clips", where="prior")
        for name in ("style_clips", "shifts", "views_per_step"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} {getattr(self, name)} is less than 1", where="prior")
        if not 0 <= self.attribute_dropout < 1:
            raise ConfigError(
                f"attribute_dropout {self.attribute_dropout} is not a share below 1", where="prior"
            )
        if not 0 < self.condition_dropout < 1:
            raise ConfigError(
                f"condition_dropout {self.condition_dropout} is not between 0 and 1", where="prior"
            )

    def speeds_for(self, speakers: int) -> tuple[float, ...]:
        """The speeds at which a corpus of so many speakers is used beside its own."""
        return self.speeds if speakers <= self.speeds_up_to else ()


@dataclass(frozen=True)
class DistillationTraining:
    """The third stage: a prior that takes few steps and has the guidance in it.

    Args:
        loop: Batches, schedule, checkpoints.
        steps: The student's steps from noise to data.
        substeps: The teacher's, in each of them.
        guidance: The teacher's,
        guidance_from: from this time on the way from noise (0) to data (1); 1 before it.
        learning_rate: By AdamW.
        prior_style_share: Share of styles drawn from the standard normal prior, the others are of speakers.
        asked_share: Share of the clips for which other attributes are asked than their own.
        ema_decay: Decay of the exponential moving average of the weights.
    """

    loop: LoopConfig = field(default_factory=lambda: _loop(64, 0.02, 0.02))
    steps: int = 4
    substeps: int = 4
    guidance: float = 2.0
    guidance_from: float = 0.125
    learning_rate: float = 3e-4
    prior_style_share: float = 0.25
    asked_share: float = 0.75
    ema_decay: float = 0.995

    def __post_init__(self) -> None:
        if self.steps < 1 or self.substeps < 1:
            raise ConfigError(
                f"steps {self.steps} and substeps {self.substeps} start at 1", where="distillation"
            )
        if not 0 <= self.guidance_from <= 1:
            raise ConfigError(
                f"guidance_from {self.guidance_from} is not between 0 and 1", where="distillation"
            )
        if not 0 <= self.prior_style_share <= 1:
            raise ConfigError(
                f"prior_style_share {self.prior_style_share} is not a share from 0 to 1", where="distillation"
            )


@dataclass(frozen=True)
class VoiceTraining:
    """How a voice is trained: wave VAE, prior, few-step prior, each for its share of the budget.

    Args:
        preparation: How clips are made alike; its rate is the voice's.
        split: Which clips are trained on, validated with and left for tests; seeded by `split_seed`.
        split_seed: See `split`.
        wave: The first stage.
        prior: The second.
        distillation: The third.
        wave_share: Of the budget.
        prior_share: Of the budget; the third stage has the rest.
        precision: Of matrix products; `auto` takes bfloat16 where the hardware is quicker in it.
    """

    preparation: Preparation = VOICE_PREPARATION
    split: SplitKind = "auto"
    split_seed: int = 0
    wave: WaveTraining = field(default_factory=WaveTraining)
    prior: PriorTraining = field(default_factory=PriorTraining)
    distillation: DistillationTraining = field(default_factory=DistillationTraining)
    wave_share: float = 0.6
    prior_share: float = 0.28
    precision: Precision = "auto"

    def __post_init__(self) -> None:
        if min(self.wave_share, self.prior_share) <= 0 or self.wave_share + self.prior_share >= 1:
            raise ConfigError(
                f"wave_share {self.wave_share} and prior_share {self.prior_share} leave no time for a stage"
            )
        if self.split_seed < 0:
            raise ConfigError(f"split_seed {self.split_seed} is negative")
