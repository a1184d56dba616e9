"""A spotter for eight words: from a data set alone, from real takes alone, from both.

    python benchmarks/spotter.py [--clips 2000] [--people 3] [--takes 3] [--steps 1000]
    python benchmarks/spotter.py --table

The words are eight digits, the class of unknown words is the other two. The data set is what `voxlet dataset
digits --unknown 0.2 --effects rooms,noise,codecs` makes, with a new speaker for each round of the words; the
real takes are FSDD's. Both train the same small recogniser (BC-ResNet) for the same steps with the same
augmentation. It is tested on speakers of AudioMNIST and Speech Commands whom no generator has heard, and has
to tell the words from those of the Arabic corpus's test speakers, none of which it has been given.
What was measured is kept in docs/figures/spotter.json. The voice has itself learned from FSDD.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from voxlet.corpus.corpus import Clip, open_corpus
from voxlet.corpus.held_out import use_of
from voxlet.evaluation.classifiers.inputs import log_mels
from voxlet.evaluation.clipset import ClipSet, read_clips
from voxlet.evaluation.intervals import Interval, wilson
from voxlet.evaluation.utility.bc_resnet import BCResNet
from voxlet.evaluation.utility.recogniser import (
    INPUTS,
    MISSED,
    TRAINING,
    Examples,
    examples,
    few_takes,
    probabilities,
    train_recogniser,
)
from voxlet.files import write_atomically

STORED = Path(__file__).parent.parent / "docs" / "figures" / "spotter.json"
WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight")
ARABIC = "arabic_speech_commands"
CLASSES = (*WORDS, "unknown")
WAYS = {
    "dataset": "the data set alone",
    "takes": "real takes alone",
    "both": "both",
}
MOST_OTHERS = 2000  # clips of other words in the test


@dataclass(frozen=True)
class Row:
    """A trained spotter and what it is worth on unseen speakers."""

    way: str
    clips: int
    people: int
    takes: int
    steps: int
    accuracy: Interval
    found: Interval
    false_accepts: float
    tested: int
    others: int


def classed(clips: ClipSet) -> Examples:
    """A set whose labels are digits, as examples of the classes."""
    numbers = [CLASSES.index(name) if name in WORDS else len(WORDS) for name in clips.label_names]
    return replace(examples(clips), labels=np.array(numbers)[clips.labels])


def read(name: str, clips: list[Clip]) -> ClipSet:
    """Clips of a corpus, all alike."""
    labels, speakers = ({getattr(clip, key) for clip in clips} for key in ("label", "speaker"))
    return read_clips(name, clips, tuple(sorted(labels)), tuple(sorted(speakers)))


def made(count: int) -> Examples:
    """The training split of a data set."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["dataset", "digits", "--count", str(count), "--out", f"{folder}/words", "--workers", "1"]
        command += ["--labels", ",".join(WORDS), "--unknown", "0.2", "--effects", "rooms,noise,codecs"]
        subprocess.run([sys.executable, "-m", "voxlet", *command], check=True, stdout=subprocess.DEVNULL)
        clips = open_corpus(Path(folder, "words", "manifest.csv")).clips
        return classed(read("dataset", [clip for clip in clips if clip.part == "train"]))


def takes(people: int, count: int) -> Examples:
    """A few takes of each word by a few speakers of FSDD."""
    corpus = open_corpus("fsdd")
    clips = read_clips("fsdd", corpus.clips, corpus.labels, corpus.speakers)
    return classed(clips).take(few_takes(clips.labels, clips.speakers, people, count, seed=0))


def heldout() -> tuple[Examples, np.ndarray]:
    """The eight words by speakers whom no generator has heard, and spectrograms of other words."""
    sets = []
    for name in ("audiomnist", "speech_commands"):
        clips = [clip for clip in open_corpus(name).clips if use_of(name, clip) in ("classifiers", "tests")]
        sets.append(classed(read(name, [clip for clip in clips if clip.label in WORDS])))
    test = Examples(*(np.concatenate([getattr(one, key) for one in sets]) for key in ("log_mels", "labels")))
    other = [clip for clip in open_corpus(ARABIC).clips if use_of(ARABIC, clip) == "tests"]
    chosen = np.random.default_rng(0).permutation(len(other))[:MOST_OTHERS]
    sounds = read("others", [other[number] for number in chosen])
    return test, log_mels(sounds.sounds, sounds.rate, INPUTS)


def spots(network: BCResNet, test: Examples, others: np.ndarray) -> tuple[Interval, Interval, float]:
    """Accuracy on the words; words found, and false accepts in 1,000 other words, at one threshold.

    The threshold is that at which 5 % of the words are not taken for any of the eight.
    """
    own = probabilities(network, test.log_mels)[:, : len(WORDS)]
    right = own.argmax(axis=1) == test.labels
    least = np.quantile(own.max(axis=1), MISSED)
    found = right & (own.max(axis=1) >= least)
    wrong = probabilities(network, others)[:, : len(WORDS)].max(axis=1) >= least
    return (
        wilson(int(right.sum()), len(right)),
        wilson(int(found.sum()), len(found)),
        1000 * float(wrong.mean()),
    )


def stored() -> list[Row]:
    """What was measured before."""
    rows = json.loads(STORED.read_text()) if STORED.exists() else []
    return [Row(**{**row, **{key: Interval(**row[key]) for key in ("accuracy", "found")}}) for row in rows]


def table(rows: list[Row]) -> list[list[str]]:
    """A line for each spotter."""
    return [
        [
            WAYS[row.way],
            f"{row.clips:,}" if row.way != "takes" else "-",
            f"{row.people} x {row.takes}" if row.way != "dataset" else "-",
            f"{row.steps:,}",
            *(
                f"{100 * one.value:.1f} % [{100 * one.low:.1f}, {100 * one.high:.1f}]"
                for one in (row.accuracy, row.found)
            ),
            f"{row.false_accepts:.0f}",
        ]
        for row in rows
    ]


HEAD = [
    "trained on",
    "clips",
    "speakers x takes a word",
    "steps",
    "accuracy",
    "words found",
    "false accepts in 1,000",
]


def main() -> None:
    """Measure what is not known yet, or show what is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--clips", type=int, default=2000, help="of the data set, of which four fifths train")
    parser.add_argument("--people", type=int, default=3)
    parser.add_argument("--takes", type=int, default=3)
    parser.add_argument("--steps", type=int, default=TRAINING.steps, help="of each recogniser's training")
    parser.add_argument("--table", action="store_true", help="show what was measured")
    arguments = parser.parse_args()
    rows = stored()
    if not arguments.table:
        given = {"dataset": made(arguments.clips), "takes": takes(arguments.people, arguments.takes)}
        test, others = heldout()
        for way in WAYS:
            sets = list(given.values()) if way == "both" else [given[way]]
            network = train_recogniser(sets, len(CLASSES), replace(TRAINING, steps=arguments.steps))
            worth = spots(network, test, others)
            rows = [row for row in rows if row.way != way]
            rows.append(
                Row(
                    way,
                    arguments.clips,
                    arguments.people,
                    arguments.takes,
                    arguments.steps,
                    *worth,
                    len(test.labels),
                    len(others),
                )
            )
            lines = ",\n".join(json.dumps(asdict(row)) for row in rows)
            write_atomically(STORED, f"[\n{lines}\n]\n".encode())
    for line in [HEAD, *table(rows)]:
        print(" | ".join(line), flush=True)


if __name__ == "__main__":
    main()
