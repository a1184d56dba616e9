"""The settings of a log spectrogram, importable without PyTorch."""

from __future__ import annotations

from dataclasses import dataclass

from voxlet.errors import ConfigError


@dataclass(frozen=True)
class SpectrogramConfig:
    """How a waveform becomes a log spectrogram; the defaults are the study's.

    Args:
        rate: Sampling rate in Hz.
        n_fft: Samples per frame, the length of its Hann window.
        hop: Samples from one frame to the next.
        range_db: Floor in dB below the clip's maximum; values below it are raised to it.
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
                remedy="use at most half of n_fft",
            )

    @property
    def bands(self) -> int:
        """M, the number of bands from 0 Hz to half the rate."""
        return self.n_fft // 2 + 1

    def frames(self, samples: int) -> int:
        """F for a clip of `samples` samples; frames are centred, the first on sample 0."""
        return 1 + samples // self.hop

    def samples(self, frames: int) -> int:
        """T of the waveform that is made from `frames` frames."""
        return (frames - 1) * self.hop
