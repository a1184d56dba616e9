"""Attributes of a voice's clips, measured in the units in which they can be requested."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from voxlet.corpus.attributes.noise import narrow_clips
from voxlet.models.voice.config import CLARITY, PITCH, SPEED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from voxlet.corpus.attributes.attributes import Attributes
    from voxlet.corpus.dataset import Dataset

PITCH_ORIGIN = 100.0  # Hz: zero semitones

FEWEST_PAIRS = 10  # of takes, from which a spread is measured
NORMAL = 1.4826 / 2**0.5  # from the median distance of two normal values to their standard deviation


def columns_of(found: Attributes, dataset: Dataset, names: Sequence[str]) -> Tensor:
    """The attributes (N, A) of all clips of a dataset, NaN where a clip does not show one.

    Speed is the natural logarithm of how many times faster the word is said than usual (the median of the
    label's training clips). Pitch is the clip's median in semitones above 100 Hz. Clarity goes from 0 to 1.
    """
    columns = {
        SPEED: _speeds(found, dataset),
        PITCH: 12 * np.log2(found.pitch_hz / PITCH_ORIGIN),
        CLARITY: found.clarity,
    }
    return torch.from_numpy(np.stack([columns[name] for name in names], axis=1)).float()


def spreads_of(attributes: Tensor, groups: Tensor) -> NDArray[np.float64]:
    """Standard deviations (A,) of attributes within groups of clips.

    They are computed from medians, because some pitches are wrong.

    Args:
        attributes: (N, A) of the clips, NaN where a clip does not show one.
        groups: (N, ...) what clips of a group have in common: label and speaker, say.

    Returns:
        (A,), NaN where too few clips show the attribute.
    """
    pairs = [attributes[:0]]
    _, numbers, counts = torch.unique(groups, dim=0, return_inverse=True, return_counts=True)
    by_group = attributes[numbers.argsort(stable=True)]
    for own in torch.split(by_group, counts.tolist()):
        apart = len(own) // 2  # takes recorded one after the other are more alike than others
        if apart:
            pairs.append(own[apart:] - own[:-apart])
    differences = torch.cat(pairs).abs().double().numpy()
    enough = (~np.isnan(differences)).sum(0) >= FEWEST_PAIRS
    found = np.full(differences.shape[1], np.nan)
    found[enough] = NORMAL * np.nanmedian(differences[:, enough], axis=0)
    return found


def bands_of(dataset: Dataset, found: Attributes | None) -> Tensor:
    """Bandwidth of each recording of a dataset, Hz (N,).

    It is half the recording's sampling rate; or, with measured attributes, the bandwidth that its speaker's
    clips reach, if that is clearly less, as in a telephone recording that was saved at a higher rate.
    """
    prepared = dataset.prepared
    bands = np.array([clip.rate / 2 for clip in prepared.clips])
    if found is not None:
        allowed = np.minimum(bands, prepared.rate / 2)
        for speaker in range(len(prepared.speaker_names)):
            own = np.flatnonzero(prepared.speakers == speaker)
            reached, narrow = narrow_clips(found.bandwidth_hz[own], allowed[own])
            bands[own[narrow]] = reached
    return torch.from_numpy(bands).float()


def at_speed(attributes: Tensor, names: Sequence[str], speed: float) -> Tensor:
    """The attributes (N, A) of the same clips played `speed` times as fast."""
    moved = {SPEED: np.log(speed), PITCH: 12 * np.log2(speed), CLARITY: 0.0}
    return attributes + torch.tensor([moved[name] for name in names], dtype=attributes.dtype)


def _speeds(found: Attributes, dataset: Dataset) -> NDArray[np.float64]:
    prepared, speeds = dataset.prepared, np.full(len(found), np.nan)
    learned = np.zeros(len(found), dtype=bool)
    learned[dataset.split.train] = True
    for label in range(len(prepared.label_names)):
        own = prepared.labels == label
        usual = np.median(found.seconds[own & learned]) if (own & learned).any() else np.nan
        speeds[own] = np.log(usual / found.seconds[own])
    return speeds
