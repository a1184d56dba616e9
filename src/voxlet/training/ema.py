"""Exponential moving average of a model's weights: smoother samples than the last step's weights give."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from torch.optim.swa_utils import PARAM_LIST, AveragedModel, get_ema_multi_avg_fn

if TYPE_CHECKING:
    from torch import Tensor, nn

WEIGHTS = "module"  # where an `AveragedModel` has them


def average_of(model: nn.Module, decay: float) -> AveragedModel:
    """A copy of `model` whose weights follow the trained ones: call `update_parameters(model)` at each step.

    It is a module so that its weights and the count of updates are saved with the others.

    Args:
        model: As it begins.
        decay: What a step leaves of the average, from the time on when it is no longer short of steps.
    """
    averaged = AveragedModel(model, multi_avg_fn=partial(_update, decay))
    averaged.n_averaged.fill_(1)  # the weights it begins with: otherwise the first update would replace them
    averaged.requires_grad_(False)
    return averaged


def decay_at(update: int, decay: float) -> float:
    """The decay at an update, counted from 1: small early on, so that the random first weights soon go."""
    return min(decay, (1 + update) / (10 + update))


def _update(decay: float, averaged: PARAM_LIST, current: PARAM_LIST, count: Tensor | int) -> None:
    step = get_ema_multi_avg_fn(decay_at(int(count), decay))  # type: ignore[no-untyped-call]  # PyTorch's
    step(averaged, current, count)
