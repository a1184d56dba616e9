"""The waveforms that a voice learns from: in memory where they are few, else read and made when asked for.

Either way they are the same to the bit.
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
HELD_BYTES = 2 << 30  # what takes more is not held: clips, clips at all speeds, latents, each by itself
AT_ONCE = 1024  # clips that are read together where all are; soxr takes 65,536 channels at most


def held_bytes(numbers: int) -> int:
    """Bytes that so many numbers take in memory; 0 where they are made whenever they are asked for."""
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
        """Where clips are wanted."""
        return self.values.device

    def read(self, rows: Tensor, samples: int | None = None) -> Tensor:
        """The first samples, all unless told, of the clips `rows` (...), (..., T) float32."""
        return self.values[rows, :samples]

    def widened(self, samples: int) -> Held:
        """The same in rows of so many samples, no fewer than now."""
        return Held(torch.nn.functional.pad(self.values, (0, samples - self.shape[1])))


@dataclass(frozen=True)
class Stored:
    """Clips on disk, read when they are asked for.

    Attributes:
        rows: The file's.
        samples: T, at least what the longest clip has.
        device: Where they are wanted.
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
    """N clips, and all of them again for each speed: clip n at the k-th is row (k + 1) N + n.

    A clip that would be longer than the longest one stays as it is.

    Attributes:
        own: The clips as they are.
        lengths: Samples (N,) of each,
        longest: and of the longest.
        speeds: Each above 0; 1.1 is 10 % faster and higher.
    """

    own: Waveforms
    lengths: Tensor
    longest: int
    speeds: tuple[float, ...]

    @property
    def shape(self) -> tuple[int, int]:
        """(N times one more than there are speeds, T)."""
        count, samples = self.own.shape
        return count * (1 + len(self.speeds)), samples

    @property
    def device(self) -> torch.device:
        """Where clips are wanted."""
        return self.own.device

    def played(self, clips: Tensor, speed: float) -> tuple[Tensor, Tensor]:
        """Samples (B,) of these of the clips at a speed, and which of them (B,) are played at it."""
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
    """Clips (B, T) played at a speed, each so many samples long (B,), in rows of T."""
    tape = soxr.resample(clips.T.cpu().numpy(), speed, 1.0)  # a channel for each
    moved = _fitted(torch.from_numpy(tape.T.copy()), clips.shape[1])
    inside = torch.arange(clips.shape[1]) < lengths.cpu()[:, None]  # resampling rings on after the end
    return (moved * inside).to(clips.device)


def _fitted(clips: Tensor, samples: int) -> Tensor:
    """Clips (..., T) in rows of so many samples: cut, or with zeros behind them."""
    return torch.nn.functional.pad(clips, (0, samples - clips.shape[-1]))


Waveforms = Held | Stored | AtSpeeds


def hold(made: Stored | AtSpeeds) -> Waveforms:
    """The same clips, in memory where there is room."""
    if not held_bytes(math.prod(made.shape)):
        return made
    # Filled in place: joined copies would be there twice.
    values = torch.empty(made.shape, device=made.device)
    for rows in torch.split(torch.arange(len(values), device=made.device), AT_ONCE):
        values[rows] = made.read(rows)
    return Held(values)


def evenly(rows: Tensor, most: int) -> Tensor:
    """These rows (N,), or at most so many of them, evenly spread."""
    return rows[:: -(-len(rows) // most)] if len(rows) else rows
