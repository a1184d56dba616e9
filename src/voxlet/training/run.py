"""The run folder: settings, metrics, and the weights of every stage.

RUN/config.json         preset, corpus, budget and all settings
    corpus.json         how the corpus was read
    metrics.jsonl       a line of metrics per validation
    progress.jsonl      some hundred lines per stage, for monitoring: share done, losses, seconds left
    STAGE/checkpoint-*  see `checkpoints`
    plots/              made at the end
    samples/            sound files, made during training and at the end
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from voxlet import files
from voxlet.errors import LockedError, RunError
from voxlet.run_files import CONFIG, CORPUS, METRICS
from voxlet.training import checkpoints
from voxlet.training.progress import note_once
from voxlet.training.serialize import JSON, differences
from voxlet.version import __version__

if TYPE_CHECKING:
    from torch import Tensor

LOCK = ".lock"
GO_ON = "repeat the command that trained it, and training continues"
FORMAT = 2  # 1 is that of voxlet 0.1.0, whose settings and modules had other names
Which = Literal["best", "last"]


@dataclass(frozen=True)
class Run:
    """An existing run folder with a `config.json`; make or open one with the functions below."""

    path: Path

    @cached_property
    def record(self) -> dict[str, JSON]:
        """The content of `config.json`, read once: format, voxlet, preset, corpus, budget, config.

        Raises:
            RunError: The file is missing, damaged or of another format; or the run has a pipe or a device.
        """
        path = self.path / CONFIG
        if (special := next(filter(files.is_special, self.path.rglob("*")), None)) is not None:
            # A pipe may have no writer, and some devices never end.
            raise RunError("is a pipe or a device, not a file of a run", where=special, remedy="remove it")
        try:
            record = json.loads(path.read_text())
        except OSError as error:
            raise RunError(f"cannot be read ({error.strerror})", where=path) from error
        except (ValueError, RecursionError) as error:
            raise RunError(f"cannot be read ({error})", where=path, remedy=checkpoints.DAMAGED) from error
        if not isinstance(record, dict) or "format" not in record:
            raise RunError("is not the configuration of a run", where=path, remedy=checkpoints.DAMAGED)
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
            RunError: The stage has no checkpoint yet, or its checkpoints are damaged.
        """
        name = checkpoints.BEST if which == "best" else checkpoints.LAST
        found = checkpoints.read(self.stage(stage), name)
        if found is None:
            raise RunError(f"holds no weights of {stage!r} yet", where=self.path, remedy=GO_ON)
        return found

    def metrics(self) -> list[dict[str, JSON]]:
        """The lines of `metrics.jsonl`, without an incomplete last line.

        Damaged lines are skipped, and their number is reported on standard error.
        """
        path = self.path / METRICS
        if not path.exists():
            return []
        written = [line for line in path.read_bytes().split(b"\n")[:-1] if line.strip()]
        lines = [values for values in map(_metrics_of, written) if values is not None]
        if len(lines) < len(written):
            note_once(f"{path}: {len(written) - len(lines)} of {len(written)} lines are damaged and left out")
        return lines

    def append(self, line: Mapping[str, JSON], name: str = METRICS) -> None:
        """Add a line to `metrics.jsonl`, or to `progress.jsonl`."""
        with files.writing(self.path), (self.path / name).open("a") as file:
            file.write(json.dumps(line, allow_nan=False) + "\n")

    def rewind(self, stage: str, step: int, name: str = METRICS) -> None:
        """Remove the lines that `stage` wrote after `step`, because these steps will be trained again.

        All other lines stay, damaged ones, too, except an incomplete last line, which was cut off in writing.
        """
        path = self.path / name
        if not path.exists():
            return
        content = path.read_bytes()
        kept = b"".join(
            line + b"\n"
            for line in content.split(b"\n")[:-1]
            if not _is_after(_metrics_of(line), stage, step)
        )
        if kept != content:
            files.write_atomically(path, kept)

    @contextmanager
    def locked(self) -> Iterator[Callable[[], None]]:
        """Keep other processes from training this run; the lock ends with the process, however that ends.

        Yields:
            A function that removes the lock file; see `files.exclusive`.

        Raises:
            RunError: Another process holds the lock.
            FileError: The lock file cannot be made.
        """
        with ExitStack() as held:
            try:
                lock = files.exclusive(self.path / LOCK, wait=False, state="is being trained")
                remove = held.enter_context(lock)
            except LockedError as error:
                raise RunError(
                    error.what, where=self.path, remedy="wait for it, stop it, or use another folder"
                ) from error
            yield remove


