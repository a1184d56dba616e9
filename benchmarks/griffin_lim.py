"""What phase alone costs: real clips reduced to magnitudes, given a phase again, heard by the judges.

    python benchmarks/griffin_lim.py [--corpus fsdd] [--ready-made]

Every row is the same real test clips. `own phase` goes through the study's spectrogram and back with the
phase it had, so it shows what scaling, resampling and cutting cost; the rows after it had to find one.
Convergence is the distance of the magnitudes from those asked for, in dB: lower is better.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch

from voxlet import audio
from voxlet.audio import Samples
from voxlet.evaluation.clipset import ClipSet
from voxlet.evaluation.metrics.statistics import wilson
from voxlet.evaluation.parts import Bench
from voxlet.evaluation.reference import open_reference
from voxlet.recipes.clip.sampler import finish
from voxlet.spectral.config import SpectrogramConfig
from voxlet.spectral.griffin_lim import griffin_lim
from voxlet.spectral.log_spectrogram import amplitudes, analyse
from voxlet.spectral.stft import istft, stft

SECONDS = 0.8  # the study's arrays
SETTINGS = ((0, 0.0), (16, 0.0), (64, 0.0), (16, 0.99), (32, 0.99), (64, 0.99), (128, 0.99))


def rows_of(clips: ClipSet, config: SpectrogramConfig) -> torch.Tensor:
    """Clips at the spectrogram's rate, (B, T), cut or padded."""
    count = round(SECONDS * config.rate)
    rows = np.zeros((len(clips.sounds), count), np.float32)
    for row, samples in zip(rows, clips.sounds, strict=True):
        resampled = audio.resample(samples, clips.rate, config.rate)[:count]
        row[: len(resampled)] = resampled
    return torch.from_numpy(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--corpus", default="fsdd")
    parser.add_argument("--ready-made", action="store_true", help="ask the slow, ready-made judge, too")
    asked = parser.parse_args()
    torch.set_flush_denormal(True)
    reference = open_reference(asked.corpus)
    test = reference.test
    bench = Bench(reference, reference.train.rate)
    judges = ["own", "stranger"] + ["ready-made"] * asked.ready_made
    config = SpectrogramConfig()
    waveforms = rows_of(test, config)
    spectrum = stft(waveforms, config)
    amplitude = amplitudes(analyse(waveforms, config))
    print(f"{'':<26} {'convergence':>11} {'ms a clip':>10}  " + "  ".join(f"{name:<22}" for name in judges))

    def heard(sounds: list[Samples], rate: int) -> str:
        answers = []
        for name in judges:
            judge = bench.judges[name]
            if isinstance(judge, str):
                answers.append(f"{judge:<22}")
                continue
            right = judge.judge(sounds, rate).labels == test.labels
            share = wilson(int(right.sum()), len(right))
            text = f"{100 * share.value:.1f} % [{100 * share.low:.1f}, {100 * share.high:.1f}]"
            answers.append(f"{text:<22}")
        return "  ".join(answers)

    def line(name: str, made: torch.Tensor, seconds: float) -> None:
        again = stft(made, config).abs()
        distance = (again - amplitude).square().sum(dim=(1, 2)) / amplitude.square().sum(dim=(1, 2))
        convergence = float(10 * distance.log10().mean())
        sounds = [finish(row, config.rate) for row in made.numpy()]
        spent = f"{1000 * seconds / len(sounds):.1f}" if seconds else "-"
        print(f"{name:<26} {convergence:>11.1f} {spent:>10}  {heard(sounds, config.rate)}", flush=True)

    print(f"{'as recorded':<26} {'-':>11} {'-':>10}  {heard(list(test.sounds), test.rate)}", flush=True)
    own = torch.polar(amplitude, spectrum.angle())
    line("own phase", istft(own, config, waveforms.shape[1]), 0.0)
    for iterations, momentum in SETTINGS:
        start = time.process_time()
        made = griffin_lim(
            amplitude, config, samples=waveforms.shape[1], iterations=iterations, momentum=momentum
        )
        kind = "random phase" if iterations == 0 else f"{iterations} steps, momentum {momentum:g}"
        line(kind, made, time.process_time() - start)


if __name__ == "__main__":
    main()
