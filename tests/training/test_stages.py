from __future__ import annotations

import gc
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from voxlet.training import checkpoints
from voxlet.training.config import Budget, LoopConfig
from voxlet.training.run import Run, make_run
from voxlet.training.stages import Plan, Stage, train_stages


def eight_epochs(stage: Stage, task: object) -> Budget:
    return Budget(epochs=8).share(stage.share)


class Killed(BaseException):
    """Stands for the death of a process."""


class Line:
    """Fits a line; the second stage starts from what the first one found."""

    def __init__(self, start: Tensor | None = None, dies_at: int = 0) -> None:
        self.model = nn.Linear(1, 1)
        if start is not None:
            self.model.weight.data.copy_(start)
        self.modules: dict[str, nn.Module] = {"line": self.model}
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            "line": torch.optim.Adam(self.model.parameters(), 0.01)
        }
        self.dies_at = dies_at
        self.steps = 0

    def train_step(self, rows: Tensor, progress: float) -> dict[str, Tensor]:
        self.steps += 1
        if self.steps == self.dies_at:
            raise Killed
        x = rows[:, None].float() + 0.1 * torch.randn(len(rows), 1)
        loss = (self.model(x) - 3 * x).square().mean()
        self.optimizers["line"].zero_grad()
        loss.backward()
        self.optimizers["line"].step()
        return {"loss": loss.detach()}

    def validate(self) -> dict[str, float]:
        return {"loss": float((self.model.weight - 3).square())}


def plan_of(run: Run, built: list[str], *, dies_at: int = 0) -> Plan:
    loop = LoopConfig(batch_size=2, checkpoint_seconds=0.0)

    def first() -> Line:
        built.append("first")
        return Line()

    def second() -> Line:
        built.append("second")
        return Line(run.weights("first")["line.weight"], dies_at)

    stages = (
        Stage("first", np.arange(6), loop, first, share=0.75),
        Stage("second", np.arange(4), loop, second, share=0.25),
    )
    return Plan(stages, lambda: built.append("finish"))


def weights(run: Run, stage: str) -> bytes:
    return (checkpoints.newest(run.stage(stage)).path / checkpoints.LAST).read_bytes()


def test_stages_follow_each_other_with_their_share(tmp_path: Path) -> None:
    run, built = make_run(tmp_path, {}), []
    train_stages(plan_of(run, built), run, eight_epochs)
    assert built == ["first", "second", "finish"]
    assert [(line["stage"], line["step"]) for line in run.metrics()] == [
        *(("first", 3 * epoch) for epoch in range(1, 7)),
        *(("second", 2 * epoch) for epoch in range(1, 3)),
    ]


def test_what_a_stage_held_is_gone_before_the_next_one_is_made(tmp_path: Path) -> None:
    """Otherwise two stages' clips and networks would take twice the memory."""
    run, made = make_run(tmp_path, {}), list[weakref.ref[Line]]()

    def build() -> Line:
        gc.collect()
        assert all(one() is None for one in made)
        made.append(weakref.ref(line := Line()))
        return line

    stages = (Stage(name, np.arange(6), LoopConfig(batch_size=2), build, 0.5) for name in ("first", "second"))
    train_stages(Plan(tuple(stages), lambda: None), run, eight_epochs)
    assert len(made) == 2


@pytest.mark.parametrize("dies_at", [1, 3])
def test_a_second_stage_that_was_killed_goes_on(tmp_path: Path, dies_at: int) -> None:
    run, whole = make_run(tmp_path / "run", {}), make_run(tmp_path / "whole", {})
    train_stages(plan_of(whole, []), whole, eight_epochs)
    with pytest.raises(Killed):
        train_stages(plan_of(run, [], dies_at=dies_at), run, eight_epochs)
    built: list[str] = []
    train_stages(plan_of(run, built), run, eight_epochs)
    assert built == ["second", "finish"]
    assert weights(run, "first") == weights(whole, "first")
    assert weights(run, "second") == weights(whole, "second")
    assert [line["step"] for line in run.metrics()] == [line["step"] for line in whole.metrics()]
