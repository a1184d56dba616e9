"""How useful generated clips are: a small recogniser's accuracy over the number of takes that it is given.

    python benchmarks/utility.py digits [--voice digits] [--draws 3]
    python benchmarks/utility.py arabic
    python benchmarks/utility.py words --takes FOLDER --voice FILE
    python benchmarks/utility.py --table
    python benchmarks/utility.py --figure docs/figures/utility.png

A recogniser of about 9,000 parameters (BC-ResNet) is trained, always for the same number of steps and with
strong augmentation, on k takes of each word by n speakers, on those and generated clips, or on generated
clips alone. It is tested on speakers whom neither it nor the generator has heard. Each result is kept at once
in docs/figures/utility.json and not measured again, so the benchmark can be stopped and continued.

`digits`: takes of FSDD, and clips of a voice, all words in each of many new styles; tested on the speakers of
AudioMNIST and Speech Commands that no generator may learn from. The shipped voice was itself trained on 2,400
takes of FSDD: its curve shows what its clips add to few takes, not that few takes make such a voice.
`arabic`: takes alone, by the published split.
`words`: takes of one speaker in a folder, and clips in new styles of the voice that learned these words from
those takes alone (`benchmarks/keeping.py words` makes both); tested on all other speakers of these words,
whom neither the base nor the voice has heard say them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from voxlet.corpus.corpus import Clip, open_corpus
from voxlet.corpus.held_out import use_of
from voxlet.evaluation.classifiers.inputs import InputConfig, log_mels
from voxlet.evaluation.clipset import ClipSet, read_clips
from voxlet.evaluation.intervals import Interval
from voxlet.evaluation.utility.recogniser import (
    INPUTS,
    TRAINING,
    Examples,
    assess,
    examples,
    few_takes,
    train_recogniser,
)
from voxlet.files import write_atomically
from voxlet.plots.figure import COLOURS, canvas, save
from voxlet.speak.manner import Manner
from voxlet.speak.voice import load_voice

STORED = Path(__file__).parent.parent / "docs" / "figures" / "utility.json"
WAYS = {
    "takes": "takes, augmented",
    "both": "takes and generated clips, augmented",
    "generated": "generated clips alone, augmented",
}
STYLES = 200  # new styles of a voice; each says every word once
SPEEDS, PITCHES, CLARITIES = (0.8, 1.25), (-3.0, 3.0), (0.0, 1.0)  # drawn evenly for generated clips
ARABIC = "arabic_speech_commands"
WIDE = replace(INPUTS, rate=16000)


@dataclass(frozen=True)
class Point:
    """How many speakers, how many takes of each word by each of them, and how many training steps."""

    people: int
    takes: int
    steps: int = 3000  # more gain nothing; a third of them loses 4 points of accuracy on takes alone


POINTS = {
    "digits": (Point(1, 3), Point(6, 3), Point(3, 3), Point(6, 10)),
    "arabic": (Point(18, 10), Point(3, 3), Point(18, 3), Point(6, 3)),
    "words": (Point(1, 7),),
}


@dataclass(frozen=True)
class Row:
    """A trained recogniser: what it was trained on, and its results."""

    words: str
    way: str
    people: int
    takes: int
    draw: int
    steps: int
    accuracy: Interval
    false_accepts: float

    @property
    def key(self) -> tuple[str, str, int, int, int, int]:
        """The fields that identify a row."""
        return self.words, self.way, self.people, self.takes, self.draw, self.steps


@dataclass(frozen=True)
class Task:
    """Takes to train on, clips to test on, spectrograms of other words, and generated clips, if any."""

    train: ClipSet
    takes: Examples
    test: Examples
    others: np.ndarray
    generated: Callable[[int], Examples] | None = None


def chosen(corpus: str, keep: Callable[[Clip], bool]) -> tuple[list[Clip], tuple[str, ...]]:
    """The clips of a known corpus for which `keep` holds, and its speakers."""
    opened = open_corpus(corpus)
    return [clip for clip in opened.clips if keep(clip)], opened.speakers


def unheard(corpus: str, labels: tuple[str, ...]) -> ClipSet:
    """All clips of these labels that no generator may learn from."""
    clips, speakers = chosen(
        corpus, lambda clip: clip.label in labels and use_of(corpus, clip) in ("classifiers", "tests")
    )
    return read_clips(corpus, clips, labels, speakers)


def digits_task(voice: str) -> Task:
    """The task `digits`: FSDD's takes and a voice's clips; other words are the Arabic corpus's."""
    opened = open_corpus("fsdd")
    train = read_clips("fsdd", opened.clips, opened.labels, opened.speakers)
    tests = [examples(unheard(name, opened.labels)) for name in ("audiomnist", "speech_commands")]
    test = Examples(
        np.concatenate([one.log_mels for one in tests]), np.concatenate([one.labels for one in tests])
    )
    clips, speakers = chosen(ARABIC, lambda clip: clip.part == "test")
    others = read_clips(ARABIC, clips, tuple(sorted({clip.label for clip in clips})), speakers)
    return Task(
        train,
        examples(train),
        test,
        log_mels(others.sounds, others.rate, INPUTS),
        lambda draw: generated_examples(voice, opened.labels, draw, INPUTS),
    )


