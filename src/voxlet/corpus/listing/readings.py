"""Which pattern explains the names of a corpus's files best: each is scored by what it makes of all of them.

A good reading has few labels with many takes, speakers who recur from label to label, takes that are counted
up without a gap or a repetition, and labels that are common words rather than numbers of people.
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
# What takes are called beside their numbers; nobody who speaks is called so.
TAKE_WORDS = (
    r"(?:take|rep|repetition|session|try|trial|utt|utterance|sample|rec|recording|mic|day|round|[tvrn])"
)
# Of `anna_3`, `3`, `(3)` and `anna-take3` the number is a take's; that of `3-anna` where there is `4-anna`.
HOLDS_TAKE = re.compile(rf"(?:^|[-_ .(]){TAKE_WORDS}?\d+\)?$", re.IGNORECASE)
BEGINS_WITH_NUMBER = re.compile(r"^\d+[-_ .]+")
LIKE_TAKES = re.compile(rf"(?!.\d){TAKE_WORDS}[-_ ]?\d+", re.IGNORECASE)  # and not a speaker's `n1`
LIKE_CODES = re.compile(r"(?=.*\d)(?!.*[^\W\d_]{3}).+")  # a number in it, and hardly a letter: `1`, `03-A`
# What many speakers are or do at once; nobody is called so.
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
LONGEST_STEM = 8  # letters of what speakers are called beside their numbers
LEAST_COVERAGE = 0.5
CLOSE = 0.3  # a difference in score that is no reason to be sure

Reading = dict[str, str]


@dataclass(frozen=True)
class Candidate:
    """A pattern that may be the corpus's, and what speaks for it before any name is seen."""

    pattern: Pattern
    prior: float


