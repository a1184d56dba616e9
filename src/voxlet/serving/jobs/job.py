"""A job in a folder: what was asked for, its state, and what its process left.

JOBS/000007/job.json      what was asked for
            state.json    its state, as the server last knew it
            process       the ID of the job's process
            ended.json    the command's exit code, written by that process
            out.txt, err.txt   what the command printed
            .lock         held by the process while it runs
            cancel        ends the job on Windows, where a signal would leave its command running
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from voxlet import files

if TYPE_CHECKING:
    from pathlib import Path

JOB, STATE, PROCESS, ENDED, OUT, ERR, LOCK = (
    "job.json",
    "state.json",
    "process",
    "ended.json",
    "out.txt",
    "err.txt",
    ".lock",
)
CANCEL, BY_FILE = "cancel", sys.platform == "win32"  # how a process is told to end: on Windows by a file
Kind = Literal["adapt", "score"]
JobStatus = Literal["waiting", "running", "done", "failed", "cancelled"]
LOG_BYTES = 4_000  # read from the end of a command's standard error
LONGEST_MESSAGE = 500  # characters


@dataclass(frozen=True)
class State:
    """The state of a job; times in seconds since 1970, 0 if not reached yet."""

    stand: JobStatus = "waiting"
    attempts: int = 0
    begun: float = 0.0
    ended: float = 0.0
    message: str = ""  # why it failed


@dataclass(frozen=True)
class Job:
    """What was asked for.

    Attributes:
        folder: The job's own folder.
        number: The job's number, counted from 1.
        kind: What the job does.
        run: The name of the run that it is for.
        arguments: The arguments of the command `voxlet`.
        asked: When it was submitted, in seconds since 1970.
        source: The name of the takes that it trains on, if it does.
        digest: Identifies the state of those takes and the minutes of training.
    """

    folder: Path
    number: int
    kind: Kind
    run: str
    arguments: tuple[str, ...]
    asked: float
    source: str = ""
    digest: str = ""

    def write(self) -> None:
        """Create the job's folder and write the job into it, in the state `waiting`.

        Raises:
            FileError: The job cannot be written.
        """
        content = {key: value for key, value in asdict(self).items() if key != "folder"}
        files.make_folder(self.folder)
        self.note(State())  # first: once job.json is there, the job may begin
        files.write_atomically(self.folder / JOB, json.dumps(content, indent=1).encode())

    def note(self, state: State) -> None:
        """Write the state of the job.

        Raises:
            FileError: The state cannot be written.
        """
        files.write_atomically(self.folder / STATE, json.dumps(asdict(state)).encode())

    def code(self) -> int | None:
        """The command's exit code; None until it has ended."""
        try:
            return int(json.loads((self.folder / ENDED).read_text())["code"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def last_words(self) -> str:
        """The last line of the command's standard error: its progress or its error message."""
        try:
            with (self.folder / ERR).open("rb") as file:
                file.seek(max(0, file.seek(0, 2) - LOG_BYTES))
                text = file.read().decode(errors="replace")
        except OSError:
            return ""
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return lines[-1][-LONGEST_MESSAGE:] if lines else ""


def read_jobs(folder: Path) -> dict[int, tuple[Job, State]]:
    """All jobs in a folder with their states, by number; damaged jobs are left out."""
    found = {}
    for path in sorted(folder.glob(f"*/{JOB}")):
        try:
            held = json.loads(path.read_text())
            job = Job(path.parent, **{**held, "arguments": tuple(held["arguments"])})
            try:
                state = State(**json.loads((path.parent / STATE).read_text()))
            except FileNotFoundError:
                state = State()
        except (OSError, ValueError, TypeError, KeyError):
            continue
        found[job.number] = job, state
    return found
