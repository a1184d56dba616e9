"""A spotter for eight words, trained on a data set alone, on real takes alone, or on both.

    python benchmarks/spotter.py [--clips 2000] [--people 3] [--takes 3] [--steps 1500]
    python benchmarks/spotter.py --table

The words are eight digits. The data set is made by `voxlet dataset digits --unknown 0.2 --effects
rooms,noise,codecs`, with a new speaker for each round of the words; the real takes are FSDD's. The same small
recogniser (BC-ResNet) is trained on either for the same number of steps with the same augmentation.

Sounds that are none of the words have three classes, each drawn as often as a word: other digits, which are
in either set; sounds made from its words, namely the second half of a word before the first half of another,
words played backwards, and noise that rises and falls; and, in a fourth way of training, real words of
another language. A word is accepted if its probability is above a threshold, which accepts at most one in a
hundred of these sounds in a validation set: by speakers of the data set who are not trained on, and two more
of FSDD.

The spotter is tested on speakers of AudioMNIST and Speech Commands whom no generator has heard, with the
eight words and the two other digits. Words never given in training are those of the Arabic corpus that no
base may learn, said by its test speakers. Results are kept in docs/figures/spotter.json. The voice itself has
learned from FSDD.
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

from voxlet import audio
from voxlet.corpus.corpus import Clip, open_corpus
from voxlet.corpus.held_out import ARABIC_WORDS, use_of
from voxlet.evaluation.classifiers.inputs import log_mels
from voxlet.evaluation.clipset import ClipSet, read_clips
from voxlet.evaluation.intervals import Interval, wilson
from voxlet.evaluation.utility.bc_resnet import BCResNet
from voxlet.evaluation.utility.recogniser import (
    INPUTS,
    TRAINING,
    Examples,
    few_takes,
    probabilities,
    train_recogniser,
)
from voxlet.files import write_atomically
from voxlet.trimming.regions import speech_bounds

STORED = Path(__file__).parent.parent / "docs" / "figures" / "spotter.json"
WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight")
ARABIC = "arabic_speech_commands"
NONE = ("other digits", "made of words", "other words")  # classes of sounds that are none of the words
OTHER, MADE, FOREIGN = range(len(WORDS), len(WORDS) + len(NONE))
WAYS = {
    "dataset": "the data set alone",
    "takes": "real takes alone",
    "both": "both",
    "foreign": "both, and real words of another language",
}
FALSE = 0.01  # share of the validation set's other sounds that the threshold accepts
MOST_FOREIGN = 600  # foreign clips that are trained on
FADE = 0.01  # seconds
STEPS = 1500  # after 400 steps on a data set, accuracy on unseen speakers was 37 %


@dataclass(frozen=True)
class Row:
    """A trained spotter and its results on unseen speakers.

    Attributes:
        way: A key of `WAYS`.
        clips: Clips of the data set.
        people: Speakers of real takes.
        takes: Real takes of each word by each speaker.
        steps: Training steps.
        threshold: The probability above which a word is accepted.
        accuracy: Share of words that are the most probable of the eight.
        found: Share of words that are the most probable, and accepted.
        digits: Share of the two other digits that is accepted as a word.
        foreign: Share of words never given in training that is accepted as a word.
    """

    way: str
    clips: int
    people: int
    takes: int
    steps: int
    threshold: float
    accuracy: Interval
    found: Interval
    digits: Interval
    foreign: Interval


@dataclass(frozen=True)
class Given:
    """What a spotter is trained on, and what its threshold is chosen on."""

    train: Examples
    validation: Examples


def read(name: str, clips: list[Clip]) -> ClipSet:
    """Read clips of a corpus into one set."""
    labels, speakers = ({getattr(clip, key) for clip in clips} for key in ("label", "speaker"))
    return read_clips(name, clips, tuple(sorted(labels)), tuple(sorted(speakers)))


def classed(clips: ClipSet, *, seed: int = 0) -> Examples:
    """Examples from a set of digits, with as many of each kind of made sound as it has other digits."""
    names = [clips.label_names[label] for label in clips.labels]
    labels = [WORDS.index(name) if name in WORDS else OTHER for name in names]
    rng = np.random.default_rng(seed)
    words = [sound for sound, label in zip(clips.sounds, labels, strict=True) if label != OTHER]
    count = labels.count(OTHER)
    first, second, backwards = (rng.integers(len(words), size=count) for _ in range(3))
    halves = [
        audio.join([cut(words[b], clips.rate)[1], cut(words[a], clips.rate)[0]], clips.rate, 0)
        for a, b in zip(first, second, strict=True)
    ]
    noise = [hiss(len(words[row]), rng) for row in backwards]
    sounds = [*clips.sounds, *halves, *(words[row][::-1].copy() for row in backwards), *noise]
    labels += [MADE] * (len(sounds) - len(labels))
    return Examples(log_mels(sounds, clips.rate, INPUTS), np.array(labels))


def cut(sound: audio.Samples, rate: int) -> tuple[audio.Samples, audio.Samples]:
    """The two halves of the speech in a clip (T,)."""
    start, stop = speech_bounds(sound, rate)
    middle = (start + stop) // 2
    return audio.fade(sound[start:middle], rate, FADE), audio.fade(sound[middle:stop], rate, FADE)


def hiss(count: int, rng: np.random.Generator) -> audio.Samples:
    """Noise (count,) of a random colour, in one or two bursts."""
    spectrum = np.fft.rfft(rng.standard_normal(count))
    spectrum *= np.maximum(np.arange(len(spectrum)), 1) ** -rng.uniform(0, 1.5)
    times = np.arange(count) / count
    envelope = sum(
        np.exp(-(((times - rng.uniform(0.2, 0.8)) / rng.uniform(0.05, 0.4)) ** 2))
        for _ in range(rng.integers(1, 3))
    )
    noise = np.fft.irfft(spectrum, count) * envelope
    return (0.3 * noise / np.abs(noise).max()).astype(np.float32)


def made(count: int) -> Given:
    """Make a data set: its training split, and the split of the validation speakers."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["dataset", "digits", "--count", str(count), "--out", f"{folder}/words", "--workers", "1"]
        command += ["--labels", ",".join(WORDS), "--unknown", "0.2", "--effects", "rooms,noise,codecs"]
        subprocess.run([sys.executable, "-m", "voxlet", *command], check=True, stdout=subprocess.DEVNULL)
        clips = open_corpus(Path(folder, "words", "manifest.csv")).clips
        train, validation = (
            classed(read("dataset", [clip for clip in clips if clip.part == part]))
            for part in ("train", "validation")
        )
        return Given(train, validation)


