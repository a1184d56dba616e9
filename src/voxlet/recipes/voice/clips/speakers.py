"""Named speakers of a base or a voice, as styles: a voice that is adapted from it can keep them."""

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
MOST_CLIPS = 512  # of a speaker, from which the style is computed
FEWEST_CLIPS = 10  # of a named speaker of a base: fewer give too rough a style


class Speakers(nn.Module):
    """N named speakers: the distributions of their clips' styles, in the encoder's unwhitened coordinates.

    Args:
        names: Names of the N speakers.
        tensors: `mean` and `log_variance` (N, S) of their styles, and `attributes` (N, A), medians over their
            clips, NaN where no clip shows one.
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
        """Their styles (N, S) in the whitened coordinates of `encoder`."""
        return encoder.whitened(Gaussian(self.mean, self.log_variance))

    def only(self, names: Sequence[str]) -> Speakers:
        """The speakers with these names."""
        rows = [self.names.index(name) for name in names]
        return Speakers(names, {name: tensor[rows] for name, tensor in self.named_buffers()})

    def joined(self, others: Speakers) -> Speakers:
        """These speakers and, of `others`, those with other names."""
        new = [row for row, name in enumerate(others.names) if name not in self.names]
        both = {name: torch.cat([own, getattr(others, name)[new]]) for name, own in self.named_buffers()}
        return Speakers((*self.names, *(others.names[row] for row in new)), both)


@torch.no_grad()
def speakers_of(encoder: StyleEncoder, data: VoiceData, names: Sequence[str], fewest: int = 1) -> Speakers:
    """The speakers with at least `fewest` training clips, of which at most `MOST_CLIPS` are used.

    A speaker's variance is that between the clips' mean styles plus the mean variance of each clip's style.
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
        # Not the mean: pitches that are wrong by an octave would shift it.
        found["attributes"].append(data.attributes[rows].nanmedian(0).values)
    sizes = {"mean": encoder.whitening_mean, "log_variance": encoder.whitening_mean}
    tensors = {
        name: torch.stack(rows) if rows else torch.zeros(0, sizes.get(name, data.attributes[0]).shape[-1])
        for name, rows in found.items()
    }
    return Speakers([names[number] for number in known], tensors)
