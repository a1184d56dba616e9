"""The fast Griffin-Lim algorithm against the steps of its paper, on clips of a few frames."""

from __future__ import annotations

import pytest
import torch

from voxlet.spectral.config import SpectrogramConfig
from voxlet.spectral.griffin_lim import griffin_lim
from voxlet.spectral.stft import (
    istft,
    stft,
)

SMALL = SpectrogramConfig(rate=8000, n_fft=8, hop=2)


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def magnitude_of_noise() -> torch.Tensor:
    return stft(noise(2, 40), SMALL).abs()


def test_griffin_lim_starts_from_random_phase_that_all_clips_share():
    flat = torch.ones(2, 5, 2001, dtype=torch.float64)
    flat[1] *= 3
    found = griffin_lim(flat, SMALL, iterations=0)
    assert found.shape == (2, 4000)
    torch.testing.assert_close(3 * found[0], found[1])
    # White noise: a sample's energy is that of its share of random frames, and neighbours are uncorrelated.
    phases = torch.complex(*torch.randn(2, 1, 5, 2001, dtype=torch.float64, generator=torch.Generator()))
    random = istft(phases / phases.abs(), SMALL)
    assert float(found[0].std()) == pytest.approx(float(random.std()), rel=0.05)
    assert abs(float(found[0].mean())) < 0.05 * float(found[0].std())
    assert torch.equal(found, griffin_lim(flat, SMALL, iterations=0, seed=0))
    other = griffin_lim(flat, SMALL, iterations=0, seed=1)
    assert abs(float((found * other).mean())) < 0.1 * float(found.square().mean())


@pytest.mark.parametrize(("momentum", "samples"), [(0.0, None), (0.5, 41), (0.99, 40)])
def test_griffin_lim_goes_the_papers_steps(momentum, samples):
    amplitude, given = magnitude_of_noise(), {"momentum": momentum, "samples": samples}
    waveform = griffin_lim(amplitude, SMALL, iterations=0, **given)
    assert waveform.shape == (2, samples or 40)
    before = torch.zeros_like(amplitude)
    for count in range(1, 5):
        nearest = stft(waveform, SMALL)
        step = (1 + momentum) * nearest - momentum * before
        waveform, before = istft(torch.polar(amplitude, step.angle()), SMALL, samples), nearest
        torch.testing.assert_close(griffin_lim(amplitude, SMALL, iterations=count, **given), waveform)


def test_griffin_lims_usual_settings():
    amplitude = magnitude_of_noise()
    found = griffin_lim(amplitude, SMALL)
    assert torch.equal(found, griffin_lim(amplitude, SMALL, samples=40, iterations=64, momentum=0.99, seed=0))


def test_griffin_lim_of_silence_is_silence():
    assert not griffin_lim(torch.zeros(1, 5, 4, dtype=torch.float64), SMALL, iterations=3).any()
