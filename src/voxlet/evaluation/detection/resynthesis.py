"""Resynthesis of clips with artificial phases, which a detector of such phases must find."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlet import audio

if TYPE_CHECKING:
    from voxlet.audio import Samples

WINDOW, ITERATIONS = 0.032, 32  # seconds of a frame (four overlap); of Griffin-Lim


def resynthesised(sound: Samples, rate: int) -> Samples:
    """A clip (T,), levelled, with its own amplitudes and phases estimated by Griffin-Lim."""
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
