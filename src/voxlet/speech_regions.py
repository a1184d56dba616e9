"""Where in a clip the speech is: levels of its frames, the bounds of the word, trimming."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from voxlet.audio import Samples

if TYPE_CHECKING:
    from numpy.typing import NDArray

SILENCE_DB = -40.0  # relative to the clip's loudest frame
FRAME_SECONDS = 0.010  # resolution at which levels are measured
RUMBLE_HZ, VOWEL_HZ = 120.0, 500.0  # below these lie hum and breath; most of a vowel's energy
FLOOR_FRAMES = 5  # the quietest stretch of this many frames shows the noise floor
ABOVE_FLOOR_DB = 8.0  # what is louder than the floor by this is speech
FLOOR_AT_MOST_DB = -22.0  # relative to the loudest frame: a higher floor is speech itself
CLOSURE_FRAMES = 15  # the longest silence inside a word


def frame_levels(samples: Samples, rate: int) -> NDArray[np.float64]:
    """Level of each 10 ms frame in dB re full scale, shape (F,); the last frame may be shorter."""
    size = max(1, round(FRAME_SECONDS * rate))
    edges = np.arange(0, len(samples), size)
    energy = np.add.reduceat(np.square(samples, dtype=np.float64), edges)
    counts = np.minimum(size, len(samples) - edges)
    return 10 * np.log10(np.maximum(energy / counts, 1e-12))


def speech_bounds(samples: Samples, rate: int, threshold_db: float = SILENCE_DB) -> tuple[int, int]:
    """First and one-past-last sample of the word in a clip, by the level of its 10 ms frames.

    A frame is loud when it is within `threshold_db` of the loudest and also above the noise floor, which the
    clip's quietest stretch shows. The word is the loud stretch with the most energy and those close to it
    (the closure before a final t is silent); a click at a distance is left outside.
    """
    levels = frame_levels(emphasise_speech(samples, rate), rate)
    energy = 10 ** (levels / 10)
    loudest = levels.max()
    stretch = min(FLOOR_FRAMES, len(energy))
    floor = 10 * np.log10(np.convolve(energy, np.full(stretch, 1 / stretch), "valid").min())
    # In a clip cut close to the word the quietest stretch is speech too: hence the upper bound.
    threshold = max(loudest + threshold_db, min(floor + ABOVE_FLOOR_DB, loudest + FLOOR_AT_MOST_DB))
    edges = np.flatnonzero(np.diff(levels >= threshold, prepend=False, append=False))
    stretches = [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]
    main = int(np.argmax([energy[start:stop].sum() for start, stop in stretches]))
    first, last = stretches[main]
    for start, stop in stretches[main + 1 :]:
        if start - last <= CLOSURE_FRAMES and stop - start > 1:
            last = stop
    for start, stop in reversed(stretches[:main]):
        if first - stop <= CLOSURE_FRAMES and stop - start > 1:
            first = start
    size = max(1, round(FRAME_SECONDS * rate))
    return first * size, min(len(samples), last * size)


def emphasise_speech(samples: Samples, rate: int) -> Samples:
    """The samples, (T,), weighted as speech stands out from noise, with no delay.

    Below 120 Hz (hum, breath, an offset) nothing stays; below 500 Hz it falls by 6 dB an octave, so that an s
    or f counts beside a vowel.
    """
    # A power of two: transforms of some lengths take ten times as long.
    size = 1 << (len(samples) - 1).bit_length()
    frequencies = np.maximum(np.fft.rfftfreq(size, 1 / rate), 1e-3)
    rumble = (RUMBLE_HZ / frequencies) ** 4  # Butterworth, second order
    vowel = (VOWEL_HZ / frequencies) ** 2  # first order
    gains = 1 / np.sqrt((1 + rumble) * (1 + vowel))
    # An offset would be a step at the end, where the padding begins.
    centred = samples - samples.mean(dtype=np.float64)
    return np.fft.irfft(np.fft.rfft(centred, size) * gains, size)[: len(samples)].astype(np.float32)


def trim(samples: Samples, rate: int, threshold_db: float = SILENCE_DB, margin: float = 0.0) -> Samples:
    """Cut leading and trailing silence, keeping at most `margin` seconds of it on each side.

    >>> tone = np.sin(2 * np.pi * 700 * np.arange(1600) / 8000).astype(np.float32)
    >>> silence = np.zeros(2400, np.float32)
    >>> len(trim(np.concatenate([silence, tone, silence]), 8000, margin=0.05)) / 8000
    0.32
    """
    start, stop = speech_bounds(samples, rate, threshold_db)
    extra = round(margin * rate)
    return samples[max(0, start - extra) : stop + extra]
