"""The threads that synthesise speech while the server's event loop goes on serving clients.

An answer is made step by step, and each step queues anew: concurrent answers take turns, so a long text
delays a short one by one step. First steps go ahead of others, as their clients hear nothing yet, but every
fourth turn goes to one of the others. The next step is queued when the client has taken the last one, so a
slow client holds no thread. Each clip is sampled by itself, so no sound depends on what else is being made.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

Result = TypeVar("Result")
MOST_THREADS = 8
MOST_AHEAD = 3  # first steps in a row that go ahead of waiting others


class Workers:
    """Threads that start with the first step; by default one for each core, at most `MOST_THREADS`."""

    def __init__(self, threads: int | None = None) -> None:
        self._threads = self._free = threads or min(MOST_THREADS, _cores())
        self._pool: ThreadPoolExecutor | None = None
        self._first: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()
        self._ahead = 0  # first steps in a row that have gone ahead of waiting others

    async def run(self, function: Callable[[], Result], *, first: bool = False) -> Result:
        """Call `function` in one of the threads and return its result.

        Args:
            function: One step of an answer.
            first: Whether the step is the first of its answer.
        """
        await self._turn(self._first if first else self._others)
        try:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="voxlet")
            return await asyncio.get_running_loop().run_in_executor(self._pool, function)
        finally:
            self._next()

    async def _turn(self, queue: deque[asyncio.Future[None]]) -> None:
        if self._free:
            self._free -= 1
            return
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(waiting)
        try:
            await waiting
        except asyncio.CancelledError:
            if not waiting.cancelled():  # its turn has come and is passed on
                self._next()
            raise

    def _next(self) -> None:
        """Give a thread that has become free to the next waiting step."""
        ahead = self._ahead < MOST_AHEAD
        for queue in (self._first, self._others) if ahead else (self._others, self._first):
            while queue:
                waiting = queue.popleft()
                if not waiting.done():
                    passing = queue is self._first and len(self._others) > 0
                    self._ahead = self._ahead + 1 if passing else 0
                    waiting.set_result(None)
                    return
        self._free += 1

    async def each(self, items: Iterator[Result]) -> AsyncIterator[Result]:
        """Yield the items, each made in one of the threads when it is asked for."""
        first = True
        # A list of one item or none, as a StopIteration cannot pass through a future.
        while found := await self.run(lambda: list(itertools.islice(items, 1)), first=first):
            yield found[0]
            first = False

    def close(self) -> None:
        """Stop the threads once their current steps are done."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
