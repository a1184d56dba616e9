"""The waveforms that a voice learns from: held in memory if they fit, else read or computed at each use.

Both give the same bits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import soxr
import torch
from torch import Tensor

if TYPE_CHECKING:
    from voxlet.corpus.rows.stored import Rows

FLOAT_BYTES = 4
HELD_BYTES = 2 << 30  # most that is held of clips, of clips at all speeds, and of latents, each
AT_ONCE = 1024  # clips per read when all are read; soxr takes 65,536 channels at most


def held_bytes(numbers: int) -> int:
    """Bytes that `numbers` float32 values take in memory; 0 if they do not fit and are computed when used."""
    whole = FLOAT_BYTES * numbers
    return whole if whole <= HELD_BYTES else 0


@dataclass(frozen=True)
class Held:
    """Clips in memory: `values` (N, T), zero after each clip's end."""

    values: Tensor

    @property
    def shape(self) -> tuple[int, int]:
        """(N, T)."""
        count, samples = self.values.shape
        return count, samples

    @property
    def device(self) -> torch.device:
        """Device on which `read` returns clips."""
        return self.values.device

    def read(self, rows: Tensor, samples: int | None = None) -> Tensor:
        """The clips `rows` (...) as (..., T) float32, cut to their first `samples` samples if given."""
        return self.values[rows, :samples]

    def widened(self, samples: int) -> Held:
        """The same clips in rows of `samples` samples, no fewer than now."""
        return Held(torch.nn.functional.pad(self.values, (0, samples - self.shape[1])))


@dataclass(frozen=True)
class Stored:
    """Clips on disk, read at each use.

    Attributes:
        rows: The rows on disk.
        samples: T, at least the length of the longest clip.
        device: Device on which `read` returns clips.
    """

    rows: Rows
    samples: int
    device: torch.device

    @property
    def shape(self) -> tuple[int, int]:
        """(N, T)."""
        return len(self.rows.lengths), self.samples

    def read(self, rows: Tensor, samples: int | None = None) -> Tensor:
        """See `Held.read`."""
        found = torch.from_numpy(self.rows.read(rows.cpu().numpy()))
        return _fitted(found, self.samples)[..., :samples].to(self.device)

    def widened(self, samples: int) -> Stored:
        """See `Held.widened`."""
        return replace(self, samples=samples)


@dataclass(frozen=True)
class AtSpeeds:
    """N clips, and all of them again for each speed: clip n at the k-th speed is row (k + 1) N + n.

    A clip that would become longer than the longest one keeps its speed.

    Attributes:
        own: The clips as they are.
        lengths: Length of each clip in samples, (N,).
        longest: Length of the longest clip in samples.
        speeds: Speeds above 0; 1.1 is 10 % faster and higher.
    """

    own: Waveforms
    lengths: Tensor
    longest: int
    speeds: tuple[float, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """(N times one plus the number of speeds, T)."""
        count, samples = self.own.shape
        return count * (1 + len(self.speeds)), samples

    @property
    def device(self) -> torch.device:
        """Device on which `read` returns clips."""
        return self.own.device

    def played(self, clips: Tensor, speed: float) -> tuple[Tensor, Tensor]:
        """Lengths (B,) of the clips `clips` (B,) at a speed, in samples, and which (B,) change to it."""
        own = self.lengths[clips]
        moved = (own / speed).round().long()
        fits = moved <= self.longest
        return torch.where(fits, moved, own), fits

    def read(self, rows: Tensor, samples: int | None = None) -> Tensor:
        """See `Held.read`."""
        count = self.own.shape[0]
        flat = rows.flatten().to(self.lengths.device)
        clips, speed = flat % count, flat // count - 1
        found = self.own.read(clips)
        for number, factor in enumerate(self.speeds):
            lengths, fits = self.played(clips, factor)
            moved = ((speed == number) & fits).nonzero()[:, 0]
            if len(moved):
                found[moved] = _resampled(found[moved], lengths[moved], factor)
        return found.view(*rows.shape, -1)[..., :samples]

    def widened(self, samples: int) -> AtSpeeds:
        """See `Held.widened`."""
        return replace(self, own=self.own.widened(samples))


def _resampled(clips: Tensor, lengths: Tensor, speed: float) -> Tensor:
    """Clips (B, T) played at `speed`, in rows of T samples, of which the first `lengths` (B,) are valid."""
    tape = soxr.resample(clips.T.cpu().numpy(), speed, 1.0)  # each clip is a channel
    moved = _fitted(torch.from_numpy(tape.T.copy()), clips.shape[1])
    inside = torch.arange(clips.shape[1]) < lengths.cpu()[:, None]  # resampling rings after the end
    return (moved * inside).to(clips.device)


def _fitted(clips: Tensor, samples: int) -> Tensor:
    """Clips (..., T), cut or zero-padded to `samples` samples."""
    return torch.nn.functional.pad(clips, (0, samples - clips.shape[-1]))


Waveforms = Held | Stored | AtSpeeds


def hold(made: Stored | AtSpeeds) -> Waveforms:
    """The same clips, in memory if they fit."""
    if not held_bytes(math.prod(made.shape)):
        return made
    # Filled in place: concatenating parts would hold all clips twice.
    values = torch.empty(made.shape, device=made.device)
    for rows in torch.split(torch.arange(len(values), device=made.device), AT_ONCE):
        values[rows] = made.read(rows)
    return Held(values)


def evenly(rows: Tensor, most: int) -> Tensor:
    """At most `most` of these rows (N,), evenly spread; all of them if there are no more."""
    return rows[:: -(-len(rows) // most)] if len(rows) else rows
