"""Recordings of less band than a voice: nothing above it counts.

A clip recorded at 8 kHz has nothing above 4 kHz. A voice at 16 kHz that learned from it as it is would learn
that speech has nothing there; so both the clip and what the voice makes of it are heard through one filter,
or, where a voice begins with a base, what the base makes of the clip stands above it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Sequence

TAPS = 127
EDGE = 0.96  # of the band: recordings fade out at their end
KAISER_BETA = 6.0  # 60 dB of attenuation


class BandFilter(nn.Module):
    """Low-passes each of B waveforms at the band of its recording.

    Args:
        rate: Of the waveforms, Hz.
        bands: Half the rate of each recording, Hz, (N,).
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
        """Whether there are recordings of less band than the waveforms."""
        return len(self.kernels) > 0

    def forward(self, rows: Tensor, waveforms: Tensor) -> Tensor:
        """Waveforms (B, T) of the recordings `rows` (B,), with what their recordings can hold."""
        if not self.narrow:
            return waveforms
        own = self.kernel_of[rows]
        narrow = own >= 0
        if not bool(narrow.any()):
            return waveforms
        kernels = self.kernels[own[narrow]][:, None]
        heard = nn.functional.conv1d(
            waveforms[narrow][None], kernels, padding=TAPS // 2, groups=len(kernels)
        )[0]
        return waveforms.index_copy(0, narrow.nonzero()[:, 0], heard)


def low_pass(cutoff: float) -> Tensor:
    """A linear-phase low-pass (TAPS,) by a windowed sinc; `cutoff` in cycles a sample.

    >>> kernel = low_pass(0.2)
    >>> round(float(kernel.sum()), 3), len(kernel)
    (1.0, 127)
    """
    place = torch.arange(TAPS, dtype=torch.float64) - TAPS // 2
    window = torch.kaiser_window(TAPS, periodic=False, beta=KAISER_BETA, dtype=torch.float64)
    kernel: Tensor = 2 * cutoff * torch.special.sinc(2 * cutoff * place) * window
    return (kernel / kernel.sum()).float()
