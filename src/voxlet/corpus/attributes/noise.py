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

NOISE_RANGE = (-80.0, 20.0)  # dB re the speech; values outside are clipped

SUSTAINED_FRAMES = 3  # least duration of a sound in a third octave
ABOVE_FLOOR_DB = 10.0  # a band this far above the floor holds sound
# Re the density of the loudest third octave: anything weaker may be spectral leakage or rounding noise.
AUDIBLE_DB = -60.0
EDGE_SHARE = 0.95  # share of the highest band's sound that lies below the bandwidth
REACHED = 0.9  # quantile over a speaker's clips: not every word has sound up to the band limit
FEWEST_CLIPS = 5  # of a speaker, for a judgement
NARROWER = 0.8  # times the band that the rate allows: recordings that end below are narrow


def noise_db(spectrum: ClipSpectrum) -> float:
    """Level of the background in dB re the speech, both weighted like `emphasise_speech`; -80 to 20."""
    weights = spectrum.thirds.emphasis
    speech = float((spectrum.loudness * weights).sum())
    noise = float((spectrum.floor * weights).sum())
    ratio = 10 * np.log10(max(noise, 1e-30) / max(speech, 1e-30))
    return float(np.clip(ratio, *NOISE_RANGE))


def bandwidth_hz(spectrum: ClipSpectrum) -> float:
    """Highest frequency in Hz with sound that is not steady noise.

    It lies in the highest third octave whose loudest 30 ms are at least 10 dB above its background and whose
    density is within 60 dB of the loudest third octave's: the frequency below which 95 % of its sound lies.
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
    """The bandwidth of one speaker's clips, and for which clips it is clearly below what their rate allows.

    A recording from a telephone or headset may have been saved at any rate.

    Args:
        bandwidths: Bandwidth of each clip from `bandwidth_hz`, in Hz, (B,); NaN if unknown.
        allowed: Bandwidth that each clip's rate allows, in Hz, (B,).

    Returns:
        The speaker's bandwidth in Hz, NaN with too few clips; and a mask of the narrow clips, (B,).
    """
    known = bandwidths[np.isfinite(bandwidths)]
    reached = float(np.quantile(known, REACHED)) if len(known) >= FEWEST_CLIPS else float("nan")
    return reached, np.asarray(reached < NARROWER * np.broadcast_to(allowed, bandwidths.shape))
