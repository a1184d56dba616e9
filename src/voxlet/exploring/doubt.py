"""Find doubtful recordings: with a wrong label, cut, silent, of two words, or duplicates.

Two methods estimate how likely another label is: linear classifiers on the speech embedding, each applied to
takes that it was not fitted on (cross-validation, as in confident learning: Northcutt et al. 2021,
https://arxiv.org/abs/1911.00068), and `likeness`, which compares a clip with its nearest takes. Neither uses
a generative model; a clip VAE adds its loss. Shapes: B clips, C labels, D features.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from voxlet import audio, files
from voxlet.cache import contents as cache
from voxlet.corpus.corpus import Corpus
from voxlet.corpus.listing.sound_files import relative_name
from voxlet.corpus.look import likeness
from voxlet.corpus.look.inspection import find
from voxlet.corpus.look.inspection import measure as measure_corpus
from voxlet.evaluation.classifiers.embedded import EmbeddedConfig, Examples, Head, embedded, fit
from voxlet.evaluation.encoders import speech_embedding
from voxlet.exploring.clips import common_root
from voxlet.training.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from voxlet.audio import Samples
    from voxlet.corpus.corpus import Clip
    from voxlet.corpus.look.inspection import Measures

    Reals = NDArray[np.float64]
    Integers = NDArray[np.int64]

FOLDS = 5
FEWEST_TAKES = 5  # of a label: with fewer, some fold would have none
CONFIG = EmbeddedConfig()
LIKENESS_WEIGHT = 8.0  # log odds per e-fold of unlikeness: gives both methods the same weight
AT_ONCE = 64  # recordings in memory at a time
DOUBTED = 0.5  # above this, another label is likelier
# What the inspection of the corpus finds, and the reason that is given for a clip.
FAULTS = {"cut": "cut", "pauses": "perhaps two words", "quiet": "silent"}
UNEXPLAINED = 5.0  # robust standard deviations of the loss above the label's median


@dataclass(frozen=True)
class Doubts:
    """Doubts about B recordings, in their order.

    Attributes:
        clips: The recordings.
        label_names: Names of the C labels.
        wrong: (B,), from 0 to 1, how likely the label is wrong; NaN for labels with too few takes.
        heard: (B,), the likeliest other label as an index into `label_names`.
        losses: (B,), a clip VAE's negative ELBO in nats; NaN without a clip VAE or where unknown.
        reasons: Reasons to doubt each recording, the worst first; empty if there are none.
        head: A classifier fitted on all recordings with enough takes; None if there are none.
    """

    clips: tuple[Clip, ...]
    label_names: tuple[str, ...]
    wrong: Reals
    heard: Integers
    losses: Reals
    reasons: tuple[tuple[str, ...], ...]
    head: Head | None = None

    def says(self, sounds: Sequence[Samples], rate: int) -> list[str]:
        """The labels that `head`, fitted on these recordings alone, gives clips (T,); "" without a head."""
        if self.head is None:
            return ["" for _ in sounds]
        found = embedded(speech_embedding.log_mels(sounds, rate))
        return [self.label_names[label] for label in self.head.log_probabilities(found).argmax(axis=1)]

    @property
    def names(self) -> tuple[str, ...]:
        """Paths of the recordings within the corpus."""
        root = common_root(self.clips)
        return tuple(relative_name(clip.path, root) for clip in self.clips)

    @property
    def order(self) -> Integers:
        """Rows of recordings, the worst first: wrong labels, then other faults, then the rest by doubt."""
        wrong = np.nan_to_num(self.wrong, nan=0.0)
        faulty = np.array([bool(reasons) for reasons in self.reasons])
        tier = np.where(wrong > DOUBTED, 2, np.where(faulty, 1, 0))
        return np.lexsort((-wrong, -tier)).astype(np.int64)

    def write(self, path: Path) -> None:
        """Write a manifest (CSV) of all recordings, the worst first, to correct and to train on.

        Raises:
            FileError: The file cannot be written.
        """
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(("path", "label", "speaker", "take", "doubt", "sounds_like", "loss", "reason"))
        for row in self.order.tolist():
            clip = self.clips[row]
            likelier = self.label_names[self.heard[row]] if self.wrong[row] > DOUBTED else ""
            figures = (shown(self.wrong[row], 3), likelier, shown(self.losses[row], 1))
            said = (*figures, "; ".join(self.reasons[row]))
            table.writerow((clip.path.resolve().as_posix(), clip.label, clip.speaker, clip.take, *said))
        files.write_atomically(path, text.getvalue().encode())


def shown(value: float, digits: int) -> str:
    """A number for a table; empty if it is not finite."""
    return f"{value:.{digits}f}" if np.isfinite(value) else ""


def find_doubts(
    clips: Sequence[Clip], *, losses: Mapping[tuple[str, str], float] | None = None, progress: bool = True
) -> Doubts:
    """Find what is doubtful about recordings.

    Args:
        clips: Recordings of one corpus.
        losses: A clip VAE's losses in nats, by label and file digest: copies may have different labels.
        progress: Show a progress bar.

    Raises:
        AudioError: A recording can no longer be read.
    """
    corpus = Corpus("", common_root(clips), tuple(clips), (), "")
    numbers = {label: number for number, label in enumerate(corpus.labels)}
    labels = np.array([numbers[clip.label] for clip in clips], dtype=np.int64)
    measures = measure_corpus(corpus, progress)
    features = features_of(clips, progress)
    odds, heard = label_odds(features, measures.pictures, labels, groups_of(clips))
    known = np.isfinite(odds)
    learned = Examples(features[known], labels[known], np.flatnonzero(known))
    head = fit(learned, len(corpus.labels), CONFIG) if known.any() else None
    own = np.array([(losses or {}).get((clip.label, clip.digest), np.nan) for clip in clips])
    with np.errstate(over="ignore"):
        wrong = 1 / (1 + np.exp(-odds))
    said = reasons(corpus, measures, wrong, heard)
    for row in np.flatnonzero(unexplained(own, labels)).tolist():
        said[row].append("unlike all that the model has learned")
    return Doubts(tuple(clips), corpus.labels, wrong, heard, own, tuple(map(tuple, said)), head)


def features_of(clips: Sequence[Clip], progress: bool = True) -> Reals:
    """Speech embeddings (B, D) of recordings, from the cache or computed now.

    Raises:
        AudioError: A recording can no longer be read.
    """
    settings = (speech_embedding.VERSION, [clip.digest for clip in clips])
    key = hashlib.sha256(repr(settings).encode()).hexdigest()[:32]
    path = files.cache_folder("scores") / f"embedding-{key}.npy"
    try:
        stored = np.load(path, allow_pickle=False)
        if stored.shape[0] == len(clips):
            cache.touch(path)
            return np.asarray(stored, dtype=np.float64)
    except (OSError, ValueError):
        pass  # not cached, or the file is damaged
    parts = []
    with Progress("what is said in them", silent=not progress) as bar:
        for first in range(0, len(clips), AT_ONCE):
            spectrograms = []
            for clip in clips[first : first + AT_ONCE]:
                sound = audio.read(clip.path)
                spectrograms.append(speech_embedding.log_mel(sound.samples, sound.rate))
            parts.append(embedded(np.stack(spectrograms)))
            done = min(len(clips), first + AT_ONCE)
            bar.share(done / len(clips), f"{done:,} of {len(clips):,} recordings")
    found = np.concatenate(parts)
    file = io.BytesIO()
    np.save(file, found, allow_pickle=False)
    cache.write(path, file.getvalue())
    return found


def groups_of(clips: Sequence[Clip]) -> Integers:
    """Group of each clip, (B,): copies of one recording share a group."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(clip.digest, len(numbers)) for clip in clips], dtype=np.int64)


