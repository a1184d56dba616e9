from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from voxlet import files
from voxlet.errors import ConfigError, FileError, RunError
from voxlet.training.config import Budget, LoopConfig, rate_factor
from voxlet.training.run import Run, check_target, locked_run, make_run, open_run

SETTINGS = {"preset": "mlp", "config": {"beta": 1.0, "loop": {"seed": 0}}}


def test_made_and_opened(tmp_path: Path) -> None:
    run = make_run(tmp_path / "deep" / "run", SETTINGS)
    assert open_run(run.path).record["config"] == SETTINGS["config"]
    assert make_run(run.path, SETTINGS) == run


def test_another_configuration_is_refused_by_field(tmp_path: Path) -> None:
    make_run(tmp_path / "run", SETTINGS)
    other = {"preset": "mlp", "config": {"beta": 4.0, "loop": {"seed": 1}}}
    with pytest.raises(
        RunError, match=r"config.beta is 1.0 in the run and 4.0 now; config.loop.seed is 0 in the run"
    ):
        make_run(tmp_path / "run", other)
    assert open_run(tmp_path / "run").record["config"] == SETTINGS["config"]


def test_other_folders_and_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("x")
    for name, message in (("file", "is a file"), ("full", "holds files but is not a run")):
        with pytest.raises(RunError, match=message):
            check_target(tmp_path / name)
        with pytest.raises(RunError, match=message):
            make_run(tmp_path / name, SETTINGS)
    with pytest.raises(RunError, match="is no training run"):
        open_run(tmp_path / "full")
    with pytest.raises(RunError, match="no such run"):
        open_run(tmp_path / "nothing")


def test_a_link_to_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "deep" / "run")
    with pytest.raises(RefusedError):
        fail(link, after=lambda run: None)
    assert [path.name for path in tmp_path.iterdir()] == ["link"]
    with locked_run(link, SETTINGS) as run:
        assert run.record["preset"] == "mlp"
    assert link.is_symlink()
    assert open_run(tmp_path / "deep" / "run").record == open_run(link).record
    other = tmp_path / "other"
    other.symlink_to(tmp_path / "made")
    assert make_run(other, SETTINGS).path == other
    assert (tmp_path / "made" / "config.json").is_file()


def test_leftovers_of_a_killed_start_are_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / ".lock").write_text("1\n")
    (tmp_path / ".config.json.1f2e.part").write_text('{"form')
    assert make_run(tmp_path, SETTINGS).record["preset"] == "mlp"


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a user who may not write everywhere")
def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(FileError, match="cannot be written \\(Permission denied\\)"):
        make_run(tmp_path / "run", SETTINGS)


def test_a_system_that_refuses_to_write(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="/proc/run: cannot be written"):
        make_run("/proc/run", SETTINGS)


@pytest.mark.parametrize(
    "content",
    ["", "[1]", '{"format": 99}', "\x00", "[" * 100_000, '{"a":' * 100_000],
    ids=lambda content: ascii(content[:9]),
)
def test_a_damaged_config(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(RunError, match=r"config.json"):
        _ = open_run(tmp_path).record


def test_a_run_of_the_first_format_is_refused_with_its_version(tmp_path: Path) -> None:
    record = {"format": 1, "voxlet": "0.1.0", **SETTINGS}
    (tmp_path / "config.json").write_text(json.dumps(record))
    for open_it in (lambda: open_run(tmp_path).record, lambda: make_run(tmp_path, SETTINGS)):
        with pytest.raises(RunError, match=r"by voxlet 0\.1\.0 in format 1, .* reads format 2; train again"):
            open_it()
    assert json.loads((tmp_path / "config.json").read_text()) == record


def test_one_process_at_a_time(tmp_path: Path) -> None:
    run = make_run(tmp_path, SETTINGS)
    with run.locked(), pytest.raises(RunError, match=f"by process {os.getpid()}"), run.locked():
        pass
    with run.locked():
        pass


class RefusedError(Exception):
    """Stands for anything that stops a training."""


def fail(path: Path, *, after: Callable[[Run], object]) -> None:
    with locked_run(path, SETTINGS) as run:
        after(run)
        raise RefusedError


def test_a_start_that_fails_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    for path in (tmp_path / "deep" / "run", tmp_path / "mine"):
        with pytest.raises(RefusedError):
            fail(path, after=lambda run: run.stage("vae").mkdir())
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]  # a folder that was there stays
    assert list((tmp_path / "mine").iterdir()) == []


