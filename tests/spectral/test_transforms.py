"""Every transform against its definition, written out or worked out by hand, for a few samples."""

from __future__ import annotations

import math

import librosa
import numpy as np
import pytest
import torch

from voxlet.errors import ConfigError
from voxlet.spectral.config import SpectrogramConfig
from voxlet.spectral.log_spectrogram import Spectrogram, amplitudes, analyse
from voxlet.spectral.magnitudes import magnitudes
from voxlet.spectral.mel import mel_filters
from voxlet.spectral.stft import (
    STFT,
    analysis_matrix,
    centred_stft,
    fourier_matrix,
    istft,
    stft,
    synthesis_matrix,
)
from voxlet.spectral.window import hann

SMALL = SpectrogramConfig(rate=8000, n_fft=8, hop=2)
COARSE = SpectrogramConfig(rate=8000, n_fft=10, hop=4)
EXACT = {"rtol": 1e-12, "atol": 1e-12}  # for float64


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def transform(frame: np.ndarray) -> np.ndarray:
    """Return the Fourier sums over one frame of samples, for bins 0 to half their number."""
    size = len(frame)
    return np.array(
        [
            sum(x * np.exp(-2j * np.pi * k * n / size) for n, x in enumerate(frame))
            for k in range(size // 2 + 1)
        ]
    )


def raised_cosine(size: int) -> np.ndarray:
    return np.array([0.5 - 0.5 * math.cos(2 * math.pi * n / size) for n in range(size)])


# Settings of a log spectrogram


def test_the_settings_are_the_studys():
    assert SpectrogramConfig() == SpectrogramConfig(rate=22_050, n_fft=512, hop=256, range_db=80.0)


@pytest.mark.parametrize(
    ("settings", "bands", "frames", "samples"),
    [((8000, 8, 2), 5, 6, 10), ((8000, 8, 4), 5, 3, 8), ((8000, 2, 1), 2, 11, 10), ((1, 6, 3), 4, 4, 9)],
)
def test_bands_frames_and_samples(settings, bands, frames, samples):
    config = SpectrogramConfig(*settings)
    assert (config.bands, config.frames(10), config.samples(frames)) == (bands, frames, samples)


@pytest.mark.parametrize(
    "wrong", [{"rate": 0}, {"n_fft": 0}, {"n_fft": 9}, {"range_db": 0.0}, {"rate": -1}, {"n_fft": 1}]
)
def test_settings_that_make_no_spectrogram(wrong):
    given = {"rate": 8000, "n_fft": 8, "hop": 2, "range_db": 60.0} | wrong
    with pytest.raises(ConfigError) as caught:
        SpectrogramConfig(**given)
    assert str(caught.value) == (
        f"SpectrogramConfig: rate {given['rate']}, n_fft {given['n_fft']}, range_db {given['range_db']} "
        "make no spectrogram; give positive values and an even n_fft"
    )


@pytest.mark.parametrize("hop", [-1, 0, 5])
def test_hops_that_leave_gaps(hop):
    with pytest.raises(ConfigError) as caught:
        SpectrogramConfig(n_fft=8, hop=hop)
    assert str(caught.value) == (
        f"SpectrogramConfig: hop {hop} leaves gaps between windows of 8; use at most half of n_fft"
    )


# Short-time Fourier transforms


@pytest.mark.parametrize("config", [SMALL, COARSE])
def test_centred_frames_are_fouriers_sums_of_windowed_samples(config):
    waveform, size, hop = noise(1, 12), config.n_fft, config.hop
    padded = np.pad(waveform[0].numpy(), size // 2)
    frames = [padded[hop * f : hop * f + size] * raised_cosine(size) for f in range(1 + 12 // hop)]
    expected = torch.from_numpy(np.stack([transform(frame) for frame in frames], axis=1))[None]
    torch.testing.assert_close(stft(waveform, config), expected, **EXACT)
    window = torch.from_numpy(raised_cosine(size))
    torch.testing.assert_close(centred_stft(waveform, window, hop), expected, **EXACT)


def test_the_window_and_what_lies_beyond_the_ends_can_be_chosen():
    waveform, window = noise(2, 10), torch.linspace(0.5, 1.0, 8, dtype=torch.float64)
    padded = np.pad(waveform[1].numpy(), 4, mode="reflect")
    frames = [padded[5 * f : 5 * f + 8] * window.numpy() for f in range(3)]
    expected = torch.from_numpy(np.stack([transform(frame) for frame in frames], axis=1))
    torch.testing.assert_close(centred_stft(waveform, window, 5, edges="reflect")[1], expected)


def test_a_normalized_transform_keeps_energy():
    waveform, window = noise(1, 8), torch.ones(8, dtype=torch.float64)
    frame = centred_stft(waveform, window, 8, normalized=True)[0, :, 0]
    # Of a real frame's bins all but the first and the last stand for two.
    energy = 2 * frame.abs().square().sum() - frame[0].abs() ** 2 - frame[-1].abs() ** 2
    torch.testing.assert_close(energy, waveform[0, :4].square().sum())  # the frame on sample 0 is half empty


@pytest.mark.parametrize("config", [SMALL, COARSE])
def test_a_waveform_comes_back_from_its_spectrum(config):
    waveform = noise(2, 12)
    spectrum = stft(waveform, config)
    torch.testing.assert_close(istft(spectrum, config), waveform, **EXACT)
    torch.testing.assert_close(istft(spectrum, config, 9), waveform[:, :9], **EXACT)
    assert istft(spectrum.to(torch.complex64), config).dtype == torch.float32


def nearest_waveform(analyse_units, spectrum: torch.Tensor, samples: int) -> torch.Tensor:
    """Return the waveform (T,) whose spectrum is nearest to `spectrum` by least squares over bins and frames.

    `spectrum` has bins first. All of them but the first and the last, which are real, stand for two.
    """
    weights = torch.full((len(spectrum), 1), math.sqrt(2), dtype=torch.float64)
    weights[[0, -1]] = 1
    units = torch.eye(samples, dtype=torch.float64)
    columns = (analyse_units(units) * weights).reshape(samples, -1)
    wanted = (spectrum * weights).reshape(-1)
    system = torch.cat([columns.real, columns.imag], dim=1).T
    return torch.linalg.lstsq(system, torch.cat([wanted.real, wanted.imag])[:, None]).solution[:, 0]


@pytest.mark.parametrize("config", [SMALL, COARSE])
def test_the_inverse_is_the_nearest_waveform(config):
    frames = config.frames(12)
    spectrum = torch.complex(noise(config.bands, frames), noise(config.bands, frames).flip(1))
    expected = nearest_waveform(lambda units: stft(units, config), spectrum, 12)
    torch.testing.assert_close(istft(spectrum[None], config, 12)[0], expected)


@pytest.mark.parametrize(("n_fft", "hop"), [(8, 2), (6, 3), (12, 3)])
def test_the_inverse_over_hops_is_the_nearest_waveform(n_fft, hop):
    transforms = STFT(n_fft, hop)
    spectrum = torch.complex(noise(n_fft // 2 + 1, 5), noise(n_fft // 2 + 1, 5).flip(1))
    expected = nearest_waveform(lambda units: transforms(units).transpose(1, 2).cdouble(), spectrum, 5 * hop)
    found = transforms.inverse(spectrum.real.T[None].float(), spectrum.imag.T[None].float())
    torch.testing.assert_close(found[0].double(), expected, rtol=1e-4, atol=1e-5)


def test_fourier_matrix_of_four_samples():
    expected = [
        [1, 1, 1, 1], [1, 0, -1, 0], [1, -1, 1, -1],
        [0, 0, 0, 0], [0, -1, 0, 1], [0, 0, 0, 0],
    ]  # fmt: skip
    found = fourier_matrix(4)
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64), rtol=0, atol=1e-12)


def test_analysis_and_synthesis_matrices_are_windowed_and_undo_each_other():
    found = analysis_matrix(8)
    window = torch.from_numpy(raised_cosine(8))
    assert found.dtype == synthesis_matrix(8).dtype == torch.float32
    torch.testing.assert_close(found.double(), fourier_matrix(8) * window, rtol=0, atol=1e-7)
    twice = synthesis_matrix(8).double().T @ found.double()
    torch.testing.assert_close(twice, torch.diag(window**2), rtol=0, atol=1e-6)


@pytest.mark.parametrize(("n_fft", "hop"), [(8, 2), (6, 3), (12, 3), (4, 4)])
def test_frames_over_hops(n_fft, hop):
    waveform = noise(2, 5 * hop).float()
    side = (n_fft - hop) // 2
    padded = np.pad(waveform.double().numpy(), ((0, 0), (side, n_fft - hop - side)))
    expected = np.stack(
        [
            [transform(clip[hop * f : hop * f + n_fft] * raised_cosine(n_fft)) for f in range(5)]
            for clip in padded
        ]
    )
    transforms = STFT(n_fft, hop)
    real, imaginary = transforms.parts(waveform)
    for found in (transforms(waveform), torch.complex(real, imaginary)):
        np.testing.assert_allclose(found, expected, atol=1e-5)
    if n_fft > hop:
        torch.testing.assert_close(transforms.inverse(real, imaginary), waveform, rtol=0, atol=1e-5)


def test_other_precisions_are_analysed_in_single():
    transforms = STFT(8, 2)
    assert transforms(noise(1, 10)).dtype == torch.complex64
    assert transforms(noise(1, 10).half()).dtype == torch.complex64
    assert not transforms.state_dict()  # none of it is learned or saved


# Magnitudes without PyTorch


def test_hann_window_of_four_samples():
    assert hann(4).tolist() == pytest.approx([0, 0.5, 1, 0.5])
    assert hann(4).dtype == np.float32


@pytest.mark.parametrize(("size", "hop", "n_fft"), [(8, 2, None), (8, 8, None), (6, 3, 16), (5, 2, 8)])
def test_magnitudes_of_frames_over_hops(size, hop, n_fft):
    samples = noise(23).numpy().astype(np.float32)
    padded = np.pad(samples.astype(np.float64), ((size - hop) // 2, size))
    found = magnitudes(samples, size, hop, n_fft)
    frames = 23 // hop
    assert found.shape == (frames, (n_fft or size) // 2 + 1)
    for f in range(frames):
        frame = padded[f * hop : f * hop + size] * raised_cosine(size)
        expected = np.abs(transform(np.pad(frame, (0, (n_fft or size) - size))))
        np.testing.assert_allclose(found[f], expected, atol=1e-5)


# Mel filters


@pytest.mark.parametrize(
    ("rate", "n_fft", "bands", "low"), [(8000, 256, 20, 60.0), (22_050, 512, 40, 1500.0)]
)
def test_slaneys_filters_from_a_lowest_frequency_are_librosas(rate, n_fft, bands, low):
    expected = librosa.filters.mel(sr=rate, n_fft=n_fft, n_mels=bands, fmin=low)
    np.testing.assert_allclose(mel_filters(rate, n_fft, bands, low=low), expected, atol=1e-7)


@pytest.mark.parametrize(("rate", "n_fft", "bands", "low"), [(8000, 256, 20, 60.0), (16_000, 512, 40, 0.0)])
def test_htks_filters_are_librosas(rate, n_fft, bands, low):
    expected = librosa.filters.mel(sr=rate, n_fft=n_fft, n_mels=bands, fmin=low, htk=True)
    np.testing.assert_allclose(mel_filters(rate, n_fft, bands, low=low, scale="htk"), expected, atol=1e-7)


def test_filters_of_linear_slaney_frequencies_by_hand():
    # Below 1 kHz the scale is linear: edges at 0, 250, 500, 750 and 1000 Hz, bins 125 Hz apart.
    found = mel_filters(2000, 16, 3, norm="sum")
    assert found.tolist() == [
        [0, 0.25, 0.5, 0.25, 0, 0, 0, 0, 0],
        [0, 0, 0, 0.25, 0.5, 0.25, 0, 0, 0],
        [0, 0, 0, 0, 0, 0.25, 0.5, 0.25, 0],
    ]
    assert mel_filters(2000, 16, 3)[0].tolist() == pytest.approx([0, 0.002, 0.004, 0.002, 0, 0, 0, 0, 0])


def test_filters_that_no_bin_falls_into_are_zeros():
    found = mel_filters(2000, 4, 7, norm="sum")
    assert np.isfinite(found).all()
    assert set(found.sum(axis=1).round(6).tolist()) == {0.0, 1.0}


def test_filters_are_shared_and_cannot_be_changed():
    found = mel_filters(8000, 64, 5)
    assert found is mel_filters(8000, 64, 5)
    assert found.dtype == np.float32
    with pytest.raises(ValueError, match="read-only"):
        found[0, 0] = 1


# The log spectrogram


def test_decibels_are_scaled_between_a_clips_own_lowest_and_highest():
    waveforms = torch.stack([noise(12), 0.1 * noise(12).flip(0)])
    found = analyse(waveforms, SMALL)
    for row, spectrum in enumerate(stft(waveforms, SMALL).abs().numpy()):
        decibels = 20 * np.log10(spectrum / spectrum.max())
        assert float(found.reference[row]) == pytest.approx(spectrum.max())
        assert (float(found.low[row]), float(found.high[row])) == pytest.approx((decibels.min(), 0.0))
        np.testing.assert_allclose(found.values[row], 1 - decibels / decibels.min(), atol=1e-9)
    torch.testing.assert_close(amplitudes(found), stft(waveforms, SMALL).abs())


def test_what_is_too_quiet_counts_as_the_lowest():
    config = SpectrogramConfig(rate=8000, n_fft=8, hop=4, range_db=20.0)
    waveform = torch.zeros(1, 16, dtype=torch.float64)
    waveform[0, 2:4] = 1.0
    waveform[0, 14] = 0.05  # 26 dB lower
    found = analyse(waveform, config)
    assert float(found.low) == -20
    assert found.values[0, :, -1].tolist() == [0] * 5
    back = amplitudes(found)[0]
    np.testing.assert_allclose(back[:, -1], found.reference[0] / 10)


def test_silence_and_what_is_nearly_silent():
    silent = analyse(torch.zeros(1, 16, dtype=torch.float64), SMALL)
    assert (float(silent.low), float(silent.high)) == (0, 0)
    assert float(silent.reference) == pytest.approx(1e-5)
    assert not silent.values.any()
    click = torch.zeros(1, 16, dtype=torch.float64)
    click[0, 8] = 1e-4  # its frame's amplitudes are 1e-4, and 20 dB below them stands what silence counts as
    found = analyse(click, SMALL)
    assert (float(found.low), float(found.high), float(found.reference)) == pytest.approx((-20, 0, 1e-4))


def test_amplitudes_by_hand():
    values = torch.tensor([[[0.0, 0.5], [1.0, 0.25]], [[1.0, 0.0], [0.5, 0.5]]], dtype=torch.float64)
    bounds = torch.tensor([[-80.0, -40.0], [0.0, -20.0], [2.0, 0.5]], dtype=torch.float64)
    found = amplitudes(Spectrogram(values, *bounds))
    expected = [[[2e-4, 2e-2], [2.0, 2e-3]], [[0.05, 0.005], [0.5 * 10**-1.5, 0.5 * 10**-1.5]]]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))
