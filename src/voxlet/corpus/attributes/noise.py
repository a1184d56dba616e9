"""Noise floor and bandwidth of a clip."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from voxlet.corpus.attributes.spectrum import WINDOW
from voxlet.trimming.frames import moving_mean

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

    from voxlet.corpus.attributes.spectrum import ClipSpectrum

NOISE_RANGE = (-80.0, 20.0)  # dB re the speech: beyond it nothing is told apart

SUSTAINED_FRAMES = 3  # a sound in a third octave lasts as long
ABOVE_FLOOR_DB = 10.0  # what exceeds the floor by this is sound
# Below the loudest third octave's density: what leaks from it, and what rounding leaves, is no sound.
AUDIBLE_DB = -60.0
EDGE_SHARE = 0.95  # of the highest band's sound lies below the bandwidth
REACHED = 0.9  # quantile of a speaker's clips: not every word has sound up to the end of the band
FEWEST_CLIPS = 5  # of a speaker, that tell how his recordings are
NARROWER = 0.8  # of the band that the rate allows: what ends below is narrow


def noise_db(spectrum: ClipSpectrum) -> float:
    """Level of the background in dB re the speech, both weighted as by `emphasise_speech`; -80 to 20."""
    weights = spectrum.thirds.emphasis
    speech = float((spectrum.loudness * weights).sum())
    noise = float((spectrum.floor * weights).sum())
    ratio = 10 * np.log10(max(noise, 1e-30) / max(speech, 1e-30))
    return float(np.clip(ratio, *NOISE_RANGE))


def bandwidth_hz(spectrum: ClipSpectrum) -> float:
    """Up to which frequency there is sound that comes and goes, in Hz.

    The highest third octave whose loudest 30 ms stand 10 dB out of its background and are not 60 dB weaker,
    for each Hz, than the loudest third octave's; of this one, below where nearly all of that sound lies.
    Steady noise is no bandwidth.
    """
    live = spectrum.bands[spectrum.live]
    loudest = moving_mean(live, min(SUSTAINED_FRAMES, len(live))).max(axis=0)
    width = np.maximum(spectrum.thirds.members.sum(axis=0), 1)
    density = loudest / width
    sounds = loudest > spectrum.floor * 10 ** (ABOVE_FLOOR_DB / 10)
    sounds &= density > density.max() * 10 ** (AUDIBLE_DB / 10)
    highest = int(np.flatnonzero(sounds)[-1]) if sounds.any() else 0
    bins = np.flatnonzero(spectrum.thirds.members[:, highest])
    frame = int(np.argmax(np.where(spectrum.live, spectrum.bands[:, highest], -1.0)))
    near = spectrum.power[max(0, frame - 1) : frame + 2, bins].mean(axis=0)
    share = np.cumsum(near) / max(float(near.sum()), 1e-30)
    last = bins[min(int(np.searchsorted(share, EDGE_SHARE)), len(bins) - 1)]
    return float(last * spectrum.rate / round(WINDOW * spectrum.rate))


def narrow_clips(
    bandwidths: NDArray[np.float64], allowed: NDArray[Any] | float
) -> tuple[float, NDArray[Any]]:
    """Up to where one speaker's clips have sound, and for which that is clearly less than their rates allow.

    A telephone's or a headset's recording may have been saved at any rate.

    Args:
        bandwidths: Of the clips, as `bandwidth_hz` gives them, Hz (B,); NaN where one shows none.
        allowed: What their rates allow, Hz (B,).

    Returns:
        Hz, not a number where too few clips show it; and which clips are narrow, (B,) of truth values.
    """
    known = bandwidths[np.isfinite(bandwidths)]
    reached = float(np.quantile(known, REACHED)) if len(known) >= FEWEST_CLIPS else float("nan")
    return reached, np.asarray(reached < NARROWER * np.broadcast_to(allowed, bandwidths.shape))
