"""How well a clip VAE explains held-out clips: its loss, and that loss relative to its bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlet.evaluation.intervals import exact
from voxlet.models.distributions import bernoulli_nll

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

    from voxlet.evaluation.metric import Figures

MARGIN = 1e-6  # kept from 0 and 1, where the logarithms would be infinite


@dataclass(frozen=True)
class LossBounds:
    """Bounds of the test loss, nats per clip.

    Attributes:
        mean_spectrogram: Loss of predicting the training clips' mean spectrogram for every clip.
        entropy: Entropy of the test clips themselves, the least possible loss.
    """

    mean_spectrogram: float
    entropy: float

    def explained(self, loss: float) -> float:
        """The explained share of a loss: 0 at `mean_spectrogram`, 1 at `entropy`, linear in between."""
        return (self.mean_spectrogram - loss) / (self.mean_spectrogram - self.entropy)


def loss_bounds(mean: Tensor, test: Iterable[Tensor]) -> LossBounds:
    """Bounds of the loss with a Bernoulli likelihood.

    Args:
        mean: Mean of the training clips' spectrograms, (M, F).
        test: Spectrograms of the test clips, in batches (b, M, F).
    """
    # Silence must cost nothing: the margin from 0 used in training would cost hundreds of nats in all.
    logits = mean.clamp(MARGIN, 1 - MARGIN).logit()
    worst = entropy = 0.0
    count = 0
    for some in test:
        exactly = some.clamp(MARGIN, 1 - MARGIN)
        entropy -= float((exactly * exactly.log() + (1 - exactly) * (1 - exactly).log()).sum())
        worst += len(some) * float(bernoulli_nll(logits.expand_as(some), some))
        count += len(some)
    return LossBounds(worst / count, entropy / count)


@dataclass(frozen=True)
class Losses:
    """Negative ELBO of `clips` test clips, nats per clip: with the encoder's posteriors and refined ones."""

    amortised: float
    refined: float
    kl_per_unit: tuple[float, ...]
    clips: int


def evaluate(losses: Losses, bounds: LossBounds | None) -> Figures:
    """Losses, explained shares (only with bounds, so not for a Gaussian likelihood), and KL by unit."""
    found: Figures = {
        "latents.test_loss": exact(losses.amortised, losses.clips),
        "latents.test_loss.refined": exact(losses.refined, losses.clips),
    }
    if bounds is not None:
        found["latents.explained_share"] = exact(bounds.explained(losses.amortised), losses.clips)
        found["latents.explained_share.refined"] = exact(bounds.explained(losses.refined), losses.clips)
    found["latents.kl.by_unit"] = {
        str(unit): exact(nats, losses.clips) for unit, nats in enumerate(losses.kl_per_unit)
    }
    return found
