"""A voice: load a voice file, sample clips from it and say text, without PyTorch."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from voxlet import audio
from voxlet.errors import AudioError, VoiceError
from voxlet.speak import speech
from voxlet.speak.in_manner import InManner
from voxlet.speak.library import find_voice
from voxlet.speak.manner import PLAIN, Manner
from voxlet.speak.onnx.guard import Wanted
from voxlet.speak.onnx.reader import FLOAT, INT64
from voxlet.speak.onnx.sizes import ONE, exact
from voxlet.speak.session import Graph
from voxlet.speak.styles import NOISE_KEY, TAKE_KEY, Styles, generator, listed
from voxlet.speak.voice_file import VoiceFile, VoiceInfo, read_voice
from voxlet.trimming.regions import find_speech
from voxlet.words.spelling import find

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from voxlet.audio import Samples
    from voxlet.speak.speech import Piece, Style, Utterance

__all__ = ["Voice", "load_voice", "say"]

AT_ONCE = 64  # words whose noise and clips are in memory at the same time
LONGEST_WORD = 30.0  # seconds
ENCODED = (0.1, 15.0)  # least and most seconds of speech that the style encoder takes
SEARCHED = 60.0  # seconds from the beginning of a recording that are searched for speech


class Voice:
    """A loaded voice file. It is a `Sampler`; sampling is thread-safe.

    Every argument `speaker` may be one of `speakers`, a blend of them (`george,theo` or
    `george:0.7,theo:0.3`), or `random`, a new style that depends only on the seed.

    Args:
        file: The voice file, from `read_voice`.
        threads: Clips sampled in parallel; by default, the number of cores, at most four.

    Example:
        >>> voice = load_voice("digits")
        >>> voice
        Voice('digits', 10 words, 6 speakers, 16000 Hz)
        >>> voice.labels[:3], voice.speakers[:2]
        (('zero', 'one', 'two'), ('lucas', 'george'))
    """

    def __init__(self, file: VoiceFile, *, threads: int | None = None) -> None:
        self.info: VoiceInfo = file.info
        self.path: Path = file.path
        self._threads = threads
        self._numbers = {label: number for number, label in enumerate(file.info.labels)}
        self._styles = Styles(file.info.styles, file.info.style_size, file.info.name, file.info.style_std)
        inputs = {
            "noise": Wanted(FLOAT, (ONE, *exact((file.info.frames, file.info.latent_size)))),
            "label": Wanted(INT64, (ONE,)),
            "style": Wanted(FLOAT, (ONE, *exact((file.info.style_size,)))),
        }
        if file.info.attributes:
            inputs["attributes"] = Wanted(FLOAT, (ONE, *exact((len(file.info.attributes),))))
        self._graph = Graph(
            file.model,
            file.path,
            inputs,
            {"waveform": Wanted(FLOAT, (None, None)), "length": Wanted(INT64, (None,))},
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
        """Sampling rate of its clips, in Hz."""
        return self.info.rate

    @property
    def labels(self) -> tuple[str, ...]:
        """The words it can say."""
        return self.info.labels

    @property
    def spellings(self) -> Mapping[str, Sequence[str]]:
        """Other spellings of some of its labels, such as `صفر` for an Arabic `zero`."""
        return self.info.spellings

    @property
    def speakers(self) -> tuple[str, ...]:
        """The named speakers; the first is the default."""
        return tuple(self.info.styles)

    @property
    def language(self) -> str:
        """The language of its words, a BCP 47 tag; `und` if the voice file does not state it."""
        return self.info.language

    @property
    def card(self) -> Mapping[str, object]:
        """The model card: data, licence, credit, training, scores."""
        return self.info.card

    def __repr__(self) -> str:
        return (
            f"Voice({self.name!r}, {len(self.labels)} words, {len(self.speakers)} speakers, {self.rate} Hz)"
        )

    def word(self, written: str) -> str | None:
        """The label for a word in any of its spellings, or None."""
        ways: dict[str, str] = {}
        for label, spellings in self.spellings.items():
            for way in spellings:
                ways.setdefault(way, label)  # of two labels, the first one has it, as in a text
        found = find(written, self.labels)
        return found or ways.get(find(written, ways) or "")

    def style(self, speaker: str | None = None, *, seed: int = 0) -> Style:
        """The style (S,) of a named speaker, a blend, or `random`; by default, the first speaker's.

        Raises:
            VoiceError: There is no such speaker, or the blend is invalid.

        Example:
            >>> voice = load_voice("digits")
            >>> blend = voice.style("george:0.7,theo:0.3")
            >>> blend.shape, voice.style("random", seed=4).shape
            ((16,), (16,))
        """
        return self._styles.style(speaker, seed)

    def draw_style(self, random: np.random.Generator) -> Style:
        """The style (S,) of a new speaker, drawn with the generator `random` and the voice's `style_std`."""
        return self._styles.drawn(random)

    def like(self, recording: str | os.PathLike[str] | audio.Sound) -> Style:
        """The style (S,) of the speaker in a recording: the mean of the style encoder's posterior.

        Raises:
            VoiceError: The voice was exported without its style encoder.
            AudioError: The recording cannot be read, or is too short or silent.

        Example:
            >>> from voxlet.audio import Sound
            >>> voice = load_voice("digits")
            >>> (clip,) = voice.sample(["seven"], speaker="theo")
            >>> style = voice.like(Sound(clip, voice.rate))
            >>> voice.say("4091", style=style)
            Utterance('four zero nine one', ... s, 16000 Hz)
        """
        if self._encoder_base64 is None:
            raise VoiceError("has no style encoder: it cannot speak like a recording", where=self.name)
        sound = recording if isinstance(recording, audio.Sound) else audio.read(recording, seconds=SEARCHED)
        given = np.asarray(sound.samples, dtype=np.float32)
        if given.ndim != 1 or not np.isfinite(given).all() or not 0 < sound.rate < np.inf:
            raise AudioError(f"{given.shape} at {sound.rate!r} Hz is not a recording (T,) at a rate")
        heard = audio.resample(given[: round(SEARCHED * sound.rate)], sound.rate, self.rate)
        speech = find_speech(heard, self.rate)
        clip = heard[speech.start : speech.stop]
        if len(clip) < ENCODED[0] * self.rate or audio.rms(clip) == 0.0:
            raise AudioError(
                "is too short or silent to tell who speaks",
                where=None if isinstance(recording, audio.Sound) else recording,
                remedy=f"give a word or more of speech in its first {SEARCHED:.0f} s",
            )
        clip = audio.level(
            clip[: round(ENCODED[1] * self.rate)], audio.SPEECH_RMS, loudness=speech.rms(heard)
        )
        if self._encoder is None:
            self._encoder = self._open_encoder(self._encoder_base64)
        (outputs,) = self._encoder.run([{"clip": np.ascontiguousarray(clip[None])}])
        return self._styles.checked(outputs[0].reshape(-1))

    def sample(
        self,
        labels: Sequence[str],
        *,
        speaker: str | Sequence[str] | None = None,
        style: Style | Sequence[float] | None = None,
        manner: Manner | Sequence[Manner] = PLAIN,
        seed: int = 0,
        first: int = 0,
    ) -> list[Samples]:
        """One clip (T,) float32 of natural length per label, varied as takes are.

        Clip i depends only on its label, style, manner, `seed` and `first + i`, to the last bit: each clip
        is a separate run of the graph, whatever else is sampled with it. Clips are spread over the cores.

        Args:
            labels: B words of `self.labels`.
            speaker: One for all labels, or one per label.
            style: Instead of speakers, one style (S,) for all labels or one per label (B, S).
            manner: Speed, pitch, clarity and variation, if the voice has learned them; one manner for all
                labels, or one per label.
            seed: An integer of 0 or more.
            first: The number of the first clip.

        Raises:
            VoiceError: The voice lacks a label, speaker, style or attribute, or the graph fails.

        Example:
            >>> voice = load_voice("digits")
            >>> clips = voice.sample(["four", "two"], speaker="theo", seed=7)
            >>> [clip.dtype.name for clip in clips]
            ['float32', 'float32']
            >>> alone = voice.sample(["two"], speaker="theo", seed=7, first=1)
            >>> alone[0].tobytes() == clips[1].tobytes()
            True
        """
        first = speech.check_seed(first, "first")
        numbers = np.array([self._number(label) for label in labels], dtype=np.int64)
        styles = self._styles.rows(len(labels), speaker, style, seed)
        asked = self._attributes(len(labels), manner, seed, first)
        clips: list[Samples] = []
        for start in range(0, len(numbers), AT_ONCE):
            feeds: list[dict[str, np.ndarray]] = [
                {
                    "noise": self._noise(seed, first + i),
                    "label": numbers[i : i + 1],
                    "style": styles[i : i + 1],
                    **({} if asked is None else {"attributes": asked[i : i + 1]}),
                }
                for i in range(start, min(start + AT_ONCE, len(numbers)))
            ]
            clips += [self._cut(*outputs) for outputs in self._graph.run(feeds)]
        return clips

    def say(
        self,
        text: str,
        *,
        speaker: str | None = None,
        style: Style | Sequence[float] | None = None,
        manner: Manner = PLAIN,
        seed: int = 0,
        rate: int | None = None,
        gap: float | None = None,
    ) -> Utterance:
        """Say `text` as one take, whose speed and pitch vary a little with the seed.

        Arguments and errors are those of `voxlet.speak.speech.stream`.
        """
        checked = self._one_style(speaker, style, seed)
        said = speech.say(
            self._one_take(manner, seed), text, speaker=speaker, style=checked, seed=seed, rate=rate, gap=gap
        )
        return replace(said, metadata={**said.metadata, **manner.metadata})

    def stream(
        self,
        text: str,
        *,
        speaker: str | None = None,
        style: Style | Sequence[float] | None = None,
        manner: Manner = PLAIN,
        seed: int = 0,
        rate: int | None = None,
        gap: float | None = None,
    ) -> Iterator[Piece]:
        """Say `text` word by word; arguments and errors are those of `voxlet.speak.speech.stream`."""
        checked = self._one_style(speaker, style, seed)
        return speech.stream(
            self._one_take(manner, seed), text, speaker=speaker, style=checked, seed=seed, rate=rate, gap=gap
        )

    def in_manner(self, manner: Manner) -> InManner:
        """This voice with a fixed manner.

        Raises:
            VoiceError: The manner sets an attribute that the voice has not learned.
        """
        manner.wishes(self.info.attributes, self.name)
        return InManner(self, manner)

    def _one_take(self, manner: Manner, seed: int) -> InManner:
        return self.in_manner(self._of_take(manner, seed))

    def _of_take(self, manner: Manner, seed: int, *clip: int) -> Manner:
        """The manner of one take, drawn from the seed and, if given, the number of the clip."""
        if not (self.info.variation and manner.variation):
            return manner
        drawn = generator(seed, TAKE_KEY, *clip).standard_normal(2, dtype=np.float32)
        return manner.of_take(self.info.variation, drawn)

    def _one_style(
        self, speaker: str | None, style: Style | Sequence[float] | None, seed: int
    ) -> Style | None:
        """Check a speaker or style before the first word is sampled; the style (S,) if one is given."""
        if speaker is not None and not isinstance(speaker, str):
            raise VoiceError(f"{speaker!r} is not the name of a speaker", where=self.name)
        (row,) = self._styles.rows(1, speaker, style, seed)
        return None if style is None else row

    def _noise(self, seed: int, clip: int) -> Samples:
        size = (1, self.info.frames, self.info.latent_size)
        return generator(seed, NOISE_KEY, clip).standard_normal(size, dtype=np.float32)

    def _attributes(
        self, count: int, manner: Manner | Sequence[Manner], seed: int, first: int
    ) -> np.ndarray | None:
        """The attributes (B, A) of `count` words; None if the voice has learned no attributes."""
        manners = [manner] * count if isinstance(manner, Manner) else manner
        if len(manners) != count:
            raise VoiceError(f"there are {len(manners)} manners for {count} words", where=self.name)
        takes = [self._of_take(one, seed, first + i) for i, one in enumerate(manners)]
        rows = [one.wishes(self.info.attributes, self.name) for one in takes]
        return np.stack(rows) if self.info.attributes and rows else None

    def _number(self, label: str) -> int:
        known = label if label in self._numbers else self.word(label)
        if known is None:
            raise VoiceError(
                f"has no word {label!r}", where=self.name, remedy=f"it has: {listed(self.labels)}"
            )
        return self._numbers[known]

    def _cut(self, waveform: np.ndarray, length: np.ndarray) -> Samples:
        """The clip (T,) in the outputs of one run of the graph."""
        if waveform.ndim != 2 or len(waveform) != 1 or length.shape != (1,):
            raise VoiceError("its graph gives clips of impossible sizes", where=self.path)
        valid = int(length[0])
        if not 1 <= valid <= min(waveform.shape[1], LONGEST_WORD * self.rate):
            raise VoiceError("its graph gives clips of impossible sizes", where=self.path)
        clip: Samples = waveform[0, :valid].copy()
        if not np.isfinite(clip).all():
            raise VoiceError("its graph gives samples that are not numbers", where=self.path)
        return clip

    def _open_encoder(self, encoded: str) -> Graph:
        try:
            model = base64.b64decode(encoded, validate=True)
        except ValueError as error:
            raise VoiceError("its style encoder is damaged", where=self.path) from error
        return Graph(
            model,
            self.path,
            {"clip": Wanted(FLOAT, (ONE, (1, round(ENCODED[1] * self.rate))))},
            {"style": Wanted(FLOAT, (None, *exact((self.info.style_size,))))},
            threads=self._threads,
        )


