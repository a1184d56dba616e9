"""Naturalness by DNSMOS, a network that predicts listeners' scores (Reddy et al. 2021, 2022), 1 to 5.

All clips, real or generated, follow one protocol: they are band-limited (once to 4 kHz, once to their own
band), trimmed, levelled, and joined with short pauses into strings of nine seconds, the input of DNSMOS.
Single words are too short for DNSMOS, and it was trained at 16 kHz, so only figures of this protocol compare.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlet import audio
from voxlet.errors import ScoreError
from voxlet.evaluation.classifiers.inputs import InputConfig, normalise
from voxlet.evaluation.intervals import Interval, bootstrap
from voxlet.extras import import_extra
from voxlet.speak.runtime import import_onnxruntime

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from voxlet.evaluation.metric import Figures

FEWEST_STRINGS = 12
STRING_SECONDS = 9.0
GAP_SECONDS = 0.1
DNSMOS_RATE = 16_000  # Hz, what DNSMOS takes
TELEPHONE_RATE = 8000  # Hz; every clip has the whole band at this rate
# DNSMOS takes 9.01 s. A string that is played twice has nine windows, one second apart: these three give the
# mean of all nine within 0.005, in a third of the time. The first window, which begins with a word, scores
# lower.
WINDOWS = (2, 5, 8)
WINDOW_SECONDS = 9.01
ANSWERS = {
    "overall": "ovrl_mos",
    "signal": "sig_mos",
    "background": "bak_mos",
    "p808": "p808_mos",
}  # the names of speechmos, by scale


def strings(
    sounds: Sequence[audio.Samples],
    rate: int,
    *,
    band_rate: int = 8000,
    count: int | None = None,
    seed: int = 0,
) -> list[audio.Samples]:
    """Join clips in random order into `count` strings of 9 s at 16 kHz, with nothing above `band_rate` / 2.

    Every clip is used before any is used again. Without `count`, there are as many strings as it takes to use
    every clip, and at least twelve.

    Raises:
        ScoreError: There are no clips.
    """
    if not sounds:
        raise ScoreError("there are no clips to string together")
    config = InputConfig(rate=band_rate)
    rng = np.random.default_rng(seed)
    order: list[int] = rng.permutation(len(sounds)).tolist()
    used = 0
    found: list[audio.Samples] = []
    size = round(STRING_SECONDS * band_rate)
    normalised = functools.cache(lambda row: normalise(sounds[row], rate, config))  # few clips recur often
    while len(found) < (FEWEST_STRINGS if count is None else count) or (count is None and used < len(sounds)):
        parts: list[audio.Samples] = []
        length = 0
        while length < size:
            order = order or rng.permutation(len(sounds)).tolist()
            parts += [normalised(order.pop()), audio.silence(GAP_SECONDS, band_rate)]
            used += 1
            length += len(parts[-2]) + len(parts[-1])
        found.append(audio.resample(np.concatenate(parts)[:size], band_rate, DNSMOS_RATE))
    return found


def dnsmos(
    sounds: Sequence[audio.Samples],
    rate: int,
    *,
    band_rate: int = 8000,
    count: int | None = None,
    seed: int = 0,
) -> dict[str, Interval]:
    """DNSMOS overall, signal, background and P.808 of clips (T,) at `rate`, by scale: means over strings.

    Raises:
        ScoreError: There are no clips.
        MissingExtraError: DNSMOS is not installed.
    """
    import_onnxruntime()  # before speechmos imports it in its own way
    network = import_extra("speechmos.dnsmos", "study")
    found = strings(sounds, rate, band_rate=band_rate, count=count, seed=seed)
    table = np.array([_heard(network, np.clip(string, -1, 1)) for string in found])
    return {scale: bootstrap(table[:, column], seed=seed) for column, scale in enumerate(ANSWERS)}


def _heard(network: Any, string: audio.Samples) -> list[float]:  # speechmos has no types
    """DNSMOS of a string (T,), one number per scale."""
    twice, size = np.tile(string, 2), int(WINDOW_SECONDS * DNSMOS_RATE)
    starts = [second * DNSMOS_RATE for second in WINDOWS]
    answers = [network.run(twice[start : start + size], sr=DNSMOS_RATE) for start in starts]
    return [float(np.mean([answer[key] for answer in answers])) for key in ANSWERS.values()]


def evaluate(sounds: Sequence[audio.Samples], rate: int, *, seed: int = 0) -> Figures:
    """DNSMOS of clips (T,) at `rate`: at telephone bandwidth, and at their own rate."""
    found: Figures = {}
    for key, band_rate in {"dnsmos": TELEPHONE_RATE, "dnsmos_own_rate": min(rate, DNSMOS_RATE)}.items():
        if key == "dnsmos" or band_rate > TELEPHONE_RATE:
            scales: Mapping[str, Interval | str] = dnsmos(sounds, rate, band_rate=band_rate, seed=seed)
        else:
            scales = dict.fromkeys(ANSWERS, f"as above: the clips are at {rate:,} Hz")
        found |= {f"naturalness.{key}.{scale}": value for scale, value in scales.items()}
    return found
