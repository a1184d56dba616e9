"""Clips as rows of 16 bits on disk, each with a scale of its own, read when they are asked for.

A row takes half the room of its samples in float32. A step is 1/32,767 of the clip's own peak: a faint clip
is stored as finely as a loud one, none is clipped, and the error stays 96 dB below the peak.
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

STEPS = 32_767  # of a row's peak
AUDIO, FACTS = "audio.npy", ("scales.npy", "lengths.npy", "cut.npy", "indices.npy")
META = "meta.json"
AT_ONCE = 256  # rows that are looked at together where all are


def to_steps(samples: Samples, scale: np.float32 | None = None) -> tuple[NDArray[np.int16], np.float32]:
    """Samples (T,) as 16-bit steps, and what a step stands for: the peak's share unless it is given.

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
        folder: Of the files.
        shape: (B, T).
        scales: (B,) float32, what a step of each row stands for.
        lengths: (B,) int64, the valid samples of each row; behind them are zeros.
        cut: (B,) float64, the share of each clip's energy that lies behind the end of its row.
        indices: (B,) int64, the number of each row's clip in the corpus.
    """

    folder: Path
    shape: tuple[int, int]
    scales: NDArray[np.float32]
    lengths: NDArray[np.int64]
    cut: NDArray[np.float64]
    indices: NDArray[np.int64]

    def read(self, rows: int | slice | NDArray[np.int64]) -> NDArray[np.float32]:
        """The samples of some rows (..., T), float32, a copy.

        The file is mapped for this alone: pages that stayed mapped would count as this process's memory.
        """
        steps: NDArray[np.int16] = np.load(self.folder / AUDIO, mmap_mode="r")[rows]
        return steps * self.scales[rows, ..., None]

    def parts(self) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """All rows, some at a time: the number of the first, and their samples (b, T)."""
        for first in range(0, len(self.lengths), AT_ONCE):
            yield first, self.read(slice(first, first + AT_ONCE))


def seal(folder: Path, about: dict[str, Any]) -> None:
    """Write meta.json: what the rows are, with size, time and digest of each file."""
    meta = {"files": {name: _seal(folder / name) for name in (AUDIO, *FACTS)}, **about}
    (folder / META).write_text(json.dumps(meta, indent=1))


def load_rows(folder: Path) -> Rows | None:
    """The rows in a folder; None where they are missing, damaged, of another kind or being removed.

    Size and time of each file are looked at; only where they are not as sealed is its content compared.
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
        cache.hold(folder, rows)  # refused, they may have gone since they were looked at
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
