"""What training each preset costs: clips a second, an epoch of FSDD, memory, share of the possible.

    python benchmarks/presets.py [--presets mlp cnn-light] [--precisions float32 bfloat16] [--seconds 20]

Steps are the training task's own, on random spectrograms of the study's size (257 x 69): no corpus is needed.
Each line is a process of its own. The limit is what one large matrix product reaches in that process, at that
precision, before and after the steps; the share is what the steps' products and convolutions reach of it. On
a machine that does other work, too, believe the processor time (summed over cores, the quickest step's) and
the share before the clips a second.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import replace

CLIPS = 2_430  # FSDD's training clips in the study's split
SHAPE = (257, 69)
LABELS = 10
PRESETS = ("mlp", "mlp-dropout", "cnn", "cnn-regularised", "cnn-light")


def limit(dtype_name: str) -> float:
    """Floating-point operations a second of the best of several products, as large as the dense model's."""
    import torch

    dtype = getattr(torch, dtype_name)
    left, right = torch.randn(2_048, 4_096).to(dtype), torch.randn(4_096, 2_048).to(dtype)
    best = 0.0
    begin = time.perf_counter()
    while time.perf_counter() - begin < 2.0:
        start = time.perf_counter()
        left @ right
        best = max(best, 2 * 2_048 * 4_096 * 2_048 / (time.perf_counter() - start))
    return best


def measure(preset: str, precision: str, seconds: float) -> dict[str, float]:
    import numpy as np
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from voxlet.corpus.splits import Split
    from voxlet.training import hardware
    from voxlet.training.clip_task import ClipTask
    from voxlet.training.config import ClipTraining
    from voxlet.training.presets import PRESETS as ALL

    config = ALL[preset]
    assert isinstance(config, ClipTraining)
    hardware.set_up()
    torch.manual_seed(0)
    batch = config.loop.batch_size
    rows = np.arange(2 * batch)
    task = ClipTask(
        replace(config, precision=precision),
        torch.rand(2 * batch, *SHAPE),
        torch.randint(0, LABELS, (2 * batch,)),
        LABELS,
        Split(rows, rows[:1], rows[:1]),
    )
    size = sum(parameter.numel() for parameter in task.model.parameters())
    chosen = torch.from_numpy(rows[:batch])
    with FlopCounterMode(display=False) as counter:
        task.train_step(chosen, 1.0)
    before = limit(precision)
    walls, cores = [], []
    begin = time.perf_counter()
    while len(walls) < 3 or time.perf_counter() - begin < seconds:
        wall, core = time.perf_counter(), time.process_time()
        task.train_step(chosen, 1.0)
        walls.append(time.perf_counter() - wall)
        cores.append(time.process_time() - core)
    best = max(before, limit(precision))
    step = float(np.median(walls))
    return {
        "parameters": size,
        "steps": len(walls),
        "clips_per_second": batch / step,
        "wall_ms_per_clip": 1e3 * step / batch,
        "processor_ms_per_clip": 1e3 * min(cores) / batch,
        "epoch_seconds": CLIPS * step / batch,
        "peak_gigabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9,
        "limit_gigaflops": best / 1e9,
        "share_of_limit": counter.get_total_flops() / step / best,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--presets", nargs="+", default=PRESETS, choices=PRESETS)
    parser.add_argument("--precisions", nargs="+", default=["float32", "bfloat16"])
    parser.add_argument("--seconds", type=float, default=20.0, help="of steps for each line")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(measure(asked.presets[0], asked.precisions[0], asked.seconds)))
        return
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(
        f"{'preset':<16} {'precision':<9} {'params':>7} {'clips/s':>8} {'epoch':>8} {'ms/clip':>8} "
        f"{'core ms':>8} {'memory':>8} {'limit':>12} {'share':>6}"
    )
    for preset in asked.presets:
        for precision in asked.precisions:
            command = [sys.executable, __file__, "--one", "--seconds", str(asked.seconds)]
            command += ["--presets", preset, "--precisions", precision]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                print(f"{preset:<16} {precision:<9} failed: {done.stderr.strip().splitlines()[-1]}")
                continue
            found = json.loads(done.stdout)
            print(
                f"{preset:<16} {precision:<9} {found['parameters'] / 1e6:>6.1f}M "
                f"{found['clips_per_second']:>8.0f} {found['epoch_seconds']:>6.1f} s "
                f"{found['wall_ms_per_clip']:>8.2f} {found['processor_ms_per_clip']:>8.2f} "
                f"{found['peak_gigabytes']:>5.1f} GB {found['limit_gigaflops']:>7.0f} GF/s "
                f"{found['share_of_limit']:>6.0%}",
                flush=True,
            )


if __name__ == "__main__":
    main()
