"""Made-up clips of a map: tones, whose latents hold their known properties."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from voxlet.exploring.clips import Clips, Measured

RATE = 8000
LABELS, SPEAKERS = ("one", "two", "</script>"), ("ann", "bob")


def some_clips(count: int = 120, *, size: int = 4, generated: int = 20) -> Clips:
    """Latent 0 is the length, 1 the speaker (-1, 1), 2 the label, 3 noise; the last clips are generated."""
    rng = np.random.default_rng(0)
    labels, speakers = np.arange(count) % 3, np.arange(count) // 3 % 2
    seconds = rng.uniform(0.2, 0.5, count)
    latents = 0.1 * rng.standard_normal((count, size))
    latents[:, 0] += (seconds - 0.35) / 0.1
    if size > 2:
        latents[:, 1] += 2.0 * speakers - 1
        latents[:, 2] += labels
    sounds = tuple(
        (0.1 * np.sin(2 * np.pi * (200 + 10 * row) * np.arange(round(length * RATE)) / RATE)).astype(
            np.float32
        )
        for row, length in enumerate(seconds)
    )
    made = np.arange(count) >= count - generated
    return Clips(
        name="made up",
        rate=RATE,
        sounds=sounds,
        latents=latents,
        labels=labels,
        label_names=LABELS,
        speakers=np.where(made, -1, speakers),
        speaker_names=SPEAKERS,
        generated=made,
        sources=tuple(f"clip {row}" for row in range(count)),
        digests=tuple("" if one else f"digest {row}" for row, one in enumerate(made)),
        rows=np.where(made, -1, np.arange(count)),
        measured=Measured(seconds, np.full(count, np.nan), rng.uniform(-30, -20, count)),
        credit="nobody's recordings",
        doubt=np.full(count, np.nan),
    )


def without_real(clips: Clips) -> Clips:
    """The same clips, as if all were generated."""
    return replace(clips, generated=np.ones(len(clips), bool))
