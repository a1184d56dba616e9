"""Speaker embedding: Resemblyzer's voice encoder (Wan et al. 2018, arXiv:1710.10467; C. Jemine, 2019).

A recurrent network that was trained to tell thousands of speakers of other recordings apart (Apache 2.0;
`tools/fetch_encoders.py` fetches its weights, in half precision). It needs some seconds of speech, so words
are joined into strings. Shapes: B utterances, T samples, F frames, M bands, D features.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from voxlet import audio
from voxlet.evaluation.classifiers.inputs import InputConfig, normalise
from voxlet.spectral.mel import mel_filters
from voxlet.spectral.window import hann

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

FILE = Path(__file__).with_name("voice_encoder.safetensors")

RATE = 16_000  # Hz
SIZE, HOP, BANDS = 400, 160, 40
HIDDEN, LAYERS, FEATURES = 256, 3, 256
SLICE, STEP = 160, 77  # frames: length of a slice of an utterance, and step between slices
COVERED = 0.75  # share of the last slice that the utterance fills, at least
LEVEL = 10 ** (-30 / 20)  # RMS to which an utterance is scaled
GAP_SECONDS = 0.05  # between words


class VoiceEncoder(nn.Module):
    """Mel power (B, F, M) to points (B, D) on the unit sphere, with non-negative coordinates."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(BANDS, HIDDEN, LAYERS, batch_first=True)
        self.linear = nn.Linear(HIDDEN, FEATURES)

    def forward(self, mel: Tensor) -> Tensor:
        """The points (B, D) of mel power (B, F, M)."""
        _, (hidden, _) = self.lstm(mel)
        return nn.functional.normalize(torch.relu(self.linear(hidden[-1])), dim=1)


@lru_cache(maxsize=1)
def voice_encoder() -> VoiceEncoder:
    """The network, opened once."""
    from safetensors.torch import load_file

    network = VoiceEncoder()
    network.load_state_dict({name: value.float() for name, value in load_file(FILE).items()})
    return network.eval()


def mel_power(samples: audio.Samples) -> NDArray[np.float32]:
    """Mel power (F, M) of an utterance (T,) at 16 kHz."""
    padded = np.pad(samples, SIZE // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, SIZE)[::HOP]
    power = np.square(np.abs(np.fft.rfft(frames * hann(SIZE))))
    return np.asarray(power.astype(np.float32) @ mel_filters(RATE, SIZE, BANDS).T, dtype=np.float32)


@torch.inference_mode()
def embed(utterance: audio.Samples) -> NDArray[np.float64]:
    """The point (D,) of an utterance (T,) at 16 kHz: the mean over its slices, scaled to unit length."""
    mel = mel_power(audio.level(utterance, LEVEL, peak=np.inf))
    starts = list(range(0, max(1, len(mel) - SLICE + STEP), STEP))
    if len(starts) > 1 and len(mel) - starts[-1] < COVERED * SLICE:
        starts.pop()
    padded = np.pad(mel, ((0, max(0, starts[-1] + SLICE - len(mel))), (0, 0)))
    slices = np.stack([padded[start : start + SLICE] for start in starts])
    point = voice_encoder()(torch.from_numpy(slices)).double().mean(dim=0)
    return np.asarray((point / point.norm()).numpy(), dtype=np.float64)


def strung(sounds: Sequence[audio.Samples], rate: int, band_rate: int) -> audio.Samples:
    """Trim, level and join words, each (T,) at `rate`: at 16 kHz, with nothing above `band_rate` / 2."""
    config = InputConfig(rate=min(band_rate, RATE))
    words = [normalise(sound, rate, config) for sound in sounds]
    return audio.resample(audio.join(words, config.rate, GAP_SECONDS), config.rate, RATE)
