"""Short-time Fourier transforms with Hann windows, in PyTorch.

There are two conventions of framing. `stft` and `istft` centre frame f on sample f * hop, so a clip has
1 + T / hop frames: for spectrograms to look at or to invert. `STFT` centres frame f on samples f * hop to
(f + 1) * hop, so a clip has T / hop frames: for networks whose frames and hops correspond one to one.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from voxlet.spectral.config import SpectrogramConfig
from voxlet.spectral.window import torch_hann


def stft(waveforms: Tensor, config: SpectrogramConfig) -> Tensor:
    """Complex spectra (B, M, F) of waveforms (B, T): centred frames, zeros beyond the ends.

    >>> config = SpectrogramConfig(rate=8000, n_fft=256, hop=64)
    >>> spectrum = stft(torch.ones(1, 640), config)
    >>> spectrum.shape, torch.allclose(istft(spectrum, config, 640), torch.ones(1, 640), atol=1e-6)
    (torch.Size([1, 129, 11]), True)
    """
    window = torch_hann(config.n_fft, device=waveforms.device, dtype=waveforms.dtype)
    return centred_stft(waveforms, window, config.hop)


def istft(spectrum: Tensor, config: SpectrogramConfig, samples: int | None = None) -> Tensor:
    """Waveforms (B, T) from spectra (B, M, F) by weighted overlap-add, the least-squares inverse of `stft`.

    Griffin and Lim 1984, "Signal estimation from modified short-time Fourier transform".
    """
    window = torch_hann(config.n_fft, device=spectrum.device, dtype=spectrum.real.dtype)
    return torch.istft(spectrum, config.n_fft, config.hop, window=window, center=True, length=samples)


def centred_stft(
    waveforms: Tensor,
    window: Tensor,
    hop: int,
    *,
    edges: Literal["constant", "reflect"] = "constant",
    normalized: bool = False,
) -> Tensor:
    """Complex spectra (B, M, F) of waveforms (B, T), F = 1 + T / hop; frame f is centred on sample f * hop.

    Args:
        waveforms: Real waveforms.
        window: (n_fft,), with the waveforms' device and type.
        hop: Samples from one frame to the next.
        edges: What lies beyond a clip's ends: zeros, or its mirror image.
        normalized: Divide by the square root of n_fft, so that the transform of each frame keeps its energy.
    """
    return torch.stft(
        waveforms,
        len(window),
        hop,
        window=window,
        center=True,
        pad_mode=edges,
        normalized=normalized,
        return_complex=True,
    )


def fourier_matrix(n_fft: int) -> Tensor:
    """The Fourier transform of n_fft real samples as a matrix (2 * (n_fft/2 + 1), n_fft), float64.

    The upper half of the rows gives the real parts, the lower half the imaginary parts.
    """
    bins = torch.arange(n_fft // 2 + 1, dtype=torch.float64)
    angle = 2 * math.pi / n_fft * bins[:, None] * torch.arange(n_fft, dtype=torch.float64)[None, :]
    return torch.cat([angle.cos(), -angle.sin()])


def analysis_matrix(n_fft: int) -> Tensor:
    """`fourier_matrix` of Hann-windowed samples, for convolutions or matrix products, also in ONNX."""
    return (fourier_matrix(n_fft) * torch_hann(n_fft, dtype=torch.float64)).float()


def synthesis_matrix(n_fft: int) -> Tensor:
    """The Hann-windowed inverse of `fourier_matrix`, in its layout, for weighted overlap-add."""
    # Every bin but the first and the last also stands for its mirror image.
    weight = torch.full((n_fft // 2 + 1, 1), 2.0 / n_fft, dtype=torch.float64)
    weight[0] = weight[-1] = 1.0 / n_fft
    matrix = torch.cat([weight, weight]) * fourier_matrix(n_fft)
    return (matrix * torch_hann(n_fft, dtype=torch.float64)).float()


class STFT(nn.Module):
    """Short-time Fourier transform with T / hop frames, and its overlap-add inverse.

    The signal is padded with (n_fft - hop) / 2 zeros on both sides, so frame f is centred on samples f * hop
    to (f + 1) * hop. n_fft must be a multiple of hop.
    """

    window: Tensor
    analysis: Tensor
    synthesis: Tensor

    def __init__(self, n_fft: int, hop: int) -> None:
        super().__init__()
        self.n_fft, self.hop = n_fft, hop
        window = torch_hann(n_fft, dtype=torch.float64).float()
        self.register_buffer("window", window, persistent=False)
        self.register_buffer("analysis", analysis_matrix(n_fft).T.contiguous(), persistent=False)
        self.register_buffer("synthesis", synthesis_matrix(n_fft), persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        """(B, T) -> complex (B, F, n_fft/2 + 1)."""
        side = (self.n_fft - self.hop) // 2
        padded = F.pad(waveform.float(), (side, self.n_fft - self.hop - side))
        spectrum: Tensor = torch.fft.rfft(padded.unfold(-1, self.n_fft, self.hop) * self.window)
        return spectrum

    def parts(self, waveform: Tensor) -> tuple[Tensor, Tensor]:
        """(B, T) -> real and imaginary parts (B, F, bins), by a matrix product, which ONNX supports."""
        side = (self.n_fft - self.hop) // 2
        padded = F.pad(waveform, (side, self.n_fft - self.hop - side))
        hops = padded.reshape(padded.shape[0], -1, self.hop)  # len() would freeze the batch in ONNX
        overlap, count = self.n_fft // self.hop, waveform.shape[1] // self.hop
        frames = torch.cat([hops[:, n : n + count] for n in range(overlap)], dim=-1)
        real, imaginary = (frames @ self.analysis).chunk(2, dim=-1)
        return real, imaginary

    def inverse(self, real: Tensor, imaginary: Tensor) -> Tensor:
        """Real and imaginary parts (B, F, n_fft/2 + 1) -> waveform (B, F * hop), weighted overlap-add."""
        frames = torch.cat([real, imaginary], dim=-1) @ self.synthesis
        signal = self._overlap_add(frames)
        envelope = self._overlap_add((self.window**2).expand(1, frames.shape[1], self.n_fft))
        side = (self.n_fft - self.hop) // 2
        stop = side + frames.shape[1] * self.hop
        return signal[:, side:stop] / envelope[:, side:stop]

    def _overlap_add(self, frames: Tensor) -> Tensor:
        """(B, F, n_fft) -> (B, (F + n_fft/hop - 1) * hop): a sum of n_fft/hop shifted copies of the hops."""
        overlap = self.n_fft // self.hop
        hops = frames.reshape(*frames.shape[:2], overlap, self.hop)
        total = F.pad(hops[:, :, 0], (0, 0, 0, overlap - 1))
        for shift in range(1, overlap):
            total = total + F.pad(hops[:, :, shift], (0, 0, shift, overlap - 1 - shift))
        return total.flatten(1)
