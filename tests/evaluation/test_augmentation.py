"""The seven augmentation effects on inputs with known answers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from voxlet.evaluation.classifiers import augmentation
from voxlet.evaluation.classifiers.augmentation import SILENCE
from voxlet.evaluation.classifiers.inputs import FLOOR

M, FRAMES = 9, 21


def click(band: int, frame: int, level: float = 0.0) -> torch.Tensor:
    """Return silence except in one band of one frame."""
    found = torch.full((1, M, FRAMES), SILENCE)
    found[0, band, frame] = level
    return found


def one(value: float) -> torch.Tensor:
    return torch.tensor([[value]])


def flat(value: float) -> torch.Tensor:
    return torch.tensor([[[value]]])


def place(spectrogram: torch.Tensor) -> tuple[int, int]:
    return divmod(int(spectrogram[0].argmax()), FRAMES)


def still_time() -> torch.Tensor:
    return augmentation.stretched_time(FRAMES, one(0.0), one(0.0))


def still_bands() -> torch.Tensor:
    return augmentation.stretched_bands(M, one(0.0), one(0.0))


def test_no_warp_changes_nothing():
    clip = torch.randn(1, M, FRAMES, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(augmentation.warp(clip, still_time(), still_bands()), clip, atol=1e-5, rtol=0)


def test_twice_the_speed_halves_the_distance_from_the_middle():
    time = augmentation.stretched_time(FRAMES, one(float(np.log(2))), one(0.0))
    assert place(augmentation.warp(click(4, 16), time, still_bands())) == (4, 13)  # 6 frames after the middle


def test_a_shift_moves_all_frames_alike():
    time = augmentation.stretched_time(FRAMES, one(0.0), one(0.2))  # a tenth of the window: two frames
    assert place(augmentation.warp(click(4, 10), time, still_bands())) == (4, 8)


def test_pitch_stretches_from_the_lowest_band():
    bands = augmentation.stretched_bands(M, one(float(np.log(2))), one(0.0))
    assert place(augmentation.warp(click(6, 10), still_time(), bands)) == (3, 10)
    assert place(augmentation.warp(click(0, 10), still_time(), bands)) == (0, 10)


def test_timbre_is_a_curve_over_the_bands():
    flat_clip = torch.zeros(1, M, FRAMES)  # power 1 everywhere
    tilted = augmentation.equalised_power(flat_clip, torch.tensor([[0.0, 0.5]]))
    assert tilted[0, 0, 0] == pytest.approx(np.exp(0.5) - FLOOR)
    assert tilted[0, -1, 0] == pytest.approx(np.exp(-0.5) - FLOOR)
    assert tilted[0, M // 2, 0] == pytest.approx(1 - FLOOR, abs=1e-5)
    louder = augmentation.equalised_power(flat_clip, torch.tensor([[0.3, 0.0]]))
    assert louder.min() == pytest.approx(np.exp(0.3) - FLOOR)
    assert louder.max() == pytest.approx(float(louder.min()))


def test_a_room_leaves_an_exponential_tail():
    power = torch.zeros(1, M, FRAMES)
    power[0, 4, 5] = 1.0
    wet = augmentation.reverberate(power, one(2.0), flat(1.0))
    assert wet[0, 4, :5].abs().max() == 0  # nothing before the sound
    expected = np.exp(-np.arange(12) / 2.0)
    np.testing.assert_allclose(wet[0, 4, 5:17], expected, atol=1e-6)
    assert wet[0, 4, 17:].abs().max() == 0
    assert wet[0, :4].abs().max() == 0  # bands do not mix
    half = augmentation.reverberate(power, one(2.0), flat(0.5))
    assert half[0, 4, 6] == pytest.approx(0.5 * expected[1])
    torch.testing.assert_close(augmentation.reverberate(power, one(2.0), flat(0.0)), power)


def test_noise_is_exponential_and_tilted():
    uniform = torch.rand(1, 200, 2000, generator=torch.Generator().manual_seed(0))
    noise = augmentation.noise_power(uniform)
    assert noise.mean() == pytest.approx(1, rel=0.01)
    assert noise.var() == pytest.approx(1, rel=0.02)
    assert torch.isfinite(augmentation.noise_power(torch.zeros(1, 1, 1))).all()
    even, power = torch.ones(1, M, FRAMES), torch.full((1, M, FRAMES), 3.0)
    added = augmentation.add_noise(power, even, flat(0.25), flat(1.0)) - power
    assert added[0, 0, 0] == pytest.approx(0.25 * np.exp(-2), rel=1e-4)
    assert added[0, M // 2, 0] == pytest.approx(0.25)
    assert added[0, -1, 0] == pytest.approx(0.25 * np.exp(2), rel=1e-5)


def test_level_is_a_gain_over_a_floor_that_stays():
    loud = augmentation.at_level(torch.ones(1, M, FRAMES), flat(0.7))
    assert loud.max() == pytest.approx(0.7, abs=1e-3)
    assert augmentation.at_level(torch.zeros(1, M, FRAMES), flat(0.7)).max() == pytest.approx(SILENCE)
    assert augmentation.at_level(-torch.ones(1, M, FRAMES), flat(0.7)).max() == pytest.approx(SILENCE)


def test_masks_silence_a_stretch_of_frames_and_one_of_bands():
    drawn = iter([flat(0.5), flat(0.25), flat(1 / 3), flat(0.5)])
    times, bands = augmentation.masks(lambda *shape: next(drawn), (1, M, FRAMES), 1.0)
    assert torch.nonzero(times[0, 0]).flatten().tolist() == [11, 12, 13]  # from 10.5, three frames long
    assert torch.nonzero(bands[0, :, 0]).flatten().tolist() == [3, 4, 5, 6]
    hidden = augmentation.masked(torch.zeros(1, M, FRAMES), times, bands)
    assert (hidden == SILENCE).sum() == 3 * M + 4 * FRAMES - 3 * 4
    assert hidden[0, 0, 0] == 0


def test_the_same_seed_augments_alike_and_clips_differ():
    clips = torch.zeros(4, M, FRAMES)
    one_way, again, other = (
        augmentation.augment(clips, 1.0, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    assert one_way.equal(again)
    assert not one_way.equal(other)
    assert not one_way[0].equal(one_way[1])
    assert augmentation.augment(clips, 0.0, torch.Generator()) is clips
    assert torch.isfinite(one_way).all()
