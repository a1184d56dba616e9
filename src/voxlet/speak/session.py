"""An ONNX graph opened so that it can do no harm: from bytes, checked, bounded, interruptible."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import re
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlet.errors import VoiceError
from voxlet.speak.onnx.guard import check_graph
from voxlet.speak.runtime import import_onnxruntime
from voxlet.speak.voice_file import EXPORT_AGAIN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from voxlet.speak.onnx.guard import Wanted

MOST_THREADS = 4
PATIENCE = 0.3  # seconds that an interrupted process waits for the runtime before it ends
INTERRUPTED = 130  # the exit status then
MOST_MEMORY = 2 * 2**30  # bytes that all running graphs together may hold


class Graph:
    """A graph ready to run.

    Args:
        model: The bytes of an ONNX model; bytes, so that the file system stays out of the runtime's reach.
        path: The voice file it is from, for errors.
        inputs: What it must take, by name.
        outputs: What it must give, in the order in which `run` returns it.
        threads: Runs at once; without it, the cores, at most four.

    Raises:
        VoiceError: The model is damaged, does what voices do not, or takes or gives something else.
    """

    def __init__(
        self,
        model: bytes,
        path: Path,
        inputs: Mapping[str, Wanted],
        outputs: Mapping[str, Wanted],
        *,
        threads: int | None = None,
    ) -> None:
        self._path = path
        self._outputs = list(outputs)
        self._threads = threads or min(MOST_THREADS, _cores())
        try:
            check_graph(model, inputs, outputs)
        except VoiceError as error:
            raise VoiceError(error.what, where=path, remedy=error.remedy) from error
        self._session = _open(model, path)

    def run(self, feeds: Sequence[Mapping[str, np.ndarray]]) -> list[list[np.ndarray]]:
        """The outputs for each of `feeds`, in their order; may be called from several threads at once.

        Each is a run of its own on one thread: what comes out depends on nothing beside it, and cores are
        used best where there are many. This thread only waits, so that Ctrl-C can end the runs.

        Raises:
            VoiceError: The graph fails.
        """
        options = import_onnxruntime().RunOptions()
        pool = ThreadPoolExecutor(max(1, min(self._threads, len(feeds))))
        try:
            runs = [pool.submit(self._session.run, self._outputs, feed, options) for feed in feeds]
            return [run.result() for run in runs]
        except Exception as error:  # the runtime has no common class for its errors
            raise VoiceError(f"its graph fails ({_first_line(error)})", where=self._path) from error
        finally:
            options.terminate = True  # of use where an error or Ctrl-C leaves runs behind
            pool.shutdown(cancel_futures=True)


def _open(model: bytes, path: Path) -> Any:  # onnxruntime has no types
    onnxruntime = import_onnxruntime()
    _bound_memory()
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.use_env_allocators", "1")
    options.log_severity_level = 4  # what fails is raised, and nothing else is for the user's eyes
    # An exported voice is folded already: fusing more costs more at opening than it saves in a sentence.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        return _in_thread(
            lambda: onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        )
    except Exception as error:  # the runtime has no common class for its errors
        raise VoiceError(
            f"its graph cannot be read ({_first_line(error)})", where=path, remedy=EXPORT_AGAIN
        ) from error


def _in_thread(open_it: Callable[[], Any]) -> Any:
    """What `open_it` returns; it cannot be ended, but Ctrl-C ends the wait for it."""
    result: Future[Any] = Future()

    def work() -> None:
        try:
            result.set_result(open_it())
        except Exception as error:
            result.set_exception(error)

    ending = functools.partial(_leave, result)
    atexit.register(ending)
    try:
        # A daemon: Python waits for the threads of a pool when it ends.
        threading.Thread(target=work, daemon=True).start()
        return result.result()
    finally:
        if result.done():
            atexit.unregister(ending)


def _leave(result: Future[Any]) -> None:
    """At the process's end: where the runtime is still opening a model, go at once, or it would crash."""
    try:
        result.exception(PATIENCE)
    except TimeoutError:
        os._exit(INTERRUPTED)


@functools.cache
def _bound_memory() -> None:
    """Let all voices share one pool of memory with a bound, so that no graph can ask for all there is."""
    onnxruntime = import_onnxruntime()
    pool = onnxruntime.OrtArenaCfg(
        {
            "max_mem": MOST_MEMORY,
            "arena_extend_strategy": 1,  # grow by what is needed, not by powers of two
            "initial_chunk_size_bytes": 2**20,
            "max_dead_bytes_per_chunk": -1,
        }
    )
    kind = onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR
    memory = onnxruntime.OrtMemoryInfo("Cpu", kind, 0, onnxruntime.OrtMemType.DEFAULT)
    # It fails if the program around us has set up such a pool itself; then that one is used.
    with contextlib.suppress(RuntimeError):
        onnxruntime.create_and_register_allocator(memory, pool)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _first_line(error: Exception) -> str:
    line = next(iter(str(error).splitlines()), type(error).__name__)
    return re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", line)[:120]
