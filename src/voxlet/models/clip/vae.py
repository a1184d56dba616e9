"""The algebra of clip VAEs: posterior, divergence, likelihoods, the ELBO, and the model that joins them.

One convention throughout: nats, summed over the dimensions of a clip, averaged over the batch. So beta means
the same for every model, latent size and spectrogram size.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from voxlet.errors import ConfigError
from voxlet.models.clip.config import ModelConfig
from voxlet.models.clip.mixture_prior import MixturePrior
from voxlet.models.distributions import (
    CLIP_LOG_VARIANCE_BOUND,
    Elbo,
    Gaussian,
    bernoulli_nll,
    elbo,
    gaussian_nll,
    kl_per_unit,
)

MOST_INPUTS = 20_000  # of a unit that learns at the full rate: about the values of a spectrogram
MEAN_MARGIN = 0.02  # from 0 and 1: their logits are infinite


class Encoder(nn.Module):
    """Maps a spectrogram (B, M, F) and a condition (B, C or 0) to hidden values (B, `width`)."""

    width: int


class Decoder(nn.Module):
    """Maps a latent with its condition (B, Z + C or 0) to logits (B, M, F)."""

    def start_at(self, logits: Tensor) -> None:
        """Make (M, F), or the nearest it can, what comes out before anything is learned."""
        raise NotImplementedError


class ClipVAE(nn.Module):
    """One latent vector (B, Z) for a whole spectrogram (B, M, F) with values in [0, 1].

    Args:
        config: Its settings.
        encoder: To the values that the posterior is a linear function of.
        decoder: Back.
        shape: (M, F).
        labels: C.
    """

    def __init__(
        self,
        config: ModelConfig,
        encoder: Encoder,
        decoder: Decoder,
        *,
        shape: tuple[int, int],
        labels: int,
    ) -> None:
        super().__init__()
        self.config = config
        self.labels = labels
        self.encoder = encoder
        self.decoder = decoder
        self.posterior = nn.Linear(encoder.width, 2 * config.latent_size)
        self.centre: Tensor
        self.register_buffer("centre", torch.zeros(shape))
        if config.likelihood == "gaussian":
            self.log_scale = nn.Parameter(torch.tensor(-2.0))
        self.prior: MixturePrior | None = None
        if config.prior_components:
            rows = labels if config.conditional else 1
            self.prior = MixturePrior(config.prior_components, config.latent_size, rows)

    def condition(self, labels: Tensor | None, count: int, like: Tensor) -> Tensor:
        """Labels (B,) as the one-hot rows (B, C) that a conditional model takes, else (B, 0)."""
        if not self.config.conditional:
            return like.new_zeros(count, 0)
        if labels is None:
            raise ConfigError("a conditional model needs the labels of the clips")
        return F.one_hot(labels, self.labels).to(like.dtype)

    def start_at(self, mean: Tensor) -> None:
        """Let an untrained model know the mean spectrogram (M, F) of the clips to be learned.

        The decoder yields it and the encoder is given what differs from it, so that nothing but differences
        has to be learned. Without this, what all clips have in common drives each step of the first layer.
        """
        self.centre.copy_(mean)
        self.decoder.start_at(mean.clamp(MEAN_MARGIN, 1 - MEAN_MARGIN).logit())

    def parameter_groups(self, learning_rate: float) -> list[dict[str, Any]]:
        """All parameters with their learning rates for Adam.

        Adam moves every weight by about its rate, so a step moves a unit in proportion to its inputs: with
        the million inputs of the study's CNN by hundreds, and the loss is soon no number. Beyond about as
        many inputs as a spectrogram has values, the rate falls in proportion, so that no unit moves faster
        than those of the dense models.
        """
        usual: list[nn.Parameter] = []
        groups: list[dict[str, Any]] = [{"params": usual, "lr": learning_rate}]
        for parameter in self.parameters():
            inputs = parameter.shape[1] if parameter.ndim == 2 else 0
            if inputs > MOST_INPUTS:
                groups.append({"params": [parameter], "lr": learning_rate * MOST_INPUTS / inputs})
            else:
                usual.append(parameter)
        return groups

    def encode(self, spectrograms: Tensor, labels: Tensor | None = None) -> Gaussian:
        """Posterior of (B, M, F); `labels` (B,) int64 are used by conditional models only."""
        condition = self.condition(labels, len(spectrograms), spectrograms)
        hidden = self.encoder(spectrograms - self.centre, condition)
        # Half precision is for the large layers: the divergence is exact in float32 at no cost.
        with torch.autocast(hidden.device.type, enabled=False):
            mean, raw = self.posterior(hidden.float()).chunk(2, dim=1)
        # The identity near 0, but no input can make its exponential overflow.
        return Gaussian(mean, CLIP_LOG_VARIANCE_BOUND * (raw / CLIP_LOG_VARIANCE_BOUND).tanh())

    def decode(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """Logits (B, M, F) of (B, Z); their sigmoid is the spectrogram."""
        condition = self.condition(labels, len(latents), latents)
        logits: Tensor = self.decoder(torch.cat([latents, condition], dim=1))
        return logits

    def forward(
        self,
        spectrograms: Tensor,
        labels: Tensor | None = None,
        beta: float = 1.0,
        noise: Tensor | None = None,
    ) -> Elbo:
        """The ELBO of a batch (B, M, F), with `noise` (B, Z) or fresh noise in the latents."""
        return self.elbo_at(self.encode(spectrograms, labels), spectrograms, labels, beta, noise)

    def elbo_at(
        self,
        posterior: Gaussian,
        spectrograms: Tensor,
        labels: Tensor | None = None,
        beta: float = 1.0,
        noise: Tensor | None = None,
    ) -> Elbo:
        """The ELBO of a batch (B, M, F) with a posterior that need not be the encoder's."""
        latents = posterior.sample(noise)
        logits = self.decode(latents, labels)
        if self.config.likelihood == "gaussian":
            reconstruction = gaussian_nll(logits, spectrograms, self.log_scale)
        else:
            reconstruction = bernoulli_nll(logits, spectrograms)
        if self.prior is None:
            divergence = kl_per_unit(posterior)
        else:
            divergence = self.prior.divergence(
                posterior, latents, labels if self.config.conditional else None
            )
        return elbo(reconstruction, divergence, beta=beta, free_bits=self.config.free_bits)

    def elbo(self, spectrograms: Tensor, labels: Tensor | None = None, beta: float = 1.0) -> Elbo:
        """The ELBO of a batch (B, M, F); what `forward` is for a wrapper such as DistributedDataParallel."""
        result: Elbo = self(spectrograms, labels, beta)
        return result
