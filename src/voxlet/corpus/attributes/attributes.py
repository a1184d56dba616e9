"""Attributes: what is measured of each clip, as conditions for training and for scores."""

from __future__ import annotations

import hashlib
import io
from dataclasses import astuple, dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from voxlet import audio
from voxlet.cache import contents as cache
from voxlet.corpus.attributes import clarity as clear
from voxlet.corpus.attributes.hum import hum_db
from voxlet.corpus.attributes.noise import bandwidth_hz, noise_db
from voxlet.corpus.attributes.pitch import median_pitch
from voxlet.corpus.attributes.reverberation import decay_seconds
from voxlet.corpus.attributes.spectrum import clip_spectrum
from voxlet.files import cache_folder
from voxlet.trimming.regions import find_speech

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from voxlet.audio import Samples
    from voxlet.corpus.corpus import Clip
    from voxlet.trimming.regions import SpeechRegions

VERSION = 1  # increase when the same clips give other attributes
CHUNK = 64  # recordings in memory at a time


@dataclass(frozen=True)
class Attributes:
    """Measures of B clips, each (B,) float64; NaN for a clip in which a value cannot be measured.

    Attributes:
        seconds: Length of the speech, including pauses within it.
        pitch_hz: Median pitch.
        noise_db: Level of the background re the speech; an upper bound for clips cut close to the word.
        bandwidth_hz: Highest frequency of sound that is not steady noise.
        decay_seconds: Time in which the sound falls by 60 dB at its steepest falls: reverberation.
        hum_db: Level of mains hum re the speech; -80 if there is none.
    """

    seconds: NDArray[np.float64]
    pitch_hz: NDArray[np.float64]
    noise_db: NDArray[np.float64]
    bandwidth_hz: NDArray[np.float64]
    decay_seconds: NDArray[np.float64]
    hum_db: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.seconds)

    @property
    def clarity(self) -> NDArray[np.float64]:
        """Recording quality of each clip, (B,) from 0 to 1; see `clarity.clarity`."""
        return clear.clarity(self.noise_db, self.bandwidth_hz, self.decay_seconds, self.hum_db)


def measure(sounds: Sequence[Samples], rate: int, *, cut: bool = False) -> Attributes:
    """Measure the attributes of clips.

    Args:
        sounds: The clips, each (T,), untrimmed: the silence shows the background.
        rate: Sampling rate in Hz.
        cut: Cut each clip to its speech first: needed to compare sets of clips with and without silence.
    """
    words: list[Samples] = []
    table = np.full((len(sounds), 5), np.nan)
    for row, sound in enumerate(sounds):
        found = find_speech(sound, rate)
        words.append(sound[found.start : found.stop])
        recorded = recording_attributes(words[-1], rate) if cut else recording_attributes(sound, rate, found)
        table[row] = (len(words[-1]) / rate, *recorded)
    return Attributes(table[:, 0], median_pitch(words, rate), *table[:, 1:].T)


def recording_attributes(
    samples: Samples, rate: int, found: SpeechRegions | None = None
) -> tuple[float, float, float, float]:
    """Noise, bandwidth, decay and hum of one clip (T,); NaN if it is silent or too short."""
    spectrum = clip_spectrum(samples, rate, found)
    if spectrum is None:
        return (float("nan"),) * 4
    return noise_db(spectrum), bandwidth_hz(spectrum), decay_seconds(spectrum), hum_db(spectrum)


def measure_recordings(clips: Sequence[Clip], *, progress: bool = True) -> Attributes:
    """The attributes of the original recordings, in the order of `clips`, cached.

    Raises:
        AudioError: A file can no longer be read.
    """
    from tqdm import tqdm

    key = hashlib.sha256(repr((VERSION, [clip.digest for clip in clips])).encode()).hexdigest()[:32]
    path = cache_folder("scores") / f"{key}.npy"
    try:
        stored = np.load(path, allow_pickle=False)
        if stored.shape == (len(fields(Attributes)), len(clips)):
            cache.touch(path)
            return Attributes(*stored)
    except (OSError, ValueError):
        pass  # missing or damaged: measure again
    table = np.full((len(fields(Attributes)), len(clips)), np.nan)
    rates = {clip.rate for clip in clips}
    by_rate = {rate: [row for row, clip in enumerate(clips) if clip.rate == rate] for rate in sorted(rates)}
    parts = [
        (rate, rows[first : first + CHUNK])
        for rate, rows in by_rate.items()
        for first in range(0, len(rows), CHUNK)
    ]
    bar = tqdm(parts, desc="attributes", unit="part", disable=None if progress else True, leave=False)
    for rate, rows in bar:
        found = measure([audio.read(clips[row].path).samples for row in rows], rate)
        table[:, rows] = np.array(astuple(found))
    file = io.BytesIO()
    np.save(file, table, allow_pickle=False)
    cache.write(path, file.getvalue())
    return Attributes(*table)
