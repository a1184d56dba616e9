"""What latent numbers stand for, and directions to steer along: found on real clips by linear probes.

A number is named after the property that explains most of its spread. A direction towards a speaker, say, is
what their clips' latents have in common beyond those of all clips of the same label. Shapes: N clips, Z
latent size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from voxlet.corpus.attributes.pitch import semitones
from voxlet.errors import ConfigError
from voxlet.extras import import_extra

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from voxlet.corpus.speakers import SpeakerMetadata
    from voxlet.exploring.clips import Clips

    Reals = NDArray[np.float64]

FOLDS = 5
FEWEST = 20  # clips of a property, or of one value of it: fewer say nothing


@dataclass(frozen=True)
class Property:
    """Something known of N clips: a number of each, or one of several names.

    Attributes:
        name: What it is called.
        values: (N,), numbers into `names` where there are some; NaN where it is not known.
        names: Empty for a number.
    """

    name: str
    values: Reals
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Meaning:
    """What one latent number stands for.

    Attributes:
        unit: Its place, from 0.
        spread: Standard deviation of its posterior means.
        shares: Of its variance, how much each property explains, the most first.
    """

    unit: int
    spread: float
    shares: tuple[tuple[str, float], ...]

    def __str__(self) -> str:
        told = ", ".join(f"{name} {share:.0%}" for name, share in self.shares[:2])
        return f"unit {self.unit + 1}: {told or 'nothing known of it'}"


@dataclass(frozen=True)
class Direction:
    """A way through the latent space that changes a property.

    Attributes:
        name: Of the property, and of its value where it has names.
        vector: (Z,): one standard deviation of a number, or the whole way from the usual to a name.
        read: How well a linear probe reads the property of clips that it was not fitted on: the coefficient
            of determination of a number, the accuracy for names.
        chance: What guessing the commonest would give.
    """

    name: str
    vector: Reals
    read: float
    chance: float


def properties(clips: Clips, metadata: Mapping[str, SpeakerMetadata] | None = None) -> list[Property]:
    """What is known of the real clips, or of all where there are none; of others NaN.

    Args:
        clips: Of a map.
        metadata: What the corpus says of its speakers.
    """
    known = ~clips.generated if not clips.generated.all() else np.ones(len(clips), bool)

    def of(values: NDArray[np.float64] | NDArray[np.int64]) -> Reals:
        return np.where(known & (values >= 0 if values.dtype.kind == "i" else True), values, np.nan)

    found = [
        Property("label", of(clips.labels), clips.label_names),
        Property("speaker", of(clips.speakers), clips.speaker_names),
        Property("length", of(clips.measured.seconds)),
        Property("pitch", of(semitones(clips.measured.pitch_hz))),
        Property("loudness", of(clips.measured.level_db)),
    ]
    for name in ("gender", "accent"):
        said = [str(getattr((metadata or {}).get(who), name, "")) for who in clips.speaker_names]
        names = tuple(sorted({one for one in said if one}))
        table = np.array([*(names.index(one) if one else np.nan for one in said), np.nan])
        found.append(Property(name, of(table[clips.speakers]), names))
    ages = [getattr((metadata or {}).get(who), "age", None) for who in clips.speaker_names]
    table = np.array([*(np.nan if age is None else age for age in ages), np.nan], dtype=np.float64)
    found.append(Property("age", of(table[clips.speakers])))
    return [one for one in found if is_told(one)]


def is_told(one: Property) -> bool:
    """Whether a property is known of enough clips, and not the same of all."""
    values = one.values[np.isfinite(one.values)]
    return len(values) >= FEWEST and len(np.unique(values)) > 1


def meanings(clips: Clips, known: list[Property]) -> tuple[Meaning, ...]:
    """What each latent number stands for, the best explained first."""
    found = []
    for unit, values in enumerate(clips.latents.T):
        shares = [(one.name, explained(values, one)) for one in known]
        shares.sort(key=lambda pair: -pair[1])
        spread = float(values[~clips.generated].std() if not clips.generated.all() else values.std())
        found.append(Meaning(unit, spread, tuple(shares)))
    return tuple(sorted(found, key=lambda one: -(one.shares[0][1] if one.shares else 0.0)))


def explained(values: Reals, one: Property) -> float:
    """Share of the variance of a latent number (N,) that a property explains, adjusted for chance.

    Of a number by the square of the correlation, of names by the variance between their means (the
    correlation ratio); less what as many random names would explain, at least 0.
    """
    rows = np.isfinite(one.values)
    latent, told = values[rows], one.values[rows]
    total = float(np.square(latent - latent.mean()).sum())
    if total <= 0:
        return 0.0
    if one.names:
        groups = [latent[told == number] for number in np.unique(told)]
        within = sum(float(np.square(group - group.mean()).sum()) for group in groups)
        free = len(groups)
    else:
        slope, offset = np.polyfit(told, latent, 1)
        within, free = float(np.square(latent - slope * told - offset).sum()), 2
    left = max(1, len(latent) - free)
    return max(0.0, 1 - within / left / (total / max(1, len(latent) - 1)))


def find_directions(clips: Clips, known: list[Property]) -> tuple[Direction, ...]:
    """Directions for every property but the label, within labels: what is said stays."""
    centred = within(clips.latents, clips.labels)
    found = []
    for one in known:
        rows = np.isfinite(one.values)
        if one.name == "label":
            continue
        told, latents = one.values[rows], centred[rows]
        read, chance = probed(latents, told, is_named=bool(one.names))
        if not one.names:
            standard = (told - told.mean()) / told.std()
            # How latents move with the property, not the probe's weights: those point off the clips
            # (Haufe et al. 2014, https://doi.org/10.1016/j.neuroimage.2013.10.067).
            found.append(Direction(one.name, (latents * standard[:, None]).mean(axis=0), read, chance))
            continue
        for number, name in enumerate(one.names):
            if (told == number).sum() >= FEWEST:
                vector = latents[told == number].mean(axis=0)
                found.append(Direction(f"{one.name} {name}", vector, read, chance))
    return tuple(found)


def within(latents: Reals, labels: NDArray[np.int64]) -> Reals:
    """Latents (N, Z) less the mean of their label."""
    centred = latents.copy()
    for label in np.unique(labels):
        centred[labels == label] -= latents[labels == label].mean(axis=0)
    return centred


def probed(latents: Reals, told: Reals, *, is_named: bool) -> tuple[float, float]:
    """How well a linear probe reads a property of clips left out of its fit, and what guessing gives."""
    linear = import_extra("sklearn.linear_model", "train")
    selection = import_extra("sklearn.model_selection", "train")
    standard = latents / np.maximum(latents.std(axis=0), 1e-9)
    if is_named:
        _, numbers, counts = np.unique(told, return_inverse=True, return_counts=True)
        probe = linear.LogisticRegression(max_iter=1000)
        folds = selection.StratifiedKFold(max(2, min(FOLDS, int(counts.min()))), shuffle=True, random_state=0)
        scores = selection.cross_val_score(probe, standard, numbers, cv=folds)
        return float(scores.mean()), float(counts.max() / counts.sum())
    folds = selection.KFold(FOLDS, shuffle=True, random_state=0)
    scores = selection.cross_val_score(linear.Ridge(), standard, told, cv=folds, scoring="r2")
    return float(scores.mean()), 0.0


def steered(latents: Reals, direction: Direction, strength: float) -> Reals:
    """Latents (..., Z) moved along a direction."""
    return np.asarray(latents + strength * direction.vector)


def in_voice_of(clips: Clips, rows: NDArray[np.int64], directions: tuple[Direction, ...], who: str) -> Reals:
    """The latents (K, Z) of clips `rows`, as if another speaker had said them: the word stays.

    Raises:
        ConfigError: There are too few clips of the speaker.
    """
    by_name = {one.name: one.vector for one in directions}
    if f"speaker {who}" not in by_name:
        raise ConfigError(f"there are too few clips of {who!r} to speak as they do", where="speaker")
    own = [
        by_name.get(f"speaker {clips.speaker_names[speaker]}" if speaker >= 0 else "", 0.0)
        for speaker in clips.speakers[rows]
    ]
    moved = np.stack([clips.latents[row] - away for row, away in zip(rows, own, strict=True)])
    return np.asarray(moved + by_name[f"speaker {who}"])
