"""Do clips sound like the speaker asked for? Measured by the in-corpus classifier and by a voice encoder.

The classifier knows the speakers themselves. The voice encoder, which others trained on thousands of other
people, maps strings of ten words to points on a sphere; the similarity of two points is their cosine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from voxlet.evaluation.encoders import voice_encoder
from voxlet.evaluation.intervals import bootstrap
from voxlet.evaluation.metrics.recognition import accuracy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from voxlet.evaluation.classifiers.prediction import Prediction
    from voxlet.evaluation.clipset import ClipSet
    from voxlet.evaluation.metric import Figures

    Points = dict[int, NDArray[np.float64]]

KEY = "speaker.accuracy"
SIMILARITY, OTHERS = "speaker.similarity", "speaker.similarity.others"
NOBODY = "no particular speaker was asked for"
WORDS = 10  # in a string: some five seconds
MOST_STRINGS = 10  # for each speaker
MOST_SPEAKERS = 20


def evaluate(asked: NDArray[np.int64], speaker_names: tuple[str, ...], prediction: Prediction) -> Figures:
    """Share of clips classified as the speaker asked for (B,); -1 means that no particular one was."""
    known = asked >= 0
    if not known.any():
        return {KEY: NOBODY}
    if len(speaker_names) < 2:
        return {KEY: "the reference has only one speaker"}
    return {KEY: accuracy(asked[known], prediction.speakers[known])}


def points(clips: ClipSet, speakers: list[int], band_rate: int, seed: int) -> Points:
    """Embeddings (strings, D) of each of these speakers, from strings of ten of the speaker's clips.

    A clip is in at most one string. A speaker with fewer than ten clips is left out.
    """
    rng = np.random.default_rng(seed)
    found: Points = {}
    for speaker in speakers:
        own = rng.permutation(np.flatnonzero(clips.speakers == speaker))
        strings = own[: len(own) // WORDS * WORDS].reshape(-1, WORDS)[:MOST_STRINGS]
        utterances = [
            voice_encoder.strung([clips.sounds[row] for row in rows], clips.rate, band_rate)
            for rows in strings
        ]
        if utterances:
            found[speaker] = np.stack([voice_encoder.embed(utterance) for utterance in utterances])
    return found


def similarities(ours: Points, theirs: Points) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Similarity of each string to its speaker's centroid, and its mean similarity to other centroids."""
    centres = {speaker: found.mean(axis=0) for speaker, found in theirs.items()}
    centres = {speaker: centre / np.linalg.norm(centre) for speaker, centre in centres.items()}
    own, others = [], []
    for speaker, found in ours.items():
        if speaker in centres:
            own.append(found @ centres[speaker])
            rest = [found @ centre for other, centre in centres.items() if other != speaker]
            others += [np.mean(rest, axis=0)] if rest else []
    return (np.concatenate(own) if own else np.zeros(0)), (np.concatenate(others) if others else np.zeros(0))


def similarity(clips: ClipSet, train: ClipSet, *, seed: int = 0) -> Figures:
    """Similarity of clips to real training clips of the speaker asked for, and to those of other speakers."""
    known = np.unique(clips.speakers[clips.speakers >= 0])
    if not len(known):
        return {SIMILARITY: NOBODY, OTHERS: NOBODY}
    if len(known) > MOST_SPEAKERS:
        known = np.random.default_rng(seed).permutation(known)[:MOST_SPEAKERS]
    band_rate = min(clips.rate, train.rate)
    speakers = [int(speaker) for speaker in np.sort(known)]
    own, others = similarities(*(points(one, speakers, band_rate, seed) for one in (clips, train)))
    few = f"no speaker has {WORDS} clips here and in training"
    return {
        SIMILARITY: bootstrap(own, seed=seed) if len(own) else few,
        OTHERS: bootstrap(others, seed=seed) if len(others) else few if not len(own) else "only one speaker",
    }
