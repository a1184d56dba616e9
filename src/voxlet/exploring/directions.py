"""What latent units stand for, and directions to steer along, both found on real clips.

A unit is named after the property that explains most of its variance. A direction, such as that towards a
speaker, is how the latents of the speaker's clips differ on average from those of all clips of the same
label. Properties of speakers are tested on speakers left out of the linear probe's fit: among speakers that
it knows, a probe could tell the property from who speaks. Shapes: N clips, Z latent size.
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

FEWEST = 20  # clips that have a property, or one of its values: with fewer, it is left out
PERMUTATIONS, CHANCE_QUANTILE = 100, 0.95  # chance: the 95th percentile over so many permutations
FEW_TAKES = 2.0  # of a word by a speaker, whose own mean then gets half of the weight


@dataclass(frozen=True)
class Property:
    """A known property of N clips: for each, a number or one of several names.

    Attributes:
        name: Name of the property.
        values: (N,), numbers, or indices into `names` if there are any; NaN where unknown.
        names: Names of the values; empty for a number.
        groups: (N,), speakers or copies of one recording: a probe is fitted on all clips of a group or on
            none. None: each clip is its own group.
        is_of_groups: Whether the property belongs to speakers, and so is the same for all clips of one.
    """

    name: str
    values: Reals
    names: tuple[str, ...] = ()
    groups: Integers | None = None
    is_of_groups: bool = False

    def among(self, rows: NDArray[np.bool_]) -> Property:
        """The same property for the clips in the mask `rows` only, their groups renumbered from 0."""
        groups = np.arange(len(rows)) if self.groups is None else self.groups
        return replace(self, values=self.values[rows], groups=np.unique(groups[rows], return_inverse=True)[1])


@dataclass(frozen=True)
class Meaning:
    """What one latent unit stands for.

    Attributes:
        unit: Index of the unit, from 0.
        spread: Standard deviation of its posterior means.
        shares: Share of its variance that each property explains, the largest first.
    """

    unit: int
    spread: float
    shares: tuple[tuple[str, float], ...]

    def __str__(self) -> str:
        told = ", ".join(f"{name} {share:.0%}" for name, share in self.shares[:2])
        return f"unit {self.unit + 1}: {told or 'nothing known of it'}"


@dataclass(frozen=True)
class Direction:
    """A direction in the latent space that changes a property.

    Attributes:
        name: The property, and its value if it has names.
        vector: (Z,): one standard deviation of a number, or the whole way from the average to a name.
        read: How well a linear probe predicts the property on groups left out of its fit: the coefficient of
            determination for a number, the balanced accuracy of a name against all others. NaN if only one
            group has the name, or only one lacks it.
        chance: What guessing gives: 0 for a number, 0.5 for a name. For properties of speakers, what one in
            twenty probes reaches when the speakers' values are permuted: more, the fewer speakers there are.
    """

    name: str
    vector: Reals
    read: float
    chance: float

    @property
    def beats_chance(self) -> bool:
        """Whether the probe beats chance, so that the direction means something."""
        return self.read > self.chance


def properties(clips: Clips, metadata: Mapping[str, SpeakerMetadata] | None = None) -> list[Property]:
    """What is known about the real clips, or about all if none is real; NaN for the other clips.

    Args:
        clips: The clips of a map.
        metadata: What the corpus says about its speakers, by name.
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
    """Which clips (N,) are real; all if none is."""
    return np.ones(len(clips), bool) if clips.generated.all() else ~clips.generated


def is_told(one: Property) -> bool:
    """Whether a property is known for enough clips and is not the same for all of them."""
    values = one.values[np.isfinite(one.values)]
    return len(values) >= FEWEST and len(np.unique(values)) > 1


def meanings(clips: Clips, known: list[Property]) -> tuple[Meaning, ...]:
    """What each latent unit stands for, the best explained unit first."""
    found = []
    for unit, values in enumerate(clips.latents.T):
        shares = [(one.name, explained(values, one)) for one in known]
        shares.sort(key=lambda pair: -pair[1])
        spread = float(values[recordings(clips)].std())
        found.append(Meaning(unit, spread, tuple(shares)))
    return tuple(sorted(found, key=lambda one: -(one.shares[0][1] if one.shares else 0.0)))


