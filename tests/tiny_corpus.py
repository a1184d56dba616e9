"""A corpus of a few short synthetic clips, and settings with which training on it takes a moment."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from voxlet import audio

RATE = 8000
LABELS = ("zero", "one")


def write_corpus(folder: Path, takes: int = 10) -> Path:
    """Write clips of 0.1 s, `takes` of each label by each of two speakers: tones in noise, no two alike."""
    rng = np.random.default_rng(0)
    time = np.arange(RATE // 10) / RATE
    for label, pitch in zip(LABELS, (300.0, 900.0), strict=True):
        for speaker in ("ann", "bob"):
            for take in range(takes):
                tone = np.sin(2 * np.pi * pitch * rng.uniform(0.9, 1.1) * time)
                noise = 0.1 * rng.standard_normal(len(time))
                folder.mkdir(parents=True, exist_ok=True)
                samples = (0.3 * (tone + noise)).astype(np.float32)
                audio.write(folder / f"{label}_{speaker}_{take}.wav", samples, RATE)
    return folder


DATA_FLAGS = [
    *("--preparation.rate", "8000", "--preparation.length", "0.1"),
    *("--spectrogram.rate", "8000", "--spectrogram.n-fft", "32", "--spectrogram.hop", "16"),
    *("--loop.batch-size", "8", "--precision", "float32"),
]
FLAGS = [*DATA_FLAGS, "--model.widths", "4"]
