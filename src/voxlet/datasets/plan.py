"""What a data set holds: of each clip its label, its speaker and its manner, known before anything is made.

Everything follows from the plan and a clip's number. Each split is balanced by itself: its clips go round the
labels; each round has one speaker; over the rounds of a label and a speaker, speeds, pitches and clarities
come from as many equal parts of their ranges. No speaker is in two splits.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from voxlet.errors import ConfigError
from voxlet.speak.manner import BOUNDS, USUAL, Manner
from voxlet.speak.speech import check_seed
from voxlet.speak.styles import TAKE_KEY, generator

if TYPE_CHECKING:
    from collections.abc import Sequence

SPLITS = ("train", "validation", "test")
UNKNOWN = "unknown"  # the class of words that are none of the labels
PARTS = 16  # equal parts of a range, one after the other in an order of their own
EFFECTS = ("rooms", "noise", "codecs")
MOST_CLIPS = 10**9
RATES = (4_000, 192_000)  # Hz
LONGEST = 60.0  # seconds
# Keys of random numbers; those of `speak.styles` are for the clips' noise, for styles and for takes.
STYLE_KEY, ORDER_KEY, PLACE_KEY, SPEAKER_KEY = 1, 2, 3, 4


@dataclass(frozen=True)
class Shard:
    """The clips `start` to `stop` of one split, which are written together."""

    split: str
    number: int
    start: int
    stop: int

    @property
    def name(self) -> str:
        """As in `train-00012`."""
        return f"{self.split}-{self.number:05d}"


@dataclass(frozen=True)
class Planned:
    """One clip before it is made; `style` is the number of a new style, None for a named speaker."""

    index: int
    split: str
    label: str
    word: str
    speaker: str
    style: int | None
    manner: Manner


@dataclass(frozen=True)
class Plan:
    """What a data set is made of; two plans that are equal make the same bytes.

    Attributes:
        voice: Name of the voice.
        digest: Of what decides how it sounds.
        count: Clips in all.
        labels: The words that are told apart.
        rate: Of the clips, in Hz.
        format: How they are written; a key of `datasets.formats`.
        seed: Of everything that is drawn.
        others: Words that make the class `unknown`.
        unknown: Share of the clips that are in it.
        speakers: Named speakers; without any, each round of the labels has a new style.
        ranges: Names of what varies (speed, pitch, clarity), each with its least and most.
        held_out: Shares of the clips for validation and for tests.
        seconds: Length of each clip; without it, each has its own.
        variation: Standard deviations of what differs from take to take where it has no range.
        effects: What happens to clips as they are recorded: `rooms`, `noise`, `codecs`.
        check: The classifier that has to agree with the label; without one, every clip is taken.
        shard: Clips that are written together.

    Raises:
        ConfigError: A value makes no sense, alone or beside another.
    """

    voice: str
    digest: str
    count: int
    labels: tuple[str, ...]
    rate: int
    format: str = "wav"
    seed: int = 0
    others: tuple[str, ...] = ()
    unknown: float = 0.0
    speakers: tuple[str, ...] = ()
    ranges: tuple[tuple[str, float, float], ...] = ()
    held_out: tuple[float, float] = (0.1, 0.1)
    seconds: float | None = None
    variation: tuple[tuple[str, float], ...] = ()
    effects: tuple[str, ...] = ()
    check: str | None = None
    shard: int = 1000

    def __post_init__(self) -> None:
        check_seed(self.seed)
        for name in ("seed", "count", "rate", "shard"):  # also numpy's, which JSON does not know
            value = getattr(self, name)
            if isinstance(value, float | np.floating) and not float(value).is_integer():
                raise ConfigError(f"{value:g} is not a whole number", where=f"--{name}")
            object.__setattr__(self, name, int(value))
        _within("--count", self.count, 1, MOST_CLIPS)
        _within("--rate", self.rate, *RATES)
        _within("--shard", self.shard, 1, 100_000)
        _within("--unknown", self.unknown, 0.0, 0.9)
        if self.seconds is not None:
            _within("--seconds", self.seconds, 0.1, LONGEST)
        for share in self.held_out:
            _within("--held-out", share, 0.0, 0.8)
        if len(self.held_out) != 2 or min(self.sizes.values()) < 0:
            raise ConfigError(
                f"{', '.join(f'{one:g}' for one in self.held_out)} are not two shares of at most 1 together",
                where="--held-out",
                remedy="give one for validation and one for testing, such as 0.1,0.1",
            )
        for effect in self.effects:
            if effect not in EFFECTS or self.effects.count(effect) > 1:
                what = (
                    f"there is no effect {effect!r}"
                    if effect not in EFFECTS
                    else f"{effect!r} is named twice"
                )
                raise ConfigError(what, where="--effects", remedy=f"give some of {', '.join(EFFECTS)}")
        for name, least, most in self.ranges:
            _within(name, least, *BOUNDS[name])
            _within(name, most, least, BOUNDS[name][1])
        if self.unknown and not self.others:
            raise ConfigError(
                "there are no other words for the class `unknown`",
                where="--unknown",
                remedy="name fewer --labels than the voice has",
            )
        if self.unknown and not any(math.floor(size * self.unknown) for size in self.sizes.values()):
            raise ConfigError(
                f"a share of {self.unknown:g} of {self.count:,} clips is less than one clip",
                where="--unknown",
                remedy="give a larger share, or a larger --count",
            )
        parts = sum(size > 0 for size in self.sizes.values())
        if self.speakers and len(self.speakers) < parts:
            raise ConfigError(
                f"{len(self.speakers)} speakers cannot be divided among {parts} splits",
                where="--speakers",
                remedy="give --held-out 0,0, or --styles fresh instead of --speakers",
            )

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels, and `unknown` where there is such a class."""
        return (*self.labels, UNKNOWN) if self.unknown else self.labels

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Clips of each split."""
        validation, test = (round(share * self.count) for share in self.held_out)
        return dict(zip(SPLITS, (self.count - validation - test, validation, test), strict=True))

    @cached_property
    def starts(self) -> dict[str, int]:
        """The first clip of each split."""
        sizes = list(self.sizes.values())
        return {name: sum(sizes[:place]) for place, name in enumerate(SPLITS)}

    @cached_property
    def people(self) -> dict[str, tuple[str, ...]]:
        """The named speakers of each split, disjoint; empty where styles are new."""
        used = [name for name in SPLITS if self.sizes[name]]
        order = generator(self.seed, SPEAKER_KEY).permutation(len(self.speakers))
        shuffled = [self.speakers[number] for number in order]
        counts = {
            name: max(1, round(len(shuffled) * self.sizes[name] / self.count))
            for name in used
            if name != "train"
        }
        if "train" in used:
            # Held-out splits leave at least one speaker to learn from.
            while sum(counts.values()) >= len(shuffled) and max(counts.values(), default=0) > 1:
                counts[max(counts, key=lambda name: counts[name])] -= 1
        found: dict[str, tuple[str, ...]] = {}
        for name in reversed(used):
            size = counts.get(name, len(shuffled))
            found[name], shuffled = tuple(shuffled[:size]), shuffled[size:]
        return found

    def speaker_count(self, split: str) -> int:
        """How many speakers a split has, named or new ones."""
        size = self.sizes[split]
        strange = math.floor(size * self.unknown)
        rounds = max(
            math.ceil((size - strange) / len(self.labels)), math.ceil(strange / max(1, len(self.others)))
        )
        return min(rounds, len(self.people[split])) if self.speakers else rounds

    def shards(self) -> list[Shard]:
        """All shards, those of one split after the other's."""
        return [
            Shard(name, number, start, min(start + self.shard, first + self.sizes[name]))
            for name, first in self.starts.items()
            for number, start in enumerate(range(first, first + self.sizes[name], self.shard))
        ]

    def clip(self, index: int) -> Planned:
        """What the clip of this number is.

        Raises:
            ConfigError: There is no such clip.
        """
        _within("index", index, 0, self.count - 1)
        split = next(name for name in reversed(SPLITS) if self.sizes[name] and index >= self.starts[name])
        place = index - self.starts[split]
        strange = math.floor((place + 1) * self.unknown) > math.floor(place * self.unknown)
        before = math.floor(place * self.unknown)
        words: Sequence[str] = self.others if strange else self.labels
        turn = before if strange else place - before
        word, turns = words[turn % len(words)], turn // len(words)
        if self.speakers:
            people = self.people[split]
            # Words go on to the next speaker after each round, whichever class they are of.
            person = turns % len(people)
            style: int | None = None
            speaker, block = people[person], (SPLITS.index(split), person)
            turns //= len(people)
        else:
            style, block = turns * len(SPLITS) + SPLITS.index(split), (SPLITS.index(split), 0)
            speaker = f"{split}-style-{turns:06d}"
        number = turn % len(words) + (len(self.labels) if strange else 0)
        return Planned(
            index,
            split,
            UNKNOWN if strange else word,
            word,
            speaker,
            style,
            self._manner(index, turns, (number, *block)),
        )

    def _manner(self, index: int, turn: int, series: tuple[int, ...]) -> Manner:
        values = {}
        for name, least, most in self.ranges:
            kind = list(USUAL).index(name)
            order = generator(self.seed, ORDER_KEY, kind, turn // PARTS, *series)
            part = order.permutation(PARTS)[turn % PARTS]
            values[name] = least + (most - least) * float(part + order.random(PARTS)[turn % PARTS]) / PARTS
        spreads = {name: spread for name, spread in self.variation if name not in values}
        drawn = generator(self.seed, TAKE_KEY, index).standard_normal(2, dtype=np.float32)
        return Manner(**values).of_take(spreads, drawn)

    def to_json(self) -> str:
        """The plan as JSON, the same for equal plans."""
        held = asdict(self)
        if not self.variation:  # as plans of before have it
            del held["variation"]
        return json.dumps(held, indent=1)

    @property
    def key(self) -> str:
        """A digest of the plan."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:16]


def read_plan(text: str | bytes) -> Plan:
    """What `Plan.to_json` wrote.

    Raises:
        ValueError: It is no plan.
    """
    try:
        raw = json.loads(text)
        for name in ("labels", "others", "speakers", "held_out", "effects"):
            raw[name] = tuple(raw[name])
        for name in ("ranges", "variation"):
            raw[name] = tuple(tuple(one) for one in raw.get(name, ()))
        return Plan(**raw)
    except (TypeError, KeyError, RecursionError, ConfigError) as error:
        raise ValueError(str(error)) from error


def _within(where: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:  # not a number fails, too
        raise ConfigError(f"{value:g} is out of bounds", where=where, remedy=f"give {least:g} to {most:g}")
