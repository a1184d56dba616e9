"""The pitch tracker on pulse trains whose pitch is known."""

from __future__ import annotations

import math

import pytest
import torch

from voxlet.spectral.pitch import HIGHEST, LOWEST, track_pitch


def harmonics(hz: torch.Tensor, rate: int, count: int = 14) -> torch.Tensor:
    """Return a waveform (1, T) of the pitch (T,) in Hz: harmonics that fall by 6 dB an octave."""
    phase = 2 * math.pi * torch.cumsum(hz.double() / rate, 0)
    return 0.1 * torch.stack([torch.cos(k * phase) / k for k in range(1, count + 1)]).sum(0)[None].float()


def pulse_train(period: int, samples: int) -> torch.Tensor:
    """Return pulses (1, T): one sample of every `period` is 1."""
    train = torch.zeros(1, samples)
    train[:, ::period] = 0.5
    return train


@pytest.mark.parametrize("period", [20, 41, 80, 100, 125])
def test_a_pulse_train(period):
    pitch = track_pitch(pulse_train(period, 8_000), 8_000, 64)
    assert pitch.hz.shape == pitch.voicing.shape == (1, 125)
    assert (pitch.hz[0, 4:-8] - 8_000 / period).abs().max() < 0.01 * 8_000 / period
    assert pitch.voicing[0, 4:-8].min() > 0.9


def test_a_gliding_voice():
    hz = 100 + 80 * torch.arange(8_000) / 8_000
    pitch = track_pitch(harmonics(hz, 8_000), 8_000, 64)
    assert (pitch.hz[0] - hz[32::64])[4:-8].abs().max() < 1.0
    assert pitch.voicing[0, 4:-8].min() > 0.9


@pytest.mark.parametrize(("rate", "hop"), [(16_000, 128), (22_050, 176)])
def test_at_other_rates(rate, hop):
    pitch = track_pitch(harmonics(torch.full((rate,), 220.0), rate, 5), rate, hop)
    assert pitch.hz.shape == (1, rate // hop)
    assert (pitch.hz[0, 5:-8] - 220).abs().max() < 1.0


def test_a_missing_fundamental_is_heard():
    time = torch.arange(8_000) / 8_000
    train = sum(torch.cos(2 * math.pi * 150 * k * time) for k in (3, 4, 5, 6))
    pitch = track_pitch(0.1 * train[None], 8_000, 64)
    assert (pitch.hz[0, 4:-8] - 150).abs().max() < 1.5


def test_noise_is_less_voiced_than_a_voice_and_silence_is_not_voiced():
    noise = 0.1 * torch.randn(1, 8_000, generator=torch.Generator().manual_seed(0))
    voice = harmonics(torch.full((8_000,), 150.0), 8_000)
    assert track_pitch(noise, 8_000, 64).voicing.mean() < 0.5 < track_pitch(voice, 8_000, 64).voicing.mean()
    silent = track_pitch(torch.zeros(1, 8_000), 8_000, 64)
    assert silent.voicing.max() == 0.0
    assert ((silent.hz >= LOWEST) & (silent.hz <= HIGHEST)).all()


def test_a_short_gap_does_not_lose_the_pitch():
    voice = harmonics(torch.full((8_000,), 150.0), 8_000)
    voice[:, 3_600:4_000] = 0.02 * torch.randn(400, generator=torch.Generator().manual_seed(0))
    pitch = track_pitch(voice, 8_000, 64)
    assert (pitch.hz[0, 70:-8] - 150).abs().max() < 1.5
    assert pitch.voicing[0, 59] < pitch.voicing[0, 40]


def test_a_clip_does_not_depend_on_its_batch():
    clips = torch.cat([harmonics(torch.full((4_000,), hz), 8_000) for hz in (90.0, 150.0, 310.0)])
    together = track_pitch(clips, 8_000, 64)
    alone = track_pitch(clips[1:2], 8_000, 64)
    torch.testing.assert_close(together.hz[1:2], alone.hz)
    torch.testing.assert_close(together.voicing[1:2], alone.voicing)
