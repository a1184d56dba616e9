"""What a data set holds: the label, speaker and manner of each clip, known before anything is generated.

Everything follows from the plan and a clip's number. Each split is balanced by itself: its clips cycle
through the labels, and each round has one speaker. Over the rounds of a label and a speaker, speed, pitch and
clarity are stratified: each range is divided into equal parts, drawn from equally often. No speaker is in two
splits.
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
UNKNOWN = "unknown"  # the class of the words that are not labels
PARTS = 16  # equal parts of a range, each drawn from once in a random order
EFFECTS = ("rooms", "noise", "codecs")
MOST_CLIPS = 10**9
RATES = (4_000, 192_000)  # Hz
LONGEST = 60.0  # seconds
# Keys of random generators; those in `speak.styles` are for the clips' noise, for styles and for takes.
STYLE_KEY, ORDER_KEY, PLACE_KEY, SPEAKER_KEY = 1, 2, 3, 4


@dataclass(frozen=True)
class Shard:
    """The clips `start` to `stop` - 1 of one split, which are written together."""

    split: str
    number: int
    start: int
    stop: int

    @property
    def name(self) -> str:
        """The name of the shard, such as `train-00012`."""
        return f"{self.split}-{self.number:05d}"


@dataclass(frozen=True)
class Planned:
    """One clip before it is generated; `style` is the number of a new style, None for a named speaker."""

    index: int
    split: str
    label: str
    word: str
    speaker: str
    style: int | None
    manner: Manner


@dataclass(frozen=True)
class Plan:
    """What a data set is made of; equal plans make the same bytes.

    Attributes:
        voice: Name of the voice.
        digest: Digest of all that decides how the voice's clips sound.
        count: Number of clips in all splits.
        labels: The words to tell apart.
        rate: Sampling rate of the clips in Hz.
        format: How the clips are written; a key of `formats()`.
        seed: Seed of all random numbers.
        others: Words that make up the class `unknown`.
        unknown: Share of the clips in the class `unknown`.
        speakers: Named speakers; if empty, each round of the labels has a new style.
        ranges: Attributes to vary (speed, pitch, clarity), each with its minimum and maximum.
        held_out: Shares of the clips for validation and for testing.
        seconds: Length of each clip; None: each has its natural length.
        variation: Standard deviations, from take to take, of attributes that have no range.
        effects: Effects that make clips sound like recordings: `rooms`, `noise`, `codecs`.
        check: The classifier that has to recognise the label; None: every clip is accepted.
        shard: Number of clips that are written together.

    Raises:
        ConfigError: A value is invalid, alone or together with another.
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
        for name in ("seed", "count", "rate", "shard"):  # numpy's numbers, too, which JSON cannot encode
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
        """The labels, and `unknown` if there is such a class."""
        return (*self.labels, UNKNOWN) if self.unknown else self.labels

    @cached_property
    def sizes(self) -> dict[str, int]:
        """The number of clips in each split."""
        validation, test = (round(share * self.count) for share in self.held_out)
        return dict(zip(SPLITS, (self.count - validation - test, validation, test), strict=True))

    @cached_property
    def starts(self) -> dict[str, int]:
        """The number of the first clip of each split."""
        sizes = list(self.sizes.values())
        return {name: sum(sizes[:place]) for place, name in enumerate(SPLITS)}

    @cached_property
    def speakers_by_split(self) -> dict[str, tuple[str, ...]]:
        """The named speakers of each split, without overlap; empty if styles are new."""
        used = [name for name in SPLITS if self.sizes[name]]
        order = generator(self.seed, SPEAKER_KEY).permutation(len(self.speakers))
        shuffled = [self.speakers[number] for number in order]
        counts = {
            name: max(1, round(len(shuffled) * self.sizes[name] / self.count))
            for name in used
            if name != "train"
        }
        if "train" in used:
            # Held-out splits leave at least one speaker to train on.
            while sum(counts.values()) >= len(shuffled) and max(counts.values(), default=0) > 1:
                counts[max(counts, key=lambda name: counts[name])] -= 1
        found: dict[str, tuple[str, ...]] = {}
        for name in reversed(used):
            size = counts.get(name, len(shuffled))
            found[name], shuffled = tuple(shuffled[:size]), shuffled[size:]
        return found

    def speaker_count(self, split: str) -> int:
        """The number of speakers in a split, named or new."""
        size = self.sizes[split]
        strange = math.floor(size * self.unknown)
        rounds = max(
            math.ceil((size - strange) / len(self.labels)), math.ceil(strange / max(1, len(self.others)))
        )
        return min(rounds, len(self.speakers_by_split[split])) if self.speakers else rounds

    def shards(self) -> list[Shard]:
        """All shards, split by split."""
        return [
            Shard(name, number, start, min(start + self.shard, first + self.sizes[name]))
            for name, first in self.starts.items()
            for number, start in enumerate(range(first, first + self.sizes[name], self.shard))
        ]

    def clip(self, index: int) -> Planned:
        """The plan of the clip with this number.

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
            people = self.speakers_by_split[split]
            # The words of either class go on to the next speaker after each round.
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
        if not self.variation:  # as in plans of earlier versions
            del held["variation"]
        return json.dumps(held, indent=1)

    @property
    def key(self) -> str:
        """A digest of the plan."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:16]


def read_plan(text: str | bytes) -> Plan:
    """Read a plan that `Plan.to_json` wrote.

    Raises:
        ValueError: The text is not a valid plan.
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
    if not least <= value <= most:  # refuses NaN, too
        raise ConfigError(f"{value:g} is out of bounds", where=where, remedy=f"give {least:g} to {most:g}")
