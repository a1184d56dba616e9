"""Read the bytes of an ONNX model without the package `onnx`, and only the fields that voices have.

An ONNX model is a protobuf message (onnx.proto of github.com/onnx/onnx). Fields that no voice has, such as
functions, subgraphs, strings and external data, are refused here, and every count is bounded, so that reading
takes a fraction of a second whatever the bytes are.
"""

from __future__ import annotations

import functools
import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from voxlet.errors import VoiceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

VARINT, EIGHT_BYTES, LENGTH, FOUR_BYTES = 0, 1, 2, 5  # protobuf's wire types
SEVEN_BITS = 0x80  # from here on a varint takes more than one byte
MOST_NODES, MOST_NODE_BYTES, MOST_TENSORS = 8_000, 2 * 2**20, 8_000
MOST_DIMENSIONS, MOST_ENDS, MOST_NUMBERS = 8, 32, 16
MOST_ENTRIES = 64  # of the metadata, and of the operator sets

# Fields that a voice may have: number -> name, wire type, most occurrences.
Fields = dict[int, tuple[str, int, int]]
MODEL_GRAPH, MODEL_METADATA = 7, 14
EMPTY = memoryview(b"")
MODEL: Fields = {
    1: ("ir_version", VARINT, 1),
    2: ("producer_name", LENGTH, 1),
    3: ("producer_version", LENGTH, 1),
    4: ("domain", LENGTH, 1),
    5: ("model_version", VARINT, 1),
    6: ("doc_string", LENGTH, 1),
    MODEL_GRAPH: ("graph", LENGTH, 1),
    8: ("opset_import", LENGTH, MOST_ENTRIES),
    MODEL_METADATA: ("metadata_props", LENGTH, MOST_ENTRIES),
}
ENTRY: Fields = {1: ("key", LENGTH, 1), 2: ("value", LENGTH, 1)}
OPERATOR_SET: Fields = {1: ("domain", LENGTH, 1), 2: ("version", VARINT, 1)}
GRAPH: Fields = {
    1: ("node", LENGTH, MOST_NODES),
    2: ("name", LENGTH, 1),
    5: ("initializer", LENGTH, MOST_TENSORS),
    10: ("doc_string", LENGTH, 1),
    11: ("input", LENGTH, 4),
    12: ("output", LENGTH, 2),
}
NODE: Fields = {
    1: ("input", LENGTH, MOST_ENDS),
    2: ("output", LENGTH, MOST_ENDS),
    3: ("name", LENGTH, 1),
    4: ("op_type", LENGTH, 1),
    5: ("attribute", LENGTH, MOST_NUMBERS),
    6: ("doc_string", LENGTH, 1),
    7: ("domain", LENGTH, 1),
}
ATTRIBUTE: Fields = {
    1: ("name", LENGTH, 1),
    2: ("f", FOUR_BYTES, 1),
    3: ("i", VARINT, 1),
    4: ("s", LENGTH, 1),
    5: ("t", LENGTH, 1),
    8: ("ints", VARINT, MOST_NUMBERS),
    13: ("doc_string", LENGTH, 1),
    20: ("type", VARINT, 1),
}
TENSOR: Fields = {
    1: ("dims", VARINT, MOST_DIMENSIONS),
    2: ("data_type", VARINT, 1),
    8: ("name", LENGTH, 1),
    9: ("raw_data", LENGTH, 1),
    12: ("doc_string", LENGTH, 1),
}
END: Fields = {1: ("name", LENGTH, 1), 2: ("type", LENGTH, 1), 3: ("doc_string", LENGTH, 1)}
END_TYPE: Fields = {1: ("tensor_type", LENGTH, 1)}
TENSOR_TYPE: Fields = {1: ("elem_type", VARINT, 1), 2: ("shape", LENGTH, 1)}
SHAPE: Fields = {1: ("dim", LENGTH, MOST_DIMENSIONS)}
DIMENSION: Fields = {1: ("dim_value", VARINT, 1), 2: ("dim_param", LENGTH, 1)}
# Names, for errors, of some fields that a voice must not have; the others are called "parts".
STRINGS, OUTSIDE, GRAPHS = "text", "data outside the file", "a loop or branch"
REFUSED = {
    id(MODEL): {25: "functions of its own"},
    id(TENSOR): {6: STRINGS, 13: OUTSIDE, 14: OUTSIDE},
    id(ATTRIBUTE): {6: GRAPHS, 9: STRINGS, 11: GRAPHS},
}
REMEDY = "export it again with voxlet, or get it from somebody you trust"

