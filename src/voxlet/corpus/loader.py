"""Batches of row numbers, straight from memory: no worker processes, no state to save.

The batch of a step is a function of (seed, step) alone, so a run that is resumed at a step sees what the
uninterrupted run would have seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from voxlet.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


def epoch_order(rows: NDArray[np.int64], seed: int, epoch: int) -> NDArray[np.int64]:
    """`rows` in the order of one epoch, a function of (seed, epoch) alone."""
    return np.random.default_rng((seed, epoch)).permutation(rows)


@dataclass(frozen=True)
class Loader:
    """Shuffled batches of `rows`, each row once an epoch; the last rows of an epoch that fill no batch wait.

    With `world` processes, each sees its own part of each batch of `batch` rows: part `rank`.

    Attributes:
        rows: Row numbers of a `Prepared`.
        batch: Rows of a step over all processes; cut to the number of rows.
        seed: Decides the order.
        rank: Number of this process.
        world: Number of processes; divides `batch`.

    Raises:
        ConfigError: No rows, or a batch that the processes cannot share evenly.
    """

    rows: NDArray[np.int64]
    batch: int
    seed: int = 0
    rank: int = 0
    world: int = 1

    def __post_init__(self) -> None:
        if len(self.rows) == 0:
            raise ConfigError("there are no clips to draw batches from", where="loader")
        if self.batch < 1 or not 0 <= self.rank < self.world or self.size % self.world:
            raise ConfigError(
                f"a batch of {self.size} cannot be shared by {self.world} processes",
                where="batch",
                remedy="take a multiple of the number of processes",
            )

    @property
    def size(self) -> int:
        """Rows of a batch over all processes."""
        return min(self.batch, len(self.rows) - len(self.rows) % self.world)

    @property
    def steps_per_epoch(self) -> int:
        """Whole batches of an epoch."""
        return len(self.rows) // max(1, self.size)

    def epoch(self, epoch: int, start: int = 0) -> Iterator[NDArray[np.int64]]:
        """This process's part of each batch of one epoch, from batch `start` on."""
        order = epoch_order(self.rows, self.seed, epoch)
        share = self.size // self.world
        for step in range(start, self.steps_per_epoch):
            begin = step * self.size + self.rank * share
            yield order[begin : begin + share]

    def from_step(self, step: int) -> Iterator[NDArray[np.int64]]:
        """Batches without end, from the given step of the whole training on."""
        epoch, start = divmod(step, self.steps_per_epoch)
        while True:
            yield from self.epoch(epoch, start)
            epoch, start = epoch + 1, 0


def in_turn(rows: NDArray[np.int64], batch: int) -> Iterator[NDArray[np.int64]]:
    """`rows` in their own order, `batch` at a time, the last batch shorter: for validation and tests."""
    for start in range(0, len(rows), batch):
        yield rows[start : start + batch]