def test_a_training_that_fails_later_stays(tmp_path: Path) -> None:
    with pytest.raises(RefusedError):
        fail(tmp_path / "run", after=lambda run: run.append({"stage": "vae", "step": 1}))
    assert open_run(tmp_path / "run").metrics() == [{"stage": "vae", "step": 1}]
    make_run(tmp_path / "older", SETTINGS)  # existed before, so a failure removes nothing
    with pytest.raises(RefusedError):
        fail(tmp_path / "older", after=lambda run: None)
    assert open_run(tmp_path / "older").record["preset"] == "mlp"


def test_a_start_that_fails_leaves_the_lock_of_who_came_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = ExitStack()
    run = Run(tmp_path / "run")
    locked = Run.locked

    @contextmanager
    def then_another(self: Run) -> Iterator[Callable[[], None]]:
        try:
            with locked(self) as remove:
                yield remove
        finally:  # at once, before the first one has cleaned up
            run.path.mkdir(exist_ok=True)
            held.enter_context(locked(run))

    monkeypatch.setattr(Run, "locked", then_another)
    with held:
        with pytest.raises(RefusedError):
            fail(run.path, after=lambda made: None)
        with pytest.raises(RunError, match="is being trained"), locked(run):
            pass


def test_a_refused_second_process_takes_nothing_from_the_first(tmp_path: Path) -> None:
    with locked_run(tmp_path / "run", SETTINGS) as run:
        with pytest.raises(RunError, match="is being trained"), locked_run(run.path, SETTINGS):
            pass
        assert sorted(p.name for p in run.path.iterdir()) == [".lock", "config.json"]
    assert run.record["preset"] == "mlp"


def test_a_full_disk_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> None:
        raise FileError("cannot be written (No space left on device)")

    monkeypatch.setattr(files, "write_atomically", full)
    with pytest.raises(FileError, match="No space left"), locked_run(tmp_path / "run", SETTINGS):
        pass
    assert list(tmp_path.iterdir()) == []


def test_metrics_are_cut_back(tmp_path: Path) -> None:
    run = make_run(tmp_path, SETTINGS)
    for stage, step in (("wave", 5), ("wave", 9), ("prior", 4), ("prior", 8)):
        run.append({"stage": stage, "step": step})
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"stage": "prior", "st')
    assert len(run.metrics()) == 4
    run.rewind("prior", 4)
    assert [(line["stage"], line["step"]) for line in run.metrics()] == [
        ("wave", 5),
        ("wave", 9),
        ("prior", 4),
    ]
    run.append({"stage": "prior", "step": 8})
    assert len([json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]) == 4


