"""Critics that tell real waveforms from made ones, and the losses they give: hinge and feature matching.

Two families, both light enough for a CPU: one looks at complex spectrograms at several resolutions (as in
UnivNet, Jang et al. 2021, arXiv:2106.07889, and EnCodec, arXiv:2210.13438), one at the waveform folded at
prime periods (HiFi-GAN, Kong et al. 2020, arXiv:2010.05646).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from voxlet.spectral.stft import centred_stft

LEAK = 0.1
COMPRESSION = 0.6  # S |S|^-0.6: quiet partials count, loud ones do not drown them


@dataclass(frozen=True)
class Opinion:
    """One critic's scores (any shape, higher is more real) and the hidden activations behind them."""

    scores: Tensor
    features: list[Tensor]


def _convolution(
    channels_in: int, channels_out: int, kernel: tuple[int, int], stride: tuple[int, int], dilation: int = 1
) -> nn.Module:
    padding = (dilation * (kernel[0] - 1) // 2, (kernel[1] - 1) // 2)
    layer = nn.Conv2d(channels_in, channels_out, kernel, stride, padding, (dilation, 1))
    normed: nn.Module = weight_norm(layer)
    return normed


class _ConvolutionalCritic(nn.Module):
    """A stack of 2-D convolutions that ends in a map of scores."""

    def __init__(self, layers: list[nn.Module], last: nn.Module) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.last = last

    def judge(self, x: Tensor) -> Opinion:
        """An image (B, channels, rows, columns) -> its scores and features."""
        features = []
        x = x.contiguous(memory_format=torch.channels_last)
        for layer in self.layers:
            x = F.leaky_relu(layer(x), LEAK)
            features.append(x)
        return Opinion(self.last(x), features)


class SpectrogramCritic(_ConvolutionalCritic):
    """Looks at the power-compressed complex STFT, frames by bins, real and imaginary part as channels."""

    window: Tensor

    def __init__(self, n_fft: int, width: int) -> None:
        # The frequency axis shrinks at once: a full-resolution first layer costs ten times as much.
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
        self.register_buffer("window", torch.hann_window(n_fft), persistent=False)

    def forward(self, waveform: Tensor) -> Opinion:
        """Judge waveforms (B, T) near unit level."""
        spectrum = centred_stft(waveform, self.window, self.n_fft // 4, edges="reflect", normalized=True)
        parts = torch.view_as_real(spectrum.transpose(1, 2))
        power = parts.square().sum(-1, keepdim=True) + 1e-6
        compressed = parts * power ** (-COMPRESSION / 2)
        return self.judge(compressed.permute(0, 3, 1, 2))


class PeriodCritic(_ConvolutionalCritic):
    """Looks at the waveform folded into rows of `period` samples."""

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

    def forward(self, waveform: Tensor) -> Opinion:
        """Judge waveforms (B, T) near unit level."""
        rest = -waveform.shape[-1] % self.period
        padded = F.pad(waveform, (0, rest), mode="reflect")
        return self.judge(padded.reshape(len(padded), 1, -1, self.period))


class Critics(nn.Module):
    """All critics together.

    Args:
        windows: Seconds of the spectrogram critics' STFT windows.
        periods: Samples at which the period critics fold the waveform.
        width: Channels of the first layers.
        rate: Hz.
    """

    def __init__(self, windows: tuple[float, ...], periods: tuple[int, ...], width: int, rate: int) -> None:
        super().__init__()
        n_ffts = [4 * round(window * rate / 4) for window in windows]
        self.spectrogram = nn.ModuleList([SpectrogramCritic(n_fft, width) for n_fft in n_ffts])
        self.period = nn.ModuleList([PeriodCritic(period, width) for period in periods])

    def bench(self, count: int) -> list[nn.Module]:
        """Draw `count` critics of each kind: a step that asks half of them is nearly twice as fast."""
        drawn = []
        for members in (self.spectrogram, self.period):
            first = int(torch.randint(len(members), ()))
            drawn += [members[(first + n) % len(members)] for n in range(min(count, len(members)))]
        return drawn


def critic_loss(real: list[Opinion], made: list[Opinion]) -> Tensor:
    """Hinge loss, mean over critics: 2 where a critic tells nothing, 0 where it tells all."""
    losses = [
        F.relu(1 - r.scores.float()).mean() + F.relu(1 + m.scores.float()).mean()
        for r, m in zip(real, made, strict=True)
    ]
    return torch.stack(losses).mean()


def adversarial_loss(made: list[Opinion]) -> Tensor:
    """What the decoder is to lower: minus the mean score, mean over critics."""
    return torch.stack([-m.scores.float().mean() for m in made]).mean()


def feature_matching_loss(real: list[Opinion], made: list[Opinion]) -> Tensor:
    """Mean absolute difference of hidden activations, relative to the real ones' size, mean over layers."""
    losses = []
    for r, m in zip(real, made, strict=True):
        for wanted, got in zip(r.features, m.features, strict=True):
            target = wanted.detach()
            losses.append((got - target).abs().mean() / (target.abs().mean() + 1e-4))
    return torch.stack(losses).float().mean()
