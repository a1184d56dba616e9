"""What a base can say, said again by itself while a voice that comes of it learns something new.

A network that learns on forgets what it is not shown (McCloskey and Cohen 1989); shown what it said before,
it keeps it (pseudo-rehearsal, Robins 1995). Here a frozen copy of the prior makes latent sequences of the
words and speakers that are to stay, some with every step until there are enough, and says which velocity it
has on the way to them: that is what is learned from, so it does not matter how good the sequences are.
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

SIZE, A_STEP = 512, 4  # sequences in all; made with a step
STEPS = 6  # from noise to a sequence
VARIED = 0.5  # standard deviations by which attributes differ from a speaker's own
SEED = 0


class Replayed(NamedTuple):
    """Some of what a base says: sequences (B, L, Z + 1), labels (B,), styles (B, S), attributes (B, A)."""

    data: Tensor
    label: Tensor
    style: Tensor
    attributes: Tensor


class Replay(nn.Module):
    """What a frozen copy of a prior says.

    Args:
        prior: The prior, as the base has it.
        labels: The numbers of the labels that it knows.
        speakers: Those of the base,
        encoder: and the encoder that gives their styles.
    """

    made: Tensor

    def __init__(self, prior: FlowPrior, labels: Tensor, speakers: Speakers, encoder: StyleEncoder) -> None:
        super().__init__()
        # In lists: their weights are none of ours.
        self.prior = [copy.deepcopy(prior).eval().requires_grad_(False)]
        self.labels, self.speakers, self.encoder = labels, [speakers.to(labels.device)], [encoder]
        # How many sequences there are: kept with the weights, so that a run goes on with the same ones.
        self.register_buffer("made", torch.zeros((), dtype=torch.long))
        self.held: list[Replayed] = []

    def make_more(self) -> None:
        """Make the next sequences, and those that a run which goes on had before."""
        self.made += A_STEP
        while len(self.held) * A_STEP < min(int(self.made), SIZE):
            self.held.append(self._say(len(self.held)))

    @torch.no_grad()
    def _say(self, number: int) -> Replayed:
        """The sequences that have this number, whatever was drawn before."""
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
        """Some of them at random."""
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