def _metrics_of(line: bytes) -> dict[str, JSON] | None:
    """The values of a line of `metrics.jsonl`, all numbers except the stage; None if the line is damaged."""
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(values, dict) or not isinstance(values.get("step"), int):
        return None
    named = {name for name, value in values.items() if not isinstance(value, int | float)}
    return values if named == {"stage"} and isinstance(values["stage"], str) else None


def _is_after(values: Mapping[str, JSON] | None, stage: str, step: int) -> bool:
    if values is None or values["stage"] != stage:
        return False
    reached = values["step"]
    return isinstance(reached, int) and reached > step


def open_run(path: str | os.PathLike[str]) -> Run:
    """Open an existing run.

    Raises:
        RunError: There is no run at `path`.
    """
    run = Run(Path(path))
    if not files.is_file(run.path / CONFIG):
        what = "is no training run (it has no config.json)" if files.is_there(run.path) else "no such run"
        raise RunError(what, where=run.path, remedy="train one with `voxlet train PRESET --run DIR ...`")
    return run


def check_target(path: str | os.PathLike[str]) -> None:
    """Check, before any work is done, that `path` is a run or that a run can be made there.

    Raises:
        RunError: The path is a file, or a folder with something else in it.
    """
    target = Path(path)
    if target.exists() and not target.is_dir():
        raise RunError("is a file, not a folder", where=target, remedy="give the run a folder of its own")
    if not target.exists() or (target / CONFIG).exists():
        return
    with files.writing(target):
        # A process that was killed may have left a lock or an unfinished config.json.
        if any(entry.name != LOCK and not entry.name.startswith(f".{CONFIG}.") for entry in target.iterdir()):
            raise RunError("holds files but is not a run", where=target, remedy="give a new or empty folder")


def make_run(path: str | os.PathLike[str], settings: Mapping[str, JSON]) -> Run:
    """Make a run's folder, or open the run there if it has the same settings.

    Args:
        path: The folder: new, empty, or a run.
        settings: What identifies the run: preset, corpus, budget, config.

    Raises:
        RunError: The path is a file, or a folder with anything but a run with these settings.
        FileError: The folder cannot be written.
    """
    check_target(path)
    run = Run(Path(path))
    with files.writing(run.path):
        files.real_path(path).mkdir(parents=True, exist_ok=True)
        if (run.path / CONFIG).exists():
            _check_same(run, settings)
            return run
        record = {"format": FORMAT, "voxlet": __version__, **settings}
        files.write_atomically(
            run.path / CONFIG, f"{json.dumps(record, indent=2, allow_nan=False)}\n".encode()
        )
    return run


@contextmanager
def locked_run(path: str | os.PathLike[str], settings: Mapping[str, JSON]) -> Iterator[Run]:
    """Make a run, or open the one with the same settings, and lock it while the block runs.

    If the block fails before anything was trained, everything made for a new run is removed again.

    Raises:
        RunError: See `make_run`; or another process is training the run.
        FileError: The folder cannot be written.
    """
    check_target(path)
    run, fresh = Run(Path(path)), False
    if (run.path / CONFIG).exists():
        _check_same(run, settings)  # before a lock file is made
    place = files.real_path(path)
    missing = [folder for folder in (place, *place.parents) if not folder.exists()]
    try:
        with files.writing(run.path):
            place.mkdir(parents=True, exist_ok=True)
        with run.locked() as remove_lock:
            fresh = not (run.path / CONFIG).exists()
            try:
                yield make_run(path, settings)
            except BaseException:
                if fresh and not _is_trained(run):
                    _empty(run)
                    with suppress(OSError):
                        if not (run.path / CONFIG).exists():
                            remove_lock()
                raise
    except BaseException:
        with suppress(OSError):  # a folder that is not empty stays
            for folder in missing:
                folder.rmdir()
        raise


def _is_trained(run: Run) -> bool:
    """Whether a run's folder has files other than those that the start of a training makes."""
    return any(entry.is_file() and entry.name not in (CONFIG, CORPUS, LOCK) for entry in run.path.rglob("*"))


def _empty(run: Run) -> None:
    """Remove what the start of a training makes, except the lock file, which is held."""
    for entry in run.path.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
    with suppress(OSError):
        (run.path / CORPUS).unlink(missing_ok=True)
        (run.path / CONFIG).unlink(missing_ok=True)


def _check_same(run: Run, settings: Mapping[str, JSON]) -> None:
    saved = {key: value for key, value in run.record.items() if key not in ("format", "voxlet")}
    different = differences(saved, dict(settings))
    if different:
        raise RunError(
            f"holds a run with other settings: {'; '.join(different)}",
            where=run.path,
            remedy="give the same settings to continue it, or another folder",
        )
