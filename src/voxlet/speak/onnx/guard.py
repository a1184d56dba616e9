"""Check an ONNX graph from an untrusted source before ONNX Runtime sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from voxlet.errors import VoiceError
from voxlet.speak.onnx.reader import FLOAT, INT64, REMEDY, read_model
from voxlet.speak.onnx.rules import multiply_adds, outputs_of
from voxlet.speak.onnx.sizes import ABSENT, ONE, Sizes, sizes_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voxlet.speak.onnx.reader import Model, ValueInfo
    from voxlet.speak.onnx.sizes import Interval

OPERATOR_SETS = (13, 22)  # the first with axes as inputs; the last that was reviewed
TYPES = {FLOAT: "float", INT64: "int64"}
# Limits for one run on one clip: a voice of 0.1.0 needs about 0.5 G multiply-adds and 40 M numbers.
MOST_STEPS = 2**34  # multiply-adds, plus `STEPS` for each number that a node outputs
MOST_STEPS_AT_ONCE = 2**30  # of one node: a run can be stopped only between nodes
MOST_NUMBERS = 2**28  # in all tensors together
STEPS = 16
# Nodes that depend on no input are computed when the graph is opened, which cannot be stopped. In an exported
# voice, these nodes only unpack the weights, with the operators below.
UNPACKING = ("Cast", "Mul")
MOST_UNPACKED = 2**26  # numbers
MOST_STEPS_AT_OPENING = 2**24  # of other operators


class Wanted(NamedTuple):
    """An input or output that a graph must have: its type, and bounds of each size (None: any size)."""

    kind: int
    sizes: tuple[Interval | None, ...]


def check_graph(model: bytes, inputs: Mapping[str, Wanted], outputs: Mapping[str, Wanted]) -> None:
    """Refuse a graph that does what no voice does, or could take too long or too much memory.

    Raises:
        VoiceError: The graph has operators, types, parts, inputs or outputs that voices do not have, needs
            too many steps or too much memory, or is damaged.
    """
    first, last = OPERATOR_SETS
    try:
        found = read_model(model)
        if not first <= found.opset <= last:
            raise VoiceError(
                f"needs the operators of ONNX {found.opset}, not those of {first} to {last}",
                remedy=REMEDY,
            )
        _check_ends(found.inputs, inputs)
        _check_ends(found.outputs, outputs)
        _check_cost(found, inputs)
    except (ValueError, LookupError, TypeError) as error:
        raise VoiceError("has a graph that is damaged, or not a voice's", remedy=REMEDY) from error


def _check_ends(found: Mapping[str, ValueInfo], wanted: Mapping[str, Wanted]) -> None:
    if set(found) != set(wanted):
        has, needs = (", ".join(sorted(ends)) for ends in (found, wanted))
        raise VoiceError(f"its graph has {has[:160]!a} where a voice has {needs}")
    for name, (kind, sizes) in wanted.items():
        end = found[name]
        fits = len(end.sizes) == len(sizes) and all(
            given is None or size is None or size == (given, given)
            for given, size in zip(end.sizes, sizes, strict=True)
        )
        if end.kind != kind or not fits:
            shape = ", ".join("free" if size is None else str(size) for size in end.sizes)
            raise VoiceError(
                f"its graph's {name!r} is {TYPES.get(end.kind, 'of another type')} ({shape[:80]}), "
                "not as the metadata says"
            )


def _check_cost(model: Model, inputs: Mapping[str, Wanted]) -> None:
    """Go through the nodes in order and add up upper bounds of their steps and output sizes."""
    known = {name: sizes_of(tensor) for name, tensor in model.tensors.items()}
    constant = {"", *known}
    numbers = sum(one.most for one in known.values())
    if set(known) & set(inputs):
        raise ValueError("an input that stands in the file")
    known |= {name: Sizes(tuple(size or ONE for size in sizes)) for name, (_, sizes) in inputs.items()}
    known[""] = ABSENT
    steps = unpacked = opening = 0
    for node in model.nodes:
        given = [known[name] for name in node.inputs]
        outputs = outputs_of(node, given)
        if len(outputs) != len(node.outputs) or any(name in known for name in node.outputs):
            raise ValueError("outputs that are there already, or too few")
        produced = sum([one.most for one in outputs])
        taken = multiply_adds(node, given, outputs) + STEPS * produced
        numbers, steps = numbers + produced, steps + taken
        known.update(zip(node.outputs, outputs, strict=True))
        if constant.issuperset(node.inputs) or node.operator == "Shape":
            constant.update(node.outputs)
            unpacking = node.operator in UNPACKING
            unpacked, opening = unpacked + unpacking * produced, opening + (not unpacking) * taken
        too_long = taken > MOST_STEPS_AT_ONCE or steps > MOST_STEPS
        if too_long or unpacked > MOST_UNPACKED or opening > MOST_STEPS_AT_OPENING:
            raise VoiceError("could take too long: its graph is too large for a voice", remedy=REMEDY)
        if numbers > MOST_NUMBERS:
            raise VoiceError("could take too much memory: its graph is too large for a voice", remedy=REMEDY)
    if not set(model.outputs) <= set(known):
        raise ValueError("an output that nothing gives")
