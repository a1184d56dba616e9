"""How well a clip VAE explains held-out clips: its loss, and the share of what can be explained at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlet.evaluation.intervals import exact
from voxlet.models.distributions import bernoulli_nll

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch import Tensor

    from voxlet.evaluation.metric import Figures

MARGIN = 1e-6  # from 0 and 1, whose logarithms are infinite


@dataclass(frozen=True)
class LossBounds:
    """Nats a clip: what the training clips' mean spectrogram costs, and the test clips' own entropy."""

    mean_spectrogram: float
    entropy: float

    def explained(self, loss: float) -> float:
        """Share of what can be explained that this loss explains."""
        return (self.mean_spectrogram - loss) / (self.mean_spectrogram - self.entropy)


def loss_bounds(mean: Tensor, test: Iterable[Tensor]) -> LossBounds:
    """The bounds of a Bernoulli likelihood's loss on spectrograms, which come some (b, M, F) at a time.

    Args:
        mean: Of the training clips' spectrograms, (M, F).
        test: The test clips'.
    """
    # Silence must cost nothing: a margin from 0 as in training would be hundreds of nats in all.
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
    """The negative ELBO of `clips` test clips in nats a clip, and the same with each posterior refined."""

    amortised: float
    refined: float
    kl_per_unit: tuple[float, ...]
    clips: int


def evaluate(losses: Losses, bounds: LossBounds | None) -> Figures:
    """Losses, the share explained (without bounds, as of a Gaussian likelihood, none), and KL by unit."""
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