FLOAT, INT8, INT32, INT64, BOOL, HALF = 1, 3, 6, 7, 9, 10
ITEM_BYTES = {FLOAT: 4, INT8: 1, INT32: 4, INT64: 8, BOOL: 1, HALF: 2}
WHOLE = {INT32: "i", INT64: "q"}


class Tensor(NamedTuple):
    """A tensor stored in the file: sizes, data type, and values if they are integers and at most a few."""

    dims: tuple[int, ...]
    kind: int
    values: tuple[int, ...] | None


class ValueInfo(NamedTuple):
    """An input or output of the graph: data type and sizes (None: any size)."""

    kind: int
    sizes: tuple[int | None, ...]


class Node(NamedTuple):
    """An operator applied to named tensors."""

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, object]


@dataclass(frozen=True)
class Model:
    """The parts of a model that decide how it runs."""

    opset: int
    nodes: list[Node]
    tensors: dict[str, Tensor]
    inputs: dict[str, ValueInfo]
    outputs: dict[str, ValueInfo]


def read_model(data: bytes) -> Model:
    """Read a model.

    Raises:
        VoiceError: The model has something that no voice has, or more than any voice has.
        ValueError: The bytes are not an ONNX model.
    """
    model = _message(memoryview(data), MODEL)
    sets = [_message(entry, OPERATOR_SET) for entry in model.get("opset_import", [])]
    standard = [entry["version"][0] for entry in sets if not _text(entry, "domain") and "version" in entry]
    if "graph" not in model or len(standard) != 1:
        raise ValueError("no graph of standard operators")
    graph = _message(model["graph"][0], GRAPH)
    if sum(map(len, graph.get("node", ()))) > MOST_NODE_BYTES:
        raise VoiceError("has a graph that is too large for a voice", remedy=REMEDY)
    tensors: dict[str, Tensor] = {}
    for entry in graph.get("initializer", []):
        name, tensor = _tensor(entry)
        if name in tensors:
            raise ValueError("two tensors of one name")
        tensors[name] = tensor
    return Model(
        standard[0],
        [_node(entry) for entry in graph.get("node", [])],
        tensors,
        dict(map(_end, graph.get("input", []))),
        dict(map(_end, graph.get("output", []))),
    )


def read_metadata(data: bytes) -> dict[str, bytes]:
    """The metadata of a model; the rest of the model is not parsed.

    Raises:
        ValueError: The bytes are not an ONNX model, or a key occurs twice.
    """
    found: dict[str, bytes] = {}
    graphs = 0
    for number, _, value in wire_fields(memoryview(data)):
        graphs += number == MODEL_GRAPH
        if number == MODEL_METADATA and isinstance(value, memoryview):
            entry = _message(value, ENTRY)
            key = _text(entry, "key")
            if key in found or len(found) >= MOST_ENTRIES:
                raise ValueError("the same key twice, or too many")
            found[key] = bytes(entry.get("value", [b""])[0])
    if graphs != 1:
        raise ValueError("no graph, or several")
    return found


def _node(data: memoryview) -> Node:
    node = _message(bytes(data), NODE)  # not a view, which is slower to index: fields are many and small
    operator = _text(node, "op_type")
    if _text(node, "domain"):
        raise VoiceError(f"has the operator {operator[:40]!a} of another domain in its graph", remedy=REMEDY)
    attributes = dict(map(_attribute, node.get("attribute", ())))
    return Node(operator, _names(node, "input"), _names(node, "output"), attributes)


@functools.lru_cache(maxsize=1024)  # hundreds of nodes have the same few attributes
def _attribute(data: bytes) -> tuple[str, object]:
    attribute = _message(data, ATTRIBUTE)
    value: object = None
    if "i" in attribute:
        value = _signed(attribute["i"][0])
    elif "ints" in attribute:
        value = tuple(map(_signed, attribute["ints"]))
    elif "s" in attribute:
        value = _text(attribute, "s")
    elif "t" in attribute:
        value = _tensor(attribute["t"][0])[1]
    return _text(attribute, "name"), value


