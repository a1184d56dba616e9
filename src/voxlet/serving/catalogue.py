"""Routes that list what a server offers: models, voices, words, styles, attributes; styles of recordings."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, File, Form, Query, UploadFile
from pydantic import BaseModel

from voxlet.errors import AudioError
from voxlet.files import temporary_folder
from voxlet.serving.refusals import RESPONSES
from voxlet.serving.speech import SpeechService
from voxlet.serving.voices import USUAL_MODELS, ListedVoice, ServedVoice, spoken_ids, style_id
from voxlet.speak.manner import BOUNDS, USUAL
from voxlet.speak.voice import Voice

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Asked = Annotated[str, Query(min_length=1, max_length=200, description="A model of `/v1/models`")]
UNITS = {"speed": "times the speaker's own", "pitch": "semitones", "clarity": "share"}


class Model(BaseModel):
    """A model: one voice file."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: Literal["voxlet"] = "voxlet"


class Models(BaseModel):
    """The models that the server offers."""

    object: Literal["list"] = "list"
    data: list[Model]


class SpokenVoice(BaseModel):
    """A value that a request for speech may have as its `voice`."""

    id: str
    name: str
    model: str


class SpokenVoices(BaseModel):
    """The voices of one model or of all models."""

    voices: list[SpokenVoice]


class Words(BaseModel):
    """The words that a model can say; `language` is a BCP 47 tag."""

    model: str
    language: str
    words: list[str]


class StylesOf(BaseModel):
    """A model's named speakers as points in its style space: vectors of `size` numbers."""

    model: str
    size: int
    styles: dict[str, list[float]]


class Attribute(BaseModel):
    """A property of speech that a request can set: its bounds, its default (`usual`) and its unit."""

    name: str
    least: float
    most: float
    usual: float
    unit: str


class Attributes(BaseModel):
    """The attributes that a model has learned."""

    model: str
    attributes: list[Attribute]


class Likeness(BaseModel):
    """The style of the speaker in a recording: send `{"id": ...}` as the `voice` of a request for speech."""

    model: str
    id: str
    style: list[float]


def catalogue_routes(speaking: SpeechService) -> APIRouter:
    """The routes that list what the server offers."""
    router = APIRouter(responses=RESPONSES)

    @router.get("/v1/models")
    async def list_models() -> Models:
        """List the models: the voice files, in the form of OpenAI's API."""
        return Models(data=[_model(one) for one in await speaking.workers.run(speaking.voices.listed)])

    @router.get("/v1/models/{model}")
    async def retrieve_model(model: str) -> Model:
        """Describe one model."""
        return _model(await speaking.voice_of(model))

    @router.get("/v1/audio/voices")
    async def list_voices(model: Asked | None = None) -> SpokenVoices:
        """List the voices of one model or of all models."""
        if model is None:
            asked = await speaking.workers.run(speaking.voices.listed)
        else:
            served = await speaking.voice_of(model)
            asked = [ListedVoice(served.name, served.voice.info, served.changed)]
        found = [
            SpokenVoice(id=name, name=name, model=one.name) for one in asked for name in spoken_ids(one.info)
        ]
        return SpokenVoices(voices=found)

    @router.get("/v1/audio/words")
    async def list_words(model: Asked = USUAL_MODELS[0]) -> Words:
        """List the words that a model can say."""
        served = await speaking.voice_of(model)
        return Words(model=served.name, language=served.voice.language, words=list(served.voice.labels))

    @router.get("/v1/audio/styles")
    async def list_styles(model: Asked = USUAL_MODELS[0]) -> StylesOf:
        """List a model's named speakers as points in its style space."""
        served = await speaking.voice_of(model)
        info = served.voice.info
        styles = {name: [float(number) for number in style] for name, style in info.styles.items()}
        return StylesOf(model=served.name, size=info.style_size, styles=styles)

    @router.get("/v1/audio/attributes")
    async def list_attributes(model: Asked = USUAL_MODELS[0]) -> Attributes:
        """List which of speed, pitch and clarity a model has learned, with their bounds."""
        served = await speaking.voice_of(model)
        return Attributes(
            model=served.name, attributes=[_attribute(name) for name in served.voice.info.attributes]
        )

    @router.post("/v1/audio/like")
    async def create_style(
        file: Annotated[UploadFile, File(description="A recording of a word or more")],
        model: Annotated[str, Form(min_length=1, max_length=200)] = USUAL_MODELS[0],
    ) -> Likeness:
        """Compute the style of the speaker in a recording. The recording is not kept."""
        served = await speaking.voice_of(model)
        await speaking.turns.take()
        try:
            return await speaking.workers.run(lambda: _likeness(served, file))
        finally:
            speaking.turns.give_back()

    return router


def _model(served: ServedVoice | ListedVoice) -> Model:
    return Model(id=served.name, created=served.changed)


def _attribute(name: str) -> Attribute:
    least, most = BOUNDS[name]
    return Attribute(name=name, least=least, most=most, usual=USUAL[name], unit=UNITS[name])


@contextmanager
def uploaded(recording: bytes, called: str) -> Iterator[Path]:
    """A recording that a client has sent, as a temporary file; errors about it name it `called`."""
    with temporary_folder() as folder:
        path = folder / "recording"
        path.write_bytes(recording)
        try:
            yield path
        except AudioError as error:  # its `where` names the temporary file
            raise AudioError(error.what, where=called, remedy=error.remedy) from error


def _likeness(served: ServedVoice, file: UploadFile) -> Likeness:
    voice: Voice = served.voice
    with uploaded(file.file.read(), "file") as path:
        style = voice.like(path)
    return Likeness(model=served.name, id=style_id(style), style=[float(number) for number in style])
