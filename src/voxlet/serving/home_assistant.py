"""Speech over the Wyoming protocol, for Home Assistant; without keys, so for this machine only."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.error import Error
from wyoming.event import async_read_event, async_write_event
from wyoming.info import Attribution, Describe, Info, TtsProgram, TtsVoice, TtsVoiceSpeaker
from wyoming.ping import Ping, Pong
from wyoming.tts import Synthesize

from voxlet.errors import VoxletError
from voxlet.serving.formats import RATE
from voxlet.serving.limits import BusyError
from voxlet.serving.refusals import RefusedError
from voxlet.serving.speech import SpeechRequest, SpeechService
from voxlet.serving.voices import DEFAULT, spoken_ids
from voxlet.version import __version__

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from wyoming.event import Event, Eventable

    from voxlet.serving.voices import ListedVoice

LONGEST_EVENT = 2**17  # bytes of each part of an event
ROUTE = "wyoming"  # in the metrics
# Raised if a connection ends, or sends something that is not an event.
BROKEN = (OSError, EOFError, ValueError, TypeError, LookupError, AttributeError, RecursionError)
FORMAT = {"rate": RATE, "width": 2, "channels": 1}


class HomeAssistant:
    """Answers Wyoming clients on a socket; leaving the block waits for running answers."""

    def __init__(self, speaking: SpeechService, listening: socket.socket) -> None:
        self._speaking, self._listening = speaking, listening
        self._running: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> None:
        self._server = await asyncio.start_server(self._meet, sock=self._listening, limit=LONGEST_EVENT)

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await asyncio.gather(*self._running)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        bounded = _BoundedReader(reader)
        # Anything but an event ends the connection, as the start of the next event is unknown.
        with contextlib.suppress(*BROKEN):
            while (event := await self._next(bounded)) is not None:
                answering = asyncio.ensure_future(self._answer(event, writer))
                self._running.add(answering)
                try:
                    await answering
                finally:
                    self._running.discard(answering)
        writer.close()

    async def _next(self, reader: _BoundedReader) -> Event | None:
        async with asyncio.timeout(self._speaking.limits.head):
            return await async_read_event(reader)  # type: ignore[arg-type]

    async def _answer(self, event: Event, writer: asyncio.StreamWriter) -> None:
        if Describe.is_type(event.type):
            voices = await self._speaking.workers.run(self._speaking.voices.listed)
            await self._send(writer, _info(voices))
        elif Ping.is_type(event.type):
            await self._send(writer, Pong(text=Ping.from_event(event).text))
        elif Synthesize.is_type(event.type):
            await self._say(Synthesize.from_event(event), writer)

    async def _say(self, asked: Synthesize, writer: asyncio.StreamWriter) -> None:
        speaking, voice = self._speaking, asked.voice
        taken, status = False, 200
        try:
            request = SpeechRequest(
                model=(voice and voice.name) or speaking.voices.all[0].name,
                voice=(voice and voice.speaker) or DEFAULT,
                input=asked.text,
                response_format="pcm",
            )
            await speaking.turns.take()
            taken = True
            pieces = await speaking.begin(request)
            await self._send(writer, AudioStart(**FORMAT))
            async for piece in pieces:
                if piece:
                    await self._send(writer, AudioChunk(audio=piece, **FORMAT))
            await self._send(writer, AudioStop())
        except (VoxletError, RefusedError, BusyError, ValidationError) as error:
            status = 429 if isinstance(error, BusyError) else 400
            text = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
            await self._send(writer, Error(text=text))
        finally:
            if taken:
                speaking.turns.give_back()
            speaking.metrics.requests.labels(ROUTE, str(status)).inc()

    async def _send(self, writer: asyncio.StreamWriter, event: Eventable) -> None:
        async with asyncio.timeout(self._speaking.limits.stalled):
            await async_write_event(event.event(), writer)


class _BoundedReader:
    """A stream reader that refuses to read more at once than an event may hold."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self.readline = reader.readline  # bounded by the connection's limit
        self._reader = reader

    async def readexactly(self, count: Any) -> bytes:
        if not isinstance(count, int) or count > LONGEST_EVENT:
            raise ValueError("the event is too long")
        return await self._reader.readexactly(count)


def _info(voices: Sequence[ListedVoice]) -> Info:
    """The voices, as the protocol describes them."""
    program = TtsProgram(
        name="voxlet",
        description="Spoken words",
        version=__version__,
        attribution=Attribution(name="voxlet", url=""),
        installed=True,
        voices=[_voice(one) for one in voices],
    )
    return Info(tts=[program])


def _voice(one: ListedVoice) -> TtsVoice:
    info = one.info
    return TtsVoice(
        name=one.name,
        description=f"{len(info.labels)} words",
        version=info.version,
        attribution=Attribution(name=str(info.card.get("credit") or ""), url=""),
        installed=True,
        languages=[info.language],
        speakers=[TtsVoiceSpeaker(name) for name in spoken_ids(info)],
    )
