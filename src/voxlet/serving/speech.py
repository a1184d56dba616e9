"""`POST /v1/audio/speech`: a text spoken by a voice, as in OpenAI's API."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from voxlet.audio import Samples
from voxlet.serving.answer import StreamedResponse, as_events
from voxlet.serving.formats import MEDIA_TYPES, RATE, Format, encode, open_encoder
from voxlet.serving.limits import LARGEST_SEED, LONGEST_TEXT, Limits, Turns
from voxlet.serving.metrics import Metrics
from voxlet.serving.refusals import RESPONSES, RefusedError
from voxlet.serving.voices import ServedVoice, ServedVoices, parse_speaker
from voxlet.serving.work import Workers
from voxlet.speak.manner import BOUNDS, USUAL, Manner
from voxlet.speak.speech import describe, shape, wav_metadata
from voxlet.version import __version__

LONGEST_VOICE = 20_000  # characters: enough for a style of the largest size
EVENTS = "text/event-stream"
SOUND = {"schema": {"type": "string", "format": "binary"}}


class VoiceById(BaseModel):
    """A voice, given by its id."""

    model_config = ConfigDict(extra="forbid")
    id: Annotated[str, Field(min_length=1, max_length=LONGEST_VOICE)]


def _bounded(name: str) -> object:
    least, most = BOUNDS[name]
    return Field(ge=least, le=most)


class SpeechRequest(BaseModel):
    """The text to say, who says it and how. `pitch`, `clarity` and `seed` are voxlet's additions."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    model: Annotated[str, Field(min_length=1, max_length=200)]
    input: Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]
    voice: Annotated[str, Field(min_length=1, max_length=LONGEST_VOICE)] | VoiceById
    instructions: Annotated[str, Field(max_length=0)] | None = None
    response_format: Format = "mp3"
    stream_format: Literal["audio", "sse"] = "audio"
    speed: Annotated[float, _bounded("speed")] = USUAL["speed"]
    pitch: Annotated[float, _bounded("pitch")] = USUAL["pitch"]
    clarity: Annotated[float, _bounded("clarity")] = USUAL["clarity"]
    seed: Annotated[int, Field(ge=0, le=LARGEST_SEED)] = 0

    @property
    def voice_id(self) -> str:
        """The id of the voice, in whichever form it was given."""
        return self.voice if isinstance(self.voice, str) else self.voice.id


@dataclass(frozen=True)
class SpeechService:
    """What a request for speech needs: the voices, limits, queue, threads and metrics."""

    voices: ServedVoices
    limits: Limits
    turns: Turns
    workers: Workers
    metrics: Metrics

    async def voice_of(self, model: str) -> ServedVoice:
        """The voice that a client's `model` names; one made on this server is opened if necessary.

        Raises:
            RefusedError: There is no such model.
            VoiceError: The voice's file is damaged.
        """
        found = self.voices.find(model) or await self.workers.run(lambda: self.voices.find_made(model))
        if found is None:
            raise RefusedError(
                404,
                f"there is no model {model!r}; the models are: {self.voices.names}",
                param="model",
                code="model_not_found",
            )
        return found

    async def begin(self, request: SpeechRequest) -> AsyncIterator[bytes]:
        """The bytes of the answer; the first piece is made before returning, so that errors are raised here.

        Raises:
            RefusedError: There is no such model.
            VoxletError: The voice cannot say the text.
        """
        begun = time.perf_counter()
        served = await self.voice_of(request.model)
        steps = self.workers.each(await self.workers.run(lambda: self._steps(served, request), first=True))
        first = await anext(steps)
        self.metrics.first_piece.observe(time.perf_counter() - begun)

        async def all_of_them() -> AsyncIterator[bytes]:
            yield first
            async for step in steps:
                yield step

        return all_of_them()

    def _steps(self, served: ServedVoice, request: SpeechRequest) -> Iterator[bytes]:
        voice = served.voice
        speaker = parse_speaker(request.voice_id)
        manner = Manner(request.speed, request.pitch, request.clarity)
        text, seed = request.input, request.seed
        pieces = voice.stream(
            text, speaker=speaker.speaker, style=speaker.style, manner=manner, seed=seed, rate=RATE
        )
        about = {**describe(voice, text, speaker.speaker, speaker.style, seed), **manner.metadata}
        encoder = open_encoder(request.response_format, wav_metadata(about))
        return encode(self._counted(piece.samples for piece in pieces), encoder)

    def _counted(self, sounds: Iterator[Samples]) -> Iterator[Samples]:
        for sound in sounds:
            self.metrics.words.inc()
            self.metrics.seconds_of_sound.inc(len(sound) / RATE)
            yield sound


def speech_routes(speaking: SpeechService) -> APIRouter:
    """The route that turns text into speech."""
    router = APIRouter()
    kinds = {**dict.fromkeys(MEDIA_TYPES.values(), SOUND), EVENTS: {"schema": {"type": "string"}}}

    @router.post(
        "/v1/audio/speech",
        response_class=Response,
        responses={**RESPONSES, 200: {"content": kinds, "description": "The sound, as it is made"}},
    )
    async def create_speech(request: SpeechRequest) -> Response:
        """Turn a text into speech."""
        await speaking.turns.take()
        try:
            pieces = await speaking.begin(request)
        except BaseException:
            speaking.turns.give_back()
            raise
        media_type = MEDIA_TYPES[request.response_format]
        if request.stream_format == "sse":
            pieces, media_type = as_events(pieces), EVENTS
        return StreamedResponse(
            pieces,
            media_type,
            {"X-Synthetic": f"voxlet {__version__}", "Cache-Control": "no-store"},
            speaking.limits,
            speaking.turns.give_back,
        )

    return router


def warm_up(served: ServedVoice) -> None:
    """Say one word, so that the first client waits no longer than later ones."""
    voice = served.voice
    (clip,) = voice.sample(voice.labels[:1])
    sound = shape(clip, voice.rate, RATE, voice.labels[0])
    for _ in encode(iter([sound]), open_encoder("mp3", {})):
        pass
