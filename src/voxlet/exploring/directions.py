"""What latent numbers stand for, and directions to steer along: found on real clips by linear probes.

A number is named after the property that explains most of its spread. A direction towards a speaker, say, is
what their clips' latents have in common beyond those of all clips of the same label. What is said of speakers
is read from speakers whom the probe has not heard: of those it has heard it would know who speaks, and need
nothing else. Shapes: N clips, Z latent size.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from voxlet.corpus.attributes.pitch import semitones
from voxlet.errors import ConfigError
from voxlet.exploring.doubt import folds_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from voxlet.corpus.speakers import SpeakerMetadata
    from voxlet.exploring.clips import Clips

    Reals = NDArray[np.float64]
    Integers = NDArray[np.int64]

FEWEST = 20  # clips of a property, or of one value of it: fewer say nothing
GUESSES, LUCKY = 100, 0.95  # of so many guesses the best but a twentieth is what chance gives
FEW_TAKES = 2.0  # of a word, with which its own mean weighs as much as what word and speaker are elsewhere


@dataclass(frozen=True)
class Property:
    """Something known of N clips: a number of each, or one of several names.

    Attributes:
        name: What it is called.
        values: (N,), numbers into `names` where there are some; NaN where it is not known.
        names: Empty for a number.
        groups: (N,), of whom a probe hears all clips or none: speakers, or copies of one recording. Without,
            each clip is one.
        is_of_groups: Whether it is said of speakers, and so is the same in all clips of one.
    """

    name: str
    values: Reals
    names: tuple[str, ...] = ()
    groups: Integers | None = None
    is_of_groups: bool = False

    def among(self, rows: NDArray[np.bool_]) -> Property:
        """The same property of some clips alone, their groups numbered from 0."""
        groups = np.arange(len(rows)) if self.groups is None else self.groups
        return replace(self, values=self.values[rows], groups=np.unique(groups[rows], return_inverse=True)[1])


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
        read: How well a linear probe reads the property of groups that it was not fitted on: the coefficient
            of determination of a number, the balanced accuracy of a name against all others. NaN where only
            one group has it, or has it not.
        chance: What guessing gives: 0 of a number, half of a name. Of what is said of speakers, what one in
            twenty probes reaches for which the speakers had exchanged it: more, the fewer speakers there are.
    """

    name: str
    vector: Reals
    read: float
    chance: float

    @property
    def is_read(self) -> bool:
        """Whether it is a direction at all."""
        return self.read > self.chance


def properties(clips: Clips, metadata: Mapping[str, SpeakerMetadata] | None = None) -> list[Property]:
    """What is known of the real clips, or of all where there are none; of others NaN.

    Args:
        clips: Of a map.
        metadata: What the corpus says of its speakers.
    """
    known = recordings(clips)
    contents = [digest or source for digest, source in zip(clips.digests, clips.sources, strict=True)]
    copies = np.unique(contents, return_inverse=True)[1]
    everybody = np.unique(clips.speakers[known & (clips.speakers >= 0)])
    voices = np.where(clips.speakers >= 0, clips.speakers, len(clips.speaker_names) + copies)
    groups = voices if len(everybody) > 1 else copies

    def of(values: NDArray[np.float64] | NDArray[np.int64]) -> Reals:
        return np.where(known & (values >= 0 if values.dtype.kind == "i" else True), values, np.nan)

    found = [
        Property("label", of(clips.labels), clips.label_names, groups),
        Property("length", of(clips.measured.seconds), (), groups),
        Property("pitch", of(semitones(clips.measured.pitch_hz)), (), groups),
        Property("loudness", of(clips.measured.level_db), (), groups),
    ]
    for name in ("gender", "accent"):
        said = [str(getattr((metadata or {}).get(who), name, "")) for who in clips.speaker_names]
        names = tuple(sorted({one for one in said if one}))
        table = np.array([*(names.index(one) if one else np.nan for one in said), np.nan])
        found.append(Property(name, of(table[clips.speakers]), names, voices, is_of_groups=True))
    ages = [getattr((metadata or {}).get(who), "age", None) for who in clips.speaker_names]
    table = np.array([*(np.nan if age is None else age for age in ages), np.nan], dtype=np.float64)
    found.append(Property("age", of(table[clips.speakers]), (), voices, is_of_groups=True))
    found.append(Property("speaker", of(clips.speakers), clips.speaker_names, copies))
    return [one for one in found if is_told(one)]


