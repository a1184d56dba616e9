"""The clip VAE: encoder, posterior, decoder and ELBO in one model.

All terms are in nats, summed over the dimensions of a clip and averaged over the batch, so that beta means
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

MOST_INPUTS = 20_000  # of a unit that learns at the full rate; about as many as a spectrogram has values
MEAN_MARGIN = 0.02  # from 0 and 1, whose logits are infinite


class Encoder(nn.Module):
    """Maps a spectrogram (B, M, F) and a condition (B, C or 0) to hidden values (B, `width`)."""

    width: int


class Decoder(nn.Module):
    """Maps a latent with its condition (B, Z + C or 0) to logits (B, M, F)."""

    def start_at(self, logits: Tensor) -> None:
        """Set the initial output to `logits` (M, F), or as close as the decoder can."""
        raise NotImplementedError


class ClipVAE(nn.Module):
    """One latent vector (B, Z) for a whole spectrogram (B, M, F) with values in [0, 1].

    Args:
        config: Settings.
        encoder: Computes the hidden values of which the posterior is a linear function.
        decoder: Maps latents to logits.
        shape: Shape (M, F) of the spectrograms.
        labels: Number of labels, C.
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
        """One-hot labels (B, C) for a conditional model, otherwise (B, 0)."""
        if not self.config.conditional:
            return like.new_zeros(count, 0)
        if labels is None:
            raise ConfigError("a conditional model needs the labels of the clips")
        return F.one_hot(labels, self.labels).to(like.dtype)

    def start_at(self, mean: Tensor) -> None:
        """Initialise an untrained model with the mean spectrogram (M, F) of the training clips.

        The decoder starts with the mean as its output, and the encoder gets the difference from the mean, so
        that only differences have to be learned. Otherwise, what all clips have in common dominates each step
        of the first layer.
        """
        self.centre.copy_(mean)
        self.decoder.start_at(mean.clamp(MEAN_MARGIN, 1 - MEAN_MARGIN).logit())

    def parameter_groups(self, learning_rate: float) -> list[dict[str, Any]]:
        """All parameters with their learning rates for Adam.

        Adam moves every weight by about the learning rate, so a step moves a unit's output in proportion to
        its number of inputs: by hundreds for the million inputs of the study's CNN, whose loss soon becomes
        NaN. Above `MOST_INPUTS` inputs, the learning rate therefore falls in proportion, so that no unit
        moves faster than those of the dense models.
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
        """Posterior of spectrograms (B, M, F); only conditional models use `labels` (B,) int64."""
        condition = self.condition(labels, len(spectrograms), spectrograms)
        hidden = self.encoder(spectrograms - self.centre, condition)
        # Half precision is for the large layers only: float32 keeps the divergence exact at no cost.
        with torch.autocast(hidden.device.type, enabled=False):
            mean, raw = self.posterior(hidden.float()).chunk(2, dim=1)
        # The identity near 0, but bounded, so that its exponential cannot overflow.
        return Gaussian(mean, CLIP_LOG_VARIANCE_BOUND * (raw / CLIP_LOG_VARIANCE_BOUND).tanh())

    def decode(self, latents: Tensor, labels: Tensor | None = None) -> Tensor:
        """Logits (B, M, F) of latents (B, Z); their sigmoid is the spectrogram."""
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
        """The ELBO of a batch (B, M, F); the latents are sampled with `noise` (B, Z) or new noise."""
        return self.elbo_at(self.encode(spectrograms, labels), spectrograms, labels, beta, noise)

    def elbo_at(
        self,
        posterior: Gaussian,
        spectrograms: Tensor,
        labels: Tensor | None = None,
        beta: float = 1.0,
        noise: Tensor | None = None,
    ) -> Elbo:
        """The ELBO of a batch (B, M, F) for a posterior that need not be the encoder's."""
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
        """The ELBO of a batch (B, M, F), by `forward`, which wrappers like DistributedDataParallel call."""
        result: Elbo = self(spectrograms, labels, beta)
        return result
