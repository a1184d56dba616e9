"""How much work an action takes, in ratios and counts, since seconds depend on the machine."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

NEVER = 60.0  # seconds: on any machine, far more than anything that ends takes


def growth(action: Callable[[int], object], small: int, large: int) -> float:
    """The processor time of `action(large)` divided by that of `action(small)`."""

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
    """Assert that the block calls at most `most` functions, Python's and C's."""
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
    """Assert that a block, which would run for ever if it did not give up, took less than `NEVER` seconds."""
    start = time.monotonic()
    yield
    assert time.monotonic() - start < NEVER
