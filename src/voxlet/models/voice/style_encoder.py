"""The style encoder: who speaks, inferred from clips; styles have a standard normal prior."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from voxlet.models.distributions import STYLE_LOG_VARIANCES, Gaussian
from voxlet.models.voice.config import PriorConfig
from voxlet.models.voice.flow_prior import FlowPrior
from voxlet.spectral.mel import mel_filters
from voxlet.spectral.stft import analysis_matrix


class StyleEncoder(nn.Module):
    """Maps clips of one speaker to a posterior over the speaker's style.

    Log-mel frames pass through convolutions; mean and deviation over the frames inside each clip are averaged
    over the clips. The input is the waveform and all layers are standard, so that a voice file can hold them.
    """

    kernel: Tensor
    filters: Tensor
    whitening_mean: Tensor
    whitening: Tensor
    deviation: Tensor

    BANDS, STRIDE = 40, 2
    REACH = 8  # frames after each frame that influence it through the layers

    def __init__(self, config: PriorConfig, rate: int) -> None:
        super().__init__()
        self.hop = round(0.010 * rate)
        self.n_fft = n_fft = 4 * round(0.032 * rate / 4)
        self.register_buffer("kernel", analysis_matrix(n_fft)[:, None], persistent=False)
        filters = torch.tensor(mel_filters(rate, n_fft, self.BANDS)) * (rate / n_fft)
        self.register_buffer("filters", filters, persistent=False)
        width = config.style_width
        self.layers = nn.Sequential(
            nn.Conv1d(self.BANDS, width, 5, stride=self.STRIDE, padding=2),
            nn.ReLU(),
            nn.Conv1d(width, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv1d(width, width, 3, padding=2, dilation=2),
            nn.ReLU(),
        )
        self.head = nn.Sequential(
            nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, 2 * config.style_size)
        )
        # The coordinates of styles, see `standardise`; at first those of the layers' output.
        self.register_buffer("whitening_mean", torch.zeros(config.style_size))
        self.register_buffer("whitening", torch.eye(config.style_size))
        self.register_buffer("deviation", torch.ones(config.style_size))
        self.register_load_state_dict_pre_hook(_with_deviation)  # type: ignore[no-untyped-call]

    def features(self, waveform: Tensor) -> Tensor:
        """Log-mel (B, 40, F) of waveforms (B, T)."""
        spectrum = F.conv1d(waveform[:, None], self.kernel, stride=self.hop)
        real, imaginary = spectrum.chunk(2, dim=1)
        power = self.filters @ (real.square() + imaginary.square())
        return torch.log(power + 1e-4)

    def summary(self, waveform: Tensor, lengths: Tensor) -> Tensor:
        """Mean and deviation (B, 2 * width) over the first `lengths` (B,) samples of each clip (B, T).

        The result for a clip depends neither on T nor on the other clips.
        """
        # Add the silence that a clip's last frames see, also if the clip fills T.
        hidden = self.layers(self.features(F.pad(waveform, (0, self.n_fft + self.REACH * self.hop))))
        frames = lengths // (self.STRIDE * self.hop)
        # Frame numbers from 1 as a running sum: unlike a range, it has the size of a tensor in ONNX, too.
        inside = (torch.ones_like(hidden[:, :1]).cumsum(2) <= frames[:, None, None]).to(hidden.dtype)
        count = inside.sum(2).clamp_min(1)
        mean = (hidden * inside).sum(2) / count
        variance = ((hidden - mean[..., None]).square() * inside).sum(2) / count
        return torch.cat([mean, (variance + 1e-5).sqrt()], dim=1)

    def forward(self, waveform: Tensor, lengths: Tensor) -> Gaussian:
        """K clips (B, K, T) of each of B speakers, with their lengths (B, K), to a posterior (B, S)."""
        batch, clips, samples = waveform.shape
        each = self.summary(waveform.reshape(batch * clips, samples), lengths.reshape(-1))
        return self.posterior(each.view(batch, clips, -1).mean(1))

    def posterior(self, summary: Tensor) -> Gaussian:
        """The posterior (B, S) for a summary (B, 2 * width)."""
        return self.whitened(self.unwhitened(summary))

    def unwhitened(self, summary: Tensor) -> Gaussian:
        """The posterior (B, S) for a summary in the layers' coordinates, which whitening does not change."""
        mean, log_variance = self.head(summary).float().chunk(2, dim=1)
        return Gaussian(mean, log_variance.clamp(*STYLE_LOG_VARIANCES))

    def whitened(self, styles: Gaussian) -> Gaussian:
        """Convert styles (B, S) from the layers' coordinates to those of `posterior`."""
        variance = styles.log_variance.exp() @ self.whitening.T.square()
        return Gaussian((styles.mean - self.whitening_mean) @ self.whitening.T, variance.log())


