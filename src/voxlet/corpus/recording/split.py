"""Cut a long recording at its pauses into takes: assigns labels, writes files and an editable manifest."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from voxlet import audio, files
from voxlet.corpus.look import likeness
from voxlet.corpus.look.inspection import DOUBTFUL
from voxlet.errors import ConfigError, CorpusError
from voxlet.trimming.regions import find_speech
from voxlet.words.spelling import fold

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from voxlet.audio import Samples

MANIFEST = "manifest.csv"
MARGIN = 0.15  # seconds kept on each side of a word, but at most half of the pause
LEAST_PAUSE = 0.12  # seconds: shorter pauses lie within a word
CLEAR_RATIO = 1.3  # least ratio of the shortest pause between words to the longest within a word
ROUNDS, BLOCKS = "one after another, then again", "all takes of one, then of the next"


@dataclass(frozen=True)
class Take:
    """A word in the long recording.

    Attributes:
        label: The assigned label.
        take: Number of the take within its label, from 0.
        start: First sample.
        stop: One past the last sample.
        doubtful: Whether the take is unlike the other takes of its label.
    """

    label: str
    take: int
    start: int
    stop: int
    doubtful: bool = False


@dataclass(frozen=True)
class Cut:
    """The takes of a long recording, in order.

    Attributes:
        takes: The takes.
        order: Order of the labels, `ROUNDS` or `BLOCKS`.
        pause: Shortest pause between two words in seconds; infinite for a single word.
        rate: Sampling rate in Hz.
    """

    takes: tuple[Take, ...]
    order: str
    pause: float
    rate: int


def cut(samples: Samples, rate: int, labels: Sequence[str], takes: int | None = None) -> Cut:
    """Find the words in a long recording (T,) and assign a label to each.

    The labels were said in the given order: either in rounds (each once, then all again) or in blocks (all
    takes of one, then of the next). The order that makes the takes of a label more alike is chosen.

    Args:
        samples: The recording.
        rate: Sampling rate in Hz.
        labels: The labels, in the order in which they were said.
        takes: Takes of each label; detected if None.

    Raises:
        ConfigError: No labels, an empty or a repeated label, or `takes` below 1.
        CorpusError: The recording holds no speech, or a number of words that does not fit.
    """
    check(labels, takes)
    regions = find_speech(samples, rate).regions
    if not regions:
        raise CorpusError("holds no speech", remedy="listen to it; speak nearer to the microphone")
    words, pause = group(regions, rate, len(labels), takes)
    each = len(words) // len(labels)
    pictures = np.stack([likeness.word_features(samples[start:stop], rate) for start, stop in words])
    rounds = np.tile(np.arange(len(labels)), each)
    blocks = np.repeat(np.arange(len(labels)), each)
    in_rounds = each == 1 or spread(pictures, rounds) <= spread(pictures, blocks)
    numbers = rounds if in_rounds else blocks
    unlike = likeness.unlikeness(pictures, numbers)
    counted = [int((numbers[:row] == number).sum()) for row, number in enumerate(numbers)]
    found = tuple(
        Take(labels[number], take, *word, doubtful=bool(value > DOUBTFUL))
        for number, take, word, value in zip(numbers, counted, words, unlike, strict=True)
    )
    return Cut(found, ROUNDS if in_rounds else BLOCKS, pause, rate)


def check(labels: Sequence[str], takes: int | None) -> None:
    """Check the labels and the number of takes.

    Raises:
        ConfigError: No labels, an empty or a repeated label, or `takes` below 1.
    """
    if not labels or not all(label.strip() for label in labels):
        raise ConfigError(
            "names no labels, or an empty one",
            where="--labels",
            remedy="give them as in --labels yes,no,stop",
        )
    if len({fold(label) for label in labels}) < len(labels):
        raise ConfigError(
            f"names a label twice: {', '.join(labels)}",
            where="--labels",
            remedy="name each once; --takes says how often each was said",
        )
    if takes is not None and takes < 1:
        raise ConfigError(f"{takes} is less than 1", where="--takes")


def group(
    regions: Sequence[tuple[int, int]], rate: int, labels: int, takes: int | None
) -> tuple[list[tuple[int, int]], float]:
    """Join stretches of speech into words; also the shortest pause between two words, in seconds.

    Pauses between words are longer than pauses within a word. If `takes` is None, the number of words is the
    multiple of `labels` for which the two kinds of pause differ most clearly.

    Raises:
        CorpusError: There are fewer stretches than words, or no clear number of words.
    """
    gaps = np.array([later[0] - earlier[1] for earlier, later in pairwise(regions)]) / rate
    order = np.sort(gaps)[::-1]  # longest first: with k words, the first k - 1 pauses are between words
    counts = [labels * takes] if takes is not None else range(labels, len(regions) + 1, labels)
    best, clearest = 0, 0.0
    for count in counts:
        if not 0 < count <= len(regions):
            continue
        shortest = order[count - 2] if count > 1 else np.inf
        longest_within = max(order[count - 1] if count - 1 < len(order) else 0.0, LEAST_PAUSE)
        if shortest / longest_within > clearest:
            best, clearest = count, shortest / longest_within
    if not best or (takes is None and clearest < CLEAR_RATIO and best != len(regions)):
        wanted = f"{labels} labels" if takes is None else f"{labels} labels with {takes} takes each"
        raise CorpusError(
            f"{len(regions)} stretches of speech were found, which does not fit {wanted}",
            remedy="leave longer pauses, or say with --takes how often each was said",
        )
    pause = float(order[best - 2]) if best > 1 else np.inf
    words = [list(regions[0])]
    for gap, (start, stop) in zip(gaps, regions[1:], strict=True):
        if gap < pause:
            words[-1][1] = stop
        else:
            words.append([start, stop])
    if len(words) != best:  # some pauses are equally long
        raise CorpusError(
            f"{len(words)} words were found instead of {best}",
            remedy="leave longer pauses, or say with --takes how often each was said",
        )
    return [(start, stop) for start, stop in words], pause


def spread(pictures: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Mean distance of takes (N, D) from the mean of their label, averaged over labels."""
    return float(
        np.mean(
            [
                np.linalg.norm(pictures[labels == one] - pictures[labels == one].mean(0), axis=1).mean()
                for one in np.unique(labels)
            ]
        )
    )


