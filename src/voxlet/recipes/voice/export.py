"""From trained weights to a voice file: one ONNX graph that turns noise, label and style into a waveform.

The sampling steps are unrolled into the graph; weights are stored as in `onnx_graph`.

A prior delivers only a part of a requested change of speed or pitch: a style implies much about how high and
how fast someone speaks, and in training a request rarely contradicted it. The delivered share is measured. To
make up for the rest, the graph requests more speed, and raises the pitch of the decoder's pulse train.
"""

from __future__ import annotations

import base64
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from voxlet.corpus.attributes.attributes import measure
from voxlet.corpus.attributes.pitch import median_pitch
from voxlet.extras import import_extra
from voxlet.models.voice.config import PITCH, SPEED
from voxlet.models.voice.flow_prior import lengths_of
from voxlet.recipes.onnx_graph import SCALE, graph_of, packed_graph, quantised
from voxlet.recipes.voice.clips.attributes import spreads_of
from voxlet.speak.manner import PLAIN
from voxlet.speak.voice_file import ENCODER_KEY, INFO_KEY, with_metadata

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from voxlet.audio import Samples
    from voxlet.models.voice.flow_prior import FlowPrior
    from voxlet.models.voice.style_encoder import StyleEncoder
    from voxlet.models.voice.wave_vae import WaveVAE
    from voxlet.speak.voice_file import VoiceFile, VoiceInfo

PEAK = 0.99
MARGIN = 3  # latent frames decoded after a word's end: without those behind them, the error is -53 dB

ASKED = {SPEED: 0.2, PITCH: 3.0}  # requested, up and down, to measure how much is delivered
CLIPS = 60  # from which that is measured
LEAST = {SPEED: 0.5, PITCH: 0.0}  # least share that is assumed; a smaller measured one is taken for chance


class RequestGain(NamedTuple):
    """The shares that a prior delivers of requested changes: of speed, as a logarithm, and of pitch."""

    speed: float = 1.0
    pitch: float = 1.0


FULL_GAIN = RequestGain()


