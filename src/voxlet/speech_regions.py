"""Where in a clip the speech is: every stretch of it, its bounds and level; trimming.

Frames are compared, band by band, with the clip's steady background, so that noise and hum cancel. What rises
above it makes stretches; of these, clicks, knocks and breath are left out, and pauses between words stay in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from voxlet.mains_hum import without_hum
from voxlet.speech_frames import (
    Frames,
    decibels,
    emphasise_speech,
    frame_levels,
    moving,
    moving_mean,
    pitch_strength,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from voxlet.audio import Samples

__all__ = [
    "SILENCE_DB",
    "SpeechRegions",
    "emphasise_speech",
    "find_speech",
    "frame_levels",
    "speech_bounds",
    "speech_rms",
    "trim",
]

SILENCE_DB = -40.0  # relative to the loudest speech: what is weaker is silence
DIGITAL_SILENCE_DB = -80.0  # relative to the loudest frame: below what a microphone's own noise is

# The quietest stretch of so many frames shows the noise floor; of a clip that was cut close to its word, five
# may reach into the word.
FLOOR_FRAMES, CLOSE_FLOOR_FRAMES = 5, 3
STEADY_DB = ((3.5, 9.0), (2.0, 6.0), (2.0, 6.0))  # mean over bands, any band: how like, in three rounds
SILENCE_REACH = 4  # frames that windows and a short fade take from a sound to digital silence
LOUDER_DB = 5.0  # than the background: another sound
HUM_DB = 3.0  # a background that loses this much by mains hum being taken off is hum
HUM_FRAMES = 15  # of background, to tell hum from other sounds
HEARD_BEHIND_HUM = 0.4  # of what was background: that much of a word may have been covered by hum
ABOVE_FLOOR_DB = 8.0  # what exceeds the floor by this is speech, where no background is steady
FLOOR_AT_MOST_DB = -22.0  # relative to the loudest speech: an unsteady floor above that is speech itself

# Log-likelihood ratios of 30 ms against the background: where speech begins and ends, what can belong to a
# word nearby, what can be a word. Each is also this many times what the background itself seldom exceeds.
SMOOTH_FRAMES, SELDOM_PERCENT = 3, 98.0
EDGE_NATS, PART_NATS, WORD_NATS = 4.0, 7.0, 20.0
EDGE_TIMES, PART_TIMES, WORD_TIMES = 1.3, 1.7, 4.0

SUSTAINED_FRAMES = 8  # a vowel lasts as long, a click in windows of 40 ms does not
CLICK_FRAMES, CLICK_SHARE = 4, 0.9  # a click has this share of its energy within so many frames
WORD_DB = -25.0  # relative to the loudest stretch: a word of the same label is not weaker
BREATH_DB = -10.0  # what has no pitch and is weaker is breath, unless it is close to a word
PART_DB = -34.0  # a part of a word with a silence before or after it is not weaker
# The longest silences within a word, as windows of 40 ms see them: 20 to 40 ms shorter than they are.
BURST_FRAMES, CLOSURE_FRAMES = 12, 13  # a sound of up to so many frames, and the closure before it
FRICATIVE_GAP_FRAMES = 8  # between a longer sound, such as an s, and the rest of the word
FAINT_GAP_FRAMES = 5  # before and after what is fainter than a part
CLICK_GAP_FRAMES, BARE_FRAMES = 2, 7  # of a click before a word, if it is so short that nothing rings on
SYLLABLE_GAP_FRAMES = 25  # between a short vowel and what follows a long consonant
BURST_DB = 3.0  # a burst or a short vowel beside a word is not louder

# Correlation over a period: generated breath reached 0.58, and 99 % of words of four corpora 0.64 or more.
VOICED, CLEARLY_VOICED = 0.62, 0.8
LOUDEST_FRAMES, QUIET_FRAMES = 12, 20  # of a stretch, that are asked for a pitch; of the background, as many

# What noise hides of a word's ends: frames added where the background lies HIDDEN_DB above the threshold.
START_HOLD, STOP_HOLD, HIDDEN_DB = 1, 2, 30.0
# Not at an abrupt end, where the fourth frame reaches this much, or this share of the highest in the clip.
CLEAR_FRAMES, CLEAR_NATS, CLEAR_SHARE = 4, 1000.0, 0.2
WINDOW_REACH = 2  # frames by which windows see an edge too early


@dataclass(frozen=True)
class SpeechRegions:
    """Where the speech of a clip is.

    Attributes:
        start: First sample of the speech; 0 where none was told from the background.
        stop: One past its last sample; the clip's length where none was told.
        regions: First and one-past-last sample of each stretch, in order, apart by pauses; may be none.
        level_db: Level of the loudest 80 ms of speech in dB re full scale, weighted as by `emphasise_speech`.
        floor_db: Level of the background, weighted alike.
        ends_db: Levels of the clip's first and last 10 ms, weighted alike.
        silence_found: Whether anything quieter than the speech was found; if not, bounds may lie in noise, or
            the clip was cut close to its word.
    """

    start: int
    stop: int
    regions: tuple[tuple[int, int], ...]
    level_db: float
    floor_db: float
    ends_db: tuple[float, float]
    silence_found: bool

    @property
    def contrast_db(self) -> float:
        """How far the speech is above the background."""
        return self.level_db - self.floor_db

    def rms(self, samples: Samples) -> float:
        """Root mean square of the clip's speech alone; of the whole clip (T,) where no speech was found."""
        regions = self.regions or ((0, len(samples)),)
        energy = sum(float(np.square(samples[start:stop], dtype=np.float64).sum()) for start, stop in regions)
        return float(np.sqrt(energy / max(1, sum(stop - start for start, stop in regions))))