def recordings(clips: Clips) -> NDArray[np.bool_]:
    """Which clips (N,) are real; all where none is."""
    return np.ones(len(clips), bool) if clips.generated.all() else ~clips.generated


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
        spread = float(values[recordings(clips)].std())
        found.append(Meaning(unit, spread, tuple(shares)))
    return tuple(sorted(found, key=lambda one: -(one.shares[0][1] if one.shares else 0.0)))


def explained(values: Reals, one: Property) -> float:
    """Share of the variance of a latent number (N,) that a property explains, adjusted for chance.

    Of a number by the square of the correlation, of names by the variance between their means (the
    correlation ratio); less what as many random names would explain, at least 0. What is said of speakers
    explains no more than a share of what tells the speakers apart: the share it has of their means.
    """
    rows = np.isfinite(one.values)
    latent, one = values[rows], one.among(rows)
    if one.is_of_groups and one.groups is not None:
        first = np.unique(one.groups, return_index=True)[1]
        means = np.array([latent[one.groups == group].mean() for group in range(len(first))])
        names = tuple(map(str, range(len(first))))
        apart = explained(latent, Property("group", one.groups.astype(np.float64), names))
        return apart * explained(means, Property(one.name, one.values[first], one.names))
    told = one.values
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
    found = []
    for one in known:
        if one.name == "label":
            continue
        rows = np.isfinite(one.values)
        latents, told = within(clips.latents[rows], clips.labels[rows]), one.among(rows)
        if not one.names:
            of_all = np.zeros(len(latents), np.int64)
            values = within(told.values, of_all if one.is_of_groups else clips.labels[rows])
            standard = values / max(float(values.std()), 1e-9)
            # How latents move with the property, not the probe's weights: those point off the clips
            # (Haufe et al. 2014, https://doi.org/10.1016/j.neuroimage.2013.10.067).
            vector = (latents * standard[:, None]).mean(axis=0)
            found.append(Direction(one.name, vector, *probed(latents, replace(told, values=values))))
            continue
        for number, name in enumerate(one.names):
            has = told.values == number
            if has.sum() >= FEWEST:
                read = probed(latents, replace(told, values=has.astype(np.float64)))
                found.append(Direction(f"{one.name} {name}", latents[has].mean(axis=0), *read))
    return tuple(found)


def within(values: Reals, labels: Integers) -> Reals:
    """Values (N, ...) less the mean of their label."""
    centred = values.copy()
    for label in np.unique(labels):
        centred[labels == label] -= values[labels == label].mean(axis=0)
    return centred


def probed(latents: Reals, one: Property) -> tuple[float, float]:
    """How well a linear probe reads a property of groups left out of its fit, and what chance gives.

    Args:
        latents: (N, Z).
        one: Known of all clips: a number, or of a name whether they have it, 1 or 0.
    """
    groups = np.arange(len(latents)) if one.groups is None else one.groups
    standard = latents / np.maximum(latents.std(axis=0), 1e-9)
    read = score_of_probe(standard, one.values, groups, is_named=bool(one.names))
    guessing = 0.5 if one.names else 0.0
    if not one.is_of_groups or np.isnan(read):
        return read, guessing
    rng = np.random.default_rng(0)
    said = one.values[np.unique(groups, return_index=True)[1]]
    exchanged = [rng.permutation(said)[groups] for _ in range(GUESSES)]
    guessed = [score_of_probe(standard, told, groups, is_named=bool(one.names)) for told in exchanged]
    return read, max(guessing, float(np.nanquantile(guessed, LUCKY)))


def score_of_probe(latents: Reals, told: Reals, groups: Integers, *, is_named: bool) -> float:
    """Of latents (N, Z) that a linear probe was not fitted on: balanced accuracy, or determination (R²)."""
    kinds = told.astype(np.int64) if is_named else np.zeros(len(told), np.int64)
    if any(len(np.unique(groups[kinds == kind])) < 2 for kind in np.unique(kinds)):
        return float("nan")
    folds = folds_of(kinds, groups)
    said = np.zeros(len(told))
    for fold in np.unique(folds):
        asked = folds == fold
        shares = np.bincount(kinds[~asked]) / (~asked).sum()
        said[asked] = ridge(latents[~asked], told[~asked], 1 / shares[kinds[~asked]], latents[asked])
    if is_named:
        return float(np.mean([((said[kinds == kind] > 0.5) == kind).mean() for kind in (0, 1)]))
    spread = float(np.square(told - told.mean()).sum())
    return 1 - float(np.square(said - told).sum()) / spread if spread > 0 else float("nan")


