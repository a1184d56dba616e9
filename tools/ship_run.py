"""Make a trained clip VAE's run small enough to ship: half-precision best weights, and files to open them.

python tools/ship_run.py RUN src/voxlet/recipes/shipped/NAME
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path

from safetensors.torch import save_file

from voxlet.recipes.clip.sampler import FILE, STAGE
from voxlet.recipes.opened import ClipRun, load_run
from voxlet.run_files import CONFIG, METRICS
from voxlet.training.checkpoints import BEST, DIGESTS, PREFIX


def ship(source: Path, target: Path) -> None:
    """Replace the folder `target` with a small copy of the run `source`."""
    opened = load_run(source)
    assert isinstance(opened, ClipRun)
    shutil.rmtree(target, ignore_errors=True)
    checkpoint = target / STAGE / f"{PREFIX}000001"
    checkpoint.mkdir(parents=True)
    for name in (CONFIG, METRICS, FILE, "test.json"):
        shutil.copyfile(source / name, target / name)
    save_file({key: value.half() for key, value in opened.run.weights(STAGE).items()}, checkpoint / BEST)
    digest = hashlib.sha256((checkpoint / BEST).read_bytes()).hexdigest()
    (checkpoint / DIGESTS).write_text(json.dumps({BEST: digest}, indent=1) + "\n")
    for path in target.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


if __name__ == "__main__":
    ship(Path(sys.argv[1]), Path(sys.argv[2]))
