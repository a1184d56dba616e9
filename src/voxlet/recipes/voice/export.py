"""From trained weights to a voice file: one ONNX graph that turns noise, label and style into a waveform.

The sampling steps are unrolled into the graph. Weights are stored as 8-bit integers with a scale per output
channel, the matrices of the Fourier transforms in half precision; all are turned back into float32 when
the file is loaded: a quarter of the size, the same speed.
"""

from __future__ import annotations

import base64
import copy
import io
import os
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from voxlet.extras import import_extra
from voxlet.models.voice.flow_prior import lengths_of
from voxlet.speak.runtime import import_onnxruntime
from voxlet.speak.voice_file import ENCODER_KEY, INFO_KEY, with_metadata

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from onnx import ModelProto

    from voxlet.models.voice.flow_prior import FlowPrior
    from voxlet.models.voice.style_encoder import StyleEncoder
    from voxlet.models.voice.wave_vae import WaveVAE
    from voxlet.speak.voice_file import VoiceFile, VoiceInfo

M = TypeVar("M", bound=nn.Module)

OPSET = 17
SMALLEST_PACKED = 4096  # smaller weights stay as they are: they weigh nothing and are the more sensitive
LARGE_CONSTANT = 1 << 15  # numbers; of the graphs' constants only the Fourier matrices have more
PEAK = 0.99
SCALE = ".scale"  # ends the name of what 8-bit weights are multiplied with
MARGIN = 4  # latent frames that are decoded after a word's end: its last samples depend on them


