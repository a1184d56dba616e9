"""How many wrong labels are found among the clips that are most unlike the others of their label.

    VOXLET_DATA=... python benchmarks/likeness.py [--corpora fsdd] [--planted 20] [--worst 40] [--draws 3]

`--planted` clips get another label at random, then all clips are compared as `voxlet corpus inspect` does:
the 2,700 training takes of FSDD, all clips of other corpora. `above` means that a clip's unlikeness reaches
the threshold from which `inspect` lists it: of the planted clips, and of the corpus as it is, where such
clips are odd takes or false alarms.

The lines below each row are about new takes during recording: of 2 to 10 words by one speaker, with so many
takes of each word kept before.
"""

from __future__ import annotations

import argparse

import numpy as np

from voxlet.corpus.corpus import open_corpus
from voxlet.corpus.look.inspection import DOUBTFUL, measure_clip
from voxlet.corpus.look.likeness import unlikeness
from voxlet.corpus.recording.check import Heard, is_unlike
from voxlet.engines.threads import in_order

FSDD_TEST_TAKES = 5
SESSIONS = 4000
WORDS, KEPT = (2, 3, 5, 10), (1, 2, 3, 4)


def while_recording(pictures: np.ndarray, labels: np.ndarray, speakers: np.ndarray) -> list[str]:
    """For each number of kept takes: the share of right takes refused, and that of takes of another word."""
    rng = np.random.default_rng(0)
    said: dict[str, dict[int, np.ndarray]] = {}
    for speaker in sorted(set(speakers.tolist())):
        rows = {
            label: np.flatnonzero((speakers == speaker) & (labels == label)) for label in set(labels.tolist())
        }
        said[speaker] = {label: own for label, own in rows.items() if len(own) > max(KEPT) + 1}
    able = [speaker for speaker, words in said.items() if len(words) >= max(WORDS)]
    refused: dict[tuple[int, bool], list[bool]] = {}
    for _ in range(SESSIONS if able else 0):
        words = said[able[rng.integers(len(able))]]
        asked = rng.choice(list(words), rng.choice(WORDS), replace=False).tolist()
        takes = int(rng.choice(KEPT))
        order = {label: rng.permutation(words[label]) for label in asked}
        kept = {
            str(label): [Heard((), 0.0, pictures[row]) for row in order[label][: takes + extra]]
            for label, extra in zip(asked, (0, *rng.integers(0, 2, len(asked) - 1)), strict=True)
        }
        for is_right, label in ((True, asked[0]), (False, asked[1])):
            found = is_unlike(pictures[order[label][-1]], str(asked[0]), kept)
            refused.setdefault((takes, is_right), []).append(found)
    return [
        f"{100 * np.mean(refused[takes, True]):.1f} % | {100 * np.mean(refused[takes, False]):.0f} %"
        for takes in KEPT
        if able
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpora", default="fsdd,audiomnist,speech_commands,arabic_speech_commands")
    parser.add_argument("--planted", type=int, default=20)
    parser.add_argument("--worst", type=int, default=40)
    parser.add_argument("--draws", type=int, default=3)
    asked = parser.parse_args()
    print(
        "| corpus | clips | planted among the worst, each draw | planted above | above as it is |\n"
        + "|---" * 5
        + "|"
    )
    for name in asked.corpora.split(","):
        corpus = open_corpus(name, allow_rejected=True)
        clips = [clip for clip in corpus.clips if name != "fsdd" or int(clip.take) >= FSDD_TEST_TAKES]
        pictures = np.array([picture for _, picture in in_order(measure_clip, clips)])
        labels = np.array([corpus.labels.index(clip.label) for clip in clips], dtype=np.int64)
        hits, above = [], []
        for draw in range(asked.draws):
            rng = np.random.default_rng(draw)
            rows = rng.choice(len(clips), asked.planted, replace=False)
            planted = labels.copy()
            planted[rows] = (labels[rows] + rng.integers(1, len(corpus.labels), asked.planted)) % len(
                corpus.labels
            )
            found = np.nan_to_num(unlikeness(pictures, planted))
            worst = np.argsort(-found, kind="stable")[: asked.worst]
            hits.append(int(np.isin(rows, worst).sum()))
            above.append(int((found[rows] >= DOUBTFUL).sum()))
        alarms = int((np.nan_to_num(unlikeness(pictures, labels)) >= DOUBTFUL).sum())
        shown = " / ".join(map(str, hits)), " / ".join(map(str, above))
        print(
            f"| {name} | {len(clips):,} | {shown[0]} of {asked.planted} | {shown[1]} | {alarms} |", flush=True
        )
        for takes, line in zip(
            KEPT, while_recording(pictures, labels, np.array([clip.speaker for clip in clips])), strict=False
        ):
            print(f"  takes kept: {takes}; right ones refused, wrong ones found: {line}", flush=True)


if __name__ == "__main__":
    main()
