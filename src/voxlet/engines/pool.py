"""A pool of processes on this machine that copes with the death of workers."""

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

MOST = 61 if sys.platform == "win32" else None  # processes that a process can wait for at once


@dataclass(frozen=True)
class LocalPool:
    """A pool of processes on this machine; at most 61 on Windows."""

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
        """Work with one pool until all items are done or a worker dies; returns the items to do again."""
        # New interpreters, as threads of ONNX Runtime do not survive a fork. The task, megabytes of voice, is
        # sent in a file: writing to a pipe would block for ever if a worker died before reading all of it.
        context = multiprocessing.get_context("spawn")
        others = set(multiprocessing.active_children())
        workers = min(self.workers, MOST or self.workers)
        pool = ProcessPoolExecutor(workers, context, _begin, (task_file,))
        flying: dict[Future[Any], tuple[Any, int]] = {}
        broken: list[tuple[Any, int]] = []
        held: tuple[Any, int] | None = (
            None  # its last attempt is made alone, so that it alone can be to blame
        )
        try:
            while True:
                alone = any(attempt >= ATTEMPTS for _, attempt in flying.values())
                while len(flying) < AHEAD * self.workers and not broken and not alone:
                    entry, held = held or next(items, None), None
                    if entry is None:
                        break
                    alone = entry[1] >= ATTEMPTS
                    if alone and flying:
                        held = entry
                        break
                    try:
                        flying[pool.submit(_work, entry[0])] = entry
                    except BrokenProcessPool:
                        broken.append(entry)
                if not flying:
                    return broken if held is None else [*broken, held]
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
        except BaseException:  # running items are not waited for: they would be done again anyway
            for worker in set(multiprocessing.active_children()) - others:
                worker.kill()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


_task: Task | None = None  # of this worker


def _begin(task_file: Path) -> None:
    """Set up a worker: it loads its task and ignores Ctrl-C, which is for the parent process."""
    global _task  # noqa: PLW0603
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow, daemon=True).start()
    _task = pickle.loads(task_file.read_bytes())


def _follow() -> None:
    """End this worker when its parent process ends, which cannot end its workers if it is killed."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _work(item: Any) -> Any:
    assert _task is not None
    return _task(item)