def words_task(voice: str, folder: Path) -> Task:
    """The task `words`: one speaker's takes and a voice's clips, tested on Arabic's other speakers."""
    own = open_corpus(str(folder), language="ar")
    train = read_clips("takes", own.clips, own.labels, own.speakers)
    others, speakers = chosen(ARABIC, lambda clip: clip.speaker not in own.speakers)
    test = read_clips(ARABIC, [clip for clip in others if clip.label in own.labels], own.labels, speakers)
    rest = [clip for clip in others if clip.part == "test" and clip.label not in own.labels]
    strange = read_clips(ARABIC, rest, tuple(sorted({clip.label for clip in rest})), speakers)
    return Task(
        train,
        examples(train, WIDE),
        examples(test, WIDE),
        log_mels(strange.sounds, strange.rate, WIDE),
        lambda draw: generated_examples(voice, own.labels, draw, WIDE),
    )


def generated_examples(name: str, labels: tuple[str, ...], draw: int, inputs: InputConfig) -> Examples:
    """Clips of a voice: every word in each of many new styles, each clip in a random manner."""
    voice, rng = load_voice(name), np.random.default_rng(draw)
    sounds = []
    for number in range(STYLES):
        manners = [
            Manner(speed=float(np.exp(rng.uniform(*np.log(SPEEDS)))), pitch=pitch, clarity=clarity)
            for pitch, clarity in zip(
                rng.uniform(*PITCHES, len(labels)).tolist(),
                rng.uniform(*CLARITIES, len(labels)).tolist(),
                strict=True,
            )
        ]
        seed = 10_000 * draw + number
        sounds += voice.sample(labels, speaker="random", manner=manners, seed=seed)
    return Examples(log_mels(sounds, voice.rate, inputs), np.tile(np.arange(len(labels)), STYLES))


def arabic_task() -> Task:
    """The task `arabic`: takes of the published split; other words are English digits."""
    clips, speakers = chosen(ARABIC, lambda clip: clip.part in ("train", "test"))
    labels = tuple(sorted({clip.label for clip in clips}))

    def part(name: str) -> ClipSet:
        return read_clips(ARABIC, [clip for clip in clips if clip.part == name], labels, speakers)

    english = open_corpus("speech_commands")
    tests = [clip for clip in english.clips if use_of("speech_commands", clip) == "tests"]
    others = read_clips("speech_commands", tests, english.labels, english.speakers)
    train = part("train")
    return Task(
        train, examples(train, WIDE), examples(part("test"), WIDE), log_mels(others.sounds, others.rate, WIDE)
    )


def jobs(words: str, ways: list[str], draws: int) -> Iterator[tuple[int, Point, str]]:
    """Draw, point and way of each training, the first draw of every point before the second of any."""
    for draw in range(draws):
        for number, point in enumerate(POINTS[words]):
            for way in ways:
                if way != "generated" or number == 0:  # generated clips do not depend on takes
                    yield draw, Point(0, 0, point.steps) if way == "generated" else point, way


def measure(words: str, task: Task, draws: int, known: list[Row]) -> Iterator[Row]:
    """Train and test each recogniser whose row is not known yet."""
    ways = list(WAYS) if task.generated else ["takes"]
    made: dict[int, Examples] = {}
    for draw, point, way in jobs(words, ways, draws):
        row = Row(words, way, point.people, point.takes, draw, point.steps, Interval(0, 0, 0, 0), 0.0)
        if row.key in {one.key for one in known}:
            continue
        sets = []
        if way != "generated":
            few = few_takes(task.train.labels, task.train.speakers, point.people, point.takes, seed=draw)
            sets.append(task.takes.take(few))
        if way != "takes" and task.generated is not None:
            if draw not in made:
                made[draw] = task.generated(draw)
            sets.append(made[draw])
        config = replace(TRAINING, steps=point.steps, seed=draw)
        heard = assess(train_recogniser(sets, len(task.train.label_names), config), task.test, task.others)
        yield replace(row, accuracy=heard.accuracy, false_accepts=round(heard.false_accepts, 1))


