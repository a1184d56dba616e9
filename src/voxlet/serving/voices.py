"""The voices of a server, by the names that clients use."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from voxlet.errors import ConfigError, VoiceError
from voxlet.speak.styles import RANDOM, listed
from voxlet.speak.voice import load_voice
from voxlet.speak.voice_file import read_voice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from voxlet.speak.speech import Style
    from voxlet.speak.voice import Voice
    from voxlet.speak.voice_file import VoiceInfo

# OpenAI's own models, which its clients ask for by default: here they mean the first voice.
USUAL_MODELS = ("tts-1", "tts-1-hd", "gpt-4o-mini-tts")
DEFAULT = "default"  # the `voice` that means the model's first speaker
STYLE = "style:"  # prefix of a `voice` that is a point in the style space
DECIMALS = 6  # of a style's numbers, at most
OPEN = 4  # voices made on this server that are kept open


@dataclass(frozen=True, eq=False)
class ServedVoice:
    """A voice and what clients send as `model`; `changed` is in seconds since 1970."""

    name: str
    voice: Voice
    changed: int


@dataclass(frozen=True, eq=False)
class VoiceWithFile(ServedVoice):
    """A voice with the content of its file when the server started: another file may have replaced it since.

    `digest` is the SHA-256 of `content`.
    """

    content: bytes
    digest: str


@dataclass(frozen=True)
class ListedVoice:
    """What clients are told of a voice; `changed` is in seconds since 1970."""

    name: str
    info: VoiceInfo
    changed: int


@dataclass(frozen=True)
class SpeakerChoice:
    """Who speaks: a speaker as `Voice` takes it, or a style (S,); if neither, the first speaker."""

    speaker: str | None = None
    style: Style | None = None


def serve_voice(voice: Voice) -> VoiceWithFile:
    """A loaded voice under the name of its file, with what is in the file.

    Raises:
        VoiceError: The file can no longer be read, or holds another voice than when it was loaded.
    """
    changed, file = _state(voice.path)[1] // 10**9, read_voice(voice.path)
    if file.info.to_json() != voice.info.to_json():
        raise VoiceError("has been replaced since it was loaded", where=voice.path, remedy="load it again")
    digest = hashlib.sha256(file.model).hexdigest()
    return VoiceWithFile(voice.path.stem, voice, changed, file.model, digest)


class ServedVoices:
    """The voices of a server; the first one also answers for OpenAI's model names.

    Args:
        voices: The voices that the server was started with.
        made: Returns the files of the voices made on this server; called anew for each lookup.

    Raises:
        ConfigError: `voices` is empty, or two have the same name.
    """

    def __init__(
        self, voices: Iterable[VoiceWithFile], made: Callable[[], Sequence[Path]] = lambda: ()
    ) -> None:
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

        self._made, self._lock = made, threading.Lock()
        self._open: dict[tuple[Path, int, int], ServedVoice] = {}  # the most recently used is last
        self._told: dict[tuple[Path, int, int], ListedVoice] = {}

    def find(self, model: str) -> ServedVoice | None:
        """The voice that a client's `model` names, if the server was started with it; else None."""
        return self._by_name.get(model) or (self.all[0] if model in USUAL_MODELS else None)

    def made(self) -> dict[str, Path]:
        """Files of voices made on this server, by their runs' names; a name in use is prefixed by `runs/`."""
        names = {path: path.parent.name for path in self._made()}
        return {name if name not in self._by_name else f"runs/{name}": path for path, name in names.items()}

    def find_made(self, model: str) -> ServedVoice | None:
        """The voice made on this server under a name, opened as its file is now; None if there is none.

        Raises:
            VoiceError: The voice's file is damaged.
        """
        path = self.made().get(model)
        if path is None:
            return None
        with self._lock:
            state = _state(path)
            served = self._open.pop(state, None)
            served = served or ServedVoice(model, load_voice(path, threads=1), state[1] // 10**9)
            self._open[state] = served
            for oldest in list(self._open)[:-OPEN]:
                del self._open[oldest]
            return served

    def listed(self) -> list[ListedVoice]:
        """What clients are told of all voices; a file that is damaged or was just removed is left out."""
        found = [ListedVoice(one.name, one.voice.info, one.changed) for one in self.all]
        with self._lock:
            told = {}
            for name, path in self.made().items():
                with contextlib.suppress(VoiceError):
                    state = _state(path)
                    told[state] = self._told.get(state) or ListedVoice(
                        name, read_voice(path).info, state[1] // 10**9
                    )
            self._told = told
        return found + list(told.values())

    @property
    def names(self) -> str:
        """The names of the voices, for an error message."""
        return listed([*self._by_name, *self.made()])


def _state(path: Path) -> tuple[Path, int, int]:
    """A key for the file at a path, which differs if the file's time or size does.

    Raises:
        VoiceError: There is no such file any more.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise VoiceError(f"cannot be read ({error.strerror})", where=path) from error
    return path, status.st_mtime_ns, status.st_size


def parse_speaker(spec: str) -> SpeakerChoice:
    """Parse a client's `voice`: `default`, a speaker, a blend, `random`, or `style:0.3,-1.2,...`.

    Raises:
        VoiceError: A style is not a list of numbers.
    """
    if spec == DEFAULT:
        return SpeakerChoice()
    if not spec.startswith(STYLE):
        return SpeakerChoice(speaker=spec)
    try:
        numbers = [float(number) for number in spec.removeprefix(STYLE).split(",")]
    except ValueError as error:
        raise VoiceError(
            "a style is numbers with commas between them", where="voice", remedy=f"such as {STYLE}0.3,-1.2"
        ) from error
    import numpy as np

    return SpeakerChoice(style=np.array(numbers, dtype=np.float32))


def style_id(style: Style) -> str:
    """The `voice` by which a client asks for a style (S,); `who` parses it."""
    return STYLE + ",".join(f"{number:.{DECIMALS}f}".rstrip("0").rstrip(".") for number in style.tolist())


def spoken_ids(info: VoiceInfo) -> list[str]:
    """What a client may send as `voice` for this model, besides blends and styles."""
    return [*info.styles, RANDOM, DEFAULT]
