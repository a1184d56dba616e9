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
