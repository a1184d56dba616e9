"""Structure of a latent space: what can be predicted from it, how its units share the work, which are unused.

Everything is measured on the posterior means (B, Z) of real clips.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from voxlet.errors import ScoreError
from voxlet.evaluation.intervals import Interval, exact, wilson
from voxlet.evaluation.metrics.distribution import NEIGHBOURS, distances
from voxlet.extras import import_extra

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from voxlet.evaluation.metric import Figures

    Reals = NDArray[np.float64]
    Integers = NDArray[np.int64]

BINS = 20  # of a unit's values, for mutual information, as in the paper on the information gap
ACTIVE = 0.01  # threshold on the variance of a unit's posterior mean over clips (Burda et al. 2016)


@dataclass(frozen=True)
class LatentClips:
    """Posterior means (B, Z) of real clips, with their labels (B,) and speakers (B,)."""

    means: Reals
    labels: Integers
    speakers: Integers


def linear_probe(train: Reals, train_labels: Integers, test: Reals, test_labels: Integers) -> Interval:
    """Share of test clips whose label a logistic regression predicts from their standardised latents."""
    linear = import_extra("sklearn.linear_model", "study")
    centre, spread = train.mean(axis=0), np.maximum(train.std(axis=0), 1e-9)
    probe = linear.LogisticRegression(max_iter=1000).fit((train - centre) / spread, train_labels)
    right = probe.predict((test - centre) / spread) == test_labels
    return wilson(int(right.sum()), len(right))


def nearest_neighbours(
    train: Reals, train_labels: Integers, test: Reals, test_labels: Integers, k: int = NEIGHBOURS
) -> Interval:
    """Accuracy of test clips classified by their k nearest training clips; the nearest breaks ties."""
    order = np.argsort(distances(test, train), axis=1, kind="stable")[:, : min(k, len(train))]
    near = train_labels[order]
    votes = (near[:, :, None] == near[:, None, :]).sum(axis=2)
    predicted = near[np.arange(len(test)), votes.argmax(axis=1)]  # argmax takes the first, the nearest
    return wilson(int((predicted == test_labels).sum()), len(test))


def mutual_information(values: Reals, labels: Integers, bins: int = BINS) -> float:
    """Mutual information in nats between a unit's values (B,), in bins of equal counts, and labels (B,)."""
    edges = np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1])
    table = np.zeros((bins, int(labels.max()) + 1))
    np.add.at(table, (np.searchsorted(edges, values, side="right"), labels), 1)
    joint = table / table.sum()
    apart = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0, keepdims=True)
    seen = joint > 0
    return float(np.sum(joint[seen] * np.log(joint[seen] / apart[seen])))


def information_gap(means: Reals, labels: Integers, bins: int = BINS) -> float:
    """Mutual information gap of one factor, the label (Chen et al. 2018).

    The lead of the most informative unit over the second one, divided by the label's entropy: 1 if one unit
    has all the information about the label and the others none, 0 if two have equally much.

    Raises:
        ScoreError: There are fewer than two units, or all labels are the same.
    """
    if means.shape[1] < 2:
        raise ScoreError("an information gap needs two latent units")
    shares = np.bincount(labels) / len(labels)
    entropy = -float(np.sum(shares[shares > 0] * np.log(shares[shares > 0])))
    if entropy == 0:
        raise ScoreError("all clips have the same label")
    known = sorted(mutual_information(means[:, unit], labels, bins) for unit in range(means.shape[1]))
    return (known[-1] - known[-2]) / entropy


def active_units(means: Reals) -> int:
    """Number of units whose posterior mean varies with the clip: its variance is above 0.01."""
    return int(np.sum(means.var(axis=0) > ACTIVE))


def evaluate(train: LatentClips, test: LatentClips) -> Figures:
    """Accuracy of labels and speakers predicted from posterior means, information gaps, and active units.

    Labels or speakers are left out if all training clips share one, and gaps if all test clips do or if there
    is only one unit.
    """
    found: Figures = {}
    for name in ("label", "speaker"):
        known, asked = getattr(train, f"{name}s"), getattr(test, f"{name}s")
        if len(np.unique(known)) < 2:
            continue
        given = train.means, known, test.means, asked
        found[f"latents.{name}.linear_probe"] = linear_probe(*given)
        found[f"latents.{name}.nearest_neighbours"] = nearest_neighbours(*given)
        if test.means.shape[1] > 1 and len(np.unique(asked)) > 1:
            gap = information_gap(test.means, asked)
            found[f"latents.{name}.information_gap"] = exact(gap, len(asked))
    found["latents.active_units"] = exact(active_units(test.means), test.means.shape[1])
    return found
