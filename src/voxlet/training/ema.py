"""Exponential moving average of a model's weights, which gives smoother samples than the last weights."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from torch.optim.swa_utils import PARAM_LIST, AveragedModel, get_ema_multi_avg_fn

if TYPE_CHECKING:
    from torch import Tensor, nn

WEIGHTS = "module"  # the attribute of an `AveragedModel` that has them


def average_of(model: nn.Module, decay: float) -> AveragedModel:
    """A copy of `model` with averaged weights: call `update_parameters(model)` at each step.

    The copy is a module, so that its weights and its count of updates are saved like those of other modules.

    Args:
        model: The model with its initial weights.
        decay: The decay of the average per step, reached after enough steps; see `decay_at`.
    """
    averaged = AveragedModel(model, multi_avg_fn=partial(_update, decay))
    averaged.n_averaged.fill_(1)  # counts the initial weights, which the first update would replace otherwise
    averaged.requires_grad_(False)
    return averaged


def decay_at(update: int, decay: float) -> float:
    """The decay at an update, counted from 1: small at first, so that random initial weights fade soon."""
    return min(decay, (1 + update) / (10 + update))


def _update(decay: float, averaged: PARAM_LIST, current: PARAM_LIST, count: Tensor | int) -> None:
    step = get_ema_multi_avg_fn(decay_at(int(count), decay))  # type: ignore[no-untyped-call]  # PyTorch's
    step(averaged, current, count)
