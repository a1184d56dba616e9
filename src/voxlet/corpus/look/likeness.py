"""How like words are to each other, without any training: which takes are unlike the others of their label.

A clip becomes a small picture of its speech; each is compared with its nearest others of the same label and
of every other label. Shapes: B clips, D numbers of a picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from voxlet import audio
from voxlet.trimming.frames import Frames

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATE = 8000  # Hz: what tells words apart lies below half of it
STEPS = 12  # points of time, from the beginning of the speech to its end
DEPTH = 1e-5  # of the highest power in a band (-50 dB): what is weaker counts as that
NEAREST = 3  # takes that a clip is compared with
SAME = 0.5  # less is the clip itself or its copy: takes of a word are some 20 apart
FEWEST_TAKES = 5  # of a label whose clips are compared
MOST_TAKES = 300  # of a label that others are compared with: enough, and time stays linear in the clips
BATCH = 256  # clips compared at once


def picture(samples: audio.Samples, rate: int) -> NDArray[np.float32]:
    """Log band powers of a word (T,) at twelve points of its length, less their mean, (D,)."""
    powers = Frames(audio.resample(samples, rate, RATE), RATE).band_powers()[:, :-1]
    levels = np.log(np.maximum(powers, max(DEPTH * float(powers.max()), 1e-14)))
    times = np.linspace(0, len(levels) - 1, STEPS)
    before = times.astype(np.int64)
    after, share = np.minimum(before + 1, len(levels) - 1), (times - before)[:, None]
    shown = levels[before] * (1 - share) + levels[after] * share
    return np.asarray((shown - shown.mean()).ravel(), dtype=np.float32)


def unlikeness(pictures: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """How much farther each clip is from the takes of its own label than from those of the nearest other.

    The ratio of two mean distances, each to three takes: above 1, another label is nearer. Clips of labels
    with fewer than five takes have none, and are not compared with: NaN, as for a take that has only copies.

    Args:
        pictures: Of the clips, (B, D).
        labels: Theirs, (B,).
    """
    counts = np.bincount(labels)
    compared = np.flatnonzero(counts >= FEWEST_TAKES)
    found = np.full(len(labels), np.nan)
    if len(compared) < 2:
        return found
    takes = {label: np.flatnonzero(labels == label) for label in compared.tolist()}
    others = {label: pictures[shown(own)] for label, own in takes.items()}
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


def shown(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """At most so many of these rows as are compared with, spread evenly."""
    if len(rows) <= MOST_TAKES:
        return rows
    return rows[np.linspace(0, len(rows) - 1, MOST_TAKES).round().astype(np.int64)]


def nearest(pictures: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float64]:
    """Mean distance of each picture (B, D) to its nearest three of others (N, D), itself left out, (B,)."""
    squares = np.square(pictures).sum(1)[:, None] + np.square(others).sum(1) - 2 * pictures @ others.T
    distances = np.sqrt(np.maximum(squares, 0.0)).astype(np.float64)
    distances[distances < SAME] = np.inf
    closest = np.sort(distances, axis=1)[:, :NEAREST]
    finite = np.isfinite(closest)
    sums = np.where(finite, closest, 0.0).sum(axis=1)
    return np.where(finite.any(axis=1), sums / np.maximum(finite.sum(axis=1), 1), np.inf)
