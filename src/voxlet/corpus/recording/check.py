"""Check a take right after it is recorded, with the thresholds of `voxlet corpus inspect`."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from voxlet.corpus.look import likeness
from voxlet.corpus.look.inspection import ABRUPT_DB, DOUBTFUL, FULL_SCALE, NOISY_DB, PAUSE_SECONDS, QUIET_DB
from voxlet.trimming.regions import find_speech

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from voxlet.audio import Samples

NOTHING = "nothing was heard"
QUIET = "too quiet"
DISTORTED = "too loud: it is distorted"
CUT = "cut at its beginning or end"
NOISY = "noisy"
PAUSED = "there is a long pause in it"
LENGTH = "much longer or shorter than the other takes"
UNLIKE = "sounds more like another word"

WHAT_TO_DO = {
    NOTHING: "say the word when it is shown",
    QUIET: "move nearer, or raise the microphone's level",
    DISTORTED: "move back a little, or lower the microphone's level",
    CUT: "wait until the word is shown, and be silent for a moment after it",
    NOISY: "find a quieter place, or move nearer",
    PAUSED: "say the word alone, once",
    LENGTH: "say it as you did the other times, or say more takes this way",
    UNLIKE: "say the word that is shown",
}
LOUD_SAMPLES = 3  # at full scale: a single one may be chance
LENGTHS = (0.45, 2.2)  # allowed range, as multiples of the median length of the other takes
FEWEST_TAKES = 3  # of a word, to compare a length with
# A take is unlike its label if another word's nearest take is this many times nearer, by number of own takes.
# With FSDD's speakers, 98 of 100 correct takes pass, and 18 of 100 takes of a wrong word.
NEARER = {1: 1.5, 2: 1.4, 3: 1.3}


@dataclass(frozen=True)
class Heard:
    """Measurements of a take.

    Attributes:
        problems: The problems found, of the constants above; empty if there are none.
        seconds: Length of the word.
        picture: Features for comparing takes, see `likeness`; None if no speech was found.
    """

    problems: tuple[str, ...]
    seconds: float
    picture: NDArray[np.float32] | None


def check_take(samples: Samples, rate: int, label: str, others: Mapping[str, Sequence[Heard]]) -> Heard:
    """Check a take (T,) of a label against the kept takes of all labels, `others`."""
    found = find_speech(samples, rate)
    if not found.regions:
        return Heard((NOTHING,), 0.0, None)
    speech = samples[found.start : found.stop]
    seconds = len(speech) / rate
    level = 20 * np.log10(max(found.rms(samples), 1e-6))
    gaps = [(later[0] - earlier[1]) / rate for earlier, later in pairwise(found.regions)]
    picture = likeness.word_features(speech, rate)
    lengths = [take.seconds for take in others.get(label, ())]
    usual = float(np.median(lengths)) if len(lengths) >= FEWEST_TAKES else seconds
    wrong = {
        QUIET: level < QUIET_DB,
        DISTORTED: int((np.abs(samples) >= FULL_SCALE).sum()) >= LOUD_SAMPLES,
        CUT: max(found.ends_db) - found.level_db > ABRUPT_DB,
        NOISY: found.silence_found and found.contrast_db < NOISY_DB,
        PAUSED: max(gaps, default=0.0) > PAUSE_SECONDS,
        LENGTH: not LENGTHS[0] * usual < seconds < LENGTHS[1] * usual,
        UNLIKE: is_unlike(picture, label, others),
    }
    return Heard(tuple(name for name, is_so in wrong.items() if is_so), seconds, picture)


def is_unlike(picture: NDArray[np.float32], label: str, others: Mapping[str, Sequence[Heard]]) -> bool:
    """Whether a take is closer to another label's takes than to its own; false for a label's first take."""
    kept = {
        name: [take.picture for take in takes if take.picture is not None] for name, takes in others.items()
    }
    if any(len(takes) < likeness.FEWEST_TAKES for takes in kept.values()):
        return _nearer(picture, label, kept)
    names = [label, *(name for name in kept if name != label)]
    pictures = [picture, *(one for name in names for one in kept.get(name, []))]
    labels = [0, *(number for number, name in enumerate(names) for _ in kept.get(name, []))]
    return bool(likeness.unlikeness(np.stack(pictures), np.array(labels))[0] > DOUBTFUL)


def _nearer(
    picture: NDArray[np.float32], label: str, kept: Mapping[str, Sequence[NDArray[np.float32]]]
) -> bool:
    """`is_unlike` with too few takes for `likeness.unlikeness`: compares the nearest take of each label."""
    away = {
        name: min(float(np.linalg.norm(picture - one)) for one in takes)
        for name, takes in kept.items()
        if takes
    }
    own, others = away.pop(label, None), away.values()
    if own is None or not others:
        return False
    return own > NEARER[min(len(kept[label]), max(NEARER))] * min(others)
