"""The latent sequences that a prior learns from: views of clips, from several starts and at several speeds.

If the latents fit in memory, all clips are encoded as they are before training. Their other views follow, a
few with every step, so that a short training does not spend its time on views that it never uses; until then,
the clip as it is stands in for them. If the latents do not fit, a view is encoded whenever it is drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn

from voxlet import batch_random
from voxlet.models.distributions import Gaussian
from voxlet.recipes.voice.clips.waveforms import held_bytes

if TYPE_CHECKING:
    from voxlet.models.voice.wave_vae import WaveVAE
    from voxlet.recipes.voice.clips.data import VoiceData

ENCODING_BATCH = 128
ORDER_SEED = 0  # seed of the order in which views are encoded


class Drawn(NamedTuple):
    """A view of each of B clips: rows in the data (B,), latents (B, L, Z), lengths in samples (B,)."""

    rows: Tensor
    latents: Gaussian
    lengths: Tensor


class Latents(NamedTuple):
    """Means and log-variances, each (views, N, L, Z)."""

    mean: Tensor
    log_variance: Tensor

    def __deepcopy__(self, memo: dict[int, object]) -> Latents:
        """The same object: any copy would hold the same values, and it takes much of a task's memory."""
        return self


class Views(nn.Module):
    """Posteriors of clips from `shifts` starts, one STFT hop apart, and at each speed that the data has.

    Each view is encoded when it is drawn.

    Args:
        wave: The trained wave VAE.
        data: Clips; the first `clips` rows at their own speed, then all of them again at each other speed.
        clips: N.
        shifts: Number of starts.
    """

    def __init__(self, wave: WaveVAE, data: VoiceData, *, clips: int, shifts: int) -> None:
        super().__init__()
        self.wave = [wave]  # in a list, to keep its weights out of this module's state
        self.data, self.clips, self.shifts = data, clips, shifts
        self.speeds = len(data.lengths) // clips - 1

    def encode_more(self) -> None:
        """Encode some views ahead, if they are held in memory."""

    def draw(self, rows: Tensor, same_speed: float = 1.0) -> Drawn:
        """A random view of each of the clips `rows` (B,); a share `same_speed` keep their own speed."""
        view, moved = self._choose(rows, same_speed)
        return Drawn(moved, self.encode(view, moved), self._lengths(view, moved))

    @torch.no_grad()
    def encode(self, view: Tensor, rows: Tensor) -> Gaussian:
        """Posteriors (B, L, Z) of the clips `rows` (B,), each with `view` (B,) hops of silence in front."""
        wave, samples = self.wave[0], self.data.audio.shape[1]
        index = torch.arange(samples, device=rows.device) - view[:, None] * wave.hop
        audio = self.data.audio.read(rows).gather(1, index.clamp_min(0)) * (index >= 0)
        return wave.encode(audio)

    def own(self, rows: Tensor) -> Gaussian:
        """Posteriors (B, L, Z) of the clips `rows` (B,) as they are."""
        parts = [self.encode(torch.zeros_like(part), part) for part in torch.split(rows, ENCODING_BATCH)]
        return Gaussian(torch.cat([p.mean for p in parts]), torch.cat([p.log_variance for p in parts]))

    def _choose(self, rows: Tensor, same_speed: float) -> tuple[Tensor, Tensor]:
        """Random starts (B,), in hops, for the clips `rows` (B,), and their rows (B,) at random speeds."""
        view = (batch_random.rand(len(rows), device=rows.device) * self.shifts).long()
        if same_speed == 1 or not self.speeds:
            return view, rows
        other = 1 + (batch_random.rand(len(rows), device=rows.device) * self.speeds).long()
        same = batch_random.rand(len(rows), device=rows.device) < same_speed
        return view, rows + self.clips * torch.where(same, 0, other)

    def _lengths(self, view: Tensor, rows: Tensor) -> Tensor:
        """Lengths (B,) of these views in samples, with the silence in front."""
        return (self.data.lengths[rows] + view * self.wave[0].hop).clamp(max=self.data.audio.shape[1])


class HeldViews(Views):
    """Views that are each encoded once and held in memory.

    Args:
        wave: See `Views`.
        data: See `Views`.
        clips: See `Views`.
        shifts: See `Views`.
        a_step: Number of views that `encode_more` encodes.
    """

    encoded: Tensor

    def __init__(self, wave: WaveVAE, data: VoiceData, *, clips: int, shifts: int, a_step: int) -> None:
        super().__init__(wave, data, clips=clips, shifts=shifts)
        self.a_step = a_step
        device, rows = data.audio.device, len(data.lengths)
        shape = (shifts, rows, data.frames, wave.config.latent_size)
        self.latents = Latents(torch.zeros(shape, device=device), torch.zeros(shape, device=device))
        self.ready = torch.zeros(shifts, rows, dtype=torch.bool, device=device)
        for own in torch.split(torch.arange(clips, device=device), ENCODING_BATCH):
            self._keep(torch.zeros_like(own), own)
        order = torch.randperm(shifts * rows, generator=torch.Generator().manual_seed(ORDER_SEED))
        self.order = order[(order >= rows) | (order % rows >= clips)].to(device)
        # How many of these are encoded: saved with the weights, so that a resumed run has the same views.
        self.register_buffer("encoded", torch.zeros((), dtype=torch.long))
        self._present = 0

    def encode_more(self) -> None:
        """Encode the next views and, in a resumed run, those that it had before."""
        self.encoded += self.a_step
        rows = self.ready.shape[1]
        while self._present < min(int(self.encoded), len(self.order)):
            chosen = self.order[self._present : self._present + self.a_step]
            self._keep(chosen // rows, chosen % rows)
            self._present += self.a_step

    def draw(self, rows: Tensor, same_speed: float = 1.0) -> Drawn:
        """See `Views.draw`; the clip as it is stands in for a view that is not encoded yet."""
        view, moved = self._choose(rows, same_speed)
        ready = self.ready[view, moved]
        view, moved = torch.where(ready, view, 0), torch.where(ready, moved, rows)
        return Drawn(moved, self._held(view, moved), self._lengths(view, moved))

    def own(self, rows: Tensor) -> Gaussian:
        """See `Views.own`."""
        return self._held(torch.zeros_like(rows), rows)

    def _held(self, view: Tensor, rows: Tensor) -> Gaussian:
        return Gaussian(self.latents.mean[view, rows], self.latents.log_variance[view, rows])

    def _keep(self, view: Tensor, rows: Tensor) -> None:
        """Encode views and hold them."""
        posterior = self.encode(view, rows)
        self.latents.mean[view, rows], self.latents.log_variance[view, rows] = posterior
        self.ready[view, rows] = True


def views_of(wave: WaveVAE, data: VoiceData, *, clips: int, shifts: int, a_step: int) -> Views:
    """Views of clips, held in memory if they fit; see `HeldViews`."""
    numbers = 2 * shifts * len(data.lengths) * data.frames * wave.config.latent_size
    if not held_bytes(numbers):
        return Views(wave, data, clips=clips, shifts=shifts)
    return HeldViews(wave, data, clips=clips, shifts=shifts, a_step=a_step)
