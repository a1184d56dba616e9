"""Advice on recordings, in sentences derived from statistics; each threshold states its basis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median

SHOWN = 10  # names listed in a sentence; the JSON lists all

# From measurements of voices (docs/own-words.md): takes of a word by one speaker.
NATURAL_TAKES, UNDERSTOOD_TAKES, FAINT_TAKES = 30, 8, 3
MANY_TAKES, LOST_TAKES = 300, 20  # takes of a word by many speakers, with about one take each
LACKING_SHARE = 1 / 3  # of the median number of takes: a word with fewer lacks takes
NOISY_DB, CLEAR_DB = 20.0, 30.0  # speech re background: noise is audible below 20, not above 30
VOICE_RATE, WIDE_RATE = 8_000, 16_000  # Hz: rate of the preset `voice`, and of recordings that allow more

KINDS = {
    "doubtful": "unlike the other takes of their label, and nearer to another label's",
    "noisy": f"noisy: the speech is less than {NOISY_DB:.0f} dB above the background",
    "cut": "cut: the speech has not died away where the file ends, or not begun where it begins",
    "pauses": "with a pause of 0.3 s or more, so perhaps of more words than their label",
    "quiet": "too quiet: speech below -50 dB of full scale",
    "full_scale": "at full scale, so perhaps distorted",
}


@dataclass(frozen=True)
class Figures:
    """Statistics of a corpus on which the advice is based.

    Attributes:
        takes: Number of usable clips of each label.
        pairs: Number of usable clips for each pair of label and speaker that occurs.
        speakers: Number of speakers.
        rate: Most frequent sampling rate in Hz.
        contrast: Level of the speech above the background in dB, median over clips.
        narrow: Speakers whose bandwidth is clearly below what their rate allows, with the bandwidth in Hz.
        found: Names of faulty clips by kind of fault (see `KINDS`), the worst first.
        lost: Labels without any usable recording.
        outliers: Number of clips of each label that training leaves out because of their length.
    """

    takes: Mapping[str, int]
    pairs: tuple[int, ...]
    speakers: int
    rate: int
    contrast: float
    narrow: Mapping[str, float] = field(default_factory=dict)
    found: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lost: tuple[str, ...] = ()
    outliers: Mapping[str, int] = field(default_factory=dict)


def advise(figures: Figures, *, adapting: bool = False) -> list[str]:
    """Advice, one sentence each, for training a voice and for adapting a base (only this, if `adapting`)."""
    adapted = kind_of_adapted_voice(figures)
    both = [
        f"by `voxlet adapt`: {adapted}",
        f"by `voxlet train voice`, from nothing: {kind_of_voice(figures)}",
    ]
    return [
        *([adapted] if adapting else both),
        *speakers(figures),
        *lacking(figures),
        *sound(figures, adapting),
        *clips(figures),
    ]


def kind_of_voice(figures: Figures) -> str:
    """The quality to expect of a voice trained on these clips from scratch."""
    total, by_one = median(figures.takes.values()), median(figures.pairs)
    takes = f"{total:.0f} takes of a word" + (
        f", {by_one:.0f} by one speaker" if figures.speakers > 1 else ""
    )
    if by_one >= NATURAL_TAKES:
        return f"{takes}: enough for a voice as clear as its recordings, given an hour of training"
    if by_one >= UNDERSTOOD_TAKES:
        return f"{takes}: a voice that is understood, not natural (ten takes by one speaker: 96 % of words)"
    if total >= MANY_TAKES:
        return f"{takes}: a voice of many people, understood in about 9 of 10 words"
    if by_one < FAINT_TAKES and total < LOST_TAKES and figures.speakers > 1:
        return (
            f"{takes}: too few to be understood (nine takes by nine speakers gave nothing); "
            "let each speaker say each word ten times, or record one speaker alone"
        )
    if by_one < FAINT_TAKES and figures.speakers == 1:
        return f"{takes}: enough to try it out; record ten of each word to be understood"
    return f"{takes}: a voice that is mostly understood, not natural; thirty by one speaker make it clear"


def kind_of_adapted_voice(figures: Figures) -> str:
    """The quality to expect of a base adapted to these clips, from measurements."""
    by_one = median(figures.pairs)
    takes = f"{by_one:.0f} takes of a word by a speaker"
    if by_one >= UNDERSTOOD_TAKES:
        known = "as natural and as well understood as the takes (ten takes a digit, ten minutes)"
    elif by_one >= FAINT_TAKES:
        known = "as well understood and a little less natural than the takes (three a digit, five minutes)"
    else:
        known = "something to try; record three or more of each"
    others = "other words need about seven takes (86 % recognised; of the takes themselves 92 %)"
    return f"{takes}: words that the base knows become {known}; {others}"


def speakers(figures: Figures) -> list[str]:
    """Advice on the number of speakers."""
    if figures.speakers == 1:
        return [
            "one speaker: the voice sounds like this one; a new voice (--speaker random) will differ little"
        ]
    return []


def lacking(figures: Figures) -> list[str]:
    """Advice on labels with no, with too few or with dropped takes."""
    said = []
    if figures.lost:
        said.append(
            f"labels without a usable recording: {listed(figures.lost)}; training does not start with them"
        )
    usual = median(figures.takes.values())
    few = [
        f"{label} ({count})"
        for label, count in figures.takes.items()
        if count < max(LACKING_SHARE * usual, min(usual, UNDERSTOOD_TAKES))
    ]
    if few:
        said.append(f"words with too few takes, where others have {usual:.0f}: {listed(few)}")
    if len(figures.takes) == 1:
        said.append("one label alone: its voice says nothing else, and cannot be checked against other words")
    if left_out := [f"{label} ({count})" for label, count in figures.outliers.items()]:
        said.append(f"left out of training because the length is unusual for their label: {listed(left_out)}")
    return said


def sound(figures: Figures, adapting: bool) -> list[str]:
    """Advice on noise, bandwidth and sampling rate of the recordings."""
    said = []
    if figures.contrast < NOISY_DB:
        said.append(
            f"the speech is {figures.contrast:.0f} dB above the background: the voice will have this noise"
        )
    elif figures.contrast < CLEAR_DB:
        said.append(
            f"the speech is {figures.contrast:.0f} dB above the background: a little noise will be heard"
        )
    if figures.narrow:
        ends = [
            f"{hz / 1000:.1f} kHz" + (f" ({speaker})" if figures.speakers > 1 else "")
            for speaker, hz in figures.narrow.items()
        ]
        said.append(
            f"recorded at {figures.rate:,} Hz, but as if by telephone or headset, with nothing above "
            f"{listed(ends)}; `voxlet adapt` guesses what lies there"
        )
    if figures.rate >= WIDE_RATE and len(figures.narrow) < figures.speakers and not adapting:
        said.append(
            f"recorded at {figures.rate:,} Hz, but a voice has {VOICE_RATE:,} Hz by default: "
            f"--preparation.rate {WIDE_RATE} keeps more of it and takes longer to train"
        )
    return said


def clips(figures: Figures) -> list[str]:
    """Lists of clips to check by listening, one sentence for each kind of fault."""
    return [
        f"{len(names):,} {'clip' if len(names) == 1 else 'clips'} {KINDS[kind]}: {listed(names)}"
        for kind, names in figures.found.items()
        if names
    ]


def listed(names: list[str] | tuple[str, ...]) -> str:
    """The first ten names, and the number of the others."""
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
