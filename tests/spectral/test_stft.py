"""Short-time Fourier transforms against their definition: tones, energies, exact inverses."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from voxlet.errors import ConfigError
from voxlet.spectral.config import SpectrogramConfig
from voxlet.spectral.magnitudes import magnitudes
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

STUDY = SpectrogramConfig()


def tone(cycles: float, n_fft: int, samples: int, amplitude: float = 0.5) -> torch.Tensor:
    """Return a cosine in the middle of bin `cycles`, (1, T)."""
    phase = 2 * math.pi * cycles / n_fft * torch.arange(samples, dtype=torch.float64)
    return amplitude * phase.cos().float()[None]


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_the_number_of_frames():
    assert stft(noise(3, 17_640), STUDY).shape == (3, 257, 69)
    assert (STUDY.bands, STUDY.frames(17_640)) == (257, 69)
    assert STUDY.frames(STUDY.samples(69)) == 69
    assert STFT(256, 64)(noise(2, 640)).shape == (2, 10, 129)
    assert magnitudes(noise(640)[:].numpy(), 256, 64).shape == (10, 129)
    assert magnitudes(noise(700).numpy(), 256, 64, 512).shape == (10, 257)


@pytest.mark.parametrize("cycles", [3, 40, 250])
def test_a_tone_in_the_middle_of_a_bin_has_the_windows_three_values(cycles):
    """A Hann window's transform is n/2 in the middle, n/4 beside it, 0 elsewhere; half for a real tone."""
    n_fft, amplitude = STUDY.n_fft, 0.5
    expected = torch.zeros(257)
    expected[cycles] = amplitude * n_fft / 4
    expected[[cycles - 1, cycles + 1]] = amplitude * n_fft / 8
    waveform = tone(cycles, n_fft, 8 * n_fft)
    every = {
        "stft": stft(waveform, STUDY)[0, :, 5:-5].abs().T,
        "STFT": STFT(n_fft, n_fft // 4)(waveform)[0, 8:-8].abs(),
        "parts": torch.hypot(*STFT(n_fft, n_fft // 4).parts(waveform))[0, 8:-8],
        "magnitudes": torch.from_numpy(magnitudes(waveform[0].numpy(), n_fft, n_fft // 4))[8:-8],
    }
    for name, found in every.items():
        torch.testing.assert_close(found, expected.expand_as(found), rtol=0, atol=2e-3, msg=name)


def test_energy_is_kept_as_parseval_has_it():
    waveform = noise(1, 4_096)
    window = torch.hann_window(256)
    spectrum = centred_stft(waveform, window, 64, normalized=True)[0]
    # Every bin but the first and the last stands for itself and its mirror image.
    energy = 2 * spectrum.abs().square().sum(0) - spectrum[0].abs().square() - spectrum[-1].abs().square()
    frames = torch.nn.functional.pad(waveform, (128, 128)).unfold(1, 256, 64)[0] * window
    torch.testing.assert_close(energy, frames.square().sum(1), rtol=1e-5, atol=1e-5)


def test_edges_are_zeros_or_mirror_images():
    waveform = torch.ones(1, 512)
    window = torch.hann_window(64)
    zeros, mirrored = (
        centred_stft(waveform, window, 16, edges=edges)[0, 0].real for edges in ("constant", "reflect")
    )
    torch.testing.assert_close(mirrored, torch.full_like(mirrored, 32.0), rtol=1e-5, atol=0)
    assert zeros[0] == pytest.approx(16.5)  # the half of the window within the signal, its middle included
    torch.testing.assert_close(zeros[4:-4], mirrored[4:-4], rtol=1e-5, atol=0)


@pytest.mark.parametrize("n_fft", [8, 64, 704])
def test_the_fourier_matrix_is_the_transform(n_fft):
    x = noise(5, n_fft).double()
    real, imaginary = (x @ fourier_matrix(n_fft).T).chunk(2, dim=1)
    torch.testing.assert_close(torch.complex(real, imaginary), torch.fft.rfft(x), rtol=1e-9, atol=1e-9)
    windowed = torch.fft.rfft(x * torch.hann_window(n_fft).double())
    real, imaginary = (x.float() @ analysis_matrix(n_fft).T).chunk(2, dim=1)
    torch.testing.assert_close(torch.complex(real, imaginary), windowed.cfloat(), rtol=0, atol=1e-4)
    # Analysis and synthesis each apply the window.
    back = torch.cat([real, imaginary], dim=1) @ synthesis_matrix(n_fft)
    torch.testing.assert_close(back, x.float() * torch.hann_window(n_fft) ** 2, rtol=0, atol=1e-5)


def test_a_waveform_survives_the_round_trip():
    waveforms = noise(3, 17_640)
    torch.testing.assert_close(istft(stft(waveforms, STUDY), STUDY, 17_640), waveforms, rtol=0, atol=1e-5)
    exact = istft(stft(waveforms.double(), STUDY), STUDY, 17_640)
    torch.testing.assert_close(exact, waveforms.double(), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("n_fft", "hop"), [(256, 64), (704, 176), (1536, 384)])
def test_the_inverse_of_whole_hops_is_exact(n_fft, hop):
    transform = STFT(n_fft, hop)
    signal = noise(2, 40 * hop)
    spectrum = transform(signal)
    inverse = transform.inverse(spectrum.real, spectrum.imag)
    torch.testing.assert_close(inverse, signal, rtol=0, atol=1e-4)
    for found, wanted in zip(transform.parts(signal), (spectrum.real, spectrum.imag), strict=True):
        torch.testing.assert_close(found, wanted, rtol=0, atol=2e-4)


def test_an_inverse_is_that_of_least_squares():
    """For an inconsistent spectrum, the inverse is the waveform whose spectrum is nearest."""
    transform = STFT(64, 16)
    wanted = torch.complex(noise(1, 20, 33), noise(1, 20, 33, seed=1))

    def distance(waveform: torch.Tensor) -> torch.Tensor:
        difference = (transform(waveform) - wanted).abs().square()
        return 2 * difference.sum() - difference[..., [0, -1]].sum()

    best = transform.inverse(wanted.real, wanted.imag).requires_grad_()
    distance(best).backward()
    # The ends fall outside: there the padding, which must stay zero, holds what is left.
    assert best.grad[:, 64:-64].abs().max() < 1e-3
    other = best.detach() + 0.01 * noise(1, 320, seed=2)
    assert distance(best) < distance(other)


def test_whole_hops_are_those_of_torch():
    signal = noise(2, 1024)
    side = (256 - 64) // 2
    padded = torch.nn.functional.pad(signal, (side, side))
    window = torch.hann_window(256)
    wanted = torch.stft(padded, 256, 64, window=window, center=False, return_complex=True)
    torch.testing.assert_close(STFT(256, 64)(signal), wanted.transpose(1, 2), rtol=0, atol=1e-4)


def test_numpy_and_torch_have_the_same_magnitudes():
    signal = noise(1, 1024)
    found = torch.from_numpy(magnitudes(signal[0].numpy(), 256, 64))
    torch.testing.assert_close(found, STFT(256, 64)(signal)[0].abs(), rtol=0, atol=1e-4)
    np.testing.assert_allclose(hann(256), torch.hann_window(256), atol=3e-7)


def test_zero_padding_interpolates_between_bins():
    samples = tone(40.5, 512, 4_096)[0].numpy()  # half-way between two bins
    coarse, fine = magnitudes(samples, 512, 128)[8], magnitudes(samples, 512, 128, 1024)[8]
    assert fine.argmax() == 81
    np.testing.assert_allclose(fine[::2], coarse, atol=1e-4)
    assert fine.max() == pytest.approx(0.5 * 512 / 4, rel=1e-3)


@pytest.mark.parametrize("wrong", [{"rate": 0}, {"n_fft": 511}, {"hop": 400}, {"hop": 0}, {"range_db": -1.0}])
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ConfigError, match="SpectrogramConfig"):
        SpectrogramConfig(**wrong)
