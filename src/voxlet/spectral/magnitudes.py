"""Magnitude spectra in NumPy, for code that runs without PyTorch: classifiers' inputs and pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from voxlet.spectral.window import hann

if TYPE_CHECKING:
    from numpy.typing import NDArray


def magnitudes(
    samples: NDArray[np.float32], size: int, hop: int, n_fft: int | None = None
) -> NDArray[np.floating[Any]]:
    """Magnitudes (F, n_fft/2 + 1) of the Hann-windowed frames of a clip (T,), F = T // hop.

    Frame f is centred on samples f * hop to (f + 1) * hop, with zeros beyond the clip's ends.

    Args:
        samples: The clip.
        size: Samples per frame, at least `hop`.
        hop: Samples from one frame to the next.
        n_fft: Samples to which each frame is padded with zeros, which interpolates between its bins; by
            default `size`.

    >>> tone = np.sin(2 * np.pi * 1000 * np.arange(8000) / 8000).astype(np.float32)
    >>> found = magnitudes(tone, size=256, hop=80)
    >>> found.shape, int(found[50].argmax()) * 8000 / 256
    ((100, 129), 1000.0)
    """
    padded = np.pad(samples, ((size - hop) // 2, size))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop][: len(samples) // hop]
    return np.abs(np.fft.rfft(frames * hann(size), n_fft))
