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
    """What steps of training take, and the last one's loss.

    Attributes:
        clips: Of a step.
        step_seconds: On the wall, the median of the steps.
        core_seconds: Of all cores together, of the quickest step: where the machine does other work, too, it
            says more than the time on the wall.
        loss: Of the last step, nats a clip.
    """

    clips: int
    step_seconds: float
    core_seconds: float
    loss: float

    @property
    def clip_seconds(self) -> float:
        """On the wall, of each clip."""
        return self.step_seconds / self.clips


def time_steps(task: ClipTask, rows: Tensor, steps: int) -> Timing:
    """Take that many steps on the clips `rows` (N,) in turn; if these are fewer than a batch, they are one.

    Before them three are not counted: until then memory is asked of the system, which made the first step of
    the study's CNN five times as long as its fourth.
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
    """What trains here, for people: the processor's name and how many of its cores."""
    name = torch.cpu.get_capabilities().get("cpu_name", "processor")
    threads = torch.get_num_threads()
    return f"{name}, {threads} {'core' if threads == 1 else 'cores'}"
