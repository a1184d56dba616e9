"""Layers that several models share."""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import Tensor, nn

from voxlet import batch_random


@functools.cache
def onednn_is_faster() -> bool:
    """Whether oneDNN multiplies float32 matrices faster than MKL, which PyTorch uses by default.

    MKL leaves AVX-512 unused on AMD processors: on a Zen 5 core, a product of 2,048-square matrices ran at
    107 GFLOP/s with MKL and at 260 with oneDNN, with the same results up to rounding.
    """
    available = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]  # PyTorch's
    if not available or not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        return False
    capabilities = torch.cpu.get_capabilities()
    name = str(capabilities.get("cpu_name", ""))
    return bool(capabilities.get("avx512_f")) and name.startswith("AMD")


def _product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`x @ weight.T + bias` by oneDNN.

    It uses a private operator because no public one is as fast. GFLOP/s on one core of a busy AMD processor,
    measured in turns, of this operator, `functional.linear`, the same on `to_mkldnn` tensors, and a
    convolution of width 1: 38, 29, 35 and 28 for a 2,048-square product; 44, 38, 23 and 34 for the first
    layer of `mlp` on a batch of 128; 39, 31, 29 and 32 for its last layer. Flags of `torch.backends.mkldnn`
    change nothing.
    """
    result: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return result


class _OneDNNLinear(torch.autograd.Function):
    """A dense layer whose three matrix products, forward and backward, use oneDNN."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _product(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor, Tensor]:
        x, weight = ctx.saved_tensors
        to_input = _product(gradient, weight.T) if ctx.needs_input_grad[0] else None
        return to_input, _product(gradient.T, x.T), gradient.sum(0)


class Dropout(nn.Dropout):
    """`nn.Dropout` that drops the same values however many processes share the batch."""

    def forward(self, batch: Tensor) -> Tensor:
        """(B, ...) -> the same shape; values are dropped only during training."""
        return batch_random.dropout(batch, self.p) if self.training and self.p else batch


class Dense(nn.Linear):
    """`nn.Linear` for (B, inputs), in float32 with the faster library for this processor.

    Args:
        inputs: Number of input values.
        outputs: Number of output values.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs) -> (B, outputs)."""
        plain = x.device.type == "cpu" and x.dtype == torch.float32 and x.ndim == 2
        # An exported graph may only have standard operators.
        plain = plain and not torch.is_autocast_enabled("cpu") and not torch.onnx.is_in_onnx_export()
        if plain and onednn_is_faster():
            result: Tensor = _OneDNNLinear.apply(x, self.weight, self.bias)  # type: ignore[no-untyped-call]  # PyTorch's
            return result
        return super().forward(x)
