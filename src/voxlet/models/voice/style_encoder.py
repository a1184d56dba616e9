"""The style: who speaks, inferred from clips, with a standard normal prior."""

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
    """Clips of one speaker to a posterior over that speaker's style.

    Log-mel frames, convolutions, mean and deviation over the frames that belong to the clip, mean over the
    clips. It starts from the waveform and uses plain convolutions alone, so that it travels in a voice file.
    """

    kernel: Tensor
    filters: Tensor
    whitening_mean: Tensor
    whitening: Tensor
    deviation: Tensor

    BANDS, STRIDE = 40, 2
    REACH = 8  # frames after it that the layers take into account for each frame

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
        # The coordinates that styles have, see `standardise`: at first those that the layers give.
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
        """One vector (B, 2 * width) per clip (B, T): mean and deviation over its first `lengths` (B,).

        A clip's vector depends on nothing else: neither on T nor on the other clips.
        """
        # Silence after the clip: as much as its last frames see, also where T is its length.
        hidden = self.layers(self.features(F.pad(waveform, (0, self.n_fft + self.REACH * self.hop))))
        frames = lengths // (self.STRIDE * self.hop)
        # Numbers from 1 by a running sum, which unlike a range has its size from a tensor in ONNX, too.
        inside = (torch.ones_like(hidden[:, :1]).cumsum(2) <= frames[:, None, None]).to(hidden.dtype)
        count = inside.sum(2).clamp_min(1)
        mean = (hidden * inside).sum(2) / count
        variance = ((hidden - mean[..., None]).square() * inside).sum(2) / count
        return torch.cat([mean, (variance + 1e-5).sqrt()], dim=1)

    def forward(self, waveform: Tensor, lengths: Tensor) -> Gaussian:
        """K clips of each of B speakers, (B, K, T) and (B, K), to a posterior (B, S)."""
        batch, clips, samples = waveform.shape
        each = self.summary(waveform.reshape(batch * clips, samples), lengths.reshape(-1))
        return self.posterior(each.view(batch, clips, -1).mean(1))

    def posterior(self, summary: Tensor) -> Gaussian:
        """The posterior (B, S) for a summary (B, 2 * width)."""
        return self.whitened(self.unwhitened(summary))

    def unwhitened(self, summary: Tensor) -> Gaussian:
        """The same in the coordinates that the layers give, which no whitening changes."""
        mean, log_variance = self.head(summary).float().chunk(2, dim=1)
        return Gaussian(mean, log_variance.clamp(*STYLE_LOG_VARIANCES))

    def whitened(self, styles: Gaussian) -> Gaussian:
        """Styles (B, S) in the layers' coordinates, in those of `posterior`."""
        variance = styles.log_variance.exp() @ self.whitening.T.square()
        return Gaussian((styles.mean - self.whitening_mean) @ self.whitening.T, variance.log())


def _with_deviation(encoder: nn.Module, held: dict[str, Any], prefix: str, *_: object) -> None:
    """Encoders of before `deviation` drew speakers with 1 along each axis."""
    held.setdefault(f"{prefix}deviation", torch.ones_like(encoder.get_buffer("deviation")))


@torch.no_grad()
def standardise(prior: FlowPrior, encoder: StyleEncoder, styles: Gaussian) -> None:
    """Whiten the style: change its coordinates so that its aggregated posterior has mean 0 and covariance 1,
    and learn how far new speakers lie along each.

    The divergence alone does not ensure that: where its weight is small, styles lie in a few tight clusters.
    In the new coordinates, noise counts the same in all directions, and the posteriors' means are spread
    along the axes, by `deviation`. A speaker is drawn like these: the posterior's noise tells nothing of who
    speaks, and words that were learned from few takes are lost in it.

    Both modules compute the same as before.

    Args:
        prior: Takes styles.
        encoder: Gives them; it may be whitened already.
        styles: Posteriors (N, S) of many clips, in the coordinates of its layers.
    """
    unstandardise(prior, encoder)
    centre = styles.mean.double().mean(0)
    centred = styles.mean.double() - centre
    between = centred.T @ centred / len(centred)
    variances, axes = torch.linalg.eigh(between + torch.diag(styles.log_variance.double().exp().mean(0)))
    to_one = (axes / variances.sqrt()).T
    shares, turn = torch.linalg.eigh(to_one @ between @ to_one.T)  # of the variance along each axis,
    shares, turn = shares.flip(0), turn.flip(1)  # the most first
    encoder.whitening_mean.copy_(centre)
    encoder.whitening.copy_(turn.T @ to_one)
    encoder.deviation.copy_(shares.clamp_min(0).sqrt())
    _read_from(prior, axes * variances.sqrt() @ turn, centre)


@torch.no_grad()
def unstandardise(prior: FlowPrior, encoder: StyleEncoder) -> None:
    """The reverse: give styles the coordinates of the encoder's layers, in which a posterior's numbers are
    independent, and its divergence from the standard normal is what it was trained with."""
    before = encoder.whitening.double()
    _read_from(prior, before, -before @ encoder.whitening_mean.double())
    encoder.whitening_mean.zero_()
    encoder.whitening.copy_(torch.eye(len(before)))
    encoder.deviation.fill_(1)


def _read_from(prior: FlowPrior, back: Tensor, centre: Tensor) -> None:
    """Let a prior read styles s, where it read `back @ s + centre`."""
    readers: list[tuple[Tensor, Tensor]] = [(prior.style.weight, prior.style.bias)]
    if prior.config.attributes:
        readers.append((prior.neutral_weight, prior.neutral_bias))
    for weight, bias in readers:
        held = weight.double()
        bias.add_(held @ centre)
        weight.copy_(held @ back)
