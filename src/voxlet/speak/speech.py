"""Turn text into an utterance: sample words in batches, trim and level them, join them with natural pauses.

Anything that has labels and can be sampled can speak (`Sampler`): a voice file, or a training run. An
utterance is the concatenation of the pieces of `stream`, so streamed and saved samples are the same.
"""

from __future__ import annotations

import base64
import json
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from voxlet import audio
from voxlet.errors import AudioError, ConfigError, VoiceError
from voxlet.speak.text import Pause, Spoken, words
from voxlet.trimming.frames import frame_levels
from voxlet.trimming.regions import trim
from voxlet.version import __version__

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping, Sequence

    from voxlet.audio import Samples

Style = np.ndarray[Any, np.dtype[np.float32]]  # (S,), or (B, S) with one row per label

GAP = 0.08  # seconds between the words of a group
LONGER = {
    Pause.WORD: 0.0,
    Pause.GROUP: 0.22,
    Pause.PHRASE: 0.37,
    Pause.LINE: 0.62,
}  # seconds on top of the gap
LONGEST_GAP = 60.0  # seconds
RATES = (1_000, 384_000)  # Hz
BATCHES = (1, 3, 8, 16)  # words sampled at once: one at first, to start early; then more, to be fast
MARGIN = 0.03  # seconds of near-silence kept around a trimmed word, so that soft consonants survive
FADE = 0.005  # seconds
LEVEL_DB = -20.0  # target level of a word's loud frames, re full scale
STRESS_DB = 3.0  # how far a word's level may stay from the target
LOUD_DB = 20.0  # frames at most this far below the loudest one count for a word's level
PEAK = 0.95
ENDING = "let the file name end in .wav"
FOREIGN_SUFFIXES = (".mp3", ".flac", ".ogg", ".opus", ".m4a", ".aac", ".aif", ".aiff", ".wma")
LONGEST_COMMENT = 2_000  # characters: libsndfile does not read a longer comment back


class Sampler(Protocol):
    """Anything that can speak: it makes one clip of natural length for each label."""

    @property
    def name(self) -> str:
        """Its name in errors and metadata."""

    @property
    def rate(self) -> int:
        """Sampling rate of its clips, in Hz."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The words it can say."""

    @property
    def spellings(self) -> Mapping[str, Sequence[str]]:
        """Other spellings of some of its labels."""

    @property
    def speakers(self) -> tuple[str, ...]:
        """Its speakers, the default one first; empty if it does not distinguish speakers."""

    def sample(
        self,
        labels: Sequence[str],
        *,
        speaker: str | None = None,
        style: Style | None = None,
        seed: int = 0,
        first: int = 0,
    ) -> list[Samples]:
        """One clip (T,) float32 per label; the noise of clip i depends only on `seed` and `first + i`."""


@dataclass(frozen=True)
class Word:
    """A word of an utterance, with its start and end in seconds from the beginning."""

    label: str
    start: float
    end: float


@dataclass(frozen=True, eq=False)
class Piece:
    """Samples (T,) of a word and of the pause after it: all pieces together make up the utterance."""

    word: Word
    samples: Samples
    rate: int


