"""Mel filters against librosa's numbers, areas and the scales' own definitions."""

from __future__ import annotations

import librosa
import numpy as np
import pytest

from voxlet.spectral.mel import mel_filters

SIZES = [(8_000, 256, 40), (22_050, 512, 64), (48_000, 2_048, 128)]


@pytest.mark.parametrize(("rate", "n_fft", "bands"), SIZES)
@pytest.mark.parametrize("low", [0.0, 50.0])
def test_filters_are_librosas(rate, n_fft, bands, low):
    expected = librosa.filters.mel(sr=rate, n_fft=n_fft, n_mels=bands, fmin=low)
    np.testing.assert_allclose(mel_filters(rate, n_fft, bands, low=low), expected, atol=1e-7)
    htk = librosa.filters.mel(sr=rate, n_fft=n_fft, n_mels=bands, fmin=low, htk=True)
    np.testing.assert_allclose(mel_filters(rate, n_fft, bands, low=low, scale="htk"), htk, atol=1e-7)


@pytest.mark.parametrize("scale", ["slaney", "htk"])
def test_areas_and_sums_are_one(scale):
    rate, n_fft, bands = 16_000, 16_384, 30  # bins so fine that sums are integrals
    areas = mel_filters(rate, n_fft, bands, scale=scale).sum(1) * rate / n_fft
    np.testing.assert_allclose(areas, 1, rtol=2e-3)
    np.testing.assert_allclose(mel_filters(rate, n_fft, bands, scale=scale, norm="sum").sum(1), 1, rtol=1e-6)


@pytest.mark.parametrize(("scale", "hz"), [("slaney", [200, 1000, 1000 * 6.4**0.5]), ("htk", [700, 6300])])
def test_bands_are_evenly_spaced_on_their_scale(scale, hz):
    """Centres are where the scales' definitions put them: 1000 Hz at 15 mel; 700 Hz at 2595 log10(2)."""
    mel = {"slaney": librosa.hz_to_mel, "htk": lambda f: librosa.hz_to_mel(f, htk=True)}[scale]
    wanted = {"slaney": [3, 15, 28.5], "htk": [2595 * np.log10(2), 2595]}[scale]
    np.testing.assert_allclose([mel(f) for f in hz], wanted, rtol=1e-9)
    rate, n_fft = 16_000, 1 << 16
    centres = mel_filters(rate, n_fft, 40, low=100.0, scale=scale).argmax(1) * rate / n_fft
    steps = np.diff([mel(f) for f in centres])
    np.testing.assert_allclose(steps, steps.mean(), rtol=0.02)


def test_a_filter_is_zero_outside_its_neighbours_centres():
    filters = mel_filters(8_000, 4_096, 20, low=50.0)
    peaks = filters.argmax(1)
    for band in range(1, 19):
        inside = np.flatnonzero(filters[band])
        assert peaks[band - 1] - 1 <= inside[0] < peaks[band] < inside[-1] <= peaks[band + 1] + 1
    assert not filters[:, : round(50 * 4_096 / 8_000)].any()


def test_filters_are_shared_and_cannot_be_changed():
    filters = mel_filters(8_000, 256, 40)
    assert mel_filters(8_000, 256, 40) is filters
    assert filters.dtype == np.float32
    with pytest.raises(ValueError, match="read-only"):
        filters[0, 0] = 1