def _tensor(data: memoryview) -> tuple[str, Tensor]:
    tensor = _message(data, TENSOR)
    dims = tuple(map(_signed, tensor.get("dims", ())))
    kind = tensor.get("data_type", [0])[0]
    raw = tensor.get("raw_data", [b""])[0]
    if kind not in ITEM_BYTES:
        raise VoiceError(f"has a tensor of the type {kind}, which voices do not have", remedy=REMEDY)
    if min(dims, default=0) < 0 or math.prod(dims) * ITEM_BYTES[kind] != len(raw):
        raise ValueError("a tensor whose sizes do not fit its numbers")
    few = kind in WHOLE and math.prod(dims) <= MOST_NUMBERS
    values = struct.unpack(f"<{math.prod(dims)}{WHOLE[kind]}", raw) if few else None
    return _text(tensor, "name"), Tensor(dims, kind, values)


def _end(data: memoryview) -> tuple[str, ValueInfo]:
    end = _message(data, END)
    kind = _message(end.get("type", [EMPTY])[0], END_TYPE)
    tensor = _message(kind.get("tensor_type", [EMPTY])[0], TENSOR_TYPE)
    shape = _message(tensor.get("shape", [EMPTY])[0], SHAPE)
    dimensions = [_message(entry, DIMENSION) for entry in shape.get("dim", ())]
    sizes = tuple(one["dim_value"][0] if "dim_value" in one else None for one in dimensions)
    return _text(end, "name"), ValueInfo(tensor.get("elem_type", [0])[0], sizes)


def _message(message: bytes | memoryview, allowed: Fields) -> dict[str, list[Any]]:
    """The fields of a message by name, each a list of values; packed integers are unpacked."""
    found: dict[str, list[Any]] = {}
    for number, wire, value in wire_fields(message):
        if number not in allowed:
            part = REFUSED.get(id(allowed), {}).get(number, "parts")
            raise VoiceError(f"its graph has {part}, which a voice must not have", remedy=REMEDY)
        name, expected, most = allowed[number]
        values = found.get(name)
        if values is None:
            values = found[name] = []
        elif len(values) >= most:
            raise VoiceError(f"its graph has more than {most} times {name!r} in one place", remedy=REMEDY)
        if wire == expected:
            values.append(value)
        elif wire == LENGTH and expected == VARINT and most > 1 and not isinstance(value, int):
            values += _packed(value, most)
        else:
            raise ValueError("a field of another type")
    return found


def _packed(data: bytes | memoryview, most: int) -> Iterable[int]:
    values: list[int] = []
    index = 0
    while index < len(data):
        if len(values) == most:
            raise ValueError("too many numbers")
        value, index = _varint(data, index)
        values.append(value)
    return values


def _names(message: Mapping[str, list[Any]], key: str) -> tuple[str, ...]:
    return tuple(bytes(name).decode() for name in message.get(key, ()))


def _text(message: Mapping[str, list[Any]], key: str) -> str:
    return bytes(message[key][0]).decode() if key in message else ""


def _signed(value: int) -> int:
    """The signed 64-bit integer that a varint stands for."""
    value &= 2**64 - 1
    return value - 2**64 if value >= 2**63 else value


def wire_fields(message: bytes | memoryview) -> Iterator[tuple[int, int, int | bytes | memoryview]]:
    """Number, wire type and content of each field of a protobuf message.

    Raises:
        ValueError: The bytes are not a protobuf message, or end too early.
    """
    index, end = 0, len(message)
    while index < end:
        tag = message[index]
        index += 1
        if tag >= SEVEN_BITS:
            tag, index = _varint(message, index - 1)
        wire = tag & 7
        if wire in (LENGTH, VARINT):
            size = message[index] if index < end else SEVEN_BITS
            index += 1
            if size >= SEVEN_BITS:
                size, index = _varint(message, index - 1)
            if wire == VARINT:
                yield tag >> 3, wire, size
                continue
        elif wire in (EIGHT_BYTES, FOUR_BYTES):
            size = 8 if wire == EIGHT_BYTES else 4
        else:
            raise ValueError("not a protobuf message")
        start, index = index, index + size
        if index > end:
            raise ValueError("ends too early")
        yield tag >> 3, wire, message[start:index]


def _varint(message: bytes | memoryview, index: int) -> tuple[int, int]:
    """An integer in groups of seven bits, and the index after it."""
    value = 0
    for shift in range(0, 70, 7):
        if index >= len(message):
            break
        byte = message[index]
        index += 1
        value |= (byte & 0x7F) << shift
        if byte < SEVEN_BITS:
            return value, index
    raise ValueError("not a protobuf message, or it ends too early")
