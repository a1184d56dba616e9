"""Fidelity of reconstructions to their real clips: log-mel distance, PESQ, STOI, and DNSMOS of both."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from voxlet import audio
from voxlet.errors import MissingExtraError, ScoreError
from voxlet.evaluation.classifiers.inputs import InputConfig, whole_log_mel
from voxlet.evaluation.intervals import Interval, bootstrap
from voxlet.evaluation.metrics.naturalness import GAP_SECONDS, dnsmos
from voxlet.extras import how_to_install, import_extra

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlet.evaluation.metric import Figures

PESQ_RATE = 8000  # Hz, of narrow-band PESQ
SENTENCE_SECONDS = 2  # PESQ and STOI are made for sentences
TOO_SHORT = "no clip was long enough"
NO_PESQ = f"PESQ is not installed: {how_to_install('pesq')}"


@dataclass(frozen=True)
class Fidelity:
    """Fidelity of reconstructions to their originals, clip by clip; a string says why a figure is missing."""

    log_mel_l1: Interval  # mean absolute difference, nepers of power
    pesq: Interval | str  # ITU-T P.862 (narrow band), about 1 to 4.5
    stoi: Interval | str  # Taal et al. 2011, 0 to 1


def fidelity(
    originals: Sequence[audio.Samples],
    reconstructions: Sequence[audio.Samples],
    rate: int,
    *,
    band_rate: int = 8000,
) -> Fidelity:
    """Compare each reconstruction with its original, both (T,) at `rate` and sample-aligned.

    PESQ and STOI are made for sentences, so a clip is repeated, with pauses, until it lasts 2 s.

    Raises:
        ScoreError: The two lists differ in length or are empty, or all clips are silent.
    """
    validate(originals, reconstructions)
    stoi = import_extra("pystoi", "study")
    try:
        pesq = import_extra("pesq", "pesq")
    except MissingExtraError:  # PESQ must be compiled on installation, so it may be missing
        pesq = None
    config = InputConfig(rate=band_rate)
    near, quality, clear = [], [], []
    for original, other in zip(originals, reconstructions, strict=True):
        count = min(len(original), len(other))
        if not count or audio.rms(original[:count]) == 0:
            continue
        # One gain for both, so that a wrong level of the reconstruction counts as an error.
        gain = np.float32(config.rms / audio.rms(original[:count]))
        pair = [audio.resample(sound[:count] * gain, rate, band_rate) for sound in (original, other)]
        spectra = [whole_log_mel(sound, config) for sound in pair]
        near.append(float(np.abs(spectra[0] - spectra[1]).mean()))
        repeats = -(-SENTENCE_SECONDS * band_rate // (len(pair[0]) + round(GAP_SECONDS * band_rate)))
        long = [audio.join([sound] * repeats, band_rate, GAP_SECONDS) for sound in pair]
        if pesq is not None:
            narrow = [audio.resample(sound, band_rate, PESQ_RATE) for sound in long]
            with contextlib.suppress(pesq.PesqError):  # PESQ found no utterance in the original
                quality.append(float(pesq.pesq(PESQ_RATE, narrow[0], narrow[1], "nb")))
        clear.append(float(stoi.stoi(long[0], long[1], band_rate)))
    if not near:
        raise ScoreError("all clips are silent")
    return Fidelity(
        bootstrap(np.array(near)),
        bootstrap(np.array(quality)) if quality else TOO_SHORT if pesq else NO_PESQ,
        bootstrap(np.array(clear)) if clear else TOO_SHORT,
    )


def validate(originals: Sequence[audio.Samples], reconstructions: Sequence[audio.Samples]) -> None:
    """Check that every clip has its reconstruction.

    Raises:
        ScoreError: The two lists differ in length, or are empty.
    """
    if len(originals) != len(reconstructions) or not originals:
        raise ScoreError(
            f"{len(reconstructions)} reconstructions of {len(originals)} clips cannot be compared"
        )


def evaluate(
    originals: Sequence[audio.Samples],
    reconstructions: Sequence[audio.Samples],
    rate: int,
    *,
    seed: int = 0,
) -> tuple[Figures, Figures]:
    """Metrics of reconstructions (T,) of clips (T,) at `rate`, and second DNSMOS of the clips themselves."""
    near = fidelity(originals, reconstructions, rate)
    scales = [dnsmos(sounds, rate, seed=seed) for sounds in (reconstructions, originals)]
    reconstructed, real = (
        {f"reconstruction.dnsmos.{scale}": value for scale, value in found.items()} for found in scales
    )
    return {
        **reconstructed,
        "reconstruction.log_mel_l1": near.log_mel_l1,
        "reconstruction.pesq": near.pesq,
        "reconstruction.stoi": near.stoi,
    }, {**real}
