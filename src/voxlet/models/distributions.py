"""Diagonal normal distributions, their KL divergence, likelihoods, and the ELBO that all models share.

All terms are in nats, summed over the dimensions of a clip and averaged over the batch, so that beta means
the same for every model, latent size and spectrogram size.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from voxlet import batch_random

# Bounds of log-variances, so that no exponential overflows and no posterior becomes a point. The clip VAE's
# bound is smooth: log-variance = bound * tanh(network output / bound).
CLIP_LOG_VARIANCE_BOUND = 12.0
WAVE_LOG_VARIANCES = (-12.0, 4.0)
STYLE_LOG_VARIANCES = (-8.0, 4.0)


class Gaussian(NamedTuple):
    """A diagonal normal distribution per clip: two float32 tensors (B, Z), or (B, L, Z) for sequences."""

    mean: Tensor
    log_variance: Tensor

    def sample(self, noise: Tensor | None = None) -> Tensor:
        """Latents, shaped like the mean and differentiable in mean and variance (Kingma, Welling 2013)."""
        noise = batch_random.randn_like(self.mean) if noise is None else noise
        return self.mean + (0.5 * self.log_variance).exp() * noise


class Elbo(NamedTuple):
    """The negative evidence lower bound in nats per clip, and its parts.

    `loss` is the reconstruction plus beta times the KL divergence after free bits; `kl` is the divergence
    without free bits, and `kl_per_unit` (Z,) its parts by latent unit.
    """

    loss: Tensor
    reconstruction: Tensor
    kl: Tensor
    kl_per_unit: Tensor


def kl_per_unit(posterior: Gaussian) -> Tensor:
    """KL(q || N(0, 1)) of every latent unit of every clip, (B, Z)."""
    mean, log_variance = posterior
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance)


def elbo(reconstruction: Tensor, divergence: Tensor, *, beta: float = 1.0, free_bits: float = 0.0) -> Elbo:
    """The ELBO of all models.

    Args:
        reconstruction: Negative log-likelihood, summed over a clip, averaged over the batch; a scalar.
        divergence: KL divergence of the same batch by latent unit, (B, Z).
        beta: Weight of the divergence (Higgins et al. 2017).
        free_bits: Nats per unit, batch average, that cost nothing (Kingma et al. 2016, eq. 15).
    """
    units = divergence.mean(dim=0)
    counted = units.clamp_min(free_bits).sum()
    return Elbo(reconstruction + beta * counted, reconstruction, units.sum(), units)


class _BernoulliNLL(torch.autograd.Function):
    """Cross-entropy of [0, 1] targets from logits, -x log s(l) - (1 - x) log(1 - s(l)) = softplus(l) - x l.

    The derivative s(l) - x is saved in the forward pass, which halves the passes over the spectrogram.
    Neither loss nor derivative overflows for any logit.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Tensor) -> Tensor:
        count = logits.shape[0]
        exact = logits.float()
        slope = exact.sigmoid().sub_(targets).div_(count)
        ctx.save_for_backward(slope.to(logits.dtype))
        return F.softplus(exact).addcmul_(exact, targets, value=-1).sum() / count

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (slope,) = ctx.saved_tensors
        return slope * gradient.to(slope.dtype), None


def bernoulli_nll(logits: Tensor, targets: Tensor) -> Tensor:
    """The study's binary cross-entropy of logits and targets in [0, 1], both (B, M, F); see `elbo`."""
    loss: Tensor = _BernoulliNLL.apply(logits, targets)  # type: ignore[no-untyped-call]  # PyTorch's
    return loss


def gaussian_nll(logits: Tensor, targets: Tensor, log_scale: Tensor) -> Tensor:
    """Negative log-likelihood of a normal with mean sigmoid(logits) and one deviation exp(log_scale) for all.

    If the deviation is learned, no term of the ELBO needs a hand-set weight (sigma-VAE, Rybkin et al. 2021,
    https://arxiv.org/abs/2006.13202).
    """
    error = (logits.float().sigmoid() - targets).square().sum() / logits.shape[0]
    size = targets[0].numel()
    return 0.5 * error * (-2 * log_scale).exp() + size * (log_scale + 0.5 * math.log(2 * math.pi))
