"""The wave VAE's inverse-STFT head, its discriminators and losses."""

from __future__ import annotations

import math

import pytest
import torch

from voxlet.models.voice.config import DiscriminatorConfig, WaveConfig
from voxlet.models.voice.discriminators import (
    DiscriminatorOutput,
    Discriminators,
    adversarial_loss,
    discriminator_loss,
    feature_matching_loss,
    feature_sizes,
)
from voxlet.models.voice.wave_vae import WaveVAE
from voxlet.recipes.voice.mel_loss import MelLoss

TINY = WaveConfig(latent_size=4, encoder_width=8, encoder_blocks=1, decoder_width=8, decoder_blocks=1)


def tone(hz: float, rate: int, samples: int) -> torch.Tensor:
    return 0.5 * torch.sin(2 * math.pi * hz * torch.arange(samples) / rate)[None]


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 24_000, 48_000])
def test_any_rate_has_31_latents_a_second(rate: int) -> None:
    wave = WaveVAE(TINY, rate)
    samples = 5 * wave.samples_per_latent
    assert rate / wave.samples_per_latent == pytest.approx(31.25, rel=0.01)
    (made, pitch), posterior = wave(0.1 * torch.randn(2, samples))
    assert made.shape == (2, samples)
    assert pitch.shape == (2, 20)
    assert posterior.mean.shape == (2, 5, 4)
    assert bool(torch.isfinite(made).all())


def test_a_silent_clip_has_finite_gradients() -> None:
    wave = WaveVAE(TINY, 8000)
    silent = torch.zeros(1, 8 * wave.samples_per_latent)
    decoded, _ = wave(silent)
    MelLoss(8000)(decoded.waveform, silent).backward()
    assert all(bool(torch.isfinite(p.grad).all()) for p in wave.parameters() if p.grad is not None)


def test_mel_loss_is_zero_for_the_same_and_ln2_for_half_the_level() -> None:
    loss = MelLoss(8000)
    signal = torch.randn(1, 8192)
    assert float(loss(signal, signal)) == 0.0
    assert float(loss(signal / 2, signal)) == pytest.approx(math.log(2), abs=0.01)


def test_discriminator_losses_have_the_known_values() -> None:
    features = [torch.ones(1, 2, 3, 3)]
    sure = [DiscriminatorOutput(torch.full((1, 3), 5.0), features)]
    doubting = [DiscriminatorOutput(torch.zeros(1, 3), features)]
    fooled = [DiscriminatorOutput(torch.full((1, 3), -5.0), [2 * f for f in features])]
    assert float(discriminator_loss(sure, fooled)) == 0.0
    assert float(discriminator_loss(doubting, doubting)) == 2.0
    assert float(adversarial_loss(sure)) == -5.0
    assert float(feature_matching_loss(sure, doubting, feature_sizes(sure))) == 0.0
    assert float(feature_matching_loss(sure, fooled, feature_sizes(sure))) == pytest.approx(1.0, abs=1e-3)


def test_discriminators_learn_to_tell_a_tone_from_noise() -> None:
    torch.manual_seed(0)
    discriminators = Discriminators(DiscriminatorConfig((0.016, 0.032), (2, 3), 4), 8000)
    adam = torch.optim.Adam(discriminators.parameters(), 3e-3)
    real, generated = tone(300.0, 8000, 1024), 0.3 * torch.randn(1, 1024)
    chosen = discriminators.choose(2)
    assert len(chosen) == 4
    for _ in range(40):
        loss = discriminator_loss([c(real) for c in chosen], [c(generated) for c in chosen])
        adam.zero_grad()
        loss.backward()
        adam.step()
    assert loss.item() < 1.0


def test_pulses_have_every_harmonic_and_unit_power() -> None:
    wave = WaveVAE(TINY, 8000)
    pulses = wave.pulses(torch.full((1, 125), 190.0))
    assert pulses.shape == (1, 8000)
    assert pulses.square().mean().item() == pytest.approx(1.0, rel=0.02)
    spectrum = torch.fft.rfft(pulses[0]).abs()
    harmonics = spectrum[190:3900:190]
    assert (harmonics / harmonics.mean() - 1).abs().max() < 0.05
    assert spectrum[95::190].max() < 0.01 * harmonics.mean()


def test_a_raised_pitch_is_that_of_the_pulse_train_alone() -> None:
    torch.manual_seed(0)
    wave = WaveVAE(TINY, 8000).eval()
    latents, semitones = torch.randn(2, 6, TINY.latent_size), torch.tensor([12.0, -5.0])
    with torch.no_grad():
        plain = wave.decode(latents)
        raised = wave.decode(latents, raised=semitones)
        wanted = wave.decode(latents, plain.pitch * 2 ** (semitones[:, None] / 12))
    assert torch.equal(raised.pitch, plain.pitch)
    torch.testing.assert_close(raised.waveform, wanted.waveform, atol=1e-4, rtol=1e-3)
    assert not torch.allclose(raised.waveform, plain.waveform, atol=1e-3)
