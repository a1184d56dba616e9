"""A clip's amplitudes with phases found anew: what a detector of made-up phases has to find."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlet import audio

if TYPE_CHECKING:
    from voxlet.audio import Samples

WINDOW, ITERATIONS = 0.032, 32  # seconds of a frame, of which four overlap


def resynthesised(sound: Samples, rate: int) -> Samples:
    """A clip (T,) whose amplitudes were kept and whose phases were found anew by Griffin-Lim, levelled."""
    import numpy as np
    import torch

    from voxlet.spectral.config import SpectrogramConfig
    from voxlet.spectral.griffin_lim import griffin_lim
    from voxlet.spectral.stft import stft

    size = 2 * round(WINDOW * rate / 2)
    config = SpectrogramConfig(rate=rate, n_fft=size, hop=size // 4)
    levelled = torch.from_numpy(audio.level(sound, audio.SPEECH_RMS, peak=np.inf))
    amplitude = stft(levelled[None], config).abs()
    found: Samples = griffin_lim(amplitude, config, samples=len(sound), iterations=ITERATIONS).numpy()[0]
    return found
