"""The prior: samples latent sequences for a label and a style by flow matching.

Rectified flow (Liu et al. 2022, arXiv:2209.03003; Lipman et al. 2022, arXiv:2210.02747): with x_0 noise,
x_1 data and x_t = (1 - t) x_0 + t x_1, a network learns the velocity E[x_1 - x_0 | x_t]; following it from
t = 0 to 1 turns noise into data. The network is a transformer over the latent sequence whose layer norms
are modulated by time, label and style (DiT, Peebles and Xie 2022, arXiv:2212.09748). Labels and styles are
sometimes dropped in training, so that a sample can be pushed away from the unconditional velocity
(classifier-free guidance, Ho and Salimans 2022, arXiv:2207.12598).

Attributes are measured properties of a clip (speed, pitch, clarity). Each may be unknown, and each is
sometimes dropped in training, so that any of them can be set or left open.

Each frame of a sequence has Z latents and one *presence* channel: the share of the frame that lies inside the
clip, scaled to -1 to 1. It is generated with the latents, so the model itself decides how long a word is.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from voxlet import batch_random
from voxlet.models.distributions import Gaussian
from voxlet.models.voice.config import CLARITY, PriorConfig

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TIME_FREQUENCIES = 32
CLEAR = 0.9  # quantile of the training clips' clarity that counts as clear
RIDGE = 1e-3  # penalty relative to the variance of a style coordinate, which is 1


def presence(lengths: Tensor, frames: int, frame_samples: int) -> Tensor:
    """Lengths (B,) in samples -> presence (B, L, 1): 1 inside a clip, -1 after it."""
    starts = torch.arange(frames, device=lengths.device) * frame_samples
    share = ((lengths[:, None] - starts) / frame_samples).clamp(0, 1)
    return (2 * share - 1)[..., None]


def lengths_of(presence_channel: Tensor, frame_samples: int) -> Tensor:
    """The inverse, from a generated channel (B, L): lengths (B,) in samples, at least one frame."""
    share = ((presence_channel + 1) / 2).clamp(0, 1)
    # A share below a tenth is noise in a frame after the clip, not a tenth of a frame.
    inside = torch.where(share > 0.1, share, torch.zeros_like(share))
    return (inside.sum(1) * frame_samples).round().clamp_min(frame_samples).long()


def described(attributes: Tensor) -> Tensor:
    """Attributes (B, A), NaN where unknown, as network input (B, 2A): values, and flags for known ones."""
    known = ~attributes.isnan()
    return torch.cat([attributes.nan_to_num(), known.to(attributes.dtype)], dim=1)


class _Attention(nn.Module):
    """Self-attention over (B, frames, width). Sizes are constants, so an exported graph computes none."""

    def __init__(self, width: int, heads: int, frames: int) -> None:
        super().__init__()
        self.width, self.heads, self.frames = width, heads, frames
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        size = self.width // self.heads
        parts = self.qkv(x).view(-1, self.frames, 3 * self.heads, size).transpose(1, 2)
        q, k, v = torch.split(parts, self.heads, dim=1)
        # Written out: for sequences this short the fused form is several times slower on a CPU.
        weights = (q @ k.transpose(-2, -1) / math.sqrt(size)).softmax(-1)
        mixed = weights.to(v.dtype) @ v
        return cast(Tensor, self.out(mixed.transpose(1, 2).reshape(-1, self.frames, self.width)))


class FeatureDropout(nn.Module):
    """Drops features of (B, L, width) for whole sequences, which takes L times fewer random numbers."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        """Drop features and scale the others up, only in training."""
        if not self.training or self.p == 0.0:
            return x
        return x * batch_random.dropout(torch.ones_like(x[:, :1]), self.p)


class _Block(nn.Module):
    """Depthwise convolution, attention and perceptron, behind norms modulated by the condition."""

    def __init__(self, config: PriorConfig, frames: int) -> None:
        super().__init__()
        width, expansion = config.width, config.expansion
        self.width = width
        self.convolution = nn.Conv1d(width, width, 5, padding=2, groups=width)
        self.attention = _Attention(width, config.heads, frames)
        self.perceptron = nn.Sequential(
            nn.Linear(width, expansion * width),
            nn.GELU(approximate="tanh"),
            FeatureDropout(config.dropout),
            nn.Linear(expansion * width, width),
        )
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.modulation = nn.Linear(config.condition_width, 6 * width)
        # At the start every block is the identity, as in DiT.
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def forward(self, x: Tensor, modulation: Tensor) -> Tensor:
        """(B, L, width) to the same shape; `modulation` (B, 1, 6 * width) is from `self.modulation`."""
        shift, scale, gate, shift2, scale2, gate2 = torch.split(modulation, self.width, dim=-1)
        y = self.norm(x) * (1 + scale) + shift
        y = y + self.convolution(y.transpose(1, 2)).transpose(1, 2)
        x = x + gate * self.attention(y)
        y = self.norm(x) * (1 + scale2) + shift2
        return cast(Tensor, x + gate2 * self.perceptron(y))


class FlowPrior(nn.Module):
    """Velocity of (B, L, Z + 1) sequences at time t, for a label, a style and attributes.

    Args:
        config: Settings.
        channels: Z + 1, the latents and the presence channel.
        frames: L.
        labels: C; label number C stands for "no label, no style, no attributes".
    """

    latent_mean: Tensor
    latent_std: Tensor
    attribute_mean: Tensor
    attribute_std: Tensor
    neutral_weight: Tensor
    neutral_bias: Tensor
    clearest: Tensor

    def __init__(self, config: PriorConfig, channels: int, frames: int, labels: int) -> None:
        super().__init__()
        self.config, self.channels, self.frames, self.labels = config, channels, frames, labels
        width, condition = config.width, config.condition_width
        self.enter = nn.Linear(channels, width)
        self.position = nn.Parameter(0.02 * torch.randn(frames, width))
        self.time = nn.Sequential(nn.Linear(2 * TIME_FREQUENCIES, condition), nn.SiLU())
        self.label = nn.Embedding(labels + 1, condition)
        self.style = nn.Linear(config.style_size, condition)
        count = len(config.attributes)
        self.attributes = nn.Linear(2 * count, condition, bias=False) if count else None
        self.mix = nn.Sequential(nn.Linear(condition, condition), nn.SiLU())
        self.blocks = nn.ModuleList([_Block(config, frames) for _ in range(config.blocks)])
        self.norm = nn.LayerNorm(width)
        self.leave = nn.Linear(width, channels)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)
        if count:
            self.register_buffer("attribute_mean", torch.zeros(count))
            self.register_buffer("attribute_std", torch.ones(count))
            # Map a style to its own attributes, which it has unless others are set; see `fit_neutral`.
            self.register_buffer("neutral_weight", torch.zeros(count, config.style_size))
            self.register_buffer("neutral_bias", torch.zeros(count))
            self.register_buffer("clearest", torch.zeros(()))
        self.register_buffer("latent_mean", torch.zeros(channels - 1))
        self.register_buffer("latent_std", torch.ones(channels - 1))

    def fit_scale(self, posterior: Gaussian) -> None:
        """Set each latent's mean and standard deviation from the aggregated posterior (N, L, Z).

        The variance is that of the means plus the mean of the variances: uninformative latents are mostly
        noise, and would drown the others if they were scaled by the variance of their means alone.
        """
        variance = posterior.mean.var((0, 1)) + posterior.log_variance.exp().mean((0, 1))
        self.latent_mean.copy_(posterior.mean.mean((0, 1)))
        self.latent_std.copy_(variance.sqrt())

    def fit_attributes(self, attributes: Tensor) -> None:
        """Set each attribute's mean and standard deviation from attributes (N, A), NaN where unknown."""
        mean = attributes.nanmean(0)
        self.attribute_mean.copy_(mean)
        self.attribute_std.copy_((attributes - mean).square().nanmean(0).sqrt().clamp_min(1e-6))
        if CLARITY in self.config.attributes:
            number = self.config.attributes.index(CLARITY)
            self.clearest.copy_(self.standard(attributes)[:, number].nanquantile(CLEAR))

    def fit_neutral(self, styles: Tensor, attributes: Tensor, named: Tensor, theirs: Tensor) -> None:
        """Fit the attributes that a style has by itself, by ridge regression.

        A clip's style is less certain than a speaker's, so a fit to clips alone puts each speaker too close
        to the mean. The residuals of the speakers' own attributes are therefore fitted on top.

        Args:
            styles: Styles (N, S) of clips.
            attributes: Attributes (N, A) of the same clips, NaN where unknown.
            named: Styles (K, S) of speakers.
            theirs: Attributes (K, A) of the same speakers, NaN where unknown.
        """
        self.neutral_weight.zero_()
        self.neutral_bias.zero_()
        for x, y in ((styles, self.standard(attributes)), (named, self.standard(theirs))):
            missing = y - self.neutral(x)
            for number, column in enumerate(missing.double().T):
                known = ~column.isnan()
                if known.any():
                    found = _ridge(x[known].double(), column[known])
                    self.neutral_weight[number] += found[:-1]
                    self.neutral_bias[number] += found[-1]

    def standard(self, attributes: Tensor) -> Tensor:
        """Attributes (B, A) in standard deviations from the training clips' mean."""
        return (attributes - self.attribute_mean) / self.attribute_std

    def neutral(self, style: Tensor) -> Tensor:
        """The attributes (B, A), in standard deviations, that a style (B, S) has by itself."""
        return style @ self.neutral_weight.T + self.neutral_bias

    def requested_attributes(self, style: Tensor, wishes: Tensor) -> Tensor:
        """Attributes (B, A), in standard deviations, of a style (B, S) with the changes `wishes` (B, A).

        Changes are relative to the style's own attributes: for speed the natural logarithm of a ratio, for
        pitch semitones, for clarity the share of the way from the style's own to the clearest recordings.
        """
        own = self.neutral(style)
        shares = torch.tensor([float(name == CLARITY) for name in self.config.attributes], device=own.device)
        return own + wishes * ((1 - shares) / self.attribute_std + shares * (self.clearest - own))

    def keep_labels(self, count: int) -> None:
        """Drop all labels but the first `count`."""
        table = torch.cat([self.label.weight[:count], self.label.weight[-1:]])
        self.label, self.labels = nn.Embedding(len(table), table.shape[1], _weight=table), count

    def normalise(self, latents: Tensor, presence_channel: Tensor) -> Tensor:
        """Latents (B, L, Z) and presence (B, L, 1) as the sequence (B, L, Z + 1) that the flow models."""
        return torch.cat([(latents - self.latent_mean) / self.latent_std, presence_channel], dim=-1)

    def denormalise(self, sequence: Tensor) -> tuple[Tensor, Tensor]:
        """The inverse of `normalise`: latents (B, L, Z) and the presence channel (B, L)."""
        return sequence[..., :-1] * self.latent_std + self.latent_mean, sequence[..., -1]

    def forward(
        self, x: Tensor, time: Tensor, label: Tensor, style: Tensor, attributes: Tensor | None = None
    ) -> Tensor:
        """Velocity (B, L, Z + 1) at x (B, L, Z + 1).

        Args:
            x: Sequences.
            time: Times (B,) in [0, 1].
            label: Label numbers (B,).
            style: Styles (B, S).
            attributes: Attributes (B, 2A) from `described`; None: none is known.
        """
        condition = self._condition(self.time(_time_features(time)), label, style, attributes)
        return self._velocity(x, [block.modulation(condition[:, None]) for block in self._blocks])

    @property
    def _blocks(self) -> Iterator[_Block]:
        return (cast(_Block, block) for block in self.blocks)

    def _condition(self, time: Tensor, label: Tensor, style: Tensor, attributes: Tensor | None) -> Tensor:
        """The condition (..., B, condition_width) for the blocks' modulation; `time` is already embedded."""
        who = self.style(style)
        if attributes is not None and self.attributes is not None:
            who = who + self.attributes(attributes)
        known = (label < self.labels).to(style.dtype)[:, None]
        return cast(Tensor, self.mix(time + self.label(label) + who * known))

    def _velocity(self, x: Tensor, modulations: Sequence[Tensor]) -> Tensor:
        hidden = self.enter(x) + self.position
        for block, modulation in zip(self._blocks, modulations, strict=True):
            hidden = block(hidden, modulation)
        return cast(Tensor, self.leave(self.norm(hidden)).float())

    def guided(
        self,
        x: Tensor,
        time: Tensor,
        label: Tensor,
        style: Tensor,
        attributes: Tensor | None = None,
        *,
        guidance: float | Tensor,
    ) -> Tensor:
        """Velocity pushed away from the unconditional one: v_none + guidance (v - v_none).

        `guidance` is one number for all sequences, or one for each, (B,).
        """
        if isinstance(guidance, Tensor):
            guidance = guidance[:, None, None]
        elif guidance == 1.0:
            return self(x, time, label, style, attributes)  # type: ignore[no-any-return]
        nothing = torch.full_like(label, self.labels)
        twice = None if attributes is None else attributes.repeat(2, 1)
        both = self(x.repeat(2, 1, 1), time.repeat(2), torch.cat([label, nothing]), style.repeat(2, 1), twice)
        wanted, free = both.chunk(2)
        return cast(Tensor, free + guidance * (wanted - free))

    def sample(
        self, noise: Tensor, label: Tensor, style: Tensor, attributes: Tensor | None = None, *, steps: int
    ) -> Tensor:
        """Follow the velocity from `noise` (B, L, Z + 1) at t = 0 to t = 1 in `steps` Euler steps.

        The modulation of the blocks does not depend on the sequence, so it is computed for all steps at once.
        """
        times = torch.arange(steps, device=noise.device) / steps
        conditions = self._condition(self.time(_time_features(times))[:, None], label, style, attributes)
        modulations = [block.modulation(conditions[:, :, None]).unbind() for block in self._blocks]
        x = noise
        for step in range(steps):
            x = x + self._velocity(x, [each[step] for each in modulations]) / steps
        return x


def _ridge(x: Tensor, y: Tensor) -> Tensor:
    """Weights (S + 1,) of the ridge regression of y (N,) on x (N, S); the last one is the intercept."""
    rows = torch.cat([x, torch.ones_like(x[:, :1])], dim=1)
    free = torch.tensor([1.0] * x.shape[1] + [0.0], dtype=x.dtype, device=x.device)
    found: Tensor = torch.linalg.solve(rows.T @ rows + RIDGE * len(x) * free.diag(), rows.T @ y)
    return found


def _time_features(time: Tensor) -> Tensor:
    """Sines and cosines of times in [0, 1]: (B,) -> (B, 2 * TIME_FREQUENCIES)."""
    exponents = torch.arange(TIME_FREQUENCIES, device=time.device) / (TIME_FREQUENCIES - 1)
    angles = time[:, None] * (math.pi * 200**exponents)
    return torch.cat([angles.cos(), angles.sin()], dim=1)
