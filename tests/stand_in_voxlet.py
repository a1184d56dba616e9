"""A stand-in for the command `voxlet`, started by jobs in tests, that makes a run's files in a second.

python stand_in_voxlet.py adapt TAKES --run DIR ...

It continues where it stopped, and exits at SIGTERM with its progress saved. A file among the takes changes
this: with `fail` it fails, with `slow` it waits until that file is gone, with `killed` it gets SIGKILL.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path

STEPS = 20
STAGES = ("wave", "prior", "distillation")
CONFIG = {
    "format": 2,
    "preset": "adapt",
    "kind": "voice",
    "budget": {"minutes": 10},
    "config": {"wave_share": 0.45, "prior_share": 0.35},
}


def main() -> int:
    if sys.argv[1] == "score":
        takes = Path(sys.argv[2]).parent / "takes" / "mine"
        print("measuring: 40 %, DNSMOS, generated clips, 0:30 left", file=sys.stderr, flush=True)
        while (takes / "slow").exists():
            time.sleep(0.05)
        Path(sys.argv[-1]).write_text("{}")
        return 0
    takes, run = Path(sys.argv[2]), Path(sys.argv[sys.argv.index("--run") + 1])
    if (takes / "fail").exists():
        print("mine: the takes are no good; record them again", file=sys.stderr)
        return 2
    if (takes / "killed").exists():
        os.kill(os.getpid(), signal.SIGKILL)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    (run / "samples").mkdir(parents=True, exist_ok=True)
    (run / "config.json").write_text(json.dumps(CONFIG))
    progress = run / "progress.jsonl"
    done = len(progress.read_text().splitlines()) if progress.exists() else 0
    (run / f"began-at-{done}").touch()
    for number in range(done, len(STAGES) * STEPS):
        while (takes / "slow").exists() and number == STEPS:
            time.sleep(0.05)
        stage, step = STAGES[number // STEPS], number % STEPS + 1
        left = 60 * (STEPS - step) / STEPS
        line = {"stage": stage, "step": step, "done": step / STEPS, "seconds_left": left, "loss": 5 / step}
        with progress.open("a") as file:
            file.write(json.dumps(line) + "\n")
        if step == STEPS:
            take = next(takes.glob("*.wav"))
            shutil.copy(take, run / "samples" / f"{stage}-{step:06}-0-{take.stem.split('_')[0]}.wav")
        time.sleep(0.005)
    shutil.copy(os.environ["STAND_IN_VOICE"], run / f"{run.name}.voice")
    figure = {"value": 0.95, "low": 0.9, "high": 0.97, "count": 100}
    row = {"title": "words recognised, %", "generated": figure, "real": None, "percent": True}
    (run / "outcome.json").write_text(json.dumps({"grade": "usable", "why": "a stand-in", "rows": [row]}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
