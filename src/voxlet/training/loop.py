"""The training loop of every model: step, validate, save, until the budget is spent.

The loop trains a `Task` and knows nothing of models or corpora. It passes rows to the task in an order that
is a function of (seed, epoch), records metrics, keeps the best weights, and can be killed at any time: a
resumed run ends with the same weights, identical to the byte on a CPU with a budget in epochs.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from voxlet.errors import TrainingError
from voxlet.run_files import METRICS, PROGRESS
from voxlet.training import checkpoints, distributed
from voxlet.training.batches import epoch_order
from voxlet.training.config import Budget, LoopConfig, rate_factor
from voxlet.training.progress import Pace, Progress, duration
from voxlet.training.serialize import JSON, from_json
from voxlet.training.signals import Signals, stop

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from voxlet.training.run import Run
    from voxlet.training.stages import Task

TOLD_SECONDS, TOLD_SHARE = 1.0, 1 / 400  # least time, and share of the budget, between lines of progress
HEARD_SHARE, HEARD_TIME = (
    1 / 20,
    0.02,
)  # least share of the budget between samples, and most share of the time that they take
VALIDATION_SEED = 20_240_229  # the same noise at every validation, so that losses can be compared


@dataclass
class Position:
    """How far a stage has been trained; all of it is saved in `state.json`.

    `epoch` and `batch` identify the next batch, `sums` and `clips` accumulate training metrics since the last
    validation, `seconds` is the time spent so far, including validations and checkpoints.
    """

    step: int = 0
    epoch: int = 0
    batch: int = 0
    seconds: float = 0.0
    clips: int = 0
    sums: dict[str, float] = field(default_factory=dict)
    best_loss: float | None = None
    best_step: int = 0
    finished: bool = False


class Agreed(NamedTuple):
    """What all processes do after a step: stop for a signal that one of them received (0: none), and save."""

    signal: int
    save: bool


def fit(
    task: Task,
    rows: NDArray[np.int64],
    *,
    run: Run,
    stage: str,
    config: LoopConfig,
    budget: Budget,
    on_metrics: Callable[[Mapping[str, JSON]], None] | None = None,
    listen: Callable[[Task, int], None] | None = None,
) -> Position:
    """Train a stage of a run from its last checkpoint to the end of the budget.

    Afterwards, the modules have the last weights; `run.weights(stage)` has the best.

    Args:
        task: The task to train.
        rows: Row numbers to train on.
        run: The run; this process holds its lock.
        stage: Name of the stage, a folder of the run.
        config: How to train.
        budget: How long to train.
        on_metrics: Called with each line of `metrics.jsonl` after it was written.
        listen: Makes samples: called from time to time after a validation, in one process, with the task and
            the step. Random numbers that it draws do not affect the training.

    Raises:
        TrainingError: A loss or weight is not finite, or a checkpoint cannot be written; the last good one
            stays.
        RunError: The stage's checkpoint is damaged or of another model.
        KeyboardInterrupt: Ctrl-C was pressed; everything is saved.
        SystemExit: SIGTERM was received; everything is saved.
    """
    training = _Training(task, rows, run=run, stage=stage, config=config, budget=budget)
    training.resume()
    if training.position.finished:
        return training.position
    writer = distributed.rank() == 0
    with Signals() as signals, Progress(stage, silent=not writer) as bar:
        if training.position.step:
            bar.note(f"continues from step {training.position.step}")
        while not training.spent:
            losses = training.step()
            if training.validation_due:
                bar.note(training.validate(on_metrics, listen), minor=not training.spent)
            agreed = training.tick(signals.received)
            if agreed.signal or (agreed.save and not training.spent):
                training.save()
            if agreed.signal:
                bar.note(f"saved at step {training.position.step}; the same command continues from there")
                stop(agreed.signal)
            bar.show(training.progress, training.describe(losses), training.seconds_left)
            training.tell(losses)
        if training.position.clips:
            bar.note(training.validate(on_metrics, listen))
        training.position.finished = True
        training.save()
    return training.position


class _Training:
    """The state of `fit`, with methods in the order of their use."""

    def __init__(
        self,
        task: Task,
        rows: NDArray[np.int64],
        *,
        run: Run,
        stage: str,
        config: LoopConfig,
        budget: Budget,
    ) -> None:
        self.task, self.rows, self.run, self.stage = task, rows, run, stage
        self.config, self.budget = config, budget
        self.batches = math.ceil(len(rows) / config.batch_size)
        self.position = Position()
        self.order: tuple[int, NDArray[np.int64]] | None = None
        self.best: dict[str, Tensor] = {}  # a copy of the best weights
        self.best_unsaved = False  # whether that copy is newer than the last checkpoint
        self.saved_step = -1
        self.ticked = self.saved = time.perf_counter()
        self.told = 0.0, -math.inf  # share of the budget and time at the last line of progress
        self.heard = -math.inf, 0.0  # share of the budget at the last samples, and earliest time of the next
        self.pace = Pace()
        self.base_rates = [[g["lr"] for g in o.param_groups] for o in task.optimizers.values()]

    def resume(self) -> None:
        """Restore the newest intact checkpoint, or start from the beginning."""
        found = checkpoints.newest_whole(self.run.stage(self.stage))
        if found is not None:
            where = found.path
            held = found.position()
            settings = held.pop("optimizers", None)
            self.position = from_json(Position, held, where=where / checkpoints.POSITION)
            checkpoints.load_modules(self.task.modules, found.tensors(checkpoints.LAST), where)
            if not self.position.finished:
                state = found.tensors(checkpoints.STATE)
                checkpoints.load_optimizers(self.task.optimizers, state, settings, where)
                checkpoints.load_random(state)
            self.saved_step = self.position.step
        if distributed.rank() == 0:
            if found is not None:
                checkpoints.remove_newer(found)
            for name in (METRICS, PROGRESS):
                self.run.rewind(self.stage, self.position.step, name)
        for module in self.task.modules.values():
            module.train()

    @property
    def progress(self) -> float:
        """The share of the budget that is spent."""
        if self.budget.minutes is not None:
            return min(1.0, self.position.seconds / (60 * self.budget.minutes))
        return self.position.step / self._total_steps if self._total_steps else 1.0

    @property
    def spent(self) -> bool:
        """Whether the budget is spent."""
        return self.progress >= 1.0

    @property
    def _total_steps(self) -> int:
        return self.budget.steps or self.batches * (self.budget.epochs or 0)

    def step(self) -> dict[str, float]:
        """Train on the next batch and return its metrics."""
        position, started = self.position, time.perf_counter()
        if position.best_step == position.step > self.saved_step:
            self._remember_best()
        if self.order is None or self.order[0] != position.epoch:
            self.order = position.epoch, epoch_order(self.rows, self.config.seed, position.epoch)
        size = self.config.batch_size
        batch = self.order[1][position.batch * size : (position.batch + 1) * size]
        factor = rate_factor(self.config, self.progress)
        for optimizer, bases in zip(self.task.optimizers.values(), self.base_rates, strict=True):
            for group, base in zip(optimizer.param_groups, bases, strict=True):
                group["lr"] = base * factor
        with distributed.local_rows(len(batch)) as share:
            own = torch.from_numpy(batch[share.start : share.stop])
            measured = self.task.train_step(own, self.progress)
            losses = distributed.average({name: float(value) for name, value in measured.items()})
        position.step += 1
        position.batch = (position.batch + 1) % self.batches
        position.epoch += position.batch == 0
        self._refuse_nan(losses)
        position.clips += len(batch)
        for name, value in losses.items():
            position.sums[name] = position.sums.get(name, 0.0) + value * len(batch)
        self.pace.add_step(len(batch), time.perf_counter() - started)
        return losses

    def _remember_best(self) -> None:
        """Copy the weights before the next step changes them, into the memory of the previous copy."""
        for name, tensor in checkpoints.module_tensors(self.task.modules).items():
            if name not in self.best:
                self.best[name] = torch.empty_like(tensor, device="cpu")
            self.best[name].copy_(tensor)
        self.best_unsaved = True

    @property
    def validation_due(self) -> bool:
        """Whether a validation is due after this step."""
        every = self.config.validate_every
        return self.position.batch == 0 if every is None else self.position.step % every == 0

    def validate(
        self,
        on_metrics: Callable[[Mapping[str, JSON]], None] | None,
        listen: Callable[[Task, int], None] | None,
    ) -> str:
        """Validate on held-out clips, write a line of metrics, perhaps make samples; the line as text."""
        position, started = self.position, time.perf_counter()
        for module in self.task.modules.values():
            module.eval()
        devices = [torch.cuda.current_device()] if torch.cuda.is_available() else []
        with torch.random.fork_rng(devices), torch.no_grad():
            torch.manual_seed(VALIDATION_SEED)
            held_out = dict(self.task.validate())
            if listen is not None and distributed.rank() == 0:
                self._hear(listen)
        for module in self.task.modules.values():
            module.train()
        self._refuse_nan(held_out)
        # Without validation clips, the last weights count as the best.
        held_out_loss = held_out.get("loss")
        if held_out_loss is None or position.best_loss is None or held_out_loss < position.best_loss:
            position.best_loss, position.best_step = held_out_loss, position.step
            self.best_unsaved = False
        trained = {name: total / position.clips for name, total in position.sums.items()}
        position.clips, position.sums = 0, {}
        self.pace.validation_seconds = time.perf_counter() - started
        line: dict[str, JSON] = {
            "stage": self.stage,
            "step": position.step,
            "epoch": round(position.step / self.batches, 4),
            "seconds": round(position.seconds + time.perf_counter() - self.ticked, 3),
            "clips_per_second": round(self.pace.clips_per_second, 1),
            "learning_rate": next(iter(self.task.optimizers.values())).param_groups[0]["lr"],
            **{f"train_{name}": value for name, value in trained.items()},
            **{f"validation_{name}": value for name, value in held_out.items()},
        }
        if distributed.rank() == 0:
            self.run.append(line)
            if on_metrics is not None:
                on_metrics(line)
        mark = " (best)" if position.best_step == position.step else ""
        validated = "" if held_out_loss is None else f"validation loss {held_out_loss:.6g}{mark}, "
        return (
            f"{self._where()}: training loss {trained['loss']:.6g}, {validated}"
            f"{self.pace.clips_per_second:,.0f} clips/s, {duration(self.seconds_left)} left"
        )

    def _hear(self, listen: Callable[[Task, int], None]) -> None:
        """Have samples made unless the last ones are recent; the last step always has some."""
        began, (share, next_time) = time.perf_counter(), self.heard
        if not self.spent and (self.progress < share + HEARD_SHARE or began < next_time):
            return
        listen(self.task, self.position.step)
        ended = time.perf_counter()
        self.heard = self.progress, ended + (ended - began) / HEARD_TIME

    def tell(self, losses: Mapping[str, float]) -> None:
        """Add a line to the run's progress unless the last one is recent; the last step always has one."""
        now, (share, told) = time.perf_counter(), self.told
        soon = self.progress < share + TOLD_SHARE or now < told + TOLD_SECONDS
        if distributed.rank() != 0 or (soon and not self.spent):
            return
        self.told = self.progress, now
        line: dict[str, JSON] = {
            "stage": self.stage,
            "step": self.position.step,
            "done": round(self.progress, 4),
            "seconds_left": round(max(0.0, self.seconds_left), 1),
            **losses,
        }
        self.run.append(line, PROGRESS)

    def tick(self, received: int) -> Agreed:
        """Add the time since the last tick, and agree with the other processes on what comes next."""
        now = time.perf_counter()
        spent = self.position.seconds + now - self.ticked
        seconds, signal, save = distributed.largest(spent, received, self.save_due)
        self.position.seconds, self.ticked = seconds, now
        return Agreed(int(signal), bool(save))

    @property
    def save_due(self) -> bool:
        """Whether it is time for a checkpoint; the first one follows the first validation."""
        if self.saved_step < 0 and self.position.best_step:
            return True
        interval = self.pace.saving_interval(self.config.checkpoint_seconds)
        return time.perf_counter() - self.saved >= interval

    def save(self) -> None:
        """Write a checkpoint."""
        position, started = self.position, time.perf_counter()
        weights = checkpoints.module_tensors(self.task.modules)
        for name, tensor in weights.items():
            if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
                raise self._not_a_number(f"the weights {name!r} hold a value that is not a number")

        def write() -> None:
            tensors, settings = checkpoints.optimizer_tensors(self.task.optimizers)
            checkpoints.save(
                self.run.stage(self.stage),
                weights=weights,
                best=self.best if self.best_unsaved else None,
                best_is_last=position.best_step == position.step,
                state={**tensors, **checkpoints.random_tensors()},
                position={**asdict(position), "optimizers": settings},
            )

        distributed.on_first_rank(write)  # the others wait: the next stage begins with these weights
        self.best_unsaved, self.saved_step, self.saved = False, position.step, time.perf_counter()
        self.pace.saving_seconds = self.saved - started

    def describe(self, losses: Mapping[str, float]) -> str:
        """The progress bar's text."""
        shown = [f"{name} {losses[name]:.5g}" for name in ("loss", "kl") if name in losses]
        if self.position.best_loss is not None:
            shown.append(f"best validation {self.position.best_loss:.5g}")
        return ", ".join([self._where(), *shown, f"{self.pace.clips_per_second:,.0f} clips/s"])

    @property
    def seconds_left(self) -> float:
        """Seconds left of a budget in minutes, else estimated from recent steps, validations and savings."""
        if self.budget.minutes is not None:
            return 60 * self.budget.minutes - self.position.seconds
        steps = self._total_steps - self.position.step
        every = self.config.validate_every or self.batches
        return self.pace.seconds_for(steps, every, self.config.checkpoint_seconds)

    def _where(self) -> str:
        if self.budget.epochs is None:
            return f"epoch {self.position.step / self.batches:.2f}"
        return f"epoch {math.ceil(self.position.step / self.batches)}/{self.budget.epochs}"

    def _refuse_nan(self, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            if not math.isfinite(value):
                raise self._not_a_number(f"{name} became {value}")

    def _not_a_number(self, what: str) -> TrainingError:
        found = checkpoints.newest(self.run.stage(self.stage))
        kept = (
            f"the last good weights, of step {found.position()['step']}, are in {found.path}"
            if found
            else "no weights were saved before"
        )
        return TrainingError(
            f"{what} at step {self.position.step} (epoch {self.position.step // self.batches + 1})",
            where=self.run.path,
            remedy=f"{kept}; try a lower learning rate or float32 in a new folder",
        )
