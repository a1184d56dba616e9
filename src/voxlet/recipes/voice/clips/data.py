"""The clips that a voice learns from, in memory."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import soxr
import torch
from torch import Tensor

from voxlet import batch_random
from voxlet.models.voice.wave_vae import samples_per_latent
from voxlet.recipes.voice.clips.attributes import at_speed, measured
from voxlet.training import distributed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlet.corpus.dataset import Dataset

RESAMPLING_BATCH = 1024  # soxr takes 65,536 channels at most


@dataclass(frozen=True)
class VoiceData:
    """Clips and what is known of them; rows are those of the prepared corpus.

    Attributes:
        audio: (N, T) float32, zero after each clip's end; T is a whole number of latents.
        lengths: (N,) valid samples.
        labels: (N,) label numbers.
        speakers: (N,) speaker numbers.
        rate: Hz.
        by_speaker: All training rows, sorted by speaker, (M,).
        first: Where each speaker's rows begin in `by_speaker`, (speakers,).
        count: How many rows each speaker has there, (speakers,).
        bands: (N,) half the rate at which each was recorded, Hz.
        attributes: What is measured of each clip, (N, A), not a number where it does not show,
        names: and their names.
        label_names: What the labels are called.
    """

    audio: Tensor
    lengths: Tensor
    labels: Tensor
    speakers: Tensor
    rate: int
    by_speaker: Tensor
    first: Tensor
    count: Tensor
    bands: Tensor
    attributes: Tensor
    names: tuple[str, ...] = ()
    label_names: tuple[str, ...] = ()

    def __deepcopy__(self, memo: dict[int, object]) -> VoiceData:
        """Itself: nothing in it is ever changed, and it is most of what a task holds."""
        return self

    @property
    def frames(self) -> int:
        """L: latent vectors that hold every clip."""
        return self.audio.shape[1] // samples_per_latent(self.rate)

    def others(self, rows: Tensor, clips: int) -> Tensor:
        """Random training rows of each row's speaker (B, clips), not the row itself where there are others.

        Rows are drawn with replacement. A speaker without training rows stands for himself.
        """
        speakers = self.speakers[rows]
        first, count = self.first[speakers, None], self.count[speakers, None]
        drawn = (batch_random.rand(len(rows), clips, device=rows.device) * (count - 1).clamp_min(1)).long()
        found = self.by_speaker[(first + drawn).clamp(max=len(self.by_speaker) - 1)]
        # The last row of the speaker is left out of the draw and takes the place of the row itself.
        last = self.by_speaker[(first + count - 1).clamp(0, len(self.by_speaker) - 1)]
        found = torch.where(found == rows[:, None], last, found)
        return torch.where(count > 0, found, rows[:, None])

    def longest(self, rows: Tensor) -> int:
        """Samples of the longest of these rows, in all processes that share the batch."""
        return int(distributed.largest(int(self.lengths[rows].max()))[0])

    def cut(self, rows: Tensor, samples: int) -> tuple[Tensor, Tensor]:
        """The first samples of rows (...), and the lengths of their clips."""
        return self.audio[rows, :samples], self.lengths[rows]

    def with_labels(self, names: tuple[str, ...], numbers: Tensor) -> VoiceData:
        """The same clips with other labels: what was label n is `numbers[n]` of these names."""
        return replace(self, labels=numbers.to(self.labels.device)[self.labels], label_names=names)

    def with_frames(self, frames: int) -> VoiceData:
        """The same clips in rows of at least so many latents."""
        more = (frames - self.frames) * samples_per_latent(self.rate)
        return self if more <= 0 else replace(self, audio=torch.nn.functional.pad(self.audio, (0, more)))

    def with_speeds(self, speeds: Sequence[float]) -> VoiceData:
        """These clips and, for each speed, all of them once more, as speakers of their own.

        Played 10 % faster, a voice is 10 % higher and its owner's vocal tract 10 % shorter: somebody else
        (speed perturbation as in speaker recognition, Yamamoto et al. 2019). Clip n of N at the k-th speed is
        row (k + 1) N + n. A clip that would be longer than the longest one stays as it is.
        """
        if not speeds:
            return self  # all the audio would be copied for nothing
        count, samples = self.audio.shape
        longest, speakers = int(self.lengths.max()), len(self.count)
        # Filled in place: it is most of what a training holds, and joined copies would be there twice.
        audio = self.audio.new_empty(1 + len(speeds), count, samples)
        audio[0] = self.audio
        lengths, attributes = [self.lengths], [self.attributes]
        for into, speed in zip(audio[1:], speeds, strict=True):
            played = (self.lengths / speed).round().long()
            fits = played <= longest
            for rows in torch.split(torch.arange(count), RESAMPLING_BATCH):
                part = slice(int(rows[0]), int(rows[-1]) + 1)
                moved = torch.zeros(len(rows), samples)
                # A channel for each clip.
                tape = soxr.resample(self.audio[part].T.cpu().numpy(), speed, 1.0)[:samples]
                moved[:, : len(tape)] = torch.from_numpy(tape.T.copy())
                moved *= torch.arange(samples) < played[part].cpu()[:, None]  # resampling rings on after it
                into[part] = torch.where(fits[part, None], moved.to(self.audio.device), self.audio[part])
            lengths.append(torch.where(fits, played, self.lengths))
            changed = at_speed(self.attributes, self.names, speed)
            attributes.append(torch.where(fits[:, None], changed, self.attributes))
        times = torch.arange(1 + len(speeds), device=self.lengths.device)[:, None]
        sizes = self.count.repeat(1 + len(speeds))
        return replace(
            self,
            audio=audio.flatten(0, 1),
            lengths=torch.cat(lengths),
            labels=self.labels.repeat(1 + len(speeds)),
            speakers=(self.speakers + speakers * times).flatten(),
            by_speaker=(self.by_speaker + count * times).flatten(),
            first=sizes.cumsum(0) - sizes,
            count=sizes,
            bands=self.bands.repeat(1 + len(speeds)),
            attributes=torch.cat(attributes),
        )


def voice_data(dataset: Dataset, device: torch.device, names: tuple[str, ...] = ()) -> VoiceData:
    """Put a dataset into memory, in rows that hold the longest clip in whole latents, with the attributes of
    these names."""
    prepared, unit = dataset.prepared, samples_per_latent(dataset.prepared.rate)
    lengths = torch.from_numpy(prepared.rows.lengths)
    samples = -(-int(lengths.max()) // unit) * unit
    audio = torch.zeros(len(prepared), samples)
    width = min(samples, prepared.rows.shape[1])
    for first, read in prepared.rows.parts():
        audio[first : first + len(read), :width] = torch.from_numpy(read[:, :width])
    speakers = torch.from_numpy(prepared.speakers)
    rows = torch.from_numpy(dataset.split.train)
    by_speaker = rows[torch.argsort(speakers[rows], stable=True)]
    count = torch.bincount(speakers[rows], minlength=len(prepared.speaker_names))
    return VoiceData(
        audio.to(device),
        lengths.to(device),
        torch.from_numpy(prepared.labels).to(device),
        speakers.to(device),
        prepared.rate,
        by_speaker.to(device),
        (count.cumsum(0) - count).to(device),
        count.to(device),
        torch.tensor([clip.rate / 2 for clip in prepared.clips], device=device),
        measured(dataset, names).to(device),
        names,
        prepared.label_names,
    )
