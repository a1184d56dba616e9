"""Discriminators between real and generated waveforms, and their losses: hinge and feature matching.

Two families, both light enough for a CPU: one takes complex spectrograms at several resolutions (as in
UnivNet, Jang et al. 2021, arXiv:2106.07889, and EnCodec, arXiv:2210.13438), the other the waveform folded at
prime periods (HiFi-GAN, Kong et al. 2020, arXiv:2010.05646).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from voxlet.models.voice.config import DiscriminatorConfig
from voxlet.spectral.stft import centred_stft
from voxlet.spectral.window import torch_hann

LEAK = 0.1
COMPRESSION = 0.6  # S |S|^-0.6: loud partials do not drown quiet ones


@dataclass(frozen=True)
class DiscriminatorOutput:
    """One discriminator's scores (any shape, higher is more real) and the hidden activations behind them."""

    scores: Tensor
    features: list[Tensor]


def _convolution(
    channels_in: int, channels_out: int, kernel: tuple[int, int], stride: tuple[int, int], dilation: int = 1
) -> nn.Module:
    padding = (dilation * (kernel[0] - 1) // 2, (kernel[1] - 1) // 2)
    layer = nn.Conv2d(channels_in, channels_out, kernel, stride, padding, (dilation, 1))
    normed: nn.Module = weight_norm(layer)
    return normed


class _ConvolutionalDiscriminator(nn.Module):
    """A stack of 2-D convolutions that ends in a map of scores."""

    def __init__(self, layers: list[nn.Module], last: nn.Module) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.last = last

    def score(self, x: Tensor) -> DiscriminatorOutput:
        """An image (B, channels, rows, columns) -> its scores and features."""
        features = []
        x = x.contiguous(memory_format=torch.channels_last)
        for layer in self.layers:
            x = F.leaky_relu(layer(x), LEAK)
            features.append(x)
        return DiscriminatorOutput(self.last(x), features)


class SpectrogramDiscriminator(_ConvolutionalDiscriminator):
    """Takes the power-compressed complex STFT, frames by bins, real and imaginary part as channels."""

    window: Tensor

    def __init__(self, n_fft: int, width: int) -> None:
        # The first layer strides over frequency: at full resolution it would cost ten times as much.
        super().__init__(
            [
                _convolution(2, width, (3, 9), (1, 4)),
                _convolution(width, width, (3, 9), (1, 2)),
                _convolution(width, 2 * width, (3, 9), (1, 2), dilation=2),
                _convolution(2 * width, 2 * width, (3, 3), (1, 1), dilation=4),
            ],
            _convolution(2 * width, 1, (3, 3), (1, 1)),
        )
        self.n_fft = n_fft
        self.register_buffer("window", torch_hann(n_fft), persistent=False)

    def forward(self, waveform: Tensor) -> DiscriminatorOutput:
        """Score waveforms (B, T) near unit level."""
        spectrum = centred_stft(waveform, self.window, self.n_fft // 4, edges="reflect", normalized=True)
        parts = torch.view_as_real(spectrum.transpose(1, 2))
        power = parts.square().sum(-1, keepdim=True) + 1e-6
        compressed = parts * power ** (-COMPRESSION / 2)
        return self.score(compressed.permute(0, 3, 1, 2))


class PeriodDiscriminator(_ConvolutionalDiscriminator):
    """Takes the waveform folded into rows of `period` samples."""

    def __init__(self, period: int, width: int) -> None:
        super().__init__(
            [
                _convolution(1, width, (5, 1), (3, 1)),
                _convolution(width, 2 * width, (5, 1), (3, 1)),
                _convolution(2 * width, 4 * width, (5, 1), (3, 1)),
                _convolution(4 * width, 8 * width, (5, 1), (3, 1)),
            ],
            _convolution(8 * width, 1, (3, 1), (1, 1)),
        )
        self.period = period

    def forward(self, waveform: Tensor) -> DiscriminatorOutput:
        """Score waveforms (B, T) near unit level."""
        rest = -waveform.shape[-1] % self.period
        padded = F.pad(waveform, (0, rest), mode="reflect")
        return self.score(padded.reshape(len(padded), 1, -1, self.period))


class Discriminators(nn.Module):
    """All discriminators together.

    Args:
        config: Settings.
        rate: Sampling rate in Hz.
    """

    def __init__(self, config: DiscriminatorConfig, rate: int) -> None:
        super().__init__()
        n_ffts = [4 * round(window * rate / 4) for window in config.windows]
        self.spectrogram = nn.ModuleList([SpectrogramDiscriminator(n_fft, config.width) for n_fft in n_ffts])
        self.period = nn.ModuleList([PeriodDiscriminator(period, config.width) for period in config.periods])

    def choose(self, count: int) -> list[nn.Module]:
        """`count` discriminators of each kind at random: a step with half of them is nearly twice as fast."""
        chosen = []
        for members in (self.spectrogram, self.period):
            first = int(torch.randint(len(members), ()))
            chosen += [members[(first + n) % len(members)] for n in range(min(count, len(members)))]
        return chosen


def discriminator_loss(real: list[DiscriminatorOutput], generated: list[DiscriminatorOutput]) -> Tensor:
    """Hinge loss, mean over discriminators: 2 if one cannot tell real from generated, 0 if it always can."""
    losses = [
        F.relu(1 - r.scores.float()).mean() + F.relu(1 + m.scores.float()).mean()
        for r, m in zip(real, generated, strict=True)
    ]
    return torch.stack(losses).mean()


def adversarial_loss(generated: list[DiscriminatorOutput]) -> Tensor:
    """The decoder's adversarial loss: minus the mean score, mean over discriminators."""
    return torch.stack([-m.scores.float().mean() for m in generated]).mean()


def feature_sizes(real: list[DiscriminatorOutput]) -> Tensor:
    """Mean absolute value of the hidden activations, one per layer, for all discriminators in order."""
    return torch.stack([feature.detach().abs().mean() for output in real for feature in output.features])


def feature_matching_loss(
    real: list[DiscriminatorOutput], generated: list[DiscriminatorOutput], sizes: Tensor
) -> Tensor:
    """Mean absolute difference of hidden activations relative to the real ones' size, mean over layers.

    Args:
        real: Outputs for real waveforms.
        generated: Outputs of the same discriminators for generated waveforms.
        sizes: `feature_sizes` of `real`, or of a larger batch that includes `real`.
    """
    wanted = [feature.detach() for output in real for feature in output.features]
    got = [feature for output in generated for feature in output.features]
    losses = [(g - w).abs().mean() / (size + 1e-4) for g, w, size in zip(got, wanted, sizes, strict=True)]
    return torch.stack(losses).float().mean()
