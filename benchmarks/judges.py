"""How well the judges hear real recordings: the official test set, a speaker never heard, other corpora.

    python benchmarks/judges.py [--corpus fsdd] [--speakers]

`--speakers` teaches one more judge for each speaker, on all the others: some minutes each.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from voxlet.evaluation.classifiers.trained import Judge, own_judge
from voxlet.evaluation.clipset import ClipSet
from voxlet.evaluation.metrics.statistics import wilson
from voxlet.evaluation.parts import Bench
from voxlet.evaluation.reference import open_reference


def line(name: str, right: np.ndarray, seconds: float) -> None:
    share = wilson(int(right.sum()), len(right))
    percent = [f"{100 * value:.1f}" for value in (share.value, share.low, share.high)]
    print(
        f"{name:<44} {percent[0]:>6} % [{percent[1]}, {percent[2]}] of {share.count}, {seconds:.0f} s",
        flush=True,
    )


def right(judge: Judge, clips: ClipSet) -> np.ndarray:
    return np.asarray(judge.judge(clips.sounds, clips.rate).labels == clips.labels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--corpus", default="fsdd")
    parser.add_argument("--speakers", action="store_true")
    asked = parser.parse_args()
    reference = open_reference(asked.corpus)
    bench = Bench(reference, reference.train.rate)
    start = time.perf_counter()
    verdict = bench.own.judge(reference.test.sounds, reference.test.rate)
    line("own judge, words", verdict.labels == reference.test.labels, time.perf_counter() - start)
    line("own judge, speakers", verdict.speakers == reference.test.speakers, 0)
    for name in ("stranger", "ready-made"):
        start = time.perf_counter()
        judge = bench.judges[name]
        if isinstance(judge, str):
            print(f"{name}: {judge}")
            continue
        line(f"{name} judge, words", right(judge, reference.test), time.perf_counter() - start)
    if asked.speakers:
        answers = []
        for number, name in enumerate(reference.train.speaker_names):
            start = time.perf_counter()
            judge = own_judge(reference.train.take(reference.train.speakers != number), hearing=bench.hearing)
            alone = reference.test.take(reference.test.speakers == number)
            answers.append(right(judge, alone))
            line(f"taught without {name}, tested on {name}", answers[-1], time.perf_counter() - start)
        line("speakers never heard, all together", np.concatenate(answers), 0)


if __name__ == "__main__":
    main()
