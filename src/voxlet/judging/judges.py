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

from voxlet import audio
from voxlet.corpus.cache import cache_folder
from voxlet.corpus.catalog import CATALOG, find_known
from voxlet.corpus.corpus import open_corpus
from voxlet.errors import ScoreError, import_extra
from voxlet.judging.clipset import read_clips
from voxlet.judging.hearing import Hearing, condition, hear
from voxlet.judging.recogniser import Network, Recogniser, Schooling, Verdict, teach

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from voxlet.audio import Samples
    from voxlet.judging.clipset import ClipSet

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

    path = cache_folder("judges") / f"{lesson.key}.safetensors"
    network = Network(len(lesson.label_names), len(lesson.speaker_names), lesson.schooling)
    if path.is_file():
        try:
            network.load_state_dict(load_file(path))
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
    audio.write_atomically(path, save(recogniser.network.state_dict(), metadata=note))
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


class ReadyMade:
    """PocketSphinx (Huggins-Daines et al. 2006): hidden Markov models of English phones, taught by others.

    It chooses among the labels by a grammar. Its models expect 16 kHz: above 4 kHz each clip gets a faint
    mirror image of what lies below and faint noise, as wide-band recordings have something there. Each clip
    is heard at several levels of noise; the shares of votes are its probabilities.
    All this was chosen on real training clips.
    """

    def __init__(self, label_names: tuple[str, ...], dictionary: Path | None = None) -> None:
        sphinx = import_extra("pocketsphinx", "study")
        sphinx.set_loglevel("FATAL")
        folder = sphinx.get_model_path("en-us/en-us")
        words = dictionary or sphinx.get_model_path("en-us/cmudict-en-us.dict")
        self.label_names = label_names
        self._decoder = sphinx.Decoder(
            sphinx.Config(hmm=str(folder), dict=str(words), lm=None, cmn="batch", loglevel="FATAL")
        )
        for label in label_names:
            if self._decoder.lookup_word(label) is None:
                raise ScoreError(f"the ready-made judge does not know the word {label!r}")
        grammar = f"#JSGF V1.0; grammar labels; public <label> = {' | '.join(label_names)};"
        self._decoder.add_jsgf_string("labels", grammar)
        self._decoder.activate_search("labels")

    def judge(self, sounds: Sequence[Samples], rate: int) -> Verdict:
        """Votes as probabilities; a clip that it makes nothing of has all labels alike."""
        rng = np.random.default_rng(0)
        rows = [self._votes(condition(sound, rate, Hearing()), rng) for sound in sounds]
        shares = np.array(rows, dtype=np.float64) + 1e-3
        return Verdict(np.log(shares / shares.sum(axis=1, keepdims=True)), None, None)

    def _votes(self, sound: Samples, rng: np.random.Generator) -> list[int]:
        votes = [0] * len(self.label_names)
        wide = np.pad(widen(sound), round(0.3 * 2 * Hearing().rate))
        for noise in READINGS:
            noisy = wide + noise * rng.standard_normal(len(wide))
            self._decoder.start_utt()
            self._decoder.process_raw((np.clip(noisy, -1, 1) * 32767).astype("<i2").tobytes(), full_utt=True)
            self._decoder.end_utt()
            answer = self._decoder.hyp()
            if answer is not None and answer.hypstr in self.label_names:
                votes[self.label_names.index(answer.hypstr)] += 1
        return votes


def widen(samples: Samples) -> Samples:
    """Double the rate of (T,); what lies below the old limit also appears faintly above it, mirrored."""
    # Zeros between the samples make a mirror image as strong as the original; resampling leaves it out.
    both = np.zeros(2 * len(samples), np.float32)
    both[::2] = 2 * samples
    original = audio.resample(samples, 1, 2)[: len(both)]
    original = np.pad(original, (0, len(both) - len(original)))
    return original + np.float32(MIRROR) * (both - original)


MIRROR = 0.5
READINGS = (0.001, 0.002, 0.004)  # standard deviation of the noise, for a clip at level 0.08
