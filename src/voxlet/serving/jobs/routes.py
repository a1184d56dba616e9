"""The routes for making voices: takes are recorded, jobs begun and cancelled, runs watched."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse
from pydantic import BaseModel
from starlette.responses import Response

from voxlet.errors import FileError
from voxlet.serving.answer import StreamedResponse, file_answer
from voxlet.serving.jobs.events import TYPE, Watching
from voxlet.serving.jobs.making import AskedJob, JobView, VoiceMaker, job_view
from voxlet.serving.jobs.runs import RunSummary
from voxlet.serving.jobs.takes import LONGEST_WORD, Checked, TakesView, Wanted
from voxlet.serving.refusals import RESPONSES, RefusedError, content_type
from voxlet.serving.speech import SpeechService

WAV = "audio/wav"
SOUND: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
WAV_BODY = {"requestBody": {"required": True, "content": {WAV: SOUND}}}
FRESH = {"Cache-Control": "no-store"}


class Names(BaseModel):
    """The names of all sets of takes."""

    names: list[str]


class RunsFound(BaseModel):
    """The runs, the newest first."""

    runs: list[RunSummary]


class JobsFound(BaseModel):
    """All jobs, the newest first."""

    jobs: list[JobView]


def file_of(kind: str, what: str) -> dict[int | str, dict[str, Any]]:
    """The responses of a route that answers with a file, for the OpenAPI schema."""
    return {**RESPONSES, 200: {"content": {kind: SOUND}, "description": what}}


def making_routes(making: VoiceMaker, speaking: SpeechService) -> APIRouter:
    """The routes for takes, jobs and runs."""
    router = APIRouter(responses=RESPONSES)
    _add_takes(router, making, speaking)
    _add_jobs(router, making, speaking)
    _add_runs(router, making, speaking)
    return router


def _add_takes(router: APIRouter, making: VoiceMaker, speaking: SpeechService) -> None:
    run = speaking.workers.run

    @router.get("/takes")
    async def list_takes() -> Names:
        """List the sets of takes."""
        return Names(names=await run(making.takes.names))

    @router.put("/takes/{name}")
    async def want_takes(name: str, wanted: Wanted) -> TakesView:
        """Create a set of takes, or change its words. Recorded takes are kept."""
        return await run(lambda: making.takes.want(name, wanted))

    @router.get("/takes/{name}")
    async def read_takes(name: str) -> TakesView:
        """Describe a set of takes, with the word to say next."""
        return await run(lambda: making.takes.view(name))

    @router.post("/takes/{name}", openapi_extra=WAV_BODY)
    async def add_take(
        name: str, word: Annotated[str, Query(min_length=1, max_length=LONGEST_WORD)], request: Request
    ) -> Checked:
        """Check a take of a word, and keep it if nothing is wrong with it."""
        if content_type(request) != WAV:
            raise RefusedError(415, f"a take must be sent as {WAV}")
        recording = await request.body()
        try:
            return await run(lambda: making.takes.add(name, word, recording))
        except FileError as error:  # the request is not at fault for the server's disk
            raise RefusedError(507, str(error), code="not_kept") from error

    @router.get("/takes/{name}/{file}", response_class=FileResponse, responses=file_of(WAV, "The take"))
    async def read_take(name: str, file: str) -> FileResponse:
        """Download a take."""
        path = await run(lambda: making.takes.find(name, file))
        return file_answer(path, WAV, FRESH)

    @router.delete("/takes/{name}/{file}")
    async def remove_take(name: str, file: str) -> TakesView:
        """Remove a take, so that it can be recorded again."""
        return await run(lambda: making.takes.remove(name, file))


def _add_jobs(router: APIRouter, making: VoiceMaker, speaking: SpeechService) -> None:
    run = speaking.workers.run

    @router.get("/jobs")
    async def list_jobs() -> JobsFound:
        """List the jobs, the newest first."""
        return JobsFound(jobs=[job_view(*found) for found in making.jobs.all()])

    @router.post("/jobs")
    async def begin_job(asked: AskedJob) -> JobView:
        """Submit a job. It begins in its own process when the jobs before it have ended."""
        return await run(lambda: making.submit(asked))

    @router.delete("/jobs/{number}")
    async def cancel_job(number: int) -> JobView:
        """Cancel a job. It saves what was trained; the same job, submitted again, continues from there."""
        await run(lambda: making.jobs.cancel(number))
        return job_view(*making.jobs.find(number))


def _add_runs(router: APIRouter, making: VoiceMaker, speaking: SpeechService) -> None:
    run, watching = speaking.workers.run, Watching(making)

    @router.get("/runs")
    async def list_runs() -> RunsFound:
        """List the runs, the newest first."""
        return RunsFound(runs=await run(making.runs.newest))

    @router.get(
        "/runs/{name}/events",
        response_class=Response,
        responses={
            **RESPONSES,
            200: {"content": {TYPE: {"schema": {"type": "string"}}}, "description": "What changes"},
        },
    )
    async def watch_run(name: str) -> StreamedResponse:
        """Watch a run and its latest job as server-sent events."""
        events = watching.begin(name)
        return StreamedResponse(events, TYPE, FRESH, speaking.limits, watching.end)

    @router.get(
        "/runs/{name}/samples/{file}", response_class=FileResponse, responses=file_of(WAV, "The sample")
    )
    async def read_sample(name: str, file: str) -> FileResponse:
        """Download a clip that a run has generated during training."""
        path = await run(lambda: making.runs.sample(name, file))
        return file_answer(path, WAV, FRESH)

    @router.get(
        "/runs/{name}/voice",
        response_class=FileResponse,
        responses=file_of("application/octet-stream", "The voice's file"),
    )
    async def read_voice(name: str) -> FileResponse:
        """Download the voice that a run has produced."""
        path = await run(lambda: making.runs.voice(name))
        return file_answer(path, "application/octet-stream", filename=path.name)
