"""The jobs of a server: one runs, a few wait, and all are kept in files, so that a restart loses none.

A job's process is independent of the server: when the server ends, the job continues, and the next server
finds it. An interrupted job (the machine went down, the process was killed) is started again with the same
command, which continues where it was.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from voxlet import files
from voxlet.errors import ConfigError, LockedError
from voxlet.serving.jobs.job import (
    BY_FILE,
    CANCEL,
    ENDED,
    LOCK,
    PROCESS,
    Job,
    JobStatus,
    Kind,
    State,
    read_jobs,
)
from voxlet.serving.refusals import RefusedError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MOST_WAITING = 4
SAVING = 60.0  # seconds that the next job waits for a cancelled one to save and end
MOST_ATTEMPTS = 3  # at starting a job that is interrupted again and again
VOXLET = (sys.executable, "-m", "voxlet")
NO_WINDOW = getattr(subprocess, "CREATE_NO_WINDOW", 0)  # on Windows: an invisible console of its own


class Jobs:
    """The jobs in a folder; threads may share it.

    Args:
        folder: Where the jobs are kept; `open` creates it if missing.
        command: How `voxlet` is called.
    """

    def __init__(self, folder: Path, command: Sequence[str] = VOXLET) -> None:
        self.folder, self._command = folder, tuple(command)
        self._jobs: dict[int, tuple[Job, State]] = {}
        self._processes: dict[int, subprocess.Popen[bytes]] = {}  # started by this server
        self._lock = threading.Lock()
        self._held, self._opened = ExitStack(), False

    def open(self) -> None:
        """Take over the folder with the jobs that earlier servers left, unless it is open already.

        Raises:
            ConfigError: Another server uses the folder.
            FileError: The folder cannot be written.
        """
        if self._opened:
            return
        files.make_folder(self.folder)
        try:
            self._held.enter_context(files.exclusive(self.folder / LOCK, wait=False))
        except LockedError as error:
            raise ConfigError(
                error.what, where=self.folder, remedy="stop that server, or give another folder: --runs DIR"
            ) from error
        self._jobs, self._opened = read_jobs(self.folder), True

    def close(self) -> None:
        """Leave the folder to the next server; a running job continues."""
        self._held.close()
        self._opened = False

    def all(self) -> list[tuple[Job, State]]:
        """All jobs with their states, the newest first."""
        with self._lock:
            return [self._jobs[number] for number in sorted(self._jobs, reverse=True)]

    def find(self, number: int) -> tuple[Job, State]:
        """The job of a number, with its state.

        Raises:
            RefusedError: There is no such job.
        """
        with self._lock:
            if number not in self._jobs:
                raise RefusedError(404, f"there is no job {number}", code="not_found")
            return self._jobs[number]

    def latest_of(self, run: str) -> tuple[Job, State] | None:
        """The latest job for a run, with its state; None if there is none."""
        return next((found for found in self.all() if found[0].run == run), None)

    def submit(
        self, kind: Kind, run: str, arguments: Sequence[str], *, source: str = "", digest: str = ""
    ) -> Job:
        """Submit a job; it begins when those before it have ended.

        Raises:
            RefusedError: Too many jobs wait, or one for this run waits or runs already.
            FileError: The job cannot be written.
        """
        with self._lock:
            open_ones = [
                (job, state) for job, state in self._jobs.values() if state.stand in ("waiting", "running")
            ]
            if any(job.run == run for job, _ in open_ones):
                raise RefusedError(409, f"there is a job for {run!r} already; wait for it, or cancel it")
            if sum(state.stand == "waiting" for _, state in open_ones) >= MOST_WAITING:
                raise RefusedError(
                    429, f"{MOST_WAITING} jobs are waiting already; wait until one is done", code="busy"
                )
            number = max(self._jobs, default=0) + 1
            job = Job(
                self.folder / f"{number:06}",
                number,
                kind,
                run,
                tuple(arguments),
                time.time(),
                source,
                digest,
            )
            job.write()
            self._jobs[number] = job, State()
        self.tick()
        return job

    def cancel(self, number: int) -> None:
        """Cancel a job: one that waits never begins, one that runs saves and ends.

        Raises:
            RefusedError: There is no job of this number.
        """
        job, _ = self.find(number)
        with self._lock:
            state = self._jobs[number][1]
            if state.stand not in ("waiting", "running"):
                return
            self._set(job, replace(state, stand="cancelled", ended=time.time()))
            if state.stand == "running" and self._runs(job):
                self._signal(job)

    def tick(self) -> None:
        """Check which jobs have ended, and begin the next one."""
        with self._lock:
            for job, state in list(self._jobs.values()):
                if state.stand == "running" and self._look_after(job, state):
                    return
            soon = time.time() - SAVING
            saving = [
                job for job, state in self._jobs.values() if state.stand == "cancelled" and state.ended > soon
            ]
            if any(map(self._runs, saving)):
                return
            for number in sorted(self._jobs):
                job, state = self._jobs[number]
                if state.stand == "waiting":
                    self._begin(job, state)
                    return

    def _look_after(self, job: Job, state: State) -> bool:
        """Whether a job that was begun still runs; an interrupted one is started again."""
        if self._runs(job):
            return True
        code = job.code()
        interrupted = code is None or code < 0 or code > 128  # ended by a signal, or with the machine
        if interrupted and state.attempts < MOST_ATTEMPTS:
            self._begin(job, state)
            return True
        stand: JobStatus = "done" if code == 0 else "failed"
        message = "" if code == 0 else job.last_words() or f"it was interrupted {state.attempts} times"
        self._set(job, replace(state, stand=stand, ended=time.time(), message=message))
        return False

    def _begin(self, job: Job, state: State) -> None:
        for left in (ENDED, PROCESS, CANCEL):
            (job.folder / left).unlink(missing_ok=True)
        begun = state.begun or time.time()
        self._set(job, replace(state, stand="running", attempts=state.attempts + 1, begun=begun))
        with files.writing(job.folder, "the job cannot be started"):
            self._processes[job.number] = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "voxlet.serving.jobs.process",
                    job.folder,
                    *self._command,
                    *job.arguments,
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # the server's Ctrl-C does not reach it
                creationflags=NO_WINDOW,  # does the same on Windows
            )

    def _runs(self, job: Job) -> bool:
        process = self._processes.get(job.number)
        if process is not None and process.poll() is None:
            return True
        try:
            with files.exclusive(job.folder / LOCK, wait=False):
                return False
        except LockedError:
            return True

    def _signal(self, job: Job) -> None:
        if BY_FILE:
            files.write_atomically(job.folder / CANCEL, b"")
            return
        process = self._processes.get(job.number)
        if process is not None and process.poll() is None:
            process.terminate()
            return
        # An earlier server started the running process: one of this server's would have found the lock taken.
        with contextlib.suppress(OSError, ValueError):  # it has just ended
            os.kill(int((job.folder / PROCESS).read_text()), signal.SIGTERM)

    def _set(self, job: Job, state: State) -> None:
        job.note(state)
        self._jobs[job.number] = job, state
