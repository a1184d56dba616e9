"""The voices of a server, by the names that clients ask for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from voxlet.errors import ConfigError, VoiceError
from voxlet.speak.styles import RANDOM, listed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from voxlet.speak.speech import Style
    from voxlet.speak.voice import Voice

# What OpenAI's clients ask for unless they are told otherwise: here the first voice.
USUAL_MODELS = ("tts-1", "tts-1-hd", "gpt-4o-mini-tts")
DEFAULT = "default"  # asked for as a voice: the model's first speaker
STYLE = "style:"  # begins a voice that is a point in the space of styles
DECIMALS = 6  # of such a point


@dataclass(frozen=True, eq=False)
class ServedVoice:
    """A voice and its file; `name` is what clients call it, their `model`."""

    name: str
    voice: Voice
    size: int  # bytes
    digest: str  # SHA-256 of the file
    changed: int  # seconds since 1970

    @property
    def file(self) -> Path:
        """Where it lies."""
        return self.voice.path


@dataclass(frozen=True)
class Who:
    """Who speaks: a speaker as `Voice` takes it, or a style (S,)."""

    speaker: str | None = None
    style: Style | None = None


def serve_voice(voice: Voice) -> ServedVoice:
    """A loaded voice under the name of its file.

    Raises:
        VoiceError: The file cannot be read any more.
    """
    try:
        data, changed = voice.path.read_bytes(), voice.path.stat().st_mtime
    except OSError as error:
        raise VoiceError(f"cannot be read ({error.strerror})", where=voice.path) from error
    return ServedVoice(
        voice.path.stem, voice, len(data), hashlib.sha256(data).hexdigest(), max(0, int(changed))
    )


class ServedVoices:
    """The voices of a server; the first is the one that speaks for models of other makers.

    Raises:
        ConfigError: There are none, or two of one name.
    """

    def __init__(self, voices: Iterable[ServedVoice]) -> None:
        self.all = tuple(voices)
        if not self.all:
            raise ConfigError("there is no voice to serve", remedy="name a voice file")
        self._by_name = {served.name: served for served in self.all}
        if len(self._by_name) < len(self.all):
            names = [served.name for served in self.all]
            twice = next(name for name in names if names.count(name) > 1)
            raise ConfigError(
                f"two voices are named {twice!r}", remedy="rename one of the files, or serve one of them"
            )

    def find(self, model: str) -> ServedVoice | None:
        """The voice that a client's `model` means."""
        return self._by_name.get(model) or (self.all[0] if model in USUAL_MODELS else None)

    @property
    def names(self) -> str:
        """All of them, for an error."""
        return listed(self._by_name)


def who(spec: str) -> Who:
    """Who is meant by a client's `voice`: `default`, a speaker, a blend, `random`, or `style:0.3,-1.2,...`.

    Raises:
        VoiceError: A style that is no list of numbers.
    """
    if spec == DEFAULT:
        return Who()
    if not spec.startswith(STYLE):
        return Who(speaker=spec)
    try:
        numbers = [float(number) for number in spec.removeprefix(STYLE).split(",")]
    except ValueError as error:
        raise VoiceError(
            "a style is numbers with commas between them", where="voice", remedy=f"such as {STYLE}0.3,-1.2"
        ) from error
    import numpy as np

    return Who(style=np.array(numbers, dtype=np.float32))


def style_id(style: Style) -> str:
    """How a client asks for a style (S,): `who` reads it."""
    return STYLE + ",".join(f"{round(float(number), DECIMALS):g}" for number in style)


def spoken_ids(voice: Voice) -> list[str]:
    """What a client may ask for as this model's `voice`, beside blends and styles."""
    return [*voice.speakers, RANDOM, DEFAULT]
