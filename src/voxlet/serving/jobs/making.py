"""What a server makes in its folder: takes, jobs, runs; and the loop that looks after the jobs.

RUNS/takes/   see `takes`
     jobs/    see `job`
     mine/    a run; its voice is `mine.voice`
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from voxlet.errors import VoxletError
from voxlet.extras import import_extra
from voxlet.serving.jobs.queue import VOXLET, Jobs
from voxlet.serving.jobs.runs import LONGEST_NAME, Runs, RunView
from voxlet.serving.jobs.takes import LAYOUT, TakeSets
from voxlet.serving.refusals import RefusedError
from voxlet.serving.static.page import ListedVoice, listed_voice

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from voxlet.serving.jobs.job import Job, State

TICK = 0.5  # seconds between looks at the jobs
RESERVED = ("takes", "jobs")
SCORES = "score.json"  # of a run: all figures
MOST_RUNS = 1000  # of one set of takes
log = logging.getLogger("voxlet.serving")


class AskedJob(BaseModel):
    """A job that is asked for: to adapt the takes `name`, in so many minutes, or to score the run `name`."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    kind: Literal["adapt", "score"]
    name: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
    minutes: Annotated[float, Field(ge=0.5, le=600)] = 10


class JobView(BaseModel):
    """A job; times in seconds since 1970, `begun` and `ended` 0 where it has not come to that.

    `told` is the last line that its command printed of how far it is, while it runs.
    """

    number: int
    kind: Literal["adapt", "score"]
    run: str
    source: str
    state: Literal["waiting", "running", "done", "failed", "cancelled"]
    asked: float
    begun: float
    ended: float
    message: str
    told: str


class Watched(BaseModel):
    """A run, once it has begun, and the last job for it."""

    job: JobView | None
    run: RunView | None


class Making:
    """All of it; the folder is this server's while it is entered.

    Args:
        folder: Where runs lie, made if missing.
        command: How jobs call `voxlet`.

    Raises:
        MissingExtraError: Nothing can be trained here.
    """

    def __init__(self, folder: Path, command: Sequence[str] = VOXLET) -> None:
        import_extra("filelock", "train")
        self.takes = TakeSets(folder / "takes")
        self.jobs = Jobs(folder / "jobs", command)
        self.runs = Runs(folder)
        self.closing = asyncio.Event()  # who watches is to go
        self._listed: dict[tuple[str, int, int], ListedVoice] = {}
        self._watch: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Making:
        """Take over what earlier servers left.

        Raises:
            ConfigError: Another server has the folder.
            FileError: It cannot be written.
        """
        self.jobs.open()
        self._watch = asyncio.create_task(self._look_after())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave it to the next server; a running job goes on."""
        self.closing.set()
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
        for job, state in self.jobs.all():
            if state.stand == "running":
                log.info("the job for %s goes on without the server", job.run)
        self.jobs.close()

    async def _look_after(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self.jobs.tick)
            except VoxletError as error:
                log.error("jobs: %s", error)
            await asyncio.sleep(TICK)

    def submit(self, asked: AskedJob) -> JobView:
        """Ask for a job.

        Raises:
            RefusedError: There are no such takes or no such run, or too many jobs.
            FileError: It cannot be written.
        """
        job = self._score(asked.name) if asked.kind == "score" else self._adapt(asked)
        return job_view(*self.jobs.find(job.number))

    def _adapt(self, asked: AskedJob) -> Job:
        takes, digest = self.takes.view(asked.name), self.takes.digest(asked.name)
        silent = [word.word for word in takes.words if not word.takes]
        if silent:
            raise RefusedError(409, f"there is no take of {', '.join(silent[:5])} yet", code="no_takes")
        run = self._run_for(asked.name, digest, asked.minutes)
        arguments = ["adapt", str(self.takes.path(asked.name).resolve()), "--layout", LAYOUT]
        arguments += ["--run", str(self.runs.path(run).resolve()), "--minutes", f"{asked.minutes:g}"]
        if takes.language:
            arguments += ["--language", takes.language]
        return self.jobs.submit(
            "adapt", run, arguments, source=asked.name, digest=f"{digest} {asked.minutes:g}"
        )

    def _run_for(self, name: str, digest: str, minutes: float) -> str:
        """The run to go on with, where one of these takes was broken off; else a new one."""
        for job, state in self.jobs.all():
            same = job.source == name and job.digest == f"{digest} {minutes:g}"
            if same and state.stand in ("cancelled", "failed"):
                return job.run
        taken = {job.run for job, _ in self.jobs.all()} | set(RESERVED)
        for number in range(1, MOST_RUNS):
            run = name if number == 1 else f"{name}-{number}"
            if run not in taken and not self.runs.path(run).exists():
                return run
        raise RefusedError(409, f"there are {MOST_RUNS} runs of {name!r}; remove some folders")

    def _score(self, name: str) -> Job:
        self.runs.voice(name)
        run = self.runs.path(name).resolve()
        return self.jobs.submit("score", name, ["score", str(run), "--stamp", "--json", str(run / SCORES)])

    def watch(self, name: str) -> Watched:
        """A run and the last job for it.

        Raises:
            RefusedError: There is neither.
        """
        run, found = self.runs.view(name), self.jobs.latest_of(name)
        if run is None and found is None:
            raise RefusedError(404, f"there is no run {name!r}", code="not_found")
        return Watched(job=None if found is None else job_view(*found), run=run)

    def listed(self, name: str, path: Path) -> ListedVoice:
        """What is told of a voice's file, found once for each state of it.

        Raises:
            OSError: It cannot be read.
            VoiceError: It is damaged.
        """
        status = path.stat()
        key = str(path), status.st_mtime_ns, status.st_size
        if key not in self._listed:
            self._listed[key] = listed_voice(name, path)
        return self._listed[key]


def job_view(job: Job, state: State) -> JobView:
    """A job as clients see it."""
    return JobView(
        number=job.number,
        kind=job.kind,
        run=job.run,
        source=job.source,
        state=state.stand,
        asked=job.asked,
        begun=state.begun,
        ended=state.ended,
        message=state.message,
        told=job.last_words() if state.stand == "running" else "",
    )
