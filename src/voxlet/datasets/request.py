"""A request for a data set, which is checked against the voice and becomes a plan."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlet.datasets.plan import Plan
from voxlet.errors import ConfigError, VoiceError
from voxlet.speak.manner import Manner
from voxlet.speak.styles import listed
from voxlet.words.spelling import find

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlet.speak.voice import Voice
    from voxlet.speak.voice_file import VoiceFile

SPEECH_COMMANDS, SPEECH_COMMANDS_RATE, SPEECH_COMMANDS_SECONDS = "speech-commands", 16_000, 1.0


@dataclass(frozen=True)
class Request:
    """What is asked of a voice; see `Plan` for the fields. Without labels, all the voice's words are used."""

    count: int
    labels: tuple[str, ...] = ()
    speakers: tuple[str, ...] = ()
    unknown: float = 0.0
    ranges: tuple[tuple[str, float, float], ...] = ()
    held_out: tuple[float, float] = (0.1, 0.1)
    format: str = "wav"
    rate: int | None = None
    seconds: float | None = None
    effects: tuple[str, ...] = ()
    check: str | None = None
    seed: int = 0
    shard: int = 1000

    def plan(self, file: VoiceFile, voice: Voice) -> Plan:
        """The plan for this request.

        Raises:
            VoiceError: The voice lacks a label, a speaker or an attribute.
            ConfigError: A value is invalid, alone or together with another.
        """
        asked = [voice.word(label) or label for label in self.labels]
        labels = _known("--labels", asked, voice.labels, voice.name) or voice.labels
        speakers = _known("--speakers", self.speakers, voice.speakers, voice.name)
        for name, *ends in self.ranges:
            for value in ends:
                Manner(**{name: value}).wishes(voice.info.attributes, voice.name)
        likeness = self.format == SPEECH_COMMANDS
        return Plan(
            voice=voice.name,
            digest=_digest(file, speakers),
            count=self.count,
            labels=labels,
            rate=(SPEECH_COMMANDS_RATE if likeness else voice.rate) if self.rate is None else self.rate,
            format=self.format,
            seed=self.seed,
            others=tuple(word for word in voice.labels if word not in labels) if self.unknown else (),
            unknown=self.unknown,
            speakers=speakers,
            ranges=self.ranges,
            held_out=self.held_out,
            seconds=SPEECH_COMMANDS_SECONDS if likeness and self.seconds is None else self.seconds,
            variation=tuple(voice.info.variation.items()),
            effects=self.effects,
            check=self.check,
            shard=self.shard,
        )


def _known(where: str, asked: Sequence[str], there: Sequence[str], voice: str) -> tuple[str, ...]:
    """Names as the voice spells them; naming one twice is an error."""
    found: list[str] = []
    for name in asked:
        known = find(name, there)
        if known is None:
            raise VoiceError(
                f"{voice} has no {name!r}", where=where, remedy=f"it has: {listed(there) or 'none'}"
            )
        if known in found:
            raise ConfigError(f"{known!r} is named twice", where=where)
        found.append(known)
    return tuple(found)


def _digest(file: VoiceFile, speakers: Sequence[str]) -> str:
    """A digest of what decides how a voice's clips sound: its graph, words in order, styles in use."""
    styles = {name: [float(value) for value in file.info.styles[name]] for name in speakers}
    facts = [file.digest, file.info.labels, styles]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