def label_odds(
    features: Reals, pictures: NDArray[np.float32], labels: Integers, groups: Integers
) -> tuple[Reals, Integers]:
    """Log odds (B,) that another label is right, and which (B,); NaN if a label has fewer than five takes.

    Args:
        features: Speech embeddings, (B, D).
        pictures: Pictures of `likeness`, (B, P).
        labels: (B,).
        groups: (B,), the same for copies of one recording, which cross-validation keeps in one fold.
    """
    count = int(labels.max()) + 1
    takes = np.unique(np.stack([labels, groups], axis=1), axis=0)  # a copy does not count as another take
    known = np.bincount(takes[:, 0], minlength=count)[labels] >= FEWEST_TAKES
    odds, heard = np.full(len(labels), np.nan), labels.copy()
    if len(np.unique(labels[known])) < 2:
        return odds, heard
    folds = folds_of(labels, groups)
    examples = Examples(features[known], labels[known], np.flatnonzero(known))
    said = np.zeros((len(labels), count))
    for fold in range(FOLDS):
        asked = folds == fold
        said[asked] = fit(examples.without(asked), count, CONFIG).log_probabilities(features[asked])
    rows = np.arange(len(labels))
    own = said[rows, labels]
    said[rows, labels] = -np.inf
    heard = np.where(known, said.argmax(axis=1), labels)
    unlike = np.nan_to_num(likeness.unlikeness(pictures, labels), nan=1.0, posinf=np.e)
    odds[known] = (said.max(axis=1) - own + LIKENESS_WEIGHT * np.log(np.maximum(unlike, 1e-3)))[known]
    return odds, heard.astype(np.int64)


