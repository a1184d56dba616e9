"""The SC09 protocol from clips to figures, step by step as `docs/evaluation.md` describes it.

It follows the evaluation of SaShiMi (Goel et al. 2022), which follows DiffWave's (Kong et al. 2021). Shapes:
B clips, T samples, C labels, D features.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from voxlet import audio
from voxlet.cache import contents as cache
from voxlet.corpus.corpus import open_corpus
from voxlet.corpus.splits import part_by_hash
from voxlet.evaluation.clipset import read_clips
from voxlet.evaluation.intervals import exact
from voxlet.evaluation.metric import CATALOGUE, Measurement
from voxlet.evaluation.metrics.distribution import am_score, frechet_of_moments
from voxlet.evaluation.metrics.recognition import accuracy
from voxlet.evaluation.sc09.network import LABELS, open_network
from voxlet.extras import import_extra
from voxlet.files import cache_folder
from voxlet.training.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from voxlet.audio import Samples
    from voxlet.evaluation.clipset import ClipSet
    from voxlet.evaluation.intervals import Interval
    from voxlet.evaluation.metric import Figures
    from voxlet.evaluation.sc09.network import ResNeXt

    Reals = NDArray[np.float64]

CORPUS = "speech_commands"
RATE = 16_000  # Hz; a clip is cut or zero-padded at its end to one second
BANDS, N_FFT, HOP = 32, 2048, 512
BATCH = 64
PAIRS = 10_000  # of clips, for the modified inception score
VERSION = 1  # raise it when the same clips give other statistics


@dataclass(frozen=True)
class ClassifierOutput:
    """The classifier's output for B clips: probabilities (B, C), features (B, D)."""

    probabilities: Reals
    features: Reals


@dataclass(frozen=True)
class Statistics:
    """Cached statistics of clips: mean (D,) and covariance (D, D) of features, mean probabilities (C,)."""

    mean: Reals
    covariance: Reals
    probabilities: Reals


def log_mel(samples: Samples, rate: int) -> NDArray[np.float32]:
    """Log-mel spectrogram (32, 32) of one clip (T,) in dB relative to its maximum, not below -80."""
    librosa = import_extra("librosa", "study")
    sound = audio.resample(samples, rate, RATE)[:RATE]
    sound = np.pad(sound, (0, RATE - len(sound)))
    power = librosa.feature.melspectrogram(
        y=sound, sr=RATE, n_mels=BANDS, n_fft=N_FFT, hop_length=HOP, pad_mode="constant"
    )
    return np.asarray(librosa.power_to_db(power, ref=np.max), dtype=np.float32)


@torch.inference_mode()
def classify(
    network: ResNeXt, sounds: Sequence[Samples], rate: int, name: str, progress: bool
) -> ClassifierOutput:
    """The network's output for clips, each (T,) at `rate`."""
    probabilities, features = [], []
    with Progress(f"SC09's classifier, {name}", silent=not progress) as shown:
        shown.note(f"classifying {len(sounds):,} clips")
        for start in range(0, len(sounds), BATCH):
            spectrograms = np.stack([log_mel(sound, rate) for sound in sounds[start : start + BATCH]])
            logits, pooled = network(torch.from_numpy(spectrograms))
            probabilities.append(torch.softmax(logits.double(), dim=1).numpy())
            features.append(pooled.double().numpy())
            done = start + len(spectrograms)
            shown.share(done / len(sounds), f"{done:,} of {len(sounds):,} clips")
    return ClassifierOutput(np.concatenate(probabilities), np.concatenate(features))


