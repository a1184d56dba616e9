"""Third stage of a voice: the prior distilled into a student that needs few steps and no guidance.

The student learns, for each of its K long steps, where the guided teacher arrives in `substeps` short ones
(progressive distillation, Salimans and Ho 2022, arXiv:2202.00512, with the guidance distilled as well,
Meng et al. 2023, arXiv:2210.03142). It starts from states that it reached itself, so it learns to correct its
own errors.

Guidance begins after the first part of the way from noise to data. Earlier it would only reduce variety: a
state that is mostly noise is pushed to the label's mean (Kynkäänniemi et al. 2024, arXiv:2404.07724).
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn

from voxlet import batch_random
from voxlet.models.distributions import Gaussian
from voxlet.models.voice.config import CLARITY, PITCH, SPEED
from voxlet.models.voice.flow_prior import FeatureDropout, described
from voxlet.models.voice.style_encoder import standardise
from voxlet.recipes.voice.clips.speakers import speakers_of
from voxlet.recipes.voice.clips.waveforms import evenly
from voxlet.training import distributed
from voxlet.training.ema import average_of
from voxlet.training.hardware import autocast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlet.models.voice.flow_prior import FlowPrior
    from voxlet.models.voice.style_encoder import StyleEncoder
    from voxlet.recipes.voice.clips.data import VoiceData
    from voxlet.recipes.voice.clips.speakers import Speakers
    from voxlet.recipes.voice.config import DistillationTraining
    from voxlet.recipes.voice.weights import StyledPrior
    from voxlet.training.config import Precision

STYLE_CLIPS = 2  # other clips that a style is inferred from
VALIDATION_BATCH = 64
ENCODING_BATCH = 128
MOST_CLIPS = 20_000  # from whose styles the whitening is computed
# Random requests: lowest, highest, and the limit to which higher ones are clipped;
# see `FlowPrior.requested_attributes`.
REQUEST_RANGES = {SPEED: (-0.3, 0.35, 1.0), PITCH: (-4.0, 4.0, 12.0), CLARITY: (0.0, 2.0, 1.0)}
NORM = 1.0  # largest gradient norm


class Targets(NamedTuple):
    """Starts and conditions of B long steps, and the teacher's mean velocity (B, L, Z + 1) over each."""

    x: Tensor
    time: Tensor
    label: Tensor
    style: Tensor
    attributes: Tensor | None
    velocity: Tensor


class StudentConditions(NamedTuple):
    """Labels and speakers on which the student is trained, in a voice that keeps words or speakers.

    Attributes:
        labels: C; all labels are equally frequent, however often they were recorded.
        kept: The kept speakers, possibly none.
        share: Share of sequences by kept speakers; the rest are by the speakers of the takes.
    """

    labels: int
    kept: Speakers
    share: float


