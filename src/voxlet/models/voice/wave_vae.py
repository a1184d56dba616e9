"""The wave VAE: encodes a clip as a short sequence of latent vectors, and decodes it to a waveform.

    waveform (B, T) -> log |STFT| (B, F, bins) -> ConvNeXt, two strides of 2 -> latents (B, L, Z)
    latents (B, L, Z) -> ConvNeXt, twice doubled -> a spectrum (B, F, bins) -> inverse STFT -> (B, T)

with T = F * hop and F = 4 L. The blocks are those of ConvNeXt (Liu et al. 2022, arXiv:2201.03545) over time;
the head with an inverse STFT instead of transposed convolutions is that of Vocos (Siuzdak 2023,
arXiv:2306.00814). The inverse STFT is a matrix product and shifted sums, so that the decoder can be exported
to ONNX unchanged.

The spectrum is the sum of two parts. The first is a pulse train at the pitch that the decoder predicts from
the latents, filtered with a magnitude and phase that it predicts for each frame and bin (the source and
filter of Fant 1960, as in neural source-filter models, Wang et al. 2019, arXiv:1904.12088). Its harmonics are
coherent from frame to frame by construction; phases predicted for each frame alone are coherent only at the
lowest harmonics, and the others turn to noise. The second part is such a freely predicted spectrum, for
everything that is not periodic.
"""

from __future__ import annotations

import math
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from voxlet.models.distributions import WAVE_LOG_VARIANCES, Gaussian
from voxlet.models.voice.config import WaveConfig
from voxlet.spectral.stft import STFT

# Clips are normalised to an RMS of 0.08; inside the networks, this gain brings them near 1.
INPUT_GAIN = 6.0
MAGNITUDE_FLOOR = 1e-3  # of the unnormalised STFT after that gain, about 80 dB below a loud vowel
MAX_LOG_MAGNITUDE = 7.0  # e^7 = 1097: three times the largest STFT value that a clip at full scale has
PITCH_CENTRE, OCTAVES = 150.0, 2.0  # Hz; pitches are limited to so many octaves around it

HOP_SECONDS = 0.008
OVERLAP = 4  # hops per STFT window
STRIDE = 4  # STFT frames per latent vector: two strides of 2


def samples_per_latent(rate: int) -> int:
    """Samples at `rate` Hz that one latent vector covers: T = L * samples_per_latent."""
    return STRIDE * round(HOP_SECONDS * rate)


class Decoded(NamedTuple):
    """A waveform (B, T) and the pitch in Hz (B, F) that the decoder predicted from the latents."""

    waveform: Tensor
    pitch: Tensor


class ConvNeXtBlock(nn.Module):
    """Depthwise convolution over time, layer norm, two-layer perceptron, layer scale, skip connection."""

    def __init__(self, width: int, expansion: int, kernel: int = 7, scale: float = 0.1) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, expansion * width)
        self.narrow = nn.Linear(expansion * width, width)
        self.scale = nn.Parameter(torch.full((width,), scale))

    def forward(self, x: Tensor, inside: Tensor | None = None) -> Tensor:
        """(B, F, width) -> the same shape; frames where `inside` (B, F, 1) is 0 do not influence others."""
        y = x if inside is None else x * inside
        y = self.depthwise(y.transpose(1, 2)).transpose(1, 2)
        y = self.narrow(F.gelu(self.widen(self.norm(y)), approximate="tanh"))
        moved: Tensor = x + self.scale * y
        return moved


