"""First stage of a voice: the wave VAE against its critics."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import cached

from voxlet import draws
from voxlet.models.distributions import kl_per_unit
from voxlet.models.voice.discriminators import Critics, adversarial_loss, critic_loss, feature_matching_loss
from voxlet.models.voice.wave_vae import INPUT_GAIN, WaveVAE
from voxlet.spectral.mel import mel_filters
from voxlet.spectral.pitch import Pitch, track_pitch
from voxlet.spectral.stft import centred_stft
from voxlet.training import distributed
from voxlet.training.ema import Average
from voxlet.training.hardware import autocast

if TYPE_CHECKING:
    from voxlet.recipes.voice.config import WaveTraining
    from voxlet.recipes.voice.data import VoiceData
    from voxlet.training.config import Precision

MEL_BANDS = {0.016: 20, 0.032: 40, 0.064: 64, 0.128: 80}  # window in seconds -> bands
MEL_FLOOR = 1e-4  # of a magnitude that reads 0.5 for a full-scale sine: some 70 dB below it
VALIDATION_BATCH = 64
BETAS = (0.8, 0.99)  # what adversarial vocoders use since HiFi-GAN
CRITIC_NORM, WAVE_NORM = 10.0, 50.0  # gradients are scaled down to these: far above the usual ones
LOUDER_DB, QUIETER_DB = 2.0, -2.0  # levels vary by so much while training


class MelLoss(nn.Module):
    """Multi-resolution log-mel L1: mean absolute difference of natural-log mel magnitudes, mean over windows.

    Waveforms (B, T) are near unit level.
    """

    def __init__(self, rate: int) -> None:
        super().__init__()
        self.sizes = []
        for seconds, bands in MEL_BANDS.items():
            n_fft = 4 * round(seconds * rate / 4)
            self.sizes.append(n_fft)
            filters = torch.tensor(mel_filters(rate, n_fft, bands)) * (rate / n_fft)
            # Where bins are wider than bands some bands hear nothing: a constant to the loss.
            self.register_buffer(f"filters{n_fft}", filters[filters.sum(1) > 0], persistent=False)
            self.register_buffer(f"window{n_fft}", torch.hann_window(n_fft), persistent=False)

    def forward(self, made: Tensor, real: Tensor) -> Tensor:
        """A scalar."""
        both = torch.cat([made, real])
        losses = []
        for n_fft in self.sizes:
            window = self.get_buffer(f"window{n_fft}")
            spectrum = centred_stft(both, window, n_fft // 4, edges="reflect")
            magnitude = (torch.view_as_real(spectrum).square().sum(-1) + 1e-10).sqrt() / window.sum()
            mel = torch.log((self.get_buffer(f"filters{n_fft}") @ magnitude).clamp_min(MEL_FLOOR))
            first, second = mel.chunk(2)
            losses.append((first - second).abs().mean())
        return torch.stack(losses).mean()


class WaveTask:
    """Trains a wave VAE and its critics on random crops of clips."""

    def __init__(
        self, config: WaveTraining, data: VoiceData, validation: Tensor, precision: Precision = "auto"
    ) -> None:
        self.config, self.data, self.validation, self.precision = config, data, validation, precision
        self.device = data.audio.device
        self.model = WaveVAE(config.model, data.rate).to(self.device)
        c = config.critics
        self.critics = Critics(c.windows, c.periods, c.width, data.rate).to(self.device)
        self.average = Average(self.model, config.average)
        self.mel = MelLoss(data.rate).to(self.device)
        self.modules: dict[str, nn.Module] = {
            "wave": self.model,
            "critics": self.critics,
            "average": self.average,
        }
        wave = torch.optim.AdamW(self.model.parameters(), config.learning_rate, BETAS, fused=True)
        critics = torch.optim.AdamW(self.critics.parameters(), config.critic_learning_rate, BETAS, fused=True)
        self.optimizers: dict[str, torch.optim.Optimizer] = {"wave": wave, "critics": critics}
        self.pitch = track_pitch(data.audio, data.rate, self.model.hop)
        unit = self.model.samples_per_latent
        self.crop = max(1, round(config.crop * data.rate / unit)) * unit

    def crops(self, rows: Tensor) -> tuple[Tensor, Pitch]:
        """One random crop (B, T) of each row, at a random level, and its pitch; it may reach beyond the clip.

        Crops start at whole hops, where pitches are known.
        """
        hop = self.model.hop
        reach = self.crop // 8
        lengths = self.data.lengths[rows]
        latest = (lengths - self.crop).clamp_min(0) + reach
        drawn = draws.rand(len(rows), 2, device=self.device)
        start = ((drawn[:, 0] * (latest + reach)).long() - reach) // hop * hop
        index = start[:, None] + torch.arange(self.crop, device=self.device)
        inside = (index >= 0) & (index < lengths[:, None])
        audio = self.data.audio[rows[:, None], index.clamp(0, self.data.audio.shape[1] - 1)] * inside
        decibels = QUIETER_DB + (LOUDER_DB - QUIETER_DB) * drawn[:, 1:]
        frames = start[:, None] // hop + torch.arange(self.crop // hop, device=self.device)
        frames = frames.clamp(0, self.pitch.hz.shape[1] - 1)
        pitch = Pitch(self.pitch.hz[rows[:, None], frames], self.pitch.voicing[rows[:, None], frames])
        return audio * 10 ** (decibels / 20), pitch

    def train_step(self, rows: Tensor, progress: float) -> dict[str, Tensor]:
        """One step of the VAE and one of the critics, both from one pass of the critics."""
        c = self.config
        real, pitch = self.crops(rows.to(self.device))
        with autocast(self.device, self.precision):
            decoded, posterior = self.model(real, pitch.hz)
        real, made = INPUT_GAIN * real, INPUT_GAIN * decoded.waveform
        spectral = self.mel(made, real)
        kl = kl_per_unit(posterior).mean()
        octaves = (torch.log2(decoded.pitch / pitch.hz).abs() * pitch.voicing).mean()
        total = c.spectral * spectral + c.kl * kl + c.pitch * octaves
        metrics = {"spectral": spectral.detach(), "kl": kl.detach(), "octaves": octaves.detach()}
        slope = torch.zeros_like(made)
        if progress >= c.critics_from:
            bench = self.critics.bench(c.bench)
            with autocast(self.device, self.precision), cached():
                real_opinions = [critic(real) for critic in bench]
                made_opinions = [critic(made) for critic in bench]
            adversarial = adversarial_loss(made_opinions)
            matching = feature_matching_loss(real_opinions, made_opinions)
            # The critics' weights take no part in this: only the slope at the made waveform is wanted.
            verdict = c.adversarial * adversarial + c.matching * matching
            (slope,) = torch.autograd.grad(verdict, made, retain_graph=True)
            loss = critic_loss(real_opinions, made_opinions)
            weights = [weight for critic in bench for weight in critic.parameters()]
            self.optimizers["critics"].zero_grad(set_to_none=True)
            loss.backward(inputs=weights)  # type: ignore[no-untyped-call]  # PyTorch's
            distributed.average_gradients(weights)
            nn.utils.clip_grad_norm_(weights, CRITIC_NORM)
            self.optimizers["critics"].step()
            metrics |= {
                "critic": loss.detach(),
                "adversarial": adversarial.detach(),
                "matching": matching.detach(),
            }
        self.optimizers["wave"].zero_grad(set_to_none=True)
        torch.autograd.backward([total, made], [torch.ones_like(total), slope])
        distributed.average_gradients(self.model.parameters())
        nn.utils.clip_grad_norm_(self.model.parameters(), WAVE_NORM)
        self.optimizers["wave"].step()
        self.average.update(self.model)
        return {"loss": total.detach(), **metrics}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """The log-mel L1 of whole held-out clips, reconstructed with the averaged weights."""
        wave = self.average.model
        total = 0.0
        for rows in torch.split(self.validation, VALIDATION_BATCH):
            real = self.data.audio[rows]
            made = wave.decode(wave.encode(real).mean).waveform
            total += float(self.mel(INPUT_GAIN * made, INPUT_GAIN * real)) * len(rows)
        return {"loss": total / len(self.validation)}