def explained(values: Reals, one: Property) -> float:
    """Share of the variance of a latent unit (N,) that a property explains, adjusted for chance.

    For a number, this is the squared correlation; for names, the variance between their means (the
    correlation ratio); both less what as many random names would explain, and at least 0. A property of
    speakers explains a part of what the speakers explain: its share of the variance of the speakers' means.
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
    """Directions for every property but the label, found within labels, so that they keep the word."""
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
            # The covariance with the property, not the probe's weights, which point away from the clips
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
    """Values (N, ...) minus the mean of their label."""
    centred = values.copy()
    for label in np.unique(labels):
        centred[labels == label] -= values[labels == label].mean(axis=0)
    return centred


def probed(latents: Reals, one: Property) -> tuple[float, float]:
    """How well a linear probe predicts a property on groups left out of its fit, and what chance gives.

    Args:
        latents: (N, Z).
        one: The property, known for all clips: a number, or 1 for clips with a name and 0 for the others.
    """
    groups = np.arange(len(latents)) if one.groups is None else one.groups
    standard = latents / np.maximum(latents.std(axis=0), 1e-9)
    read = score_of_probe(standard, one.values, groups, is_named=bool(one.names))
    guessing = 0.5 if one.names else 0.0
    if not one.is_of_groups or np.isnan(read):
        return read, guessing
    rng = np.random.default_rng(0)
    said = one.values[np.unique(groups, return_index=True)[1]]
    exchanged = [rng.permutation(said)[groups] for _ in range(PERMUTATIONS)]
    guessed = [score_of_probe(standard, told, groups, is_named=bool(one.names)) for told in exchanged]
    return read, max(guessing, float(np.nanquantile(guessed, CHANCE_QUANTILE)))


def score_of_probe(latents: Reals, told: Reals, groups: Integers, *, is_named: bool) -> float:
    """Cross-validated score of a linear probe on latents (N, Z): balanced accuracy, or R² for a number."""
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
    """Predictions for `asked` (K, Z) by ridge regression on latents (N, Z) with weights (N,)."""
    middle, usual = np.average(latents, axis=0, weights=weights), np.average(told, weights=weights)
    centred = latents - middle
    scaled = centred.T * weights
    slopes = np.linalg.solve(scaled @ centred + np.eye(latents.shape[1]), scaled @ (told - usual))
    return np.asarray(usual + (asked - middle) @ slopes)


def steered(latents: Reals, direction: Direction, strength: float) -> Reals:
    """Latents (..., Z) moved along a direction."""
    return np.asarray(latents + strength * direction.vector)


def in_voice_of(clips: Clips, rows: Sequence[int] | Integers, who: str) -> Reals:
    """The latents (K, Z) of the clips `rows`, moved as if the speaker `who` had said the same words.

    Each latent moves from its place among its speaker's takes of the word to the same place among those of
    `who`. Both are taken to be normally distributed; the optimal transport map between the two is that of
    Dowson & Landau 1982 (https://doi.org/10.1016/0047-259X(82)90077-X).

    Raises:
        ConfigError: There are too few clips of `who`.
    """
    to = clips.speaker_names.index(who) if who in clips.speaker_names else -2
    if ((clips.speakers == to) & recordings(clips)).sum() < FEWEST:
        raise ConfigError(f"there are too few clips of {who!r} to speak as they do", where="speaker")
    middles, spreads = means_and_covariances(clips)
    owns = np.unique(clips.speakers[np.asarray(rows)]).tolist()
    maps = {own: transport(spreads[own], spreads[to]) for own in owns}
    moved = []
    for row in rows:
        own, label = clips.speakers[row], clips.labels[row]
        moved.append(middles[label, to] + maps[int(own)] @ (clips.latents[row] - middles[label, own]))
    return np.stack(moved)


def means_and_covariances(clips: Clips) -> tuple[Reals, Reals]:
    """Means of the takes of C labels by S speakers, (C, S + 1, Z), and speakers' covariances (S + 1, Z, Z).

    The last speaker stands for no particular one. With few takes of a label by a speaker, their mean shrinks
    towards the sum of label and speaker effect; with few takes by a speaker, the covariance shrinks towards
    that of all speakers.
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
    """The optimal transport map (Z, Z), symmetric, from a normal of covariance `start` to one of `stop`."""
    there, back = power(start, 0.5), power(start, -0.5)
    return np.asarray(back @ power(there @ stop @ there, 0.5) @ back)


def power(matrix: Reals, exponent: float) -> Reals:
    """A power of a symmetric positive semi-definite matrix (Z, Z)."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.maximum(values, 1e-9) ** exponent) @ vectors.T)
