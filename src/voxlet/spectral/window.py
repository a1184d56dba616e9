"""The window of all spectral analysis: Hann's, periodic, so that its shifted copies add up to a constant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray


def hann(size: int) -> NDArray[np.float32]:
    """Hann window (size,), without PyTorch; it differs from `torch_hann` in the last bit at most."""
    return np.hanning(size + 1)[:-1].astype(np.float32)


def torch_hann(
    size: int, dtype: torch.dtype | None = None, device: torch.device | None = None
) -> torch.Tensor:
    """Hann window (size,), by default float32."""
    import torch

    return torch.hann_window(size, dtype=dtype, device=device)
