"""A job in a folder: what was asked for, where it stands, what its process left.

JOBS/000007/job.json      what was asked for
            state.json    where it stands, as the server last knew
            process       the number of its process
            ended.json    written by that process: the command's exit code
            out.txt, err.txt   what the command printed
            .lock         held by the process
            cancel        made on Windows to end it: a signal would leave its command running
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
CANCEL, BY_FILE = "cancel", sys.platform == "win32"  # how a process is told to end
Kind = Literal["adapt", "score"]
Stand = Literal["waiting", "running", "done", "failed", "cancelled"]
LOG_BYTES = 4_000  # of what a command printed that are looked at
LONGEST_MESSAGE = 500  # characters


@dataclass(frozen=True)
class State:
    """Where a job stands; times in seconds since 1970, 0 where it has not come to that."""

    stand: Stand = "waiting"
    attempts: int = 0
    begun: float = 0.0
    ended: float = 0.0
    message: str = ""  # why it failed


@dataclass(frozen=True)
class Job:
    """What was asked for.

    Attributes:
        folder: Its own.
        number: Counts jobs.
        kind: What it does,
        run: for the run of this name.
        arguments: Of the command `voxlet`.
        asked: When, in seconds since 1970.
        source: The takes that it is made of,
        digest: and which they were.
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
        """Write it into its folder, which is made, as one that waits.

        Raises:
            FileError: It cannot be written.
        """
        content = {key: value for key, value in asdict(self).items() if key != "folder"}
        files.make_folder(self.folder)
        self.note(State())  # first: by the other file it is a job, and begins
        files.write_atomically(self.folder / JOB, json.dumps(content, indent=1).encode())

    def note(self, state: State) -> None:
        """Write where it stands.

        Raises:
            FileError: It cannot be written.
        """
        files.write_atomically(self.folder / STATE, json.dumps(asdict(state)).encode())

    def code(self) -> int | None:
        """What the command returned; None while it has not ended."""
        try:
            return int(json.loads((self.folder / ENDED).read_text())["code"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def last_words(self) -> str:
        """The last line on the command's standard error: how far it is, or what it complained of."""
        try:
            with (self.folder / ERR).open("rb") as file:
                file.seek(max(0, file.seek(0, 2) - LOG_BYTES))
                text = file.read().decode(errors="replace")
        except OSError:
            return ""
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return lines[-1][-LONGEST_MESSAGE:] if lines else ""


def read_jobs(folder: Path) -> dict[int, tuple[Job, State]]:
    """All jobs of a folder, by number; what is damaged is left out."""
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
