"""Similarity of words without any training, to find takes that are unlike the others of their label.

Each clip is reduced to a small log spectrogram, its picture, which is compared with its nearest neighbours in
its own label and in every other label. Shapes: B clips, D values in a picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from voxlet import audio
from voxlet.trimming.frames import Frames

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATE = 8000  # Hz: what distinguishes words lies below 4 kHz
STEPS = 12  # points in time, from the beginning of the speech to its end
DEPTH = 1e-5  # floor of the powers, re the highest (-50 dB)
NEAREST = 3  # neighbours that a distance is averaged over
SAME = 0.5  # a smaller distance is the clip itself or a copy: takes of a word are about 20 apart
FEWEST_TAKES = 5  # of a label, to include it in the comparison
MOST_TAKES = 300  # of a label used as references, which is enough and keeps the time linear in the clips
BATCH = 256  # clips compared at once


def word_features(samples: audio.Samples, rate: int) -> NDArray[np.float32]:
    """Log band powers of a word (T,) at twelve points in time, with their mean removed, (D,)."""
    powers = Frames(audio.resample(samples, rate, RATE), RATE).band_powers()[:, :-1]
    levels = np.log(np.maximum(powers, max(DEPTH * float(powers.max()), 1e-14)))
    times = np.linspace(0, len(levels) - 1, STEPS)
    before = times.astype(np.int64)
    after, share = np.minimum(before + 1, len(levels) - 1), (times - before)[:, None]
    shown = levels[before] * (1 - share) + levels[after] * share
    return np.asarray((shown - shown.mean()).ravel(), dtype=np.float32)


def unlikeness(pictures: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Distance of each clip to its own label divided by that to the nearest other label, (B,).

    Each is the mean distance to the three nearest takes; above 1, another label is nearer. Labels with fewer
    than five takes are ignored and their clips are NaN, as are takes of which the label has only copies.

    Args:
        pictures: Pictures of the clips, (B, D).
        labels: Labels of the clips, (B,).
    """
    counts = np.bincount(labels)
    compared = np.flatnonzero(counts >= FEWEST_TAKES)
    found = np.full(len(labels), np.nan)
    if len(compared) < 2:
        return found
    takes = {label: np.flatnonzero(labels == label) for label in compared.tolist()}
    others = {label: pictures[subsample(own)] for label, own in takes.items()}
    rows = np.flatnonzero(counts[labels] >= FEWEST_TAKES)
    for first in range(0, len(rows), BATCH):
        batch = rows[first : first + BATCH]
        distances = np.stack([nearest(pictures[batch], one) for one in others.values()], axis=1)
        column = np.searchsorted(compared, labels[batch])
        places = np.arange(len(batch))
        own = distances[places, column]
        distances[places, column] = np.inf
        found[batch] = np.where(np.isfinite(own), own / distances.min(axis=1), np.nan)
    return found


def subsample(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """At most `MOST_TAKES` of the rows, evenly spaced."""
    if len(rows) <= MOST_TAKES:
        return rows
    return rows[np.linspace(0, len(rows) - 1, MOST_TAKES).round().astype(np.int64)]


def nearest(pictures: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean distance (B,) of each picture (B, D) to the nearest three of `others` (N, D), excluding copies."""
    squares = np.square(pictures).sum(1)[:, None] + np.square(others).sum(1) - 2 * pictures @ others.T
    distances = np.sqrt(np.maximum(squares, 0.0)).astype(np.float64)
    distances[distances < SAME] = np.inf
    closest = np.sort(distances, axis=1)[:, :NEAREST]
    finite = np.isfinite(closest)
    sums = np.where(finite, closest, 0.0).sum(axis=1)
    return np.where(finite.any(axis=1), sums / np.maximum(finite.sum(axis=1), 1), np.inf)
