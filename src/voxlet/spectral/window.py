"""The one window of every spectral analysis: Hann's, periodic, so that its hops add up to a constant."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray


def hann(size: int) -> NDArray[np.float32]:
    """(size,), for what runs without PyTorch; it differs from `torch_hann` in the last bit at most."""
    return np.hanning(size + 1)[:-1].astype(np.float32)


def torch_hann(
    size: int, dtype: torch.dtype | None = None, device: torch.device | None = None
) -> torch.Tensor:
    """(size,), float32 unless told."""
    import torch

    return torch.hann_window(size, dtype=dtype, device=device)
