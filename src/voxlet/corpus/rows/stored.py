"""Clips as rows of 16-bit samples on disk, each with its own scale, read on demand.

A row takes half the space of float32 samples. One integer step is 1/32,767 of the clip's own peak: a faint
clip is stored as finely as a loud one, none is clipped, and the error stays 96 dB below the peak.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlet.cache import contents as cache
from voxlet.errors import LockedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from voxlet.audio import Samples

STEPS = 32_767  # integer steps up to a clip's peak
AUDIO, FACTS = "audio.npy", ("scales.npy", "lengths.npy", "cut.npy", "indices.npy")
META = "meta.json"
AT_ONCE = 256  # rows read at a time when all rows are read


def to_steps(samples: Samples, scale: np.float32 | None = None) -> tuple[NDArray[np.int16], np.float32]:
    """Quantise samples (T,) to 16 bits; also the amplitude of one step, by default the peak / 32,767.

    >>> steps, scale = to_steps(np.array([0.0, -0.5, 0.25], dtype=np.float32))
    >>> steps.tolist(), round(float(scale) * STEPS, 6)
    ([0, -32767, 16384], 0.5)
    """
    if scale is None:
        peak = np.abs(samples).max(initial=0)
        scale = np.float32(peak / STEPS) or np.float32(1)
    return np.rint(samples / scale).astype(np.int16), scale


@dataclass(frozen=True)
class Rows:
    """The rows of a prepared corpus, in a folder of the cache.

    Attributes:
        folder: Folder of the files.
        shape: (B, T).
        scales: (B,) float32, amplitude of one integer step in each row.
        lengths: (B,) int64, number of valid samples in each row; zeros follow them.
        cut: (B,) float64, share of each clip's energy that was cut off at the end of its row.
        indices: (B,) int64, index of each row's clip in the corpus.
    """

    folder: Path
    shape: tuple[int, int]
    scales: NDArray[np.float32]
    lengths: NDArray[np.int64]
    cut: NDArray[np.float64]
    indices: NDArray[np.int64]

    def read(self, rows: int | slice | NDArray[np.int64]) -> NDArray[np.float32]:
        """A copy of the samples of some rows, (..., T), float32.

        The file is mapped for this call only: pages that stay mapped count as memory of this process.
        """
        steps: NDArray[np.int16] = np.load(self.folder / AUDIO, mmap_mode="r")[rows]
        return steps * self.scales[rows, ..., None]

    def parts(self) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """All rows in blocks: the index of the first row, and the samples of the block, (b, T)."""
        for first in range(0, len(self.lengths), AT_ONCE):
            yield first, self.read(slice(first, first + AT_ONCE))


def seal(folder: Path, about: dict[str, Any]) -> None:
    """Write meta.json: `about`, and the size, modification time and digest of each file."""
    meta = {"files": {name: _seal(folder / name) for name in (AUDIO, *FACTS)}, **about}
    (folder / META).write_text(json.dumps(meta, indent=1))


def load_rows(folder: Path) -> Rows | None:
    """The rows in a folder; None if they are missing, damaged, of another format or being removed.

    The size and time of each file are compared with meta.json, and its digest only if the time differs.
    """
    try:
        files: dict[str, dict[str, Any]] = json.loads((folder / META).read_bytes())["files"]
        for name in (AUDIO, *FACTS):
            status, sealed = (folder / name).stat(), files[name]
            if (status.st_size, status.st_mtime_ns) == (sealed["size"], sealed["time"]):
                continue
            if status.st_size != sealed["size"] or _digest(folder / name) != sealed["sha256"]:
                return None
        mapped = np.load(folder / AUDIO, mmap_mode="r")
        if mapped.dtype != np.int16:
            return None
        rows = Rows(folder, mapped.shape, *(np.load(folder / name) for name in FACTS))
        cache.hold(folder, rows)  # if this fails, they may have been removed since the check
        cache.touch(folder)
        return rows
    except (LockedError, OSError, ValueError, KeyError, TypeError):
        return None


def _seal(path: Path) -> dict[str, Any]:
    status = path.stat()
    return {"size": status.st_size, "time": status.st_mtime_ns, "sha256": _digest(path)}


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
