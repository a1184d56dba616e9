"""Intermediate files of a preparation: clips at their own lengths, in parts.

Each part appears on disk complete or not at all, so an interrupted preparation can continue.
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
    """B clips, concatenated.

    Attributes:
        steps: The samples of all clips as 16-bit integers, (T,).
        counts: (B,) int64, number of samples in each clip.
        scales: (B,) float32, amplitude of one integer step in each clip.
    """

    steps: NDArray[np.int16]
    counts: NDArray[np.int64]
    scales: NDArray[np.float32]

    def clips(self) -> Iterator[NDArray[np.int16]]:
        """The 16-bit samples of each clip, (T,)."""
        return iter(np.split(self.steps, np.cumsum(self.counts)[:-1]))

    def write(self, path: Path) -> None:
        """Write the part to a file, atomically.

        Raises:
            FileError: The disk is full or not writable.
        """
        content = io.BytesIO()
        np.savez(content, steps=self.steps, counts=self.counts, scales=self.scales)
        write_atomically(path, content.getvalue())


def joined(clips: list[tuple[NDArray[np.int16], np.float32]]) -> Part:
    """Concatenate clips, given as (16-bit samples, scale), into a part."""
    return Part(
        np.concatenate([steps for steps, _ in clips]),
        np.array([len(steps) for steps, _ in clips], dtype=np.int64),
        np.array([scale for _, scale in clips], dtype=np.float32),
    )


def read_part(path: Path) -> Part | None:
    """The part in a file; None if it is missing or damaged (a zip file has a checksum for each array)."""
    try:
        with np.load(path) as file:
            return Part(file["steps"], file["counts"], file["scales"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        return None