# Fields in files' names are held apart by `_` here, and as well by what follows. What is not counted among
# all these can be told with `--layout`.
SEPARATORS = {
    "-": 0.0,
    " ": 0.0,
    ".": 0.0,
    "__": 0.1,
    " - ": 0.1,
}  # and what speaks for each where it is there
PREFIX, TAKE_NAMED = -0.15, 0.1  # of what all names begin with (`rec_yes_0`), and of takes that are called so
TWICE = 0.4  # of a name that has its folder's in it behind what all names begin with: `yes/rec_yes_ann_0`
ALL_DIGITS = 0.5  # of labels that are the ten digits, no more and no fewer
FOLDER_PATTERNS = (
    ("{label}/{speaker}_nohash_{take}", 1.0),  # no speaker is called so by chance
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
    """The patterns that the names of some files may have been made by."""
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
    """What all names begin with, up to what holds fields apart: `rec_`; empty where that is nothing."""
    first, last = min(stems, default=""), max(stems, default="")
    common = next((n for n, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), 0)
    found = re.match(r"[^{}*]*[-_ .]", first[:common])
    return found[0] if found else ""


def take_word(stems: Sequence[str]) -> str:
    """What stands in front of a take's number in all names, such as `take`; empty where that is nothing."""
    found = {match[1] if (match := TAKE_IN_NAME.search(stem)) else "" for stem in stems}
    return found.pop() if len(found) == 1 else ""


NAMES = "{label}_{speaker}_{take}"
FOLDERS = "{label}/*"


@dataclass(frozen=True)
class Explained:
    """What a pattern makes of all names: a reading for each file, None where it does not fit."""

    pattern: Pattern
    readings: tuple[Reading | None, ...]
    prior: float = 0.0

    @cached_property
    def labels(self) -> Counter[str]:
        """Files for each label."""
        return Counter(reading["label"] for reading in self.readings if reading)

    @cached_property
    def speakers(self) -> Counter[str]:
        """Files for each speaker."""
        return Counter(reading["speaker"] for reading in self.readings if reading and "speaker" in reading)

    @property
    def coverage(self) -> float:
        """The share of the files that it fits."""
        return sum(self.labels.values()) / max(1, len(self.readings))

    @property
    def recurrence(self) -> float:
        """How often speakers recur from label to label: 1 where everyone says everything."""
        if not self.speakers or len(self.labels) == 1:
            return 0.5
        pairs = {(reading["label"], reading["speaker"]) for reading in self.readings if reading}
        if len(self.speakers) == 1:
            return 0.8  # nobody else to compare with
        return len(pairs) / (len(self.labels) * len(self.speakers))

    @property
    def counted(self) -> float:
        """The share of the takes of a label by a speaker that no other take is called as."""
        takes = {tuple(sorted(reading.items())) for reading in self.readings if reading and "take" in reading}
        return len(takes) / max(1, sum(self.labels.values())) if takes else 0.5

    @cached_property
    def like_words(self) -> float:
        """The share of the labels that are common words, less the share of those that look like speakers."""
        if not self.labels:
            return 0.0
        words = common_words(as_words(self.labels).values())
        return words / len(self.labels) - self.like_speakers + ALL_DIGITS * (self.labels.keys() == DIGITS)

    @property
    def like_speakers(self) -> float:
        """The share of the labels that look like numbers of people."""
        stems = {name.rstrip("0123456789") for name in self.labels}
        stem = stems.pop() if len(stems) == 1 else ""
        if len(self.labels) > 1 and stem and len(stem) <= LONGEST_STEM:  # `f0`, `f1`, `f2`
            return 1.0
        like = sum(LIKE_SPEAKERS.fullmatch(name) is not None for name in self.labels)
        return like / max(1, len(self.labels))

    @cached_property
    def score(self) -> float:
        """How well it explains the names; below 0 where it does not."""
        if self.coverage < LEAST_COVERAGE:
            return -1.0
        files = sum(self.labels.values())
        few = 1 - len(self.labels) / files
        several = float(len(self.labels) > 1)
        parts = PARTS.keys()
        several -= 1.5 * (
            (bool(self.speakers) and self.speakers.keys() <= parts) or self.labels.keys() <= parts
        )
        # In `turn_left_0` nobody is called `left`.
        several -= common_words(self.speakers) / max(1, len(self.speakers))
        nobody = sum(
            LIKE_TAKES.fullmatch(name) is not None or name.casefold() in MANY_SPEAKERS
            for name in self.speakers
        )
        several -= nobody / max(1, len(self.speakers))
        evidence = 2 * few + 1.5 * self.recurrence + self.like_words + 0.5 * self.counted + several
        return self.coverage * evidence + self.prior

    def summary(self) -> str:
        """What it finds, in a few words."""
        who = f", speakers {shorten(self.speakers)}" if self.speakers else ""
        return f"{self.pattern.text} (labels {shorten(self.labels)}{who})"


def common_words(names: Iterable[str]) -> int:
    """How many of the names are common words, or several of them."""
    return sum(set(fold(name).split()) <= COMMON_WORDS for name in names)


def shorten(names: Mapping[str, int]) -> str:
    """The first names, and how many more there are."""
    first = sorted(names)[:3]
    more = len(names) - len(first)
    return ", ".join(first) + (f" and {more:,} more" if more else "")


def explain(paths: Sequence[Path], root: Path, pattern: Pattern, prior: float = 0.0) -> Explained:
    """Read all names by one pattern; what is ambiguous is read so that all names together make most sense.

    `turn_left_anna_3` may be `turn` by `left_anna` or `turn left` by `anna`: the labels and speakers decide
    that stand in other names too.
    """
    options = [pattern.readings(path, root) for path in paths]
    if all(len(found) <= 1 for found in options):
        return Explained(pattern, tuple(found[0] if found else None for found in options), prior)
    pairs = {(one["label"], one.get("speaker", "")) for found in options for one in found}
    labels = Counter(label for label, _ in pairs)
    speakers = Counter(speaker for _, speaker in pairs)
    # In order of preference where they explain the names equally well.
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
    """All usual patterns that fit most names, the best first."""
    found = [explain(paths, root, candidate.pattern, candidate.prior) for candidate in candidates(paths)]
    one_folder = len({path.parent for path in paths}) == 1
    usable = [one for one in found if one.score >= 0 and is_plausible(one, one_folder)]
    return sorted(usable, key=lambda one: -one.score)


def is_plausible(one: Explained, one_folder: bool) -> bool:
    """Whether a reading that fits almost any names has more to it than that it fits.

    Args:
        one: The reading.
        one_folder: All files lie in one folder, so that their names have to say what they are.
    """
    text = one.pattern.text
    fixed = [next(iter(names)) for names in (one.labels, one.speakers) if len(names) == 1]
    # Behind what all names begin with, a number that all of them hold is nobody and no word.
    if not text.startswith("{") and any(name.isdigit() for name in fixed):
        return False
    # No field begins or ends with what holds fields apart.
    if 2 * sum(name != name.strip(GAPS) for name in one.labels) > len(one.labels):
        return False
    if re.fullmatch(r"\{label\}/\{speaker\}[^*{}a-z]+\{take\}", text, re.IGNORECASE):
        return len(one.speakers) > 1  # `rec_1` is by nobody called `rec`: only several people are speakers
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
    """Another reading with other labels that explains the names almost as well, if there is one."""
    best = ranked[0]
    return next(
        (one for one in ranked[1:] if one.labels != best.labels and best.score - one.score < close), None
    )
