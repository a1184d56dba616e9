"""Reproducible splits into training, validation and test rows, with no recording in two of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from voxlet.corpus.catalog import CATALOG
from voxlet.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from voxlet.corpus.prepare import Prepared

SplitKind = Literal["auto", "official", "stratified", "speakers", "untested", "all"]

VALIDATION_SHARE = 0.1  # of the rows that are not for testing, so 9 % of all
TEST_SHARE = 0.1
OFFICIAL_TEST_TAKES = 5  # FSDD: takes 0 to 4
LEAST_SHARE = 0.01  # of the clips: a split with a smaller part is refused
# Remedies for splits that are not possible; a stratified split always is.
OTHER_SPLIT = {
    "official": "use the split 'speakers' or 'stratified'",
    "speakers": "use the split 'stratified'",
}
COMPARED_SAMPLES = 32  # of two clips, compared before the whole clips are
LEAST_LEFT = 2  # takes of a label that are kept for training before any is held out
FEW_SHARE = 4.0  # per cent of the speakers used for validation in an untested split
FEW_SPEAKERS = 10  # with fewer, no speakers are set aside for validation


@dataclass(frozen=True)
class Split:
    """Ascending row numbers of a `Prepared`, int64; the three parts share neither rows nor recordings.

    `kind` is the kind of split that was made, never `auto`.
    """

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]
    kind: SplitKind


def make_split(
    prepared: Prepared, kind: SplitKind = "stratified", *, seed: int = 0, held_out: str | None = None
) -> Split:
    """Split the rows into training, validation and test rows.

    Args:
        prepared: The clips to split.
        kind: `auto`: the official split of a catalogued corpus or of the corpus's own tables; by speakers if
            too little of a catalogued corpus is here for that; stratified for any other corpus. `stratified`:
            81/9/10 % of each label with three takes or more; one or two takes are all for training, so the
            other parts may be empty. `official`: as defined by the corpus's authors (FSDD: takes 0-4 are the
            test set; Speech Commands: by a hash of the speaker; others by their tables). `speakers`: test
            speakers do not occur in training. `untested`: a few speakers for validation and all others for
            training, for models that are tested on other data. `all`: every row is for training.
        seed: Seed of the random choices, an integer of 0 or more; the same seed gives the same split.
        held_out: The test speaker for `speakers`; if None, a tenth of the speakers is drawn.

    Raises:
        ConfigError: This split of the corpus is not possible, or the seed is not an integer of 0 or more.
    """
    # NumPy would take None, too, and split differently at each call.
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ConfigError(f"{seed!r} is not a seed", where="seed", remedy="give a whole number from 0")
    if kind == "auto":
        return automatic_split(prepared, seed)
    if held_out is not None and kind != "speakers":
        raise ConfigError("goes only with the split 'speakers'", where="held_out")
    groups = content_groups(prepared)
    rng = np.random.default_rng(seed)
    if kind == "stratified":
        test = draw_share(prepared.labels, groups, np.ones(len(groups), dtype=bool), TEST_SHARE, rng)
        validation = None
    elif kind == "official":
        test, validation = official_parts(prepared)
    elif kind == "untested":
        test, validation = np.zeros(len(groups), dtype=bool), few_speakers(prepared)
    elif kind == "all":
        test = validation = np.zeros(len(groups), dtype=bool)
    elif kind == "speakers":
        test, validation = speaker_parts(prepared, held_out, rng)
    else:
        raise ConfigError(
            f"no split is called {kind!r}",
            where="split",
            remedy="use auto, official, stratified, speakers, untested or all",
        )
    # A recording that occurs in several parts stays in the test part, or else in the validation part.
    rest = ~np.isin(groups, groups[test])
    if validation is None:
        validation_rows = draw_share(prepared.labels, groups, rest, VALIDATION_SHARE, rng)
    else:
        validation_rows = validation & rest
    train_rows = rest & ~np.isin(groups, groups[validation_rows])
    parts = {"train": train_rows, "validate": validation_rows, "test": test}
    if kind == "official" and not test.any() and validation is not None:
        del parts["test"]  # the corpus defines a validation part only, so an empty test part is no error
    for part, rows in parts.items():
        if kind not in ("stratified", "untested", "all") and rows.sum() < LEAST_SHARE * len(groups):
            raise ConfigError(
                f"leaves {rows.sum()} of {len(groups)} clips to {part} on",
                where=f"the split {kind!r} of {prepared.name!r}",
                remedy=OTHER_SPLIT[kind],
            )
    return Split(np.flatnonzero(train_rows), np.flatnonzero(validation_rows), np.flatnonzero(test), kind)


def automatic_split(prepared: Prepared, seed: int) -> Split:
    """The official split or, if that is impossible, one by speakers; stratified if there is no official one.

    Raises:
        ConfigError: The corpus is too small for any split, or the parts in its own tables or folders leave
            too few clips: clips that are held out there are moved to training only on request.
    """
    known = CATALOG.get(prepared.name)
    official = known is not None and known.official is not None
    if not official and not any(clip.part in ("validation", "test") for clip in prepared.clips):
        return make_split(prepared, "stratified", seed=seed)
    try:
        return make_split(prepared, "official", seed=seed)
    except ConfigError:
        if not official:
            raise
        return make_split(prepared, "speakers", seed=seed)


def content_groups(prepared: Prepared) -> NDArray[np.int64]:
    """For each row, (B,), the first row with the same content: the same file or the same prepared samples."""
    files: dict[str, int] = {}
    sounds: dict[tuple[int, bytes], list[int]] = {}
    groups = np.arange(len(prepared))
    lengths = prepared.rows.lengths
    for first, samples in prepared.rows.parts():
        for row, own in enumerate(samples, first):
            # A few samples from the middle tell most rows apart at little cost.
            middle = own[lengths[row] // 2 :][:COMPARED_SAMPLES].tobytes()
            similar = sounds.setdefault((int(lengths[row]), middle), [])
            copies = [other for other in similar if np.array_equal(prepared.rows.read(other), own)]
            groups[row] = groups[min([files.setdefault(prepared.clips[row].digest, row), *copies])]
            similar.append(row)
    return groups


def draw_share(
    labels: NDArray[np.int64],
    groups: NDArray[np.int64],
    among: NDArray[np.bool_],
    share: float,
    rng: np.random.Generator,
    *,
    left: int = LEAST_LEFT,
) -> NDArray[np.bool_]:
    """Mask (B,) of a random `share` of each label's rows in `among`: at least one, but `left` rows remain."""
    drawn = np.zeros(len(labels), dtype=bool)
    for label in np.unique(labels):
        heads = np.flatnonzero(among & (labels == label) & (groups == np.arange(len(groups))))
        count = min(max(1, round(share * len(heads))), len(heads) - left)
        drawn |= np.isin(groups, rng.permutation(heads)[: max(0, count)])
    return drawn & among


