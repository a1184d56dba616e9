"""Sets of labelled clips to be measured: real ones of a corpus, a folder of anyone's, or a sampler's."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from voxlet import audio
from voxlet.corpus.corpus import open_corpus
from voxlet.corpus.listing.sound_files import common_folder, relative_name
from voxlet.corpus.look.advise import listed
from voxlet.errors import ScoreError
from voxlet.training.progress import Progress
from voxlet.words.spelling import find

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from voxlet.audio import Samples
    from voxlet.corpus.corpus import Clip
    from voxlet.speak.speech import Sampler

BATCH = 16  # clips sampled at once


@dataclass(frozen=True)
class ClipSet:
    """B clips, each (T,) float32 of its own length at one rate, with what they are meant to say.

    Attributes:
        name: What the set is called in tables.
        sounds: The clips.
        rate: Hz.
        labels: (B,) int64 into `label_names`.
        label_names: Every label that may be asked for.
        speakers: (B,) int64 into `speaker_names`; -1 where nobody in particular was asked for.
        speaker_names: Every speaker that may be asked for; may be empty.
        sources: Where each comes from: its path within the recordings, or how it was sampled.
        selection: How the clips were chosen; None: not at all, all that were generated are here.
    """

    name: str
    sounds: tuple[Samples, ...]
    rate: int
    labels: NDArray[np.int64]
    label_names: tuple[str, ...]
    speakers: NDArray[np.int64]
    speaker_names: tuple[str, ...]
    sources: tuple[str, ...]
    selection: str | None = None

    def __len__(self) -> int:
        return len(self.sounds)

    @property
    def said(self) -> list[str]:
        """The labels that some clip has."""
        return [self.label_names[label] for label in np.unique(self.labels)]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of samples, rate and what they are meant to say."""
        total = hashlib.sha256(repr((self.rate, self.label_names, self.speaker_names)).encode())
        for sound, label, speaker in zip(self.sounds, self.labels, self.speakers, strict=True):
            total.update(f"|{len(sound)} {label} {speaker}|".encode() + sound.astype("<f4").tobytes())
        return total.hexdigest()

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> ClipSet:
        """The clips of these row numbers, or where a mask (B,) is true."""
        numbers = np.arange(len(self))[rows]
        return replace(
            self,
            sounds=tuple(self.sounds[row] for row in numbers),
            labels=self.labels[numbers],
            speakers=self.speakers[numbers],
            sources=tuple(self.sources[row] for row in numbers),
        )

    def sound_of(self, source: str) -> Samples:
        """The clip (T,) that comes from there."""
        return self.sounds[self.sources.index(source)]

    def renamed(self, label_names: tuple[str, ...], speaker_names: tuple[str, ...]) -> ClipSet:
        """The same clips, their labels and speakers numbered by these names; a strange speaker becomes -1.

        Raises:
            ScoreError: A clip's label is not among them.
        """
        check_labels(self.name, self.said, label_names)
        same = {name: find(name, label_names) for name in self.label_names}
        rows = {name: row for row, name in enumerate(label_names)}
        label_table = [rows.get(same[name] or "", -1) for name in self.label_names]
        speaker_table = [
            speaker_names.index(name) if name in speaker_names else -1 for name in self.speaker_names
        ]
        labels = np.array([label_table[label] for label in self.labels], dtype=np.int64)
        speakers = [-1 if speaker < 0 else speaker_table[speaker] for speaker in self.speakers]
        return replace(
            self,
            labels=labels,
            label_names=label_names,
            speakers=np.array(speakers, dtype=np.int64),
            speaker_names=speaker_names,
        )


def check_labels(name: str, labels: Sequence[str], label_names: Sequence[str]) -> None:
    """See that what is measured says nothing but what the real recordings say.

    Raises:
        ScoreError: It has other labels, too.
    """
    if strange := [label for label in labels if find(label, label_names) is None]:
        raise ScoreError(
            f"says {listed(strange)}, of which the recordings that it is compared with have no take",
            where=name,
            remedy="name recordings of all its words: --corpus FOLDER",
        )


def joined(first: ClipSet, second: ClipSet) -> ClipSet:
    """The clips of two sets with the same rate, labels and speakers, under the first one's name."""
    return replace(
        first,
        sounds=first.sounds + second.sounds,
        labels=np.concatenate([first.labels, second.labels]),
        speakers=np.concatenate([first.speakers, second.speakers]),
        sources=first.sources + second.sources,
    )


