"""The input of classifiers: every clip, real or generated, is preprocessed alike before it is measured.

A clip is resampled and trimmed, its speech is levelled, then it is cut or padded to one window and becomes a
log-mel spectrogram. Nothing here is shared with the features that generators are trained on. Shapes: B clips,
T samples, F frames, M bands.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlet import audio
from voxlet.cache.code import code_digest
from voxlet.spectral.magnitudes import magnitudes
from voxlet.spectral.mel import mel_filters
from voxlet.spectral.window import hann
from voxlet.trimming.code import CODE as TRIMMING
from voxlet.trimming.regions import SILENCE_DB, find_speech

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

FLOOR = 1e-4  # power relative to the average band's (-40 dB), so that the noise floor does not count


@dataclass(frozen=True)
class InputConfig:
    """Bandwidth, window and resolution of a classifier's input."""

    rate: int = 8000  # Hz: nothing above half of it is kept
    seconds: float = 1.0  # window; longer clips lose both ends, shorter ones are padded on both sides
    window: float = 0.032  # seconds of one frame
    hop: float = 0.010  # seconds between frames
    bands: int = 48
    rms: float = audio.SPEECH_RMS  # level to which the speech of each clip is brought
    trim_db: float = SILENCE_DB  # frames this far below the loudest one are cut from the ends

    @property
    def frames(self) -> int:
        """F, frames of the window."""
        return round(self.seconds / self.hop)


def normalise(samples: audio.Samples, rate: int, config: InputConfig) -> audio.Samples:
    """One clip (T,) at `rate`, resampled as configured, without offset, trimmed, its speech levelled."""
    sound = audio.resample(samples.astype(np.float32), rate, config.rate)
    sound = sound - sound.mean(dtype=np.float64).astype(np.float32) if len(sound) else sound
    if not len(sound) or audio.rms(sound) < 1e-7:
        return np.zeros(round(0.1 * config.rate), np.float32)
    found = find_speech(sound, config.rate, config.trim_db)
    return audio.level(sound[found.start : found.stop], config.rms, peak=np.inf, loudness=found.rms(sound))


def centred(samples: audio.Samples, count: int) -> audio.Samples:
    """Centre a clip (T,) in a window of `count` samples, cut or padded at both ends."""
    extra = len(samples) - count
    if extra >= 0:
        return samples[extra // 2 : extra // 2 + count]
    return np.pad(samples, (-extra // 2, -extra - (-extra // 2)))


def log_mel(samples: audio.Samples, config: InputConfig) -> NDArray[np.float32]:
    """Natural-log mel power (M, F) of one normalised clip; 0 is the mean power of a clip at `config.rms`."""
    size = round(config.window * config.rate)
    step = round(config.hop * config.rate)
    n_fft = 2 * size  # zero-padded: at low rates the lowest bands are narrower than a bin
    window = centred(samples, config.frames * step)
    power = magnitudes(window, size, step, n_fft) ** 2 / (config.rms**2 * np.sum(hann(size) ** 2))
    filters = mel_filters(config.rate, n_fft, config.bands, low=50.0, scale="htk", norm="sum")
    bands = filters @ power.T.astype(np.float32)
    return np.asarray(np.log(bands + FLOOR), dtype=np.float32)


def whole_log_mel(samples: audio.Samples, config: InputConfig) -> NDArray[np.float32]:
    """Log-mel spectrogram (M, F) of a whole clip, neither trimmed nor levelled; F depends on its length."""
    frames = max(1, round(len(samples) / config.rate / config.hop))
    return log_mel(samples, replace(config, seconds=frames * config.hop))


def log_mels(sounds: Sequence[audio.Samples], rate: int, config: InputConfig) -> NDArray[np.float32]:
    """Log-mel spectrograms (B, M, F) of B clips, each (T,) at `rate`, normalised alike."""

    def one(samples: audio.Samples) -> NDArray[np.float32]:
        return log_mel(normalise(samples, rate, config), config)

    if not sounds:
        return np.zeros((0, config.bands, config.frames), np.float32)
    with ThreadPoolExecutor(max_workers=2) as pool:
        rows: list[NDArray[Any]] = list(pool.map(one, sounds))
    return np.stack(rows)


def inputs_code() -> str:
    """Digest of the code that computes these inputs, for cache keys: other code gives other inputs."""
    return code_digest(
        *(*TRIMMING, audio.resample, audio.level, normalise, centred, log_mel),
        *(magnitudes, mel_filters, hann),
    )