def read(path: Path = STORED) -> list[Row]:
    """The results that are stored."""
    stored = json.loads(path.read_text()) if path.exists() else []
    return [Row(**{**row, "accuracy": Interval(**row["accuracy"])}) for row in stored]


def write(rows: list[Row], path: Path) -> None:
    """Store the results in order, a line each."""
    lines = [json.dumps(asdict(row)) for row in sorted(rows, key=lambda row: row.key)]
    write_atomically(path, ("[\n" + ",\n".join(lines) + "\n]\n").encode())


def table(rows: list[Row]) -> list[list[str]]:
    """The table's rows: mean accuracy over draws (with the lowest and highest) of each way and point."""
    groups: dict[tuple[str, str, int, int, int], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.words, row.way, row.people, row.takes, row.steps), []).append(row)
    lines = []
    for (words, way, people, takes, steps), members in sorted(groups.items()):
        shares = [100 * row.accuracy.value for row in members]
        false = [row.false_accepts for row in members]
        given = f"{people} x {takes}" if people else "-"
        spread = f" ({min(shares):.1f} to {max(shares):.1f})" if len(shares) > 1 else ""
        lines.append(
            [words, WAYS[way], given, str(steps), f"{np.mean(shares):.1f} %{spread}", f"{np.mean(false):.0f}"]
        )
    return lines


HEAD = ["words", "trained on", "speakers x takes a word", "steps", "accuracy", "false accepts in 1,000"]


def figure(rows: list[Row], path: Path) -> None:
    """Draw accuracy over the number of takes: a panel for each task with several numbers, or else for all."""
    given = {words: {row.people * row.takes for row in rows if row.words == words} - {0} for words in POINTS}
    sets = [words for words, counts in given.items() if len(counts) > 1] or list(filter(given.get, given))
    drawn, axes = canvas(5.5 * len(sets), 3.6, 1, len(sets))
    for axis, words in zip(axes, sets, strict=True):
        for colour, (way, title) in zip(COLOURS, WAYS.items(), strict=False):
            shares: dict[int, list[float]] = {}
            for row in rows:
                if (row.words, row.way) == (words, way):
                    shares.setdefault(row.people * row.takes, []).append(100 * row.accuracy.value)
            if list(shares) == [0]:  # generated clips alone
                axis.axhline(np.mean(shares[0]), color=colour, linestyle="--", label=title)
            elif shares:
                counts = sorted(shares)
                axis.plot(counts, [np.mean(shares[n]) for n in counts], "o-", color=colour, label=title)
                ends = [min(shares[n]) for n in counts], [max(shares[n]) for n in counts]
                axis.fill_between(counts, *ends, color=colour, alpha=0.2)
        axis.set_xscale("log")
        axis.set_xticks(sorted(given[words]), labels=map(str, sorted(given[words])))
        axis.minorticks_off()
        axis.set_xlabel("takes of each word, of all speakers")
        axis.set_ylabel("accuracy, %")
        axis.set_title(words, fontsize=10, loc="left")
        axis.legend(fontsize=8)
    save(drawn, path)


def main() -> None:
    """Measure what is not stored yet, or show what is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("words", nargs="?", choices=list(POINTS))
    parser.add_argument("--voice", default="digits", help="whose clips are given beside takes")
    parser.add_argument("--draws", type=int, default=3, help="of speakers, takes and weights, for each point")
    parser.add_argument("--stored", type=Path, default=STORED, help="where results are kept")
    parser.add_argument("--table", action="store_true", help="show what was measured")
    parser.add_argument("--figure", type=Path, help="draw what was measured")
    parser.add_argument("--takes", type=Path, help="of `words`: the folder that the voice learned from")
    arguments = parser.parse_args()
    if arguments.words == "words" and arguments.takes is None:
        parser.error("words needs --takes FOLDER")
    rows = read(arguments.stored)
    if arguments.words:
        tasks = {
            "digits": lambda: digits_task(arguments.voice),
            "arabic": arabic_task,
            "words": lambda: words_task(arguments.voice, arguments.takes),
        }
        task = tasks[arguments.words]()
        for row in measure(arguments.words, task, arguments.draws, rows):
            rows.append(row)
            write(rows, arguments.stored)
            print(" ".join(table([row])[0]), file=sys.stderr)
    if arguments.table:
        for line in [HEAD, *table(rows)]:
            print(" | ".join(line))
    if arguments.figure and not rows:
        parser.error("nothing was measured yet: name the words to begin with")
    if arguments.figure:
        figure(rows, arguments.figure)


if __name__ == "__main__":
    main()
