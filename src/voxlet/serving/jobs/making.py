"""What a server makes in its folder: takes, jobs and runs; and the loop that starts jobs.

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

TICK = 0.5  # seconds between checks of the jobs
RESERVED = ("takes", "jobs")
SCORES = "score.json"  # in a run's folder: all its scores
MOST_RUNS = 1000  # of one set of takes
log = logging.getLogger("voxlet.serving")


class AskedJob(BaseModel):
    """A job to begin: adapt a voice to the takes `name` in so many minutes, or score the run `name`."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    kind: Literal["adapt", "score"]
    name: Annotated[str, Field(min_length=1, max_length=LONGEST_NAME)]
    minutes: Annotated[float, Field(ge=0.5, le=600)] = 10


class JobView(BaseModel):
    """A job; times are in seconds since 1970, `begun` and `ended` are 0 before that.

    While the job runs, `told` is the last line of progress that its command printed.
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
    """A run, once it has begun, and the latest job for it."""

    job: JobView | None
    run: RunView | None


class VoiceMaker:
    """The takes, jobs and runs of a server; inside the `async with` block the folder is this server's alone.

    Args:
        folder: Where takes, jobs and runs are kept, created if missing.
        command: How jobs call `voxlet`.

    Raises:
        MissingExtraError: The extra `train` is not installed.
    """

    def __init__(self, folder: Path, command: Sequence[str] = VOXLET) -> None:
        import_extra("filelock", "train")
        self.takes = TakeSets(folder / "takes")
        self.jobs = Jobs(folder / "jobs", command)
        self.runs = Runs(folder)
        self.closing = asyncio.Event()  # set when streams of events have to end
        self._listed: dict[tuple[str, int, int], ListedVoice] = {}
        self._watch: asyncio.Task[None] | None = None

    async def __aenter__(self) -> VoiceMaker:
        """Take over the folder with the jobs that earlier servers left.

        Raises:
            ConfigError: Another server uses the folder.
            FileError: The folder cannot be written.
        """
        self.jobs.open()
        self._watch = asyncio.create_task(self._look_after())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave the folder to the next server; a running job continues."""
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
        """Submit a job.

        Raises:
            RefusedError: The takes or the voice do not exist, a word has no take, or `Jobs.submit` refuses.
            FileError: The job cannot be written.
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
        """The run to continue, if one of these takes and minutes was cancelled or failed; else a new one."""
        for job, state in self.jobs.all():
            same = job.source == name and job.digest == f"{digest} {minutes:g}"
            if same and state.stand in ("cancelled", "failed"):
                return job.run
        taken = {job.run for job, _ in self.jobs.all()} | set(RESERVED)
        for number in range(1, MOST_RUNS + 1):
            run = name if number == 1 else f"{name}-{number}"
            if run not in taken and not self.runs.path(run).exists():
                return run
        raise RefusedError(409, f"there are {MOST_RUNS} runs of {name!r}; remove some folders")

    def _score(self, name: str) -> Job:
        self.runs.voice(name)
        run = self.runs.path(name).resolve()
        return self.jobs.submit("score", name, ["score", str(run), "--stamp", "--json", str(run / SCORES)])

    def watch(self, name: str) -> Watched:
        """A run and the latest job for it.

        Raises:
            RefusedError: There is neither.
        """
        run, found = self.runs.view(name), self.jobs.latest_of(name)
        if run is None and found is None:
            raise RefusedError(404, f"there is no run {name!r}", code="not_found")
        return Watched(job=None if found is None else job_view(*found), run=run)

    def listed(self, name: str, path: Path) -> ListedVoice:
        """What the page is told of a voice file, which is read again only if it has changed.

        Raises:
            OSError: The file cannot be read.
            VoiceError: The file is damaged.
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