DAMAGED = {
    "torn": b'{"stage": "wave", "st',
    "two in one": b'{"stage": "wave", "step"{"stage": "wave", "step": 3}',
    "zeros": bytes(80),
    "binary": bytes(range(128, 256)).replace(b"\n", b""),
    "no object": b"[1, 2]",
    "a number": b"7",
    "no stage": b'{"step": 3}',
    "no step": b'{"stage": "wave", "loss": 1.0}',
    "a step in words": b'{"stage": "wave", "step": "three"}',
    "a loss in words": b'{"stage": "wave", "step": 3, "loss": "low"}',
    "a list": b'{"stage": "wave", "step": 3, "loss": []}',
    "a stage that is a number": b'{"stage": 3, "step": 3}',
    "line separators": '{"stage": "wave\u2028", "step'.encode(),
    "nested": b"[" * 200_000,
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_line_costs_that_line_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    run, path = make_run(tmp_path, SETTINGS), tmp_path / "metrics.jsonl"

    def whole(stage: str, step: int) -> bytes:
        return json.dumps({"stage": stage, "step": step}).encode()

    before, after = [whole("wave", 1)], [whole("wave", 2), whole("wave", 9), whole("prior", 3)]
    path.write_bytes(b"\n".join([*before, DAMAGED[name], *after, b""]))
    steps = [("wave", 1), ("wave", 2), ("wave", 9), ("prior", 3)]
    for _ in range(2):
        assert [(line["stage"], line["step"]) for line in run.metrics()] == steps
    assert capsys.readouterr().err == f"voxlet: {path}: 1 of 5 lines are damaged and left out\n"
    run.rewind("wave", 2)
    kept = [*before, DAMAGED[name], after[0], after[2], b""]
    assert path.read_bytes() == b"\n".join(kept)
    stamp = path.stat().st_mtime_ns, path.stat().st_ino
    run.rewind("wave", 2)
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == stamp  # nothing to do, nothing written


def test_weights_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds no weights of 'vae' yet"):
        make_run(tmp_path, SETTINGS).weights("vae")


@pytest.mark.parametrize(
    ("epochs", "minutes", "message"),
    [
        (None, None, "neither"),
        (3, 1.0, "both"),
        (0, None, "--epochs 0"),
        (-1, None, "--epochs -1"),
        (None, 0.0, "--minutes 0"),
        (None, -2.0, "--minutes -2"),
        (None, math.nan, "--minutes nan"),
        (None, math.inf, "--minutes inf"),
    ],
)
def test_budgets_that_make_no_sense(epochs: int | None, minutes: float | None, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Budget(epochs, minutes)


def test_stages_share_a_budget() -> None:
    assert Budget(minutes=60).share(0.6) == Budget(minutes=36)
    assert Budget(epochs=10).share(0.6) == Budget(epochs=6)
    assert Budget(epochs=1).share(0.1) == Budget(epochs=1)


def test_learning_rates_over_a_budget() -> None:
    cosine = LoopConfig(decay="cosine", final_rate=0.1, warmup=0.2)
    assert rate_factor(LoopConfig(), 0.0) == rate_factor(LoopConfig(), 1.0) == 1.0
    assert rate_factor(cosine, 0.1) == pytest.approx(0.5)
    assert rate_factor(cosine, 0.2) == pytest.approx(1.0)
    assert rate_factor(cosine, 0.6) == pytest.approx(0.55)
    assert rate_factor(cosine, 1.0) == pytest.approx(0.1)
    assert 0 < rate_factor(cosine, 0.0) < 0.01


@pytest.mark.parametrize(
    "settings",
    [
        {"batch_size": 0},
        {"seed": -1},
        {"validate_every": 0},
        {"final_rate": 2.0},
        {"warmup": 1.0},
        {"checkpoint_seconds": -1.0},
    ],
)
def test_loops_that_make_no_sense(settings: dict[str, float]) -> None:
    (name,) = settings
    with pytest.raises(ConfigError, match=name):
        LoopConfig(**settings)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes")
@pytest.mark.parametrize("name", ["config.json", "metrics.jsonl", "vae/checkpoint-00000001/state.json"])
@pytest.mark.follows("training/run.py: remove it")
def test_a_pipe_or_a_device_in_a_run_is_not_waited_for(tmp_path: Path, name: str) -> None:
    make_run(tmp_path, {})
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).unlink(missing_ok=True)
    os.mkfifo(tmp_path / name)
    (tmp_path / "endless").symlink_to("/dev/zero")
    for _ in range(2):
        with pytest.raises(
            RunError, match=r"is a pipe or a device, not a file of a run.*remove it"
        ) as refused:
            _ = Run(tmp_path).record
        Path(str(refused.value).partition(": ")[0]).unlink()
    assert make_run(tmp_path, {}).record["format"]
