"""Stretches of a clip above its background: which of them are speech, and where exactly they end.

Clicks, knocks and breath are left out; pauses between words, and sounds close enough to a word, stay in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from voxlet.trimming.frames import decibels, moving, pitch_strength

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from voxlet.trimming.background import Background
    from voxlet.trimming.evidence import Evidence
    from voxlet.trimming.frames import Frames

CLICK_FRAMES, CLICK_SHARE = 4, 0.9  # a click has this share of its energy in so many frames
WORD_DB = -25.0  # relative to the loudest stretch: another word of the same label is not weaker
BREATH_DB = -10.0  # a weaker sound without a pitch is breath, unless it is close to a word
PART_DB = -34.0  # a part of a word beside a silence is not weaker
# The longest silences within a word, as windows of 40 ms show them: 20 to 40 ms shorter than they are.
BURST_FRAMES, CLOSURE_FRAMES = 12, 13  # longest burst, and the closure before it
FRICATIVE_GAP_FRAMES = 8  # between a longer sound, such as an s, and the rest of the word
FAINT_GAP_FRAMES = 5  # before and after a sound that is weaker than a part
CLICK_GAP_FRAMES, BARE_FRAMES = 2, 7  # beside a click, if it is too short to ring
SYLLABLE_GAP_FRAMES = 25  # between a short vowel and the sound after a long consonant
BURST_DB = 3.0  # a burst or a short vowel beside a word is not louder

# Correlation over a period: generated breath reached 0.58, and 99 % of words of four corpora 0.64 or more.
VOICED, CLEARLY_VOICED = 0.62, 0.8
LOUDEST_FRAMES, QUIET_FRAMES = 12, 20  # measured for pitch: of a stretch, of the background

START_HOLD, STOP_HOLD = 1, 2  # frames added at ends that the background fully hides
CLEAR_FRAMES = 4  # frames from an end: an end is abrupt if the speech is clear after so many
WINDOW_REACH = 2  # frames by which windows show an edge too early


@dataclass(frozen=True)
class Stretch:
    """The frames from `start` to before `stop`, and their properties.

    Attributes:
        start: First frame.
        stop: One past the last frame.
        peak: Highest emphasised mean square above the background.
        click: Whether nearly all of the energy is within 40 ms.
        word: Whether any frame can be a word.
        pitch: Correlation over a period, from 0 to 1.
    """

    start: int
    stop: int
    peak: float
    click: bool
    word: bool
    pitch: float

    @property
    def length(self) -> int:
        """Length in frames."""
        return self.stop - self.start

    def gap(self, others: list[Stretch]) -> int:
        """Frames between this stretch and the nearest of the others, of which there must be at least one."""
        return min(max(other.start - self.stop, self.start - other.stop) for other in others)


def choose(frames: Frames, evidence: Evidence, background: Background) -> list[Stretch]:
    """The stretches that are speech: words, and stretches close enough to a word to be part of it."""
    padded = np.concatenate([[False], evidence.edge, [False]])
    edges = np.flatnonzero(padded[1:] != padded[:-1]).reshape(-1, 2).tolist()
    quiet = np.flatnonzero(background.frames)
    quiet = quiet[:: max(1, len(quiet) // QUIET_FRAMES)]
    spans = [(start, stop) for start, stop in edges if evidence.part[start:stop].any()]
    found = [describe(evidence, start, stop) for start, stop in spans]
    if len(found) < 2:
        return found
    pitches = [pitch_strength(frames, loudest_frames(evidence, *span), quiet) for span in spans]
    found = [replace(one, pitch=pitch) for one, pitch in zip(found, pitches, strict=True)]
    top = max((one.peak for one in found if not one.click), default=0.0)
    words = [one for one in found if is_word(one, top)] or [max(found, key=lambda one: one.peak)]
    kept, rest = words, [one for one in found if one not in words]
    while near := [one for one in rest if is_part(one, kept, words, top)]:
        kept = kept + near
        rest = [one for one in rest if one not in near]
    return sorted(kept, key=lambda one: one.start)


def describe(evidence: Evidence, start: int, stop: int) -> Stretch:
    """The stretch from frame `start` to before `stop`, without its pitch."""
    speech = evidence.speech[start:stop]
    dense = moving(speech, min(CLICK_FRAMES, len(speech)), np.add).max()
    click = bool(dense >= CLICK_SHARE * speech.sum())
    return Stretch(start, stop, float(speech.max()), click, bool(evidence.word[start:stop].any()), pitch=0.0)


def loudest_frames(evidence: Evidence, start: int, stop: int) -> NDArray[np.int64]:
    """Indices of the loudest frames from `start` to before `stop`."""
    return start + np.argsort(-evidence.speech[start:stop], kind="stable")[:LOUDEST_FRAMES]


def is_word(one: Stretch, top: float) -> bool:
    """Whether a stretch is a word by itself; `top` is the peak of the loudest stretch that is no click."""
    if one.click or not one.word or one.peak < top * 10 ** (WORD_DB / 10):
        return False
    return one.peak >= top * 10 ** (BREATH_DB / 10) or one.pitch >= VOICED


def is_part(one: Stretch, kept: list[Stretch], words: list[Stretch], top: float) -> bool:
    """Whether a stretch that is no word belongs to those that are kept, which include the words."""
    gap = one.gap(kept)
    if one.click:
        if one.peak > top * 10 ** (BURST_DB / 10) or gap > SYLLABLE_GAP_FRAMES:
            return False
        closed = any(0 <= one.start - word.stop <= CLOSURE_FRAMES for word in words)
        reach = CLICK_GAP_FRAMES if one.length <= BARE_FRAMES else FAINT_GAP_FRAMES
        return (
            (one.length > 1 and (closed or gap <= reach))
            or one.pitch >= CLEARLY_VOICED
            or (gap <= CLOSURE_FRAMES and one.pitch >= VOICED)
        )
    if one.peak < top * 10 ** (PART_DB / 10):
        return (
            one.gap([other for other in kept if other.peak >= top * 10 ** (PART_DB / 10)]) <= FAINT_GAP_FRAMES
        )
    return gap <= (CLOSURE_FRAMES if one.length <= BURST_FRAMES else FRICATIVE_GAP_FRAMES)


def in_samples(
    frames: Frames, stretches: list[Stretch], evidence: Evidence, fine: NDArray[np.float64]
) -> tuple[tuple[int, int], ...]:
    """First and one-past-last samples of stretches, corrected for the reach of windows and for hidden ends.

    Args:
        frames: The clip.
        stretches: Stretches of the clip, in frames.
        evidence: Evidence for speech in the clip.
        fine: Emphasised levels of 10 ms each in dB, (F,).
    """
    silent = fine < decibels(evidence.least)
    before, after = round(evidence.hidden * START_HOLD), round(evidence.hidden * STOP_HOLD)
    bounds: list[tuple[int, int]] = []
    for stretch in stretches:
        start, stop = stretch.start, stretch.stop
        if evidence.faint[min(start + CLEAR_FRAMES - 1, stop - 1)]:
            start = max(0, start - before)
        if evidence.faint[max(stop - CLEAR_FRAMES, start)]:
            stop = min(len(fine), stop + after)
        start += int(np.argmin([*silent[start : min(start + WINDOW_REACH, stop - 1)], False]))
        stop -= int(np.argmin([*silent[max(stop - WINDOW_REACH, start + 1) : stop][::-1], False]))
        first = start * frames.hop
        if bounds and first <= bounds[-1][1]:
            first = bounds.pop()[0]
        bounds.append((first, min(len(frames.samples), stop * frames.hop)))
    return tuple(bounds)
