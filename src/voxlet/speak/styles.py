"""The styles of a voice: those of named speakers, blends of them, and new ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from voxlet.errors import ConfigError, VoiceError
from voxlet.speak.speech import check_seed
from voxlet.speak.voice_file import FARTHEST_STYLE
from voxlet.words.spelling import find

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from voxlet.speak.speech import Style

RANDOM = "random"  # as a speaker's name: a new style drawn from the prior
LISTED = 24  # most names that an error message lists
# Keys that keep random streams of the same seed apart; data sets use 2 to 6.
NOISE_KEY, STYLE_KEY, TAKE_KEY = 0, 1, 7


class Styles:
    """The styles (S,) of one voice, points in a space with a normal prior.

    A speaker is one of `named` in any spelling, a blend of them (`george,theo` or `george:0.7,theo:0.3`;
    weights are divided by their sum), or `random`, a new style that depends only on the seed.

    Args:
        named: Styles by speaker; the first speaker is the default.
        size: S.
        voice: The voice's name, for errors.
        std: Standard deviations (S,) of new styles; by default, as far as the named ones lie from 0.
    """

    def __init__(self, named: Mapping[str, Style], size: int, voice: str, std: Style | None = None) -> None:
        self.named, self.size, self._voice = named, size, voice
        self.std = spread(named, size) if std is None else std

    def style(self, speaker: str | None, seed: int) -> Style:
        """A copy of the style (S,) of a speaker; by default, of the first one, or zeros if there is none.

        Raises:
            VoiceError: There is no such speaker, or the blend is invalid.
        """
        if speaker is None:
            return next(iter(self.named.values()), np.zeros(self.size, dtype=np.float32)).copy()
        if speaker in self.named:
            return self.named[speaker].copy()
        if speaker == RANDOM:
            return self.drawn(generator(seed, STYLE_KEY))
        if "," in speaker or ":" in speaker:
            return self._blend(speaker, seed)
        if (known := find(speaker, self.named)) is not None:
            return self.named[known].copy()
        raise VoiceError(
            f"there is no speaker {speaker!r}",
            where=self._voice,
            remedy=f"the speakers are: {listed(self.named)}, a blend of them (a,b or a:0.7,b:0.3) or {RANDOM}"
            if self.named
            else f"this voice names no speakers; ask for {RANDOM}",
        )

    def drawn(self, random: np.random.Generator) -> Style:
        """A new style (S,), drawn with the generator `random`."""
        return self.std * random.standard_normal(self.size, dtype=np.float32)

    def _blend(self, spec: str, seed: int) -> Style:
        total, weights = np.zeros(self.size), 0.0
        for part in spec.split(","):
            name, _, number = part.strip().rpartition(":") if ":" in part else (part.strip(), "", "1")
            try:
                weight = float(number)
            except ValueError:
                weight = np.nan
            if not np.isfinite(weight):
                raise VoiceError(f"{number!r} is not a weight in the blend {spec!r}", where=self._voice)
            total += weight * self.style(name.strip(), seed)
            weights += weight
        if not abs(weights) > 1e-6:
            raise VoiceError(f"the weights of the blend {spec!r} add up to nothing", where=self._voice)
        return self.checked(total / weights)

    def rows(
        self,
        count: int,
        speaker: str | Sequence[str] | None,
        style: Style | Sequence[float] | None,
        seed: int,
    ) -> Style:
        """The styles (B, S) of `count` words, from one speaker or style for all words or one for each.

        Raises:
            VoiceError: A speaker or style is invalid, or there is not one for each word.
            ConfigError: Both a speaker and a style are given.
        """
        if style is not None:
            if speaker is not None:
                raise ConfigError("a speaker and a style are given", remedy="give one of the two")
            rows = self.checked(style)
            if rows.ndim == 2 and len(rows) != count:
                raise VoiceError(f"there are {len(rows)} styles for {count} words", where=self._voice)
        elif speaker is None or isinstance(speaker, str):
            rows = self.style(speaker, seed)
        elif len(speaker) != count:
            raise VoiceError(f"there are {len(speaker)} speakers for {count} words", where=self._voice)
        else:
            known = {name: self.style(name, seed) for name in set(speaker)}
            rows = np.array([known[name] for name in speaker], dtype=np.float32).reshape(count, self.size)
        return np.ascontiguousarray(np.broadcast_to(rows, (count, self.size)))

    def checked(self, style: Style | Sequence[float] | np.ndarray) -> Style:
        """A style (S,), or several (B, S), as an array.

        Raises:
            VoiceError: The numbers are not a style of this voice, or are out of bounds.
        """
        try:
            rows = np.asarray(style, dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise VoiceError("a style is a list of numbers", where=self._voice) from error
        if rows.ndim not in (1, 2) or rows.shape[-1] != self.size:
            raise VoiceError(
                f"a style here has {self.size} numbers, not {rows.shape[-1] if rows.ndim else 1}",
                where=self._voice,
            )
        if not (np.abs(rows) <= FARTHEST_STYLE).all():  # NaN fails, too
            raise VoiceError(
                "a style holds a number that is out of bounds",
                where=self._voice,
                remedy="sensible ones lie between -3 and 3",
            )
        return rows


def spread(named: Mapping[str, Style], size: int) -> Style:
    """How far the named styles lie from 0, as root mean squares (S,); 1 each if there are none.

    Farther off, in directions in which no speaker differs, words are lost.
    """
    if not named:
        return np.ones(size, dtype=np.float32)
    squares = np.square(np.array(list(named.values()), dtype=np.float64))
    return np.asarray(np.sqrt(squares.mean(0)), dtype=np.float32)


def generator(seed: int, *key: int) -> np.random.Generator:
    """A random generator that depends only on the seed and the key."""
    check_seed(seed)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))


def listed(names: Mapping[str, object] | Sequence[str]) -> str:
    """The first `LISTED` names as text, for an error message."""
    return ", ".join(list(names)[:LISTED]) + (" …" if len(names) > LISTED else "")
