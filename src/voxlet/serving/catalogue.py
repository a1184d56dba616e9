"""What a server can say and how: its models, voices, words, styles, attributes; a style from a recording."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, File, Form, Query, UploadFile
from pydantic import BaseModel

from voxlet.errors import AudioError
from voxlet.files import temporary_folder
from voxlet.serving.refusals import RESPONSES
from voxlet.serving.speech import Speaking
from voxlet.serving.voices import USUAL_MODELS, ListedVoice, ServedVoice, spoken_ids, style_id
from voxlet.speak.manner import BOUNDS, USUAL
from voxlet.speak.voice import Voice

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Asked = Annotated[str, Query(min_length=1, max_length=200, description="A model of `/v1/models`")]
UNITS = {"speed": "times the speaker's own", "pitch": "semitones", "clarity": "share"}


class Model(BaseModel):
    """A voice file."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: Literal["voxlet"] = "voxlet"


class Models(BaseModel):
    """All of them."""

    object: Literal["list"] = "list"
    data: list[Model]


class SpokenVoice(BaseModel):
    """What may be asked for as `voice`."""

    id: str
    name: str
    model: str


class SpokenVoices(BaseModel):
    """All of them, of all models or one."""

    voices: list[SpokenVoice]


class Words(BaseModel):
    """The words that a model says; `language` is a tag of BCP 47."""

    model: str
    language: str
    words: list[str]


class StylesOf(BaseModel):
    """The named points in a model's space of styles, each of `size` numbers."""

    model: str
    size: int
    styles: dict[str, list[float]]


class Attribute(BaseModel):
    """Something that can be asked for beside a text: its bounds, and what it is unless asked for."""

    name: str
    least: float
    most: float
    usual: float
    unit: str


class Attributes(BaseModel):
    """What a model has learned."""

    model: str
    attributes: list[Attribute]


class Likeness(BaseModel):
    """The style of who speaks in a recording: give the request for speech `{"id": ...}` as its voice."""

    model: str
    id: str
    style: list[float]


def catalogue_routes(speaking: Speaking) -> APIRouter:
    """The routes that tell what there is."""
    router = APIRouter(responses=RESPONSES)

    @router.get("/v1/models")
    async def list_models() -> Models:
        """The voices, as OpenAI's clients know models."""
        return Models(data=[_model(one) for one in await speaking.workers.run(speaking.voices.listed)])

    @router.get("/v1/models/{model}")
    async def retrieve_model(model: str) -> Model:
        """One of them."""
        return _model(await speaking.voice_of(model))

    @router.get("/v1/audio/voices")
    async def list_voices(model: Asked | None = None) -> SpokenVoices:
        """Who speaks."""
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
        """Which words a model says."""
        served = await speaking.voice_of(model)
        return Words(model=served.name, language=served.voice.language, words=list(served.voice.labels))

    @router.get("/v1/audio/styles")
    async def list_styles(model: Asked = USUAL_MODELS[0]) -> StylesOf:
        """Where its speakers are in the space of styles."""
        served = await speaking.voice_of(model)
        info = served.voice.info
        styles = {name: [float(number) for number in style] for name, style in info.styles.items()}
        return StylesOf(model=served.name, size=info.style_size, styles=styles)

    @router.get("/v1/audio/attributes")
    async def list_attributes(model: Asked = USUAL_MODELS[0]) -> Attributes:
        """What can be asked for beside a text."""
        served = await speaking.voice_of(model)
        return Attributes(
            model=served.name, attributes=[_attribute(name) for name in served.voice.info.attributes]
        )

    @router.post("/v1/audio/like")
    async def create_style(
        file: Annotated[UploadFile, File(description="A recording of a word or more")],
        model: Annotated[str, Form(min_length=1, max_length=200)] = USUAL_MODELS[0],
    ) -> Likeness:
        """The style of who speaks in a recording, which is not kept."""
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
    """A recording that a client has sent, as a file while it is read; errors name it as the client does."""
    with temporary_folder() as folder:
        path = folder / "recording"
        path.write_bytes(recording)
        try:
            yield path
        except AudioError as error:  # its `where` is the temporary file
            raise AudioError(error.what, where=called, remedy=error.remedy) from error


def _likeness(served: ServedVoice, file: UploadFile) -> Likeness:
    voice: Voice = served.voice
    with uploaded(file.file.read(), "file") as path:
        style = voice.like(path)
    return Likeness(model=served.name, id=style_id(style), style=[float(number) for number in style])
