"""Threads of this process, for work that releases the interpreter lock; only a few results wait at a time."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from voxlet.engines.engine import AHEAD

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from voxlet.engines.engine import Task

Item = TypeVar("Item")
Result = TypeVar("Result")
WAITING = 16  # most small results that wait per worker


@dataclass(frozen=True)
class Threads:
    """Threads of this process, one per core.

    Decoding, hashing, resampling and Fourier transforms release the interpreter lock, and threads, unlike
    processes, demand nothing of the calling program.
    """

    def results(self, task: Task, items: Iterable[Any]) -> Iterator[Any]:
        """See `Engine.results`; here, results come in order."""
        return in_order(task, items, waiting=AHEAD)


THREADS = Threads()


def in_order(
    function: Callable[[Item], Result], items: Iterable[Item], *, waiting: int = WAITING
) -> Iterator[Result]:
    """The results of `function` for all items, in order, computed by threads of this process.

    An exception or interruption cancels calls that have not begun; at most `waiting` results wait per worker.
    """
    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        begun: deque[Future[Result]] = deque()
        try:
            for item in items:
                begun.append(pool.submit(function, item))
                if len(begun) > waiting * workers:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            for future in begun:
                future.cancel()