def official_parts(prepared: Prepared) -> tuple[NDArray[np.bool_], NDArray[np.bool_] | None]:
    """Masks (B,) of the official test rows and, if the corpus defines them, validation rows (else None).

    Raises:
        ConfigError: The corpus has no official split.
    """
    known = CATALOG.get(prepared.name)
    parts = np.array([clip.part for clip in prepared.clips])
    if (parts != "").any():  # defined by its tables or folders; unassigned clips are for training
        return parts == "test", parts == "validation" if (parts == "validation").any() else None
    rule = "takes" if known is None else known.official
    takes = [clip.take for clip in prepared.clips]
    if rule in (None, "tables") or (rule == "takes" and not all(take.isdecimal() for take in takes)):
        raise ConfigError(
            f"the corpus {prepared.name!r} has no official division into training and test",
            where="split 'official'",
            remedy=OTHER_SPLIT["official"],
        )
    if rule == "takes":
        return np.array([int(take) < OFFICIAL_TEST_TAKES for take in takes]), None
    parts = np.array([part_by_hash(clip.speaker) for clip in prepared.clips])
    return parts == "test", parts == "validation"


def part_by_hash(speaker: str) -> Literal["training", "validation", "test"]:
    """The part of Speech Commands that a speaker belongs to, by the rule in its README."""
    share = speaker_hash(speaker)
    return "validation" if share < 10 else "test" if share < 20 else "training"


def speaker_hash(speaker: str) -> float:
    """The hash of a speaker, from 0 to 100 per cent, that `which_set` in Speech Commands' README computes."""
    top = 2**27  # its MAX_NUM_WAVS_PER_CLASS is 2**27 - 1
    hashed = hashlib.sha1(speaker.encode(), usedforsecurity=False).hexdigest()
    return (int(hashed, 16) % top) * (100.0 / (top - 1))


def few_speakers(prepared: Prepared) -> NDArray[np.bool_]:
    """Mask (B,) of the rows of 4 % of the speakers, chosen by hash; empty if there are few speakers."""
    if len(prepared.speaker_names) < FEW_SPEAKERS:
        return np.zeros(len(prepared), dtype=bool)
    chosen = np.array([speaker_hash(name) < FEW_SHARE for name in prepared.speaker_names])
    return chosen[prepared.speakers]


def speaker_parts(
    prepared: Prepared, held_out: str | None, rng: np.random.Generator
) -> tuple[NDArray[np.bool_], NDArray[np.bool_] | None]:
    """Masks (B,) of test and validation rows with separate speakers; the latter is None if there are few.

    Raises:
        ConfigError: There is only one speaker, or none called `held_out`.
    """
    present = np.unique(prepared.speakers)
    names = [prepared.speaker_names[index] for index in present]
    if len(present) < 2:
        raise ConfigError(
            f"the corpus {prepared.name!r} names {len(present)} speaker",
            where="split 'speakers'",
            remedy=OTHER_SPLIT["speakers"],
        )
    order = rng.permutation(present)
    if held_out is None:
        count = max(1, round(TEST_SHARE * len(order)))
        tested, order = order[:count], order[count:]
    elif held_out in names:
        tested = np.array([prepared.speaker_names.index(held_out)])
        order = order[order != tested[0]]
    else:
        shown = ", ".join(names[:12]) + (" ..." if len(names) > 12 else "")
        raise ConfigError(
            f"no speaker is called {held_out!r}", where="held_out", remedy=f"the speakers are: {shown}"
        )
    test = np.isin(prepared.speakers, tested)
    if len(order) < FEW_SPEAKERS:
        return test, None
    return test, np.isin(prepared.speakers, order[: max(1, round(VALIDATION_SHARE * len(order)))])
