"""The study's log spectrogram: librosa's numbers, an exact inverse, tones and silence."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import torch

from voxlet.spectral.config import SpectrogramConfig
from voxlet.spectral.log_spectrogram import amplitudes, analyse
from voxlet.spectral.stft import istft, stft

STUDY = SpectrogramConfig()


@pytest.fixture
def chirps() -> torch.Tensor:
    """Return sweeps (3, T) of different pitch and level, followed by silence as in padded clips."""
    time = torch.arange(17_640) / 22_050
    rows = [
        0.3 ** (row + 1) * torch.sin(2 * torch.pi * (200 + 700 * row + 900 * time) * time) for row in range(3)
    ]
    waveforms = torch.stack(rows)
    waveforms[:, 12_000:] = 0
    return waveforms


@pytest.mark.slow
def test_its_numbers_are_librosas(chirps):
    found = analyse(chirps, STUDY)
    assert found.values.shape == (3, 257, 69)
    for row, waveform in enumerate(chirps.numpy()):
        amplitude = np.abs(librosa.stft(waveform, n_fft=512, hop_length=256))
        decibels = librosa.amplitude_to_db(amplitude, ref=np.max)
        scaled = (decibels - decibels.min()) / (decibels.max() - decibels.min())
        np.testing.assert_allclose(found.values[row], scaled, atol=2e-4)
        np.testing.assert_allclose(found.low[row], decibels.min(), atol=1e-3)
        np.testing.assert_allclose(found.high[row], decibels.max(), atol=1e-3)


def test_amplitudes_undo_it(chirps):
    exact = stft(chirps, STUDY).abs()
    floor = exact.amax(dim=(1, 2), keepdim=True) * 10 ** (-STUDY.range_db / 20)
    torch.testing.assert_close(amplitudes(analyse(chirps, STUDY)), exact.maximum(floor), rtol=1e-4, atol=1e-6)


def test_with_its_own_phase_a_clip_returns_to_within_what_is_kept(chirps):
    phase = torch.polar(torch.ones(()), stft(chirps, STUDY).angle())
    returned = istft(amplitudes(analyse(chirps, STUDY)) * phase, STUDY, 17_640)
    noise = (returned - chirps).square().sum(dim=1) / chirps.square().sum(dim=1)
    assert (10 * noise.log10()).max() < -40


def test_a_tone_stands_in_its_band():
    band = 40
    hz = band * 22_050 / 512
    waveform = 0.5 * torch.sin(2 * torch.pi * hz * torch.arange(17_640) / 22_050)
    found = analyse(waveform[None], STUDY)
    inside = found.values[0, :, 5:-5]
    assert (inside.argmax(dim=0) == band).all()
    assert inside[band].min() > 0.99
    assert inside[band + 20 :].max() < 0.1
    # A tone has half of its amplitude A in each of two bins, and the window sums to 512 / 2: A * 512 / 4.
    assert found.reference[0] == pytest.approx(0.5 * 512 / 4, rel=0.01)


def test_a_level_changes_the_reference_alone(chirps):
    loud, quiet = analyse(chirps, STUDY), analyse(0.5 * chirps, STUDY)
    torch.testing.assert_close(quiet.values, loud.values, rtol=0, atol=1e-3)
    torch.testing.assert_close(quiet.reference, 0.5 * loud.reference)


def test_silence_becomes_zeros():
    found = analyse(torch.zeros(2, 4_000), STUDY)
    assert torch.equal(found.values, torch.zeros_like(found.values))
    assert torch.equal(found.high, found.low)
    assert amplitudes(found).max() <= 2e-5