def inception_score(probabilities: Reals) -> float:
    """exp of the mean KL(p(y|x) || p(y)) over one half of the clips (B, C), with p(y) of the other half."""
    order = np.random.RandomState(0).permutation(len(probabilities))
    first, second = np.split(probabilities[order], [len(order) // 2])
    return float(np.exp(divergence(first, second.mean(axis=0)).mean()))


def modified_inception_score(probabilities: Reals) -> float:
    """exp of the mean KL(p(y|x) || p(y|x')) over 10,000 pairs of clips (B, C) drawn at random."""
    draw = np.random.RandomState(0)
    pairs = np.array([draw.choice(len(probabilities), 2) for _ in range(PAIRS)])
    return float(np.exp(divergence(probabilities[pairs[:, 0]], probabilities[pairs[:, 1]]).mean()))


def divergence(p: Reals, q: Reals) -> Reals:
    """KL(p || q) of each row, nats."""
    tiny = 1e-300
    return np.asarray(np.sum(p * (np.log(np.maximum(p, tiny)) - np.log(np.maximum(q, tiny))), axis=-1))


def statistics(said: ClassifierOutput) -> Statistics:
    """Statistics of clips from the classifier's output."""
    return Statistics(
        said.features.mean(axis=0), np.cov(said.features, rowvar=False), said.probabilities.mean(axis=0)
    )


def figures(said: ClassifierOutput, asked: NDArray[np.int64], train: Statistics) -> Figures:
    """All metrics of a set of clips with labels `asked` (B,); a string says where clips are too few."""
    count, own = len(asked), statistics(said)
    values: dict[str, Callable[[], Interval]] = {
        "sc09.accuracy": lambda: accuracy(asked, said.probabilities.argmax(axis=1)),
        "sc09.frechet_distance": lambda: exact(
            frechet_of_moments(own.mean, own.covariance, train.mean, train.covariance), count
        ),
        "sc09.inception_score": lambda: exact(inception_score(said.probabilities), count),
        "sc09.modified_inception_score": lambda: exact(modified_inception_score(said.probabilities), count),
        "sc09.am_score": lambda: exact(
            am_score(np.log(np.maximum(said.probabilities, 1e-300)), train.probabilities), count
        ),
    }
    return {
        key: measure()
        if count >= CATALOGUE[key].needs
        else f"not enough clips (needs {CATALOGUE[key].needs})"
        for key, measure in values.items()
    }


def parts_of_corpus() -> tuple[ClipSet, ClipSet]:
    """SC09's training and test clips: the digits of Speech Commands, split by that corpus's speaker hash.

    Raises:
        CorpusError: The corpus is not on this machine.
    """
    corpus = open_corpus(CORPUS)
    train, test = (
        [clip for clip in corpus.clips if part_by_hash(clip.speaker) == part and clip.label in LABELS]
        for part in ("training", "test")
    )
    return (
        read_clips("SC09 train", train, LABELS, corpus.speakers),
        read_clips("SC09 test", test, LABELS, corpus.speakers),
    )


def train_statistics(network: ResNeXt, source: str, train: ClipSet, progress: bool) -> Statistics:
    """Statistics of the training clips: from the cache, or computed now, which takes long."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file, save

    digest = hashlib.sha256(f"sc09 {VERSION} {source} {train.digest}".encode()).hexdigest()[:32]
    path = cache_folder("scores") / f"{digest}.safetensors"
    try:
        kept = Statistics(**load_file(path))
        cache.touch(path)
    except (SafetensorError, OSError, TypeError):
        kept = statistics(classify(network, train.sounds, train.rate, "training clips", progress))
        cache.write(path, save(vars(kept)))
    return kept


def measure_sc09(path: Path, clips: ClipSet, *, progress: bool = True) -> tuple[Measurement, Measurement]:
    """All metrics of clips, and second of SC09's real test clips, with the classifier weights in a file.

    Raises:
        FileError: The file does not hold these weights.
        CorpusError: The corpus is not on this machine.
        ScoreError: The clips have labels that are not digits.
    """
    network = open_network(path)
    train, test = parts_of_corpus()
    source = hashlib.sha256(path.read_bytes()).hexdigest()
    kept = train_statistics(network, source, train, progress)
    found = []
    for one, name in ((clips.renamed(LABELS, ()), "generated clips"), (test, "test clips")):
        said = classify(network, one.sounds, one.rate, name, progress)
        found.append(Measurement(figures(said, one.labels, kept)))
    return found[0], found[1]
