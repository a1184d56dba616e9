"""Stages that end by a given time, with a simulated clock."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from voxlet.errors import RunError
from voxlet.recipes.timetable import FILE, SPARE, Timetable
from voxlet.training import checkpoints
from voxlet.training.config import LoopConfig
from voxlet.training.run import Run, make_run
from voxlet.training.stages import Plan, Stage, train_stages

SHARES = {"first": 0.75, "second": 0.25}
STEP_SECONDS = {"first": 0.5, "second": 0.25}
BUILDING = 2.0


class Clock:
    """A clock that advances only when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def __deepcopy__(self, memo: object) -> Clock:
        return self  # a copy of a task takes as long


class Ticking:
    """A task that counts its steps, each of which takes a given time."""

    def __init__(self, clock: Clock, name: str) -> None:
        self.clock, self.seconds = clock, STEP_SECONDS[name]
        self.clock.now += BUILDING
        model = nn.Linear(1, 1)
        self.modules: dict[str, nn.Module] = {"line": model}
        self.optimizers: dict[str, torch.optim.Optimizer] = {"line": torch.optim.SGD(model.parameters(), 0.1)}

    def train_step(self, rows: Tensor, progress: float) -> dict[str, Tensor]:
        self.clock.now += self.seconds
        loss = self.modules["line"](torch.randn(len(rows), 1)).square().mean()
        self.optimizers["line"].zero_grad()
        loss.backward()
        self.optimizers["line"].step()
        return {"loss": loss.detach()}

    def validate(self) -> dict[str, float]:
        return {}


def plan_of(clock: Clock) -> Plan:
    loop = LoopConfig(batch_size=4, checkpoint_seconds=1e9)
    rows = np.arange(6)
    return Plan(
        tuple(
            Stage(name, rows, loop, lambda name=name: Ticking(clock, name), share)  # type: ignore[misc]
            for name, share in SHARES.items()
        ),
        lambda: None,
    )


def timetable(run: Run, clock: Clock, seconds: float | None = 400.0, **given: object) -> Timetable:
    return Timetable(run, seconds, SHARES, clock=clock, began=clock.now, **given)


def steps_of(run: Run) -> dict[str, int]:
    return {line["stage"]: line["step"] for line in run.metrics()}


def test_all_stages_end_by_the_time_with_what_follows_them(tmp_path: Path) -> None:
    run, clock = make_run(tmp_path / "run", {}), Clock()
    began = clock.now
    clock.now += 20.0  # of preparation
    table = Timetable(run, 400.0, SHARES, spare=30.0, clock=clock, began=began)
    train_stages(plan_of(clock), run, table.budget_of)
    assert 0.93 * 400 < clock.now - began + 30.0 <= 400
    assert steps_of(run) == table.steps == json.loads((run.path / FILE).read_text())["steps"]
    seconds = {name: table.steps[name] * STEP_SECONDS[name] for name in SHARES}
    assert seconds["first"] / sum(seconds.values()) == pytest.approx(0.75, abs=0.03)
    assert seconds["first"] < (1 - SPARE) * 0.75 * 350
    found = checkpoints.newest(run.stage("second"))
    assert found is not None
    assert found.position()["seconds"] > 0


def test_where_a_machine_gets_busy_later_stages_still_have_half_of_their_time(tmp_path: Path) -> None:
    run, clock = make_run(tmp_path / "run", {}), Clock()
    first, second = plan_of(clock).stages
    table = timetable(run, clock)
    table.budget_of(first, first.build())
    clock.now += 900.0  # in place of 300
    steps = table.budget_of(second, second.build()).steps
    assert steps is not None
    assert steps * STEP_SECONDS["second"] == pytest.approx(0.5 * 0.25 * 400, rel=0.05)


