"""Speakers whom a base or a voice knows, as styles: they stay, where only words are added to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from voxlet.models.distributions import Gaussian
from voxlet.recipes.voice.clips.waveforms import evenly

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from voxlet.models.voice.style_encoder import StyleEncoder
    from voxlet.recipes.voice.clips.data import VoiceData

TABLES = ("mean", "log_variance", "attributes")
MOST_CLIPS = 512  # of a speaker that tell his style
FEWEST_CLIPS = 10  # of a base's speaker: fewer tell a style too roughly for a name


class Speakers(nn.Module):
    """N named speakers: how their clips' styles are spread, in the coordinates of the style encoder's layers.

    Args:
        names: (N,).
        tensors: `mean` and `log_variance` (N, S), and `attributes` (N, A), the medians of their clips', not a
            number where none shows one.
    """

    mean: Tensor
    log_variance: Tensor
    attributes: Tensor

    def __init__(self, names: Sequence[str], tensors: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.names = tuple(names)
        for name in TABLES:
            self.register_buffer(name, tensors[name].clone())

    def styles(self, encoder: StyleEncoder) -> Gaussian:
        """Their styles (N, S) in the coordinates that this encoder gives."""
        return encoder.whitened(Gaussian(self.mean, self.log_variance))

    def only(self, names: Sequence[str]) -> Speakers:
        """Those with these names."""
        rows = [self.names.index(name) for name in names]
        return Speakers(names, {name: tensor[rows] for name, tensor in self.named_buffers()})

    def joined(self, others: Speakers) -> Speakers:
        """These, and those of the others who have other names."""
        new = [row for row, name in enumerate(others.names) if name not in self.names]
        both = {name: torch.cat([own, getattr(others, name)[new]]) for name, own in self.named_buffers()}
        return Speakers((*self.names, *(others.names[row] for row in new)), both)


@torch.no_grad()
def speakers_of(encoder: StyleEncoder, data: VoiceData, names: Sequence[str], fewest: int = 1) -> Speakers:
    """The speakers who have at least so many training clips; of many, some stand for all.

    A speaker's variance is that between his clips and that of the style of each.
    """
    found: dict[str, list[Tensor]] = {name: [] for name in TABLES}
    known = [number for number in range(len(names)) if int(data.count[number]) >= fewest]
    for number in known:
        first, count = int(data.first[number]), int(data.count[number])
        rows = evenly(data.by_speaker[first : first + count], MOST_CLIPS)
        each = encoder.unwhitened(encoder.summary(*data.cut(rows, int(data.lengths[rows].max()))))
        spread = each.mean.var(0, correction=0) + each.log_variance.exp().mean(0)
        found["mean"].append(each.mean.mean(0))
        found["log_variance"].append(spread.log())
        # Not the mean: a pitch that was taken for its octave would move it.
        found["attributes"].append(data.attributes[rows].nanmedian(0).values)
    sizes = {"mean": encoder.whitening_mean, "log_variance": encoder.whitening_mean}
    tensors = {
        name: torch.stack(rows) if rows else torch.zeros(0, sizes.get(name, data.attributes[0]).shape[-1])
        for name, rows in found.items()
    }
    return Speakers([names[number] for number in known], tensors)
