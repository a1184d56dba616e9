"""Track the pitch of clips: the target of the wave VAE's harmonic source.

The autocorrelation is divided by that of its window (Boersma 1993, "Accurate short-term analysis of the
fundamental frequency"); the best path through it (Viterbi) avoids octave jumps. Our own tracker, since
librosa.pyin takes 54 times as long and gives no pitch in noise (docs/decisions/pitch-tracker.md).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from voxlet import audio
from voxlet.spectral.window import torch_hann

TRACKING_RATE = 8000  # Hz: periods have from 16 samples, at the highest pitch, to 130
LOWEST, HIGHEST = 60.0, 500.0  # Hz
WINDOW_SECONDS = 3 / LOWEST
OCTAVE_COST = 0.04  # per octave below the highest: of two periods that fit equally well, the shorter wins
JUMP_COST = 0.15  # per change of the lag by a quarter of itself between frames
REACH = 8  # lags by which the pitch may move from frame to frame
CHUNK = 128  # clips at a time


class Pitch(NamedTuple):
    """Pitch in Hz (N, F), with a value in every frame, and periodicity (N, F) in [0, 1]."""

    hz: Tensor
    voicing: Tensor


@torch.no_grad()
def track_pitch(waveforms: Tensor, rate: int, hop: int) -> Pitch:
    """Track the pitch of clips (N, T) every `hop` samples; frame f is centred on sample (f + 1/2) hop."""
    frames = waveforms.shape[1] // hop
    if rate != TRACKING_RATE:
        resampled = audio.resample(waveforms.cpu().numpy(), rate, TRACKING_RATE)
        waveforms = torch.from_numpy(resampled).to(waveforms.device)
    step = hop * TRACKING_RATE / rate
    parts = [_track(chunk, step, frames) for chunk in torch.split(waveforms, CHUNK)]
    return Pitch(torch.cat([p.hz for p in parts]), torch.cat([p.voicing for p in parts]))


def _track(waveforms: Tensor, step: float, frames: int) -> Pitch:
    size = round(WINDOW_SECONDS * TRACKING_RATE)
    window = torch_hann(size, device=waveforms.device)
    starts = ((torch.arange(frames, device=waveforms.device) + 0.5) * step).long()
    padded = F.pad(waveforms, (size // 2, size))
    pieces = padded[:, starts[:, None] + torch.arange(size, device=waveforms.device)]
    pieces = pieces - pieces.mean(-1, keepdim=True)
    first, last = int(TRACKING_RATE / HIGHEST), int(TRACKING_RATE / LOWEST) + 1
    lags = torch.arange(first, last + 1, device=waveforms.device)
    own = _autocorrelation(window, last + 2)
    power = _autocorrelation(pieces * window, last + 2)
    energy = power[..., :1]
    # A floor under the energy: digital silence is not periodic.
    strength = (power / (energy + 1e-4) / (own / own[0]))[..., first : last + 1]
    # Frames without a period weigh little: there, the path only connects one vowel to the next.
    weight = strength.amax(-1, keepdim=True).clamp(0, 1).square()
    score = weight * (strength - OCTAVE_COST * torch.log2(lags / first))
    best = _best_path(score)
    lag = lags[best] + _vertex(strength, best)
    voicing = strength.gather(-1, best[..., None])[..., 0].clamp(0, 1)
    return Pitch((TRACKING_RATE / lag).clamp(LOWEST, HIGHEST), voicing)


def _autocorrelation(x: Tensor, lags: int) -> Tensor:
    size = 2 ** (2 * x.shape[-1] - 1).bit_length()
    result: Tensor = torch.fft.irfft(torch.fft.rfft(x, size).abs().square(), size)[..., :lags]
    return result


def _best_path(score: Tensor) -> Tensor:
    """Lags (N, F) of the path with the highest sum of scores (N, F, lags) minus the cost of its jumps."""
    count, frames, lags = score.shape
    offsets = torch.arange(-REACH, REACH + 1, device=score.device)
    # A step of one lag is a larger change of pitch where lags are short.
    size = torch.arange(lags, device=score.device) + TRACKING_RATE / HIGHEST
    cost = JUMP_COST * 16 * (offsets.abs()[None] / size[:, None]) / 4
    total = score[:, 0]
    came: list[Tensor] = []
    for frame in range(1, frames):
        around = F.pad(total, (REACH, REACH), value=-torch.inf).unfold(1, 2 * REACH + 1, 1)
        highest, choice = (around - cost).max(-1)
        came.append(choice - REACH)
        total = highest + score[:, frame]
    path = [total.argmax(-1)]
    for back in reversed(came):
        path.append(path[-1] + back.gather(1, path[-1][:, None])[:, 0])
    return torch.stack(path[::-1], dim=1).view(count, frames)


def _vertex(strength: Tensor, best: Tensor) -> Tensor:
    """Offset from a peak to the top of the parabola through it and its neighbours, at most half a lag."""
    last = strength.shape[-1] - 1
    left, middle, right = (
        strength.gather(-1, (best + d).clamp(0, last)[..., None])[..., 0] for d in (-1, 0, 1)
    )
    bend = left - 2 * middle + right
    return torch.where(bend < -1e-6, 0.5 * (left - right) / bend, torch.zeros_like(bend)).clamp(-0.5, 0.5)
