"""How fast each preset of a clip VAE trains in float32 and bfloat16, compared with the processor's limit.

    VOXLET_DATA=... python benchmarks/presets.py [--presets mlp,cnn-light] [--clips 1280] [--json FILE]

On FSDD with the study's features (22,050 Hz, 17,640 samples, 257 x 69; 2,430 training clips, the preset's
batches). Each row is measured in a process of its own, whose peak memory is thus the preset's. The limit is
the speed of a 2,048 x 2,048 x 2,048 matrix product in the same precision, measured in the same process; the
share of it is the floating-point operations of forward and backward passes, as PyTorch counts them, per
second of whole training steps, divided by the limit. `core ms` is the processor time per clip of the fastest
step, summed over all cores: on a busy machine it says more than wall-clock time. bfloat16 is left out where
the processor only emulates it.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

from voxlet.machine import peak_memory

EPOCH_CLIPS = 2430
SIZE = 2048


def precisions() -> tuple[str, ...]:
    """The precisions in which the processor multiplies matrices without emulation."""
    import torch

    from voxlet.training.hardware import has_fast_bfloat16

    return ("float32", "bfloat16") if has_fast_bfloat16(torch.device("cpu")) else ("float32",)


def limit(precision: str) -> float:
    """Floating-point operations per second of a large matrix product."""
    import torch

    kind = torch.bfloat16 if precision == "bfloat16" else torch.float32
    a, b = torch.randn(SIZE, SIZE).to(kind), torch.randn(SIZE, SIZE).to(kind)
    best = 0.0
    for _ in range(8):
        started = time.perf_counter()
        a @ b
        best = max(best, 2 * SIZE**3 / (time.perf_counter() - started))
    return best


def onednn_flops(x: tuple[int, ...], weight: tuple[int, ...], *_: object, **__: object) -> int:
    """Operations of oneDNN's product of (B, inputs) and (outputs, inputs), unknown to PyTorch's counter."""
    return 2 * x[0] * weight[0] * weight[1]


def measure(preset: str, precision: str, clips: int) -> dict[str, object]:
    """Train a preset for about `clips` clips and report."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from voxlet.corpus.dataset import open_dataset
    from voxlet.models.clip.layers import onednn_is_faster
    from voxlet.recipes.clip.task import clip_task
    from voxlet.recipes.clip.timing import time_steps
    from voxlet.study.plan import on_study_clips
    from voxlet.training import hardware

    hardware.set_up()
    torch.manual_seed(0)
    top = limit(precision)
    config = replace(on_study_clips(preset), precision=precision)
    dataset = open_dataset("fsdd", config.preparation, split=config.split, progress=False)
    rows = torch.from_numpy(dataset.split.train)
    task = clip_task(config, dataset)
    size = config.loop.batch_size
    timing = time_steps(task, rows, max(2, clips // size))
    known = {torch.ops.mkldnn._linear_pointwise: onednn_flops} if onednn_is_faster() else None
    with FlopCounterMode(display=False, custom_mapping=known) as counter:
        task.train_step(rows[:size], 0.0)
    return {
        "preset": preset,
        "precision": precision,
        "parameters": sum(p.numel() for p in task.model.parameters()),
        "ms_per_clip": 1e3 * timing.clip_seconds,
        "core_ms_per_clip": 1e3 * timing.core_seconds / size,
        "clips_per_second": 1 / timing.clip_seconds,
        "epoch_seconds": EPOCH_CLIPS * timing.clip_seconds,
        "peak_gigabytes": (peak_memory() or math.nan) / 1e3,
        "limit_gflops": top / 1e9,
        "share_of_limit": counter.get_total_flops() / timing.step_seconds / top,
        "threads": torch.get_num_threads(),
        "last_loss": timing.loss,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--presets", default="mlp,mlp-dropout,cnn-light,cnn,cnn-regularised")
    parser.add_argument("--clips", type=int, default=1280)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", nargs=2, metavar=("PRESET", "PRECISION"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(measure(*asked.one, asked.clips)))
        return
    print(
        "preset           precision  parameters  ms/clip  core ms  clips/s  s/epoch  peak GB  share of limit"
    )
    rows = []
    for preset in asked.presets.split(","):
        for precision in precisions():
            # A few steps are enough for the large presets, whose steps take seconds.
            clips = (
                min(asked.clips, 384) if preset.startswith("cnn") and preset != "cnn-light" else asked.clips
            )
            command = [sys.executable, __file__, "--one", preset, precision, "--clips", str(clips)]
            row = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            rows.append(row)
            print(
                f"{row['preset']:<16} {row['precision']:<9} {row['parameters']:>11,} "
                f"{row['ms_per_clip']:>8.2f} {row['core_ms_per_clip']:>8.2f} {row['clips_per_second']:>8.0f} "
                f"{row['epoch_seconds']:>8.2f} {row['peak_gigabytes']:>8.2f} "
                f"{100 * row['share_of_limit']:>8.0f} % of {row['limit_gflops']:,.0f} GFLOP/s",
                flush=True,
            )
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
