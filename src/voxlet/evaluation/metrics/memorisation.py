"""Are generated clips copies? Their distance to the nearest training clip, against that of real test clips.

A distance is the root mean square difference, over bands and frames, between log-mel spectrograms of
normalised clips, in nepers of power; small shifts in time are allowed. A generator that only repeats the
training clips is near 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from voxlet.errors import ScoreError
from voxlet.evaluation.classifiers.inputs import FLOOR
from voxlet.evaluation.intervals import CONFIDENCE, Interval
from voxlet.evaluation.metric import PERCENTILES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from voxlet.evaluation.metric import Figures

SHIFT = 5  # frames of 10 ms, to either side
PAIRS = 10
PAIRS_KEY = "memorisation.nearest_pairs"


@dataclass(frozen=True)
class Nearest:
    """For each of B clips, the distance (B,) to its nearest training clip and the row (B,) of the latter."""

    distance: NDArray[np.float64]
    row: NDArray[np.int64]

    def percentiles(self, *, rounds: int = 1000, seed: int = 0) -> dict[int, Interval]:
        """The 1st, 5th and 50th percentile of the distance, with bootstrap intervals."""
        rng = np.random.default_rng(seed)
        count = len(self.distance)
        again = self.distance[rng.integers(count, size=(rounds, count))]
        ends = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
        found = {}
        for percentile in PERCENTILES:
            low, high = np.quantile(np.percentile(again, percentile, axis=1), ends)
            value = float(np.percentile(self.distance, percentile))
            found[percentile] = Interval(value, float(low), float(high), count)
        return found

    def pairs(self, count: int = PAIRS) -> Iterator[tuple[int, int, float]]:
        """The `count` nearest pairs, nearest first: row of the clip, row of the training clip, distance."""
        for clip in np.argsort(self.distance)[:count]:
            yield int(clip), int(self.row[clip]), float(self.distance[clip])


def validate(clips: NDArray[np.float32], train: NDArray[np.float32]) -> None:
    """Check that spectrograms (B1, M, F) and (B2, M, F) can be compared.

    Raises:
        ScoreError: One of the sets is empty, or their shapes differ.
    """
    if not len(clips) or not len(train):
        raise ScoreError("nearest neighbours need clips on both sides")
    if clips.shape[1:] != train.shape[1:]:
        raise ScoreError(f"spectrograms of {clips.shape[1:]} and {train.shape[1:]} cannot be compared")


def nearest(clips: NDArray[np.float32], train: NDArray[np.float32], *, shift: int = SHIFT) -> Nearest:
    """The nearest of the spectrograms `train` (B2, M, F) for each of `clips` (B1, M, F).

    Raises:
        ScoreError: One of the sets is empty, or their shapes differ.
    """
    validate(clips, train)
    quiet = np.float32(np.log(FLOOR))
    targets = train.reshape(len(train), -1) - quiet
    lengths = np.einsum("bi,bi->b", targets, targets)
    best = np.full(len(clips), np.inf)
    row = np.zeros(len(clips), np.int64)
    frames = clips.shape[2]
    padded = np.pad(clips - quiet, ((0, 0), (0, 0), (shift, shift)))
    for start in range(2 * shift + 1):
        moved = padded[:, :, start : start + frames].reshape(len(clips), -1)
        own = np.einsum("bi,bi->b", moved, moved)
        squares = own[:, None] + lengths[None] - 2 * (moved @ targets.T)
        candidate = squares.argmin(axis=1)
        distance = squares[np.arange(len(clips)), candidate]
        better = distance < best
        best[better], row[better] = distance[better], candidate[better]
    return Nearest(np.sqrt(np.maximum(best, 0) / targets.shape[1]), row)


def evaluate(found: Nearest) -> Figures:
    """Low percentiles of the distance to the nearest training clip."""
    return {f"memorisation.nearest.p{percentile}": value for percentile, value in found.percentiles().items()}
