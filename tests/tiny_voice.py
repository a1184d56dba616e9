"""A voice small enough for tests: an ONNX graph whose clips are tones varied by noise and style."""

from __future__ import annotations

import base64
import json

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from voxlet.speak.voice_file import VoiceInfo, with_metadata
from voxlet.words.digits import DIGIT_WORDS

RATE, FRAMES, LATENT, STYLE, LONGEST = 8000, 4, 3, 2, 1600


def info(labels: tuple[str, ...] = DIGIT_WORDS, **changes) -> VoiceInfo:
    values = {
        "name": "tiny",
        "rate": RATE,
        "labels": labels,
        "frames": FRAMES,
        "latent_size": LATENT,
        "style_size": STYLE,
        "styles": {"ann": np.array([1.0, 0.0]), "bob": np.array([0.0, -1.0])},
        "card": {"licence": "CC0", "credit": "nobody"},
    }
    return VoiceInfo(**{**values, **changes})


def length_of(number: int) -> int:
    """Valid samples of the label with this number."""
    return 800 + 80 * (number % 10)


def graph(labels: int, *, extra_nodes=(), waveform: str = "waveform") -> onnx.GraphProto:
    """waveform = tanh(tone of the label + a little noise and style), with a length that the label decides."""
    generator = np.random.default_rng(0)
    time = np.arange(LONGEST) / RATE
    tones = np.stack([0.3 * np.sin(2 * np.pi * (200 + 50 * (n % 50)) * time) for n in range(labels)])
    lengths = np.array([length_of(n) for n in range(labels)])
    weights = {
        "tones": tones.astype(np.float32),
        "lengths": lengths.astype(np.int64),
        "mix": (0.01 * generator.standard_normal((FRAMES * LATENT, LONGEST))).astype(np.float32),
        "colour": (0.05 * generator.standard_normal((STYLE, LONGEST))).astype(np.float32),
        "flat": np.array([-1, FRAMES * LATENT], dtype=np.int64),
    }
    nodes = [
        helper.make_node("Reshape", ["noise", "flat"], ["rows"]),
        helper.make_node("MatMul", ["rows", "mix"], ["hiss"]),
        helper.make_node("MatMul", ["style", "colour"], ["timbre"]),
        helper.make_node("Gather", ["tones", "label"], ["tone"]),
        helper.make_node("Add", ["hiss", "timbre"], ["colouring"]),
        helper.make_node("Add", ["colouring", "tone"], ["sum"]),
        helper.make_node("Tanh", ["sum"], [waveform]),
        helper.make_node("Gather", ["lengths", "label"], ["length"]),
        *extra_nodes,
    ]
    return helper.make_graph(
        nodes,
        "tiny",
        [
            helper.make_tensor_value_info("noise", TensorProto.FLOAT, ["B", FRAMES, LATENT]),
            helper.make_tensor_value_info("label", TensorProto.INT64, ["B"]),
            helper.make_tensor_value_info("style", TensorProto.FLOAT, ["B", STYLE]),
        ],
        [
            helper.make_tensor_value_info("waveform", TensorProto.FLOAT, ["B", LONGEST]),
            helper.make_tensor_value_info("length", TensorProto.INT64, ["B"]),
        ],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )


def encoder() -> onnx.ModelProto:
    """style = (mean, largest) of the clip's absolute values."""
    axes = numpy_helper.from_array(np.array([1], dtype=np.int64), "axes")
    nodes = [
        helper.make_node("Abs", ["clip"], ["size"]),
        helper.make_node("ReduceMean", ["size", "axes"], ["mean"], keepdims=1),
        helper.make_node("ReduceMax", ["size", "axes"], ["most"], keepdims=1),
        helper.make_node("Concat", ["mean", "most"], ["style"], axis=1),
    ]
    ends = (
        [helper.make_tensor_value_info("clip", TensorProto.FLOAT, [1, "T"])],
        [helper.make_tensor_value_info("style", TensorProto.FLOAT, [1, STYLE])],
    )
    return model(helper.make_graph(nodes, "ear", *ends, [axes]))


def model(of: onnx.GraphProto, metadata: dict[str, str] | None = None) -> onnx.ModelProto:
    made = helper.make_model(of, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    helper.set_model_props(made, metadata or {})
    return made


def voice_bytes(
    of: VoiceInfo | None = None, *, encodes: bool = True, edit=None, graph_of: onnx.GraphProto | None = None
) -> bytes:
    """A voice file; `edit` changes the metadata's dictionary in place before it is written."""
    of = of or info()
    raw = json.loads(of.to_json())
    if edit:
        edit(raw)
    metadata = {"voxlet": json.dumps(raw)}
    if encodes:
        metadata["voxlet.style_encoder"] = base64.b64encode(encoder().SerializeToString()).decode()
    return sealed(model(graph_of or graph(len(of.labels)), metadata))


def sealed(made: onnx.ModelProto) -> bytes:
    """The voice file of a model that has a voice's metadata, with a matching checksum."""
    metadata = {entry.key: entry.value.encode() for entry in made.metadata_props}
    return with_metadata(made.SerializeToString(), metadata)


def format_1(data: bytes) -> bytes:
    """A voice file as voxlet 0.1.0 wrote it: without a checksum."""
    made = onnx.load_from_string(data)
    kept = [entry for entry in made.metadata_props if entry.key != "voxlet.sha256"]
    kept[0].value = kept[0].value.replace('"format": 2', '"format": 1')
    del made.metadata_props[:]
    made.metadata_props.extend(kept)
    return made.SerializeToString()
