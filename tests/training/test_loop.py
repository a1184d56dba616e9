from __future__ import annotations

import contextlib
import math
import os
import signal
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from voxlet.errors import RunError, TrainingError
from voxlet.training import checkpoints, loop, progress
from voxlet.training.config import Budget, LoopConfig
from voxlet.training.loop import Position, fit
from voxlet.training.run import Run, make_run

ROWS = np.arange(10)  # batches of 4: the last one of an epoch has 2
CONFIG = LoopConfig(batch_size=4, decay="cosine", checkpoint_seconds=0.0)
TWO_EPOCHS = Budget(epochs=2)


class Killed(BaseException):
    """Stands for the death of a process."""


class Regression:
    """Two modules with an optimiser each, noise in every step, and averaged weights."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.first, self.second = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.3)), nn.Linear(4, 1)
        self.average = AveragedModel(self.second, multi_avg_fn=get_ema_multi_avg_fn(0.9))
        self.modules: dict[str, nn.Module] = {
            "first": self.first,
            "second": self.second,
            "average": self.average,
        }
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            "adam": torch.optim.Adam(self.first.parameters(), 0.01),
            "sgd": torch.optim.SGD(self.second.parameters(), 0.01, momentum=0.9),
        }
        self.inputs = torch.randn(10, 3)
        self.seen: list[list[int]] = []
        self.progress: list[float] = []
        self.rates: list[float] = []
        self.before_step = lambda step: None
        self.losses: list[float] = []

    def train_step(self, rows: Tensor, progress: float) -> dict[str, Tensor | float]:
        self.before_step(len(self.seen) + 1)
        self.seen.append(rows.tolist())
        self.progress.append(progress)
        self.rates.append(self.optimizers["adam"].param_groups[0]["lr"])
        assert self.first.training
        made = self.second(self.first(self.inputs[rows] + 0.1 * torch.randn(len(rows), 3)))
        loss = (made - self.inputs[rows].sum(1, keepdim=True)).square().mean()
        for optimizer in self.optimizers.values():
            optimizer.zero_grad()
        loss.backward()
        for optimizer in self.optimizers.values():
            optimizer.step()
        self.average.update_parameters(self.second)
        return {"loss": self.losses.pop(0) if self.losses else loss.detach(), "kl": 1.5}

    def validate(self) -> dict[str, float]:
        assert not self.first.training
        noise = torch.randn(10, 3)  # must not disturb the training's random numbers
        made = self.second(self.first(self.inputs + noise))
        return {"loss": float((made - self.inputs.sum(1, keepdim=True)).square().mean())}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(tmp_path / "run", {"preset": "regression"})


@pytest.fixture(autouse=True)
def _save_at_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "SAVING_SHARE", math.inf)


def train(run: Run, task: Regression, budget: Budget = TWO_EPOCHS, config: LoopConfig = CONFIG) -> Position:
    return fit(task, ROWS, run=run, stage="main", config=config, budget=budget)


def files(run: Run) -> dict[str, bytes]:
    found = checkpoints.newest(run.stage("main"))
    names = (checkpoints.LAST, checkpoints.BEST, checkpoints.STATE)
    return {name: (found.path / name).read_bytes() for name in names}


def numbers(run: Run) -> list[dict[str, object]]:
    """Return the lines of metrics without the values that depend on time."""
    return [
        {k: v for k, v in line.items() if k not in ("seconds", "clips_per_second")} for line in run.metrics()
    ]


def test_every_row_once_an_epoch_in_another_order_each(run: Run) -> None:
    task = Regression()
    position = train(run, task)
    assert [len(rows) for rows in task.seen] == [4, 4, 2] * 2
    first, second = [*chain(*task.seen[:3])], [*chain(*task.seen[3:])]
    assert sorted(first) == sorted(second) == ROWS.tolist()
    assert first != second
    assert task.progress == pytest.approx([step / 6 for step in range(6)])
    assert task.rates == pytest.approx([0.005 * (1 + math.cos(math.pi * step / 6)) for step in range(6)])
    assert (position.step, position.epoch, position.batch, position.finished) == (6, 2, 0, True)


def test_the_lines_of_metrics(run: Run) -> None:
    task = Regression()
    task.losses = [1.0, 2.0, 9.0, 1.0, 1.0, 1.0]
    train(run, task)
    first, second = run.metrics()
    assert (first["stage"], first["step"], first["epoch"]) == ("main", 3, 1)
    assert first["train_loss"] == pytest.approx((4 * 1 + 4 * 2 + 2 * 9) / 10)  # by clips, not by batches
    assert (first["train_kl"], second["train_loss"], second["step"]) == (1.5, 1.0, 6)


@pytest.mark.parametrize("step", range(1, 7))
def test_killed_at_any_step_the_same_weights_come_out(run: Run, tmp_path: Path, step: int) -> None:
    whole = make_run(tmp_path / "whole", {"preset": "regression"})
    train(whole, Regression())

    task = Regression()

    def die(now: int) -> None:
        if now == step:
            raise Killed

    task.before_step = die
    with pytest.raises(Killed):
        train(run, task)
    torch.manual_seed(99)  # another process would have any state
    torch.rand(7)
    resumed = Regression()
    train(run, resumed)
    assert len(resumed.seen) == 6 - (step - 1)
    assert files(run) == files(whole)
    assert numbers(run) == numbers(whole)


@pytest.mark.parametrize("name", [checkpoints.LAST, checkpoints.STATE, checkpoints.POSITION])
@pytest.mark.parametrize("finished", [False, True])
def test_from_a_damaged_checkpoint_the_same_weights_come_out(
    run: Run, tmp_path: Path, name: str, finished: bool
) -> None:
    whole = make_run(tmp_path / "whole", {"preset": "regression"})
    train(whole, Regression())
    task = Regression()

    def die(now: int) -> None:
        if now == 5 and not finished:
            raise Killed

    task.before_step = die
    with contextlib.nullcontext() if finished else pytest.raises(Killed):
        train(run, task)
    damaged = checkpoints.newest(run.stage("main"))
    content = (damaged.path / name).read_bytes()
    (damaged.path / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    resumed = Regression()
    train(run, resumed)
    assert len(resumed.seen) == (1 if finished else 3)
    assert files(run) == files(whole)
    assert numbers(run) == numbers(whole)


@pytest.mark.parametrize(
    ("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)]
)
def test_signals_save_first(
    run: Run, number: int, error: type[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    task = Regression()
    handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    task.before_step = lambda step: os.kill(os.getpid(), number) if step == 5 else None
    with pytest.raises(error) as caught:
        train(run, task, config=LoopConfig(batch_size=4, checkpoint_seconds=1e9))
    if number == signal.SIGTERM:
        assert caught.value.code == 143
    assert checkpoints.newest(run.stage("main")).position()["step"] == 5
    assert "saved at step 5; the same command continues" in capsys.readouterr().err
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == handlers
    resumed = Regression()
    train(run, resumed, config=LoopConfig(batch_size=4, checkpoint_seconds=1e9))
    assert len(resumed.seen) == 1
    assert "continues from step 5" in capsys.readouterr().err


def test_a_finished_stage_is_left_alone(run: Run) -> None:
    task = Regression()
    train(run, task)
    before = files(run)
    again = Regression()
    assert train(run, again).finished
    assert again.seen == []
    assert files(run) == before
    assert torch.equal(again.second.weight, task.second.weight)
    assert checkpoints.is_finished(run.stage("main"))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_no_number_stops(run: Run, value: float) -> None:
    task = Regression()
    task.losses = [1.0, 1.0, 1.0, 1.0, value]
    with pytest.raises(
        TrainingError, match=r"at step 5 \(epoch 2\); the last good weights, of step 4, are in"
    ):
        train(run, task)
    assert all(bool(torch.isfinite(tensor).all()) for tensor in run.weights("main", "last").values())


def test_without_weights_it_says_so(run: Run) -> None:
    task = Regression()
    task.losses = [math.nan]
    with pytest.raises(TrainingError, match=r"step 1 .*no weights were saved before"):
        train(run, task)


def test_weights_that_are_no_numbers_are_never_saved(run: Run) -> None:
    task = Regression()

    def break_weights(step: int) -> None:
        if step == 5:
            # The loss of this step is still finite, as it does not depend on these weights.
            task.average.module.weight.data[0, 0] = math.nan

    task.before_step = break_weights
    with pytest.raises(TrainingError, match=r"'average.module.weight' hold a value that is not a number"):
        train(run, task)
    assert checkpoints.newest(run.stage("main")).position()["step"] == 4


def test_the_best_weights_are_those_of_the_lowest_loss(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    task = Regression()
    scripted = iter([3.0, 1.0, 2.0, 4.0, 5.0])
    weights = []

    def validate() -> dict[str, float]:
        weights.append(task.second.weight.detach().clone())
        return {"loss": next(scripted)}

    task.validate = validate
    # Nothing is saved in between, so the best weights must be kept in memory.
    position = train(run, task, Budget(epochs=5), LoopConfig(batch_size=4, checkpoint_seconds=1e9))
    assert (position.best_loss, position.best_step) == (1.0, 6)
    assert torch.equal(run.weights("main")["second.weight"], weights[1])
    assert torch.equal(run.weights("main", "last")["second.weight"], weights[4])


def test_a_validation_that_is_no_number_stops(run: Run) -> None:
    task = Regression()
    task.validate = lambda: {"loss": math.nan}
    with pytest.raises(TrainingError, match="step 3"):
        train(run, task)


def test_validation_at_an_interval_and_at_the_end(run: Run) -> None:
    train(run, Regression(), Budget(epochs=3), LoopConfig(batch_size=4, validate_every=4))
    assert [line["step"] for line in run.metrics()] == [4, 8, 9]
    assert [line["epoch"] for line in run.metrics()] == [1.3333, 2.6667, 3.0]


class Clock:
    """A clock that advances by one second per training step and three per validation, and otherwise not."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(loop.time, "perf_counter", clock)
    return clock


