"""What `voxlet say` and `voxlet voices` do around a voice: where text comes from, where the sound goes."""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from voxlet import audio, files
from voxlet.errors import AudioError, ConfigError, TextError
from voxlet.speak.player import play as play_file
from voxlet.speak.speech import check_suffix, describe, wav_metadata
from voxlet.speak.voice import load_voice

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from voxlet.audio import Samples
    from voxlet.speak.speech import Style
    from voxlet.speak.voice import Voice

LONGEST_STEM = 40  # characters of a file name made from the text


@dataclass(frozen=True)
class Asked:
    """Who is to speak, and into which file."""

    out: str | None
    voice: str
    speaker: str | None
    style: str | None
    like: Path | None
    seed: int


def say(
    text: Sequence[str], asked: Asked, *, rate: int | None, gap: float | None, play: bool, as_json: bool
) -> str | None:
    """Say `text`, write or play it, and return the line to print.

    The sound goes to its file word by word, so memory does not grow with the text.

    Raises:
        VoxletError: Anything that keeps it from being said, written or played.
    """
    to_stdout = asked.out is not None and audio.is_standard_output(asked.out)
    if sum(given is not None for given in (asked.speaker, asked.style, asked.like)) > 1:
        raise ConfigError("--speaker, --style and --like are three ways to say who speaks", remedy="give one")
    if to_stdout and as_json:
        raise ConfigError("--json and -o - both write to standard output", remedy="give one of them")
    if to_stdout and sys.stdout is not None and sys.stdout.isatty():
        raise AudioError("sound is not for a terminal", remedy="send it into a pipe or a file: -o NAME.wav")
    if asked.out is not None:
        check_suffix(asked.out)
    said = _read(text)
    voice = load_voice(asked.voice)
    style = _style(voice, asked)
    pieces = voice.stream(said, speaker=asked.speaker, style=style, seed=asked.seed, rate=rate, gap=gap)
    rate = voice.rate if rate is None else rate
    metadata = describe(voice, said, asked.speaker, style, asked.seed)
    if asked.like is not None:
        metadata["like"] = asked.like.name
    words: list[dict[str, object]] = []
    samples = 0

    def sounds() -> Iterator[Samples]:
        nonlocal samples
        for piece in pieces:
            samples += len(piece.samples)
            if as_json:
                words.append(asdict(piece.word))
            yield piece.samples

    out = asked.out
    if out is None and play:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "say.wav"
            audio.write_pieces(path, sounds(), rate, wav_metadata(metadata))
            play_file(path)
    else:
        out = _own_file(said) if out is None else out
        audio.write_pieces(out, sounds(), rate, wav_metadata(metadata))
        if play and not to_stdout:
            play_file(Path(out))
    if as_json:
        answer = {**metadata, "file": out, "rate": rate, "samples": samples, "duration": samples / rate}
        return json.dumps({**answer, "words": words})
    if out is None or to_stdout:
        return None
    who = metadata.get("speaker") or ("like " + asked.like.name if asked.like else "a style of its own")
    return f"{out}: {samples / rate:.2f} s, {voice.name} ({who}), seed {asked.seed}"


def _read(text: Sequence[str]) -> str:
    if not text:
        raise TextError("no text is given", remedy="for example: voxlet say 4091")
    if tuple(text) == ("-",):
        # Bytes that are no UTF-8 are kept, so that the error about them can say where they stand.
        return sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
    return " ".join(text)


def _style(voice: Voice, asked: Asked) -> Style | Sequence[float] | None:
    if asked.like is not None:
        return voice.like(asked.like)
    if asked.style is None:
        return None
    try:
        return [float(number) for number in asked.style.split(",")]
    except ValueError as error:
        raise ConfigError(
            f"{asked.style!r} is no style",
            where="--style",
            remedy=f"give {voice.info.style_size} numbers with commas between them",
        ) from error


def _own_file(text: str) -> str:
    """A file in this folder named after the text; never one that voxlet has not made.

    Raises:
        AudioError: There is such a file.
    """
    stem = files.safe_name(text, LONGEST_STEM) or "say"
    path = Path(f"{stem}.wav")
    if path.exists():
        try:
            ours = audio.read_metadata(path).get("software", "").startswith("voxlet ")
        except (OSError, RuntimeError):
            ours = False
        if not ours:
            raise AudioError(
                "is there already and was not made by voxlet", where=path, remedy="name the file: -o NAME.wav"
            )
    return str(path)
