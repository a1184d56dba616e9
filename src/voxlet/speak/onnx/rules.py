"""Output sizes and cost of each operator in a voice's graph, found without running it.

Sizes are intervals: how many frames are decoded depends on the word; all other sizes follow from those of the
inputs. The values of small integer tensors, from which sizes are computed, are tracked as intervals, too.
There is a rule for each operator that exported voices use; any other operator is refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from voxlet.errors import VoiceError
from voxlet.speak.onnx.reader import INT32, INT64, MOST_DIMENSIONS, MOST_NUMBERS, REMEDY, Tensor
from voxlet.speak.onnx.sizes import (
    ABSENT,
    ANYTHING,
    ONE,
    Interval,
    Intervals,
    Sizes,
    add,
    anything,
    broadcast,
    divide,
    equal,
    exact,
    multiply,
    subtract,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlet.speak.onnx.reader import Node


def outputs_of(node: Node, inputs: list[Sizes]) -> list[Sizes]:
    """The sizes of a node's outputs.

    Raises:
        VoiceError: Voices do not use this operator, or a size cannot be known before the graph runs.
        ValueError, LookupError, TypeError: The node is invalid.
    """
    rule = RULES.get(node.operator)
    if rule is None:
        raise VoiceError(f"has {node.operator[:40]!a} in its graph, which voices do not have", remedy=REMEDY)
    found = rule(node, inputs)
    for one in found:
        if len(one.dims) > MOST_DIMENSIONS or any(low < 0 or high < 0 for low, high in one.dims):
            raise ValueError("impossible sizes")
    return found


def multiply_adds(node: Node, inputs: list[Sizes], outputs: list[Sizes]) -> int:
    """The most multiply-adds that a node takes; 0 if it takes about one step per number in its output."""
    if node.operator == "Conv":
        return outputs[0].most * math.prod([high for _, high in inputs[1].dims[1:]])
    if node.operator == "Gemm":
        return outputs[0].most * inputs[0].dims[0 if _whole(node, "transA", 0) else 1][1]
    if node.operator == "MatMul":
        return outputs[0].most * inputs[0].dims[-1][1]
    return 0


# Attributes and numbers


def _whole(node: Node, name: str, default: int) -> int:
    value = node.attributes.get(name, default)
    if not isinstance(value, int):
        raise TypeError(name)
    return value


def _wholes(node: Node, name: str, default: Sequence[int]) -> Sequence[int]:
    value = node.attributes.get(name, default)
    if not isinstance(value, tuple | list):
        raise TypeError(name)
    return value


def _axis(axis: int, rank: int) -> int:
    if not -rank <= axis < rank:
        raise ValueError("no such axis")
    return axis % rank


# Rules


Rule = Callable[["Node", list[Sizes]], list[Sizes]]


def _elementwise(combine: Callable[[Interval, Interval], Interval]) -> Rule:
    def rule(_: Node, inputs: list[Sizes]) -> list[Sizes]:
        first, second = inputs
        dims = broadcast(first.dims, second.dims)
        if first.values is None or second.values is None:
            return [Sizes(dims)]
        a, b = first.values, second.values
        if first.dims != second.dims and 1 not in (len(a), len(b)):
            return [Sizes(dims)]
        count = max(len(a), len(b))
        pairs = zip(a * count if len(a) == 1 else a, b * count if len(b) == 1 else b, strict=False)
        return [Sizes(dims, tuple(combine(x, y) for x, y in pairs))]

    return rule


def _same(node: Node, inputs: list[Sizes]) -> list[Sizes]:
    return [Sizes(inputs[0].dims)] * len(node.outputs)


def _unchanged(_: Node, inputs: list[Sizes]) -> list[Sizes]:
    return [inputs[0]]


def _cast(node: Node, inputs: list[Sizes]) -> list[Sizes]:
    return [inputs[0] if _whole(node, "to", 0) in (INT32, INT64) else Sizes(inputs[0].dims)]


def _where(_: Node, inputs: list[Sizes]) -> list[Sizes]:
    dims = broadcast(*(one.dims for one in inputs))
    if any(one.values is None or one.dims != dims for one in inputs):
        return [Sizes(dims)]
    chosen = []
    for condition, a, b in zip(*(one.followed for one in inputs), strict=True):
        hull = (min(a[0], b[0]), max(a[1], b[1]))
        chosen.append(a if condition == ONE else b if condition == (0, 0) else hull)
    return [Sizes(dims, tuple(chosen))]


def _reduce(node: Node, inputs: list[Sizes]) -> list[Sizes]:
    dims = inputs[0].dims
    axes = _wholes(node, "axes", inputs[1].known if len(inputs) > 1 and inputs[1] is not ABSENT else ())
    if not axes and _whole(node, "noop_with_empty_axes", 0):
        return [Sizes(dims)]
    gone = {_axis(axis, len(dims)) for axis in axes} or set(range(len(dims)))
    if _whole(node, "keepdims", 1):
        return [Sizes(tuple(ONE if axis in gone else one for axis, one in enumerate(dims)))]
    return [Sizes(tuple(one for axis, one in enumerate(dims) if axis not in gone))]


def _shape(node: Node, inputs: list[Sizes]) -> list[Sizes]:
    dims = inputs[0].dims[_whole(node, "start", 0) : _whole(node, "end", MOST_DIMENSIONS)]
    return [Sizes(exact([len(dims)]), dims)]


def _gather(node: Node, inputs: list[Sizes]) -> list[Sizes]:
    (dims, values), indices = inputs
    axis = _axis(_whole(node, "axis", 0), len(dims))
    found = Sizes((*dims[:axis], *indices.dims, *dims[axis + 1 :]))
    if values is None or indices.values is None or len(dims) != 1:
        return [found]
    return [found._replace(values=tuple(values[index] for index in indices.known))]


def _concat(node: Node, inputs: list[Sizes]) -> list[Sizes]:
    dims = list(inputs[0].dims)
    axis = _axis(_whole(node, "axis", 0), len(dims))
    dims[axis] = (sum(one.dims[axis][0] for one in inputs), sum(one.dims[axis][1] for one in inputs))
    values = None
    if len(dims) == 1 and all(one.values is not None for one in inputs):
        values = tuple(value for one in inputs for value in one.followed)
    return [Sizes(tuple(dims), values if values is None or len(values) <= MOST_NUMBERS else None)]


def _unsqueeze(_: Node, inputs: list[Sizes]) -> list[Sizes]:
    axes = inputs[1].known
    rank = len(inputs[0].dims) + len(axes)
    new, old = {_axis(axis, rank) for axis in axes}, iter(inputs[0].dims)
    return [Sizes(tuple(ONE if axis in new else next(old) for axis in range(rank)), inputs[0].values)]


def _squeeze(_: Node, inputs: list[Sizes]) -> list[Sizes]:
    dims = inputs[0].dims
    gone = {_axis(axis, len(dims)) for axis in inputs[1].known}
    return [Sizes(tuple(one for axis, one in enumerate(dims) if axis not in gone), inputs[0].values)]


def _reshape(node: Node, inputs: list[Sizes]) -> list[Sizes]:
    dims, asked = inputs[0].dims, list(inputs[1].followed)
    for axis, one in enumerate(asked):
        if one == (0, 0) and not _whole(node, "allowzero", 0):
            asked[axis] = dims[axis]
    if (-1, -1) in asked:
        least, most = (math.prod([one[end] for one in asked if one != (-1, -1)]) for end in (0, 1))
        low, high = (math.prod([one[end] for one in dims]) for end in (0, 1))
        asked[asked.index((-1, -1))] = (low // max(1, most), high // max(1, least))
    return [Sizes(tuple(asked), inputs[0].values)]


def _flatten(node: Node, inputs: list[Sizes]) -> list[Sizes]:
    dims = inputs[0].dims
    axis = _whole(node, "axis", 1)
    halves = (dims[:axis], dims[axis:])
    return [Sizes(tuple((math.prod([a for a, _ in h]), math.prod([b for _, b in h])) for h in halves))]


def _transpose(node: Node, inputs: list[Sizes]) -> list[Sizes]:
    dims = inputs[0].dims
    order = _wholes(node, "perm", list(range(len(dims)))[::-1])
    if sorted(order) != list(range(len(dims))):
        raise ValueError("no order of axes")
    return [Sizes(tuple(dims[axis] for axis in order))]


def _slice(_: Node, inputs: list[Sizes]) -> list[Sizes]:
    data, starts, ends = inputs[0], inputs[1].followed, _followed_or_anything(inputs[2])
    given = len(inputs) > 3 and inputs[3] is not ABSENT
    axes = inputs[3].known if given else list(range(len(starts)))
    steps = inputs[4].known if len(inputs) > 4 and inputs[4] is not ABSENT else [1] * len(axes)
    dims, values = list(data.dims), data.values
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        place = _axis(axis, len(dims))
        low, high = dims[place]
        if start[0] != start[1] or end[0] != end[1] or (low != high and start[0] < 0 <= end[0]) or step < 1:
            dims[place], values = (0, high), None
            continue
        taken = slice(start[0], end[0], step)
        dims[place] = (len(range(low)[taken]), len(range(high)[taken]))
        values = values[taken] if values is not None and len(dims) == 1 else None
    return [Sizes(tuple(dims), values)]


def _followed_or_anything(sizes: Sizes) -> Intervals:
    """The ends of a slice, or any: they may depend on the word, and no slice is longer than its input."""
    return (
        (ANYTHING,) * sizes.most if sizes.values is None and sizes.most <= MOST_DIMENSIONS else sizes.followed
    )


def _split(node: Node, inputs: list[Sizes]) -> list[Sizes]:
    dims, count = inputs[0].dims, len(node.outputs)
    axis = _axis(_whole(node, "axis", 0), len(dims))
    if len(inputs) > 1 and inputs[1] is not ABSENT:
        parts = exact(inputs[1].known)
    else:
        parts = ((0, -(-dims[axis][1] // count)),) * count
    return [Sizes((*dims[:axis], part, *dims[axis + 1 :])) for part in parts]


def _expand(_: Node, inputs: list[Sizes]) -> list[Sizes]:
    return [Sizes(broadcast(inputs[0].dims, inputs[1].followed))]


def _tile(_: Node, inputs: list[Sizes]) -> list[Sizes]:
    times = zip(inputs[0].dims, inputs[1].followed, strict=True)
    return [Sizes(tuple(multiply(size, count) for size, count in times))]


def _constant_of_shape(node: Node, inputs: list[Sizes]) -> list[Sizes]:
    found = Sizes(inputs[0].followed)
    value = node.attributes.get("value")
    if not isinstance(value, Tensor) or value.values is None or found.most > MOST_NUMBERS:
        return [found]
    return [found._replace(values=exact(value.values) * found.most)]


def _pad(_: Node, inputs: list[Sizes]) -> list[Sizes]:
    dims, pads = list(inputs[0].dims), inputs[1].followed
    axes = inputs[3].known if len(inputs) > 3 else list(range(len(dims)))
    for number, axis in enumerate(axes):
        place = _axis(axis, len(dims))
        dims[place] = add(dims[place], add(pads[number], pads[number + len(axes)]))
    return [Sizes(tuple(dims))]


def _matmul(_: Node, inputs: list[Sizes]) -> list[Sizes]:
    a, b = (one.dims for one in inputs)
    if min(len(a), len(b)) < 2:
        raise ValueError("not matrices")
    return [Sizes((*broadcast(a[:-2], b[:-2]), a[-2], b[-1]))]


def _gemm(node: Node, inputs: list[Sizes]) -> list[Sizes]:
    (rows, depth), (_, columns) = inputs[0].dims, inputs[1].dims
    if _whole(node, "transA", 0):
        rows = depth
    if _whole(node, "transB", 0):
        columns = inputs[1].dims[0]
    return [Sizes((rows, columns))]


def _conv(node: Node, inputs: list[Sizes]) -> list[Sizes]:
    (batch, _, *long), (channels, _, *kernel) = inputs[0].dims, inputs[1].dims
    rank = len(kernel)
    pads, strides = _wholes(node, "pads", [0] * 2 * rank), _wholes(node, "strides", [1] * rank)
    dilations = _wholes(node, "dilations", [1] * rank)
    if node.attributes.get("auto_pad", "NOTSET") != "NOTSET" or min(*strides, *dilations) < 1:
        raise ValueError("a convolution that voices do not have")
    sizes = []
    for axis, size in enumerate(long):
        reach = dilations[axis] * (kernel[axis][0] - 1) + 1
        more = pads[axis] + pads[rank + axis] - reach
        sizes.append(tuple(max(0, (end + more) // strides[axis] + 1) for end in size))
    return [Sizes((batch, channels, *sizes))]  # type: ignore[arg-type]


SAME_SIZES = (
    *("Abs", "Clip", "Cos", "CumSum", "Exp", "Floor", "Gelu", "LayerNormalization", "Log", "Not"),
    *("Reciprocal", "Relu", "Round", "Sigmoid", "Sin", "Softmax", "Sqrt", "Tanh"),
)
COMPARISONS = ("And", "Greater", "Less", "LessOrEqual", "Mod", "Xor")
RULES: dict[str, Rule] = {
    **dict.fromkeys(SAME_SIZES, _same),
    **dict.fromkeys(COMPARISONS, _elementwise(anything)),
    **dict.fromkeys(("ReduceMax", "ReduceMean", "ReduceSum"), _reduce),
    "Add": _elementwise(add),
    "Cast": _cast,
    "Concat": _concat,
    "ConstantOfShape": _constant_of_shape,
    "Conv": _conv,
    "Div": _elementwise(divide),
    "Equal": _elementwise(equal),
    "Expand": _expand,
    "Flatten": _flatten,
    "Gather": _gather,
    "Gemm": _gemm,
    "Identity": _unchanged,
    "MatMul": _matmul,
    "Mul": _elementwise(multiply),
    "Pad": _pad,
    "Reshape": _reshape,
    "Shape": _shape,
    "Slice": _slice,
    "Split": _split,
    "Squeeze": _squeeze,
    "Sub": _elementwise(subtract),
    "Tile": _tile,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
    "Where": _where,
}
