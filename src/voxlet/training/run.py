"""The run folder: what was asked, the numbers on the way, the weights of every stage.

RUN/config.json         preset, corpus, budget and every setting
    metrics.jsonl       a line of numbers per validation
    STAGE/checkpoint-*  see `checkpoints`
    plots/, samples/    made at the end
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from voxlet import files
from voxlet.errors import LockedError, RunError
from voxlet.training import checkpoints
from voxlet.training.serialize import JSON, differences
from voxlet.version import __version__

if TYPE_CHECKING:
    from torch import Tensor

CONFIG, METRICS, LOCK = "config.json", "metrics.jsonl", ".lock"
FORMAT = 2  # 1 is that of voxlet 0.1.0, whose settings and modules had other names
Which = Literal["best", "last"]


@dataclass(frozen=True)
class Run:
    """A run's folder that exists and has a `config.json`; make or open it with the functions below."""

    path: Path

    @cached_property
    def record(self) -> dict[str, JSON]:
        """What `config.json` holds, read once: format, voxlet, preset, corpus, budget, config.

        Raises:
            RunError: It is missing, damaged or of another format.
        """
        path = self.path / CONFIG
        try:
            record = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise RunError(f"cannot be read ({error})", where=path) from error
        if not isinstance(record, dict) or "format" not in record:
            raise RunError("is no run's configuration", where=path)
        if record["format"] != FORMAT:
            raise RunError(
                f"was written by voxlet {record.get('voxlet')} in format {record['format']}, "
                f"and this is voxlet {__version__}, which reads format {FORMAT}",
                where=path,
                remedy="train again in another folder; voice files that the run holds still speak",
            )
        return record

    def stage(self, name: str) -> Path:
        """The folder of a stage."""
        return self.path / name

    def weights(self, stage: str, which: Which = "best") -> dict[str, Tensor]:
        """The tensors "module.name" of a stage: those of the lowest validation loss, or the last ones.

        Raises:
            RunError: The stage has no checkpoint yet, or it is damaged.
        """
        found = checkpoints.newest(self.stage(stage))
        if found is None:
            raise RunError(f"holds no weights of {stage!r} yet", where=self.path, remedy="train it first")
        name = checkpoints.BEST if which == "best" else checkpoints.LAST
        try:
            return found.tensors(name)
        except RunError:
            # A training process may just have replaced this checkpoint by its next.
            newer = checkpoints.newest(self.stage(stage))
            if newer is None or newer == found:
                raise
            return newer.tensors(name)

    def metrics(self) -> list[dict[str, JSON]]:
        """The lines of `metrics.jsonl`; a last line without its end is left out."""
        path = self.path / METRICS
        if not path.exists():
            return []
        whole = path.read_text().rpartition("\n")[0]
        try:
            return [json.loads(line) for line in whole.splitlines()]
        except ValueError as error:
            raise RunError(f"holds a line that is not JSON ({error})", where=path) from error

    def append_metrics(self, line: Mapping[str, JSON]) -> None:
        """Add a line to `metrics.jsonl`."""
        with files.writing(self.path), (self.path / METRICS).open("a") as file:
            file.write(json.dumps(line, allow_nan=False) + "\n")

    def rewind_metrics(self, stage: str, step: int) -> None:
        """Cut off the lines that `stage` wrote after `step`: what is trained again is written again."""
        kept = 0
        path = self.path / METRICS
        if not path.exists():
            return
        for line in path.read_bytes().splitlines(keepends=True):
            try:
                values = json.loads(line)
            except ValueError:
                break
            if not line.endswith(b"\n") or (values.get("stage") == stage and values.get("step", 0) > step):
                break
            kept += len(line)
        with files.writing(self.path):
            os.truncate(path, kept)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from training this run; the lock goes with the process, however it ends.

        Raises:
            RunError: Another process has it.
            FileError: The lock cannot be made.
        """
        with ExitStack() as held:
            try:
                held.enter_context(files.exclusive(self.path / LOCK, wait=False, state="is being trained"))
            except LockedError as error:
                remedy = "wait for it, stop it, or take another folder"
                raise RunError(error.what, where=self.path, remedy=remedy) from error
            yield


def open_run(path: str | os.PathLike[str]) -> Run:
    """A run that is there.

    Raises:
        RunError: It is not.
    """
    run = Run(Path(path))
    if not (run.path / CONFIG).is_file():
        what = "is no training run (it has no config.json)" if run.path.exists() else "no such run"
        raise RunError(what, where=run.path, remedy="train one with `voxlet train PRESET --run DIR ...`")
    return run


def check_target(path: str | os.PathLike[str]) -> None:
    """See that a run can be made at `path`, or is there: before any work is done.

    Raises:
        RunError: It is a file, or a folder that holds something else.
    """
    target = Path(path)
    if target.exists() and not target.is_dir():
        raise RunError("is a file, not a folder", where=target, remedy="give the run a folder of its own")
    if not target.exists() or (target / CONFIG).exists():
        return
    with files.writing(target):
        # A process that was killed may have left a lock or an unfinished config.json.
        if any(entry.name != LOCK and not entry.name.startswith(f".{CONFIG}.") for entry in target.iterdir()):
            raise RunError("holds files but is no run", where=target, remedy="give a new or empty folder")


def make_run(path: str | os.PathLike[str], settings: Mapping[str, JSON]) -> Run:
    """Make a run's folder, or open the one that was made with the same settings.

    Args:
        path: The folder: new, empty, or a run.
        settings: What makes a run this run and no other: preset, corpus, budget, config.

    Raises:
        RunError: The folder is a file, or holds something else than a run with these settings.
        FileError: It cannot be written.
    """
    check_target(path)
    run = Run(Path(path))
    with files.writing(run.path):
        run.path.mkdir(parents=True, exist_ok=True)
        if (run.path / CONFIG).exists():
            _check_same(run, settings)
            return run
        record = {"format": FORMAT, "voxlet": __version__, **settings}
        files.write_atomically(
            run.path / CONFIG, f"{json.dumps(record, indent=2, allow_nan=False)}\n".encode()
        )
    return run


def _check_same(run: Run, settings: Mapping[str, JSON]) -> None:
    saved = {key: value for key, value in run.record.items() if key not in ("format", "voxlet")}
    different = differences(saved, dict(settings))
    if different:
        raise RunError(
            f"holds a run with other settings: {'; '.join(different)}",
            where=run.path,
            remedy="give the same settings to go on with it, or another folder",
        )