def split(
    recording: Path, labels: Sequence[str], out: Path, *, takes: int | None = None, speaker: str | None = None
) -> Cut:
    """Cut a long recording into takes, written to `out` together with `manifest.csv`, which lists them.

    `open_corpus(out)` reads the manifest: correct a label there to relabel a take, or delete a line to leave
    its take out.

    Args:
        recording: A sound file.
        labels: The labels, in the order in which they were said.
        out: A new or empty folder.
        takes: Takes of each label; detected if None.
        speaker: Name of the speaker; by default the name of the file.

    Raises:
        AudioError: The recording cannot be read.
        ConfigError: See `cut`; or `out` is a file or not empty.
        CorpusError: See `cut`.
        FileError: The takes cannot be written.
    """
    check(labels, takes)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        what = "holds files already" if out.is_dir() else "is a file"
        raise ConfigError(what, where=out, remedy="name a new folder with --out")
    sound = audio.read(recording)
    try:
        found = cut(sound.samples, sound.rate, labels, takes)
    except CorpusError as error:
        raise CorpusError(error.what, where=recording, remedy=error.remedy) from error
    who = speaker or recording.stem
    table = io.StringIO()
    lines = csv.writer(table, lineterminator="\n")
    lines.writerow(("path", "label", "speaker", "take", "start", "stop", "doubtful"))
    files.make_folder(out.parent)
    with files.writing(out), files.atomic_folder(out) as folder:
        for number, (take, (first, last)) in enumerate(zip(found.takes, margins(found, sound), strict=True)):
            name = f"{number + 1:04d}.wav"
            audio.write(folder / name, sound.samples[first:last], rate=sound.rate)
            times = (f"{sample / sound.rate:.3f}" for sample in (take.start, take.stop))
            lines.writerow((name, take.label, who, take.take, *times, "yes" if take.doubtful else ""))
        (folder / MANIFEST).write_text(table.getvalue(), encoding="utf-8")
    return found


def margins(found: Cut, sound: audio.Sound) -> list[tuple[int, int]]:
    """First and one-past-last sample of each take's file: the word, with some silence around it."""
    most = round(MARGIN * sound.rate)
    edges = [0, *(
        (earlier.stop + later.start) // 2 for earlier, later in pairwise(found.takes)
    ), len(sound.samples)]  # fmt: skip
    return [
        (max(low, take.start - most), min(high, take.stop + most))
        for take, (low, high) in zip(found.takes, pairwise(edges), strict=True)
    ]
