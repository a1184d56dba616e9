"""A voice: what speaks. Loads a voice file, samples clips from it, says text; needs no PyTorch."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import numpy as np

from voxlet import audio, speech_regions
from voxlet.errors import AudioError, ConfigError, VoiceError
from voxlet.speak import speech
from voxlet.speak.library import find_voice
from voxlet.speak.onnx_guard import refuse_dangers
from voxlet.speak.session import ANY, FLOAT, FREE, INT64, Graph
from voxlet.speak.voice_file import FARTHEST_STYLE, VoiceFile, VoiceInfo, read_voice

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from voxlet.audio import Samples
    from voxlet.speak.speech import Piece, Style, Utterance

RANDOM = "random"  # asked for as a speaker: a fresh style from the prior
BATCH = 32  # words in one run of the graph
LONGEST_WORD = 30.0  # seconds
LISTENS = (0.1, 15.0)  # seconds of speech that the style encoder gets at least and at most
LISTED = 24  # speakers that an error message names at most
# Random numbers for different things must differ although they share a seed.
NOISE_KEY, STYLE_KEY = 0, 1


class Voice:
    """A loaded voice file. It is a `Sampler`; sampling is thread-safe.

    A style is a point (S,) in a space with a standard normal prior. Wherever a speaker is asked for, this may
    be one of `speakers`, a blend of them (`george,theo` or `george:0.7,theo:0.3`; weights are divided by
    their sum), or `random`, a fresh voice that depends on the seed alone.

    Args:
        file: What `read_voice` returns.
        threads: Threads that one run of the graph may use; without it, the cores, at most four.
    """

    def __init__(self, file: VoiceFile, *, threads: int | None = None) -> None:
        self.info: VoiceInfo = file.info
        self.path: Path = file.path
        self._threads = threads
        self._numbers = {label: number for number, label in enumerate(file.info.labels)}
        self._graph = Graph(
            file.model,
            file.path,
            {
                "noise": (FLOAT, (FREE, file.info.frames, file.info.latent_size)),
                "label": (INT64, (FREE,)),
                "style": (FLOAT, (FREE, file.info.style_size)),
            },
            {"waveform": (FLOAT, (ANY, ANY)), "length": (INT64, (ANY,))},
            threads=threads,
        )
        self._encoder_base64 = file.style_encoder
        self._encoder: Graph | None = None

    @property
    def name(self) -> str:
        """The voice's own name."""
        return self.info.name

    @property
    def rate(self) -> int:
        """Of its clips, in Hz."""
        return self.info.rate

    @property
    def labels(self) -> tuple[str, ...]:
        """The words it can say."""
        return self.info.labels

    @property
    def speakers(self) -> tuple[str, ...]:
        """Named speakers; the first one speaks unless another is asked for."""
        return tuple(self.info.styles)

    @property
    def card(self) -> Mapping[str, object]:
        """The model card: data, licence, credit, training, scores."""
        return self.info.card

    def __repr__(self) -> str:
        return (
            f"Voice({self.name!r}, {len(self.labels)} words, {len(self.speakers)} speakers, {self.rate} Hz)"
        )

    def style(self, speaker: str | None = None, *, seed: int = 0) -> Style:
        """The style (S,) of a named speaker, a blend, or `random`; without any, the first speaker's.

        Raises:
            VoiceError: There is no such speaker, or a blend cannot be read.
        """
        styles = self.info.styles
        if speaker is None:
            return next(iter(styles.values()), np.zeros(self.info.style_size, dtype=np.float32))
        if speaker in styles:
            return styles[speaker]
        if speaker == RANDOM:
            return _generator(seed, STYLE_KEY).standard_normal(self.info.style_size, dtype=np.float32)
        if "," in speaker or ":" in speaker:
            return self._blend(speaker, seed)
        known = ", ".join(self.speakers[:LISTED]) + (" …" if len(self.speakers) > LISTED else "")
        raise VoiceError(
            f"there is no speaker {speaker!r}",
            where=self.name,
            remedy=f"there is: {known}, a blend of them (a,b or a:0.7,b:0.3) or {RANDOM}"
            if known
            else f"this voice names no speakers; ask for {RANDOM}",
        )

    def _blend(self, spec: str, seed: int) -> Style:
        total, weights = np.zeros(self.info.style_size), 0.0
        for part in spec.split(","):
            name, _, number = part.strip().rpartition(":") if ":" in part else (part.strip(), "", "1")
            try:
                weight = float(number)
            except ValueError:
                weight = np.nan
            if not np.isfinite(weight):
                raise VoiceError(f"{number!r} is no weight in the blend {spec!r}", where=self.name)
            total += weight * self.style(name.strip(), seed=seed)
            weights += weight
        if not abs(weights) > 1e-6:
            raise VoiceError(f"the weights of the blend {spec!r} add up to nothing", where=self.name)
        return self._checked_style(total / weights)

    def like(self, recording: str | os.PathLike[str] | audio.Sound) -> Style:
        """The style (S,) that this voice hears in a recording of someone's speech.

        Raises:
            VoiceError: The voice was exported without the part that listens.
            AudioError: The recording cannot be read, or is too short.
        """
        if self._encoder_base64 is None:
            raise VoiceError("cannot tell a style from a recording", where=self.name)
        sound = recording if isinstance(recording, audio.Sound) else audio.read(recording)
        clip = speech_regions.trim(audio.resample(sound.samples, sound.rate, self.rate), self.rate)
        if len(clip) < LISTENS[0] * self.rate or audio.rms(clip) == 0.0:
            raise AudioError(
                "is too short or silent to tell who speaks",
                where=None if isinstance(recording, audio.Sound) else recording,
                remedy="give a word or more of speech",
            )
        clip = audio.level(clip[: round(LISTENS[1] * self.rate)], audio.SPEECH_RMS)
        if self._encoder is None:
            self._encoder = self._open_encoder(self._encoder_base64)
        (style,) = self._encoder.run(clip=np.ascontiguousarray(clip[None]))
        return self._checked_style(style.reshape(-1))

    def sample(
        self,
        labels: Sequence[str],
        *,
        speaker: str | Sequence[str] | None = None,
        style: Style | Sequence[float] | None = None,
        seed: int = 0,
        first: int = 0,
    ) -> list[Samples]:
        """One clip (T,) float32 of natural length per label.

        The noise of clip i depends on `seed` and `first + i` alone, however clips are split into batches.

        Args:
            labels: B words of `self.labels`.
            speaker: One for all, or one per label.
            style: In place of speakers, one (S,) for all or one per label (B, S).
            seed: A whole number from 0.
            first: The number of the first clip.

        Raises:
            VoiceError: A label, speaker or style that the voice has not, or a graph that fails.
        """
        numbers = np.array([self._number(label) for label in labels], dtype=np.int64)
        styles = self._styles(len(labels), speaker, style, seed)
        clips: list[Samples] = []
        for start in range(0, len(numbers), BATCH):
            stop = min(start + BATCH, len(numbers))
            size = (self.info.frames, self.info.latent_size)
            noise = np.stack(
                [
                    _generator(seed, NOISE_KEY, first + index).standard_normal(size, dtype=np.float32)
                    for index in range(start, stop)
                ]
            )
            waveform, length = self._graph.run(
                noise=noise, label=numbers[start:stop], style=styles[start:stop]
            )
            clips += self._cut(waveform, length, stop - start)
        return clips

    def say(
        self,
        text: str,
        *,
        speaker: str | None = None,
        style: Style | Sequence[float] | None = None,
        seed: int = 0,
        rate: int | None = None,
        gap: float | None = None,
    ) -> Utterance:
        """Say `text`; arguments and errors are those of `voxlet.speak.speech.stream`."""
        checked = self._one_style(speaker, style, seed)
        return speech.say(self, text, speaker=speaker, style=checked, seed=seed, rate=rate, gap=gap)

    def stream(
        self,
        text: str,
        *,
        speaker: str | None = None,
        style: Style | Sequence[float] | None = None,
        seed: int = 0,
        rate: int | None = None,
        gap: float | None = None,
    ) -> Iterator[Piece]:
        """Say `text` word by word; arguments and errors are those of `voxlet.speak.speech.stream`."""
        checked = self._one_style(speaker, style, seed)
        return speech.stream(self, text, speaker=speaker, style=checked, seed=seed, rate=rate, gap=gap)

    def _one_style(
        self, speaker: str | None, style: Style | Sequence[float] | None, seed: int
    ) -> Style | None:
        """Refuse a bad speaker or style before the first word is made."""
        self._styles(1, speaker, style, seed)
        return None if style is None else np.asarray(style, dtype=np.float32)

    def _number(self, label: str) -> int:
        if label not in self._numbers:
            known = ", ".join(self.labels[:LISTED]) + (" …" if len(self.labels) > LISTED else "")
            raise VoiceError(f"has no word {label!r}", where=self.name, remedy=f"it has: {known}")
        return self._numbers[label]

    def _styles(
        self,
        count: int,
        speaker: str | Sequence[str] | None,
        style: Style | Sequence[float] | None,
        seed: int,
    ) -> Style:
        """One row (S,) per label, (B, S)."""
        if style is not None:
            if speaker is not None:
                raise ConfigError("a speaker and a style are given", remedy="give one of the two")
            rows = self._checked_style(style)
            if rows.ndim == 2 and len(rows) != count:
                raise VoiceError(f"there are {len(rows)} styles for {count} words", where=self.name)
        elif speaker is None or isinstance(speaker, str):
            rows = self.style(speaker, seed=seed)
        elif len(speaker) != count:
            raise VoiceError(f"there are {len(speaker)} speakers for {count} words", where=self.name)
        else:
            known = {name: self.style(name, seed=seed) for name in set(speaker)}
            rows = np.array([known[name] for name in speaker], dtype=np.float32)
        return np.ascontiguousarray(np.broadcast_to(rows, (count, self.info.style_size)))

    def _checked_style(self, style: Style | Sequence[float] | np.ndarray) -> Style:
        try:
            rows = np.asarray(style, dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise VoiceError("a style is a list of numbers", where=self.name) from error
        if rows.ndim not in (1, 2) or rows.shape[-1] != self.info.style_size:
            raise VoiceError(
                f"a style here has {self.info.style_size} numbers, not {rows.shape[-1] if rows.ndim else 1}",
                where=self.name,
            )
        if not (np.abs(rows) <= FARTHEST_STYLE).all():  # not a number fails too
            raise VoiceError(
                "a style holds a number that is out of bounds",
                where=self.name,
                remedy="sensible ones lie between -3 and 3",
            )
        return rows

    def _cut(self, waveform: np.ndarray, length: np.ndarray, count: int) -> list[Samples]:
        longest = LONGEST_WORD * self.rate
        shapes_fit = waveform.ndim == 2 and len(waveform) == count and length.shape == (count,)
        if not shapes_fit or (length < 1).any() or (length > min(waveform.shape[1], longest)).any():
            raise VoiceError("its graph gives clips of impossible sizes", where=self.path)
        if not np.isfinite(waveform).all():
            raise VoiceError("its graph gives samples that are not numbers", where=self.path)
        return [row[:valid].copy() for row, valid in zip(waveform, length, strict=True)]

    def _open_encoder(self, encoded: str) -> Graph:
        try:
            model = base64.b64decode(encoded, validate=True)
        except ValueError as error:
            raise VoiceError("its style encoder is damaged", where=self.path) from error
        refuse_dangers(model, {})
        return Graph(
            model,
            self.path,
            {"clip": (FLOAT, (ANY, FREE))},
            {"style": (FLOAT, (ANY, self.info.style_size))},
            threads=self._threads,
        )


def load_voice(name_or_path: str | os.PathLike[str] = "digits", *, threads: int | None = None) -> Voice:
    """Load a voice that is shipped or installed, by name, or any voice file, by path.

    Args:
        name_or_path: `digits`, say, or `my.voice`. Installed voices lie in the folder `VOXLET_VOICES` or in
            `~/.local/share/voxlet/voices`.
        threads: Threads that one run of the graph may use; without it, the cores, at most four.

    Raises:
        VoiceError: There is no such voice, or its file is damaged, foreign or out of bounds.
    """
    return Voice(read_voice(find_voice(name_or_path)), threads=threads)


def say(
    text: str,
    *,
    voice: str | os.PathLike[str] = "digits",
    speaker: str | None = None,
    style: Style | Sequence[float] | None = None,
    seed: int = 0,
    rate: int | None = None,
    gap: float | None = None,
) -> Utterance:
    """Load a voice and say `text` with it: the short form of `load_voice(voice).say(text)`."""
    return load_voice(voice).say(text, speaker=speaker, style=style, seed=seed, rate=rate, gap=gap)


def _generator(seed: int, *key: int) -> np.random.Generator:
    """Random numbers that depend on the seed and the key alone."""
    speech.check_seed(seed)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))
