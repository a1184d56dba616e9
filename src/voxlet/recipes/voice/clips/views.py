"""The latent sequences that a prior learns from: clips from several starts and at several speeds.

Each clip is encoded at once as it is. Its other views follow, a few with every step, so that a short
training does not spend its time on views that it never meets; the clip stands in for a view that is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn

from voxlet import batch_random
from voxlet.models.distributions import Gaussian

if TYPE_CHECKING:
    from voxlet.models.voice.wave_vae import WaveVAE
    from voxlet.recipes.voice.clips.data import VoiceData

ENCODING_BATCH = 128
ORDER_SEED = 0  # of the order in which views are encoded


class Drawn(NamedTuple):
    """A view of each of B clips: their rows in the data, their latents (B, L, Z), their samples (B,)."""

    rows: Tensor
    latents: Gaussian
    lengths: Tensor


class Latents(NamedTuple):
    """Means and log-variances, each (views, N, L, Z)."""

    mean: Tensor
    log_variance: Tensor

    def __deepcopy__(self, memo: dict[int, object]) -> Latents:
        """Itself: what is encoded is the same whoever encodes it, and it is much of what a task holds."""
        return self


class Views(nn.Module):
    """Posteriors of clips from `shifts` starts, one STFT hop apart, and at each speed that the data has.

    Args:
        wave: The trained wave VAE.
        data: Clips; the first `clips` rows at their own speed, then all of them again for each other one.
        clips: N.
        shifts: Starts.
        a_step: Views that `encode_more` encodes.
    """

    encoded: Tensor

    def __init__(self, wave: WaveVAE, data: VoiceData, *, clips: int, shifts: int, a_step: int) -> None:
        super().__init__()
        self.wave = [wave]  # a list: its weights are none of ours
        self.data, self.clips, self.a_step = data, clips, a_step
        device, rows = data.audio.device, len(data.audio)
        shape = (shifts, rows, data.frames, wave.config.latent_size)
        self.latents = Latents(torch.zeros(shape, device=device), torch.zeros(shape, device=device))
        starts = torch.arange(shifts, device=device)[:, None] * wave.hop
        self.lengths = (data.lengths + starts).clamp(max=data.audio.shape[1])
        self.ready = torch.zeros(shifts, rows, dtype=torch.bool, device=device)
        for own in torch.split(torch.arange(clips, device=device), ENCODING_BATCH):
            self._encode(torch.zeros_like(own), own)
        order = torch.randperm(shifts * rows, generator=torch.Generator().manual_seed(ORDER_SEED))
        self.order = order[(order >= rows) | (order % rows >= clips)].to(device)
        # How many of them are encoded: kept with the weights, so that a run goes on with the same views.
        self.register_buffer("encoded", torch.zeros((), dtype=torch.long))
        self._present = 0

    @property
    def mean(self) -> Tensor:
        """Of the latents, (views, N, L, Z)."""
        return self.latents.mean

    @property
    def log_variance(self) -> Tensor:
        """Of the latents, (views, N, L, Z)."""
        return self.latents.log_variance

    @property
    def speeds(self) -> int:
        """How many speeds there are beside the clips' own."""
        return len(self.data.audio) // self.clips - 1

    def encode_more(self) -> None:
        """Encode the next views, and those that a run which goes on had before."""
        self.encoded += self.a_step
        while self._present < min(int(self.encoded), len(self.order)):
            chosen = self.order[self._present : self._present + self.a_step]
            self._encode(chosen // len(self.data.audio), chosen % len(self.data.audio))
            self._present += self.a_step

    def draw(self, rows: Tensor, same_speed: float = 1.0) -> Drawn:
        """A random view of each of these clips (B,); a share of them keeps its own speed."""
        view = (batch_random.rand(len(rows), device=rows.device) * len(self.ready)).long()
        moved = rows
        if same_speed < 1 and self.speeds:
            other = 1 + (batch_random.rand(len(rows), device=rows.device) * self.speeds).long()
            same = batch_random.rand(len(rows), device=rows.device) < same_speed
            moved = rows + self.clips * torch.where(same, 0, other)
        ready = self.ready[view, moved]
        view, moved = torch.where(ready, view, 0), torch.where(ready, moved, rows)
        latents = Gaussian(self.mean[view, moved], self.log_variance[view, moved])
        return Drawn(moved, latents, self.lengths[view, moved])

    @torch.no_grad()
    def _encode(self, view: Tensor, rows: Tensor) -> None:
        """Encode clips, with silence of the view's start in front."""
        wave, samples = self.wave[0], self.data.audio.shape[1]
        index = torch.arange(samples, device=rows.device) - view[:, None] * wave.hop
        audio = self.data.audio[rows].gather(1, index.clamp_min(0)) * (index >= 0)
        posterior = wave.encode(audio)
        self.mean[view, rows], self.log_variance[view, rows] = posterior.mean, posterior.log_variance
        self.ready[view, rows] = True
