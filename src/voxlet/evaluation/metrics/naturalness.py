"""Naturalness by DNSMOS, a network that predicts listeners' scores (Reddy et al. 2021, 2022), 1 to 5.

One protocol for all, real or made: clips are band-limited, trimmed, levelled, and strung together with short
pauses to the nine seconds that DNSMOS listens to. Single words are too short for it, and it was made for
16 kHz; only figures of this same protocol compare. Reconstructions also have a reference to be held against.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from voxlet import audio
from voxlet.errors import ScoreError
from voxlet.evaluation.classifiers.inputs import Hearing, condition, log_mel
from voxlet.evaluation.metrics.statistics import Interval, bootstrap
from voxlet.extras import import_extra
from voxlet.speak.runtime import import_onnxruntime

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

FEWEST_STRINGS = 12
STRING_SECONDS = 9.0
GAP_SECONDS = 0.1
LISTENING_RATE = 16_000  # Hz, what DNSMOS, PESQ and STOI listen at
SCALES = {"overall": "ovrl_mos", "signal": "sig_mos", "background": "bak_mos", "p808": "p808_mos"}


def strings(
    sounds: Sequence[audio.Samples],
    rate: int,
    *,
    band_rate: int = 8000,
    count: int | None = None,
    seed: int = 0,
) -> list[audio.Samples]:
    """`count` strings of clips in random order, 9 s each at 16 kHz, nothing above `band_rate` / 2.

    Every clip is used before any is used again. Without a count there are as many as it takes to hear every
    clip, and twelve at least.

    Raises:
        ScoreError: There are no clips.
    """
    if not sounds:
        raise ScoreError("there are no clips to string together")
    hearing = Hearing(rate=band_rate)
    rng = np.random.default_rng(seed)
    order: list[int] = rng.permutation(len(sounds)).tolist()
    heard = 0
    made: list[audio.Samples] = []
    size = round(STRING_SECONDS * band_rate)
    while len(made) < (FEWEST_STRINGS if count is None else count) or (count is None and heard < len(sounds)):
        parts: list[audio.Samples] = []
        length = 0
        while length < size:
            order = order or rng.permutation(len(sounds)).tolist()
            parts += [condition(sounds[order.pop()], rate, hearing), audio.silence(GAP_SECONDS, band_rate)]
            heard += 1
            length += len(parts[-2]) + len(parts[-1])
        made.append(audio.resample(np.concatenate(parts)[:size], band_rate, LISTENING_RATE))
    return made


def naturalness(
    sounds: Sequence[audio.Samples],
    rate: int,
    *,
    band_rate: int = 8000,
    count: int | None = None,
    seed: int = 0,
    tick: Callable[[], object] = lambda: None,
) -> dict[str, Interval]:
    """DNSMOS overall, signal, background and P.808 of clips (T,) at `rate`: means over strings.

    `tick` is called once a string.
    """
    import_onnxruntime()  # before speechmos imports it in its own way
    dnsmos = import_extra("speechmos.dnsmos", "study")
    rows = []
    for string in strings(sounds, rate, band_rate=band_rate, count=count, seed=seed):
        answer = dnsmos.run(np.clip(string, -1, 1), sr=LISTENING_RATE)
        rows.append([float(answer[key]) for key in SCALES.values()])
        tick()
    table = np.array(rows)
    return {name: bootstrap(table[:, column], seed=seed) for column, name in enumerate(SCALES)}


@dataclass(frozen=True)
class Fidelity:
    """How near reconstructions are to their originals, clip by clip; None: no clip was long enough for it."""

    log_mel_l1: Interval  # mean absolute difference, nepers of power
    pesq: Interval | None  # ITU-T P.862 (narrow band), about 1 to 4.5
    stoi: Interval | None  # Taal et al. 2011, 0 to 1


def fidelity(
    originals: Sequence[audio.Samples], copies: Sequence[audio.Samples], rate: int, *, band_rate: int = 8000
) -> Fidelity:
    """Compare each reconstruction with its original, both (T,) at `rate` and sample-aligned.

    PESQ and STOI are made for sentences: a clip is repeated, with pauses between, until it lasts 2 s.

    Raises:
        ScoreError: The two lists are not of one length, or are empty.
    """
    if len(originals) != len(copies) or not originals:
        raise ScoreError(f"{len(copies)} reconstructions of {len(originals)} clips cannot be compared")
    pesq, stoi = import_extra("pesq", "study"), import_extra("pystoi", "study")
    hearing = Hearing(rate=band_rate)
    near, quality, clear = [], [], []
    for original, copy in zip(originals, copies, strict=True):
        count = min(len(original), len(copy))
        if not count or audio.rms(original[:count]) == 0:
            continue
        # One gain for both: a reconstruction at the wrong level is a fault of its own.
        gain = np.float32(hearing.rms / audio.rms(original[:count]))
        pair = [audio.resample(sound[:count] * gain, rate, band_rate) for sound in (original, copy)]
        spectra = [hear_aligned(sound, hearing) for sound in pair]
        near.append(float(np.abs(spectra[0] - spectra[1]).mean()))
        repeats = -(-2 * band_rate // (len(pair[0]) + round(GAP_SECONDS * band_rate)))
        long = [audio.join([sound] * repeats, band_rate, GAP_SECONDS) for sound in pair]
        heard = [audio.resample(sound, band_rate, 8000) for sound in long]
        with contextlib.suppress(pesq.PesqError):  # it found no utterance in the original
            quality.append(float(pesq.pesq(8000, heard[0], heard[1], "nb")))
        clear.append(float(stoi.stoi(long[0], long[1], band_rate)))
    if not near:
        raise ScoreError("all clips are silent")
    return Fidelity(
        bootstrap(np.array(near)),
        bootstrap(np.array(quality)) if quality else None,
        bootstrap(np.array(clear)) if clear else None,
    )


def hear_aligned(samples: audio.Samples, hearing: Hearing) -> NDArray[np.float32]:
    """Log-mel (M, F) of a whole clip as it is: neither trimmed nor levelled."""
    whole = replace(
        hearing, seconds=max(hearing.hop, round(len(samples) / hearing.rate / hearing.hop) * hearing.hop)
    )
    return log_mel(samples, whole)
