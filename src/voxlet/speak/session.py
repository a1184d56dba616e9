"""An ONNX graph opened so that it can do no harm: from bytes, with bounded memory, its ends checked."""

from __future__ import annotations

import contextlib
import functools
import os
import re
from typing import TYPE_CHECKING

import numpy as np

from voxlet.errors import VoiceError
from voxlet.speak.voice_file import MOST_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import onnxruntime

MOST_THREADS = 4
MOST_MEMORY = 2 * 2**30  # bytes that all running graphs together may hold
FLOAT, INT64 = "tensor(float)", "tensor(int64)"
ANY, FREE = -1, -2  # in place of a size: whatever it is; not fixed, so that any batch or length goes in
End = tuple[str, tuple[int, ...]]  # type and sizes of one of a graph's inputs or outputs


class Graph:
    """A graph ready to run.

    Args:
        model: The bytes of an ONNX model; bytes, so that the file system stays out of the runtime's reach.
        path: The voice file it is from, for errors.
        inputs: What it must take, by name.
        outputs: What it must give, in the order in which `run` returns it.
        threads: That one run may use; without it, the cores, at most four.

    Raises:
        VoiceError: The model is damaged, or takes or gives something else.
    """

    def __init__(
        self,
        model: bytes,
        path: Path,
        inputs: Mapping[str, End],
        outputs: Mapping[str, End],
        *,
        threads: int | None = None,
    ) -> None:
        self._path = path
        self._outputs = list(outputs)
        self._session = _open(model, path, threads)
        self._check(self._session.get_inputs(), inputs)
        self._check(self._session.get_outputs(), outputs)

    def run(self, **inputs: np.ndarray) -> list[np.ndarray]:
        """The outputs for `inputs`; may be called from several threads at once.

        Raises:
            VoiceError: The graph fails.
        """
        try:
            results: list[np.ndarray] = self._session.run(self._outputs, inputs)
        except Exception as error:  # the runtime has no common class for its errors
            raise VoiceError(f"its graph fails ({_first_line(error)})", where=self._path) from error
        return results

    def _check(self, found: Sequence[onnxruntime.NodeArg], expected: Mapping[str, End]) -> None:
        ends = {end.name: end for end in found}
        if set(ends) != set(expected):
            has, needs = ", ".join(sorted(ends))[:160], ", ".join(sorted(expected))
            raise VoiceError(f"its graph has {has} where a voice has {needs}", where=self._path)
        for name, (kind, sizes) in expected.items():
            end = ends[name]
            # A size is a number where it is fixed, a name or nothing where it is not.
            fits = len(end.shape) == len(sizes) and all(
                size == ANY or not isinstance(given, int) or given == size
                for given, size in zip(end.shape, sizes, strict=True)
            )
            if end.type != kind or not fits:
                raise VoiceError(
                    f"its graph's {name!r} is {end.type} {str(end.shape)[:80]}, not as the metadata says",
                    where=self._path,
                )


def _open(model: bytes, path: Path, threads: int | None) -> onnxruntime.InferenceSession:
    if len(model) > MOST_BYTES:
        raise VoiceError("is too large for a voice", where=path)
    import onnxruntime

    _bound_memory()
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.use_env_allocators", "1")
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # waiting must cost nothing
    options.log_severity_level = 4  # what fails is raised, and nothing else is for the user's eyes
    # An exported voice is folded already: fusing more costs more at opening than it saves in a sentence.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.intra_op_num_threads = threads or min(MOST_THREADS, _cores())
    options.inter_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime has no common class for its errors
        raise VoiceError(
            f"its graph cannot be read ({_first_line(error)})", where=path, remedy="fetch or export it again"
        ) from error


@functools.cache
def _bound_memory() -> None:
    """Let all voices share one pool of memory with a bound, so that no graph can ask for all there is."""
    import onnxruntime

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
