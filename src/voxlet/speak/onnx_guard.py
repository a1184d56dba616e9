"""What a stranger's ONNX model must not hold, found before ONNX Runtime sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlet.errors import VoiceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


# Where the fields that are read stand in ONNX's protobuf messages (onnx.proto3).
MODEL_GRAPH, MODEL_METADATA, MODEL_FUNCTION = 7, 14, 25
GRAPH_NODE, FUNCTION_NODE, NODE_OPERATOR, NODE_ATTRIBUTE = 1, 7, 4, 5

ATTRIBUTE_GRAPHS = (6, 11)


LOOPS = (b"Loop", b"Scan")


def refuse_dangers(model: bytes, properties: Mapping[str, bytes]) -> None:
    """Refuse a model that refers to data outside its file, or that loops and so may never end.

    A tensor kept elsewhere says where under the key `location`, so any model that has one holds these bytes.

    Raises:
        VoiceError: It does.
    """
    mentioned = sum(value.count(b"location") for value in properties.values())
    if model.count(b"location") > mentioned:
        raise VoiceError("refers to data outside the file", remedy="export the voice as a single file")
    if any(loop in model for loop in LOOPS) and any(name in LOOPS for name in _operators(memoryview(model))):
        raise VoiceError("has a loop in its graph, which a voice must not have")


def metadata_of(model: bytes) -> dict[str, bytes]:
    """The metadata of a serialised model, read without building it.

    Raises:
        ValueError: It is no ONNX model.
    """
    found: dict[str, bytes] = {}
    fields = list(message_fields(memoryview(model)))
    if not any(number == MODEL_GRAPH for number, _ in fields):
        raise ValueError("no graph")
    for number, entry in fields:
        if number == MODEL_METADATA:
            pair = dict(message_fields(entry))
            key = bytes(pair.get(1, b"")).decode()
            if key in found:
                raise ValueError("the same key twice")
            found[key] = bytes(pair.get(2, b""))
    return found


def _operators(model: memoryview) -> Iterator[bytes]:
    """The operators of all nodes in the model, its functions and the graphs inside its nodes."""
    for number, value in message_fields(model):
        if number == MODEL_GRAPH:
            yield from _node_operators(value, GRAPH_NODE)
        elif number == MODEL_FUNCTION:
            yield from _node_operators(value, FUNCTION_NODE)


def _node_operators(graph: memoryview, node_number: int) -> Iterator[bytes]:
    for number, node in message_fields(graph):
        if number != node_number:
            continue
        for part, value in message_fields(node):
            if part == NODE_OPERATOR:
                yield bytes(value)
            elif part == NODE_ATTRIBUTE:
                for kind, inner in message_fields(value):
                    if kind in ATTRIBUTE_GRAPHS:
                        yield from _node_operators(inner, GRAPH_NODE)


def message_fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Numbers and contents of a protobuf message's length-delimited fields; others are passed over.

    Raises:
        ValueError: The bytes are no such message, or end too early.
    """
    index, end = 0, len(message)
    while index < end:
        tag, index = _varint(message, index)
        wire = tag & 7
        if wire == 0:
            _, index = _varint(message, index)
            continue
        if wire == 2:
            size, index = _varint(message, index)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
        else:
            raise ValueError("not a protobuf message")
        if size > end - index:
            raise ValueError("ends too early")
        if wire == 2:
            yield tag >> 3, message[index : index + size]
        index += size


def _varint(message: memoryview, index: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if index >= len(message):
            raise ValueError("ends too early")
        byte = message[index]
        index += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, index
    raise ValueError("not a protobuf message")
