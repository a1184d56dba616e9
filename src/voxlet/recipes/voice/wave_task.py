"""First stage of a voice: the wave VAE against its discriminators."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import cached

from voxlet import batch_random
from voxlet.models.distributions import kl_per_unit
from voxlet.models.voice.discriminators import (
    Discriminators,
    adversarial_loss,
    discriminator_loss,
    feature_matching_loss,
    feature_sizes,
)
from voxlet.models.voice.wave_vae import INPUT_GAIN, WaveVAE
from voxlet.recipes.voice.base_file import DISCRIMINATORS, WAVE, band_guesser
from voxlet.recipes.voice.clips.band import BandFilter, Microphones
from voxlet.recipes.voice.clips.waveforms import Held
from voxlet.recipes.voice.mel_loss import MelLoss
from voxlet.spectral.pitch import Pitch, track_pitch
from voxlet.training import distributed
from voxlet.training.ema import average_of
from voxlet.training.hardware import autocast

if TYPE_CHECKING:
    from voxlet.recipes.voice.base_file import Base
    from voxlet.recipes.voice.clips.data import VoiceData
    from voxlet.recipes.voice.config import WaveTraining
    from voxlet.training.config import Precision

VALIDATION_BATCH = 64
BETAS = (0.8, 0.99)  # what adversarial vocoders use since HiFi-GAN
DISCRIMINATOR_NORM, WAVE_NORM = 10.0, 50.0  # largest gradient norms, far above the usual ones
LOUDER_DB, QUIETER_DB = 2.0, -2.0  # range of the random level in training


class Crops(NamedTuple):
    """Crops (B, T) of clips, and the pitch of each of their frames."""

    audio: Tensor
    pitch: Pitch


class WaveTask:
    """Trains a wave VAE and its discriminators on random crops of clips."""

    def __init__(
        self, config: WaveTraining, data: VoiceData, validation: Tensor, precision: Precision = "auto"
    ) -> None:
        self.config, self.data, self.validation, self.precision = config, data, validation, precision
        self.device = data.audio.device
        self.model = WaveVAE(config.model, data.rate).to(self.device)
        self.model.encoder.requires_grad_(not config.decoder_only)
        self.discriminators = Discriminators(config.discriminators, data.rate).to(self.device)
        self.ema = average_of(self.model, config.ema_decay)
        self.mel = MelLoss(data.rate).to(self.device)
        self.heard = BandFilter(data.rate, data.bands.tolist()).to(self.device)
        self.guess: list[WaveVAE] = []  # a base's wave VAE, if one is needed; it is not trained
        self.microphones = Microphones(data.rate).to(self.device)
        self.modules: dict[str, nn.Module] = {
            "wave": self.model,
            "discriminators": self.discriminators,
            "ema": self.ema,
        }
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            name: torch.optim.AdamW(module.parameters(), rate, BETAS, fused=True)
            for name, module, rate in (
                ("wave", self.model, config.learning_rate),
                ("discriminators", self.discriminators, config.discriminator_learning_rate),
            )
        }
        # The pitch of clips in memory is tracked once, that of others when they are drawn.
        held = data.audio.values if isinstance(data.audio, Held) else None
        self.pitch = None if held is None else track_pitch(held, data.rate, self.model.hop)
        unit = self.model.samples_per_latent
        self.crop = max(1, round(config.crop * data.rate / unit)) * unit

    def begin_from(self, base: Base) -> None:
        """Start from a base's weights, including those of the discriminators."""
        base.fill(WAVE, self.model)
        base.fill(WAVE, self.ema.module)
        base.fill(DISCRIMINATORS, self.discriminators)
        if self.heard.narrow:
            guesser = band_guesser(base)
            guess = WaveVAE(guesser.config.wave.model, self.data.rate).to(self.device)
            guesser.fill(WAVE, guess)
            self.guess.append(guess.eval().requires_grad_(False))

    def crops(self, rows: Tensor) -> Crops:
        """One random crop (B, T) of each row, at a random level, and its pitch.

        A crop may reach beyond the clip. It starts at a whole hop, where the pitch is known.
        """
        hop = self.model.hop
        reach = self.crop // 8
        lengths = self.data.lengths[rows]
        latest = (lengths - self.crop).clamp_min(0) + reach
        drawn = batch_random.rand(len(rows), 2, device=self.device)
        start = ((drawn[:, 0] * (latest + reach)).long() - reach) // hop * hop
        index = start[:, None] + torch.arange(self.crop, device=self.device)
        inside = (index >= 0) & (index < lengths[:, None])
        clips = self.data.audio.read(rows)
        audio = clips.gather(1, index.clamp(0, clips.shape[1] - 1)) * inside
        decibels = QUIETER_DB + (LOUDER_DB - QUIETER_DB) * drawn[:, 1:]
        frames = start[:, None] // hop + torch.arange(self.crop // hop, device=self.device)
        whole = self._pitch(rows, clips)
        frames = frames.clamp(0, whole.hz.shape[1] - 1)
        pitch = Pitch(whole.hz.gather(1, frames), whole.voicing.gather(1, frames))
        return Crops(audio * 10 ** (decibels / 20), pitch)

    def _pitch(self, rows: Tensor, clips: Tensor) -> Pitch:
        """The pitch (B, F) of these rows (B,), whose clips (B, T) are given."""
        if self.pitch is None:
            return track_pitch(clips, self.data.rate, self.model.hop)
        return Pitch(self.pitch.hz[rows], self.pitch.voicing[rows])

    def narrowed(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Crops (B, T), some as another microphone would record them, and the same with those narrowed."""
        if not self.config.narrow_share:
            return crops, crops
        narrow = batch_random.rand(len(crops), 1, device=self.device) < self.config.narrow_share
        other, heard = self.microphones(crops)
        return torch.where(narrow, other, crops), torch.where(narrow, heard, crops)

    def train_step(self, rows: Tensor, progress: float) -> dict[str, Tensor]:
        """One step of the VAE, after one of the discriminators once they have joined."""
        c, rows = self.config, rows.to(self.device)
        real, pitch = self.crops(rows)
        real, heard = self.narrowed(real)
        with autocast(self.device, self.precision):
            decoded, posterior = self.model(heard, pitch.hz)
        real, generated = (INPUT_GAIN * wave for wave in self.compared(rows, real, decoded.waveform, pitch))
        mel = self.mel(generated, real)
        kl = kl_per_unit(posterior).mean()
        octaves = (torch.log2(decoded.pitch / pitch.hz).abs() * pitch.voicing).mean()
        total = c.mel_weight * mel + c.kl_weight * kl + c.pitch_weight * octaves
        metrics = {"mel": mel.detach(), "kl": kl.detach(), "octaves": octaves.detach()}
        slope = torch.zeros_like(generated)
        if progress >= c.discriminators_from:
            slope, more = self.train_discriminators(real, generated)
            metrics |= more
        self.optimizers["wave"].zero_grad(set_to_none=True)
        torch.autograd.backward([total, generated], [torch.ones_like(total), slope])
        self._step("wave", list(self.model.parameters()), WAVE_NORM)
        self.ema.update_parameters(self.model)
        return {"loss": total.detach(), **metrics}

    def compared(self, rows: Tensor, real: Tensor, made: Tensor, pitch: Pitch) -> tuple[Tensor, Tensor]:
        """The waveforms (B, T) that the losses compare, real and reconstructed, for crops of `rows` (B,).

        A crop has nothing above the band of its recording. If there is a base, the base's reconstruction of
        the crop is put there; if there is none, both waveforms are low-passed.
        """
        if not self.guess:
            return self.heard(rows, real), self.heard(rows, made)
        with torch.no_grad(), autocast(self.device, self.precision):
            guess = self.guess[0].decode(self.guess[0].encode(real).mean, pitch.hz).waveform
        return self.heard(rows, real) + (guess - self.heard(rows, guess)), made

    def train_discriminators(self, real: Tensor, generated: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """One step of some discriminators, and the gradient that they give the VAE, from one forward pass.

        Args:
            real: Waveforms (B, T) near unit level.
            generated: Waveforms (B, T) from the VAE, with their autograd graph, which is retained.

        Returns:
            The gradient of the adversarial and feature-matching losses at `generated`, and metrics.
        """
        c = self.config
        chosen = self.discriminators.choose(c.discriminators_per_step)
        with autocast(self.device, self.precision), cached():
            real_outputs = [discriminator(real) for discriminator in chosen]
            generated_outputs = [discriminator(generated) for discriminator in chosen]
        adversarial = adversarial_loss(generated_outputs)
        sizes = distributed.average_tensor(feature_sizes(real_outputs))
        matching = feature_matching_loss(real_outputs, generated_outputs, sizes)
        # Only the gradient at `generated` is needed here, not that of the discriminators' weights.
        wanted = c.adversarial_weight * adversarial + c.feature_matching_weight * matching
        (slope,) = torch.autograd.grad(wanted, generated, retain_graph=True)
        loss = discriminator_loss(real_outputs, generated_outputs)
        weights = [weight for discriminator in chosen for weight in discriminator.parameters()]
        self.optimizers["discriminators"].zero_grad(set_to_none=True)
        loss.backward(inputs=weights)  # type: ignore[no-untyped-call]  # PyTorch's
        self._step("discriminators", weights, DISCRIMINATOR_NORM)
        measures = {"discriminator": loss, "adversarial": adversarial, "feature_matching": matching}
        return slope, {name: value.detach() for name, value in measures.items()}

    def _step(self, optimizer: str, weights: list[nn.Parameter], norm: float) -> None:
        distributed.average_gradients(weights)
        nn.utils.clip_grad_norm_(weights, norm)
        self.optimizers[optimizer].step()

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """The log-mel L1 of whole held-out clips, reconstructed with the averaged weights."""
        if not len(self.validation):
            return {}
        wave = cast(WaveVAE, self.ema.module)
        total = 0.0
        for rows in torch.split(self.validation, VALIDATION_BATCH):
            real = self.data.audio.read(rows)
            generated = wave.decode(wave.encode(real).mean).waveform
            pair = (INPUT_GAIN * self.heard(rows, each) for each in (generated, real))
            total += float(self.mel(*pair)) * len(rows)
        return {"loss": total / len(self.validation)}
