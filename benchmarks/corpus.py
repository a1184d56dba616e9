"""Time and memory of opening and preparing corpora, each in a process of its own.

    VOXLET_DATA=... python benchmarks/corpus.py [NAME_OR_FOLDER ...]

Prints one row for each corpus and setting: seconds to open it (every file is decoded), to open it again, to
prepare it and to load the prepared clips from the cache; the size of their array; the process's peak memory.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile
import time

from voxlet.corpus.catalog import CATALOG, find_known
from voxlet.corpus.corpus import open_corpus
from voxlet.corpus.prepare import Preparation, prepare
from voxlet.machine import peak_memory

MEASURE = "--measure"  # option to measure one corpus and setting in this process
SETTINGS = {
    "study": Preparation(length=0.8, trim=False, outliers=None),
    "voice": Preparation(rate=8000),
}


def measure(name: str, setting: str) -> None:
    def timed(action, *arguments, **settings):
        began = time.perf_counter()
        result = action(*arguments, **settings)
        return result, time.perf_counter() - began

    corpus, first = timed(open_corpus, name)
    _, second = timed(open_corpus, name)
    prepared, built = timed(prepare, corpus, SETTINGS[setting], progress=False)
    _, loaded = timed(prepare, corpus, SETTINGS[setting], progress=False)
    peak = peak_memory() or math.nan
    rows, samples = prepared.rows.shape
    print(
        f"{corpus.name:<16} {setting:<6} {rows:>6,} x {samples:>6,} {first:>8.2f} {second:>8.3f}"
        f" {built:>8.2f} {loaded:>8.3f} {2 * rows * samples / 1e6:>8.0f} {peak:>8.0f}"
    )


def main(names: list[str]) -> None:
    print(
        "corpus           setting        rows    open s  again s  build s   load s array MB  peak MB",
        flush=True,
    )
    for name in names or CATALOG:
        if name in CATALOG and find_known(name) is None:
            print(f"{name:<16} is not here")
            continue
        for setting in SETTINGS:
            with tempfile.TemporaryDirectory() as cache:
                environment = {**os.environ, "VOXLET_CACHE": cache}
                command = [sys.executable, __file__, MEASURE, name, setting]
                subprocess.run(command, env=environment, check=True)


if __name__ == "__main__":
    if sys.argv[1:2] == [MEASURE]:
        measure(*sys.argv[2:])
    else:
        main(sys.argv[1:])
