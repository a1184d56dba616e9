"""Features against librosa's numbers, exact round trips and tones whose answer is known."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import torch

from voxlet.errors import ConfigError
from voxlet.recipes.clip.sampler import finish
from voxlet.spectral.config import SpectrogramConfig
from voxlet.spectral.griffin_lim import griffin_lim
from voxlet.spectral.log_spectrogram import amplitudes, analyse
from voxlet.spectral.mel import mel_filters
from voxlet.spectral.stft import istft, stft

STUDY = SpectrogramConfig()


def tone(hz: float, seconds: float = 0.8, rate: int = 22_050, amplitude: float = 0.5) -> torch.Tensor:
    return amplitude * torch.sin(2 * torch.pi * hz * torch.arange(round(seconds * rate)) / rate)


def chirps(count: int = 3) -> torch.Tensor:
    """Sweeps of different heights and levels, with silence behind, as padded clips have it."""
    time = torch.arange(17_640) / 22_050
    rows = [
        0.3 ** (index + 1) * torch.sin(2 * torch.pi * (200 + 700 * index + 900 * time) * time)
        for index in range(count)
    ]
    waveforms = torch.stack(rows)
    waveforms[:, 12_000:] = 0
    return waveforms


def test_the_studys_shape():
    assert analyse(chirps(), STUDY).values.shape == (3, 257, 69)
    assert (STUDY.bands, STUDY.frames(17_640)) == (257, 69)
    assert STUDY.frames(STUDY.samples(69)) == 69


def test_analyse_has_librosas_numbers():
    waveforms = chirps()
    found = analyse(waveforms, STUDY)
    for row, waveform in enumerate(waveforms.numpy()):
        amplitude = np.abs(librosa.stft(waveform, n_fft=512, hop_length=256))
        decibels = librosa.amplitude_to_db(amplitude, ref=np.max)
        scaled = (decibels - decibels.min()) / (decibels.max() - decibels.min())
        np.testing.assert_allclose(found.values[row], scaled, atol=2e-4)
        np.testing.assert_allclose(found.low[row], decibels.min(), atol=1e-3)
        np.testing.assert_allclose(found.high[row], decibels.max(), atol=1e-3)


@pytest.mark.parametrize(
    ("rate", "n_fft", "bands"), [(8_000, 256, 40), (22_050, 512, 64), (48_000, 2_048, 128)]
)
def test_mel_filters_are_librosas(rate, n_fft, bands):
    expected = librosa.filters.mel(sr=rate, n_fft=n_fft, n_mels=bands)
    np.testing.assert_allclose(mel_filters(rate, n_fft, bands), expected, atol=1e-7)


def test_amplitudes_undo_analyse():
    waveforms = chirps()
    exact = stft(waveforms, STUDY).abs()
    found = amplitudes(analyse(waveforms, STUDY))
    floor = exact.amax(dim=(1, 2), keepdim=True) * 10 ** (-STUDY.range_db / 20)
    torch.testing.assert_close(found, exact.maximum(floor), rtol=1e-4, atol=1e-6)


def test_waveform_survives_the_round_trip():
    waveforms = chirps()
    torch.testing.assert_close(istft(stft(waveforms, STUDY), STUDY, 17_640), waveforms, rtol=0, atol=1e-6)
    # With its own phase put back on the scaled log spectrogram, a clip returns to within the 80 dB kept.
    phase = torch.polar(torch.ones(()), stft(waveforms, STUDY).angle())
    spectrum = amplitudes(analyse(waveforms, STUDY)) * phase
    returned = istft(spectrum, STUDY, 17_640)
    noise = (returned - waveforms).square().sum(dim=1) / waveforms.square().sum(dim=1)
    assert (10 * noise.log10()).max() < -40


def test_a_tone_stands_in_its_band():
    band = 40
    found = analyse(tone(band * 22_050 / 512)[None], STUDY)
    inside = found.values[0, :, 5:-5]
    assert (inside.argmax(dim=0) == band).all()
    assert inside[band].min() > 0.99
    assert inside[band + 20 :].max() < 0.1
    # A Hann window passes half of the amplitude to each of its 512 / 2 samples: A * 512 / 4.
    assert found.reference[0] == pytest.approx(0.5 * 512 / 4, rel=0.01)


def test_silence_becomes_zeros():
    found = analyse(torch.zeros(2, 4_000), STUDY)
    assert torch.equal(found.values, torch.zeros_like(found.values))
    assert amplitudes(found).max() <= 2e-5


def test_griffin_lim_returns_the_spectrum_and_momentum_helps():
    waveforms = chirps()
    amplitude = stft(waveforms, STUDY).abs()

    def inconsistency(momentum: float) -> float:
        made = griffin_lim(amplitude, STUDY, samples=17_640, iterations=32, momentum=momentum)
        error = stft(made, STUDY).abs() - amplitude
        return float(error.square().sum() / amplitude.square().sum())

    fast, classical = inconsistency(0.99), inconsistency(0.0)
    assert fast < 0.02
    assert fast < classical


def test_griffin_lim_keeps_a_tones_pitch():
    waveform = tone(1_000)[None]
    made = griffin_lim(stft(waveform, STUDY).abs(), STUDY, samples=17_640)
    spectrum = torch.fft.rfft(made[0]).abs()
    assert int(spectrum.argmax()) * 22_050 / 17_640 == pytest.approx(1_000, abs=10)


def test_griffin_lim_does_not_depend_on_the_batch():
    amplitude = stft(chirps(), STUDY).abs()
    alone = griffin_lim(amplitude[1:2], STUDY, iterations=8)
    together = griffin_lim(amplitude, STUDY, iterations=8)[1:2]
    torch.testing.assert_close(alone, together, rtol=0, atol=1e-5)


def test_finished_clips_have_one_level_quiet_ends_and_no_clipping():
    rate = 22_050
    quiet = np.concatenate(
        [np.zeros(5_000, np.float32), 0.01 * tone(440).numpy(), np.zeros(5_000, np.float32)]
    )
    spiky = tone(440, amplitude=1e-3).numpy().copy()
    spiky[9_000:9_010] = 3.0
    found = finish(quiet, rate)
    assert np.sqrt(np.mean(found**2)) == pytest.approx(0.08, rel=0.01)
    assert len(found) == pytest.approx(len(quiet) - 10_000 + 2 * 0.03 * rate, abs=500)
    assert max(abs(found[0]), abs(found[-1])) < 1e-3
    assert np.abs(finish(spiky, rate)).max() <= 1.0
    assert not finish(np.zeros(1_000, np.float32), rate).any()


@pytest.mark.parametrize("wrong", [{"rate": 0}, {"n_fft": 511}, {"hop": 400}, {"hop": 0}, {"range_db": -1.0}])
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ConfigError, match="SpectrogramConfig"):
        SpectrogramConfig(**wrong)
