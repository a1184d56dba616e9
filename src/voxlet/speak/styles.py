"""Who speaks: a voice's named styles, blends of them, and fresh ones."""

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

RANDOM = "random"  # asked for as a speaker: a fresh style from the prior
LISTED = 24  # names that an error message lists at most
# Random numbers for different things must differ although they share a seed; 2 to 6 are a data set's.
NOISE_KEY, STYLE_KEY, TAKE_KEY = 0, 1, 7


class Styles:
    """The styles (S,) of one voice, points in a space with a normal prior.

    A speaker is asked for as one of `named` in any spelling, a blend of them (`george,theo` or
    `george:0.7,theo:0.3`; weights are divided by their sum), or `random`, a fresh style that depends on the
    seed alone.

    Args:
        named: By speaker; the first one speaks unless another is asked for.
        size: S.
        voice: The voice's name, for errors.
        std: Standard deviations (S,) of fresh styles, 1 unless given.
    """

    def __init__(self, named: Mapping[str, Style], size: int, voice: str, std: Style | None = None) -> None:
        self.named, self.size, self._voice = named, size, voice
        self.std = np.ones(size, dtype=np.float32) if std is None else std

    def style(self, speaker: str | None, seed: int) -> Style:
        """The style (S,) of a speaker, the caller's own to change.

        Raises:
            VoiceError: There is no such speaker, or a blend cannot be read.
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
        """A fresh style (S,)."""
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
        """One row (S,) for each of `count` words, (B, S), from one speaker or style for all, or one for each.

        Raises:
            VoiceError: There is no such speaker or style, or not one for each word.
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
            VoiceError: It is none of this voice.
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
        if not (np.abs(rows) <= FARTHEST_STYLE).all():  # not a number fails too
            raise VoiceError(
                "a style holds a number that is out of bounds",
                where=self._voice,
                remedy="sensible ones lie between -3 and 3",
            )
        return rows


def generator(seed: int, *key: int) -> np.random.Generator:
    """Random numbers that depend on the seed and the key alone."""
    check_seed(seed)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))


def listed(names: Mapping[str, object] | Sequence[str]) -> str:
    """The first names, for an error message."""
    return ", ".join(list(names)[:LISTED]) + (" …" if len(names) > LISTED else "")
