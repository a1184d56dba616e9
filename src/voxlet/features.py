"""Waveform <-> log spectrogram, an exactly inverse pair; log-mel; and phase for spectrograms that have none.

Everything is batched: audio is (B, T) float32, a spectrogram (B, M, F). PyTorch is imported inside the
functions, so that configurations can be read, written and shown without it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from voxlet import audio
from voxlet.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

AMPLITUDE_FLOOR = 1e-5  # what silence counts as, so that its logarithm exists
MEL_BREAK_HZ = 1000.0  # Slaney's mel scale: linear below, logarithmic above
MEL_STEP_HZ = 200.0 / 3
MEL_LOG_STEP = math.log(6.4) / 27


@dataclass(frozen=True)
class SpectrogramConfig:
    """How a waveform becomes a log spectrogram; the defaults are the study's.

    Args:
        rate: Sampling rate in Hz.
        n_fft: Samples in a frame and its Hann window.
        hop: Samples from one frame to the next.
        range_db: What lies further below the clip's maximum counts as this far below.
    """

    rate: int = 22_050
    n_fft: int = 512
    hop: int = 256
    range_db: float = 80.0

    def __post_init__(self) -> None:
        if self.rate <= 0 or self.n_fft < 2 or self.n_fft % 2 or self.range_db <= 0:
            raise ConfigError(
                f"rate {self.rate}, n_fft {self.n_fft}, range_db {self.range_db} make no spectrogram",
                where="SpectrogramConfig",
                remedy="give positive values and an even n_fft",
            )
        if not 0 < self.hop <= self.n_fft // 2:
            raise ConfigError(
                f"hop {self.hop} leaves gaps between windows of {self.n_fft}",
                where="SpectrogramConfig",
                remedy="take at most half of n_fft",
            )

    @property
    def bands(self) -> int:
        """M, from 0 Hz to half the rate."""
        return self.n_fft // 2 + 1

    def frames(self, samples: int) -> int:
        """F for a clip of `samples`; frames are centred, the first on sample 0."""
        return 1 + samples // self.hop

    def samples(self, frames: int) -> int:
        """The T that `frames` reach when a waveform is made from them."""
        return (frames - 1) * self.hop


class Spectrogram(NamedTuple):
    """Log amplitudes scaled to [0, 1] clip by clip, and what is needed to undo that.

    `values` is (B, M, F); `low` and `high` (B,) are the dB that 0 and 1 stand for, relative to `reference`
    (B,), the clip's largest amplitude.
    """

    values: Tensor
    low: Tensor
    high: Tensor
    reference: Tensor


def stft(waveforms: Tensor, config: SpectrogramConfig) -> Tensor:
    """Complex spectrum (B, M, F) of (B, T): centred frames, zeros beyond the ends, periodic Hann window."""
    import torch

    window = torch.hann_window(config.n_fft, device=waveforms.device, dtype=waveforms.dtype)
    return torch.stft(
        waveforms,
        config.n_fft,
        config.hop,
        window=window,
        center=True,
        pad_mode="constant",
        return_complex=True,
    )


def istft(spectrum: Tensor, config: SpectrogramConfig, samples: int | None = None) -> Tensor:
    """Waveforms (B, T) from (B, M, F) by weighted overlap-add, the least-squares inverse of `stft`."""
    import torch

    window = torch.hann_window(config.n_fft, device=spectrum.device, dtype=spectrum.real.dtype)
    return torch.istft(spectrum, config.n_fft, config.hop, window=window, center=True, length=samples)


def analyse(waveforms: Tensor, config: SpectrogramConfig) -> Spectrogram:
    """Log spectrogram of (B, T): dB against each clip's maximum, floored, scaled to [0, 1].

    A clip of zeros becomes zeros, with `high` equal to `low`.
    """
    amplitude = stft(waveforms, config).abs()
    reference = amplitude.amax(dim=(1, 2)).clamp_min(AMPLITUDE_FLOOR)
    decibels = 20 * (amplitude.clamp_min(AMPLITUDE_FLOOR) / reference[:, None, None]).log10()
    decibels = decibels.clamp_min(-config.range_db)
    low, high = decibels.amin(dim=(1, 2)), decibels.amax(dim=(1, 2))
    width = (high - low).clamp_min(1e-6)
    return Spectrogram((decibels - low[:, None, None]) / width[:, None, None], low, high, reference)


def amplitudes(spectrogram: Spectrogram) -> Tensor:
    """Linear amplitudes (B, M, F), the exact inverse of `analyse` after `stft` (above its floor)."""
    low, high = spectrogram.low[:, None, None], spectrogram.high[:, None, None]
    decibels = spectrogram.values * (high - low) + low
    linear: Tensor = 10 ** (decibels / 20)
    return linear * spectrogram.reference[:, None, None]


def griffin_lim(
    amplitude: Tensor,
    config: SpectrogramConfig,
    *,
    samples: int | None = None,
    iterations: int = 64,
    momentum: float = 0.99,
    seed: int = 0,
) -> Tensor:
    """Waveforms (B, T) whose spectrum has nearly the amplitudes (B, M, F): fast Griffin-Lim.

    Perraudin, Balazs, Sondergaard: "A fast Griffin-Lim algorithm", WASPAA 2013. The projection on the
    spectra that some waveform has, c_n = P(t_{n-1}), is carried on in its own direction,
    t_n = c_n + a (c_n - c_{n-1}), before the wanted amplitudes are put back.

    Args:
        amplitude: Linear amplitudes.
        config: The spectrogram's.
        samples: T; by default what the frames reach.
        iterations: Projections; 0 leaves the random phase.
        momentum: The paper's `a`; 0 is the classical algorithm.
        seed: Of the phase it starts from.
    """
    import torch

    length = config.samples(amplitude.shape[-1]) if samples is None else samples
    generator = torch.Generator().manual_seed(seed)
    # One phase pattern for every row: a clip sounds the same in whatever batch it is made.
    turns = torch.rand(amplitude.shape[1:], generator=generator).to(amplitude)
    phase = torch.polar(torch.ones_like(turns), 2 * math.pi * turns)
    spectrum = amplitude * phase
    previous = torch.zeros_like(spectrum)
    for _ in range(iterations):
        projected = stft(istft(spectrum, config, length), config)
        ahead = projected + momentum * (projected - previous)
        previous = projected
        spectrum = amplitude * (ahead / ahead.abs().clamp_min(1e-12))
    return istft(spectrum, config, length)


def finish(
    waveform: audio.Samples, rate: int, *, rms: float = 0.08, fade: float = 0.005, margin: float = 0.03
) -> audio.Samples:
    """Make a synthesised clip (T,) fit to play: outer silence cut, faded ends, one level, no clipping.

    Args:
        waveform: The clip; silence stays as it is.
        rate: In Hz.
        rms: The level it gets, less where its peak would pass full scale.
        fade: Seconds of fade at each end.
        margin: Seconds of silence that may stay at each end.
    """
    centred = waveform - waveform.mean(dtype=np.float32)
    trimmed = audio.trim(centred, rate, margin=margin)
    return audio.level(audio.fade(trimmed, rate, fade), rms)


def log_mel(waveforms: Tensor, rate: int, *, n_fft: int = 512, hop: int = 128, bands: int = 64) -> Tensor:
    """Natural logarithm of the mel power spectrum, (B, T) -> (B, bands, F), floored at 1e-10."""
    import torch

    config = SpectrogramConfig(rate=rate, n_fft=n_fft, hop=hop)
    power = stft(waveforms, config).abs().square()
    filters = torch.tensor(mel_filters(rate, n_fft, bands)).to(power)
    return (filters @ power).clamp_min(1e-10).log()


@lru_cache
def mel_filters(rate: int, n_fft: int, bands: int) -> NDArray[np.float32]:
    """Triangular filters (bands, n_fft // 2 + 1) on Slaney's mel scale, each with the area 1 (per Hz)."""
    frequencies = np.linspace(0, rate / 2, n_fft // 2 + 1)
    centres = _mel_to_hz(np.linspace(0, _hz_to_mel(rate / 2), bands + 2))
    widths = np.diff(centres)
    slopes = centres[:, None] - frequencies
    rising, falling = -slopes[:-2] / widths[:-1, None], slopes[2:] / widths[1:, None]
    triangles = np.maximum(0, np.minimum(rising, falling))
    filters: NDArray[np.float32] = (triangles * (2 / (centres[2:] - centres[:-2]))[:, None]).astype(
        np.float32
    )
    filters.setflags(write=False)
    return filters


def _hz_to_mel(hz: float) -> float:
    if hz < MEL_BREAK_HZ:
        return hz / MEL_STEP_HZ
    return MEL_BREAK_HZ / MEL_STEP_HZ + math.log(hz / MEL_BREAK_HZ) / MEL_LOG_STEP


def _mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    turn = MEL_BREAK_HZ / MEL_STEP_HZ
    logarithmic = MEL_BREAK_HZ * np.exp(MEL_LOG_STEP * (np.maximum(mel, turn) - turn))
    return np.where(mel < turn, mel * MEL_STEP_HZ, logarithmic)
