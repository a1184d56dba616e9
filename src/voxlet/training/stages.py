"""What a run consists of: stages that are trained one after another, and what is done at the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from voxlet.training.config import LoopConfig
    from voxlet.training.loop import Task


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
