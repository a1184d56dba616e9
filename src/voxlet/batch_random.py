"""Random numbers for a batch of which this process may hold only some rows.

Every process draws numbers for the whole batch from the same generator state, and keeps those of its own
rows: each clip gets the same numbers, and all generators stay in the same state, however many processes share
the batch. In a single process, each function is PyTorch's own. Numbers that all rows share are drawn from
`torch` directly.
"""

from __future__ import annotations

import contextlib
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor


@dataclass(frozen=True)
class Rows:
    """The rows from `start` up to, but not including, `stop` of a batch of `total` rows."""

    start: int
    stop: int
    total: int


_held: ContextVar[Rows | None] = ContextVar("held", default=None)


@contextlib.contextmanager
def rows_of_batch(rows: Rows) -> Iterator[None]:
    """While entered, the functions below draw for these rows of a larger batch."""
    token = _held.set(rows)
    try:
        yield
    finally:
        _held.reset(token)


def rand(*shape: int, device: torch.device | None = None) -> Tensor:
    """Uniform numbers in [0, 1) of this shape (B, ...), where B counts the rows of this process."""
    return _draw_rows(lambda whole: torch.rand(whole, device=device), shape)


def randn(*shape: int, device: torch.device | None = None) -> Tensor:
    """Standard normal numbers of this shape (B, ...)."""
    return _draw_rows(lambda whole: torch.randn(whole, device=device), shape)


def randn_like(batch: Tensor) -> Tensor:
    """Standard normal numbers with the shape (B, ...), type and device of `batch`."""
    if _held.get() is None:
        return torch.randn_like(batch)
    return _draw_rows(lambda whole: torch.randn(whole, dtype=batch.dtype, device=batch.device), batch.shape)


def dropout(batch: Tensor, p: float) -> Tensor:
    """The batch (B, ...), each value set to zero with probability `p` and else scaled by 1 / (1 - p)."""
    if _held.get() is None:
        return F.dropout(batch, p)
    ones = torch.ones((), dtype=batch.dtype, device=batch.device)
    return batch * _draw_rows(lambda whole: F.dropout(ones.repeat(whole), p), batch.shape)


def _draw_rows(draw: Callable[[tuple[int, ...]], Tensor], shape: tuple[int, ...]) -> Tensor:
    rows = _held.get()
    if rows is None:
        return draw(tuple(shape))
    assert shape[0] == rows.stop - rows.start, "the first axis is not that of the rows at hand"
    return draw((rows.total, *shape[1:]))[rows.start : rows.stop]
