"""A trained clip VAE applied to clips: their posteriors, ELBO and reconstructions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from voxlet.models.distributions import Gaussian
from voxlet.training.batches import in_turn

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from voxlet.models.clip.vae import ClipVAE
    from voxlet.recipes.clip.data import Spectrograms

BATCH = 100
REFINING_STEPS, REFINING_RATE = 60, 0.05
NOISE_SEED = 0  # the same weights and clips give the same loss


@dataclass(frozen=True)
class Latents:
    """Posterior means and standard deviations of clips, (B, Z) both."""

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]


@dataclass(frozen=True)
class Explained:
    """The negative ELBO of clips at beta 1, in nats per clip, and the KL of each latent unit."""

    loss: float
    reconstruction: float
    kl: float
    kl_per_unit: tuple[float, ...]
    clips: int


@torch.inference_mode()
def encode(model: ClipVAE, spectrograms: Spectrograms, labels: Tensor, rows: NDArray[np.int64]) -> Latents:
    """Posteriors of the clips `rows`, given the spectrograms (N, M, F) and labels (N,) of all clips."""
    none = torch.zeros(0, model.config.latent_size, dtype=torch.float64)
    means, deviations = [none], [none]
    for batch in in_turn(rows, BATCH):
        chosen = torch.from_numpy(batch)
        found = model.encode(spectrograms.read(chosen), labels[chosen])
        means.append(found.mean.double())
        deviations.append((0.5 * found.log_variance).exp().double())
    return Latents(torch.cat(means).numpy(), torch.cat(deviations).numpy())


def explain(
    model: ClipVAE,
    spectrograms: Spectrograms,
    labels: Tensor,
    rows: NDArray[np.int64],
    *,
    refined: bool = False,
) -> Explained:
    """The ELBO of the clips `rows`, in full precision and always with the same noise.

    Args:
        model: A clip VAE.
        spectrograms: Spectrograms of all clips, (N, M, F).
        labels: Label numbers of all clips, (N,).
        rows: Row numbers of the clips that are explained, (B,).
        refined: Use the best posterior that `refine` finds for each clip instead of the encoder's.
    """
    size = model.config.latent_size
    noise = torch.randn(len(rows), size, generator=torch.Generator().manual_seed(NOISE_SEED))
    reconstruction, units = 0.0, torch.zeros(size)
    for batch, own in zip(in_turn(rows, BATCH), torch.split(noise, BATCH), strict=True):
        chosen = torch.from_numpy(batch)
        clips, said = spectrograms.read(chosen), labels[chosen]
        with torch.no_grad():
            posterior = model.encode(clips, said)
        if refined:
            posterior = refine(model, posterior, clips, said)
        with torch.no_grad():
            found = model.elbo_at(posterior, clips, said, noise=own)
        reconstruction += float(found.reconstruction) * len(batch) / len(rows)
        units += found.kl_per_unit * len(batch) / len(rows)
    kl = float(units.sum())
    return Explained(reconstruction + kl, reconstruction, kl, tuple(units.tolist()), len(rows))


def refine(model: ClipVAE, posterior: Gaussian, spectrograms: Tensor, labels: Tensor) -> Gaussian:
    """Posteriors of clips (B, M, F), improved from `posterior` by steps of Adam on the ELBO.

    The gain over the encoder's posterior is the amortisation gap: the part of the loss that is not due to the
    generative model (Cremer et al. 2018, https://arxiv.org/abs/1801.03558; refining as in Kim et al. 2018,
    https://arxiv.org/abs/1802.02550). The model's weights do not change.
    """
    generator = torch.Generator().manual_seed(NOISE_SEED + 1)  # not the noise of the loss that is reported
    own = [part.detach().clone().requires_grad_() for part in posterior]
    adam = torch.optim.Adam(own, lr=REFINING_RATE)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(adam, REFINING_STEPS)
    for _ in range(REFINING_STEPS):
        noise = torch.randn(own[0].shape, generator=generator)
        loss = model.elbo_at(Gaussian(*own), spectrograms, labels, noise=noise).loss
        for part, gradient in zip(own, torch.autograd.grad(loss, own), strict=True):
            part.grad = gradient
        adam.step()
        decay.step()
    return Gaussian(*(part.detach() for part in own))


@torch.inference_mode()
def reconstruct(model: ClipVAE, spectrograms: Tensor, labels: Tensor) -> Tensor:
    """Reconstructions (B, M, F) of clips from their posterior means, in [0, 1]."""
    posterior = model.encode(spectrograms, labels)
    return model.decode(posterior.mean, labels).float().sigmoid()
