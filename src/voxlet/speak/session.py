"""Run an untrusted ONNX graph safely: opened from bytes, checked, bounded, interruptible."""

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
PATIENCE = 0.3  # seconds that an interrupted process waits for the runtime before it exits
INTERRUPTED = 130  # the exit status then
MOST_MEMORY = 2 * 2**30  # bytes that all running graphs together may hold


class Graph:
    """A graph ready to run.

    Args:
        model: The bytes of an ONNX model, not a path, so that the runtime reads no files.
        path: The voice file that the model is from, for errors.
        inputs: The required inputs by name.
        outputs: The required outputs by name, in the order in which `run` returns them.
        threads: Parallel runs; by default, the number of cores, at most four.

    Raises:
        VoiceError: The model is damaged, does what voices do not, or has other inputs or outputs.
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
        """The outputs for each of `feeds`, in the same order; may be called from several threads at once.

        Each feed is a separate run on one thread: its result does not depend on the other feeds, and many
        runs make the best use of the cores. The calling thread only waits, so that Ctrl-C can end the runs.

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
            options.terminate = True  # ends the runs that an error or Ctrl-C leaves behind
            pool.shutdown(cancel_futures=True)


def _open(model: bytes, path: Path) -> Any:  # onnxruntime has no types
    onnxruntime = import_onnxruntime()
    _bound_memory()
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.use_env_allocators", "1")
    options.log_severity_level = 4  # failures are raised, and users need no other messages
    # An exported voice is folded already; more fusion costs more at opening than it saves in a sentence.
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
    """The result of `open_it`, called in a thread: it cannot be stopped, but Ctrl-C ends the wait for it."""
    result: Future[Any] = Future()

    def work() -> None:
        try:
            result.set_result(open_it())
        except Exception as error:
            result.set_exception(error)

    ending = functools.partial(_leave, result)
    atexit.register(ending)
    try:
        # A daemon thread, because at exit Python waits for the threads of a pool.
        threading.Thread(target=work, daemon=True).start()
        return result.result()
    finally:
        if result.done():
            atexit.unregister(ending)


def _leave(result: Future[Any]) -> None:
    """At exit, end the process at once if the runtime is still opening a model: it would crash otherwise."""
    try:
        result.exception(PATIENCE)
    except TimeoutError:
        os._exit(INTERRUPTED)


@functools.cache
def _bound_memory() -> None:
    """Let all voices share one bounded memory pool, so that no graph can take all the memory there is."""
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
    # This fails if the calling program has set up such a pool itself; that pool is then used.
    with contextlib.suppress(RuntimeError):
        onnxruntime.create_and_register_allocator(memory, pool)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _first_line(error: Exception) -> str:
    line = next(iter(str(error).splitlines()), type(error).__name__)
    return re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", line)[:120]
