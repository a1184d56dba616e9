"""Pseudo-rehearsal: while a voice learns something new, it is also trained on what its base generates.

A network that is trained further forgets what it is not shown (McCloskey and Cohen 1989); shown its own
earlier output, it remembers (pseudo-rehearsal, Robins 1995). Here a frozen copy of the prior generates latent
sequences of the words and speakers to be kept, some with every step until there are enough. The training
target is the frozen prior's velocity on the way to these sequences, so their quality matters little.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn

from voxlet import batch_random
from voxlet.models.voice.flow_prior import described

if TYPE_CHECKING:
    from voxlet.models.voice.flow_prior import FlowPrior
    from voxlet.models.voice.style_encoder import StyleEncoder
    from voxlet.recipes.voice.clips.speakers import Speakers

SIZE, A_STEP = 512, 4  # sequences in all; generated with each training step
STEPS = 6  # Euler steps from noise to a sequence
VARIED = 0.5  # standard deviations by which attributes vary around a speaker's own
SEED = 0


class Replayed(NamedTuple):
    """What a base generated: sequences (B, L, Z + 1), labels (B,), styles (B, S), attributes (B, A)."""

    data: Tensor
    label: Tensor
    style: Tensor
    attributes: Tensor


class Replay(nn.Module):
    """Sequences and velocities from a frozen copy of a prior.

    Args:
        prior: The prior with the base's weights; it is copied.
        labels: Numbers of the labels that the base knows.
        speakers: The speakers of the base.
        encoder: The style encoder, in whose coordinates the prior reads their styles.
    """

    made: Tensor

    def __init__(self, prior: FlowPrior, labels: Tensor, speakers: Speakers, encoder: StyleEncoder) -> None:
        super().__init__()
        # In lists, to keep their weights out of this module's state.
        self.prior = [copy.deepcopy(prior).eval().requires_grad_(False)]
        self.labels, self.speakers, self.encoder = labels, [speakers.to(labels.device)], [encoder]
        # How many sequences there are: saved with the weights, so that a resumed run has the same ones.
        self.register_buffer("made", torch.zeros((), dtype=torch.long))
        self.held: list[Replayed] = []

    def make_more(self) -> None:
        """Generate the next sequences and, in a resumed run, those that it had before."""
        self.made += A_STEP
        while len(self.held) * A_STEP < min(int(self.made), SIZE):
            self.held.append(self._say(len(self.held)))

    @torch.no_grad()
    def _say(self, number: int) -> Replayed:
        """Generate the sequences of this number, which depend on no earlier random draws."""
        generator, prior, speakers = (
            torch.Generator().manual_seed(SEED + number),
            self.prior[0],
            self.speakers[0],
        )
        device = self.made.device

        def normal(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=generator).to(device)

        label = self.labels[torch.randint(len(self.labels), (A_STEP,), generator=generator).to(device)]
        who = torch.randint(len(speakers.names), (A_STEP,), generator=generator).to(device)
        styles = speakers.styles(self.encoder[0])
        style = styles.mean[who] + styles.log_variance[who].div(2).exp() * normal(
            A_STEP, styles.mean.shape[1]
        )
        attributes = speakers.attributes[who]
        if attributes.shape[1]:
            attributes = prior.standard(attributes) + VARIED * normal(*attributes.shape)
        x, known = normal(A_STEP, prior.frames, prior.channels), described(attributes)
        for step in range(STEPS):
            time = torch.full((A_STEP,), step / STEPS, device=device)
            x = x + prior(x, time, label, style, known) / STEPS
        return Replayed(x, label, style, attributes)

    def draw(self, count: int) -> Replayed:
        """Draw `count` of the sequences at random."""
        have = A_STEP * len(self.held)
        chosen = (batch_random.rand(count, device=self.made.device) * have).long()
        return Replayed(*(torch.cat(parts)[chosen] for parts in zip(*self.held, strict=True)))

    @torch.no_grad()
    def velocity(
        self, x: Tensor, time: Tensor, label: Tensor, style: Tensor, attributes: Tensor | None
    ) -> Tensor:
        """The frozen prior's velocity (B, L, Z + 1); see `FlowPrior.forward`."""
        found: Tensor = self.prior[0](x, time, label, style, attributes)
        return found