def timed(task: Regression, clock: Clock) -> Regression:
    validate = task.validate

    def slow_validate() -> dict[str, float]:
        clock.now += 3
        return validate()

    def tick(step: int) -> None:
        clock.now += 1

    task.before_step, task.validate = tick, slow_validate
    return task


def test_minutes_are_kept_validations_included(run: Run, clock: Clock) -> None:
    task = timed(Regression(), clock)
    position = train(run, task, Budget(minutes=1), LoopConfig(batch_size=4))
    # Three steps and a validation take 6 s: ten of these fill the minute.
    assert (position.step, position.seconds) == (30, 60)
    assert task.progress == sorted(task.progress)
    assert task.progress[-1] == pytest.approx(56 / 60)


def test_minutes_go_on_after_a_kill(run: Run, clock: Clock) -> None:
    task = timed(Regression(), clock)
    config = LoopConfig(batch_size=4, checkpoint_seconds=5)

    def die() -> dict[str, float]:
        raise Killed

    train_step = task.train_step
    task.train_step = lambda rows, progress: die() if len(task.seen) == 15 else train_step(rows, progress)
    with pytest.raises(Killed):
        train(run, task, Budget(minutes=1), config)
    lost = 30 - checkpoints.newest(run.stage("main")).position()["seconds"]
    assert 0 <= lost <= 6
    clock.now = 1e6  # the machine was off for days
    assert train(run, timed(Regression(), clock), Budget(minutes=1), config).seconds == 60


