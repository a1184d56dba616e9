"""What a run consists of: tasks trained in stages, one after another, and what is done at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from voxlet.training.config import LoopConfig


class Task(Protocol):
    """What is trained: modules, their optimisers, a step and a validation.

    All state that a step changes lies in `modules` (parameters and buffers), in `optimizers`, or in PyTorch's
    global random generator: that is what is saved. Averaged weights are a module too. Between `backward` and
    `optimizer.step()` a step calls `distributed.average_gradients`; what it draws for its rows it draws from
    `voxlet.batch_random`.
    """

    modules: dict[str, nn.Module]
    optimizers: dict[str, torch.optim.Optimizer]

    def train_step(self, rows: Tensor, progress: float) -> Mapping[str, float | Tensor]:
        """Learn from these rows (int64, on the CPU); `progress` is the share [0, 1] of the budget spent.

        Returns means over the rows; "loss" is one of them.
        """
        ...

    def validate(self) -> Mapping[str, float]:
        """Held-out measures; the lowest "loss" has the best weights, and without one the last weights are.

        The loop sets `eval` mode and a seed.
        """
        ...


@dataclass(frozen=True)
class Stage:
    """One training in a run.

    Args:
        name: Its folder in the run.
        rows: Row numbers of the clips to train on.
        loop: How to train.
        build: Makes the task when its turn comes: earlier stages are finished then, their weights in the run.
            PyTorch's generator is seeded before, so that new weights come out the same each time.
        share: Of the run's budget; the shares of all stages add up to 1.
    """

    name: str
    rows: NDArray[np.int64]
    loop: LoopConfig
    build: Callable[[], Task]
    share: float = 1.0


@dataclass(frozen=True)
class Plan:
    """Stages in order, and `finish`, which makes what the run is to hold besides weights."""

    stages: tuple[Stage, ...]
    finish: Callable[[], None]
