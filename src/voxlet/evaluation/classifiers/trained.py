"""The judges: one of the corpus's own, one of other corpora only, a ready-made one of another kind.

The first is kind, since it knows the very speakers; the other two cannot have been tuned to. All are taught
on real recordings or not at all, and kept in the cache under what they were taught on.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from voxlet import cache
from voxlet.corpus.catalog import CATALOG, find_known
from voxlet.corpus.corpus import open_corpus
from voxlet.errors import ScoreError
from voxlet.evaluation.classifiers.inputs import Hearing, hear
from voxlet.evaluation.classifiers.network import Network, Recogniser, Schooling, Verdict, teach
from voxlet.evaluation.clipset import read_clips
from voxlet.files import cache_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from voxlet.audio import Samples
    from voxlet.evaluation.clipset import ClipSet

VERSION = 3  # raise it when the same clips and settings teach another judge
FIT = 0.95  # a judge that hears less of the real clips right is unfit
OWN = Schooling()
STRANGER = Schooling(steps=1200, balanced=True, margin=4.0, fine=True, speaker_weight=0.0, strength=0.7)
STRANGER_TRIMS = (-40.0, -25.0)  # dB: other people cut their words more or less tightly


class Judge(Protocol):
    """Whoever listens to clips and says which of its labels each is."""

    @property
    def label_names(self) -> tuple[str, ...]:
        """What it can say."""

    def judge(self, sounds: Sequence[Samples], rate: int) -> Verdict:
        """Listen to clips (T,) at `rate`."""


@dataclass(frozen=True)
class Lesson:
    """Everything that decides what a recogniser will be."""

    source: str  # digest of the recordings, or what else tells them from all others
    listen: Callable[[], NDArray[np.float32]]  # to (B, M, F); not done for a judge that is kept
    labels: NDArray[np.int64]  # (B,)
    label_names: tuple[str, ...]
    speakers: NDArray[np.int64] | None
    speaker_names: tuple[str, ...]
    hearing: Hearing
    schooling: Schooling

    @property
    def key(self) -> str:
        """A digest of it all, but of the recordings in place of what is heard of them.

        The last bits of the spectrograms depend on how many threads computed them.
        """
        settings = [VERSION, asdict(self.hearing), asdict(self.schooling), self.label_names]
        total = hashlib.sha256(json.dumps([*settings, self.speaker_names, self.source]).encode())
        for rows in (self.labels, self.speakers):
            if rows is not None:
                total.update(np.ascontiguousarray(rows).tobytes())
        return total.hexdigest()[:32]


def taught(lesson: Lesson, *, progress: bool = True, name: str = "judge") -> Recogniser:
    """The recogniser of this lesson: from the cache, or taught now and kept there."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file, save

    path = cache_folder("classifiers") / f"{lesson.key}.safetensors"
    network = Network(len(lesson.label_names), len(lesson.speaker_names), lesson.schooling)
    if path.is_file():
        try:
            network.load_state_dict(load_file(path))
            cache.touch(path)
            return Recogniser(network, lesson.hearing, lesson.label_names, lesson.speaker_names)
        except (SafetensorError, RuntimeError, OSError):
            path.unlink(missing_ok=True)  # damaged, or of an older program: taught again
    recogniser = teach(
        lesson.listen(),
        lesson.labels,
        lesson.label_names,
        speakers=lesson.speakers,
        speaker_names=lesson.speaker_names,
        hearing=lesson.hearing,
        schooling=lesson.schooling,
        progress=progress,
        name=name,
    )
    note = {"labels": json.dumps(lesson.label_names), "speakers": json.dumps(lesson.speaker_names)}
    cache.write(path, save(recogniser.network.state_dict(), metadata=note))
    return recogniser


def own_judge(
    train: ClipSet, *, hearing: Hearing | None = None, schooling: Schooling = OWN, progress: bool = True
) -> Recogniser:
    """A recogniser of the corpus's own labels and speakers, taught on real training clips."""
    hearing = hearing or Hearing()
    lesson = Lesson(
        source=train.digest,
        listen=lambda: hear(train.sounds, train.rate, hearing),
        labels=train.labels,
        label_names=train.label_names,
        speakers=train.speakers,
        speaker_names=train.speaker_names,
        hearing=hearing,
        schooling=schooling,
    )
    return taught(lesson, progress=progress, name="judge of the same corpus")


def strangers_of(label_names: tuple[str, ...], but: str) -> tuple[str, ...]:
    """Names of the known corpora on this machine that have all the labels, without the one called `but`."""
    return tuple(
        name
        for name, known in CATALOG.items()
        if name != but and set(label_names) <= set(known.labels) and find_known(name) is not None
    )


def stranger_judge(
    corpora: Sequence[str],
    label_names: tuple[str, ...],
    *,
    hearing: Hearing | None = None,
    schooling: Schooling = STRANGER,
    progress: bool = True,
) -> Recogniser:
    """A recogniser taught on all of other corpora, at telephone bandwidth; it does not know voices.

    Each clip is heard twice, cut loosely and tightly, and every label is drawn equally often.

    Raises:
        ScoreError: A label is in none of the corpora.
        CorpusError: A corpus is not on this machine.
    """
    hearing = hearing or Hearing()
    recordings = []
    for name in corpora:
        corpus = open_corpus(name)
        clips = [clip for clip in corpus.clips if clip.label in label_names]
        recordings.append(read_clips(name, clips, label_names, corpus.speakers))
    labels = [one.labels for one in recordings for _ in STRANGER_TRIMS]

    def listen() -> NDArray[np.float32]:
        heard = [
            hear(one.sounds, one.rate, replace(hearing, trim_db=threshold))
            for one in recordings
            for threshold in STRANGER_TRIMS
        ]
        return np.concatenate(heard)

    said = np.concatenate(labels) if labels else np.zeros(0, np.int64)
    if missing := [name for row, name in enumerate(label_names) if row not in said]:
        raise ScoreError(f"nobody says {missing[0]!r} in {', '.join(corpora) or 'no other corpus'}")
    source = " ".join([str(STRANGER_TRIMS), *(one.digest for one in recordings)])
    lesson = Lesson(source, listen, said, label_names, None, (), hearing, schooling)
    return taught(lesson, progress=progress, name="judge of other corpora")
