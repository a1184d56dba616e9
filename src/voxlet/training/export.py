"""From trained weights to a voice file: one ONNX graph that turns noise, label and style into a waveform.

The sampling steps are unrolled into the graph. Weights are stored as 8-bit integers with a scale per output
channel and turned back into float32 when the file is loaded: a quarter of the size, the same speed.
"""

from __future__ import annotations

import base64
import io
import warnings
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from voxlet.errors import import_extra
from voxlet.models.flow import lengths_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import ModelProto

    from voxlet.models.flow import FlowPrior, StyleEncoder
    from voxlet.models.wave import WaveVAE
    from voxlet.speak.voicefile import VoiceInfo

OPSET = 17
SMALLEST_PACKED = 4096  # smaller weights stay as they are: they weigh nothing and are the more sensitive
PEAK = 0.99


class Speaker(nn.Module):
    """A voice file: noise (B, L, Z), label (B,), style (B, S) -> waveform (B, T) and length (B,)."""

    def __init__(self, prior: FlowPrior, wave: WaveVAE, steps: int) -> None:
        super().__init__()
        self.prior, self.wave, self.steps = prior, wave, steps

    def forward(self, noise: Tensor, label: Tensor, style: Tensor) -> tuple[Tensor, Tensor]:
        """Sample the prior and decode."""
        sequence = self.prior.sample(noise, label, style, steps=self.steps)
        latents, inside = self.prior.denormalise(sequence)
        waveform = self.wave.decode(latents)
        return waveform.clamp(-PEAK, PEAK), lengths_of(inside, self.wave.samples_per_latent)


class _Listener(nn.Module):
    """The style that one clip tells: (1, T) -> (1, S)."""

    def __init__(self, encoder: StyleEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, clip: Tensor) -> Tensor:
        padded = nn.functional.pad(clip, (0, self.encoder.n_fft))
        hidden = self.encoder.layers(self.encoder.features(padded))
        mean = hidden.mean(2)
        deviation = ((hidden - mean[..., None]).square().mean(2) + 1e-5).sqrt()
        posterior: Tensor = self.encoder.posterior(torch.cat([mean, deviation], dim=1))
        return posterior.chunk(2, dim=1)[0]


def export_voice(speaker: Speaker, encoder: StyleEncoder, info: VoiceInfo) -> bytes:
    """The bytes of a voice file."""
    import_extra("onnx", "train")
    speaker = speaker.eval()
    noise = torch.randn(2, info.frames, info.latent_size)
    inputs = (noise, torch.tensor([0, 1]), torch.randn(2, info.style_size))
    graph = _graph(speaker, inputs, ["noise", "label", "style"], ["waveform", "length"], {0: "batch"})
    listener = _graph(_Listener(encoder.eval()), (torch.randn(1, 4000),), ["clip"], ["style"], {1: "samples"})
    from voxlet.speak.voicefile import ENCODER_KEY, INFO_KEY

    text = base64.b64encode(_pack(listener).SerializeToString()).decode()
    metadata = {INFO_KEY: info.to_json(), ENCODER_KEY: text}
    voice: bytes = _described(_pack(graph), metadata).SerializeToString()
    return voice


def _graph(
    module: nn.Module,
    inputs: tuple[Tensor, ...],
    names: list[str],
    outputs: list[str],
    free: dict[int, str],
) -> ModelProto:
    import onnx

    buffer = io.BytesIO()
    axes = dict.fromkeys((*names, *(outputs if free == {0: "batch"} else [])), free)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of itself being the older of two exporters
        torch.onnx.export(
            module,
            inputs,
            buffer,  # type: ignore[arg-type]  # a buffer is fine for this exporter
            input_names=names,
            output_names=outputs,
            dynamic_axes=axes,
            opset_version=OPSET,
            dynamo=False,
        )
    model = onnx.load_from_string(buffer.getvalue())
    onnx.checker.check_model(model)
    return model


def _pack(model: ModelProto) -> ModelProto:
    """Store large weights as int8 and a scale; Cast and Mul bring them back, and are folded at loading."""
    from onnx import TensorProto, helper, numpy_helper

    nodes, kept = [], []
    for weight in model.graph.initializer:
        if (
            weight.data_type != TensorProto.FLOAT
            or np.prod(weight.dims) < SMALLEST_PACKED
            or len(weight.dims) < 2
        ):
            kept.append(weight)
            continue
        packed, scale = quantise(numpy_helper.to_array(weight))
        name = weight.name
        kept.append(numpy_helper.from_array(packed, f"{name}.int8"))
        kept.append(numpy_helper.from_array(scale, f"{name}.scale"))
        nodes.append(helper.make_node("Cast", [f"{name}.int8"], [f"{name}.float"], to=TensorProto.FLOAT))
        nodes.append(helper.make_node("Mul", [f"{name}.float", f"{name}.scale"], [name]))
    nodes.extend(model.graph.node)
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(kept)
    model.graph.node.extend(nodes)
    return model


def quantise(weight: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """int8 values and a scale along the first or last axis, whichever loses less: weight ~ values * scale."""
    best: tuple[float, NDArray[np.int8], NDArray[np.float32]] | None = None
    for axis in (0, weight.ndim - 1):
        others = tuple(a for a in range(weight.ndim) if a != axis)
        scale = np.maximum(np.abs(weight).max(axis=others, keepdims=True), 1e-12).astype(np.float32) / 127
        values = np.round(weight / scale).astype(np.int8)
        error = float(np.square(values * scale - weight).sum())
        if best is None or error < best[0]:
            best = error, values, scale
    assert best is not None
    return best[1], best[2]


def _described(model: ModelProto, metadata: dict[str, str]) -> ModelProto:
    for key, value in metadata.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    return model
