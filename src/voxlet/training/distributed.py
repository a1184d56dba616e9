"""The one module that knows ranks; alone, every function here does nothing.

    voxlet train mlp --corpus fsdd --run runs/mlp --epochs 50
    torchrun --nproc-per-node 2 -m -- voxlet train mlp --corpus fsdd --run runs/mlp --epochs 50

(The two dashes keep torchrun from taking `--run` for a short form of its own `--run-path`.)

The processes see what one would see: the batch is cut into as many shares as there are ranks, gradients are
averaged by the number of rows behind them, and random numbers are drawn for the whole batch
(`voxlet.batch_random`). Losses that are means over rows come out equal to one process's, up to rounding; one
that is not (free bits, which look at the mean of a batch) is the mean of the shares'.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from voxlet import batch_random
from voxlet.batch_random import Rows
from voxlet.errors import TrainingError

BUCKET = 1 << 20  # gradients smaller than this many numbers travel together


_weight = ContextVar("weight", default=1.0)  # of this rank's share in the batch at hand


def setup() -> None:
    """Join the other processes when torchrun started this one."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not dist.is_initialized():
        # Its functions' defaults hold the group there is as they are defined, which then never ends.
        importlib.import_module("torch.distributed.nn.functional")
        own_gpu = torch.cuda.device_count() >= int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
        dist.init_process_group("nccl" if torch.cuda.is_available() and own_gpu else "gloo")
        atexit.register(_leave)


def _leave() -> None:
    """Part from the others before the interpreter ends, which would find their threads running and abort."""
    if dist.is_initialized():
        dist.destroy_process_group()


def rank() -> int:
    """Which process this is; 0 is the one that writes."""
    return dist.get_rank() if dist.is_initialized() else 0


def size() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def device() -> torch.device:
    """Where to train: this rank's GPU if there is one, else the CPU."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    local = int(os.environ.get("LOCAL_RANK", "0"))
    return torch.device("cuda", local % torch.cuda.device_count())


def largest(*values: float) -> list[float]:
    """For each value the largest of all ranks', so that they decide alike."""
    if size() == 1:
        return list(values)
    wire = torch.tensor(values, dtype=torch.float64, device=_wire())
    dist.all_reduce(wire, dist.ReduceOp.MAX)
    return [float(value) for value in wire]


def main_first(action: Callable[[], object]) -> None:
    """Rank 0 does `action` while the others wait; where it fails, all of them stop.

    Raises:
        TrainingError: On the other ranks, when the first failed; on the first, whatever `action` raised.
    """
    failure: Exception | None = None
    if rank() == 0:
        try:
            action()
        except Exception as error:
            failure = error
    (failed,) = largest(float(failure is not None))
    if failure is not None:
        raise failure
    if failed:
        raise TrainingError("the first process had to stop: its own message says why")


@contextlib.contextmanager
def sharing(total: int) -> Iterator[Rows]:
    """The rows of a batch of `total` that are this rank's, for as long as the step lasts.

    A rank for which no row is left repeats the last one with weight zero, so that all make the same calls.
    """
    if size() == 1:
        yield Rows(0, total, total)
        return
    edges = [total * i // size() for i in range(size() + 1)]
    start, stop = edges[rank()], edges[rank() + 1]
    weight = (stop - start) / total
    if start == stop:
        start = min(start, total - 1)
        stop = start + 1
    rows = Rows(start, stop, total)
    token = _weight.set(weight)
    try:
        with batch_random.holding(rows):
            yield rows
    finally:
        _weight.reset(token)


@torch.no_grad()
def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace each rank's gradients by the whole batch's: to be called right after `backward`."""
    if size() == 1:
        return
    gradients = [p.grad for p in parameters if p.grad is not None]
    small = [g for g in gradients if g.numel() < BUCKET]
    for gradient in (g for g in gradients if g.numel() >= BUCKET):
        dist.all_reduce(gradient.mul_(_weight.get()))
    if small:
        bucket = torch.cat([g.flatten() for g in small]).mul_(_weight.get())
        dist.all_reduce(bucket)
        for gradient, part in zip(small, torch.split(bucket, [g.numel() for g in small]), strict=True):
            gradient.copy_(part.view_as(gradient))


def average(values: Mapping[str, float]) -> dict[str, float]:
    """Means over each rank's rows -> means over the whole batch."""
    if size() == 1:
        return dict(values)
    means = average_tensor(torch.tensor(list(values.values()), dtype=torch.float64))
    return dict(zip(values, means.tolist(), strict=True))


@torch.no_grad()
def average_tensor(means: Tensor) -> Tensor:
    """The same for a tensor of means; it has no gradient."""
    if size() == 1:
        return means
    wire = means.to(device=_wire(), dtype=torch.float64) * _weight.get()
    dist.all_reduce(wire)
    return wire.to(means)


def _wire() -> torch.device:
    """Where small numbers have to lie to be sent: NCCL sends from GPUs only."""
    return device() if dist.get_backend() == "nccl" else torch.device("cpu")
