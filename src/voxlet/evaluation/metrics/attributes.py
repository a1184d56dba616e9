"""Attributes of a set of clips: speed, pitch, recording quality, and how much they vary."""

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
USUAL_CLIPS = 40  # of each label, at most, from which its usual length is computed


def evaluate(clips: ClipSet, train: ClipSet, seed: int = 0) -> Figures:
    """Mean attributes of clips, and the spread of speed and pitch, with block jackknife intervals.

    Every clip is cut to its speech first, so that sets with and without silence around the words compare. A
    figure leaves out clips in which it cannot be measured, and is not given if fewer than half remain.

    Args:
        clips: Clips with the labels of `train`.
        train: Real clips that give the usual length of each label.
        seed: Seed of the jackknife's blocks, and of the real clips that are drawn.
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
    """Usual length of each label in seconds, (C,), from up to 40 real clips of each."""
    order = np.random.default_rng(seed).permutation(len(train))
    labels = range(len(train.label_names))
    rows = np.concatenate([order[train.labels[order] == label][:USUAL_CLIPS] for label in labels])
    bounds = [speech_bounds(train.sounds[row], train.rate) for row in rows]
    seconds = np.array([(stop - start) / train.rate for start, stop in bounds])
    return usual_seconds(seconds, train.labels[rows], train.speakers[rows], len(labels))


def interval(key: str, values: NDArray[np.float64], seed: int) -> Interval:
    """A figure with its interval, from the values of clips (B,)."""
    return jackknife(lambda rows: {key: summary(key, values[rows])}, len(values), seed=seed)[key]


def per_clip(found: Attributes, speeds: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """The values of clips (B,) that each metric summarises, by its key."""
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
    """Summarise clips' values (B,): their standard deviation or mean, geometric for speed and pitch."""
    if key.endswith(".spread"):
        return float(values.std())
    if key == "attributes.speed":
        return float(np.exp(values.mean()))
    if key == "attributes.pitch":
        return float(100 * 2 ** (values.mean() / 12))
    return float(values.mean())
