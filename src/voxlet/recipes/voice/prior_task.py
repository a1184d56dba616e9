"""Second stage of a voice: the prior and the style encoder, on the latents of a trained wave VAE."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from voxlet.models.distributions import Gaussian, kl_per_unit
from voxlet.models.voice.flow_prior import FlowPrior, presence
from voxlet.models.voice.style_encoder import StyleEncoder
from voxlet.training import distributed
from voxlet.training.ema import Average
from voxlet.training.hardware import autocast

if TYPE_CHECKING:
    from voxlet.models.voice.wave_vae import WaveVAE
    from voxlet.recipes.voice.config import PriorTraining
    from voxlet.recipes.voice.data import VoiceData
    from voxlet.training.config import Precision

ENCODING_BATCH = 128
VALIDATION_BATCH = 64
NORM = 1.0  # gradients are scaled down to this


@torch.no_grad()
def encode_all(wave: WaveVAE, data: VoiceData, shift: int) -> tuple[Gaussian, Tensor]:
    """Posteriors (N, L, Z) and lengths (N,) of all clips, with `shift` samples of silence in front."""
    samples = data.audio.shape[1]
    audio = nn.functional.pad(data.audio, (shift, 0))[:, :samples]
    parts = [wave.encode(chunk) for chunk in torch.split(audio, ENCODING_BATCH)]
    posterior = Gaussian(torch.cat([p.mean for p in parts]), torch.cat([p.log_variance for p in parts]))
    return posterior, (data.lengths + shift).clamp(max=samples)


class PriorTask:
    """Trains the flow and the style encoder together: the style is whatever of *other* clips helps the flow.

    Args:
        config: Settings.
        wave: The trained wave VAE.
        data: All clips.
        train: Training rows, from which the latents' mean and deviation are taken.
        validation: Held-out rows.
        labels: C.
        precision: Of matrix products.
    """

    def __init__(
        self,
        config: PriorTraining,
        wave: WaveVAE,
        data: VoiceData,
        train: Tensor,
        validation: Tensor,
        *,
        labels: int,
        precision: Precision = "auto",
    ) -> None:
        self.config, self.validation, self.precision = config, validation, precision
        self.device = data.audio.device
        self.clips = len(data.audio)
        self.speeds = config.speeds_for(len(data.count))
        self.data = data = data.with_speeds(self.speeds)
        self.unit = wave.samples_per_latent
        views = [encode_all(wave, data, shift * wave.hop) for shift in range(config.shifts)]
        self.mean = torch.stack([posterior.mean for posterior, _ in views])
        self.log_variance = torch.stack([posterior.log_variance for posterior, _ in views])
        self.lengths = torch.stack([lengths for _, lengths in views])
        self.prior = FlowPrior(config.model, wave.config.latent_size + 1, data.frames, labels).to(self.device)
        self.prior.fit_scale(Gaussian(self.mean[0, train], self.log_variance[0, train]))
        self.style = StyleEncoder(config.model, data.rate).to(self.device)
        self.prior_average = Average(self.prior, config.average)
        self.style_average = Average(self.style, config.average)
        self.modules: dict[str, nn.Module] = {
            "prior": self.prior,
            "style": self.style,
            "prior_average": self.prior_average,
            "style_average": self.style_average,
        }
        self.parameters = [*self.prior.parameters(), *self.style.parameters()]
        adam = torch.optim.AdamW(
            self.parameters, config.learning_rate, (0.9, 0.99), weight_decay=config.weight_decay, fused=True
        )
        self.optimizers: dict[str, torch.optim.Optimizer] = {"prior": adam}

    def at_speeds(self, rows: Tensor) -> Tensor:
        """The same clips (B,), some at another speed."""
        if not self.speeds:
            return rows
        draw = torch.rand(2, len(rows), device=self.device)
        other = 1 + (draw[0] * len(self.speeds)).long()
        return rows + self.clips * torch.where(draw[1] < self.config.same_speed, 0, other)

    def sequences(self, rows: Tensor) -> Tensor:
        """Sampled, normalised latent sequences with presence (B, L, Z + 1), each from a random start."""
        view = (torch.rand(len(rows), device=self.device) * len(self.mean)).long()
        latents = Gaussian(self.mean[view, rows], self.log_variance[view, rows]).sample()
        inside = presence(self.lengths[view, rows], self.prior.frames, self.unit)
        return self.prior.normalise(latents, inside)

    def styles(self, encoder: nn.Module, rows: Tensor, clips: int) -> Gaussian:
        """Posterior of the style (B, S), told by other clips of the same speaker."""
        audio, lengths = self.data.longest(self.data.others(rows, clips))
        posterior: Gaussian = encoder(audio, lengths)
        return posterior

    def train_step(self, rows: Tensor, progress: float) -> dict[str, Tensor]:  # noqa: ARG002  # the loop's rates suffice
        """One step on the flow-matching loss and the style's divergence."""
        c, rows = self.config, self.at_speeds(rows.to(self.device))
        data = self.sequences(rows)
        noise = torch.randn_like(data)
        # Logit-normal times: the middle of the way is hardest to tell (Esser et al. 2024, arXiv:2403.03206).
        time = torch.randn(len(rows), device=self.device).sigmoid()
        x = noise + time[:, None, None] * (data - noise)
        withheld = torch.rand(len(rows), device=self.device) < c.drop
        label = torch.where(withheld, self.prior.labels, self.data.labels[rows])
        clips = int(torch.randint(1, c.style_clips + 1, ()))
        with autocast(self.device, self.precision):
            posterior = self.styles(self.style, rows, clips)
            velocity = self.prior(x, time, label, posterior.sample())
        flow = (velocity - (data - noise)).square().mean()
        kl = kl_per_unit(posterior).sum(1).mean()
        loss = flow + c.style_kl * kl
        self.optimizers["prior"].zero_grad(set_to_none=True)
        loss.backward()
        distributed.average_gradients(self.parameters)
        nn.utils.clip_grad_norm_(self.parameters, NORM)
        self.optimizers["prior"].step()
        self.prior_average.update(self.prior)
        self.style_average.update(self.style)
        return {"loss": loss.detach(), "flow": flow.detach(), "kl": kl.detach()}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Flow-matching loss of the averaged weights on held-out clips, over evenly spread times."""
        total = 0.0
        for rows in torch.split(self.validation, VALIDATION_BATCH):
            data = self.sequences(rows)
            noise = torch.randn_like(data)
            time = (torch.arange(len(rows), device=self.device) + 0.5) / len(rows)
            x = noise + time[:, None, None] * (data - noise)
            style = self.styles(self.style_average.model, rows, self.config.style_clips).mean
            velocity = self.prior_average.model(x, time, self.data.labels[rows], style)
            total += float((velocity - (data - noise)).square().mean()) * len(rows)
        return {"loss": total / len(self.validation)}