def find_speech(samples: Samples, rate: int, threshold_db: float = SILENCE_DB) -> SpeechRegions:
    """All speech-like stretches of a clip.

    Args:
        samples: The clip, (T,).
        rate: In Hz.
        threshold_db: What is weaker than this, relative to the loudest speech, is silence.
    """
    if len(samples) == 0 or not np.any(samples):
        return SpeechRegions(0, len(samples), (), -np.inf, -np.inf, (-np.inf, -np.inf), silence_found=False)
    frames = Frames(samples - np.float32(samples.mean(dtype=np.float64)), rate)
    heard = seen = look(frames, threshold_db)
    if seen.evidence.hidden > 0 and seen.background.frames.sum() >= HUM_FRAMES:
        seen = look_behind_hum(seen, threshold_db) or seen
    stretches = choose(seen.frames, seen.evidence, seen.background)
    fine = frame_levels(emphasise_speech(seen.frames.samples, rate), rate)
    bounds = in_samples(seen.frames, stretches, seen.evidence, fine)
    ends = fine if seen is heard else frame_levels(emphasise_speech(frames.samples, rate), rate)
    level_db, floor_db = decibels(seen.evidence.top), decibels(heard.background.level)
    return SpeechRegions(
        start=bounds[0][0] if bounds else 0,
        stop=bounds[-1][1] if bounds else len(samples),
        regions=bounds,
        level_db=level_db,
        floor_db=floor_db,
        ends_db=(float(ends[0]), float(ends[-1])),
        silence_found=heard.background.steady or floor_db < level_db + FLOOR_AT_MOST_DB,
    )


def speech_bounds(samples: Samples, rate: int, threshold_db: float = SILENCE_DB) -> tuple[int, int]:
    """First and one-past-last sample of the speech in a clip, pauses included, as `find_speech` finds it."""
    found = find_speech(samples, rate, threshold_db)
    return found.start, found.stop


def trim(samples: Samples, rate: int, threshold_db: float = SILENCE_DB, margin: float = 0.0) -> Samples:
    """Cut leading and trailing silence, keeping at most `margin` seconds of it on each side."""
    start, stop = speech_bounds(samples, rate, threshold_db)
    extra = round(margin * rate)
    return samples[max(0, start - extra) : stop + extra]


def speech_rms(samples: Samples, rate: int) -> float:
    """Root mean square of a clip's speech alone; of the whole clip where no speech was found."""
    return find_speech(samples, rate).rms(samples)


class Search(NamedTuple):
    """How a steady background is looked for.

    Attributes:
        fade: Frames at each end that may lie below it, since the clip is faded in and out.
        fewest: So many frames that are alike in all bands are no sound of speech beside others.
        averaged: The quietest mean of so many frames is the first guess at its power.
        bias: How far that lies below its mean.
        above_db: The loudest 50 ms are so far above it, or it is the sound itself.
    """

    fade: int
    fewest: int
    averaged: int
    bias: float
    above_db: float


# Last, of a clip that was cut close to its word: a third as many frames, where the word is clearly louder.
SEARCHES = (
    *(Search(fade, 15, FLOOR_FRAMES, 1.3, LOUDER_DB) for fade in (0, 10, 20)),
    Search(0, 5, CLOSE_FLOOR_FRAMES, 2.0, 20.0),
)


