"""Graphs from untrusted files: anything that no voice does is refused before ONNX Runtime sees it."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

import tiny_voice
from voxlet.errors import VoiceError
from voxlet.speak import session
from voxlet.speak.library import SHIPPED
from voxlet.speak.onnx.guard import Wanted, check_graph
from voxlet.speak.onnx.reader import FLOAT, INT64, read_metadata, read_model
from voxlet.speak.onnx.rules import RULES, outputs_of
from voxlet.speak.onnx.sizes import (
    ABSENT,
    ANYTHING,
    ONE,
    Sizes,
    add,
    divide,
    equal,
    exact,
    multiply,
    sizes_of,
    subtract,
)
from voxlet.speak.runtime import import_onnxruntime
from voxlet.speak.voice import Voice, load_voice
from voxlet.speak.voice_file import read_voice
from work import calls

SIZES = exact((tiny_voice.FRAMES, tiny_voice.LATENT))
INPUTS = {
    "noise": Wanted(FLOAT, (ONE, *SIZES)),
    "label": Wanted(INT64, (ONE,)),
    "style": Wanted(FLOAT, (ONE, (tiny_voice.STYLE, tiny_voice.STYLE))),
}
OUTPUTS = {"waveform": Wanted(FLOAT, (None, None)), "length": Wanted(INT64, (None,))}


@pytest.fixture
def unseen(monkeypatch):
    """Fail if a model gets as far as ONNX Runtime."""

    def opened(model, path):
        raise AssertionError("ONNX Runtime was given the model")

    monkeypatch.setattr(session, "_open", opened)


def tiny_graph(*nodes: onnx.NodeProto, **tensors: object) -> onnx.GraphProto:
    """Return a voice's graph with `nodes` between its sound, `raw`, and `waveform`."""
    graph = tiny_voice.graph(10, waveform="raw", extra_nodes=nodes)
    graph.initializer.extend(
        numpy_helper.from_array(np.array(value), name) for name, value in tensors.items()
    )
    return graph


def node(operator: str, inputs: str, outputs: str, **attributes: object) -> onnx.NodeProto:
    return helper.make_node(operator, inputs.split(), outputs.split(), **attributes)


def laughs() -> onnx.ModelProto:
    """Return forty functions, each of which calls the previous one twice."""
    model = tiny_voice.model(tiny_graph(helper.make_node("F39", ["raw"], ["waveform"], domain="f")))
    model.opset_import.append(helper.make_opsetid("f", 1))
    for level in range(40):
        inner = ("Abs", "") if level == 0 else (f"F{level - 1}", "f")
        body = [
            helper.make_node(inner[0], ["x"], ["h"], domain=inner[1]),
            helper.make_node(inner[0], ["h"], ["y"], domain=inner[1]),
        ]
        opsets = [helper.make_opsetid("", 18), helper.make_opsetid("f", 1)]
        model.functions.append(helper.make_function("f", f"F{level}", ["x"], ["y"], body, opsets))
    return model


def branch() -> onnx.GraphProto:
    yes = helper.make_graph(
        [node("Identity", "raw", "out")], "yes", [], [helper.make_tensor_value_info("out", 1, None)]
    )
    return tiny_graph(node("If", "true", "waveform", then_branch=yes, else_branch=yes), true=True)


def text() -> onnx.GraphProto:
    graph = tiny_graph(node("Identity", "raw", "waveform"))
    graph.initializer.append(helper.make_tensor("words", TensorProto.STRING, [1], [b"secret"]))
    return graph


def sparse() -> onnx.GraphProto:
    graph = tiny_graph(node("Identity", "raw", "waveform"))
    graph.sparse_initializer.add().dims.append(10**12)
    return graph


def outside() -> onnx.GraphProto:
    graph = tiny_graph(node("Identity", "raw", "waveform"))
    tensor = graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    return graph


def short_tensor() -> onnx.GraphProto:
    graph = tiny_graph(node("Identity", "raw", "waveform"))
    graph.initializer[0].dims[0] = 10**9
    return graph


def chain(count: int) -> list[onnx.NodeProto]:
    """Return a number that is squared repeatedly until it exceeds any integer type."""
    return [node("Mul", f"n{index} n{index}", f"n{index + 1}") for index in range(count)]


