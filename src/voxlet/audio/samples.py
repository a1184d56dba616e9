"""Arrays of samples: resample, level, fade, join."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from voxlet.errors import AudioError

if TYPE_CHECKING:
    from collections.abc import Sequence

Samples = np.ndarray[Any, np.dtype[np.float32]]

SPEECH_RMS = 0.08  # level of clips in training, as inputs of classifiers, and in speech: about -22 dB


def resample(samples: Samples, rate: int, new_rate: int) -> Samples:
    """Band-limited resampling along the last axis of (T,) or (n, T), to T * new_rate / rate samples.

    Raises:
        AudioError: One of the rates is not a positive number.
    """
    for one in (rate, new_rate):
        if not 0 < one < np.inf:  # NaN fails, too
            raise AudioError(f"{one!r} is not a sampling rate")
    if rate == new_rate:
        return samples
    import soxr  # imported late, so that `voxlet say` starts at once

    moved = np.moveaxis(samples, -1, 0)
    resampled: Samples = soxr.resample(moved, rate, new_rate, quality="HQ")
    return np.moveaxis(resampled, 0, -1).astype(np.float32)


def rms(samples: Samples) -> float:
    """Root mean square over all samples.

    >>> round(rms(np.float32([3, -4, 3, -4])), 4)
    3.5355
    """
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


def level(
    samples: Samples, target_rms: float, peak: float = 0.99, *, loudness: float | None = None
) -> Samples:
    """Scale to a root mean square of `target_rms`, or less if the peak would exceed `peak`; silence stays.

    `loudness` is the current root mean square, for example of the speech alone; by default, of all samples.
    """
    loudness = rms(samples) if loudness is None else loudness
    highest = float(np.abs(samples).max(initial=0.0))
    if loudness == 0.0 or highest == 0.0:
        return samples
    return samples * np.float32(min(target_rms / loudness, peak / highest))


def fade(samples: Samples, rate: int, seconds: float) -> Samples:
    """Raised-cosine fade in and out of `seconds` each, at most half the clip."""
    count = min(round(seconds * rate), len(samples) // 2)
    if count == 0:
        return samples
    ramp = (0.5 - 0.5 * np.cos(np.pi * (np.arange(count) + 0.5) / count)).astype(np.float32)
    faded = samples.copy()
    faded[:count] *= ramp
    faded[-count:] *= ramp[::-1]
    return faded


def silence(seconds: float, rate: int) -> Samples:
    """Zeros for `seconds`."""
    return np.zeros(round(seconds * rate), dtype=np.float32)


def join(parts: Sequence[Samples], rate: int, gap: float) -> Samples:
    """Concatenate `parts` with `gap` seconds of silence between them.

    >>> join([np.ones(2, np.float32), np.ones(1, np.float32)], rate=1000, gap=0.002).tolist()
    [1.0, 1.0, 0.0, 0.0, 1.0]
    """
    pieces: list[Samples] = []
    for index, part in enumerate(parts):
        if index:
            pieces.append(silence(gap, rate))
        pieces.append(part)
    return np.concatenate(pieces) if pieces else silence(0, rate)