class SpeakerGraph(nn.Module):
    """A voice file: noise (B, L, Z + 1), label (B,), style (B, S) -> waveform (B, T) and length (B,).

    If the prior has attributes, a fourth input holds the requested changes (B, A); see
    `FlowPrior.requested_attributes`.

    A clip is decoded from its latents up to `MARGIN` frames after its end; later ones have no influence. So a
    clip is the same in every batch, and only as many of the L frames are decoded as the longest clip needs.
    """

    times: Tensor
    left: Tensor

    def __init__(
        self, prior: FlowPrior, wave: WaveVAE, steps: int, delivered: RequestGain = FULL_GAIN
    ) -> None:
        super().__init__()
        self.prior, self.wave, self.steps = prior, wave, steps
        names = prior.config.attributes
        asked, left = {SPEED: 1 / delivered.speed}, {PITCH: 1 - delivered.pitch}
        self.register_buffer("times", torch.tensor([asked.get(name, 1.0) for name in names]))
        self.register_buffer("left", torch.tensor([left.get(name, 0.0) for name in names]))

    def forward(
        self, noise: Tensor, label: Tensor, style: Tensor, wishes: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Sample the prior and decode."""
        attributes = raised = None
        if wishes is not None:
            raised = (wishes * self.left).sum(1)
            asked = self.prior.requested_attributes(style, wishes * self.times)
            attributes = torch.cat([asked, torch.ones_like(asked)], dim=1)
        sequence = self.prior.sample(noise, label, style, attributes, steps=self.steps)
        latents, presence = self.prior.denormalise(sequence)
        unit = self.wave.samples_per_latent
        lengths = lengths_of(presence, unit)
        # Tensors, not Python numbers: the exported graph would keep these as constants.
        counts = torch.div(lengths + (unit - 1), unit, rounding_mode="floor") + MARGIN
        inside = (torch.arange(self.prior.frames) < counts[:, None]).to(latents.dtype)[..., None]
        used = counts.max()
        waveform = self.wave.decode(latents[:, :used], inside=inside[:, :used], raised=raised).waveform
        return waveform.clamp(-PEAK, PEAK), lengths


class StyleGraph(nn.Module):
    """The style encoder of a voice file: one clip (1, T) -> the mean of its style's posterior (1, S)."""

    def __init__(self, encoder: StyleEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, clip: Tensor) -> Tensor:
        """Encode the whole clip."""
        length = torch.ones_like(clip, dtype=torch.long).sum(1)  # not from the shape: a constant in the graph
        return self.encoder.posterior(self.encoder.summary(clip, length)).mean


@torch.no_grad()
def measured_gain(prior: FlowPrior, wave: WaveVAE, steps: int, styles: Tensor) -> RequestGain:
    """Measure the shares of requested speed and pitch that a prior delivers, as medians over clips.

    Args:
        prior: The few-step prior.
        wave: The wave VAE.
        steps: Number of the prior's steps.
        styles: Styles (K, S) of the speakers, used in turn.
    """
    graph = SpeakerGraph(prior, wave, steps)

    def pitches(clips: list[Samples]) -> NDArray[np.float64]:
        return 12 * np.log2(median_pitch(clips, wave.rate))

    def speeds(clips: list[Samples]) -> NDArray[np.float64]:
        return -np.log([len(clip) for clip in clips])

    found = {}
    for name in (name for name in ASKED if name in prior.config.attributes):
        less, more = (generated_clips(graph, styles, 0, {name: sign * ASKED[name]}) for sign in (-1, 1))
        heard = pitches if name == PITCH else speeds
        share = float(torch.from_numpy(heard(more) - heard(less)).nanmedian()) / (2 * ASKED[name])
        found[name] = min(1.0, share) if share > LEAST[name] else LEAST[name]
    return RequestGain(**found)


def generated_clips(
    speaker: SpeakerGraph, styles: Tensor, seed: int, wishes: Mapping[str, float]
) -> list[Samples]:
    """Generate `CLIPS` clips of labels and styles (K, S) in turn, in the default manner plus `wishes`."""
    prior = speaker.prior
    names, turns = prior.config.attributes, torch.arange(CLIPS)
    # All pairs have their turn: after each common multiple the styles move on by one.
    rounds = turns // math.lcm(prior.labels, len(styles))
    label, style = turns % prior.labels, styles[(turns + rounds) % len(styles)]
    drawn = torch.Generator().manual_seed(seed)
    noise = torch.randn(CLIPS, prior.frames, prior.channels, generator=drawn)
    asked = torch.from_numpy(PLAIN.wishes(names, "")).repeat(CLIPS, 1)
    for name, wish in wishes.items():
        asked[:, names.index(name)] += wish
    waveforms, lengths = speaker(noise, label, style, asked)
    return [one[:length].numpy() for one, length in zip(waveforms, lengths.tolist(), strict=True)]


@torch.no_grad()
def spreads(speaker: SpeakerGraph, styles: Tensor) -> dict[str, float]:
    """Standard deviations among a voice's clips of a word by one speaker, without requests; see `spreads_of`.

    Args:
        speaker: The voice's graph.
        styles: Styles (K, S) of the speakers, used in turn.
    """
    rows = []
    for seed in range(2):
        heard = measure(
            generated_clips(speaker, styles, seed, {}), speaker.wave.rate
        )  # in the way takes are measured
        rows.append(np.stack([-np.log(heard.seconds), 12 * np.log2(heard.pitch_hz)], axis=1))
    found = spreads_of(torch.from_numpy(np.concatenate(rows)), torch.arange(CLIPS).repeat(2)[:, None])
    return dict(zip((SPEED, PITCH), found.tolist(), strict=True))


def export_voice(speaker: SpeakerGraph, encoder: StyleEncoder, info: VoiceInfo) -> bytes:
    """The bytes of a voice file."""
    import_extra("onnx", "train")
    speaker, packed = quantised(speaker.eval())
    noise = torch.randn(2, info.frames, info.latent_size)
    inputs: tuple[Tensor, ...] = (noise, torch.tensor([0, 1]), torch.randn(2, info.style_size))
    names = ["noise", "label", "style"]
    if info.attributes:
        inputs, names = (*inputs, torch.rand(2, len(info.attributes))), [*names, "attributes"]
    graph = graph_of(speaker, inputs, names, ["waveform", "length"], {0: "batch"})
    style, packed_style = quantised(StyleGraph(encoder.eval()))
    style_graph = graph_of(style, (torch.randn(1, 4000),), ["clip"], ["style"], {1: "samples"})
    encoder_text = base64.b64encode(packed_graph(style_graph, packed_style).SerializeToString())
    metadata = {INFO_KEY: info.to_json().encode(), ENCODER_KEY: encoder_text}
    return with_metadata(packed_graph(graph, packed).SerializeToString(), metadata)


def with_card(voice: VoiceFile, card: Mapping[str, object]) -> bytes:
    """The bytes of the same voice with another model card."""
    return voice.with_card(card)


def count_parameters(voice: VoiceFile) -> int:
    """Number of a voice's weights, without their scales and constants such as Fourier matrices."""
    onnx: Any = import_extra("onnx", "train")
    kept = onnx.load_from_string(voice.model).graph.initializer
    kinds = (onnx.TensorProto.INT8, onnx.TensorProto.FLOAT)
    weights = (held for held in kept if held.data_type in kinds and not held.name.endswith(SCALE))
    return sum(int(np.prod(held.dims)) for held in weights)
