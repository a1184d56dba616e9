from __future__ import annotations

import numpy as np
import pytest

from voxlet.errors import ScoreError
from voxlet.evaluation.classifiers.inputs import Hearing, hear
from voxlet.evaluation.metrics.memorisation import nearest


def chirps(count: int, seed: int) -> list[np.ndarray]:
    """Clips of 0.4 to 0.6 s at 8 kHz, each two gliding tones of its own in faint noise."""
    rng = np.random.default_rng(seed)
    clips = []
    for _ in range(count):
        time = np.arange(rng.integers(3200, 4800)) / 8000
        low, high = rng.uniform(200, 1500), rng.uniform(1500, 3500)
        glide = rng.uniform(-800, 800, 2)
        tone = sum(np.sin(2 * np.pi * (f + g * time) * time) for f, g in zip((low, high), glide, strict=True))
        clips.append((0.1 * tone + 0.001 * rng.standard_normal(len(time))).astype(np.float32))
    return clips


def test_a_planted_copy_is_found_however_it_is_shifted_and_scaled():
    train, fresh = chirps(40, seed=1), chirps(30, seed=2)
    rng = np.random.default_rng(0)
    copy = 0.3 * np.pad(train[17], (240, 0)) + 0.0003 * rng.standard_normal(len(train[17]) + 240)
    made = [*fresh[:12], copy.astype(np.float32), *fresh[12:]]
    hearing = Hearing()
    found = nearest(hear(made, 8000, hearing), hear(train, 8000, hearing))
    row, source, distance = next(found.pairs(1))
    assert (row, source) == (12, 17)
    assert distance < 0.25 * np.median(found.distance)
    percentiles = found.percentiles()
    assert percentiles[1].value < percentiles[5].value < percentiles[50].value
    assert percentiles[50].low <= percentiles[50].value <= percentiles[50].high


def test_a_set_is_its_own_nearest():
    spectra = hear(chirps(10, seed=3), 8000, Hearing())
    found = nearest(spectra, spectra)
    assert found.row.tolist() == list(range(10))
    assert found.distance == pytest.approx(0, abs=2e-2)  # float32 squares cancel


def test_nothing_to_compare_with():
    spectra = hear(chirps(2, seed=3), 8000, Hearing())
    with pytest.raises(ScoreError, match="both sides"):
        nearest(spectra, spectra[:0])
