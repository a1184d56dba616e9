"""Narrow recordings, with less bandwidth than the voice: the empty band above them is not learned.

A clip recorded at 8 kHz has nothing above 4 kHz. A voice at 16 kHz that was trained on it as it is would
learn that speech has nothing there. So the clip and its reconstruction pass through the same low-pass filter
before they are compared; or, if the voice starts from a base, the base's reconstruction fills the clip's
empty band.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from voxlet import batch_random

if TYPE_CHECKING:
    from collections.abc import Sequence

TAPS = 127
EDGE = 0.96  # of the bandwidth: recordings fade out at its end
KAISER_BETA = 6.0  # 60 dB of attenuation
# Upper ends of the band of narrow recordings, and how far below its end the band fades out, Hz.
NARROW_ENDS = (3200.0, 3400.0, 3600.0, 3840.0, 4000.0)
NARROW_FADES = (0.0, 500.0, 1000.0)
FADE_STEPS = 8
TILTS = (-2.0, 0.0, 2.0)  # of microphones, dB per octave within TILTED
TILTED = (500.0, 4000.0)  # Hz
FAINTEST_DB, FAINT_DB = -110.0, -70.0  # re full scale: range of the noise that a recording has above its band


class BandFilter(nn.Module):
    """Low-passes each of B waveforms at the bandwidth of its recording.

    Args:
        rate: Sampling rate of the waveforms, Hz.
        bands: Bandwidth of each recording, Hz, (N,).
    """

    kernels: Tensor
    kernel_of: Tensor

    def __init__(self, rate: int, bands: Sequence[float]) -> None:
        super().__init__()
        narrow = sorted({band for band in bands if band < rate / 2})
        kernels = [low_pass(EDGE * band / rate) for band in narrow]
        self.register_buffer("kernels", torch.stack(kernels) if kernels else torch.zeros(0, TAPS), False)
        numbers = [narrow.index(band) if band < rate / 2 else -1 for band in bands]
        self.register_buffer("kernel_of", torch.tensor(numbers, dtype=torch.long), False)

    @property
    def narrow(self) -> bool:
        """Whether there are recordings with less bandwidth than the waveforms."""
        return len(self.kernels) > 0

    def forward(self, rows: Tensor, waveforms: Tensor) -> Tensor:
        """Waveforms (B, T), low-passed at the bandwidths of the recordings `rows` (B,)."""
        if not self.narrow:
            return waveforms
        own = self.kernel_of[rows]
        narrow = own >= 0
        if not bool(narrow.any()):
            return waveforms
        heard = filtered(waveforms[narrow], self.kernels[own[narrow]])
        return waveforms.index_copy(0, narrow.nonzero()[:, 0], heard)


class Microphones(nn.Module):
    """Clips as other microphones and telephones would have recorded them, drawn anew at each call.

    The filters are of many kinds: if all clips were narrowed in one way, the encoder would take a clip that
    is cut off 200 Hz lower for speech that has nothing there.

    Args:
        rate: Sampling rate of the waveforms, Hz.
    """

    tilts: Tensor
    ends: Tensor

    def __init__(self, rate: int) -> None:
        super().__init__()
        ends = [fading(end - fade, end, rate) for end in NARROW_ENDS for fade in NARROW_FADES]
        self.register_buffer("tilts", torch.stack([tilted(slope, rate) for slope in TILTS]), False)
        self.register_buffer("ends", torch.stack(ends), False)

    def forward(self, waveforms: Tensor) -> tuple[Tensor, Tensor]:
        """Waveforms (B, T) -> the same tilted (B, T), and these narrowed (B, T).

        The input is float32, and faint noise is added: the encoder responds to what remains above the band,
        and rounding to bfloat16 would leave the same there in all clips.
        """
        drawn = batch_random.rand(len(waveforms), 3, device=waveforms.device)
        tilts, ends = (
            kernels[(drawn[:, column] * len(kernels)).long()]
            for column, kernels in enumerate((self.tilts, self.ends))
        )
        whole = filtered(waveforms, tilts)
        faint = 10 ** ((FAINTEST_DB + (FAINT_DB - FAINTEST_DB) * drawn[:, 2:]) / 20)
        return whole, filtered(whole, ends) + faint * batch_random.randn_like(whole)


def filtered(waveforms: Tensor, kernels: Tensor) -> Tensor:
    """Waveforms (B, T), each filtered by its own kernel (B, TAPS)."""
    heard: Tensor = nn.functional.conv1d(
        waveforms[None], kernels[:, None], padding=TAPS // 2, groups=len(kernels)
    )[0]
    return heard


def fading(begin: float, end: float, rate: int) -> Tensor:
    """A low-pass (TAPS,) whose gain falls linearly from 1 at `begin` to 0 at `end`, Hz."""
    cutoffs = torch.linspace(begin, end, FADE_STEPS, dtype=torch.float64) / rate
    kernel: Tensor = torch.stack([low_pass(float(cutoff)) for cutoff in cutoffs]).mean(0)
    return kernel


def tilted(slope: float, rate: int) -> Tensor:
    """A linear-phase filter (TAPS,) rising by `slope` dB per octave within `TILTED`, around its middle."""
    hz = torch.linspace(0, rate / 2, TAPS // 2 + 1, dtype=torch.float64)
    octaves = torch.log2(hz.clamp(*TILTED) / math.sqrt(TILTED[0] * TILTED[1]))
    kernel: Tensor = torch.fft.irfft(10 ** (slope * octaves / 20), TAPS).roll(TAPS // 2)
    return kernel.float()


def low_pass(cutoff: float) -> Tensor:
    """A linear-phase low-pass (TAPS,) by a windowed sinc; `cutoff` in cycles per sample.

    >>> kernel = low_pass(0.2)
    >>> round(float(kernel.sum()), 3), len(kernel)
    (1.0, 127)
    """
    place = torch.arange(TAPS, dtype=torch.float64) - TAPS // 2
    window = torch.kaiser_window(TAPS, periodic=False, beta=KAISER_BETA, dtype=torch.float64)
    kernel: Tensor = 2 * cutoff * torch.special.sinc(2 * cutoff * place) * window
    return (kernel / kernel.sum()).float()