def folds_of(labels: Integers, groups: Integers) -> Integers:
    """The fold (B,) of each take: the takes of a label are spread evenly, copies share a fold."""
    folds = np.full(int(groups.max()) + 1, -1, np.int64)
    taken = np.zeros(int(labels.max()) + 1, np.int64)
    for label, group in zip(labels, groups, strict=True):
        if folds[group] < 0:
            folds[group] = taken[label] % FOLDS
            taken[label] += 1
    return folds[groups]


def reasons(corpus: Corpus, measures: Measures, wrong: Reals, heard: Integers) -> list[list[str]]:
    """Reasons to doubt each clip, B lists, the worst reason first."""
    said: list[list[str]] = [[] for _ in corpus.clips]
    for row in np.flatnonzero(np.nan_to_num(wrong) > DOUBTED).tolist():
        said[row].append(f"sounds like {corpus.labels[heard[row]]!r}")
    found = find(corpus, measures)
    rows = {relative_name(clip.path, corpus.root): row for row, clip in enumerate(corpus.clips)}
    for kind, what in FAULTS.items():
        for name in found[kind]:
            said[rows[name]].append(what)
    copies = Counter(clip.digest for clip in corpus.clips)
    first = {clip.digest: clip for clip in reversed(corpus.clips)}
    for row, clip in enumerate(corpus.clips):
        if copies[clip.digest] > 1:
            other = first[clip.digest]
            what = f"occurs {copies[clip.digest]} times" if other is clip else f"a copy of {other.path.name}"
            said[row].append(what)
    return said


def unexplained(losses: Reals, labels: Integers) -> NDArray[np.bool_]:
    """Which clips (B,) have a loss far above the median of their label."""
    far = np.zeros(len(losses), bool)
    for label in np.unique(labels):
        own = (labels == label) & np.isfinite(losses)
        if own.sum() >= FEWEST_TAKES:
            middle = np.median(losses[own])
            spread = 1.4826 * np.median(np.abs(losses[own] - middle))  # the standard deviation, if normal
            far[own] = losses[own] > middle + UNEXPLAINED * max(spread, 1e-9)
    return far
