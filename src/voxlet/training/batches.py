"""The order in which rows are visited, straight from memory: no worker processes, no state to save.

The order of an epoch is a function of (seed, epoch) alone, so a resumed run sees the same rows as an
uninterrupted one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray


def epoch_order(rows: NDArray[np.int64], seed: int, epoch: int) -> NDArray[np.int64]:
    """`rows` in the order of one epoch, a function of (seed, epoch) alone."""
    return np.random.default_rng((seed, epoch)).permutation(rows)


def row_numbers(rows: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
    """Row numbers (B,) as a contiguous int64 array for torch, from any sequence."""
    return np.ascontiguousarray(rows, dtype=np.int64)


def in_turn(rows: NDArray[np.int64], batch: int) -> Iterator[NDArray[np.int64]]:
    """`rows` in their own order, `batch` at a time (the last batch may be shorter), to validate and test."""
    for start in range(0, len(rows), batch):
        yield rows[start : start + batch]
