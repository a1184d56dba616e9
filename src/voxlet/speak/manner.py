"""The manner of speaking: speed, pitch and clarity, if a voice has learned them; variation among takes."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from voxlet.errors import ConfigError, VoiceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from voxlet.audio import Samples

# The range of each attribute, and its default.
BOUNDS = {"speed": (0.5, 2.0), "pitch": (-12.0, 12.0), "clarity": (0.0, 1.0)}
USUAL = {"speed": 1.0, "pitch": 0.0, "clarity": 1.0}
MOST_VARIATION = 2.0  # times the spread among takes
FARTHEST = 2.0  # standard deviations from the mean, to which rarer draws are limited


@dataclass(frozen=True)
class Manner:
    """How something is said.

    Args:
        speed: Speed relative to the speaker's own, as a factor.
        pitch: Semitones above the speaker's own pitch.
        clarity: How clean the recording sounds: 0 is like the speaker's own recordings, 1 like the cleanest
            ones that the voice was trained on.
        variation: How much takes of a word differ in speed and pitch, if these are not set: 1 is as much as
            the takes that the voice was trained on, 0 not at all.

    Raises:
        ConfigError: A value is out of bounds.
    """

    speed: float = USUAL["speed"]
    pitch: float = USUAL["pitch"]
    clarity: float = USUAL["clarity"]
    variation: float = 1.0

    def __post_init__(self) -> None:
        for name, (least, most) in {**BOUNDS, "variation": (0.0, MOST_VARIATION)}.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
                raise ConfigError(
                    f"{value!r} is not a number", where=name, remedy=f"give {least:g} to {most:g}"
                )
            if not least <= value <= most:  # NaN fails, too
                raise ConfigError(
                    f"{value:g} is out of bounds", where=name, remedy=f"give {least:g} to {most:g}"
                )

    @property
    def metadata(self) -> dict[str, object]:
        """The values that are not the default, for the metadata of a sound."""
        usual = asdict(PLAIN)
        return {name: float(value) for name, value in asdict(self).items() if value != usual[name]}

    def wishes(self, names: Sequence[str], voice: str) -> Samples:
        """The input (A,) float32 for a voice with the attributes `names`; speed is given as its logarithm.

        Raises:
            VoiceError: An attribute is set that the voice has not learned.
        """
        for name, usual in USUAL.items():
            if name not in names and getattr(self, name) != usual:
                raise VoiceError(f"has not learned {name}", where=voice, remedy=f"leave {name} at {usual:g}")
        values = {"speed": np.log(self.speed), "pitch": self.pitch, "clarity": self.clarity}
        return np.array([values[name] for name in names], dtype=np.float32)

    def of_take(self, spreads: Mapping[str, float], drawn: Sequence[float] | Samples) -> Manner:
        """The manner of one take: speed and pitch vary from take to take unless they are set.

        Args:
            spreads: Standard deviations among takes: of the logarithm of `speed`, of `pitch` in semitones.
            drawn: Two standard normal numbers, one for the speed and one for the pitch.
        """
        faster, higher = (self.variation * max(-FARTHEST, min(FARTHEST, float(one))) for one in drawn)
        takes = {
            "speed": math.exp(spreads.get("speed", 0.0) * faster),
            "pitch": spreads.get("pitch", 0.0) * higher,
        }
        changed = {
            name: max(BOUNDS[name][0], min(BOUNDS[name][1], value))
            for name, value in takes.items()
            if getattr(self, name) == USUAL[name]
        }
        return replace(self, **changed, variation=0.0)


PLAIN = Manner()
