"""The multi-resolution log-mel distance between waveforms."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from voxlet.spectral.mel import mel_filters
from voxlet.spectral.stft import centred_stft
from voxlet.spectral.window import torch_hann

MEL_BANDS = {0.016: 20, 0.032: 40, 0.064: 64, 0.128: 80}  # window in seconds -> bands
MEL_FLOOR = 1e-4  # magnitude, some 70 dB below the 0.5 of a full-scale sine


class MelLoss(nn.Module):
    """Multi-resolution log-mel L1: mean absolute difference of natural-log mel magnitudes, mean over windows.

    Waveforms (B, T) are near unit level.
    """

    def __init__(self, rate: int) -> None:
        super().__init__()
        self.sizes = []
        for seconds, bands in MEL_BANDS.items():
            n_fft = 4 * round(seconds * rate / 4)
            self.sizes.append(n_fft)
            filters = torch.tensor(mel_filters(rate, n_fft, bands)) * (rate / n_fft)
            # Bands narrower than the bins may hold no bin: they would add a constant to the loss.
            self.register_buffer(f"filters{n_fft}", filters[filters.sum(1) > 0], persistent=False)
            self.register_buffer(f"window{n_fft}", torch_hann(n_fft), persistent=False)

    def forward(self, generated: Tensor, real: Tensor) -> Tensor:
        """The distance, a scalar."""
        both = torch.cat([generated, real])
        losses = []
        for n_fft in self.sizes:
            window = self.get_buffer(f"window{n_fft}")
            spectrum = centred_stft(both, window, n_fft // 4, edges="reflect")
            magnitude = (torch.view_as_real(spectrum).square().sum(-1) + 1e-10).sqrt() / window.sum()
            mel = torch.log((self.get_buffer(f"filters{n_fft}") @ magnitude).clamp_min(MEL_FLOOR))
            first, second = mel.chunk(2)
            losses.append((first - second).abs().mean())
        return torch.stack(losses).mean()
