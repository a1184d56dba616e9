from __future__ import annotations

import numpy as np
import pytest

from voxlet.errors import ScoreError
from voxlet.evaluation.classifiers.inputs import FLOOR, InputConfig, log_mels
from voxlet.evaluation.metrics import memorisation
from voxlet.evaluation.metrics.memorisation import Nearest, nearest


def chirps(count: int, seed: int) -> list[np.ndarray]:
    """Return clips of 0.4 to 0.6 s at 8 kHz, each of two gliding tones of its own in faint noise."""
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
    generated = [*fresh[:12], copy.astype(np.float32), *fresh[12:]]
    inputs = InputConfig()
    found = nearest(log_mels(generated, 8000, inputs), log_mels(train, 8000, inputs))
    row, source, distance = next(found.pairs(1))
    assert (row, source) == (12, 17)
    assert distance < 0.3 * np.median(found.distance)
    percentiles = found.percentiles()
    assert percentiles[1].value < percentiles[5].value < percentiles[50].value
    assert percentiles[50].low <= percentiles[50].value <= percentiles[50].high


def test_a_set_is_its_own_nearest():
    spectra = log_mels(chirps(10, seed=3), 8000, InputConfig())
    found = nearest(spectra, spectra)
    assert found.row.tolist() == list(range(10))
    assert found.distance == pytest.approx(0, abs=2e-2)  # float32 squares cancel


def test_nothing_to_compare_with():
    spectra = log_mels(chirps(2, seed=3), 8000, InputConfig())
    with pytest.raises(ScoreError, match="both sides"):
        nearest(spectra, spectra[:0])


def test_distances_of_spectrograms_worked_out_by_hand():
    """The distance is the RMS over 2 bands of 4 frames: two of eight cells that differ by 2 nepers give 1."""
    quiet = np.full((1, 2, 4), np.log(FLOOR), np.float32)
    same, far = quiet + 1, quiet + 1
    far[0, :, 0] += 2
    found = nearest(quiet + 1, np.concatenate([far, same]), shift=0)
    assert (found.row[0], found.distance[0]) == (1, pytest.approx(0, abs=1e-3))
    assert nearest(quiet + 1, far, shift=0).distance[0] == pytest.approx(1.0, rel=1e-4)


def test_a_shift_in_time_costs_nothing_within_reach():
    clip = np.full((1, 2, 20), np.log(FLOOR), np.float32)
    clip[0, :, 8] = 0
    near, far = np.roll(clip, 5, axis=2), np.roll(clip, 6, axis=2)
    assert nearest(clip, near).distance[0] == pytest.approx(0, abs=1e-2)
    assert nearest(clip, far).distance[0] > 1


def test_percentiles_and_pairs_of_known_distances():
    found = Nearest(np.arange(1.0, 102.0)[::-1], np.arange(101))
    figures = memorisation.evaluate(found)
    assert {key: value.value for key, value in figures.items()} == {
        "memorisation.nearest.p1": 2.0,
        "memorisation.nearest.p5": 6.0,
        "memorisation.nearest.p50": 51.0,
    }
    assert list(found.pairs(2)) == [(100, 100, 1.0), (99, 99, 2.0)]


def test_spectrograms_of_other_shapes():
    with pytest.raises(ScoreError, match="cannot be compared"):
        nearest(np.zeros((1, 2, 4), np.float32), np.zeros((1, 2, 5), np.float32))