def load_voice(name_or_path: str | os.PathLike[str] = "digits", *, threads: int | None = None) -> Voice:
    """Load a shipped or installed voice by name, or any voice file by path.

    Args:
        name_or_path: Such as `digits` or `my.voice`. Installed voices are in the folder `VOXLET_VOICES` or in
            `~/.local/share/voxlet/voices`.
        threads: Clips sampled in parallel; by default, the number of cores, at most four.

    Raises:
        VoiceError: There is no such voice, or its file is damaged, not a voice or out of bounds.

    Example:
        >>> load_voice("digits").say("4091", speaker="theo", seed=7)
        Utterance('four zero nine one', ... s, 16000 Hz)
    """
    return Voice(read_voice(find_voice(name_or_path)), threads=threads)


def say(
    text: str,
    *,
    voice: str | os.PathLike[str] = "digits",
    speaker: str | None = None,
    style: Style | Sequence[float] | None = None,
    manner: Manner = PLAIN,
    seed: int = 0,
    rate: int | None = None,
    gap: float | None = None,
) -> Utterance:
    """Load a voice and say `text` with it: the short form of `load_voice(voice).say(text)`.

    Example:
        >>> spoken = say("4091", speaker="theo", seed=7)
        >>> [word.label for word in spoken.words]
        ['four', 'zero', 'nine', 'one']
        >>> spoken.wav()[:4]  # and spoken.save("4091.wav")
        b'RIFF'
    """
    spoken = load_voice(voice)
    return spoken.say(text, speaker=speaker, style=style, manner=manner, seed=seed, rate=rate, gap=gap)
