"""A mixture of normal distributions as a clip VAE's prior."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from voxlet.models.distributions import Gaussian

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class MixturePrior(nn.Module):
    """A mixture of K diagonal normal distributions as the prior, learned with the model.

    The aggregated posterior q(z) is not a round cloud, and every clip pays for the divergence from q(z) to a
    prior that does not fit it (Hoffman, Johnson 2016, "ELBO surgery"; VampPrior, Tomczak and Welling 2018,
    https://arxiv.org/abs/1705.07120, learns its components in the space of the clips).

    Args:
        components: K.
        size: Z.
        labels: C, each with its own weights for the same K components; 1 if the model is not conditional.
    """

    def __init__(self, components: int, size: int, labels: int) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(labels, components))
        # Together they start near the standard normal: variance 1/2 within and 1/2 between components.
        self.mean = nn.Parameter(math.sqrt(0.5) * torch.randn(components, size))
        self.log_variance = nn.Parameter(torch.full((components, size), math.log(0.5)))

    def divergence(self, posterior: Gaussian, latents: Tensor, labels: Tensor | None) -> Tensor:
        """Estimate of KL(q || p) from one latent (B, Z) of each clip's q, split by latent unit (B, Z).

        With r the components' responsibilities for a latent, log p(z) is the sum over k of r_k (log N_k(z) +
        log w_k - log r_k): the terms of the normals belong to units, those of the weights to all equally.
        """
        rows = (
            torch.zeros(len(latents), dtype=torch.long, device=latents.device) if labels is None else labels
        )
        weights = self.logits.log_softmax(dim=1)[rows]  # (B, K)
        # The factors 2 pi of both densities cancel.
        away = (latents[:, None] - self.mean).square() * (-self.log_variance).exp()
        inside = -0.5 * (away + self.log_variance)  # (B, K, Z)
        log_responsibility = (weights + inside.sum(2)).log_softmax(dim=1)
        responsibility = log_responsibility.exp()
        index = (responsibility * (log_responsibility - weights)).sum(1, keepdim=True)
        entropy = 0.5 * (1 + posterior.log_variance)
        return -entropy - (responsibility[..., None] * inside).sum(1) + index / latents.shape[1]

    @torch.no_grad()
    def draw(self, label: int, generator: np.random.Generator) -> NDArray[np.float64]:
        """Draw one latent (Z,) for a label: with `generator`, first a component, then a point in it."""
        weights = self.logits[label % len(self.logits)].double().softmax(0).cpu().numpy()
        component = int(generator.choice(len(weights), p=weights / weights.sum()))
        deviation = (0.5 * self.log_variance[component].double()).exp().cpu().numpy()
        noise = generator.standard_normal(len(deviation))
        drawn: NDArray[np.float64] = self.mean[component].double().cpu().numpy() + deviation * noise
        return drawn