@dataclass(frozen=True)
class Background:
    """What a clip sounds like where nobody speaks.

    Attributes:
        level: Its emphasised mean square.
        steady: Whether it sounds alike for long enough to be told apart from speech.
        powers: Its mean squares in bands, (M,), where it is steady.
        frames: Which frames are background alone, (F,).
    """

    level: float
    steady: bool
    powers: NDArray[np.float64]
    frames: NDArray[np.bool_]


def find_background(powers: NDArray[np.float64], level: NDArray[np.float64]) -> Background:
    """The steady background of band powers (F, M) and levels (F,), or their quietest stretch.

    A background adds to everything, so no frame is below it in any band. Its first guess is each band's
    minimum (Martin, "Noise power spectral density estimation based on optimal smoothing and minimum
    statistics", 2001); frames near that in all bands give the mean. Digital silence is no sound, and what is
    faded in or out at the ends may lie lower.
    """
    silent = level <= level.max() * 10 ** (DIGITAL_SILENCE_DB / 10)
    beside_silence = np.convolve(silent, np.ones(2 * SILENCE_REACH + 1), "same") > 0
    sustained = moving(level, min(FLOOR_FRAMES, len(level)), np.minimum).max()
    live = np.flatnonzero(~silent)
    inner = powers[live]
    for fade, fewest, averaged, bias, above_db in SEARCHES:
        middle = inner[fade : len(inner) - fade]
        if len(middle) < 2 * fewest:
            continue
        mean = bias * moving_mean(middle, averaged).min(axis=0)
        for average_db, any_db in STEADY_DB:
            excess = 10 * np.log10(inner / mean)
            alike = (np.abs(excess.mean(axis=1)) < average_db) & (excess.max(axis=1) < any_db)
            if alike.sum() < fewest:
                break
            mean = inner[alike].mean(axis=0)
        else:
            floor = float(level[live[alike]].mean())
            louder = level > floor * 10 ** (LOUDER_DB / 10)
            # Nothing in front of a background is heard beside digital silence.
            if sustained > floor * 10 ** (above_db / 10) and not (louder & beside_silence).any():
                return Background(floor, True, mean, np.isin(np.arange(len(level)), live[alike]))
    floor = float(moving_mean(level, min(CLOSE_FLOOR_FRAMES, len(level))).min())
    return Background(floor, False, powers.min(axis=0), np.zeros(len(level), np.bool_))


@dataclass(frozen=True)
class Evidence:
    """What speaks for speech in each frame.

    Attributes:
        speech: Emphasised mean square above the background, (F,).
        top: That of the loudest sustained speech.
        least: What is weaker is silence.
        edge: Frames that belong to a stretch, (F,).
        part: Those that can belong to a word nearby, (F,).
        word: Those that can be a word, (F,).
        faint: Frames that are so little above the background that it may hide others beyond, (F,).
        hidden: From 0 to 1, how much of a word's ends the background hides.
    """

    speech: NDArray[np.float64]
    top: float
    least: float
    edge: NDArray[np.bool_]
    part: NDArray[np.bool_]
    word: NDArray[np.bool_]
    faint: NDArray[np.bool_]
    hidden: float