class DistillationTask:
    """Trains a copy of `teacher` to take `config.steps` guided steps, in known and in random styles.

    Args:
        config: Settings.
        teacher: The trained prior; it and `style` use the coordinates that `standardise` gives to styles.
        style: The trained style encoder.
        data: All clips.
        validation: Held-out rows.
        speaking: Labels and speakers to train on; by default those of each take.
        precision: Precision of matrix products.
    """

    def __init__(
        self,
        config: DistillationTraining,
        teacher: FlowPrior,
        style: StyleEncoder,
        data: VoiceData,
        validation: Tensor,
        *,
        speaking: StudentConditions | None = None,
        precision: Precision = "auto",
    ) -> None:
        self.config, self.data, self.validation, self.precision = config, data, validation, precision
        self.speaking = speaking
        self.device = data.audio.device
        self.teacher, self.style = teacher.eval().requires_grad_(False), style.eval().requires_grad_(False)
        self.student = copy.deepcopy(teacher).requires_grad_(True)
        for module in self.student.modules():
            if isinstance(module, FeatureDropout):
                module.p = 0.0  # the targets are the teacher's exact function: there is nothing to overfit
        self.ema = average_of(self.student, config.ema_decay)
        self.modules: dict[str, nn.Module] = {
            "student": self.student,
            "ema": self.ema,
            "style": self.style,
            **({} if speaking is None else {"kept": speaking.kept}),
        }
        adam = torch.optim.AdamW(
            self.student.parameters(), config.learning_rate, (0.9, 0.99), weight_decay=0.0, fused=True
        )
        self.optimizers: dict[str, torch.optim.Optimizer] = {"student": adam}

    @torch.no_grad()
    def targets(self, rows: Tensor, step: Tensor, student: nn.Module) -> Targets:
        """Targets for the labels and speakers of `rows` (B,), each at its own long step `step` (B,).

        The steps before that one are taken by the student itself.
        """
        c, count = self.config, len(rows)
        others = self.data.others(rows, STYLE_CLIPS)
        style = self.style(*self.data.cut(others, self.data.longest(others))).mean  # as a voice will use it
        label, style = self.drawn_conditions(rows, style)
        fresh = batch_random.rand(count, 1, device=self.device) < c.prior_style_share
        style = torch.where(fresh, self.style.deviation * batch_random.randn_like(style), style)
        attributes = self.attributes(rows, style)
        x = batch_random.randn(count, self.teacher.frames, self.teacher.channels, device=self.device)
        for taken in range(int(step.max())):
            time = torch.full((count,), taken / c.steps, device=self.device)
            moved = x + student(x, time, label, style, attributes) / c.steps
            x = torch.where((taken < step)[:, None, None], moved, x)
        time, y = step / c.steps, x
        for part in range(c.substeps):
            inner = time + part / (c.steps * c.substeps)
            y = y + self.guided(y, inner, label, style, attributes) / (c.steps * c.substeps)
        return Targets(x, time, label, style, attributes, (y - x) * c.steps)

    def drawn_conditions(self, rows: Tensor, style: Tensor) -> tuple[Tensor, Tensor]:
        """Labels (B,) and styles (B, S) to train on, for rows (B,) whose own styles are `style` (B, S)."""
        if self.speaking is None:
            return self.data.labels[rows], style
        labels, kept, share = self.speaking
        drawn = batch_random.rand(len(rows), 3, device=self.device)
        if kept.names:
            who = (drawn[:, 1] * len(kept.names)).long()
            style = torch.where(drawn[:, 2:] < share, kept.styles(self.style).mean[who], style)
        return (drawn[:, 0] * labels).long(), style

    def attributes(self, rows: Tensor, style: Tensor) -> Tensor | None:
        """Attributes (B, 2A) as the prior reads them: most requested at random, others the clips' own."""
        names = self.teacher.config.attributes
        if not names:
            return None
        drawn = batch_random.rand(len(rows), len(names), device=self.device)
        ranges = torch.tensor([REQUEST_RANGES[name] for name in names], device=self.device)
        # Half of the requests for clarity are clipped to the clearest, which is the default request.
        wishes = (ranges[:, 0] + drawn * (ranges[:, 1] - ranges[:, 0])).clamp(max=ranges[:, 2])
        own = self.teacher.standard(self.data.attributes[rows])
        other = batch_random.rand(len(rows), 1, device=self.device) < self.config.asked_share
        other = other | (self.speaking is not None)  # other words and speakers than those of the rows
        asked = self.teacher.requested_attributes(style, wishes)
        return described(torch.where(other | own.isnan(), asked, own))

    def guided(
        self, x: Tensor, time: Tensor, label: Tensor, style: Tensor, attributes: Tensor | None
    ) -> Tensor:
        """The teacher's velocity (B, L, Z + 1), with guidance from the time `guidance_from` on."""
        guidance = torch.where(time < self.config.guidance_from, 1.0, self.config.guidance)
        return self.teacher.guided(x, time, label, style, attributes, guidance=guidance)

    def train_step(self, rows: Tensor, progress: float) -> dict[str, Tensor]:  # noqa: ARG002  # the loop's rates suffice
        """One step towards the teacher's mean velocities."""
        rows = rows.to(self.device)
        step = (batch_random.rand(len(rows), device=self.device) * self.config.steps).long()
        with autocast(self.device, self.precision):
            targets = self.targets(rows, step, self.student)
            velocity = self.student(*targets[:-1])
        loss = (velocity - targets.velocity).square().mean()
        self.optimizers["student"].zero_grad(set_to_none=True)
        loss.backward()
        distributed.average_gradients(self.student.parameters())
        nn.utils.clip_grad_norm_(self.student.parameters(), NORM)
        self.optimizers["student"].step()
        self.ema.update_parameters(self.student)
        return {"loss": loss.detach()}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Mean squared distance of the averaged student's velocities from the teacher's."""
        if not len(self.validation):
            return {}
        total = 0.0
        for rows in torch.split(self.validation, VALIDATION_BATCH):
            step = torch.arange(len(rows), device=self.device) % self.config.steps
            targets = self.targets(rows, step, self.ema.module)
            velocity = self.ema.module(*targets[:-1])
            total += float((velocity - targets.velocity).square().mean()) * len(rows)
        return {"loss": total / len(self.validation)}


@torch.no_grad()
def whiten_styles(
    teacher: StyledPrior, clips: VoiceData, speeds: Sequence[float], speaking: StudentConditions | None = None
) -> None:
    """Whiten a teacher's styles, so that new speakers like the voice's can be drawn, and fit the attributes
    that a style has by itself.

    Args:
        teacher: The prior and its style encoder; both are changed.
        clips: The takes.
        speeds: Other speeds at which the takes are used.
        speaking: Kept speakers, who are included; with a share of 1 they replace those of the takes.
    """
    flow, encoder = teacher
    data = clips.with_speeds(speeds)
    parts, named = [], []
    if speaking is None or speaking.share < 1:
        rows = evenly(data.by_speaker, MOST_CLIPS)
        parts.append((*styles_of(encoder, data, rows), data.attributes[rows]))
        named.append(speakers_of(encoder, clips, [str(number) for number in range(len(clips.count))]))
    if speaking is not None and speaking.kept.names:
        kept = speaking.kept
        parts.append((kept.mean, kept.log_variance, kept.attributes))
        named.append(kept)
    mean, log_variance, attributes = (torch.cat(each) for each in zip(*parts, strict=True))
    styles = Gaussian(mean, log_variance)
    standardise(flow, encoder, styles)
    if data.names:
        flow.fit_neutral(
            encoder.whitened(styles).mean,
            attributes,
            torch.cat([who.styles(encoder).mean for who in named]),
            torch.cat([who.attributes for who in named]),
        )


@torch.no_grad()
def styles_of(encoder: StyleEncoder, data: VoiceData, clips: Tensor) -> Gaussian:
    """Styles (N, S), each inferred from one of the clips `clips` (N,), in the encoder's unwhitened
    coordinates."""
    parts = []
    for rows in torch.split(clips, ENCODING_BATCH):
        samples = int(data.lengths[rows].max())
        parts.append(encoder.unwhitened(encoder.summary(*data.cut(rows, samples))))
    return Gaussian(torch.cat([p.mean for p in parts]), torch.cat([p.log_variance for p in parts]))
