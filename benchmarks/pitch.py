"""Our pitch tracker against librosa.pyin, on voices of known pitch and on real recordings.

    VOXLET_DATA=... python benchmarks/pitch.py [--clips 60] [--corpus fsdd] [--json FILE]

Synthetic voices are pulse trains at a known pitch, constant or gliding, under two formants, with noise. A
gross error is a frame more than 20 % off; the median error is over the others, in cents (100 per semitone).
Real recordings have no known pitch: for them, the two trackers are compared in frames that both find voiced.
Times are for one thread, without the first call, in which librosa compiles.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import librosa
import numpy as np
import torch

from voxlet import audio
from voxlet.corpus.corpus import open_corpus
from voxlet.spectral.pitch import HIGHEST, LOWEST, track_pitch

RATE, HOP, SECONDS = 8000, 64, 0.8
PYIN_FRAMES = (512, 1024)  # samples: 64 and 128 ms
GROSS = 0.2
FORMANTS = ((700.0, 130.0), (1200.0, 180.0))  # Hz and width


def voice(pitch: np.ndarray, snr_db: float, rng: np.random.Generator) -> np.ndarray:
    """A waveform (T,) with a pitch (T,) in Hz: harmonics under formants, in white noise."""
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    samples = np.zeros(len(pitch))
    for harmonic in range(1, int(RATE / 2 / pitch.min()) + 1):
        hz = harmonic * pitch
        gain = sum(1 / (1 + ((hz - centre) / width) ** 2) for centre, width in FORMANTS) + 0.05
        samples += np.where(hz < RATE / 2, gain * np.cos(harmonic * phase), 0.0)
    noise = rng.standard_normal(len(samples))
    noise *= np.sqrt(np.mean(samples**2) / np.mean(noise**2)) * 10 ** (-snr_db / 20)
    return audio.level((samples + noise).astype(np.float32), audio.SPEECH_RMS)


def voices(count: int, snr_db: float) -> tuple[np.ndarray, np.ndarray]:
    """Clips (B, T) and their pitch (B, T): from 80 to 400 Hz, half of them gliding by up to 0.4 octaves."""
    rng = np.random.default_rng(0)
    ramp = np.linspace(-0.5, 0.5, round(SECONDS * RATE))
    hz = 80 * 5 ** rng.random(count)
    slope = np.where(np.arange(count) % 2, rng.uniform(-0.4, 0.4, count), 0.0)
    pitch = hz[:, None] * 2 ** (slope[:, None] * ramp)
    return np.stack([voice(row, snr_db, rng) for row in pitch]), pitch


def ours(clips: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Our tracker's pitch (B, F) in Hz, and whether each frame is voiced (B, F)."""
    found = track_pitch(torch.from_numpy(clips), RATE, HOP)
    return found.hz.numpy(), found.voicing.numpy() > 0.5


def pyin(clips: np.ndarray, frame: int) -> tuple[np.ndarray, np.ndarray]:
    """The same by librosa, on clips shifted by half a hop, since its frames are centred on whole hops."""
    rows = [
        librosa.pyin(
            np.pad(row[HOP // 2 :], (0, HOP // 2)),
            fmin=LOWEST, fmax=HIGHEST, sr=RATE, frame_length=frame, hop_length=HOP, fill_na=None,
        )
        for row in clips
    ]  # fmt: skip
    frames = clips.shape[1] // HOP
    return np.stack([row[0][:frames] for row in rows]), np.stack([row[1][:frames] for row in rows])


def errors(found: np.ndarray, wanted: np.ndarray) -> tuple[float, float]:
    """Share of gross errors, and the median error of the other frames in cents."""
    ratio = np.abs(np.log2(found / wanted))
    gross = ratio > np.log2(1 + GROSS)
    return float(gross.mean()), float(1200 * np.median(ratio[~gross]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--clips", type=int, default=60)
    parser.add_argument("--corpus", default="fsdd")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    corpus = open_corpus(asked.corpus)
    chosen = corpus.clips[:: max(1, len(corpus.clips) // asked.clips)][: asked.clips]
    real = np.zeros((len(chosen), round(SECONDS * RATE)), np.float32)
    for row, clip in zip(real, chosen, strict=True):
        samples = audio.level(audio.read(clip.path).samples[: len(row)], audio.SPEECH_RMS)
        row[: len(samples)] = samples
    trackers = {"ours": ours}
    for frame in PYIN_FRAMES:
        trackers[f"pyin {frame}"] = lambda clips, frame=frame: pyin(clips, frame)
    told: dict[str, dict[str, float]] = {}
    answers = {}
    for name, track in trackers.items():
        track(real[:1])
        began = time.perf_counter()
        answers[name] = track(real)
        told[name] = {"ms a clip": 1000 * (time.perf_counter() - began) / len(real)}
        for snr_db in (30.0, 10.0, 0.0):
            clips, pitch = voices(asked.clips, snr_db)
            centres = pitch[:, HOP // 2 :: HOP]
            inner = slice(4, centres.shape[1] - 4)  # windows at the ends are half empty
            hz, voiced, wanted = (x[:, inner] for x in (*track(clips), centres))
            gross, cents = errors(hz, wanted)
            told[name] |= {
                f"gross at {snr_db:g} dB, %": 100 * gross,
                f"where voiced at {snr_db:g} dB, %": 100 * errors(hz[voiced], wanted[voiced])[0],
                f"found voiced at {snr_db:g} dB, %": 100 * voiced.mean(),
                f"cents at {snr_db:g} dB": cents,
            }
    for name in list(trackers)[1:]:
        both = answers["ours"][1] & answers[name][1]
        gross, cents = errors(answers["ours"][0][both], answers[name][0][both])
        told[name] |= {
            "disagrees, %": 100 * gross,
            "apart, cents": cents,
            "both voiced, %": 100 * both.mean(),
        }
    print(f"{'':<28}" + "".join(f"{name:>12}" for name in told))
    for key in told[f"pyin {PYIN_FRAMES[0]}"]:
        print(f"{key:<28}" + "".join(f"{row.get(key, float('nan')):>12.2f}" for row in told.values()))
    if asked.json:
        asked.json.write_text(json.dumps(told, indent=1) + "\n")


if __name__ == "__main__":
    main()
