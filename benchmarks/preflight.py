"""Memory, disk and time that training takes, to compare with what `voxlet.recipes.preflight` predicts.

    python benchmarks/preflight.py [--presets mlp,cnn-light,voice] [--json FILE]

Each row trains a preset for one epoch, in a process of its own, on tones in noise: so many clips of so many
seconds, two labels, two speakers. Processor time is that of the whole command, so only differences between
rows mean anything. Memory for a voice's clips at other starts and speeds is allocated at once, as it is only
after a while in a long training.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

SIZES = ((300, 0.5), (300, 1.5), (900, 0.5))  # clips, seconds of each
RATE = 16_000


def write_tones(folder: Path, clips: int, seconds: float) -> None:
    """Write a corpus of tones in noise."""
    from voxlet import audio

    rng = np.random.default_rng(0)
    time = np.arange(round(seconds * RATE)) / RATE
    folder.mkdir(parents=True)
    for number in range(clips):
        tone = np.sin(2 * np.pi * 300 * (1 + number % 2) * rng.uniform(0.9, 1.1) * time)
        sound = (0.3 * tone + 0.03 * rng.standard_normal(len(time))).astype(np.float32)
        audio.write(
            folder / f"{('low', 'high')[number % 2]}_{'ab'[number // 2 % 2]}_{number}.wav", sound, RATE
        )


def measure(preset: str, folder: str, run: str) -> dict[str, float]:
    """Train for one epoch; return memory and disk space in bytes, and times in seconds."""
    import resource

    from voxlet.machine import peak_memory
    from voxlet.recipes.train import train
    from voxlet.recipes.voice.clips.views import HeldViews
    from voxlet.training import hardware

    hardware.set_up()
    made = HeldViews.__init__

    def made_whole(views: HeldViews, *arguments: Any, **options: Any) -> None:
        made(views, *arguments, **options)
        for part in views.latents:
            part.add_(0.0)  # memory is not allocated until it is written to

    with mock.patch.object(HeldViews, "__init__", made_whole):
        trained = train(preset, folder, run, epochs=1)
    used = sum(path.stat().st_size for path in Path(run).rglob("*") if path.is_file())
    spent = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "memory": 1e6 * (peak_memory() or 0.0),
        "disk": used,
        "core_seconds": spent.ru_utime + spent.ru_stime,
        "seconds": trained.training_seconds,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--presets", default="mlp,cnn-light,voice,cnn")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(measure(*asked.one)))
        return
    rows = []
    for preset in asked.presets.split(","):
        for clips, seconds in SIZES:
            with tempfile.TemporaryDirectory() as place:
                folder = Path(place, "tones")
                write_tones(folder, clips, seconds)
                command = [sys.executable, __file__, "--one", preset, str(folder), str(Path(place, "run"))]
                own = {**os.environ, "VOXLET_CACHE": str(Path(place, "cache"))}
                done = subprocess.run(command, check=True, capture_output=True, text=True, env=own)
                row = {"preset": preset, "clips": clips, "length": seconds, **json.loads(done.stdout)}
            rows.append(row)
            print(
                f"{preset:<12} {clips:>5} x {seconds} s: {row['memory'] / 1e9:6.2f} GB, "
                f"{row['disk'] / 1e9:6.2f} GB of disk, {row['core_seconds']:7.1f} s of a core",
                flush=True,
            )
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
