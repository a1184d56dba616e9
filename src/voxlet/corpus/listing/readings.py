"""Find the pattern that explains a corpus's file names best, by scoring how each candidate reads all names.

A good reading has few labels with many takes, speakers who recur with many labels, distinct takes, and labels
that are common words rather than identifiers of speakers.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from voxlet.corpus.listing.entry import PARTS
from voxlet.corpus.listing.labels import DIGITS, as_words
from voxlet.corpus.listing.pattern import GAPS, Pattern
from voxlet.words.digits import NUMBERS
from voxlet.words.spelling import fold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

COMMON_WORDS = frozenset(
    {
        *NUMBERS,
        *re.findall(
            r"\w+",
            """
            yes no on off stop go start up down left right forward backward next previous back open close
            hello hi bye good bad please thanks ok cancel enter send record play pause help undo rotate
            zoom in out enable disable digit direction options receive move follow learn visual turn red
            green blue black white yellow bed bird cat dog happy house marvin sheila tree wow plus minus
            point hundred thousand monday tuesday wednesday thursday friday saturday sunday light lights
            """,
        ),
    }
)
LIKE_SPEAKERS = re.compile(r"(?:[a-z]{1,3}\d|[a-z]{0,8}[-_ ]?\d{2,}|(?=.*\d)[0-9a-f]{6,})", re.IGNORECASE)
# Words before the number of a take; a speaker is never called so.
TAKE_WORDS = (
    r"(?:take|rep|repetition|session|try|trial|utt|utterance|sample|rec|recording|mic|day|round|[tvrn])"
)
# The number in `anna_3`, `3`, `(3)` and `anna-take3` is a take's; in `3-anna` only if there is also `4-anna`.
HOLDS_TAKE = re.compile(rf"(?:^|[-_ .(]){TAKE_WORDS}?\d+\)?$", re.IGNORECASE)
BEGINS_WITH_NUMBER = re.compile(r"^\d+[-_ .]+")
LIKE_TAKES = re.compile(rf"(?!.\d){TAKE_WORDS}[-_ ]?\d+", re.IGNORECASE)  # but not a speaker such as `n1`
LIKE_CODES = re.compile(r"(?=.*\d)(?!.*[^\W\d_]{3}).+")  # with a digit and few letters: `1`, `03-A`
# Properties of speakers or recordings; a speaker is never called so.
MANY_SPEAKERS = frozenset(
    re.findall(
        r"\w+",
        """
        clean noisy noise quiet loud near far close distant fast slow normal indoor outdoor original augmented
        male female men women man woman boy girl boys girls child children adult adults
        """,
    )
)
TAKE_IN_NAME = re.compile(rf"[-_ .]({TAKE_WORDS}[-_ .]?)\d+$", re.IGNORECASE)
LONGEST_STEM = 8  # letters before the number in the name of a speaker
LEAST_COVERAGE = 0.5
CLOSE = 0.3  # a smaller lead in score leaves the choice in doubt

Reading = dict[str, str]


@dataclass(frozen=True)
class Candidate:
    """A candidate pattern, and its prior score before any name is read."""

    pattern: Pattern
    prior: float


# The patterns below separate fields of file names by `_`; each is also tried with these separators. Any other
# pattern can be given with `--layout`.
SEPARATORS = {
    "-": 0.0,
    " ": 0.0,
    ".": 0.0,
    "__": 0.1,
    " - ": 0.1,
}  # separator -> bonus in score
PREFIX, TAKE_NAMED = -0.15, 0.1  # score for a common prefix (`rec_yes_0`), and for takes named `take0`
TWICE = 0.4  # bonus for a common prefix if the name repeats its folder's: `yes/rec_yes_ann_0`
ALL_DIGITS = 0.5  # bonus if the labels are exactly the ten digits
FOLDER_PATTERNS = (
    ("{label}/{speaker}_nohash_{take}", 1.0),  # not in names by chance
    ("{label}/{speaker}_NO_{take}", 1.0),
    ("{label}/{speaker}/*", 0.25),
    ("{label}/*", 0.2),
    ("{speaker}/{label}/*", 0.1),
    ("{label}/*/*", -0.3),
    ("{label}/*/{speaker}", -0.2),
    ("{speaker}/{label}", 0.0),
    ("{speaker}/*/{label}", -0.1),
    ("{speaker}/{label}{take}", -0.2),
    ("{label}{take}", -0.7),
    ("{label} ({take})", -0.5),
)
NAME_PATTERNS = (
    ("{label}/{label}_{speaker}_{take}", 0.4),
    ("{label}/{speaker}_{label}_{take}", 0.9),
    ("{speaker}/{label}_{speaker}_{take}", 0.8),
    ("{label}_{speaker}_{take}", 0.3),
    ("{speaker}/{speaker}_{label}_{take}", 0.3),
    ("{label}/{speaker}_{take}", 0.1),
    ("{speaker}_{label}_{take}", 0.1),
    ("{speaker}/{label}_{take}", 0.0),
    ("{speaker}/*/{label}_{take}", -0.1),
    ("{label}_{speaker}", 0.0),
    ("{speaker}_{label}", -0.1),
    ("{label}_{take}_{speaker}", -0.2),
    ("{take}_{label}_{speaker}", -0.4),
    ("{take}_{speaker}_{label}", -0.4),
    ("{speaker}_{take}_{label}", -0.4),
    ("{speaker}/{take}_{label}", -0.4),
    ("{label}_{take}", -0.6),
    ("{take}_{label}", -0.7),
)


def candidates(paths: Sequence[Path]) -> list[Candidate]:
    """Candidate patterns for the names of some files."""
    found = [Candidate(Pattern(text, counted=True), prior) for text, prior in FOLDER_PATTERNS]
    stems = [path.stem for path in paths]
    prefix, take = common_prefix(stems), take_word(stems)
    for mark, bonus in {"_": 0.0, **SEPARATORS}.items():
        if mark != "_" and sum(mark in stem for stem in stems) < LEAST_COVERAGE * len(stems):
            continue
        for text, prior in NAME_PATTERNS:
            folder, _, name = text.replace("_", mark).rpartition("/")
            folder += "/" * bool(folder)
            found.append(Candidate(Pattern(folder + name, counted=True), prior + bonus))
            if take and name.endswith("{take}"):
                named = folder + name.replace("{take}", take + "{take}")
                found.append(Candidate(Pattern(named, counted=True), prior + bonus + TAKE_NAMED))
            if prefix and "{speaker}" in text:
                begun = Pattern(folder + prefix + name, counted=True)
                twice = bool(folder) and folder[:-1] in name
                found.append(Candidate(begun, prior + bonus + (TWICE if twice else PREFIX)))
    return found


def common_prefix(stems: Sequence[str]) -> str:
    """The common prefix of all names up to a separator, such as `rec_`; empty if there is none."""
    first, last = min(stems, default=""), max(stems, default="")
    common = next((n for n, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), 0)
    found = re.match(r"[^{}*]*[-_ .]", first[:common])
    return found[0] if found else ""


def take_word(stems: Sequence[str]) -> str:
    """The word before the take's number in all names, such as `take`; empty if there is none."""
    found = {match[1] if (match := TAKE_IN_NAME.search(stem)) else "" for stem in stems}
    return found.pop() if len(found) == 1 else ""