class Halve(nn.Module):
    """Stride 2 over time: concatenate pairs of frames and project them. (B, F, in) -> (B, F/2, out)."""

    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width_in)
        self.linear = nn.Linear(2 * width_in, width_out)

    def forward(self, x: Tensor) -> Tensor:
        """Halve the frames."""
        batch, frames, width = x.shape
        return cast(Tensor, self.linear(self.norm(x).reshape(batch, frames // 2, 2 * width)))


class Double(nn.Module):
    """The counterpart of `Halve`: project each frame and split it in two. (B, F, in) -> (B, 2F, out)."""

    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width_in)
        self.linear = nn.Linear(width_in, 2 * width_out)
        self.width_out = width_out

    def forward(self, x: Tensor) -> Tensor:
        """Double the frames."""
        batch, frames, _ = x.shape
        return cast(Tensor, self.linear(self.norm(x)).reshape(batch, 2 * frames, self.width_out))


def _blocks(width: int, count: int, expansion: int) -> list[nn.Module]:
    return [ConvNeXtBlock(width, expansion) for _ in range(count)]


class WaveVAE(nn.Module):
    """Encoder and decoder between waveforms and latent sequences.

    Args:
        config: Settings.
        rate: Sampling rate of the waveforms, in Hz.
    """

    def __init__(self, config: WaveConfig, rate: int) -> None:
        super().__init__()
        self.config, self.rate = config, rate
        self.hop = round(HOP_SECONDS * rate)
        self.stft = STFT(OVERLAP * self.hop, self.hop)
        bins, width, wide = OVERLAP * self.hop // 2 + 1, config.encoder_width, config.decoder_width
        self.encoder = nn.Sequential(
            nn.Linear(bins, width),
            *_blocks(width, config.encoder_blocks, 2),
            Halve(width, width),
            *_blocks(width, config.encoder_blocks, 2),
            Halve(width, width),
            *_blocks(width, config.encoder_blocks, 2),
            nn.LayerNorm(width),
            nn.Linear(width, 2 * config.latent_size),
        )
        self.decoder = nn.Sequential(
            nn.Linear(config.latent_size, wide),
            *_blocks(wide, config.decoder_blocks, 3),
            Double(wide, wide),
            *_blocks(wide, config.decoder_blocks, 3),
            Double(wide, wide),
            *_blocks(wide, 2 * config.decoder_blocks, 3),
            nn.LayerNorm(wide),
        )
        self.bins = bins
        self.head = nn.Linear(wide, 1 + 4 * bins)
        # Both parts start quiet, because a spectrum that starts too loud is unlearned slowly.
        nn.init.constant_(self.head.bias[1 : 1 + bins], -3.0)
        nn.init.constant_(self.head.bias[1 + 2 * bins : 1 + 3 * bins], -3.0)

    @property
    def samples_per_latent(self) -> int:
        """Samples that one latent vector covers."""
        return samples_per_latent(self.rate)

    def encode(self, waveform: Tensor) -> Gaussian:
        """The posterior of each latent: (B, T) -> mean, log-variance (B, L, Z); T is a multiple of 4 hops."""
        magnitude = self.stft(INPUT_GAIN * waveform).abs()
        features = torch.log(magnitude.clamp_min(MAGNITUDE_FLOOR))
        mean, log_variance = self.encoder(features).float().chunk(2, dim=-1)
        return Gaussian(mean, log_variance.clamp(*WAVE_LOG_VARIANCES))

    def decode(
        self,
        latents: Tensor,
        pitch: Tensor | None = None,
        inside: Tensor | None = None,
        raised: Tensor | None = None,
    ) -> Decoded:
        """Latents (B, L, Z) to a waveform (B, L * samples_per_latent) and the pitch predicted from them.

        Args:
            latents: Latents (B, L, Z).
            pitch: Pitch of the pulse train in Hz (B, F); by default, the decoder's own prediction.
            inside: Mask (B, L, 1): 1 for the latents of each clip, 0 for those after it, which then change
                nothing of the clip before its last five hops; by default, all latents are the clip's.
            raised: Semitones (B,) by which the pulse train is above that pitch; the filter stays the same.
        """
        hidden = latents
        for layer in self.decoder:
            hidden = layer(hidden, inside) if isinstance(layer, ConvNeXtBlock) else layer(hidden)
            if isinstance(layer, Double) and inside is not None:
                inside = inside.repeat(1, 1, 2).flatten(1)[..., None]
        with torch.autocast(hidden.device.type, enabled=False):
            # Phase errors of a bfloat16 head would be audible noise; one matrix in float32 costs little.
            parts = F.linear(hidden.float(), self.head.weight, self.head.bias)
            octaves, filtering, turning, magnitude, phase = torch.split(parts, [1, *[self.bins] * 4], dim=-1)
            own = PITCH_CENTRE * torch.exp(math.log(2) * octaves[..., 0].clamp(-OCTAVES, OCTAVES))
            # Detached: the waveform gives the pitch no useful gradient; the pitch has its own loss.
            hz = own.detach() if pitch is None else pitch
            if raised is not None:
                hz = hz * torch.exp(math.log(2) / 12 * raised)[:, None]
            source = self.stft.parts(self.pulses(hz))
            gain = torch.exp(filtering.clamp(max=MAX_LOG_MAGNITUDE))
            cosine, sine = gain * turning.cos(), gain * turning.sin()
            loudness = torch.exp(magnitude.clamp(max=MAX_LOG_MAGNITUDE))
            real = source[0] * cosine - source[1] * sine + loudness * phase.cos()
            imaginary = source[0] * sine + source[1] * cosine + loudness * phase.sin()
            return Decoded(self.stft.inverse(real, imaginary) / INPUT_GAIN, own)

    def pulses(self, pitch: Tensor) -> Tensor:
        """A band-limited pulse train of unit power: Hz (B, F) -> (B, F * hop), harmonics below half the rate.

        Sum over k = 1..K of cos(k x) = sin((K + 1/2) x) / (2 sin(x / 2)) - 1/2, with x the running phase.
        """
        # Linear interpolation between frame centres, by operations that ONNX has for any batch size.
        ramp = (torch.arange(self.hop, device=pitch.device) + 0.5) / self.hop - 0.5
        before = torch.cat([pitch[:, :1], pitch[:, :-1]], dim=1)[..., None]
        after = torch.cat([pitch[:, 1:], pitch[:, -1:]], dim=1)[..., None]
        middle = pitch[..., None]
        hz = (middle + (after - middle) * ramp.clamp(min=0) + (middle - before) * ramp.clamp(max=0)).flatten(
            1
        )
        cycles = torch.cumsum(hz / self.rate, dim=1)
        half = math.pi * (cycles - cycles.floor())
        harmonics = (0.5 * self.rate / hz).floor()
        bottom = half.sin()
        near = bottom.abs() < 1e-4
        ratio = torch.sin((2 * harmonics + 1) * half) / torch.where(near, torch.ones_like(bottom), bottom)
        total = torch.where(near, 2 * harmonics + 1, ratio)
        return (0.5 * total - 0.5) * torch.sqrt(2 / harmonics)

    def forward(self, waveform: Tensor, pitch: Tensor | None = None) -> tuple[Decoded, Gaussian]:
        """Encode, sample, decode: (B, T) -> the reconstruction and the posterior."""
        posterior = self.encode(waveform)
        return self.decode(posterior.sample(), pitch), posterior