def takes(people: int, count: int) -> Given:
    """A few takes of each word by a few speakers of FSDD, and as many by two others for validation."""
    corpus = open_corpus("fsdd")
    clips = read_clips("fsdd", corpus.clips, corpus.labels, corpus.speakers)
    train, more = (few_takes(clips.labels, clips.speakers, n, count, seed=0) for n in (people, people + 2))
    return Given(classed(clips.take(train)), classed(clips.take(np.setdiff1d(more, train))))


def foreign() -> Given:
    """Another language's words by two thirds of a base's speakers to train on, the others to validate."""
    clips = [clip for clip in open_corpus(ARABIC).clips if use_of(ARABIC, clip) == "base"]
    order = np.random.default_rng(0).permutation(len(clips))[: MOST_FOREIGN * 3 // 2]
    people = sorted({clip.speaker for clip in clips})
    validating = set(people[::3])
    parts = []
    for validates in (False, True):
        chosen = [clips[row] for row in order if (clips[row].speaker in validating) == validates]
        sounds = read("foreign", chosen)
        parts.append(Examples(log_mels(sounds.sounds, sounds.rate, INPUTS), np.full(len(chosen), FOREIGN)))
    return Given(*parts)


def joined(sets: list[Examples]) -> Examples:
    """Several sets of examples as one."""
    return Examples(*(np.concatenate([getattr(one, key) for one in sets]) for key in ("log_mels", "labels")))


def beside(one: Given, other: Given) -> Given:
    """The sets of `one` and of `other` joined."""
    return Given(joined([one.train, other.train]), joined([one.validation, other.validation]))


@dataclass(frozen=True)
class Test:
    """The eight words and other digits by unseen speakers, and spectrograms of words never given."""

    digits: Examples
    foreign: np.ndarray


def heldout() -> Test:
    """Clips that no generator and no spotter has heard."""
    sets = []
    for name in ("audiomnist", "speech_commands"):
        clips = [clip for clip in open_corpus(name).clips if use_of(name, clip) in ("classifiers", "tests")]
        sounds = read(name, clips)
        names = [sounds.label_names[label] for label in sounds.labels]
        labels = [WORDS.index(word) if word in WORDS else OTHER for word in names]
        sets.append(Examples(log_mels(sounds.sounds, sounds.rate, INPUTS), np.array(labels)))
    other = [clip for clip in open_corpus(ARABIC).clips if use_of(ARABIC, clip) == "tests"]
    sounds = read("others", [clip for clip in other if clip.label in ARABIC_WORDS])
    return Test(joined(sets), log_mels(sounds.sounds, sounds.rate, INPUTS))


def threshold(network: BCResNet, validation: Examples) -> float:
    """The probability above which at most one in a hundred sounds that are no word are accepted."""
    none = validation.log_mels[validation.labels >= len(WORDS)]
    return float(np.quantile(words_of(network, none).max(axis=1), 1 - FALSE))


def words_of(network: BCResNet, log_mel: np.ndarray) -> np.ndarray:
    """Probabilities of the eight words, (B, 8)."""
    return probabilities(network, log_mel)[:, : len(WORDS)]


def worth(network: BCResNet, least: float, test: Test) -> dict[str, Interval]:
    """What a spotter finds, and what it accepts wrongly, at the threshold `least`: fields of `Row`."""
    said, labels = words_of(network, test.digits.log_mels), test.digits.labels
    asked, accepted = labels < len(WORDS), said.max(axis=1) > least
    right = said.argmax(axis=1) == labels
    strange = words_of(network, test.foreign).max(axis=1) > least
    return {
        "accuracy": wilson(int(right[asked].sum()), int(asked.sum())),
        "found": wilson(int((right & accepted)[asked].sum()), int(asked.sum())),
        "digits": wilson(int(accepted[~asked].sum()), int((~asked).sum())),
        "foreign": wilson(int(strange.sum()), len(strange)),
    }


def read_rows(path: Path) -> list[Row]:
    """The results that are stored."""
    rows = json.loads(path.read_text()) if path.exists() else []
    return [
        Row(**{key: Interval(**value) if isinstance(value, dict) else value for key, value in row.items()})
        for row in rows
    ]


def shown(row: Row) -> list[str]:
    """A spotter's row of the table."""
    own = [
        f"{100 * one.value:.1f} % [{100 * one.low:.1f}, {100 * one.high:.1f}]"
        for one in (row.accuracy, row.found)
    ]
    wrong = [
        f"{1000 * one.value:.0f} [{1000 * one.low:.0f}, {1000 * one.high:.0f}]"
        for one in (row.digits, row.foreign)
    ]
    return [WAYS[row.way], f"{row.steps:,}", *own, *wrong]


HEAD = [
    "trained on",
    "steps",
    "accuracy",
    "words found",
    "zero and nine accepted, of 1,000",
    "words never given accepted, of 1,000",
]


def main() -> None:
    """Measure all, or show what was measured."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=int, default=2000, help="of the data set, of which four fifths train")
    parser.add_argument("--people", type=int, default=3)
    parser.add_argument("--takes", type=int, default=3)
    parser.add_argument("--steps", type=int, default=STEPS, help="of each recogniser's training")
    parser.add_argument("--table", action="store_true", help="show what was measured")
    arguments = parser.parse_args()
    rows = read_rows(STORED)
    if not arguments.table:
        numbers = (arguments.clips, arguments.people, arguments.takes, arguments.steps)
        dataset, real, strange = made(arguments.clips), takes(arguments.people, arguments.takes), foreign()
        given = {
            "dataset": [dataset],
            "takes": [real],
            "both": [dataset, real],
            "foreign": [dataset, beside(real, strange)],
        }
        test = heldout()
        for way, sets in given.items():
            network = train_recogniser(
                [one.train for one in sets], len(WORDS) + len(NONE), replace(TRAINING, steps=arguments.steps)
            )
            least = threshold(network, joined([one.validation for one in sets]))
            row = Row(way, *numbers, least, **worth(network, least, test))
            print(" | ".join(shown(row)), flush=True)
            rows = [*(row for row in rows if row.way != way), row]
            lines = ",\n".join(json.dumps(asdict(row)) for row in rows)
            write_atomically(STORED, f"[\n{lines}\n]\n".encode())
    for line in [HEAD, *map(shown, rows)]:
        print(" | ".join(line), flush=True)


if __name__ == "__main__":
    main()
