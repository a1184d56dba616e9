"""Stages that end by a given time: how many steps each takes is measured when its turn comes, and kept.

Some steps on a copy of its task show what one costs; then the stage begins, with as many as fit. What is
kept is the number of steps, so that the run goes on, and can be repeated, whatever the machine is doing then.
"""

from __future__ import annotations

import copy
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from voxlet import files
from voxlet.errors import RunError
from voxlet.training import checkpoints, distributed
from voxlet.training.config import Budget

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from voxlet.training.run import Run
    from voxlet.training.stages import Stage, Task

FILE = "timetable.json"  # in the run's folder: seconds until the last stage began, which that is, all steps
FIRST, TIMED = 3, 8  # steps that are not timed, and that are
LEAST = 0.5  # of a stage's time, where earlier ones took more than theirs
SPARE = 0.04  # of a stage's time: for validations, checkpoints, and what slows a machine down


@dataclass
class Timetable:
    """How many steps each stage takes.

    Attributes:
        run: The run, whose folder keeps them.
        seconds: From the start to the end, over all sittings; None where `steps` has all stages.
        shares: Of the time, by stage.
        steps: Of each stage, where they are known.
        spare: Seconds that are left for what follows the last stage.
        clock: Gives seconds, of which some were spent already when it began.
        began: What it gave at the start of this sitting.
        before: Seconds that earlier sittings took.
        stage: The stage that began last.
    """

    run: Run
    seconds: float | None
    shares: Mapping[str, float]
    steps: dict[str, int] = field(default_factory=dict)
    spare: float = 0.0
    clock: Callable[[], float] = time.monotonic
    began: float = field(default_factory=time.monotonic)
    before: float = 0.0
    stage: str = ""

    def __post_init__(self) -> None:
        path = self.run.path / FILE
        try:
            kept = json.loads(path.read_text())
            self.before, self.stage = float(kept["seconds"]), str(kept.get("stage", ""))
            self.steps |= {str(name): int(count) for name, count in kept["steps"].items()}
        except FileNotFoundError:
            return
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise RunError(
                f"cannot be read ({error})", where=path, remedy="start again in a new folder"
            ) from error
        # The file is from the moment when that stage began; its own checkpoint knows what it has taken since.
        found = checkpoints.newest(self.run.stage(self.stage)) if self.stage else None
        self.before += float(found.position()["seconds"]) if found is not None else 0.0

    @property
    def spent(self) -> float:
        """Seconds since the start, over all sittings."""
        return self.before + self.clock() - self.began

    def budget_of(self, stage: Stage, task: Task) -> Budget:
        """As many steps as fit into the stage's share of the time that is left, at least one; without a share
        none.

        Where earlier stages took longer than was measured, a stage still has half of the time that it would
        have had, and the end is later: a voice whose last stage had none is no voice.
        """
        if self.shares[stage.name] == 0:
            self.steps[stage.name] = 0
        if stage.name not in self.steps and self.seconds is not None:
            step = self._seconds_of_step(task, stage)
            ahead = [name for name in self.shares if name not in self.steps]
            share = self.shares[stage.name] / sum(self.shares[name] for name in ahead)
            planned = (self.seconds - self.spare) * self.shares[stage.name]
            left = max((self.seconds - self.spare - self.spent) * share, LEAST * planned)
            self.steps[stage.name] = int(distributed.largest(max(1, int((1 - SPARE) * left / step)))[0])
        if stage.name != self.stage:
            self.stage = stage.name
            self.keep()
        return Budget(steps=self.steps[stage.name])

    def _seconds_of_step(self, task: Task, stage: Stage) -> float:
        """What a step takes at the end of the stage, where everything has joined; tried on a copy."""
        task = copy.deepcopy(task)
        for module in task.modules.values():
            module.train()
        rows = torch.from_numpy(stage.rows)
        with torch.random.fork_rng([torch.cuda.current_device()] if torch.cuda.is_available() else []):
            for number in range(FIRST + TIMED):
                if number == FIRST:
                    began = self.clock()
                drawn = torch.arange(number * stage.loop.batch_size, (number + 1) * stage.loop.batch_size)
                batch = rows[drawn[: len(rows)] % len(rows)]
                with distributed.sharing(len(batch)) as share:
                    task.train_step(batch[share.start : share.stop], 1.0)
        return max((self.clock() - began) / TIMED, 1e-6)

    def keep(self) -> None:
        """Write what is known into the run's folder."""
        if distributed.rank() == 0:
            kept = {"seconds": round(self.spent, 1), "stage": self.stage, "steps": self.steps}
            with files.writing(self.run.path):
                files.write_atomically(self.run.path / FILE, f"{json.dumps(kept, indent=2)}\n".encode())
