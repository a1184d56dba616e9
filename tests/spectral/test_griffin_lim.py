"""Fast Griffin-Lim converges, its momentum helps, and its sound has the given spectrum."""

from __future__ import annotations

import pytest
import torch

from voxlet.spectral.config import SpectrogramConfig
from voxlet.spectral.griffin_lim import griffin_lim
from voxlet.spectral.stft import stft

STUDY = SpectrogramConfig()


@pytest.fixture
def amplitude() -> torch.Tensor:
    """Return the amplitudes (2, M, F) of two sweeps."""
    time = torch.arange(17_640) / 22_050
    rows = [0.3 * torch.sin(2 * torch.pi * (low + 900 * time) * time) for low in (200, 900)]
    return stft(torch.stack(rows), STUDY).abs()


def inconsistency(amplitude: torch.Tensor, **settings: float) -> float:
    """Return the squared error of the resulting spectrum as a share of the target's energy."""
    made = griffin_lim(amplitude, STUDY, samples=17_640, **settings)
    error = stft(made, STUDY).abs() - amplitude
    return float(error.square().sum() / amplitude.square().sum())


def test_it_converges_and_momentum_helps(amplitude):
    classical = [inconsistency(amplitude, iterations=n, momentum=0.0) for n in (0, 1, 4, 16, 32)]
    assert classical == sorted(classical, reverse=True)  # as Griffin and Lim proved of their algorithm
    fast = inconsistency(amplitude, iterations=32, momentum=0.99)
    assert fast < 0.02
    assert fast < 0.5 * classical[-1]


def test_it_keeps_the_pitch_of_a_tone():
    waveform = torch.sin(2 * torch.pi * 1_000 * torch.arange(17_640) / 22_050)[None]
    made = griffin_lim(stft(waveform, STUDY).abs(), STUDY, samples=17_640)
    spectrum = torch.fft.rfft(made[0]).abs()
    assert int(spectrum.argmax()) * 22_050 / 17_640 == pytest.approx(1_000, abs=10)
    assert made[0, 4_000:-4_000].square().mean() == pytest.approx(0.5, rel=0.05)


def test_a_clip_does_not_depend_on_its_batch(amplitude):
    alone = griffin_lim(amplitude[1:], STUDY, iterations=8)
    together = griffin_lim(amplitude, STUDY, iterations=8)[1:]
    torch.testing.assert_close(alone, together, rtol=0, atol=1e-5)


def test_length_and_seed(amplitude):
    assert griffin_lim(amplitude, STUDY, iterations=1).shape == (2, 68 * 256)
    first, again, other = (griffin_lim(amplitude, STUDY, iterations=2, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.allclose(first, other, atol=1e-2)