NAMES = "{label}_{speaker}_{take}"
FOLDERS = "{label}/*"


@dataclass(frozen=True)
class Explained:
    """A pattern with its reading of each file name; None for names that do not fit."""

    pattern: Pattern
    readings: tuple[Reading | None, ...]
    prior: float = 0.0

    @cached_property
    def labels(self) -> Counter[str]:
        """Number of files of each label."""
        return Counter(reading["label"] for reading in self.readings if reading)

    @cached_property
    def speakers(self) -> Counter[str]:
        """Number of files of each speaker."""
        return Counter(reading["speaker"] for reading in self.readings if reading and "speaker" in reading)

    @property
    def coverage(self) -> float:
        """Share of the files that fit the pattern."""
        return sum(self.labels.values()) / max(1, len(self.readings))

    @property
    def recurrence(self) -> float:
        """Share of all pairs of label and speaker that occur, 0 to 1; a default value if unknown."""
        if not self.speakers or len(self.labels) == 1:
            return 0.5
        pairs = {(reading["label"], reading["speaker"]) for reading in self.readings if reading}
        if len(self.speakers) == 1:
            return 0.8  # nothing to compare with
        return len(pairs) / (len(self.labels) * len(self.speakers))

    @property
    def counted(self) -> float:
        """Number of distinct readings, as a share of the files that fit; 0.5 if the pattern has no takes."""
        takes = {tuple(sorted(reading.items())) for reading in self.readings if reading and "take" in reading}
        return len(takes) / max(1, sum(self.labels.values())) if takes else 0.5

    @cached_property
    def like_words(self) -> float:
        """Share of labels that are common words, minus that of labels like speakers; bonus for ten digits."""
        if not self.labels:
            return 0.0
        words = common_words(as_words(self.labels).values())
        return words / len(self.labels) - self.like_speakers + ALL_DIGITS * (self.labels.keys() == DIGITS)

    @property
    def like_speakers(self) -> float:
        """Share of the labels that look like identifiers of speakers."""
        stems = {name.rstrip("0123456789") for name in self.labels}
        stem = stems.pop() if len(stems) == 1 else ""
        if len(self.labels) > 1 and stem and len(stem) <= LONGEST_STEM:  # `f0`, `f1`, `f2`
            return 1.0
        like = sum(LIKE_SPEAKERS.fullmatch(name) is not None for name in self.labels)
        return like / max(1, len(self.labels))

    @cached_property
    def score(self) -> float:
        """How well the pattern explains the names; negative if it does not."""
        if self.coverage < LEAST_COVERAGE:
            return -1.0
        files = sum(self.labels.values())
        few = 1 - len(self.labels) / files
        several = float(len(self.labels) > 1)
        parts = PARTS.keys()
        several -= 1.5 * (
            (bool(self.speakers) and self.speakers.keys() <= parts) or self.labels.keys() <= parts
        )
        # The `left` in `turn_left_0` is not a speaker.
        several -= common_words(self.speakers) / max(1, len(self.speakers))
        nobody = sum(
            LIKE_TAKES.fullmatch(name) is not None or name.casefold() in MANY_SPEAKERS
            for name in self.speakers
        )
        several -= nobody / max(1, len(self.speakers))
        evidence = 2 * few + 1.5 * self.recurrence + self.like_words + 0.5 * self.counted + several
        return self.coverage * evidence + self.prior

    def summary(self) -> str:
        """The pattern with some labels and speakers that it finds, in a few words."""
        who = f", speakers {shorten(self.speakers)}" if self.speakers else ""
        return f"{self.pattern.text} (labels {shorten(self.labels)}{who})"


