"""What estimating the phase costs: real clips reduced to magnitudes, given a new phase, and classified.

    python benchmarks/griffin_lim.py [--corpus fsdd] [--off-the-shelf]

Every row has the same real test clips. In `own phase` they go through the study's spectrogram and back with
their original phase, which shows what scaling, resampling and cutting cost; the rows after it estimate the
phase. Convergence is the distance of the magnitudes from the target, in dB: lower is better.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch

from voxlet import audio
from voxlet.evaluation.classifiers.opened import Classifiers, open_classifiers
from voxlet.evaluation.clipset import ClipSet
from voxlet.evaluation.metric import CLASSIFIERS, ClassifierKind
from voxlet.evaluation.metrics.recognition import accuracy
from voxlet.evaluation.reference import open_reference
from voxlet.recipes.clip.sampler import finish
from voxlet.spectral.config import SpectrogramConfig
from voxlet.spectral.griffin_lim import griffin_lim
from voxlet.spectral.log_spectrogram import amplitudes, analyse
from voxlet.spectral.stft import istft, stft

SECONDS = 0.8  # the study's arrays
SETTINGS = ((0, 0.0), (16, 0.0), (64, 0.0), (16, 0.99), (32, 0.99), (64, 0.99), (128, 0.99))


def rows_of(clips: ClipSet, config: SpectrogramConfig) -> torch.Tensor:
    """Clips (B, T) at the spectrogram's rate, cut or padded to `SECONDS`."""
    count = round(SECONDS * config.rate)
    rows = np.zeros((len(clips.sounds), count), np.float32)
    for row, samples in zip(rows, clips.sounds, strict=True):
        resampled = audio.resample(samples, clips.rate, config.rate)[:count]
        row[: len(resampled)] = resampled
    return torch.from_numpy(rows)


def accuracies(classifiers: Classifiers, kinds: list[ClassifierKind], clips: ClipSet) -> str:
    """The accuracy of each classifier on these clips, as columns."""
    cells = []
    for kind in kinds:
        said = classifiers.ask(kind, clips)
        if isinstance(said, str):
            cells.append(said)
            continue
        share = accuracy(clips.labels, said.labels)
        cells.append(f"{100 * share.value:.1f} % [{100 * share.low:.1f}, {100 * share.high:.1f}]")
    return "  ".join(f"{cell:<22}" for cell in cells)


def convergence(waveforms: torch.Tensor, amplitude: torch.Tensor, config: SpectrogramConfig) -> float:
    """Distance of the magnitudes of waveforms (B, T) from the target `amplitude`, in dB."""
    again = stft(waveforms, config).abs()
    distance = (again - amplitude).square().sum(dim=(1, 2)) / amplitude.square().sum(dim=(1, 2))
    return float(10 * distance.log10().mean())


def measure(
    test: ClipSet,
    classifiers: Classifiers,
    kinds: list[ClassifierKind],
    settings: tuple[tuple[int, float], ...] = SETTINGS,
) -> Iterator[str]:
    """The table, line by line: clips as recorded, with their own phase, with phases estimated in steps."""
    config = SpectrogramConfig()
    waveforms = rows_of(test, config)
    spectrum = stft(waveforms, config)
    amplitude = amplitudes(analyse(waveforms, config))

    def line(name: str, found: torch.Tensor, seconds: float) -> str:
        sounds = tuple(finish(row, config.rate) for row in found.numpy())
        spent = f"{1000 * seconds / len(sounds):.1f}" if seconds else "-"
        near = convergence(found, amplitude, config)
        said = accuracies(classifiers, kinds, replace(test, sounds=sounds, rate=config.rate))
        return f"{name:<26} {near:>11.1f} {spent:>10}  {said}"

    heads = "  ".join(f"{CLASSIFIERS[kind]:<22}" for kind in kinds)
    yield f"{'':<26} {'convergence':>11} {'ms a clip':>10}  {heads}"
    yield f"{'as recorded':<26} {'-':>11} {'-':>10}  {accuracies(classifiers, kinds, test)}"
    own = torch.polar(amplitude, spectrum.angle())
    yield line("own phase", istft(own, config, waveforms.shape[1]), 0.0)
    for iterations, momentum in settings:
        start = time.process_time()
        found = griffin_lim(
            amplitude, config, samples=waveforms.shape[1], iterations=iterations, momentum=momentum
        )
        name = "random phase" if iterations == 0 else f"{iterations} steps, momentum {momentum:g}"
        yield line(name, found, time.process_time() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--corpus", default="fsdd")
    parser.add_argument("--off-the-shelf", action="store_true", help="ask the slow classifier, too")
    asked = parser.parse_args()
    torch.set_flush_denormal(True)
    reference = open_reference(asked.corpus)
    kinds: list[ClassifierKind] = ["in_corpus", "cross_corpus"]
    kinds += ["off_the_shelf"] * asked.off_the_shelf
    classifiers = open_classifiers(reference, reference.train.rate, kinds=kinds)
    for text in measure(reference.test, classifiers, kinds):
        print(text, flush=True)


if __name__ == "__main__":
    main()