def weigh(
    powers: NDArray[np.float64],
    level: NDArray[np.float64],
    background: Background,
    freedom: NDArray[np.float64],
    threshold_db: float,
) -> Evidence:
    """Evidence for speech in band powers (F, M) and levels (F,) over a background."""
    speech = np.maximum(level - background.level, 1e-14) if background.steady else level
    top = float(moving(speech, min(SUSTAINED_FRAMES, len(speech)), np.minimum).max())
    least = top * 10 ** (threshold_db / 10)
    audible = speech >= least
    if not background.steady:
        above = background.level * 10 ** (ABOVE_FLOOR_DB / 10)
        audible &= level >= min(above, top * 10 ** (FLOOR_AT_MOST_DB / 10))
        return Evidence(speech, top, least, audible, audible, audible, ~audible, 0.0)
    ratio = np.maximum(powers / background.powers, 1)
    # Of a mean square with n degrees of freedom, r times its expectation: n / 2 (r - 1 - ln r).
    nats = (freedom / 2 * (ratio - 1 - np.log(ratio))).sum(axis=1)
    nats = moving_mean(np.pad(nats, SMOOTH_FRAMES // 2, mode="edge"), SMOOTH_FRAMES)
    # Beside other frames the mean over three is partly theirs.
    alone = moving(np.pad(background.frames, SMOOTH_FRAMES // 2, mode="edge"), SMOOTH_FRAMES, np.minimum)
    seldom = float(np.percentile(nats[alone], SELDOM_PERCENT)) if alone.any() else 0.0
    hidden = (decibels(background.level) - decibels(least)) / HIDDEN_DB
    return Evidence(
        speech,
        top,
        least,
        edge=audible & (nats >= max(EDGE_NATS, EDGE_TIMES * seldom)),
        part=audible & (nats >= max(PART_NATS, PART_TIMES * seldom)),
        word=audible & (nats >= max(WORD_NATS, WORD_TIMES * seldom)),
        faint=nats < min(CLEAR_NATS, CLEAR_SHARE * float(nats.max())),
        hidden=float(np.clip(hidden, 0, 1)),
    )


@dataclass(frozen=True)
class Look:
    """A clip in frames, its background, and what speaks for speech."""

    frames: Frames
    background: Background
    evidence: Evidence


def look(frames: Frames, threshold_db: float) -> Look:
    """What is background and what stands out of it."""
    table = frames.band_powers()
    powers, level = np.maximum(table[:, :-1], 1e-14), np.maximum(table[:, -1], 1e-14)
    background = find_background(powers, level)
    return Look(frames, background, weigh(powers, level, background, frames.bands().freedom, threshold_db))


def look_behind_hum(seen: Look, threshold_db: float) -> Look | None:
    """The same without mains hum, where most of the steady background is hum; else None."""
    frames = seen.frames
    quiet = np.repeat(seen.background.frames, frames.hop)[: len(frames.samples)]
    cleared = without_hum(frames.samples, quiet, frames.rate)
    if cleared is None:
        return None
    behind = look(Frames(cleared.astype(np.float32), frames.rate), threshold_db)
    less = behind.background.level < seen.background.level * 10 ** (-HUM_DB / 10)
    # What was quiet stays so; else something was left of the hum that is taken for speech.
    heard = float(behind.evidence.edge[seen.background.frames].mean())
    return behind if behind.background.steady and less and heard < HEARD_BEHIND_HUM else None


@dataclass(frozen=True)
class Stretch:
    """Frames from `start` to before `stop`, and what they are like.

    Attributes:
        start: First frame.
        stop: One past the last frame.
        peak: Highest emphasised mean square above the background.
        click: Whether nearly all of its energy lies within 40 ms.
        word: Whether some frame can be a word.
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
        """In frames."""
        return self.stop - self.start

    def gap(self, others: list[Stretch]) -> int:
        """Frames between this stretch and the nearest of others; there is at least one."""
        return min(max(other.start - self.stop, self.start - other.stop) for other in others)


def choose(frames: Frames, evidence: Evidence, background: Background) -> list[Stretch]:
    """The stretches that are speech: words, and what is close enough to one to be part of it."""
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
    """The stretch from one frame to before another, its pitch not yet measured."""
    speech = evidence.speech[start:stop]
    dense = moving(speech, min(CLICK_FRAMES, len(speech)), np.add).max()
    click = bool(dense >= CLICK_SHARE * speech.sum())
    return Stretch(start, stop, float(speech.max()), click, bool(evidence.word[start:stop].any()), pitch=0.0)


def loudest_frames(evidence: Evidence, start: int, stop: int) -> NDArray[np.int64]:
    """Indices of the loudest frames from one to before another."""
    return start + np.argsort(-evidence.speech[start:stop], kind="stable")[:LOUDEST_FRAMES]


def is_word(one: Stretch, top: float) -> bool:
    """Whether a stretch is a word by itself, where the loudest that is no click has the peak `top`."""
    if one.click or not one.word or one.peak < top * 10 ** (WORD_DB / 10):
        return False
    return one.peak >= top * 10 ** (BREATH_DB / 10) or one.pitch >= VOICED


def is_part(one: Stretch, kept: list[Stretch], words: list[Stretch], top: float) -> bool:
    """Whether a stretch that is no word belongs to those that are kept, of which some are words."""
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
    """First and one-past-last sample of stretches: less what windows saw too early, more what noise hides.

    Args:
        frames: The clip.
        stretches: Of it, in frames.
        evidence: For speech.
        fine: Emphasised levels in dB of 10 ms each, (F,).
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