def test_a_run_that_goes_on_keeps_its_steps_and_the_time_it_had(tmp_path: Path) -> None:
    run, clock = make_run(tmp_path / "run", {}), Clock()
    first = plan_of(clock).stages[0]
    table, task = timetable(run, clock), first.build()
    begun = table.budget_of(first, task)
    spent = table.spent
    clock.now += 10_000.0  # nobody was training
    again = timetable(run, clock)
    assert again.budget_of(first, task) == begun
    assert again.spent == pytest.approx(spent, abs=0.1)
    train_stages(plan_of(clock), run, again.budget_of)
    assert again.spent <= 400


@pytest.mark.parametrize("times", [1, 2])
def test_the_time_of_a_sitting_that_ended_within_a_stage_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """The time is in the stage's own checkpoint and counted once, however often the stage is resumed."""
    run, clock = make_run(tmp_path / "run", {}), Clock()
    first, second = plan_of(clock).stages
    table = timetable(run, clock)
    table.budget_of(first, first.build())
    spent = table.spent
    for sitting in range(1, times + 1):
        checkpoint = SimpleNamespace(position=lambda seconds=120.0 * sitting: {"seconds": seconds})
        monkeypatch.setattr(checkpoints, "newest", lambda stage, found=checkpoint: found)
        clock.now += 10_000.0
        table = timetable(run, clock)
        assert table.spent == pytest.approx(spent + 120.0 * sitting, abs=0.1)
        table.budget_of(first, first.build())
    steps = table.budget_of(second, second.build()).steps
    assert steps is not None
    assert steps * STEP_SECONDS["second"] == pytest.approx((1 - SPARE) * (400 - table.spent), rel=0.06)


def test_steps_that_are_given_are_taken_without_a_trial(tmp_path: Path) -> None:
    run, clock = make_run(tmp_path / "run", {}), Clock()
    table = timetable(run, clock, None, steps={"first": 3, "second": 2})
    train_stages(plan_of(clock), run, table.budget_of)
    assert steps_of(run) == {"first": 3, "second": 2}
    assert clock.now == 100.0 + 2 * BUILDING + 3 * 0.5 + 2 * 0.25


def test_a_trial_leaves_no_trace(tmp_path: Path) -> None:
    timed, told = (make_run(tmp_path / name, {}) for name in ("timed", "told"))
    clock = Clock()
    table = timetable(timed, clock, 60.0)
    train_stages(plan_of(clock), timed, table.budget_of)
    train_stages(plan_of(clock), told, timetable(told, clock, None, steps=dict(table.steps)).budget_of)
    for name in SHARES:
        one, other = (run.weights(name, "last") for run in (timed, told))
        assert all(torch.equal(tensor, other[key]) for key, tensor in one.items())


def test_a_stage_without_a_share_takes_no_step(tmp_path: Path) -> None:
    run, clock = make_run(tmp_path / "run", {}), Clock()
    table = Timetable(run, 100.0, {"first": 0.0, "second": 1.0}, clock=clock, began=clock.now)
    train_stages(plan_of(clock), run, table.budget_of)
    assert table.steps["first"] == 0
    assert steps_of(run) == {"second": table.steps["second"]}
    assert "line.weight" in run.weights("first", "last")  # as it was built


def test_where_no_time_is_left_each_stage_still_takes_a_step(tmp_path: Path) -> None:
    run, clock = make_run(tmp_path / "run", {}), Clock()
    train_stages(plan_of(clock), run, timetable(run, clock, 1.0).budget_of)
    assert steps_of(run) == {"first": 1, "second": 1}


@pytest.mark.follows("recipes/timetable.py: start again in a new folder")
@pytest.mark.parametrize("text", ["", "[]", '{"seconds": 1}', '{"seconds": "x", "steps": {}}'])
def test_a_damaged_timetable_is_one_line(tmp_path: Path, text: str) -> None:
    run = make_run(tmp_path / "run", {})
    (run.path / FILE).write_text(text)
    with pytest.raises(RunError, match=r"timetable\.json: cannot be read \([^\n]*\); "):
        timetable(run, Clock())
    assert timetable(make_run(tmp_path / "new", {}), Clock()).steps == {}