ALONG = np.array([0, 0, 0])
BIG = node("Expand", "one big", "large")
END = node("Add", "raw last", "waveform")
HOSTILE = {
    "functions": (laughs, "functions of its own"),
    "branch": (branch, "loop or branch"),
    "text": (text, "text"),
    "sparse": (sparse, "parts"),
    "outside": (outside, "data outside the file"),
    "short tensor": (short_tensor, "damaged"),
    "custom operator": (
        lambda: tiny_graph(helper.make_node("Mine", ["raw"], ["waveform"], domain="me")),
        "'Mine' of another domain",
    ),
    "unknown operator": (
        lambda: tiny_graph(node("Einsum", "raw", "waveform", equation="ab->ab")),
        "'Einsum'",
    ),
    "escape in operator": (lambda: tiny_graph(node("\x1b[2J", "raw", "waveform")), r"has '\\x1b\[2J'"),
    "hundred thousand nodes": (
        lambda: tiny_graph(*[node("Abs", f"n{n}", f"n{n + 1}") for n in range(100_000)], n0=1.0),
        "more than 8000 times 'node'",
    ),
    "hundred thousand tensors": (
        lambda: tiny_graph(node("Abs", "raw", "waveform"), **{f"t{n}": 0.0 for n in range(100_000)}),
        "more than 8000 times 'initializer'",
    ),
    "long names": (
        lambda: tiny_graph(*[node("Abs", "raw", str(n) * 1000) for n in range(3000)]),
        "too large for a voice",
    ),
    "constant of all memory": (
        lambda: tiny_graph(
            node("ConstantOfShape", "many", "huge"),
            node("ReduceSum", "huge", "last", keepdims=0),
            END,
            many=np.array([10**10]),
        ),
        "too long",
    ),
    "size from a label": (
        lambda: tiny_graph(
            node("Mul", "label many", "size"), node("ConstantOfShape", "size", "last"), END, many=10**11
        ),
        "cannot be known beforehand",
    ),
    "squared sizes": (
        lambda: tiny_graph(
            node("Shape", "noise", "n0"), *chain(200), node("ConstantOfShape", "n200", "last"), END
        ),
        "too (long|much memory)|damaged",
    ),
    "products at opening": (
        lambda: tiny_graph(
            BIG, node("MatMul", "large large", "last"), END, one=np.ones(1, np.float32), big=[1000, 1000]
        ),
        "too long",
    ),
    "products": (
        lambda: tiny_graph(
            node("Slice", "noise zeros ones", "small"),
            node("Expand", "small big", "large"),
            node("MatMul", "large large", "last"),
            END,
            zeros=ALONG,
            ones=ALONG + 1,
            big=[1, 2000, 2000],
        ),
        "too long",
    ),
    "many products": (
        lambda: tiny_graph(
            node("Slice", "noise zeros ones", "small"),
            node("Expand", "small big", "large"),
            *[node("MatMul", "large large", f"p{n}") for n in range(50)],
            node("Identity", "p49", "last"),
            END,
            zeros=ALONG,
            ones=ALONG + 1,
            big=[1, 900, 900],
        ),
        "too long",
    ),
    "memory": (
        lambda: tiny_graph(
            node("Slice", "noise zeros ones", "small"),
            node("Expand", "small big", "large"),
            *[node("Abs", "large", f"p{n}") for n in range(50)],
            node("Identity", "p49", "last"),
            END,
            zeros=ALONG,
            ones=ALONG + 1,
            big=[1, 2**11, 2**12],
        ),
        "too much memory",
    ),
    "convolution": (
        lambda: tiny_graph(
            node("Slice", "noise zeros ones", "small"),
            node("Expand", "small big", "large"),
            node("Conv", "large weight", "last"),
            END,
            zeros=ALONG,
            ones=ALONG + 1,
            big=[1, 100, 10_000],
            weight=np.ones((100, 100, 100), np.float32),
        ),
        "too long",
    ),
    "padding": (
        lambda: tiny_graph(node("Pad", "raw pads", "waveform"), pads=[0, 10**9, 0, 10**9]),
        "too (long|much memory)",
    ),
    "tiles": (
        lambda: tiny_graph(node("Tile", "raw times", "waveform"), times=[10**5, 10**5]),
        "too (long|much memory)",
    ),
    "nothing gives the sound": (lambda: tiny_graph(node("Abs", "raw", "other")), "damaged"),
    "what comes later": (
        lambda: tiny_graph(node("Abs", "later", "waveform"), node("Abs", "raw", "later")),
        "damaged",
    ),
    "the same name twice": (
        lambda: tiny_graph(node("Abs", "raw", "waveform"), node("Abs", "raw", "waveform")),
        "damaged",
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_graphs_are_refused_at_once(tmp_path, unseen, kind):
    make, match = HOSTILE[kind]
    made = make()
    model = made if isinstance(made, onnx.ModelProto) else tiny_voice.model(made)
    helper.set_model_props(model, {"voxlet": tiny_voice.info().to_json()})
    file = tmp_path / "a.voice"
    file.write_bytes(tiny_voice.sealed(model))
    with calls(200_000), pytest.raises(VoiceError, match=match) as caught:
        load_voice(file)
    assert str(caught.value).startswith(str(file))
    assert str(caught.value).isprintable()


def test_a_style_encoder_is_looked_through_too(tmp_path):
    model = tiny_voice.encoder()
    model.graph.node[0].op_type = "Einsum"
    with pytest.raises(VoiceError, match="'Einsum'"):
        check_graph(
            model.SerializeToString(),
            {"clip": Wanted(FLOAT, (ONE, (1, 8000)))},
            {"style": Wanted(FLOAT, (None, None))},
        )


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damaged_graphs_are_refused_or_pass(data):
    good = tiny_voice.model(tiny_voice.graph(2)).SerializeToString()
    damaged = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[-1 - data.draw(st.integers(0, 600))] = data.draw(st.integers(0, 255))
    try:
        check_graph(bytes(damaged), INPUTS, OUTPUTS)
    except VoiceError as error:
        refusal = str(error)
    else:
        refusal = ""
    assert "\n" not in refusal


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data):
    with pytest.raises(VoiceError):
        check_graph(data, INPUTS, OUTPUTS)


def predicted(model: bytes, inputs: dict[str, Wanted]) -> dict[str, Sizes]:
    """Return what is known of every tensor before the graph runs."""
    found = read_model(model)
    known = {name: sizes_of(tensor) for name, tensor in found.tensors.items()} | {"": ABSENT}
    known |= {name: Sizes(tuple(size or ONE for size in end.sizes)) for name, end in inputs.items()}
    for one in found.nodes:
        known.update(zip(one.outputs, outputs_of(one, [known[name] for name in one.inputs]), strict=True))
    return known


def test_sizes_are_what_the_runtime_finds():
    """Return every tensor in the shipped voice's graph, sampled for several words."""
    voice = read_voice(SHIPPED / "digits.voice")
    info = voice.info
    size = (info.frames, info.latent_size)
    inputs = {
        "noise": Wanted(FLOAT, (ONE, *exact(size))),
        "label": Wanted(INT64, (ONE,)),
        "style": Wanted(FLOAT, (ONE, *exact((info.style_size,)))),
        "attributes": Wanted(FLOAT, (ONE, *exact((len(info.attributes),)))),
    }
    known = predicted(voice.model, inputs)
    model = onnx.load_from_string(voice.model)
    names = [name for one in model.graph.node for name in one.output]
    del model.graph.output[:]
    model.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names)
    runtime = import_onnxruntime()
    options = runtime.SessionOptions()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    opened = runtime.InferenceSession(model.SerializeToString(), options)
    generator, followed = np.random.default_rng(0), 0
    for label in (0, 6):
        feed = {
            "noise": generator.standard_normal((1, *size), dtype=np.float32),
            "label": np.array([label]),
            "style": generator.standard_normal((1, info.style_size), dtype=np.float32),
            "attributes": generator.random((1, len(info.attributes)), dtype=np.float32),
        }
        for name, value in zip(names, opened.run(names, feed), strict=True):
            dims, values = known[name]
            assert len(dims) == value.ndim, name
            assert all(low <= size <= high for (low, high), size in zip(dims, value.shape, strict=True)), name
            if values is not None:
                followed += 1
                bounds = zip(values, value.ravel().tolist(), strict=True)
                assert all(low <= number <= high for (low, high), number in bounds), name
    assert followed > 50


