"""How much work a thing is, in ratios and counts: how many seconds it takes depends on the machine."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

NEVER = 60.0  # seconds: far more than anything takes that ends, on any machine, and far less than for ever


def growth(action: Callable[[int], object], small: int, large: int) -> float:
    """How many times the processor time of `action(small)` the one of `action(large)` is."""

    def least(size: int) -> float:
        found = []
        for _ in range(3):
            start = time.process_time()
            action(size)
            found.append(time.process_time() - start)
        return min(found)

    return least(large) / least(small)


@contextmanager
def calls(most: int) -> Iterator[None]:
    """At most so many functions are called here, Python's and C's."""
    count = 0

    def counted(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(counted)
    try:
        yield
    finally:
        sys.setprofile(None)
    assert count <= most, count


@contextmanager
def ends() -> Iterator[None]:
    """A guard around what would go on for ever if it did not give up."""
    start = time.monotonic()
    yield
    assert time.monotonic() - start < NEVER
