"""Locate the speech in a clip: its stretches, bounds and level; trim silence.

Frames are compared, band by band, with the clip's steady background, so that noise and hum cancel. Frames
above it form stretches; clicks, knocks and breath are left out, and pauses between words stay in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from voxlet.trimming.evidence import FLOOR_AT_MOST_DB, look, look_behind_hum
from voxlet.trimming.frames import Frames, decibels, emphasise_speech, frame_levels
from voxlet.trimming.stretches import choose, in_samples

if TYPE_CHECKING:
    from voxlet.audio import Samples

SILENCE_DB = -40.0  # relative to the loudest speech: anything weaker is silence


@dataclass(frozen=True)
class SpeechRegions:
    """Where the speech of a clip is.

    Attributes:
        start: First sample of the speech; 0 if no speech was found.
        stop: One past the last sample of the speech; the clip's length if no speech was found.
        regions: First and one-past-last sample of each stretch, in order, separated by pauses; may be empty.
        level_db: Level of the loudest 80 ms of speech in dB re full scale, weighted as by `emphasise_speech`.
        floor_db: Level of the background, weighted likewise.
        ends_db: Levels of the clip's first and last 10 ms, weighted likewise.
        silence_found: Whether anything quieter than the speech was found; if not, the bounds may be in noise,
            or the clip was cut close to its word.
    """

    start: int
    stop: int
    regions: tuple[tuple[int, int], ...]
    level_db: float
    floor_db: float
    ends_db: tuple[float, float]
    silence_found: bool

    @property
    def contrast_db(self) -> float:
        """How far the speech is above the background, in dB."""
        return self.level_db - self.floor_db

    def rms(self, samples: Samples) -> float:
        """Root mean square of the clip's speech alone; of the whole clip (T,) if no speech was found."""
        regions = self.regions or ((0, len(samples)),)
        energy = sum(float(np.square(samples[start:stop], dtype=np.float64).sum()) for start, stop in regions)
        return float(np.sqrt(energy / max(1, sum(stop - start for start, stop in regions))))


def find_speech(samples: Samples, rate: int, threshold_db: float = SILENCE_DB) -> SpeechRegions:
    """Find all speech-like stretches of a clip.

    Args:
        samples: The clip, (T,).
        rate: Sampling rate in Hz.
        threshold_db: Level relative to the loudest speech, in dB, below which there is silence.
    """
    if len(samples) == 0 or not np.any(samples):
        return SpeechRegions(0, len(samples), (), -np.inf, -np.inf, (-np.inf, -np.inf), silence_found=False)
    frames = Frames(samples - np.float32(samples.mean(dtype=np.float64)), rate)
    heard = seen = look(frames, threshold_db)
    if seen.evidence.hidden > 0:
        seen = look_behind_hum(seen, threshold_db) or seen
    stretches = choose(seen.frames, seen.evidence, seen.background)
    fine = frame_levels(emphasise_speech(seen.frames.samples, rate), rate)
    bounds = in_samples(seen.frames, stretches, seen.evidence, fine)
    ends = fine if seen is heard else frame_levels(emphasise_speech(frames.samples, rate), rate)
    level_db, floor_db = decibels(seen.evidence.top), decibels(heard.background.level)
    return SpeechRegions(
        start=bounds[0][0] if bounds else 0,
        stop=bounds[-1][1] if bounds else len(samples),
        regions=bounds,
        level_db=level_db,
        floor_db=floor_db,
        ends_db=(float(ends[0]), float(ends[-1])),
        silence_found=heard.background.steady or floor_db < level_db + FLOOR_AT_MOST_DB,
    )


def speech_bounds(samples: Samples, rate: int, threshold_db: float = SILENCE_DB) -> tuple[int, int]:
    """First and one-past-last sample of the speech in a clip, pauses included, as found by `find_speech`."""
    found = find_speech(samples, rate, threshold_db)
    return found.start, found.stop


def trim(samples: Samples, rate: int, threshold_db: float = SILENCE_DB, margin: float = 0.0) -> Samples:
    """Cut leading and trailing silence, keeping at most `margin` seconds of it on each side."""
    start, stop = speech_bounds(samples, rate, threshold_db)
    extra = round(margin * rate)
    return samples[max(0, start - extra) : stop + extra]


def speech_rms(samples: Samples, rate: int) -> float:
    """Root mean square of a clip's speech alone; of the whole clip if no speech was found."""
    return find_speech(samples, rate).rms(samples)
