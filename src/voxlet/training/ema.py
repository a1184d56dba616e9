"""Exponential moving average of a model's weights: smoother samples than the last step's weights give."""

from __future__ import annotations

import copy
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

M = TypeVar("M", bound=nn.Module)


class Average(nn.Module, Generic[M]):
    """Keeps `model`, a copy whose weights follow the trained ones at 1 - `decay` a step.

    Early on the decay is (1 + n) / (10 + n) at update n, so that the first, random weights are soon
    forgotten. It is a module so that its weights and the count are saved with the others.
    """

    model: M
    updates: Tensor

    def __init__(self, model: M, decay: float) -> None:
        super().__init__()
        self.model = copy.deepcopy(model).requires_grad_(False)
        self.decay = decay
        self.register_buffer("updates", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Move every weight towards the trained one's."""
        self.updates += 1
        count = int(self.updates)
        decay = min(self.decay, (1 + count) / (10 + count))
        averaged: list[Tensor] = [p.detach() for p in self.model.parameters()]
        current: list[Tensor] = [p.detach() for p in model.parameters()]
        torch._foreach_lerp_(averaged, current, 1 - decay)
