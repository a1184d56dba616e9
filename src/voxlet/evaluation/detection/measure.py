"""How well generated clips can be told from real ones, trusted only if resynthesis is detected, too.

A detector that finds no difference proves nothing by itself. So it must tell Griffin-Lim resyntheses of the
real clips, which have the same amplitudes, from the real clips with at least 95 % balanced accuracy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from voxlet.evaluation.classifiers.config import RELIABLE
from voxlet.evaluation.detection.detector import right_answers, views
from voxlet.evaluation.detection.resynthesis import resynthesised
from voxlet.evaluation.intervals import Interval, bootstrap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from voxlet.evaluation.clipset import ClipSet
    from voxlet.evaluation.metric import Figures

BALANCED, CONTROL = "detection.balanced_accuracy", "detection.griffin_lim.balanced_accuracy"
FOLDS = 3
MOST = 500  # clips of each kind
FEWEST_SPEAKERS = 2 * FOLDS


def evaluate(clips: ClipSet, real: ClipSet, seed: int = 0) -> Figures:
    """Balanced accuracy of telling clips from real ones, and Griffin-Lim resyntheses from the same real ones.

    Half is chance. The detector is tested on speakers that it was not fitted on: every fold has speakers of
    its own, with their real clips and the clips asked for in their voices; other clips are spread over folds.

    Args:
        clips: Clips with the speakers of `real`.
        real: Real clips, of which those without a speaker are ignored.
        seed: Seed of the folds and of the clips that are drawn.
    """
    people = np.unique(real.speakers[real.speakers >= 0])
    if len(people) < FEWEST_SPEAKERS:
        reason = f"not enough real speakers (needs {FEWEST_SPEAKERS})"
        return {BALANCED: reason, CONTROL: reason}
    rng = np.random.default_rng(seed)
    fold_of = np.full(int(people.max()) + 1, 0)
    fold_of[people] = rng.permutation(np.arange(len(people)) % FOLDS)
    real, clips = drawn(real.take(real.speakers >= 0), rng), drawn(clips, rng)
    loose = rng.permutation(np.arange(len(clips)) % FOLDS)
    named = (clips.speakers >= 0) & (clips.speakers < len(fold_of))
    folds = np.where(named, fold_of[np.where(named, clips.speakers, 0)], loose)
    own = fold_of[real.speakers]
    given = views(real.sounds, real.rate, own)
    again = [resynthesised(sound, real.rate) for sound in real.sounds]
    control = balanced(right_answers(given, views(again, real.rate, own)), len(real))
    if control.value < RELIABLE:
        return {
            BALANCED: f"not trusted: Griffin-Lim is found in {100 * control.value:.1f} % only",
            CONTROL: control,
        }
    found = right_answers(given, views(clips.sounds, clips.rate, folds))
    return {BALANCED: balanced(found, len(real)), CONTROL: control}


def drawn(clips: ClipSet, rng: np.random.Generator) -> ClipSet:
    """At most 500 clips, drawn at random."""
    return clips.take(np.sort(rng.permutation(len(clips))[:MOST]))


def balanced(right: NDArray[np.float64], first: int) -> Interval:
    """Mean of two shares of right answers (B,), 0 or 1: among the first `first` clips and among the rest."""
    count = len(right)
    weights = np.repeat([count / (2 * first), count / (2 * (count - first))], [first, count - first])
    return bootstrap(right * weights)
