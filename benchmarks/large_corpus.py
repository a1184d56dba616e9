"""Memory of opening, preparing and training on corpora of very different sizes.

    VOXLET_DATA=... python benchmarks/large_corpus.py [--clips 2000,20000,200000] [--steps 200] [--held 1]
    VOXLET_DATA=... python benchmarks/large_corpus.py --preset voice --clips 2000,200000 --steps 30 --held 0

Each corpus repeats FSDD's takes, each time at another level and with other noise in the lowest bits, so that
no two files are the same. A clip VAE (cnn-light at 8 kHz), or each stage of a voice, is trained on it for
`--steps` steps and finished with its pictures and samples, in a process of its own with an empty cache.
Prints the process's peak memory after opening, preparing, dividing and training, then how much each clip adds
from one corpus to the next. `--held` is how many gigabytes of spectrograms, waveforms or latents are held in
memory; with 0, a small corpus is trained on as a large one is.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
import wave
from dataclasses import replace
from pathlib import Path

import numpy as np

MEASURE = "--measure"  # option to measure one corpus in this process
STEPS = ("opened", "prepared", "divided", "trained and finished")


def make_corpus(folder: Path, count: int) -> None:
    """Write the corpus: `count` takes in folders by label."""
    from voxlet import audio
    from voxlet.corpus.corpus import open_corpus

    rng = np.random.default_rng(0)
    takes = [(clip, np.rint(audio.read(clip.path).samples * 32767)) for clip in open_corpus("fsdd").clips]
    for number, (clip, samples) in zip(range(count), itertools.cycle(takes), strict=False):
        place = folder / clip.label / f"{clip.speaker}_nohash_{number}.wav"
        place.parent.mkdir(parents=True, exist_ok=True)
        varied = samples * rng.uniform(0.5, 1) + rng.integers(-2, 3, len(samples))
        with wave.open(str(place), "wb") as file:
            file.setparams((1, 2, clip.rate, 0, "NONE", ""))
            file.writeframes(varied.clip(-32768, 32767).astype("<i2").tobytes())


def measure(folder: str, preset: str, steps: str, held: str) -> None:
    """Open, prepare, divide and train on a corpus; print peak memory (MB) and seconds after each as JSON."""
    from voxlet.corpus.corpus import open_corpus
    from voxlet.corpus.dataset import make_dataset
    from voxlet.corpus.prepare import Preparation, prepare
    from voxlet.machine import peak_memory
    from voxlet.recipes.clip import data
    from voxlet.recipes.presets import PRESETS
    from voxlet.recipes.train import Job, run_job
    from voxlet.recipes.voice.clips import waveforms
    from voxlet.spectral.config import SpectrogramConfig
    from voxlet.training import hardware
    from voxlet.training.config import Budget

    hardware.set_up()
    data.HELD_BYTES = waveforms.HELD_BYTES = int(float(held) * 2**30)
    preparation = Preparation(rate=8000)
    changes: dict[str, object] = {"preparation": preparation}
    if preset != "voice":
        changes["spectrogram"] = SpectrogramConfig(rate=8000, n_fft=256, hop=128)
    config = replace(PRESETS[preset], **changes)
    began, found = time.perf_counter(), []

    def note() -> None:
        found.append((round(peak_memory() or 0), round(time.perf_counter() - began)))

    corpus = open_corpus(folder)
    note()
    prepared = prepare(corpus, preparation, progress=False)
    note()
    make_dataset(corpus, preparation, split=config.split, progress=False)
    note()
    bytes_ = prepared.rows.shape[0] * prepared.rows.shape[1] * 2
    del corpus, prepared
    job = Job(preset, config, folder, Path(folder).parent / "run", Budget(epochs=1))
    run_job(job, lambda _: lambda _stage, _task: Budget(steps=int(steps)))
    note()
    print(json.dumps({"bytes": bytes_, "found": found}))


def main() -> None:
    """Make the corpora one after the other, and measure on each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", default="2000,20000,200000")
    parser.add_argument("--preset", choices=("cnn-light", "voice"), default="cnn-light")
    parser.add_argument("--steps", default="200", help="of training, for each stage")
    parser.add_argument("--held", default="1", help="gigabytes held in memory")
    parser.add_argument("--out", help="folder for what is made, which is removed")
    arguments = parser.parse_args()
    peaks = []
    counts = [int(count) for count in arguments.clips.split(",")]
    for count in counts:
        with tempfile.TemporaryDirectory(dir=arguments.out) as folder:
            make_corpus(Path(folder, "words"), count)
            environment = {**os.environ, "VOXLET_CACHE": f"{folder}/cache"}
            asked = [f"{folder}/words", arguments.preset, arguments.steps, arguments.held]
            command = [sys.executable, __file__, MEASURE, *asked]
            done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
            measured = json.loads(done.stdout.splitlines()[-1])
        peaks.append([peak for peak, _ in measured["found"]])
        print(f"{count:,} clips, rows of {measured['bytes'] / 1e6:,.0f} MB:", flush=True)
        for step, (peak, seconds) in zip(STEPS, measured["found"], strict=True):
            print(f"  {step}: peak {peak:,} MB, after {seconds:,} s", flush=True)
    for (fewer, before), (more, after) in itertools.pairwise(zip(counts, peaks, strict=True)):
        slopes = [1000 * (high - low) / (more - fewer) for low, high in zip(before, after, strict=True)]
        told = ", ".join(f"{step} {slope:.1f}" for step, slope in zip(STEPS, slopes, strict=True))
        print(f"kB a clip from {fewer:,} to {more:,}: {told}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == [MEASURE]:
        measure(*sys.argv[2:])
    else:
        main()