def read_clips(
    name: str,
    clips: Sequence[Clip],
    label_names: tuple[str, ...],
    speaker_names: tuple[str, ...],
) -> ClipSet:
    """Recordings as they are, whole and untrimmed, at the rate that most of them have.

    Raises:
        ScoreError: There are none.
        AudioError: A file has become unreadable.
    """
    if not clips:
        raise ScoreError("there are no clips", where=name)
    rate = Counter(clip.rate for clip in clips).most_common(1)[0][0]
    sounds = (audio.read(clip.path) for clip in clips)
    root = common_folder(clip.path.parent for clip in clips)
    return ClipSet(
        name=name,
        sounds=tuple(audio.resample(sound.samples, sound.rate, rate) for sound in sounds),
        rate=rate,
        labels=np.array([label_names.index(clip.label) for clip in clips], dtype=np.int64),
        label_names=label_names,
        speakers=np.array([speaker_names.index(clip.speaker) for clip in clips], dtype=np.int64),
        speaker_names=speaker_names,
        # What is stored or given away says nothing of this machine's folders.
        sources=tuple(relative_name(clip.path, root) for clip in clips),
    )


def read_folder(folder: Path, layout: str | None = None) -> ClipSet:
    """All clips of anyone's folder, in any layout that a corpus may have; see `open_corpus`.

    How it was read is said on standard error.

    Raises:
        CorpusError: Nothing in it can be used.
    """
    corpus = open_corpus(folder, layout=layout)
    corpus.tell()
    return read_clips(corpus.name, corpus.clips, corpus.labels, corpus.speakers)


def plan(labels: int, speakers: int, count: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which label and speaker each of `count` clips gets: every pair as often as every other, within one."""
    pairs = np.array([(label, speaker) for label in range(labels) for speaker in range(max(1, speakers))])
    rng = np.random.default_rng(seed)
    rounds = -(-count // len(pairs))
    rows = np.concatenate([rng.permutation(len(pairs)) for _ in range(rounds)])[:count]
    return pairs[rows, 0].astype(np.int64), pairs[rows, 1].astype(np.int64)


def sample_clips(
    sampler: Sampler,
    count: int,
    *,
    labels: Sequence[str] | None = None,
    speakers: Sequence[str] | None = None,
    seed: int = 0,
    max_speakers: int = 50,
    progress: bool = False,
) -> ClipSet:
    """`count` clips of a sampler, none left out, spread evenly over its labels and speakers.

    Args:
        sampler: What makes them.
        count: How many.
        labels: Those of its labels that are asked for; all unless given.
        speakers: The same of its speakers.
        seed: Of every random draw.
        max_speakers: Of more, an evenly spaced part is asked.
        progress: Show how it goes.

    Raises:
        VoxletError: The sampler cannot make them.
    """
    words = tuple(sampler.labels if labels is None else labels)
    names = tuple(sampler.speakers if speakers is None else speakers)
    if len(names) > max_speakers:
        names = tuple(names[row] for row in np.linspace(0, len(names) - 1, max_speakers).round().astype(int))
    said, who = plan(len(words), len(names), count, seed)
    sounds: list[Samples | None] = [None] * count
    sources = [""] * count
    done = 0
    with Progress("generating", silent=not progress) as shown:
        for rows in batches(who):
            asked = [words[said[row]] for row in rows]
            speaker = names[who[rows[0]]] if names else None
            # One seed for all: clip i of a batch takes the noise numbered `first + i`, so no two are alike.
            first = int(rows[0]) * BATCH
            for row, sound in zip(
                rows, sampler.sample(asked, speaker=speaker, seed=seed, first=first), strict=True
            ):
                sounds[row] = sound
                sources[row] = f"{sampler.name}: {words[said[row]]}, {speaker}, seed {seed}"
            done += len(rows)
            shown.share(done / count, f"{done:,} of {count:,} clips")
    return ClipSet(
        name=sampler.name,
        sounds=tuple(sound for sound in sounds if sound is not None),
        rate=sampler.rate,
        labels=said,
        label_names=words,
        speakers=who if names else np.full(count, -1, np.int64),
        speaker_names=names,
        sources=tuple(sources),
    )


def batches(speakers: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Row numbers in batches of one speaker each."""
    for speaker in np.unique(speakers):
        rows = np.flatnonzero(speakers == speaker)
        for start in range(0, len(rows), BATCH):
            yield rows[start : start + BATCH]
