"""How fast the study's models train, timed one after the other in one sitting."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import torch
from tqdm import tqdm

from voxlet import files
from voxlet.corpus.dataset import open_dataset
from voxlet.recipes.clip.task import clip_task
from voxlet.recipes.clip.timing import processor, time_steps
from voxlet.study.outcome import Speeds, digest_of, read_speeds

if TYPE_CHECKING:
    from pathlib import Path

    from voxlet.study.plan import Row

TIMED_STEPS = 5


def speeds_of(rows: list[Row], corpus: str, path: Path, layout: str | None = None) -> Speeds | None:
    """How fast these rows train: kept speeds if they cover all rows, with this corpus and processor, else new
    ones, which are kept."""
    if not rows:
        return None
    kept, key = read_speeds(path), digest_of(corpus, layout, processor())
    if kept is not None and kept.key == key and {row.name for row in rows} <= set(kept.epochs):
        return kept
    epochs = {}
    for row in tqdm(rows, unit="row", desc="timing", disable=None, leave=False):
        config = row.config()
        dataset = open_dataset(
            corpus,
            config.preparation,
            split=config.split,
            seed=config.split_seed,
            allow_rejected=True,
            layout=layout,
            progress=False,
        )
        train_rows = torch.from_numpy(dataset.split.train)
        torch.manual_seed(config.loop.seed)
        timing = time_steps(clip_task(config, dataset), train_rows, TIMED_STEPS)
        epochs[row.name] = len(train_rows) * timing.clip_seconds
    found = Speeds(processor(), epochs, key)
    files.write_atomically(path, (json.dumps(asdict(found)) + "\n").encode())
    return found
