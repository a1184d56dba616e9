"""Evidence for speech in each frame: how far the frame rises above the background, band by band."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from voxlet.trimming.background import STEADY_FRAMES, Background, find_background
from voxlet.trimming.frames import Frames, decibels, moving, moving_mean
from voxlet.trimming.hum import without_hum

if TYPE_CHECKING:
    from numpy.typing import NDArray

HUM_DB = 3.0  # a background that is this much weaker without mains hum is hum
HEARD_BEHIND_HUM = 0.4  # of the background's frames: fewer may be speech that the hum had covered
ABOVE_FLOOR_DB = 8.0  # above the floor: speech, if there is no steady background
FLOOR_AT_MOST_DB = -22.0  # relative to the loudest speech: an unsteady floor above this is speech itself

# Least log-likelihood ratios of 30 ms against the background: at the edge of speech, in a part of a nearby
# word, and in a word. Each is at least so many times the value that the background itself seldom exceeds.
SMOOTH_FRAMES, SELDOM_PERCENT = 3, 98.0
EDGE_NATS, PART_NATS, WORD_NATS = 4.0, 7.0, 20.0
EDGE_TIMES, PART_TIMES, WORD_TIMES = 1.0, 1.3, 3.0
CLOSE_TIMES = 1.3  # times the maximum of a background of few frames: what it seldom exceeds

SUSTAINED_FRAMES = 8  # a vowel lasts this long; a click, in windows of 40 ms, does not
HIDDEN_DB = 30.0  # a background this far above the threshold fully hides a word's ends
# Abrupt ends hide nothing: there, the fourth frame reaches this value, or this share of the clip's maximum.
CLEAR_NATS, CLEAR_SHARE = 1000.0, 0.2


@dataclass(frozen=True)
class Evidence:
    """Evidence for speech in each frame.

    Attributes:
        speech: Emphasised mean square above the background, (F,).
        top: Value of `speech` for the loudest sustained speech.
        least: Value of `speech` below which a frame is silence.
        edge: Frames that belong to a stretch, (F,).
        part: Frames that can be part of a nearby word, (F,).
        word: Frames that can be a word, (F,).
        faint: Frames so little above the background that it may hide further speech beyond them, (F,).
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
    # A mean square with n degrees of freedom, r times its expectation, gives n / 2 (r - 1 - ln r).
    nats = (freedom / 2 * (ratio - 1 - np.log(ratio))).sum(axis=1)
    nats = moving_mean(np.pad(nats, SMOOTH_FRAMES // 2, mode="edge"), SMOOTH_FRAMES)
    if background.frames.sum() >= STEADY_FRAMES:
        seldom = float(np.percentile(nats[background.frames], SELDOM_PERCENT))
    else:  # most of so few are next to the word, which leaks into the mean over three
        padded = np.pad(background.frames, SMOOTH_FRAMES // 2, mode="edge")
        alone = moving(padded, SMOOTH_FRAMES, np.minimum)
        seldom = CLOSE_TIMES * float(nats[alone].max(initial=0.0))
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
    """A clip in frames, its background, and the evidence for speech."""

    frames: Frames
    background: Background
    evidence: Evidence


def look(frames: Frames, threshold_db: float) -> Look:
    """The background of a clip, and the evidence for speech above it."""
    table = frames.band_powers()
    powers, level = np.maximum(table[:, :-1], 1e-14), np.maximum(table[:, -1], 1e-14)
    background = find_background(powers, level)
    return Look(frames, background, weigh(powers, level, background, frames.bands().freedom, threshold_db))


def look_behind_hum(seen: Look, threshold_db: float) -> Look | None:
    """The look at a clip without its mains hum; None unless its steady background is mostly hum."""
    if seen.background.frames.sum() < STEADY_FRAMES:
        return None
    frames = seen.frames
    quiet = np.repeat(seen.background.frames, frames.hop)[: len(frames.samples)]
    cleared = without_hum(frames.samples, quiet, frames.rate)
    if cleared is None:
        return None
    behind = look(Frames(cleared.astype(np.float32), frames.rate), threshold_db)
    less = behind.background.level < seen.background.level * 10 ** (-HUM_DB / 10)
    # Background frames must stay quiet; otherwise, remains of the hum are taken for speech.
    heard = float(behind.evidence.edge[seen.background.frames].mean())
    return behind if behind.background.steady and less and heard < HEARD_BEHIND_HUM else None
