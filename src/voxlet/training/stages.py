"""The stages of a run: tasks trained one after another, and a final step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import torch

from voxlet.errors import TrainingError
from voxlet.training import checkpoints, distributed
from voxlet.training.loop import fit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from voxlet.training.config import Budget, LoopConfig
    from voxlet.training.run import Run
    from voxlet.training.serialize import JSON


class Task(Protocol):
    """What the loop trains: modules, their optimisers, a training step and a validation.

    All state that a step changes is in `modules` (parameters and buffers), in `optimizers`, or in PyTorch's
    global random generator, because only these are saved. Averaged weights are a module, too. Between
    `backward` and `optimizer.step()`, a step calls `distributed.average_gradients`; random numbers for its
    rows are drawn from `voxlet.batch_random`.
    """

    modules: dict[str, nn.Module]
    optimizers: dict[str, torch.optim.Optimizer]

    def train_step(self, rows: Tensor, progress: float) -> Mapping[str, float | Tensor]:
        """Train on these rows (int64, on the CPU); `progress` is the share [0, 1] of the budget spent.

        Returns metrics as means over the rows; "loss" is one of them.
        """
        ...

    def validate(self) -> Mapping[str, float]:
        """Metrics on held-out clips; the lowest "loss" marks the best weights, without one the last are best.

        The loop sets `eval` mode and a seed before the call.
        """
        ...


@dataclass(frozen=True)
class Stage:
    """One stage of a run.

    Args:
        name: Name of its folder in the run.
        rows: Row numbers of the clips to train on.
        loop: How to train.
        build: Makes the task when the stage begins: earlier stages are finished by then, and their weights in
            the run. PyTorch's generator is seeded before, so that initial weights are the same each time.
        share: Share of the run's budget; the shares of all stages add up to 1.
        listen: See `fit`.
    """

    name: str
    rows: NDArray[np.int64]
    loop: LoopConfig
    build: Callable[[], Task]
    share: float = 1.0
    listen: Callable[[Task, int], None] | None = None


@dataclass(frozen=True)
class Plan:
    """Stages in order, and `finish`, which makes everything in the run other than weights."""

    stages: tuple[Stage, ...]
    finish: Callable[[], None]


def train_stages(
    plan: Plan,
    run: Run,
    budget_of: Callable[[Stage, Task], Budget],
    on_metrics: Callable[[Mapping[str, JSON]], None] | None = None,
) -> None:
    """Train the unfinished stages of a plan in order, then finish the run.

    Args:
        plan: The stages and the final step.
        run: The run; this process holds its lock.
        budget_of: Returns the budget of a stage; called when the stage begins, with its task, which it must
            not change.
        on_metrics: See `fit`.

    Raises:
        TrainingError: See `fit`; or memory is full.
    """
    try:
        for stage in plan.stages:
            if not checkpoints.is_finished(run.stage(stage.name)):
                _train(stage, run, budget_of, on_metrics)
    except (MemoryError, RuntimeError) as error:
        # On a CPU, PyTorch reports full memory as a plain RuntimeError.
        if isinstance(error, MemoryError | torch.OutOfMemoryError) or "allocate memory" in str(error):
            raise TrainingError(
                "the memory is full",
                where=run.path,
                remedy="use a smaller model, or a smaller batch in a new run",
            ) from error
        raise
    distributed.on_first_rank(plan.finish)


def _train(
    stage: Stage,
    run: Run,
    budget_of: Callable[[Stage, Task], Budget],
    on_metrics: Callable[[Mapping[str, JSON]], None] | None,
) -> None:
    """Train a stage. Its task is freed when the call ends, before the next stage makes its own."""
    task = build_task(stage)
    fit(
        task,
        stage.rows,
        run=run,
        stage=stage.name,
        config=stage.loop,
        budget=budget_of(stage, task),
        on_metrics=on_metrics,
        listen=stage.listen,
    )


def build_task(stage: Stage) -> Task:
    """The task of a stage, with the same initial weights each time."""
    torch.manual_seed(stage.loop.seed)
    return stage.build()
