"""Who does the work: this process, a pool of processes, or a cluster (`datasets.cluster`).

All have one function, `results`: items are handed out in order, few at a time, what is finished comes back in
any order, and an item whose worker died is handed out again.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any, Protocol

from voxlet import machine
from voxlet.errors import ConfigError, VoxletError

Task = Callable[[Any], Any]  # it travels to other processes: a function of a module, or an object of a class
ATTEMPTS = 3  # how often an item is handed out before a dying worker is its own fault
MOST_WORKERS = 1024
AHEAD = 2  # items in flight for each worker


class Engine(Protocol):
    """Runs a task on many items."""

    def results(self, task: Task, items: Iterable[Any]) -> Iterator[Any]:
        """What the task returns for each item, in any order; its first error ends all.

        Raises:
            VoxletError: Workers die at an item again and again.
        """


@dataclass(frozen=True)
class Here:
    """This process, one item after the other."""

    def results(self, task: Task, items: Iterable[Any]) -> Iterator[Any]:
        """See `Engine.results`."""
        return map(task, items)


@dataclass(frozen=True)
class LocalPool:
    """A pool of processes on this machine."""

    workers: int

    def results(self, task: Task, items: Iterable[Any]) -> Iterator[Any]:
        """See `Engine.results`."""
        waiting, again = iter(items), list[tuple[Any, int]]()
        while True:
            begun = itertools.chain(again, ((item, 1) for item in waiting))
            first = next(begun, None)
            if first is None:
                return
            again = yield from self._until_broken(task, itertools.chain([first], begun))

    def _until_broken(
        self, task: Task, items: Iterator[tuple[Any, int]]
    ) -> Generator[Any, None, list[tuple[Any, int]]]:
        """Work with one pool until all is done, or a worker died; returns what has to be done again."""
        # Fresh interpreters: threads of the runtime do not survive a fork.
        context = multiprocessing.get_context("spawn")
        others = set(multiprocessing.active_children())
        pool = ProcessPoolExecutor(self.workers, context, _begin, (task,))
        flying: dict[Future[Any], tuple[Any, int]] = {}
        broken: list[tuple[Any, int]] = []
        try:
            while True:
                while len(flying) < AHEAD * self.workers and not broken:
                    entry = next(items, None)
                    if entry is None:
                        break
                    try:
                        flying[pool.submit(_work, entry[0])] = entry
                    except BrokenProcessPool:
                        broken.append(entry)
                if not flying:
                    return broken
                done, _ = wait(flying, return_when=FIRST_COMPLETED)
                for future in done:
                    item, attempt = flying.pop(future)
                    try:
                        result = future.result()
                    except BrokenProcessPool:
                        if attempt >= ATTEMPTS:
                            raise died(item) from None
                        broken.append((item, attempt + 1))
                        continue
                    yield result
        except BaseException:  # what is begun is not waited for: it would be made again anyway
            for worker in set(multiprocessing.active_children()) - others:
                worker.kill()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def died(item: object) -> VoxletError:
    """The error for an item at which workers die."""
    return VoxletError(
        f"{ATTEMPTS} workers died", where=item, remedy="give it more memory, or fewer --workers"
    )


_task: Task | None = None  # what this worker does


def _begin(task: Task) -> None:
    """What a worker does first: Ctrl-C is for the process that hands out work."""
    global _task  # noqa: PLW0603
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow, daemon=True).start()
    _task = task


def _follow() -> None:
    """End with the process that hands out work: killed, it cannot end its workers."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _work(item: Any) -> Any:
    assert _task is not None
    return _task(item)


def chosen_engine(workers: int | None, ray: str | None) -> Engine:
    """The engine for `--workers` and `--ray`.

    Raises:
        ConfigError: There is no such number of workers.
    """
    if ray is not None:
        from voxlet.datasets.cluster import RayCluster

        return RayCluster(ray)
    workers = machine.processor().usable if workers is None else workers
    if not 1 <= workers <= MOST_WORKERS:
        raise ConfigError(f"{workers} workers", where="--workers", remedy=f"give 1 to {MOST_WORKERS}")
    return Here() if workers == 1 else LocalPool(workers)
