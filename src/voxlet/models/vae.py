"""The algebra of clip VAEs: posterior, divergence, likelihoods, the ELBO, and the model that joins them.

One convention throughout: nats, summed over the dimensions of a clip, averaged over the batch. So beta means
the same for every model, latent size and spectrogram size.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from voxlet.errors import ConfigError
from voxlet.models.config import ModelConfig

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LOG_VARIANCE_BOUND = 12.0
MOST_INPUTS = 20_000  # of a unit that learns at the full rate: about the values of a spectrogram
MEAN_MARGIN = 0.02  # from 0 and 1: their logits are infinite


class Gaussian(NamedTuple):
    """A diagonal normal distribution per clip; both (B, Z) float32."""

    mean: Tensor
    log_variance: Tensor

    def sample(self, noise: Tensor | None = None) -> Tensor:
        """Latents (B, Z), differentiable in mean and variance (Kingma, Welling 2013)."""
        noise = torch.randn_like(self.mean) if noise is None else noise
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


class MixturePrior(nn.Module):
    """A mixture of K diagonal normal distributions as the prior, learned with the model.

    Where clips lie in the latent space is no round cloud, and what the standard normal gets wrong of it is
    paid for with every clip: the divergence from q(z) to the prior (Hoffman, Johnson 2016, "ELBO surgery";
    VampPrior, Tomczak and Welling 2018, https://arxiv.org/abs/1705.07120, learns its components in the
    space of the clips).

    Args:
        components: K.
        size: Z.
        labels: C, each with weights of its own for the same K; 1 where the label is not given.
    """

    def __init__(self, components: int, size: int, labels: int) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(labels, components))
        # Together about the standard normal: variance 1/2 within, 1/2 between.
        self.mean = nn.Parameter(math.sqrt(0.5) * torch.randn(components, size))
        self.log_variance = nn.Parameter(torch.full((components, size), math.log(0.5)))

    def divergence(self, posterior: Gaussian, latents: Tensor, labels: Tensor | None) -> Tensor:
        """Estimate of KL(q || p) from one latent (B, Z) of each clip's q, as shares of the units (B, Z).

        With r the components' responsibilities for a latent, log p(z) is the sum over k of r_k (log N_k(z) +
        log w_k - log r_k): the normals' part belongs to the units, that of the weights to all alike.
        """
        rows = (
            torch.zeros(len(latents), dtype=torch.long, device=latents.device) if labels is None else labels
        )
        weights = self.logits.log_softmax(dim=1)[rows]  # (B, K)
        # The 2 pi of both densities cancels.
        away = (latents[:, None] - self.mean).square() * (-self.log_variance).exp()
        inside = -0.5 * (away + self.log_variance)  # (B, K, Z)
        log_responsibility = (weights + inside.sum(2)).log_softmax(dim=1)
        responsibility = log_responsibility.exp()
        index = (responsibility * (log_responsibility - weights)).sum(1, keepdim=True)
        entropy = 0.5 * (1 + posterior.log_variance)
        return -entropy - (responsibility[..., None] * inside).sum(1) + index / latents.shape[1]

    @torch.no_grad()
    def draw(self, label: int, generator: np.random.Generator) -> NDArray[np.float64]:
        """One latent (Z,) of a label: `generator` decides the component, then the place in it."""
        weights = self.logits[label % len(self.logits)].double().softmax(0).cpu().numpy()
        component = int(generator.choice(len(weights), p=weights / weights.sum()))
        deviation = (0.5 * self.log_variance[component].double()).exp().cpu().numpy()
        noise = generator.standard_normal(len(deviation))
        drawn: NDArray[np.float64] = self.mean[component].double().cpu().numpy() + deviation * noise
        return drawn


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
        return Gaussian(mean, LOG_VARIANCE_BOUND * (raw / LOG_VARIANCE_BOUND).tanh())

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
