"""The number of steps of each stage with which a run ends by a given time.

When a stage begins, some steps on a copy of its task measure the time per step; the stage then takes as many
steps as fit. Their number is saved in the run, so a run that is resumed or repeated takes the same steps,
however busy the machine is.
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

FILE = "timetable.json"  # in the run's folder: seconds until the latest stage began, its name, all steps
FIRST, TIMED = 3, 8  # steps of warm-up, and steps that are timed
LEAST = 0.5  # share of its planned time that a stage gets even if earlier ones took too long
SPARE = 0.04  # share of a stage's time for validations, checkpoints and slowdowns of the machine


@dataclass
class Timetable:
    """The number of steps of each stage.

    Attributes:
        run: The run, in whose folder the timetable is saved.
        seconds: Time from start to end, over all sessions; None if `steps` has all stages.
        shares: Share of the time, by stage.
        steps: Steps of each stage, as far as they are known.
        spare: Seconds reserved for what follows the last stage.
        clock: Gives the time in seconds.
        began: The clock's time when this session started, which may be before the timetable was made.
        before: Seconds that earlier sessions took.
        stage: Name of the stage that began last.
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
        # The file was written when that stage began; the stage's checkpoint has the seconds since then.
        found = checkpoints.newest(self.run.stage(self.stage)) if self.stage else None
        self.before += float(found.position()["seconds"]) if found is not None else 0.0

    @property
    def spent(self) -> float:
        """Seconds since the start, over all sessions."""
        return self.before + self.clock() - self.began

    def budget_of(self, stage: Stage, task: Task) -> Budget:
        """A stage's budget: as many steps as fit into its share of the remaining time, at least one; no steps
        if its share is 0.

        If earlier stages took longer than measured, a stage still gets half of its planned time, and the run
        ends later: a voice needs its last stage.
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
        """Seconds per step at the end of the stage, with all losses active; tried on a copy of the task."""
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
                with distributed.local_rows(len(batch)) as share:
                    task.train_step(batch[share.start : share.stop], 1.0)
        return max((self.clock() - began) / TIMED, 1e-6)

    def keep(self) -> None:
        """Save the timetable in the run's folder."""
        if distributed.rank() == 0:
            kept = {"seconds": round(self.spent, 1), "stage": self.stage, "steps": self.steps}
            with files.writing(self.run.path):
                files.write_atomically(self.run.path / FILE, f"{json.dumps(kept, indent=2)}\n".encode())
