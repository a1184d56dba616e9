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
        discriminators: Its discriminators.
        loop: Batches, schedule, checkpoints.
        crop: Seconds of each clip that a step trains on.
        learning_rate: AdamW's learning rate for the VAE.
        discriminator_learning_rate: AdamW's learning rate for the discriminators.
        mel_weight: Weight of the multi-resolution log-mel L1 distance.
        kl_weight: Weight of the KL divergence, in nats per latent dimension and frame.
        pitch_weight: Weight of the pitch error, in octaves.
        adversarial_weight: Weight of the adversarial loss (the negative mean score of the discriminators).
        feature_matching_weight: Weight of the feature-matching loss.
        discriminators_from: Share of the budget before the discriminators join.
        discriminators_per_step: Discriminators of each kind that a step uses.
        ema_decay: Decay of the exponential moving average of the weights.
        decoder_only: Freeze the encoder, so that latents, and a prior trained on them, stay valid.
        narrow_share: Share of crops that the encoder gets without anything above 3.2 to 4 kHz, as in 8 kHz
            recordings, while the loss compares the full band: the decoder learns what is likely there.
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
        learning_rate: AdamW's learning rate.
        label_rate: Learning rate of the label embeddings, as a multiple of `learning_rate`.
        weight_decay: AdamW's weight decay.
        style_kl_weight: Weight of the style's KL divergence, in nats, beside the mean squared velocity error.
        style_clips: A clip's style is inferred from at most this many other clips of its speaker.
        condition_dropout: Probability of leaving out label and style, for classifier-free guidance.
        attribute_dropout: Probability of leaving out each attribute, so that none has to be given.
        shifts: Number of starts at which each clip is used, one STFT hop apart.
        views_per_step: Views of clips (other starts and speeds) encoded with each step, until all are.
        speeds: Other speeds at which each clip is used as well, as a clip of another speaker.
        speeds_up_to: Other speeds are used for at most this many speakers; more are varied enough.
        same_speed: Share of a step's clips that keep their own speed.
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
        """The other speeds at which the clips of a corpus with so many speakers are used."""
        return self.speeds if speakers <= self.speeds_up_to else ()


@dataclass(frozen=True)
class DistillationTraining:
    """The third stage: the prior distilled into one that takes few steps, with guidance built in.

    Args:
        loop: Batches, schedule, checkpoints.
        steps: The student's steps from noise to data.
        substeps: The teacher's steps within each step of the student.
        guidance: Scale of the teacher's classifier-free guidance.
        guidance_from: Time at which guidance begins, from noise (0) to data (1); the scale is 1 before.
        learning_rate: AdamW's learning rate.
        prior_style_share: Share of styles that are drawn at random; the others are those of speakers.
        asked_share: Share of clips for which other attributes than their own are requested.
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
        preparation: How clips are brought to one rate, length and level; the rate is the voice's.
        split: How clips are divided into training, validation and test; seeded by `split_seed`.
        split_seed: Seed of the split.
        wave: First stage: the wave VAE.
        prior: Second stage: the prior and the style encoder.
        distillation: Third stage: the few-step prior.
        wave_share: Share of the budget for the first stage; with 0 the wave VAE stays as the base has it.
        prior_share: Share of the budget for the second stage; the third has the rest.
        precision: Precision of matrix products; `auto` takes bfloat16 if the hardware is faster in it.
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
        if self.wave_share < 0 or self.prior_share <= 0 or self.wave_share + self.prior_share >= 1:
            raise ConfigError(
                f"wave_share {self.wave_share} and prior_share {self.prior_share} leave no time for a stage"
            )
        if self.split_seed < 0:
            raise ConfigError(f"split_seed {self.split_seed} is negative")

    @property
    def shares(self) -> tuple[float, float, float]:
        """The three stages' shares of the budget."""
        return self.wave_share, self.prior_share, 1 - self.wave_share - self.prior_share