def test_the_time_left_is_honest(run: Run, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = []
    monkeypatch.setattr(loop.Progress, "show", lambda self, done, text, left: shown.append((clock.now, left)))
    train(
        run, timed(Regression(), clock), Budget(epochs=10), LoopConfig(batch_size=4, checkpoint_seconds=1e9)
    )
    assert clock.now == 60
    for now, left in shown[3:]:
        assert now + left == pytest.approx(60, abs=3)


def test_a_checkpoint_is_written_by_time(run: Run, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    saved = []
    save = checkpoints.save
    monkeypatch.setattr(checkpoints, "save", lambda *a, **k: (saved.append(clock.now), save(*a, **k)))
    train(run, timed(Regression(), clock), Budget(epochs=4), LoopConfig(batch_size=4, checkpoint_seconds=8))
    assert saved == [6, 14, 24]  # after the first validation, after 8 s, at the end


def test_slow_checkpoints_are_written_less_often(
    run: Run, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "SAVING_SHARE", 0.1)
    saved = []
    save = checkpoints.save

    def slow_save(*arguments: object, **named: object) -> None:
        saved.append(clock.now)
        clock.now += 2
        save(*arguments, **named)

    monkeypatch.setattr(checkpoints, "save", slow_save)
    train(run, timed(Regression(), clock), Budget(epochs=10), LoopConfig(batch_size=4, checkpoint_seconds=1))
    between = [b - a for a, b in pairwise(saved[:-1])]
    assert min(between) >= 20


def test_a_checkpoint_of_another_model_is_refused(run: Run) -> None:
    train(run, Regression())
    task = Regression()
    task.modules["second"] = nn.Linear(5, 1)
    with pytest.raises(RunError, match="holds weights other than those of 'second'"):
        train(run, task)


def test_a_log_has_a_line_now_and_then(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("voxlet.training.progress.QUIET_SECONDS", 0.0)
    train(run, Regression())
    lines = capsys.readouterr().err.splitlines()
    assert any(
        "17 %, epoch 1/2, loss" in line and "clips/s" in line and line.endswith("left") for line in lines
    )
    assert any("epoch 1/2: training loss" in line for line in lines)
    assert capsys.readouterr().out == ""
