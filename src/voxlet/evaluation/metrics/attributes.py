"""Attributes of a set of clips: how quick, how high, how well recorded, and how they differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from voxlet.corpus.attributes.attributes import measure
from voxlet.corpus.attributes.pitch import semitones
from voxlet.corpus.attributes.speed import speed, usual_seconds
from voxlet.evaluation.intervals import jackknife
from voxlet.trimming.regions import speech_bounds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from voxlet.corpus.attributes.attributes import Attributes
    from voxlet.evaluation.clipset import ClipSet
    from voxlet.evaluation.intervals import Interval
    from voxlet.evaluation.metric import Figures

NOT_SEEN = "too few clips show it"
USUAL_CLIPS = 40  # of each label


def evaluate(clips: ClipSet, train: ClipSet, seed: int = 0) -> Figures:
    """Mean attributes of clips, and the spread of speed and pitch, with the block jackknife's intervals.

    Every clip is cut to its speech first, so that sets with silence around their words and sets without
    compare. A figure leaves out the clips that do not show it, and is not given if fewer than half do.

    Args:
        clips: With the labels of `train`.
        train: Real clips that say how long each label usually lasts.
        seed: Of the jackknife's blocks, and of the real clips that are drawn.
    """
    attributes = measure(clips.sounds, clips.rate, cut=True)
    speeds = speed(attributes.seconds, clips.labels, usual_lengths(train, seed))
    figures: Figures = {}
    for key, values in per_clip(attributes, speeds).items():
        shown = values[np.isfinite(values)]
        enough = 2 * len(shown) >= max(2, len(clips))
        figures[key] = interval(key, shown, seed) if enough else NOT_SEEN
    return figures


def usual_lengths(train: ClipSet, seed: int) -> NDArray[np.float64]:
    """How long each label of real clips usually lasts in seconds, (C,), by some clips of each."""
    order = np.random.default_rng(seed).permutation(len(train))
    labels = range(len(train.label_names))
    rows = np.concatenate([order[train.labels[order] == label][:USUAL_CLIPS] for label in labels])
    bounds = [speech_bounds(train.sounds[row], train.rate) for row in rows]
    seconds = np.array([(stop - start) / train.rate for start, stop in bounds])
    return usual_seconds(seconds, train.labels[rows], train.speakers[rows], len(labels))


def interval(key: str, values: NDArray[np.float64], seed: int) -> Interval:
    """A figure of the values of its clips (B,)."""
    return jackknife(lambda rows: {key: summary(key, values[rows])}, len(values), seed=seed)[key]


def per_clip(found: Attributes, speeds: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """By key of the metric, the value of each clip (B,) that it is made of."""
    logarithms, pitches = np.log(speeds), semitones(found.pitch_hz)
    return {
        "attributes.speed": logarithms,
        "attributes.speed.spread": logarithms,
        "attributes.pitch": pitches,
        "attributes.pitch.spread": pitches,
        "attributes.noise": found.noise_db,
        "attributes.bandwidth": found.bandwidth_hz,
        "attributes.decay": found.decay_seconds,
        "attributes.hum": found.hum_db,
        "attributes.clarity": found.clarity,
    }


def summary(key: str, values: NDArray[np.float64]) -> float:
    """A set's figure from its clips' values (B,): their standard deviation or mean, of ratios geometric."""
    if key.endswith(".spread"):
        return float(values.std())
    if key == "attributes.speed":
        return float(np.exp(values.mean()))
    if key == "attributes.pitch":
        return float(100 * 2 ** (values.mean() / 12))
    return float(values.mean())
