"""Shifted and stretched spectrograms: known points end up where they should."""

from __future__ import annotations

import pytest
import torch

from voxlet.errors import ConfigError
from voxlet.recipes.clip.augment import warp
from voxlet.recipes.clip.config import Augmentation

BANDS, FRAMES, SECONDS = 65, 50, 0.5


def ridge(time: int, band: int, count: int = 256) -> torch.Tensor:
    """Return spectrograms (B, M, F) that are zero except at one point."""
    spectrograms = torch.zeros(count, BANDS, FRAMES)
    spectrograms[:, band, time] = 1.0
    return spectrograms


def centres(spectrograms: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return each spectrogram's mean frame and mean band (B,), weighted by its values."""
    total = spectrograms.sum((1, 2))
    frames = (spectrograms.sum(1) * torch.arange(FRAMES)).sum(1) / total
    bands = (spectrograms.sum(2) * torch.arange(BANDS)).sum(1) / total
    return frames, bands


def test_nothing_asked_nothing_done():
    spectrograms = torch.rand(3, BANDS, FRAMES)
    assert warp(spectrograms, Augmentation(), SECONDS) is spectrograms


def test_a_shift_moves_time_alone():
    torch.manual_seed(0)
    frames, bands = centres(warp(ridge(20, 30), Augmentation(shift=0.05), SECONDS))
    assert bands == pytest.approx(torch.full_like(bands, 30), abs=0.01)
    moved = frames - 20
    most = 0.05 / SECONDS * (FRAMES - 1)
    assert moved.abs().max() <= most + 0.01
    assert moved.min() < -0.8 * most
    assert moved.max() > 0.8 * most


def test_a_stretch_keeps_the_start_and_a_bend_keeps_the_bottom():
    torch.manual_seed(0)
    frames, bands = centres(warp(ridge(30, 40), Augmentation(stretch=0.1, bend=0.05), SECONDS))
    for found, at, most in ((frames, 30, 0.1), (bands, 40, 0.05)):
        assert found.min() == pytest.approx(at * (1 - most), abs=0.3)
        assert found.max() == pytest.approx(at * (1 + most), abs=0.3)
    # A clip's first frame and lowest band stay in place.
    corner = warp(ridge(0, 0), Augmentation(stretch=0.1, bend=0.05), SECONDS)
    assert corner[:, 0, 0] == pytest.approx(torch.ones(256), abs=1e-3)


def test_what_comes_from_beyond_the_edge_is_the_edge():
    torch.manual_seed(0)
    flat = torch.full((64, BANDS, FRAMES), 0.7)
    moved = warp(flat, Augmentation(0.1, 0.2, 0.2), SECONDS)
    assert moved == pytest.approx(torch.full_like(moved, 0.7), abs=1e-5)


def test_a_share_of_the_clips_stays_exactly_as_it_was():
    torch.manual_seed(0)
    clips = torch.rand(400, BANDS, FRAMES)
    moved = warp(clips, Augmentation(0.05, 0.1, 0.1, moved=0.3), SECONDS)
    stayed = (moved == clips).all(dim=2).all(dim=1).float().mean()
    assert float(stayed) == pytest.approx(0.7, abs=0.07)
    assert warp(clips, Augmentation(0.05, moved=0.0), SECONDS) is clips
    with pytest.raises(ConfigError, match=r"moved 1\.5 is not between 0 and 1"):
        Augmentation(moved=1.5)


@pytest.mark.parametrize("value", [-0.1, 0.6, float("nan")])
def test_amounts_that_make_no_sense(value):
    with pytest.raises(ConfigError, match=r"stretch .* is not between 0 and 0.5"):
        Augmentation(stretch=value)