def common_words(names: Iterable[str]) -> int:
    """How many of the names consist of common words."""
    return sum(set(fold(name).split()) <= COMMON_WORDS for name in names)


def shorten(names: Mapping[str, int]) -> str:
    """The first three names, and the number of the others."""
    first = sorted(names)[:3]
    more = len(names) - len(first)
    return ", ".join(first) + (f" and {more:,} more" if more else "")


def explain(paths: Sequence[Path], root: Path, pattern: Pattern, prior: float = 0.0) -> Explained:
    """Read all names with one pattern; ambiguous names are read so that all names fit together best.

    `turn_left_anna_3` may be `turn` by `left_anna` or `turn left` by `anna`: the labels and speakers found in
    the other names decide.
    """
    options = [pattern.readings(path, root) for path in paths]
    if all(len(found) <= 1 for found in options):
        return Explained(pattern, tuple(found[0] if found else None for found in options), prior)
    pairs = {(one["label"], one.get("speaker", "")) for found in options for one in found}
    labels = Counter(label for label, _ in pairs)
    speakers = Counter(speaker for _, speaker in pairs)
    # If two rules explain the names equally well, the first one is used.
    rules: tuple[Callable[[Reading], int], ...] = (
        lambda one: -len(one["label"]),
        lambda one: labels[one["label"]] * speakers[one.get("speaker", "")],
        lambda one: len(one["label"]),
    )
    explained = [
        Explained(pattern, tuple(max(found, key=rule) if found else None for found in options), prior)
        for rule in rules
    ]
    return max(explained, key=lambda one: one.score)


def rank(paths: Sequence[Path], root: Path) -> list[Explained]:
    """All candidate patterns that fit at least half of the names and are plausible, the best first."""
    found = [explain(paths, root, candidate.pattern, candidate.prior) for candidate in candidates(paths)]
    one_folder = len({path.parent for path in paths}) == 1
    usable = [one for one in found if one.score >= 0 and is_plausible(one, one_folder)]
    return sorted(usable, key=lambda one: -one.score)


def is_plausible(one: Explained, one_folder: bool) -> bool:
    """Whether a reading is plausible; some patterns fit almost any names, so fitting is not enough.

    Args:
        one: The reading.
        one_folder: Whether all files lie in one folder, so that only their names can give the labels.
    """
    text = one.pattern.text
    fixed = [next(iter(names)) for names in (one.labels, one.speakers) if len(names) == 1]
    # After a common prefix, a number shared by all names is neither a speaker nor a word.
    if not text.startswith("{") and any(name.isdigit() for name in fixed):
        return False
    # A label neither begins nor ends with a separator.
    if 2 * sum(name != name.strip(GAPS) for name in one.labels) > len(one.labels):
        return False
    if re.fullmatch(r"\{label\}/\{speaker\}[^*{}a-z]+\{take\}", text, re.IGNORECASE):
        return len(one.speakers) > 1  # in `rec_1`, `rec` is not a speaker: require several speakers
    if text == "{label}/*/{speaker}":  # `yes/monday/ann`, but not `yes/ann/0`
        return not any(HOLDS_TAKE.search(name) for name in one.speakers)
    if text in {
        "{speaker}/{label}",
        "{speaker}/*/{label}",
        "{speaker}/{label}{take}",
    }:  # `ann/yes`, not `yes/0`
        return one.like_words > 0.5 and not any(label.isdigit() for label in one.labels)
    if "{speaker}" in text and "{take}" not in text and "/" not in text:
        names = (*one.speakers, *one.labels)
        people = {BEGINS_WITH_NUMBER.sub("", name) for name in one.speakers}
        held = len(people) < len(one.speakers) or any(HOLDS_TAKE.search(name) for name in names)
        return one_folder and not held
    if text == "{label}{take}":
        return not any(label.endswith(("_", *SEPARATORS)) for label in one.labels)
    return True


def close_rival(ranked: Sequence[Explained], close: float = CLOSE) -> Explained | None:
    """The best reading with other labels that scores almost as high as the first; None if there is none."""
    best = ranked[0]
    return next(
        (one for one in ranked[1:] if one.labels != best.labels and best.score - one.score < close), None
    )
