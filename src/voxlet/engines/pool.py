"""A pool of processes on this machine, whose workers may die."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voxlet import files
from voxlet.engines.engine import AHEAD, ATTEMPTS, Task
from voxlet.errors import VoxletError

MOST = 61 if sys.platform == "win32" else None  # processes that one waits for at once


@dataclass(frozen=True)
class LocalPool:
    """A pool of processes on this machine; on Windows 61 at most."""

    workers: int

    def results(self, task: Task, items: Iterable[Any]) -> Iterator[Any]:
        """See `Engine.results`."""
        waiting, again = iter(items), list[tuple[Any, int]]()
        with files.temporary_folder() as folder:
            task_file = folder / "task"
            task_file.write_bytes(pickle.dumps(task))
            while True:
                begun = itertools.chain(again, ((item, 1) for item in waiting))
                first = next(begun, None)
                if first is None:
                    return
                again = yield from self._until_broken(task_file, itertools.chain([first], begun))

    def _until_broken(
        self, task_file: Path, items: Iterator[tuple[Any, int]]
    ) -> Generator[Any, None, list[tuple[Any, int]]]:
        """Work with one pool until all is done, or a worker died; returns what has to be done again."""
        # Fresh interpreters: threads of the runtime do not survive a fork. The task, megabytes of voice, goes
        # by a file: through the pipe it would wait for ever for a worker that dies before it has read it.
        context = multiprocessing.get_context("spawn")
        others = set(multiprocessing.active_children())
        workers = min(self.workers, MOST or self.workers)
        pool = ProcessPoolExecutor(workers, context, _begin, (task_file,))
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
                            raise VoxletError(
                                f"{ATTEMPTS} workers died",
                                where=item,
                                remedy="give it more memory, or fewer --workers",
                            ) from None
                        broken.append((item, attempt + 1))
                        continue
                    yield result
        except BaseException:  # what is begun is not waited for: it would be made again anyway
            for worker in set(multiprocessing.active_children()) - others:
                worker.kill()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


_task: Task | None = None  # what this worker does


def _begin(task_file: Path) -> None:
    """What a worker does first: Ctrl-C is for the process that hands out work."""
    global _task  # noqa: PLW0603
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow, daemon=True).start()
    _task = pickle.loads(task_file.read_bytes())


def _follow() -> None:
    """End with the process that hands out work: killed, it cannot end its workers."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _work(item: Any) -> Any:
    assert _task is not None
    return _task(item)