def ridge(latents: Reals, told: Reals, weights: Reals, asked: Reals) -> Reals:
    """What ridge regression on latents (N, Z), each with a weight (N,), says of others (K, Z)."""
    middle, usual = np.average(latents, axis=0, weights=weights), np.average(told, weights=weights)
    centred = latents - middle
    scaled = centred.T * weights
    slopes = np.linalg.solve(scaled @ centred + np.eye(latents.shape[1]), scaled @ (told - usual))
    return np.asarray(usual + (asked - middle) @ slopes)


def steered(latents: Reals, direction: Direction, strength: float) -> Reals:
    """Latents (..., Z) moved along a direction."""
    return np.asarray(latents + strength * direction.vector)


def in_voice_of(clips: Clips, rows: Sequence[int] | Integers, who: str) -> Reals:
    """The latents (K, Z) of clips `rows`, as if another speaker had said them: the word stays.

    Each goes from its place among its speaker's takes of the word to the same place among the other's: both
    taken for normal, by the map that moves the one to the other on the shortest ways (Dowson & Landau 1982,
    https://doi.org/10.1016/0047-259X(82)90077-X).

    Raises:
        ConfigError: There are too few clips of the speaker.
    """
    to = clips.speaker_names.index(who) if who in clips.speaker_names else -2
    if ((clips.speakers == to) & recordings(clips)).sum() < FEWEST:
        raise ConfigError(f"there are too few clips of {who!r} to speak as they do", where="speaker")
    middles, spreads = whereabouts(clips)
    owns = np.unique(clips.speakers[np.asarray(rows)]).tolist()
    maps = {own: transport(spreads[own], spreads[to]) for own in owns}
    moved = []
    for row in rows:
        own, label = clips.speakers[row], clips.labels[row]
        moved.append(middles[label, to] + maps[int(own)] @ (clips.latents[row] - middles[label, own]))
    return np.stack(moved)


def whereabouts(clips: Clips) -> tuple[Reals, Reals]:
    """Where takes of C labels by S speakers lie, (C, S + 1, Z), and how a speaker's spread, (S + 1, Z, Z).

    The last speaker is nobody in particular. Of a label with few takes by someone its place is, for the most
    part, where label and speaker put it by themselves; a spread of few takes is that of all speakers.
    """
    known = recordings(clips)
    latents, labels, speakers = clips.latents[known], clips.labels[known], clips.speakers[known]
    count, size = len(clips.speaker_names), latents.shape[1]
    middles = np.zeros((len(clips.label_names), count + 1, size))
    for label in range(len(middles)):
        own = labels == label
        middles[label] = latents[own].mean(axis=0) if own.any() else latents.mean(axis=0)
    beyond = latents - middles[labels, -1]
    for speaker in np.unique(speakers[speakers >= 0]):
        own = speakers == speaker
        middles[:, speaker] += beyond[own].mean(axis=0)
        for label in np.unique(labels[own]):
            takes = latents[own & (labels == label)]
            weight = len(takes) / (len(takes) + FEW_TAKES)
            middles[label, speaker] += weight * (takes.mean(axis=0) - middles[label, speaker])
    around = latents - middles[labels, speakers]
    usual = around.T @ around / len(around)
    spreads = np.repeat(usual[None], count + 1, axis=0)
    for speaker in range(count):
        own = around[speakers == speaker]
        spreads[speaker] = (own.T @ own + FEWEST * usual) / (len(own) + FEWEST)
    spreads[-1] = beyond.T @ beyond / len(beyond)
    return middles, spreads


def transport(start: Reals, stop: Reals) -> Reals:
    """The symmetric matrix (Z, Z) that makes one normal's covariance another's and moves the least."""
    there, back = power(start, 0.5), power(start, -0.5)
    return np.asarray(back @ power(there @ stop @ there, 0.5) @ back)


def power(matrix: Reals, exponent: float) -> Reals:
    """A power of a symmetric matrix (Z, Z) that has no negative eigenvalue."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.maximum(values, 1e-9) ** exponent) @ vectors.T)
