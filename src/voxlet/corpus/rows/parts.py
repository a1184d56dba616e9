"""A corpus on its way to rows: clips as they are, some to a file that appears whole, so that what is killed
goes on.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from voxlet.files import write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Part:
    """Some clips, B, one behind the other.

    Attributes:
        steps: Their samples as 16-bit steps, (T,) of all together.
        counts: (B,) int64, how many each has.
        scales: (B,) float32, what a step of each stands for.
    """

    steps: NDArray[np.int16]
    counts: NDArray[np.int64]
    scales: NDArray[np.float32]

    def clips(self) -> Iterator[NDArray[np.int16]]:
        """The steps of each clip (T,)."""
        return iter(np.split(self.steps, np.cumsum(self.counts)[:-1]))

    def write(self, path: Path) -> None:
        """Write it whole.

        Raises:
            FileError: The disk is full or cannot be written.
        """
        content = io.BytesIO()
        np.savez(content, steps=self.steps, counts=self.counts, scales=self.scales)
        write_atomically(path, content.getvalue())


def joined(clips: list[tuple[NDArray[np.int16], np.float32]]) -> Part:
    """Clips, each its steps and what one stands for, as a part."""
    return Part(
        np.concatenate([steps for steps, _ in clips]),
        np.array([len(steps) for steps, _ in clips], dtype=np.int64),
        np.array([scale for _, scale in clips], dtype=np.float32),
    )


def read_part(path: Path) -> Part | None:
    """The part in a file; None where it is missing or damaged: each array has its checksum."""
    try:
        with np.load(path) as file:
            return Part(file["steps"], file["counts"], file["scales"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        return None