@dataclass(frozen=True, eq=False)
class Utterance:
    """Speech: samples (T,) float32 at `rate` Hz, the time of each word, and metadata on how it was made."""

    samples: Samples
    rate: int
    words: tuple[Word, ...]
    metadata: Mapping[str, object] = field(default_factory=dict)

    @property
    def duration(self) -> float:
        """Duration in seconds."""
        return len(self.samples) / self.rate

    def wav(self) -> bytes:
        """The bytes of a 16-bit WAV file whose metadata say that it is synthetic, and how it was made."""
        return audio.encode_wav(self.samples, self.rate, wav_metadata(self.metadata))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a 16-bit WAV file, whole or not at all; `-` is standard output.

        Raises:
            AudioError: The path is a folder's or has the suffix of another format.
            FileError: The file cannot be written.
        """
        check_suffix(path)
        audio.write(path, self.samples, self.rate, wav_metadata(self.metadata))

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.wav()).decode("ascii")
        return f'<audio controls src="data:audio/wav;base64,{data}"></audio>'

    def __repr__(self) -> str:
        said = " ".join(word.label for word in self.words[:12]) + (" …" if len(self.words) > 12 else "")
        return f"Utterance({said!r}, {self.duration:.2f} s, {self.rate} Hz)"


def describe(
    sampler: Sampler, text: str, speaker: str | None, style: Style | Sequence[float] | None, seed: int
) -> dict[str, object]:
    """How an utterance was made, for its metadata."""
    if speaker is None and sampler.speakers:
        speaker = sampler.speakers[0]
    who: dict[str, object] = {"speaker": speaker}
    if style is not None:
        who = {"style": [round(float(value), 6) for value in np.ravel(style)]}
    return {"synthetic": True, "voice": sampler.name, **who, "seed": int(seed), "text": text}


def wav_metadata(metadata: Mapping[str, object]) -> dict[str, str]:
    """The text fields of a generated sound file: the software, and all metadata as JSON, cut to fit."""
    kept = {"synthetic": True, **metadata}
    comment = json.dumps(kept)
    for key in ("text", "style", "speaker"):
        value = str(kept.get(key, ""))
        while len(comment) > LONGEST_COMMENT and value:
            value = value[: len(value) // 2]
            comment = json.dumps({**kept, key: f"{value}…"})
        if value != str(kept.get(key, "")):
            kept[key] = f"{value}…"
    return {"software": f"voxlet {__version__}", "comment": comment}


def check_suffix(path: str | os.PathLike[str]) -> None:
    """Refuse a path for a file that would not be WAV.

    Raises:
        AudioError: The path is a folder's or has the suffix of another format.
    """
    if str(path).endswith("/"):
        raise AudioError("names a folder, not a file", where=path, remedy=ENDING)
    if str(path).lower().endswith(FOREIGN_SUFFIXES):
        raise AudioError("only WAV can be written", where=path, remedy=ENDING)


def stream(
    sampler: Sampler,
    text: str,
    *,
    speaker: str | None = None,
    style: Style | None = None,
    seed: int = 0,
    rate: int | None = None,
    gap: float | None = None,
) -> Iterator[Piece]:
    """Say `text` word by word; memory does not grow with the length of the text.

    The whole text is checked before the first word is made.

    Args:
        sampler: The voice or run that speaks.
        text: Labels, digits and marks; `voxlet.speak.text` has the rules.
        speaker: One of `sampler.speakers` (a voice also takes blends and `random`).
        style: Instead of a speaker, a point (S,) in the style space.
        seed: The same seed, text and voice give the same samples.
        rate: Sampling rate of the result in Hz; by default, the sampler's own.
        gap: Seconds between the words of a group, by default 0.08; pauses are longer by 0.22 s between
            groups, 0.37 s at commas and full stops, and 0.62 s at the ends of lines.

    Raises:
        TextError: The sampler cannot say the text.
        VoiceError: There is no such speaker or style.
        ConfigError: The rate, gap or seed is invalid.
    """
    rate = sampler.rate if rate is None else rate
    gap = GAP if gap is None else gap
    _check(rate, gap, seed)
    count = sum(1 for _ in words(text, sampler.labels, sampler.spellings))
    spoken = words(text, sampler.labels, sampler.spellings)
    return _pieces(sampler, spoken, count, speaker, style, seed=seed, rate=rate, gap=gap)


def _check(rate: int, gap: float, seed: int) -> None:
    if isinstance(rate, bool) or not isinstance(rate, int | np.integer) or not RATES[0] <= rate <= RATES[1]:
        raise ConfigError(
            f"{rate!r} is not a sampling rate", where="rate", remedy=f"give {RATES[0]} to {RATES[1]} Hz"
        )
    if not isinstance(gap, int | float | np.number) or not 0 <= gap <= LONGEST_GAP:  # NaN fails too
        raise ConfigError(f"{gap!r} is not a gap", where="gap", remedy=f"give 0 to {LONGEST_GAP:g} seconds")
    check_seed(seed)


def check_seed(seed: int, name: str = "seed") -> int:
    """The seed as a Python integer, which cannot overflow as NumPy's can; errors call it `name`.

    Raises:
        ConfigError: The seed is not an integer of 0 or more.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ConfigError(f"{seed!r} is not a {name}", where=name, remedy="give a whole number from 0")
    return int(seed)


