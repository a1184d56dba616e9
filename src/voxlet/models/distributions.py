"""Normal distributions, their divergence, likelihoods, and the one ELBO.

One convention throughout: nats, summed over the dimensions of a clip, averaged over the batch. So beta means
the same for every model, latent size and spectrogram size.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from voxlet import batch_random

# Bounds of log-variances, so that no exponential overflows and no posterior becomes a point. A clip VAE's is
# smooth: its log-variances are the bound times the tanh of what the network gives over the bound.
CLIP_LOG_VARIANCE_BOUND = 12.0
WAVE_LOG_VARIANCES = (-12.0, 4.0)
STYLE_LOG_VARIANCES = (-8.0, 4.0)


class Gaussian(NamedTuple):
    """A diagonal normal distribution per clip; both (B, Z) float32."""

    mean: Tensor
    log_variance: Tensor

    def sample(self, noise: Tensor | None = None) -> Tensor:
        """Latents (B, Z), differentiable in mean and variance (Kingma, Welling 2013)."""
        noise = batch_random.randn_like(self.mean) if noise is None else noise
        return self.mean + (0.5 * self.log_variance).exp() * noise


class Elbo(NamedTuple):
    """The negative evidence lower bound in nats per clip, and its parts.

    `loss` is reconstruction plus beta times the divergence counted after free bits; `kl` is the divergence
    itself and `kl_per_unit` (Z,) its shares.
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
    """The one ELBO of all models.

    Args:
        reconstruction: Negative log-likelihood, summed over a clip, mean over the batch; a scalar.
        divergence: Of the same batch, by unit, (B, Z).
        beta: Weight of the divergence (Higgins et al. 2017).
        free_bits: Nats of each unit, batch average, that cost nothing (Kingma et al. 2016, eq. 15).
    """
    units = divergence.mean(dim=0)
    counted = units.clamp_min(free_bits).sum()
    return Elbo(reconstruction + beta * counted, reconstruction, units.sum(), units)


class _BernoulliNLL(torch.autograd.Function):
    """Cross-entropy of [0, 1] targets from logits, -x log s(l) - (1 - x) log(1 - s(l)) = softplus(l) - x l.

    Its derivative s(l) - x is kept from the forward pass, which halves the passes over the spectrogram;
    neither overflows for any logit.
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
    """The study's binary cross-entropy for targets in [0, 1], (B, M, F) both: a scalar, see `elbo`."""
    loss: Tensor = _BernoulliNLL.apply(logits, targets)  # type: ignore[no-untyped-call]  # PyTorch's
    return loss


def gaussian_nll(logits: Tensor, targets: Tensor, log_scale: Tensor) -> Tensor:
    """Normal likelihood around sigmoid(logits), one standard deviation exp(log_scale) for all values.

    With that learned, neither term needs a hand-set weight (sigma-VAE, Rybkin et al. 2021,
    https://arxiv.org/abs/2006.13202).
    """
    error = (logits.float().sigmoid() - targets).square().sum() / logits.shape[0]
    size = targets[0].numel()
    return 0.5 * error * (-2 * log_scale).exp() + size * (log_scale + 0.5 * math.log(2 * math.pi))
