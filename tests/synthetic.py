"""Stand-ins for words: tones that rise and fall, written as tiny corpora."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

RATE = 8000
SPEAKERS = ("ann", "bob", "cyd")


def word(label: int, speaker: int, take: int, rate: int = RATE) -> np.ndarray:
    """A stand-in for a word: two tones that rise and fall in 0.2 to 0.4 s, between 0.1 s of faint noise."""
    rng = np.random.default_rng((label, speaker, take))
    count = round(rate * rng.uniform(0.2, 0.4))
    time = np.arange(count) / rate
    pitch = (300 + 200 * label) * (1 + 0.1 * speaker)
    tones = np.sin(2 * np.pi * pitch * time) + 0.4 * np.sin(2 * np.pi * 2.5 * pitch * time + take)
    samples = np.zeros(count + rate // 5)
    samples[rate // 10 : rate // 10 + count] = 0.3 / (1 + speaker) * tones * np.sin(np.pi * time / time[-1])
    return (samples + 1e-4 * rng.standard_normal(len(samples))).astype(np.float32)


def write_clip(path: Path, samples: np.ndarray, rate: int = RATE) -> None:
    """Write a 16-bit sound file, without `audio.write`'s care for a power cut: tests write thousands."""
    soundfile.write(path, samples, rate)


def every_word(labels: int, takes: int):
    """(label, speaker name, take, samples) of a whole corpus."""
    for label in range(labels):
        for index, speaker in enumerate(SPEAKERS):
            for take in range(takes):
                yield label, speaker, take, word(label, index, take)
