"""Features of phase in a clip's waveform: how sharp and how synchronous the pulses of a voice are.

The vocal folds close once per period, which excites all frequencies at the same instant. Artificial phases,
such as Griffin-Lim's, smear these pulses in time, differently at each frequency, even if the amplitudes of
the spectrum are right. No feature here measures the spectrum, which would reveal who speaks. Axes: T samples,
F frames of W samples, M bands, K bins, D features.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from voxlet.spectral.window import hann

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from voxlet.audio import Samples

    Reals = NDArray[np.float64]
    Starts = NDArray[np.int64]  # (F,), the first sample of each selected frame

RATE = 8000  # Hz
FRAME, HOP = 320, 160  # samples: three periods of low voices, and half of that
FEWEST_FRAMES = 3  # the louder half of a clip's frames is used, but at least so many if the clip has them
ORDER, PREDICTED = 10, 240  # coefficients of linear prediction, and samples that they are fitted to
SMOOTHED = (1, 4, 12)  # samples over which an envelope is smoothed
SHARES = (1, 5, 10, 25, 50, 75, 90, 95, 99)  # percentiles of an envelope
PERIODS = slice(20, 110)  # lags of a voice's pitch, 73 to 400 Hz
FADING = (4, 8)  # lags within a pulse
BANDS = tuple((low, low + 600) for low in range(200, 3500, 400))  # Hz: wide enough for several harmonics
APART = (1, 2, 4)  # distances, in bands, between two envelopes that are compared
LAGS = 16  # samples by which one band's pulse may come before or after another's
DELAY_WINDOW, DELAY_HOP = 64, 8  # samples: less than a period, so that one pulse is seen at a time
DELAY_EDGES = (200, 900, 1600, 2300, 3000, 3700)  # Hz: edges of the bands whose delays are compared
TINY = 1e-9  # far below the level of a clip; avoids division by zero in digital silence


def features_of(sound: Samples) -> Reals:
    """Features (D,) of a clip (T,) at 8 kHz, trimmed and levelled.

    They are the mean and the 15th and 85th percentile of every measure over the louder half of the frames,
    which contains the voice.
    """
    samples = np.pad(sound.astype(np.float64), (0, max(0, FRAME - len(sound))))
    starts = loud_frames(samples)
    residual = prediction_residual(samples)
    measures = [pulses(residual, starts), synchrony(samples, starts), delays(residual, starts)]
    rows = np.concatenate(measures, axis=1)
    return np.concatenate([rows.mean(axis=0), *np.percentile(rows, (15, 85), axis=0)])


def loud_frames(samples: Reals) -> Starts:
    """First samples (F,) of the louder half of the frames."""
    starts = np.arange(0, len(samples) - FRAME + 1, HOP)
    energy = np.square(cut(samples, starts)).sum(axis=1)
    count = max(FEWEST_FRAMES, len(starts) // 2)
    return starts[np.sort(np.argsort(-energy, kind="stable")[:count])]


def cut(samples: Reals, starts: Starts) -> Reals:
    """Frames (..., F, W) of samples (..., T)."""
    return samples[..., starts[:, None] + np.arange(FRAME)]


def prediction_residual(samples: Reals) -> Reals:
    """Linear prediction residual (T,): the excitation, with a nearly flat spectrum.

    Coefficients are fitted every 15 ms by the autocorrelation method (Makhoul 1975, "Linear prediction: a
    tutorial review").
    """
    padded = np.pad(samples, (ORDER, PREDICTED))
    starts = np.arange(0, len(samples), PREDICTED // 2)
    window = np.hanning(PREDICTED)
    with_past = padded[starts[:, None] + np.arange(ORDER + PREDICTED)]
    own = autocorrelation(with_past[:, ORDER:] * window)[:, : ORDER + 1]
    own[:, 0] = 1.0005 * own[:, 0] + TINY  # a little noise, so that silence has a solution
    order = np.arange(ORDER)
    weights = np.linalg.solve(own[:, np.abs(order[:, None] - order)], own[:, 1:, None])[..., 0]
    inverse = np.concatenate([-weights[:, ::-1], np.ones((len(starts), 1))], axis=1)
    past = np.lib.stride_tricks.sliding_window_view(with_past, ORDER + 1, axis=1)
    pieces = np.einsum("fwo,fo->fw", past, inverse) * window
    total, weight = np.zeros(len(padded)), np.full(len(padded), TINY)
    for start, piece in zip(starts, pieces, strict=True):
        total[start : start + PREDICTED] += piece
        weight[start : start + PREDICTED] += window
    return np.asarray((total / weight)[: len(samples)])


def autocorrelation(frames: Reals) -> Reals:
    """Non-circular autocorrelation (F, W) of frames (F, W)."""
    count = frames.shape[1]
    return np.asarray(np.fft.irfft(np.abs(np.fft.rfft(frames, 2 * count)) ** 2)[:, :count])


def pulses(residual: Reals, starts: Starts) -> Reals:
    """Sharpness of the pulses of a residual (T,), (F, D).

    Percentiles of its squared envelope in dB relative to the frame's mean; its skewness, kurtosis and crest;
    the autocorrelation of the envelope after one period, and at short lags, which reflect a pulse's length.
    """
    envelope = np.abs(band_signals(residual, ((0, RATE // 2),))[0]) ** 2
    rows = []
    for width in SMOOTHED:
        kernel = np.hanning(width + 2)[1:-1]
        level = cut(np.convolve(envelope, kernel / kernel.sum(), "same"), starts)
        level = 10 * np.log10(level / (level.mean(axis=1, keepdims=True) + TINY) + 1e-4)
        rows.append(np.percentile(level, SHARES, axis=1).T)
    frames = cut(residual, starts)
    frames = frames - frames.mean(axis=1, keepdims=True)
    standard = frames / (frames.std(axis=1, keepdims=True) + TINY)
    skewness = (standard**3).mean(axis=1)
    shape = [
        skewness,
        np.abs(skewness),
        np.log((standard**4).mean(axis=1) + 1e-3),
        np.log(np.abs(standard).max(axis=1) + 1e-3),
    ]
    level = cut(envelope, starts)
    own = autocorrelation(level - level.mean(axis=1, keepdims=True))
    own /= own[:, :1] + TINY**2
    return np.column_stack([*rows, *shape, own[:, PERIODS].max(axis=1), own[:, FADING]])


def band_signals(samples: Reals, bands: tuple[tuple[int, int], ...]) -> NDArray[np.complex128]:
    """Analytic signals (M, T) of samples (T,) in bands given in Hz; their magnitudes are envelopes."""
    size = 1 << (len(samples) - 1).bit_length()
    frequencies = np.fft.rfftfreq(size, 1 / RATE)
    low, high = np.array(bands, dtype=np.float64).T[:, :, None]
    gains = 2 * np.exp(-(((2 * frequencies - low - high) / (high - low)) ** 4))
    spectra = np.zeros((len(bands), size), np.complex128)  # nothing at negative frequencies
    spectra[:, : len(frequencies)] = gains * np.fft.rfft(samples, size)
    return np.fft.ifft(spectra, axis=1)[:, : len(samples)]


def synchrony(samples: Reals, starts: Starts) -> Reals:
    """Synchrony of the log envelopes of bands, (F, D): their correlations, mean and spreads."""
    levels = cut(np.log(np.abs(band_signals(samples, BANDS)) + 1e-5), starts)  # (M, F, W)
    levels = levels - levels.mean(axis=2, keepdims=True)
    spread = levels.std(axis=2, keepdims=True)
    spectra = np.fft.rfft(levels / (spread * np.sqrt(FRAME) + TINY), 2 * FRAME)
    rows = []
    for apart in APART:
        crossed = np.fft.irfft(spectra[apart:] * spectra[:-apart].conj())
        near = np.concatenate([crossed[..., -LAGS:], crossed[..., : LAGS + 1]], axis=-1)
        best = near.max(axis=-1)
        rows += [best.mean(axis=0), best.min(axis=0), near[..., LAGS].mean(axis=0)]
    together = levels.mean(axis=0)
    deviation = together.std(axis=1) + TINY
    skewness = (together**3).mean(axis=1) / deviation**3
    ends = np.percentile(together, (5, 95), axis=1)
    return np.column_stack([*rows, deviation, skewness, *ends, *spread[..., 0]])


def delays(residual: Reals, starts: Starts) -> Reals:
    """Spread of the group delays over frequency at one moment, in windows, (F, D).

    The group delay of a bin is the position of its energy in the short window (Auger & Flandrin 1995). In a
    pulse it is the same for all bins. Each moment is weighted by its energy.
    """
    padded = np.pad(residual, (DELAY_WINDOW // 2, DELAY_WINDOW))
    moments = np.lib.stride_tricks.sliding_window_view(padded, DELAY_WINDOW)[: len(residual) : DELAY_HOP]
    place = np.arange(DELAY_WINDOW) / DELAY_WINDOW - 0.5
    window = hann(DELAY_WINDOW).astype(np.float64)
    bins = np.fft.rfftfreq(DELAY_WINDOW, 1 / RATE)
    inner = (bins >= DELAY_EDGES[0]) & (bins < DELAY_EDGES[-1])
    plain = np.fft.rfft(moments * window)[:, inner]
    timed = np.fft.rfft(moments * window * place)[:, inner]
    power = plain.real**2 + plain.imag**2
    delay = np.clip((timed * plain.conj()).real / (power + TINY), -0.5, 0.5)
    energy = power.sum(axis=1)
    mean = (power * delay).sum(axis=1) / (energy + TINY)
    variance = (power * (delay - mean[:, None]) ** 2).sum(axis=1) / (energy + TINY)
    member = np.digitize(bins[inner], DELAY_EDGES)[:, None] == np.arange(1, len(DELAY_EDGES))
    means = (power * delay) @ member / (power @ member + TINY)
    step = np.abs(np.diff(delay, axis=1)).mean(axis=1)
    moved = np.abs(np.diff(mean, append=mean[-1:]) + DELAY_HOP / DELAY_WINDOW)  # 0 if a pulse stays in place
    at = starts[:, None] // DELAY_HOP + np.arange(FRAME // DELAY_HOP)
    weight = energy[at] / (energy[at].sum(axis=1, keepdims=True) + TINY)
    return np.column_stack(
        [
            np.log((variance[at] * weight).sum(axis=1) + 1e-4),
            *np.percentile(np.sqrt(variance[at]), (10, 30, 50, 70, 90), axis=1),
            *(np.abs(np.diff(means, axis=1))[at] * weight[..., None]).sum(axis=1).T,
            (step[at] * weight).sum(axis=1),
            (moved[at] * weight).sum(axis=1),
            np.percentile(moved[at], 50, axis=1),
            np.log((np.abs(mean[at]) * weight).sum(axis=1) + 1e-3),
        ]
    )
