"""What the processor can do, and the numbers to use on it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from voxlet.training.config import Precision


def set_up() -> None:
    """Flush denormal numbers to zero: with them, steps were seen to take ten times as long."""
    torch.set_flush_denormal(True)


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether matrix products in bfloat16 are done in hardware (on CPUs: AMX or AVX512-BF16)."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities = torch.cpu.get_capabilities()
    return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))


def autocast(device: torch.device, precision: Precision) -> AbstractContextManager[object]:
    """A context in which matrix products have the asked precision; weights and losses stay float32."""
    if precision == "float32" or (precision == "auto" and not has_fast_bfloat16(device)):
        return contextlib.nullcontext()
    return torch.autocast(device.type, torch.bfloat16)
