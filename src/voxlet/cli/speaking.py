"""What `voxlet say` does besides speaking: read the text, and write or play the sound."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from voxlet import audio, files
from voxlet.cli.consent import remind_once
from voxlet.cli.output import standard_output
from voxlet.errors import AudioError, ConfigError, TextError
from voxlet.speak.manner import Manner
from voxlet.speak.speech import check_suffix, describe, wav_metadata
from voxlet.speak.voice import load_voice

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from voxlet.audio import Samples
    from voxlet.speak.speech import Style
    from voxlet.speak.voice import Voice

LONGEST_STEM = 40  # characters of a file name made from the text
MOST_TEXT = 1 << 25  # bytes of standard input, which may never end; their speech fills a WAV file


@dataclass(frozen=True)
class Request:
    """What to say, by whom and how, and where the sound goes; see `voxlet say --help`."""

    text: Sequence[str]
    out: str | None
    voice: str
    speaker: str | None
    style: str | None
    like: Path | None
    speed: float
    pitch: float
    clarity: float
    seed: int
    rate: int | None
    gap: float | None
    play: bool
    json: bool

    @property
    def to_stdout(self) -> bool:
        """Whether the sound itself goes to standard output."""
        return self.out is not None and audio.is_standard_output(self.out)


def speak(request: Request) -> str | None:
    """Say the text, write or play it, and return what is to be printed.

    The sound goes to its file word by word, so memory does not grow with the text.

    Raises:
        VoxletError: The text cannot be said, or its sound cannot be written or played.
    """
    _check(request)
    text = _read(request.text)
    voice = load_voice(request.voice)
    style = _style(voice, request)
    manner = Manner(request.speed, request.pitch, request.clarity)
    pieces = voice.stream(
        text,
        speaker=request.speaker,
        style=style,
        manner=manner,
        seed=request.seed,
        rate=request.rate,
        gap=request.gap,
    )
    rate = voice.rate if request.rate is None else request.rate
    metadata = {**describe(voice, text, request.speaker, style, request.seed), **manner.metadata}
    if request.like is not None:
        remind_once()
        metadata["like"] = request.like.name
    words: list[dict[str, object]] = []
    samples = 0

    def sounds() -> Iterator[Samples]:
        nonlocal samples
        for piece in pieces:
            samples += len(piece.samples)
            if request.json:
                words.append(asdict(piece.word))
            yield piece.samples

    out = request.out
    if out is None and not request.play:
        out = _own_file(text)
    play = request.play and not request.to_stdout
    _deliver(sounds(), rate, wav_metadata(metadata), out, play=play)
    if request.json:
        answer = {**metadata, "file": out, "rate": rate, "samples": samples, "duration": samples / rate}
        return json.dumps({**answer, "words": words})
    if out is None or request.to_stdout:
        return None
    who = metadata.get("speaker") or (f"like {request.like.name}" if request.like else "a style of its own")
    return f"{out}: {samples / rate:.2f} s, {voice.name} ({who}), seed {request.seed}"


def _check(request: Request) -> None:
    if sum(given is not None for given in (request.speaker, request.style, request.like)) > 1:
        raise ConfigError("--speaker, --style and --like are three ways to say who speaks", remedy="give one")
    if request.to_stdout and request.json:
        raise ConfigError("--json and -o - both write to standard output", remedy="give one of them")
    if request.to_stdout and standard_output().isatty():
        raise AudioError("sound is not for a terminal", remedy="send it into a pipe or a file: -o NAME.wav")
    if request.out is not None:
        check_suffix(request.out)


def _read(text: Sequence[str]) -> str:
    if not text:
        raise TextError("no text is given", remedy="for example: voxlet say 4091")
    if text[0] == "-" and len(text) > 1:
        raise TextError("- reads standard input, but other text is given too", remedy="give one of them")
    if tuple(text) != ("-",):
        return " ".join(text)
    if sys.stdin is None:
        raise TextError("is closed", where="standard input", remedy="give the text: voxlet say 4091")
    # Bytes that are not UTF-8 are kept, so that the error about them can say where they are.
    data = sys.stdin.buffer.read(MOST_TEXT + 1)
    if len(data) > MOST_TEXT:
        raise TextError(
            f"is longer than {MOST_TEXT:,} bytes", where="standard input", remedy="say it in parts"
        )
    return data.decode("utf-8", "surrogateescape")


def _style(voice: Voice, request: Request) -> Style | Sequence[float] | None:
    if request.like is not None:
        return voice.like(request.like)
    if request.style is None:
        return None
    try:
        return [float(number) for number in request.style.split(",")]
    except ValueError as error:
        raise ConfigError(
            f"{request.style!r} is not a style",
            where="--style",
            remedy=f"give {voice.info.style_size} numbers with commas between them",
        ) from error


def _deliver(
    sounds: Iterator[Samples], rate: int, metadata: dict[str, str], out: str | None, *, play: bool
) -> None:
    """Write the sounds to `out`, then play them if `play`; without `out` they are only played."""
    if out is not None:
        audio.write_pieces(out, sounds, rate, metadata)
    if not play:
        return
    from voxlet.speak.player import play as play_file

    if out is not None:
        play_file(Path(out))
        return
    with files.temporary_folder(otherwise=", or write: -o NAME.wav") as folder:
        path = folder / "say.wav"
        audio.write_pieces(path, sounds, rate, metadata)
        play_file(path)


def _own_file(text: str) -> str:
    """A file name in this folder, made from the text; a file that voxlet has written may be overwritten.

    Raises:
        AudioError: A file of that name exists, and voxlet has not written it.
    """
    stem = files.safe_name(text, LONGEST_STEM) or "say"
    path = Path(f"{stem}.wav")
    if path.exists():
        try:
            ours = audio.read_metadata(path).get("software", "").startswith("voxlet ")
        except AudioError:
            ours = False
        if not ours:
            raise AudioError(
                "exists already and was not made by voxlet", where=path, remedy="name the file: -o NAME.wav"
            )
    return str(path)
