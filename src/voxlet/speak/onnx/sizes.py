"""Sizes of a graph's tensors as far as they are known before it runs: intervals of integers."""

from __future__ import annotations

import math
from itertools import product, zip_longest
from typing import TYPE_CHECKING, NamedTuple

from voxlet.errors import VoiceError
from voxlet.speak.onnx.reader import REMEDY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from voxlet.speak.onnx.reader import Tensor

Interval = tuple[int, int]  # lower and upper bound, both possible
Intervals = tuple[Interval, ...]
FARTHEST = 2**62
ANYTHING: Interval = (-FARTHEST, FARTHEST)
ONE: Interval = (1, 1)


class Sizes(NamedTuple):
    """What is known about a tensor: its sizes and, where they are tracked, its values in row-major order."""

    dims: Intervals
    values: Intervals | None = None

    @property
    def most(self) -> int:
        """The most numbers that the tensor can hold."""
        return math.prod([high for _, high in self.dims])

    @property
    def followed(self) -> Intervals:
        """The tensor's values.

        Raises:
            VoiceError: The values are not tracked.
        """
        if self.values is None:
            raise VoiceError("has sizes in its graph that cannot be known beforehand", remedy=REMEDY)
        return self.values

    @property
    def known(self) -> list[int]:
        """The tensor's values as exact integers.

        Raises:
            VoiceError: A value is not tracked, or not known exactly.
        """
        if any(low != high for low, high in self.followed):
            raise VoiceError("has axes in its graph that cannot be known beforehand", remedy=REMEDY)
        return [low for low, _ in self.followed]


ABSENT = Sizes(())  # an optional input that is left out


def exact(sizes: Iterable[int]) -> Intervals:
    """Intervals of integers that are known exactly."""
    return tuple((size, size) for size in sizes)


def sizes_of(tensor: Tensor) -> Sizes:
    """The sizes of a tensor stored in the file."""
    return Sizes(exact(tensor.dims), None if tensor.values is None else exact(tensor.values))


def broadcast(*shapes: Intervals) -> Intervals:
    """The shape that several shapes are broadcast to."""
    result = shapes[0]
    for shape in shapes[1:]:
        if shape != result and shape:
            pairs = zip_longest(reversed(result), reversed(shape), fillvalue=ONE)
            result = tuple(_wider(a, b) for a, b in pairs)[::-1]
    return result


def _wider(a: Interval, b: Interval) -> Interval:
    if b in (a, ONE):
        return a
    return b if a == ONE else (min(a[0], b[0]), max(a[1], b[1]))


def add(a: Interval, b: Interval) -> Interval:
    """The sum of two intervals."""
    return _bounded(a[0] + b[0], a[1] + b[1])


def subtract(a: Interval, b: Interval) -> Interval:
    """The difference of two intervals."""
    return _bounded(a[0] - b[1], a[1] - b[0])


def multiply(a: Interval, b: Interval) -> Interval:
    """The product of two intervals."""
    corners = [x * y for x, y in product(a, b)]
    return _bounded(min(corners), max(corners))


def divide(a: Interval, b: Interval) -> Interval:
    """The quotient of two intervals, rounded towards zero as ONNX Runtime does."""
    if b[0] <= 0:
        return ANYTHING
    corners = [x // y if x >= 0 else -(-x // y) for x, y in product(a, b)]
    return _bounded(min(corners), max(corners))


def equal(a: Interval, b: Interval) -> Interval:
    """Whether two numbers are equal: 1 if they must be, 0 if they cannot be, otherwise 0 to 1."""
    if a[0] == a[1] == b[0] == b[1]:
        return ONE
    return (0, 0) if a[1] < b[0] or b[1] < a[0] else (0, 1)


def anything(_: Interval, __: Interval) -> Interval:
    """A result whose value is not tracked."""
    return ANYTHING


def _bounded(low: int, high: int) -> Interval:
    """The interval, or `ANYTHING` where a 64-bit integer might overflow."""
    return (low, high) if low > -FARTHEST and high < FARTHEST else ANYTHING
