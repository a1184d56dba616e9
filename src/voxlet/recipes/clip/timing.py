"""How fast a model trains: a few steps, each timed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from voxlet.recipes.clip.task import ClipTask

UNCOUNTED = 3


@dataclass(frozen=True)
class Timing:
    """Durations of training steps, and the loss of the last step.

    Attributes:
        clips: Clips per step.
        step_seconds: Wall-clock time of a step, the median of all.
        core_seconds: CPU time of the quickest step, all cores together. On a machine that is doing other
            work as well, this tells more than wall-clock time.
        loss: Loss of the last step, nats per clip.
    """

    clips: int
    step_seconds: float
    core_seconds: float
    loss: float

    @property
    def clip_seconds(self) -> float:
        """Wall-clock time per clip."""
        return self.step_seconds / self.clips


def time_steps(task: ClipTask, rows: Tensor, steps: int) -> Timing:
    """Time `steps` training steps on the clips `rows` (N,), in turn; too few for a batch are one batch.

    Three steps before these are not counted: they allocate memory, which made the first step of the study's
    CNN five times as long as its fourth.
    """
    size = min(task.config.loop.batch_size, len(rows))
    seconds, cores, loss = [], [], 0.0
    for step in range(UNCOUNTED + steps):
        start = step * size % (len(rows) - size + 1)
        began, used = time.perf_counter(), time.process_time()
        loss = float(task.train_step(rows[start : start + size], 0.0)["loss"])  # waits for the device
        seconds.append(time.perf_counter() - began)
        cores.append(time.process_time() - used)
    return Timing(size, median(seconds[UNCOUNTED:]), min(cores[UNCOUNTED:]), loss)


def processor() -> str:
    """What trains here, as text for a user: the CPU's name and the number of cores in use."""
    name = torch.cpu.get_capabilities().get("cpu_name", "processor")
    threads = torch.get_num_threads()
    return f"{name}, {threads} {'core' if threads == 1 else 'cores'}"