def _pieces(
    sampler: Sampler,
    spoken: Iterator[Spoken],
    count: int,
    speaker: str | None,
    style: Style | None,
    *,
    seed: int,
    rate: int,
    gap: float,
) -> Iterator[Piece]:
    position, done, turn = 0, 0, 0
    while done < count:
        size = min(BATCHES[min(turn, len(BATCHES) - 1)], count - done)
        batch = [next(spoken) for _ in range(size)]
        clips = sampler.sample(
            [word.label for word in batch], speaker=speaker, style=style, seed=seed, first=done
        )
        done, turn = done + size, turn + 1
        for index, (word, clip) in enumerate(zip(batch, clips, strict=True)):
            sound = shape(clip, sampler.rate, rate, word.label)
            last = done == count and index == size - 1
            pause = audio.silence(0.0 if last else gap + LONGER[word.pause], rate)
            timed = Word(word.label, position / rate, (position + len(sound)) / rate)
            position += len(sound) + len(pause)
            yield Piece(timed, np.concatenate([sound, pause]), rate)


def shape(clip: Samples, rate: int, new_rate: int, label: str) -> Samples:
    """A sampled clip prepared for joining: trimmed, levelled, faded and resampled to the new rate.

    Raises:
        VoiceError: The clip is empty or has values that are not finite.
    """
    if len(clip) == 0 or not np.isfinite(clip).all():
        raise VoiceError(f"made no usable sound for {label!r}", remedy="try another seed, or export it again")
    centred = np.asarray(clip, dtype=np.float32) - np.float32(np.mean(clip, dtype=np.float64))
    sound = level_word(trim(centred, rate, margin=MARGIN), rate)
    # Faded before resampling, so that the edges give the resampler's filter nothing to ring on.
    return np.clip(audio.resample(audio.fade(sound, rate, FADE), rate, new_rate), -1.0, 1.0)


def level_word(samples: Samples, rate: int) -> Samples:
    """Bring a word close to the common level `LEVEL_DB`, so that it keeps some stress but never sticks out.

    A word d dB off the common level ends up s·tanh(d / s) off it, with s = `STRESS_DB`: small differences
    stay, and none exceeds s.
    """
    levels = frame_levels(samples, rate)
    loud = levels[levels >= levels.max() - LOUD_DB]
    loudness = 10 * math.log10(float(np.mean(10 ** (loud / 10))))
    off = loudness - LEVEL_DB
    highest = float(np.abs(samples).max())
    if highest == 0.0:
        return samples
    gain = 10 ** ((STRESS_DB * math.tanh(off / STRESS_DB) - off) / 20)
    return samples * np.float32(min(gain, PEAK / highest))


def say(
    sampler: Sampler,
    text: str,
    *,
    speaker: str | None = None,
    style: Style | None = None,
    seed: int = 0,
    rate: int | None = None,
    gap: float | None = None,
) -> Utterance:
    """Say `text` as one utterance; arguments and errors are those of `stream`."""
    pieces = list(stream(sampler, text, speaker=speaker, style=style, seed=seed, rate=rate, gap=gap))
    return Utterance(
        samples=np.concatenate([piece.samples for piece in pieces]),
        rate=pieces[0].rate,
        words=tuple(piece.word for piece in pieces),
        metadata=describe(sampler, text, speaker, style, seed),
    )
