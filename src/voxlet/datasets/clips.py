"""From a planned clip to samples: the voice says the word, and the plan's effects are applied."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from voxlet import audio, files
from voxlet.datasets.plan import STYLE_KEY
from voxlet.speak.speech import FADE, shape
from voxlet.speak.styles import generator
from voxlet.speak.voice import Voice
from voxlet.speak.voice_file import read_voice

if TYPE_CHECKING:
    from voxlet.audio import Samples
    from voxlet.datasets.plan import Plan, Planned
    from voxlet.speak.speech import Style


@dataclass(frozen=True, eq=False)
class Made:
    """A clip: its plan, its samples as said (T,) and after the effects (T,), and the effects' names."""

    planned: Planned
    said: Samples
    samples: Samples
    rate: int
    effects: str = ""

    def facts(self, voice: str) -> dict[str, object]:
        """The facts that every format writes beside the clip."""
        planned, manner = self.planned, self.planned.manner
        return {
            "index": planned.index,
            "label": planned.label,
            "word": planned.word,
            "speaker": planned.speaker,
            "speed": round(manner.speed, 4),
            "pitch": round(manner.pitch, 4),
            "clarity": round(manner.clarity, 4),
            "seconds": round(len(self.samples) / self.rate, 4),
            "effects": self.effects,
            "voice": voice,
            "synthetic": True,
        }


def make_clips(plan: Plan, voice: Voice, start: int, stop: int) -> list[Made]:
    """The clips `start` to `stop` - 1, bit-identical to each made alone on the same kind of processor.

    Raises:
        ConfigError: There is no such clip.
        VoiceError: The plan was not made for this voice.
    """
    planned = [plan.clip(index) for index in range(start, stop)]
    said = voice.sample(
        [one.word for one in planned],
        style=np.stack([_style(plan, voice, one) for one in planned]),
        manner=[one.manner for one in planned],
        seed=plan.seed,
        first=start,
    )
    return [_finished(plan, voice, one, clip) for one, clip in zip(planned, said, strict=True)]


def make_clip(plan: Plan, voice: Voice, index: int) -> Made:
    """The clip of one number, made alone; errors are those of `make_clips`."""
    (made,) = make_clips(plan, voice, index, index + 1)
    return made


def _style(plan: Plan, voice: Voice, planned: Planned) -> Style:
    if planned.style is None:
        return voice.style(planned.speaker)
    return voice.draw_style(generator(plan.seed, STYLE_KEY, planned.style))


def _finished(plan: Plan, voice: Voice, planned: Planned, clip: Samples) -> Made:
    """A clip as said (trimmed, levelled, at the plan's rate and length) and after the effects."""
    samples = shape(clip, voice.rate, plan.rate, planned.word)
    if plan.seconds is not None:
        samples = fitted(samples, round(plan.seconds * plan.rate), plan.rate)
    if not plan.effects:
        return Made(planned, samples, samples, plan.rate)
    from voxlet.datasets.effects import as_recorded

    changed, what = as_recorded(samples, plan, planned.index)
    return Made(planned, samples, changed, plan.rate, what)


def fitted(samples: Samples, count: int, rate: int) -> Samples:
    """Samples (T,) centred in `count` samples: padded with silence, or cut at both ends and faded."""
    spare = count - len(samples)
    if spare >= 0:
        return np.pad(samples, (spare // 2, spare - spare // 2))
    start = -spare // 2
    return audio.fade(samples[start : start + count], rate, FADE)


@functools.lru_cache(1)
def opened_voice(data: bytes) -> Voice:
    """The voice in the bytes of its file, opened once in each process and run on one thread.

    Raises:
        VoiceError: The file is damaged.
    """
    with files.temporary_folder() as folder:
        path = folder / "travelled.voice"
        path.write_bytes(data)
        return Voice(read_voice(path), threads=1)
