"""The voices of a server, by the names that clients ask for."""

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

# What OpenAI's clients ask for unless they are told otherwise: here the first voice.
USUAL_MODELS = ("tts-1", "tts-1-hd", "gpt-4o-mini-tts")
DEFAULT = "default"  # asked for as a voice: the model's first speaker
STYLE = "style:"  # begins a voice that is a point in the space of styles
DECIMALS = 6  # of such a point
OPEN = 4  # voices made here that are kept open


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
class ListedVoice:
    """What is told of a voice; `changed` in seconds since 1970."""

    name: str
    info: VoiceInfo
    changed: int


@dataclass(frozen=True)
class Who:
    """Who speaks: a speaker as `Voice` takes it, or a style (S,)."""

    speaker: str | None = None
    style: Style | None = None


def serve_voice(voice: Voice, name: str | None = None) -> ServedVoice:
    """A loaded voice under a name, or that of its file.

    Raises:
        VoiceError: The file cannot be read any more.
    """
    try:
        data, changed = voice.path.read_bytes(), voice.path.stat().st_mtime
    except OSError as error:
        raise VoiceError(f"cannot be read ({error.strerror})", where=voice.path) from error
    return ServedVoice(
        name or voice.path.stem, voice, len(data), hashlib.sha256(data).hexdigest(), max(0, int(changed))
    )


class ServedVoices:
    """The voices of a server; the first is the one that speaks for models of other makers.

    Args:
        voices: Those that it was started with.
        made: Files of those that it makes: looked for at each question, so that a new one is there at once.

    Raises:
        ConfigError: There are none, or two of one name.
    """

    def __init__(
        self, voices: Iterable[ServedVoice], made: Callable[[], Sequence[Path]] = lambda: ()
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
        self._open: dict[tuple[Path, int, int], ServedVoice] = {}  # the one used last at the end
        self._told: dict[tuple[Path, int, int], ListedVoice] = {}

    def find(self, model: str) -> ServedVoice | None:
        """The voice that a client's `model` means, of those that the server was started with."""
        return self._by_name.get(model) or (self.all[0] if model in USUAL_MODELS else None)

    def made(self) -> dict[str, Path]:
        """Voices made here by the names of their runs; a name that is taken has `runs/` before it."""
        names = {path: path.parent.name for path in self._made()}
        return {name if name not in self._by_name else f"runs/{name}": path for path, name in names.items()}

    def find_made(self, model: str) -> ServedVoice | None:
        """The voice that was made under this name, opened as it is now.

        Raises:
            VoiceError: Its file is damaged.
        """
        path = self.made().get(model)
        if path is None:
            return None
        with self._lock:
            state = _state(path)
            served = self._open.pop(state, None) or serve_voice(load_voice(path, threads=1), model)
            self._open[state] = served
            for oldest in list(self._open)[:-OPEN]:
                del self._open[oldest]
            return served

    def listed(self) -> list[ListedVoice]:
        """What is told of all of them; a file that is damaged or just gone is left out."""
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
        """All of them, for an error."""
        return listed([*self._by_name, *self.made()])


def _state(path: Path) -> tuple[Path, int, int]:
    """Which file lies at a path: another one differs in time or size.

    Raises:
        VoiceError: There is none any more.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise VoiceError(f"cannot be read ({error.strerror})", where=path) from error
    return path, status.st_mtime_ns, status.st_size


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


def spoken_ids(info: VoiceInfo) -> list[str]:
    """What a client may ask for as this model's `voice`, beside blends and styles."""
    return [*info.styles, RANDOM, DEFAULT]
