"""Convert a voice file from format 1 to format 2, with the weights that it holds.

    python tools/rebuild_voice.py OLD.voice NEW.voice

For voices of the preset `voice` that voxlet 0.1.0 exported and whose runs are gone. The weights stay the same
to the last 8-bit step; the graph is the current one: a clip is the same in every batch, the style encoder
pools the frames that it was trained with, and the file has a checksum. Scores in the card are still those of
the old graph: `voxlet score NEW.voice --stamp` measures them again.
"""

from __future__ import annotations

import base64
import sys
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import ModelProto, numpy_helper
from torch import nn

from voxlet.files import write_atomically
from voxlet.models.voice.config import PriorConfig, WaveConfig
from voxlet.models.voice.flow_prior import FlowPrior
from voxlet.models.voice.style_encoder import StyleEncoder
from voxlet.models.voice.wave_vae import WaveVAE
from voxlet.recipes.voice.export import SpeakerGraph, export_voice
from voxlet.speak.voice_file import ENCODER_KEY, read_voice

RENAMED = {"posterior.": "head.", "centre": "whitening_mean"}  # in the style encoder, since 0.1.0


def weights_of(model: ModelProto) -> dict[str, torch.Tensor]:
    """A graph's weights by the names that they had in PyTorch, 8-bit ones multiplied by their scales.

    The exporter keeps the names of biases but not of transposed matrices: a matrix is identified by the bias
    that is added to its product.
    """
    held = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    found = {name: value for name, value in held.items() if not name.endswith((".int8", ".scale", ".half"))}
    # A layer's own parameter may be called `scale`; unlike a weight's scale, it has no 8-bit weight.
    for name, value in held.items():
        base, _, ending = name.rpartition(".")
        if ending == "scale" and f"{base}.int8" not in held:
            found[name] = value
        elif ending == "int8":
            found[base] = value * held[f"{base}.scale"]
    products = {node.output[0]: node.input[1] for node in model.graph.node if node.op_type == "MatMul"}
    for node in model.graph.node:
        if node.op_type == "Add" and node.input[0].endswith(".bias") and node.input[1] in products:
            matrix = found.get(products[node.input[1]])
            if matrix is not None:
                found[f"{node.input[0].removesuffix('.bias')}.weight"] = matrix.T
    return {name: torch.tensor(value) for name, value in found.items() if value.dtype == np.float32}


def load(module: nn.Module, weights: dict[str, torch.Tensor], prefix: str, absent: str | None = None) -> None:
    """Load the weights under `prefix` into a module; only names that begin with `absent` may be missing."""
    own = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
    known = module.state_dict()
    missing = [n for n in known if n not in own and not (absent is not None and n.startswith(absent))]
    if missing:
        sys.exit(f"the file has no weights for {', '.join(missing[:5])}")
    module.load_state_dict({name: own.get(name, known[name]) for name in known})


def rebuild(path: Path) -> bytes:
    """The bytes of the voice at `path` in the current format."""
    voice = read_voice(path)
    info = voice.info
    model = onnx.load_from_string(voice.model)
    weights = weights_of(model)
    wave = WaveVAE(WaveConfig(), info.rate)
    prior = FlowPrior(PriorConfig(), info.latent_size, info.frames, len(info.labels))
    load(wave, weights, "wave.", absent="encoder.")
    load(prior, weights, "prior.")
    steps = sum("prior.leave.bias" in node.input for node in model.graph.node)
    (entry,) = (entry.value for entry in model.metadata_props if entry.key == ENCODER_KEY)
    listening = onnx.load_from_string(base64.b64decode(entry))
    (whitening,) = (node.input[1] for node in listening.graph.node if node.output[0] == "style")
    weights = weights_of(listening)
    weights["encoder.whitening"] = weights.pop(whitening).T
    for old, new in RENAMED.items():
        weights = {name.replace(f"encoder.{old}", f"encoder.{new}"): w for name, w in weights.items()}
    encoder = StyleEncoder(PriorConfig(), info.rate)
    load(encoder, weights, "encoder.")
    return export_voice(SpeakerGraph(prior, wave, steps), encoder, info)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    write_atomically(Path(sys.argv[2]), rebuild(Path(sys.argv[1])))
