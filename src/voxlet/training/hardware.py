"""What the processor can do, which precision to use on it, and how to set up a training process."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from voxlet.training.config import Precision


M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4  # of glibc's malloc.h


def set_up() -> None:
    """Make training in this process fast; for a dedicated process, such as the command line's.

    Denormal numbers are flushed to zero (with them, steps were seen to take ten times as long), and freed
    memory stays with the process. Both affect the whole process, so the library never does this by itself.
    """
    torch.set_flush_denormal(True)
    keep_memory()


def keep_memory() -> None:
    """Keep freed memory in the process, in large pages, for the next step.

    A step allocates and frees hundreds of megabytes. By default, they return to the system at once and are
    requested again, page by page and zeroed, in the next step, which takes a third of the training time of
    the study's dense model and half that of its CNN. Without Linux and glibc, this function does nothing.
    """
    # PyTorch reads this at its first large allocation.
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
        mallopt(M_TOP_PAD, 64 << 20)


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether matrix products in bfloat16 are faster than in float32, not merely possible.

    On CPUs, they are with AMX, and with AVX512-BF16 on AMD: on Zen 5, the study's CNN took 17.9 ms per clip
    instead of 38.1 in float32. Intel's AVX512-BF16 alone is slower than float32: on a Sapphire Rapids without
    AMX, a product ran at 84 instead of 165 GFLOP/s per core, and the dense model took 4.2 instead of 2.6 s
    per epoch.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities = torch.cpu.get_capabilities()
    amd = str(capabilities.get("cpu_name", "")).startswith("AMD")
    return bool(capabilities.get("amx_bf16") or (amd and capabilities.get("avx512_bf16")))


def autocast(device: torch.device, precision: Precision) -> AbstractContextManager[object]:
    """A context in which matrix products have the given precision; weights and losses stay float32."""
    if precision == "float32" or (precision == "auto" and not has_fast_bfloat16(device)):
        return contextlib.nullcontext()
    return torch.autocast(device.type, torch.bfloat16)