class SpeakerGraph(nn.Module):
    """A voice file: noise (B, L, Z), label (B,), style (B, S) -> waveform (B, T) and length (B,).

    Where the prior has attributes, a fourth input has what is wished of them, (B, A); see `FlowPrior.asked`.

    A clip's latents count up to `MARGIN` frames after its end; those after them have no influence on it. So
    it is the same in every batch, and only as many of the L frames are decoded as the longest clip needs.
    """

    def __init__(self, prior: FlowPrior, wave: WaveVAE, steps: int) -> None:
        super().__init__()
        self.prior, self.wave, self.steps = prior, wave, steps

    def forward(
        self, noise: Tensor, label: Tensor, style: Tensor, wishes: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Sample the prior and decode."""
        attributes = None
        if wishes is not None:
            asked = self.prior.asked(style, wishes)
            attributes = torch.cat([asked, torch.ones_like(asked)], dim=1)
        sequence = self.prior.sample(noise, label, style, attributes, steps=self.steps)
        latents, presence = self.prior.denormalise(sequence)
        unit = self.wave.samples_per_latent
        lengths = lengths_of(presence, unit)
        # Tensors, not numbers: the graph has to find them anew for each batch.
        counts = torch.div(lengths + (unit - 1), unit, rounding_mode="floor") + MARGIN
        inside = (torch.arange(self.prior.frames) < counts[:, None]).to(latents.dtype)[..., None]
        used = counts.max()
        waveform = self.wave.decode(latents[:, :used], inside=inside[:, :used]).waveform
        return waveform.clamp(-PEAK, PEAK), lengths


class StyleGraph(nn.Module):
    """The style encoder of a voice file: one clip (1, T) -> the mean of its style's posterior (1, S)."""

    def __init__(self, encoder: StyleEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, clip: Tensor) -> Tensor:
        """Encode the whole clip."""
        length = torch.ones_like(clip, dtype=torch.long).sum(1)  # not from its shape: the graph counts anew
        return self.encoder.posterior(self.encoder.summary(clip, length)).mean


def export_voice(speaker: SpeakerGraph, encoder: StyleEncoder, info: VoiceInfo) -> bytes:
    """The bytes of a voice file."""
    import_extra("onnx", "train")
    speaker, packed = rounded(speaker.eval())
    noise = torch.randn(2, info.frames, info.latent_size)
    inputs: tuple[Tensor, ...] = (noise, torch.tensor([0, 1]), torch.randn(2, info.style_size))
    names = ["noise", "label", "style"]
    if info.attributes:
        inputs, names = (*inputs, torch.rand(2, len(info.attributes))), [*names, "attributes"]
    graph = _graph(speaker, inputs, names, ["waveform", "length"], {0: "batch"})
    style, packed_style = rounded(StyleGraph(encoder.eval()))
    style_graph = _graph(style, (torch.randn(1, 4000),), ["clip"], ["style"], {1: "samples"})
    encoder_text = base64.b64encode(_pack(style_graph, packed_style).SerializeToString())
    metadata = {INFO_KEY: info.to_json().encode(), ENCODER_KEY: encoder_text}
    return with_metadata(_pack(graph, packed).SerializeToString(), metadata)


def with_card(voice: VoiceFile, card: Mapping[str, object]) -> bytes:
    """The bytes of the same voice with another model card."""
    return voice.with_card(card)


def count_parameters(voice: VoiceFile) -> int:
    """How many weights a voice has: not their scales, nor constants as of the Fourier transforms."""
    onnx: Any = import_extra("onnx", "train")
    kept = onnx.load_from_string(voice.model).graph.initializer
    kinds = (onnx.TensorProto.INT8, onnx.TensorProto.FLOAT)
    weights = (held for held in kept if held.data_type in kinds and not held.name.endswith(SCALE))
    return sum(int(np.prod(held.dims)) for held in weights)


@dataclass(frozen=True)
class Packed:
    """A weight as int8 `values` and a float32 `scale` that broadcasts over them."""

    values: NDArray[np.int8]
    scale: NDArray[np.float32]

    @property
    def weight(self) -> NDArray[np.float32]:
        """What they stand for."""
        return self.values * self.scale


def quantise(weight: NDArray[np.float32]) -> Packed:
    """Round a weight to 255 steps for each of its first axis's channels."""
    others = tuple(range(1, weight.ndim))
    largest = np.abs(weight).max(axis=others, keepdims=True)
    scale = np.maximum(largest, 1e-12).astype(np.float32) / np.float32(127)
    return Packed(np.round(weight / scale).astype(np.int8), scale)


def rounded(module: M) -> tuple[M, list[Packed]]:
    """A copy of a module whose large weights are what `quantise` leaves of them, and these.

    Its large constants are rounded to half precision, which leaves an error of -70 dB.
    """
    module, packed = copy.deepcopy(module), []
    for parameter in module.parameters():
        if parameter.ndim > 1 and parameter.numel() >= SMALLEST_PACKED:
            packed.append(quantise(parameter.detach().numpy()))
            parameter.data = torch.from_numpy(packed[-1].weight)
    for constant in module.buffers():
        if constant.numel() >= LARGE_CONSTANT:
            constant.copy_(constant.half())
    return module, packed


def _graph(
    module: nn.Module,
    inputs: tuple[Tensor, ...],
    names: list[str],
    outputs: list[str],
    free: dict[int, str],
) -> ModelProto:
    import onnx

    buffer = io.BytesIO()
    axes = dict.fromkeys((*names, *(outputs if 0 in free else ())), free)
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
    model = _simplified(buffer.getvalue())
    onnx.checker.check_model(model)
    return model


def _simplified(model: bytes) -> ModelProto:
    """The model with all folded that is constant: done once here, not each time that the voice is opened."""
    import onnx

    onnxruntime = import_onnxruntime()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "simple.onnx"
        options = onnxruntime.SessionOptions()
        # The basic level keeps to standard operators, so the file is not bound to one release of the runtime.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = os.fspath(path)
        options.log_severity_level = 3
        onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        return onnx.load(path)


def _pack(model: ModelProto, packed: list[Packed]) -> ModelProto:
    """Store rounded weights as int8 and scale; Cast and Mul bring them back, and are folded at loading.
    Constants that half precision holds exactly are stored in it.

    The exporter renames and transposes weights, so they are known by their content.
    """
    from onnx import TensorProto, helper, numpy_helper

    known = {}
    for one in packed:
        known[one.weight.shape, one.weight.tobytes()] = one
        if one.values.ndim == 2:
            known[one.weight.T.shape, one.weight.T.tobytes()] = Packed(one.values.T, one.scale.T)
    nodes, kept = [], []
    for held in model.graph.initializer:
        weight, name = numpy_helper.to_array(held), held.name
        if (weight.shape, weight.tobytes()) not in known:
            half = weight.astype(np.float16) if weight.size >= LARGE_CONSTANT else None
            if half is not None and (half == weight).all():
                kept.append(numpy_helper.from_array(half, f"{name}.half"))
                nodes.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
            else:
                kept.append(held)
            continue
        one = known[weight.shape, weight.tobytes()]
        kept.append(numpy_helper.from_array(np.ascontiguousarray(one.values), f"{name}.int8"))
        kept.append(numpy_helper.from_array(np.ascontiguousarray(one.scale), f"{name}{SCALE}"))
        nodes.append(helper.make_node("Cast", [f"{name}.int8"], [f"{name}.float"], to=TensorProto.FLOAT))
        nodes.append(helper.make_node("Mul", [f"{name}.float", f"{name}{SCALE}"], [name]))
    nodes.extend(model.graph.node)
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.extend(kept)
    model.graph.node.extend(nodes)
    return model