def test_every_operator_with_a_rule_is_one_that_a_voice_has():
    """Only the operators that the current export and 0.1.0's need are allowed."""
    shipped = read_voice(SHIPPED / "digits.voice")
    used = {one.operator for one in read_model(shipped.model).nodes}
    voice = Voice(shipped)
    used |= {one.operator for one in read_model(encoder_of(voice)).nodes}
    used |= {"ReduceMean", "Relu", "Log", "Sqrt"}  # the style encoder of 0.1.0
    used |= {"Tanh"}  # of which GELU was made in opset 17
    assert set(RULES) - used <= {"Identity"}


def encoder_of(voice: Voice) -> bytes:
    import base64

    return base64.b64decode(read_metadata(voice.path.read_bytes())["voxlet.style_encoder"])


@given(*[st.tuples(st.integers(-50, 50), st.integers(0, 20))] * 2, st.data())
def test_arithmetic_with_bounds(one, two, data):
    (a, wide_a), (b, wide_b) = one, two
    first, second = (a, a + wide_a), (b, b + wide_b)
    x, y = data.draw(st.integers(*first)), data.draw(st.integers(*second))
    assert between(add(first, second), x + y)
    assert between(subtract(first, second), x - y)
    assert between(multiply(first, second), x * y)
    assert between(equal(first, second), int(x == y))
    if y > 0:
        assert between(divide(first, second), int(x / y))


def between(bounds: tuple[int, int], number: int) -> bool:
    return bounds[0] <= number <= bounds[1]


def test_what_a_number_of_64_bits_cannot_hold_is_anything():
    assert multiply((2**40, 2**40), (2**40, 2**40)) == ANYTHING
    assert divide((5, 5), (0, 1)) == ANYTHING
