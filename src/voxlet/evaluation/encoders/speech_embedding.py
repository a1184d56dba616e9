"""Embedding of what is said in a clip: Google's speech embedding (Lin et al. 2020, arXiv:2002.01322).

A convolutional network that was trained to recognise 5,000 keywords in other people's recordings (Apache 2.0;
`tools/fetch_encoders.py` fetches its file). Its input is 60 to 3,800 Hz, in windows of 0.76 s. For wide-band
clips, the levels of higher bands are appended to its output. Shapes: B clips, T samples, M bands, F frames,
D features.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlet import audio
from voxlet.errors import ScoreError
from voxlet.evaluation.classifiers.inputs import FLOOR, InputConfig, centred, normalise
from voxlet.speak.runtime import import_onnxruntime
from voxlet.spectral.mel import mel_filters
from voxlet.spectral.window import hann

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

FILE = Path(__file__).with_name("speech_embedding.onnx")
VERSION = 1  # raise it when the same clip gives other features

RATE = 16_000  # Hz
SIZE, HOP, N_FFT = 400, 160, 512  # samples
BANDS, LOWEST, HIGHEST = 32, 60.0, 3800.0  # Hz
MORE_BANDS, TOP = 8, 7600.0  # Hz; bands of wide-band clips above `HIGHEST`
WINDOW = 76  # frames that the network takes
STARTS = (-16, 0, 16)  # frames by which windows are shifted from the clip's centre
SPAN = 12  # frames over which levels of the upper bands are averaged
SECONDS = 1.5  # around a clip's centre: all windows, and a margin
SINGLE = 96  # features of one window
BATCH = 64  # windows at once
FULL_SCALE = 32_767  # the network was trained on 16-bit samples
# Power of a band of white noise at `SPEECH_RMS`, which is 0 in `log_mel`.
REFERENCE = (audio.SPEECH_RMS * FULL_SCALE) ** 2 * 3 / 8 * SIZE * N_FFT / RATE


def filters(wide: bool) -> NDArray[np.float32]:
    """Mel filters (M, bins): those of the network, and for wide-band clips further ones above them."""
    own = mel_filters(RATE, N_FFT, BANDS, low=LOWEST, high=HIGHEST)
    more = mel_filters(RATE, N_FFT, MORE_BANDS, low=HIGHEST, high=TOP)
    return np.concatenate([own, more]) if wide else own


def log_mel(samples: audio.Samples, rate: int, *, wide: bool = False) -> NDArray[np.float32]:
    """Natural-log mel power (M, F) of one clip (T,), trimmed and levelled; 0 is white noise at `SPEECH_RMS`.

    Unless `wide`, the clip is normalised at 8 kHz, as for any classifier at telephone bandwidth.
    """
    config = InputConfig(rate=RATE) if wide else InputConfig()
    sound = audio.resample(normalise(samples, rate, config), config.rate, RATE)
    sound = centred(sound, round(SECONDS * RATE))
    frames = np.lib.stride_tricks.sliding_window_view(sound * np.float32(FULL_SCALE), N_FFT)[::HOP]
    window = np.pad(hann(SIZE), (N_FFT - SIZE) // 2).astype(np.float32)
    power = np.square(np.abs(np.fft.rfft(frames * window)))
    bands = filters(wide) @ power.T.astype(np.float32)
    return np.asarray(np.log(bands / np.float32(REFERENCE) + FLOOR), dtype=np.float32)


def log_mels(sounds: Sequence[audio.Samples], rate: int, *, wide: bool = False) -> NDArray[np.float32]:
    """Log-mel spectrograms (B, M, F) of clips, each (T,) at `rate`.

    Raises:
        ScoreError: There are no clips.
    """
    if not sounds:
        raise ScoreError("there are no clips to classify")
    return np.stack([log_mel(sound, rate, wide=wide) for sound in sounds])


def embed(spectrograms: NDArray[np.float32]) -> NDArray[np.float32]:
    """Features (B, D) of log-mel spectrograms (B, M, F): of all windows, then levels of the upper bands."""
    network = session()
    (name,) = (one.name for one in network.get_inputs())
    # The network was trained on the decimal logarithm of the power of 16-bit samples, plus 2.
    heard = spectrograms[:, :BANDS].transpose(0, 2, 1)
    scaled = heard / np.float32(np.log(10)) + np.float32(np.log10(REFERENCE) + 2)
    middle = (scaled.shape[1] - WINDOW) // 2
    windows = np.stack([scaled[:, middle + start : middle + start + WINDOW] for start in STARTS], axis=1)
    flat = windows.reshape(-1, WINDOW, BANDS, 1).astype(np.float32)
    found = [
        network.run(None, {name: flat[row : row + BATCH]})[0].reshape(-1, SINGLE)
        for row in range(0, len(flat), BATCH)
    ]
    upper = spectrograms[:, BANDS:]
    whole = upper.shape[2] // SPAN * SPAN
    spans = upper[:, :, :whole].reshape(len(upper), -1, SPAN).mean(axis=2)
    return np.concatenate(
        [np.concatenate(found).reshape(len(spectrograms), -1), spans.reshape(len(upper), -1)], axis=1
    )


@lru_cache(maxsize=1)
def session() -> Any:  # ONNX Runtime has no types
    """The network, opened once."""
    runtime = import_onnxruntime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1  # for such a small network, synchronising threads costs more
    return runtime.InferenceSession(str(FILE), options, providers=["CPUExecutionProvider"])
