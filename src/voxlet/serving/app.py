"""The application: API routes, the page and voice files behind one guard, without global state."""

from __future__ import annotations

import contextlib
import functools
import mimetypes
import os
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from voxlet.errors import VoiceError
from voxlet.evaluation.report.verdict import verdict_of_card
from voxlet.extras import import_extra
from voxlet.serving import refusals
from voxlet.serving.answer import content_answer
from voxlet.serving.catalogue import catalogue_routes
from voxlet.serving.guard import Guard, check_key
from voxlet.serving.limits import Limits, Turns
from voxlet.serving.metrics import CONTENT_TYPE, Metrics
from voxlet.serving.refusals import RESPONSES, RefusedError
from voxlet.serving.speech import SpeechService, speech_routes, warm_up
from voxlet.serving.static.maps import StoredMap, find_maps
from voxlet.serving.voices import ServedVoices, serve_voice
from voxlet.serving.work import Workers
from voxlet.speak.voice import Voice
from voxlet.speak.voice_file import SUFFIX
from voxlet.version import __version__

if TYPE_CHECKING:
    from voxlet.serving.jobs.making import VoiceMaker

PAGE = Path(__file__).parent / "page"
DEFAULT_LIMITS = Limits()
# Media types of the page's files: Windows' registry may call scripts text, which browsers do not run.
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


class VoiceOfPage(BaseModel):
    """A voice file that a browser can fetch; `file` is its path relative to the page.

    `verdict` sums up the scorecard in the voice's model card in a few sentences.
    """

    name: str
    file: str
    bytes: int
    sha256: str
    verdict: str


class VoicesOfPage(BaseModel):
    """The voices that the page offers; `makes` says whether new ones can be made on this server."""

    voices: list[VoiceOfPage]
    makes: bool = False


class MapOfPage(BaseModel):
    """A map that a browser can fetch; `file` is its path relative to the page."""

    name: str
    file: str


class MapsOfPage(BaseModel):
    """The maps that the page shows."""

    maps: list[MapOfPage]


class Health(BaseModel):
    """The state of the server."""

    status: str = "ok"


def create_app(
    voices: Sequence[Voice],
    *,
    limits: Limits = DEFAULT_LIMITS,
    key: str | None = None,
    threads: int | None = None,
    page: Path = PAGE,
    maps: Sequence[str | os.PathLike[str]] = (),
    wyoming: socket.socket | None = None,
    making: VoiceMaker | None = None,
) -> FastAPI:
    """The application that serves `voices`.

    Args:
        voices: Each is served under the name of its file; the first also answers for OpenAI's model names.
        limits: Limits on requests and answers.
        key: Required for every path but `/healthz`; None: only requests to a local host name are answered, so
            serve the application on `localhost` alone.
        threads: Threads that synthesise speech; None: one for each core, at most 8.
        page: A folder that is served at `/`, if it exists.
        maps: Folders written by `voxlet explore`, for the page; if empty, the map that comes with voxlet.
        wyoming: A listening socket on which the Wyoming protocol is answered as well.
        making: Records takes and makes voices; None: the server does neither.

    Raises:
        ConfigError: There are no voices or two of one name, a folder holds no map, or the key is invalid.
        VoiceError: The file of a voice cannot be read, or was replaced since the voice was loaded.
        MissingExtraError: The package for the Wyoming protocol is not installed.
    """
    if key is not None:
        check_key(key)
    if wyoming is not None:
        import_extra("wyoming", "wyoming")
    made = making.runs.voices if making is not None else tuple
    served = ServedVoices([serve_voice(voice) for voice in voices], made)
    turns, workers = Turns(limits), Workers(threads)
    speaking = SpeechService(served, limits, turns, workers, Metrics(turns))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        for one in served.all:
            await workers.run(functools.partial(warm_up, one))
        async with AsyncExitStack() as held:
            if wyoming is not None:
                from voxlet.serving.home_assistant import HomeAssistant

                await held.enter_async_context(HomeAssistant(speaking, wyoming))
            if making is not None:
                await held.enter_async_context(making)
            yield
        workers.close()

    app = FastAPI(
        title="voxlet",
        version=__version__,
        summary="Speech from variational autoencoders, as OpenAI's clients ask for it",
        lifespan=lifespan,
        docs_url=None,  # both documentation pages load scripts from another site
        redoc_url=None,
    )
    refusals.install(app)
    app.include_router(speech_routes(speaking))
    app.include_router(catalogue_routes(speaking))
    _add_own_routes(app, speaking, making)
    _add_maps(app, find_maps(maps))
    if making is not None:
        from voxlet.serving.jobs.routes import making_routes

        app.include_router(making_routes(making, speaking))
        app.state.closing = making.closing
    for suffix, kind in TYPES.items():
        mimetypes.add_type(kind, suffix)
    if page.is_dir():
        app.mount("/", StaticFiles(directory=page, html=True), name="page")
    app.add_middleware(Guard, limits=limits, key=key, metrics=speaking.metrics)
    return app


def _add_maps(app: FastAPI, maps: Sequence[StoredMap]) -> None:
    """Add the list of the page's maps, and the maps' files."""

    @app.get("/maps.json")
    async def maps_of_page() -> MapsOfPage:
        """List the maps that the page shows."""
        return MapsOfPage(maps=[MapOfPage(name=one.listed.name, file=one.listed.file) for one in maps])

    for one in maps:
        folder = one.listed.file.rpartition("/")[0]
        app.mount(f"/{folder}", StaticFiles(directory=one.folder), name=folder)


def _add_own_routes(app: FastAPI, speaking: SpeechService, making: VoiceMaker | None) -> None:
    """Add the routes that are not part of OpenAI's API: health, metrics and the page's voice files."""

    @app.get("/healthz")
    async def health() -> Health:
        """Report that the server is running."""
        return Health()

    @app.get("/metrics", response_class=PlainTextResponse)
    async def metrics() -> Response:
        """Return metrics in Prometheus' text format."""
        return Response(speaking.metrics.text(), media_type=CONTENT_TYPE)

    @app.get("/voices.json")
    async def voices_of_page() -> VoicesOfPage:
        """List the voice files that a browser can fetch."""
        found = [
            VoiceOfPage(
                name=one.name,
                file=f"voices/{one.name}{SUFFIX}",
                bytes=len(one.content),
                sha256=one.digest,
                verdict=verdict_of_card(one.voice.info.card),
            )
            for one in speaking.voices.all
        ]
        if making is not None:
            found += await speaking.workers.run(lambda: made_voices(making, speaking.voices.made()))
        return VoicesOfPage(voices=found, makes=making is not None)

    @app.get(
        f"/voices/{{name}}{SUFFIX}",
        response_class=Response,
        responses={
            **RESPONSES,
            200: {"content": {"application/octet-stream": {}}, "description": "The file"},
        },
    )
    async def voice_file(name: str) -> Response:
        """Download a voice file."""
        found = next((one for one in speaking.voices.all if one.name == name), None)
        if found is None:
            raise RefusedError(404, f"there is no voice {name!r}", code="not_found")
        return content_answer(found.content, "application/octet-stream", found.digest)


def made_voices(making: VoiceMaker, voices: Mapping[str, Path]) -> list[VoiceOfPage]:
    """The voices that runs on this server have produced; a file that cannot be read is left out."""
    found = []
    for name, path in voices.items():
        with contextlib.suppress(OSError, VoiceError):  # the file is being replaced, or was removed
            file = f"runs/{path.parent.name}/voice"
            found.append(VoiceOfPage(**asdict(replace(making.listed(name, path), file=file))))
    return found
