"""The clips that a voice learns from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from voxlet import batch_random
from voxlet.corpus.attributes.attributes import measure_recordings
from voxlet.models.voice.wave_vae import samples_per_latent
from voxlet.recipes.voice.clips.attributes import at_speed, bands_of, columns_of
from voxlet.recipes.voice.clips.waveforms import AtSpeeds, Stored, Waveforms, hold
from voxlet.training import distributed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlet.corpus.dataset import Dataset


@dataclass(frozen=True)
class VoiceData:
    """Clips and what is known of them; rows are those of the prepared corpus.

    Attributes:
        audio: Waveforms of N clips, zero after the end of each; T is a whole number of latents.
        lengths: (N,) valid samples.
        labels: (N,) label numbers.
        speakers: (N,) speaker numbers.
        rate: Hz.
        by_speaker: All training rows, sorted by speaker, (M,).
        first: Where each speaker's rows begin in `by_speaker`, (speakers,).
        count: How many rows each speaker has there, (speakers,).
        bands: (N,) bandwidth of each recording, Hz.
        attributes: Measured attributes of each clip, (N, A), NaN where a clip does not show one.
        names: Names of the A attributes.
        label_names: Names of the labels.
    """

    audio: Waveforms
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
        """The same object: it is never changed, and it takes most of a task's memory."""
        return self

    @property
    def frames(self) -> int:
        """L: number of latent vectors in each row, enough for every clip."""
        return self.audio.shape[1] // samples_per_latent(self.rate)

    def others(self, rows: Tensor, clips: int) -> Tensor:
        """Random training rows (B, clips) of each row's speaker, without the row itself if there are others.

        Rows are drawn with replacement. If a speaker has no training rows, the row itself is returned.
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
        """Samples of the longest of these rows, over all processes that share the batch."""
        return int(distributed.largest(int(self.lengths[rows].max()))[0])

    def cut(self, rows: Tensor, samples: int) -> tuple[Tensor, Tensor]:
        """The first `samples` samples of the clips `rows` (...), and the whole clips' lengths (...)."""
        return self.audio.read(rows, samples), self.lengths[rows]

    def with_labels(self, names: tuple[str, ...], numbers: Tensor) -> VoiceData:
        """The same clips with other label numbers: label n becomes `numbers[n]`, an index into `names`."""
        return replace(self, labels=numbers.to(self.labels.device)[self.labels], label_names=names)

    def with_frames(self, frames: int) -> VoiceData:
        """The same clips in rows of at least `frames` latents."""
        samples = frames * samples_per_latent(self.rate)
        return self if frames <= self.frames else replace(self, audio=self.audio.widened(samples))

    def with_speeds(self, speeds: Sequence[float]) -> VoiceData:
        """These clips and, for each speed, all of them once more, as clips of other speakers.

        Played 10 % faster, a voice is 10 % higher and the vocal tract seems 10 % shorter: another speaker
        (speed perturbation as in speaker recognition, Yamamoto et al. 2019). Clip n of N at the k-th speed is
        row (k + 1) N + n. A clip that would become longer than the longest one keeps its speed.
        """
        if not speeds:
            return self
        made = AtSpeeds(self.audio, self.lengths, int(self.lengths.max()), tuple(speeds))
        count, speakers = len(self.lengths), len(self.count)
        every = torch.arange(count, device=self.lengths.device)
        lengths, attributes = [self.lengths], [self.attributes]
        for speed in speeds:
            played, fits = made.played(every, speed)
            lengths.append(played)
            changed = at_speed(self.attributes, self.names, speed)
            attributes.append(torch.where(fits[:, None], changed, self.attributes))
        times = torch.arange(1 + len(speeds), device=self.lengths.device)[:, None]
        sizes = self.count.repeat(1 + len(speeds))
        return replace(
            self,
            audio=hold(made),
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
    """A dataset's clips with the attributes `names`, in rows of whole latents that hold the longest clip."""
    prepared, unit = dataset.prepared, samples_per_latent(dataset.prepared.rate)
    lengths = torch.from_numpy(prepared.rows.lengths)
    samples = -(-int(lengths.max()) // unit) * unit
    speakers = torch.from_numpy(prepared.speakers)
    rows = torch.from_numpy(dataset.split.train)
    by_speaker = rows[torch.argsort(speakers[rows], stable=True)]
    count = torch.bincount(speakers[rows], minlength=len(prepared.speaker_names))
    found = measure_recordings(prepared.clips) if names else None
    attributes = torch.zeros(len(prepared), 0) if found is None else columns_of(found, dataset, names)
    return VoiceData(
        hold(Stored(prepared.rows, samples, device)),
        lengths.to(device),
        torch.from_numpy(prepared.labels).to(device),
        speakers.to(device),
        prepared.rate,
        by_speaker.to(device),
        (count.cumsum(0) - count).to(device),
        count.to(device),
        bands_of(dataset, found).to(device),
        attributes.to(device),
        names,
        prepared.label_names,
    )
