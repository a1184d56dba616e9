"""Second stage of a voice: the prior and the style encoder, on the latents of a trained wave VAE.

Where a voice keeps words or speakers of the base that it begins with, half of what it learns from is what the
base says of these, and the style encoder stays as it is: old styles then mean what they meant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from voxlet import batch_random
from voxlet.models.distributions import Gaussian, kl_per_unit
from voxlet.models.voice.flow_prior import FlowPrior, described, presence
from voxlet.models.voice.style_encoder import StyleEncoder, unstandardise
from voxlet.recipes.voice.base_file import PRIOR, STYLE, fill_prior
from voxlet.recipes.voice.clips.replay import Replay
from voxlet.recipes.voice.clips.views import views_of
from voxlet.recipes.voice.clips.waveforms import evenly
from voxlet.training import distributed
from voxlet.training.ema import average_of
from voxlet.training.hardware import autocast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlet.models.voice.wave_vae import WaveVAE
    from voxlet.recipes.voice.base_file import Base
    from voxlet.recipes.voice.clips.data import VoiceData
    from voxlet.recipes.voice.clips.speakers import Speakers
    from voxlet.recipes.voice.clips.views import Drawn
    from voxlet.recipes.voice.config import PriorTraining
    from voxlet.training.config import Precision

VALIDATION_BATCH = 64
MOST_MEASURED = 8192  # clips whose latents' mean and deviation stand for all
NORM = 1.0  # gradients are scaled down to this


class Way(NamedTuple):
    """B sequences on their way from noise, at times (B,), for labels (B,) and styles (B, S), with attributes
    (B, A) in standard deviations, and the velocity (B, L, Z + 1) that is right there."""

    x: Tensor
    time: Tensor
    label: Tensor
    style: Tensor
    attributes: Tensor
    velocity: Tensor


class PriorTask:
    """Trains the flow and the style encoder together: the style is whatever of *other* clips helps the flow.

    Args:
        config: Settings.
        wave: The trained wave VAE.
        data: All clips.
        train: Training rows, from which the latents' mean and deviation are taken.
        validation: Held-out rows.
        precision: Of matrix products.
    """

    def __init__(
        self,
        config: PriorTraining,
        wave: WaveVAE,
        data: VoiceData,
        train: Tensor,
        validation: Tensor,
        *,
        precision: Precision = "auto",
    ) -> None:
        self.device = data.audio.device
        self.config, self.precision, self.validation = config, precision, validation.to(self.device)
        clips = len(data.lengths)
        self.data = data = data.with_speeds(config.speeds_for(len(data.count)))
        self.unit = wave.samples_per_latent
        self.views = views_of(wave, data, clips=clips, shifts=config.shifts, a_step=config.views_per_step)
        channels, labels = wave.config.latent_size + 1, len(data.label_names)
        self.prior = FlowPrior(config.model, channels, data.frames, labels).to(self.device)
        self.prior.fit_scale(self.views.own(evenly(train, MOST_MEASURED).to(self.device)))
        if data.names:
            self.prior.fit_attributes(data.attributes[train])
        self.style = StyleEncoder(config.model, data.rate).to(self.device)
        self.prior_ema = average_of(self.prior, config.ema_decay)
        self.style_ema = average_of(self.style, config.ema_decay)
        self.modules: dict[str, nn.Module] = {
            "prior": self.prior,
            "style": self.style,
            "prior_ema": self.prior_ema,
            "style_ema": self.style_ema,
            "views": self.views,
        }
        self.replay: Replay | None = None
        table = self.prior.get_parameter("label.weight")
        rest = [weights for weights in self.prior.parameters() if weights is not table]
        self.parameters = [*rest, *self.style.parameters(), table]
        groups: list[dict[str, Any]] = [
            {"params": self.parameters[:-1]},
            {"params": [table], "lr": config.label_rate * config.learning_rate},
        ]
        adam = torch.optim.AdamW(
            groups, config.learning_rate, (0.9, 0.99), weight_decay=config.weight_decay, fused=True
        )
        self.optimizers: dict[str, torch.optim.Optimizer] = {"prior": adam}

    def begin_from(self, base: Base, rows: Sequence[int | None]) -> None:
        """Take a base's weights, where it has them; the latents' scale is the base's, too.

        Args:
            base: The base.
            rows: Which of its labels each label is. One that it does not know begins anywhere, as all of the
                base's did: where two words begin as one, some hundred steps do not part them.
        """
        if PRIOR not in base.parts:
            return
        anywhere = self.prior.label.weight.detach().clone()
        averages = cast("FlowPrior", self.prior_ema.module), cast("StyleEncoder", self.style_ema.module)
        for prior, style in ((self.prior, self.style), averages):
            base.fill(STYLE, style)
            fill_prior(base, prior, rows, anywhere)
            unstandardise(prior, style)

    def keep(self, labels: Sequence[int], speakers: Speakers) -> None:
        """From now on keep what the prior says of these labels by these speakers, and the style encoder.

        Called after `begin_from`.
        """
        known = torch.tensor(labels, device=self.device)
        self.replay = Replay(self.prior, known, speakers, self.style.requires_grad_(False)).to(self.device)
        self.modules["replay"] = self.replay

    def sequences(self, drawn: Drawn) -> Tensor:
        """Sampled, normalised latent sequences with presence (B, L, Z + 1)."""
        inside = presence(drawn.lengths, self.prior.frames, self.unit)
        return self.prior.normalise(drawn.latents.sample(), inside)

    def styles(self, encoder: nn.Module, rows: Tensor, clips: int) -> Gaussian:
        """Posterior of the style (B, S), inferred from other clips of the same speaker."""
        others = self.data.others(rows, clips)
        # As long as the longest of all processes': the last frames of a clip depend on what is behind it.
        posterior: Gaussian = encoder(*self.data.cut(others, self.data.longest(others)))
        return posterior

    def attributes(self, rows: Tensor) -> Tensor:
        """The attributes (B, A) of these clips in standard deviations."""
        values = self.data.attributes[rows]
        return self.prior.standard(values) if self.data.names else values

    def _some(self, attributes: Tensor) -> Tensor:
        """The same attributes (B, A), some of them left out."""
        if not self.data.names or not self.config.attribute_dropout:
            return attributes
        left_out = batch_random.rand(*attributes.shape, device=self.device) < self.config.attribute_dropout
        return attributes.masked_fill(left_out, torch.nan)

    def as_read(self, attributes: Tensor) -> Tensor | None:
        """Attributes (B, A) as the prior reads them, (B, 2A)."""
        return described(attributes) if self.data.names else None

    def _way(self, data: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Places (B, L, Z + 1) on the way to these sequences, their times (B,), and the way itself."""
        noise = batch_random.randn_like(data)
        # Logit-normal times: the middle of the way is hardest to learn (Esser et al. 2024, arXiv:2403.03206).
        time = batch_random.randn(len(data), device=self.device).sigmoid()
        return noise + time[:, None, None] * (data - noise), time, data - noise

    def _left_out(self, label: Tensor) -> Tensor:
        """The same labels (B,), some of them left out."""
        left_out = batch_random.rand(len(label), device=self.device) < self.config.condition_dropout
        return torch.where(left_out, self.prior.labels, label)

    def _repeated(self, replay: Replay, count: int) -> Way:
        """What the base says, and how it came to it."""
        replay.make_more()
        said = replay.draw(count)
        x, time, _ = self._way(said.data)
        label, attributes = self._left_out(said.label), self._some(said.attributes)
        velocity = replay.velocity(x, time, label, said.style, self.as_read(attributes))
        return Way(x, time, label, said.style, attributes, velocity)

    def train_step(self, rows: Tensor, progress: float) -> dict[str, Tensor]:  # noqa: ARG002  # the loop's rates suffice
        """One step on the flow-matching loss and the style's divergence."""
        c = self.config
        self.views.encode_more()
        drawn = self.views.draw(rows.to(self.device), c.same_speed)
        rows = drawn.rows
        x, time, way = self._way(self.sequences(drawn))
        label = self._left_out(self.data.labels[rows])
        clips = int(torch.randint(1, c.style_clips + 1, ()))
        with autocast(self.device, self.precision):
            posterior = self.styles(self.style, rows, clips)
            asked = Way(x, time, label, posterior.sample(), self._some(self.attributes(rows)), way)
            if self.replay is not None:
                asked = Way(*map(torch.cat, zip(asked, self._repeated(self.replay, len(rows)), strict=True)))
            known = self.as_read(asked.attributes)
            velocity = self.prior(asked.x, asked.time, asked.label, asked.style, known)
        flow = (velocity - asked.velocity).square().mean()
        kl = kl_per_unit(posterior).sum(1).mean()
        loss = flow + c.style_kl_weight * kl
        self.optimizers["prior"].zero_grad(set_to_none=True)
        loss.backward()
        distributed.average_gradients(self.parameters)
        nn.utils.clip_grad_norm_(self.parameters, NORM)
        self.optimizers["prior"].step()
        self.prior_ema.update_parameters(self.prior)
        self.style_ema.update_parameters(self.style)
        return {"loss": loss.detach(), "flow": flow.detach(), "kl": kl.detach()}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Flow-matching loss of the averaged weights on held-out clips, over evenly spread times."""
        if not len(self.validation):
            return {}
        total = 0.0
        for rows in torch.split(self.validation, VALIDATION_BATCH):
            data = self.sequences(self.views.draw(rows))
            noise = batch_random.randn_like(data)
            time = (torch.arange(len(rows), device=self.device) + 0.5) / len(rows)
            x = noise + time[:, None, None] * (data - noise)
            style = self.styles(self.style_ema.module, rows, self.config.style_clips).mean
            known = self.as_read(self.attributes(rows))
            velocity = self.prior_ema.module(x, time, self.data.labels[rows], style, known)
            total += float((velocity - (data - noise)).square().mean()) * len(rows)
        return {"loss": total / len(self.validation)}
