"""A voice with a fixed manner, for code that takes a `Sampler`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from voxlet.audio import Samples
    from voxlet.speak.manner import Manner
    from voxlet.speak.speech import Style
    from voxlet.speak.voice import Voice


@dataclass(frozen=True)
class InManner:
    """A voice with a fixed manner, as a `Sampler`."""

    voice: Voice
    manner: Manner

    @property
    def name(self) -> str:
        """The voice's own name."""
        return self.voice.name

    @property
    def rate(self) -> int:
        """Sampling rate of its clips, in Hz."""
        return self.voice.rate

    @property
    def labels(self) -> tuple[str, ...]:
        """The words it can say."""
        return self.voice.labels

    @property
    def spellings(self) -> Mapping[str, Sequence[str]]:
        """See `Voice.spellings`."""
        return self.voice.spellings

    @property
    def speakers(self) -> tuple[str, ...]:
        """See `Voice.speakers`."""
        return self.voice.speakers

    def sample(
        self,
        labels: Sequence[str],
        *,
        speaker: str | None = None,
        style: Style | None = None,
        seed: int = 0,
        first: int = 0,
    ) -> list[Samples]:
        """One clip (T,) float32 per label; see `Voice.sample`."""
        return self.voice.sample(
            labels, speaker=speaker, style=style, manner=self.manner, seed=seed, first=first
        )
