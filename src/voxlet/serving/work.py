"""The threads that make sound while the server's own thread goes on talking to clients.

An answer is made step by step, and each step queues anew: answers that are made together take turns, so a
long text delays a short one by a step. First steps go ahead of others, for somebody hears nothing yet; each
fourth turn is one of the others. The next step is asked for when the client has taken the last one: a slow
client holds no thread. Each clip is a run of its own, so no sound depends on what is made beside it.
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
MOST_AHEAD = 3  # first steps that go ahead of others in a row


class Workers:
    """Some threads, as many as there are cores unless told; they begin with the first step."""

    def __init__(self, threads: int | None = None) -> None:
        self._threads = self._free = threads or min(MOST_THREADS, _cores())
        self._pool: ThreadPoolExecutor | None = None
        self._first: deque[asyncio.Future[None]] = deque()
        self._others: deque[asyncio.Future[None]] = deque()
        self._ahead = 0  # first steps that have gone ahead of others

    async def run(self, function: Callable[[], Result], *, first: bool = False) -> Result:
        """What `function` returns, called in one of the threads.

        Args:
            function: A step.
            first: It is the first one of an answer.
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
            if not waiting.cancelled():  # the turn had come already
                self._next()
            raise

    def _next(self) -> None:
        """Give a thread that has become free to who waits."""
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
        """The items, each made in one of the threads when it is asked for."""
        first = True
        # One item or none: a StopIteration cannot pass through a future.
        while found := await self.run(lambda: list(itertools.islice(items, 1)), first=first):
            yield found[0]
            first = False

    def close(self) -> None:
        """Let the threads end, when their steps are done."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