def _with_deviation(encoder: nn.Module, held: dict[str, Any], prefix: str, *_: object) -> None:
    """Set `deviation` to 1 for older encoders, which do not have it and drew speakers with 1 on each axis."""
    held.setdefault(f"{prefix}deviation", torch.ones_like(encoder.get_buffer("deviation")))


@torch.no_grad()
def standardise(prior: FlowPrior, encoder: StyleEncoder, styles: Gaussian) -> None:
    """Whiten the style: change its coordinates so that the aggregated posterior has mean 0 and covariance 1.

    The KL divergence alone does not ensure this: with a small weight, styles lie in a few tight clusters. The
    new axes are those along which the posteriors' means are uncorrelated, and `deviation` holds the standard
    deviations of the means along them. New speakers are drawn with `deviation` instead of 1, because the rest
    is posterior noise, which says nothing about the speaker and spoils words learned from few takes.

    Encoder and prior together compute the same as before.

    Args:
        prior: The prior that takes styles.
        encoder: The encoder that infers them; it may be whitened already.
        styles: Posteriors (N, S) of many clips, in the coordinates of the encoder's layers.
    """
    unstandardise(prior, encoder)
    centre = styles.mean.double().mean(0)
    centred = styles.mean.double() - centre
    between = centred.T @ centred / len(centred)
    variances, axes = torch.linalg.eigh(between + torch.diag(styles.log_variance.double().exp().mean(0)))
    to_one = (axes / variances.sqrt()).T
    shares, turn = torch.linalg.eigh(to_one @ between @ to_one.T)  # the means' variance on each axis,
    shares, turn = shares.flip(0), turn.flip(1)  # largest first
    encoder.whitening_mean.copy_(centre)
    encoder.whitening.copy_(turn.T @ to_one)
    encoder.deviation.copy_(shares.clamp_min(0).sqrt())
    _read_from(prior, axes * variances.sqrt() @ turn, centre)


@torch.no_grad()
def unstandardise(prior: FlowPrior, encoder: StyleEncoder) -> None:
    """Undo `standardise`: return to the coordinates of the encoder's layers.

    There, the dimensions of a posterior are independent, and its divergence from the standard normal is the
    one that was trained.
    """
    before = encoder.whitening.double()
    _read_from(prior, before, -before @ encoder.whitening_mean.double())
    encoder.whitening_mean.zero_()
    encoder.whitening.copy_(torch.eye(len(before)))
    encoder.deviation.fill_(1)


def _read_from(prior: FlowPrior, back: Tensor, centre: Tensor) -> None:
    """Change the weights of a prior so that it takes styles s where it took `back @ s + centre` before."""
    readers: list[tuple[Tensor, Tensor]] = [(prior.style.weight, prior.style.bias)]
    if prior.config.attributes:
        readers.append((prior.neutral_weight, prior.neutral_bias))
    for weight, bias in readers:
        held = weight.double()
        bias.add_(held @ centre)
        weight.copy_(held @ back)
