"""The threads of this process, for work that leaves the interpreter free, and a few results that wait."""

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
WAITING = 16  # small results that wait for each worker at most


@dataclass(frozen=True)
class Threads:
    """Threads of this process, one a core: decoding, hashing, resampling and Fourier transforms release the
    interpreter lock, and threads, unlike processes, need nothing of the program that calls.
    """

    def results(self, task: Task, items: Iterable[Any]) -> Iterator[Any]:
        """See `Engine.results`; here they come in order."""
        return in_order(task, items, waiting=AHEAD)


THREADS = Threads()


def in_order(
    function: Callable[[Item], Result], items: Iterable[Item], *, waiting: int = WAITING
) -> Iterator[Result]:
    """`function` of each item, in order, by the threads of this process.

    An exception or an interruption drops what has not begun; `waiting` results wait for each worker at most.
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
