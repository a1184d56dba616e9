"""Distributed training: the only module that knows ranks. In a single process, its functions do nothing.

    voxlet train mlp --corpus fsdd --run runs/mlp --epochs 50
    torchrun --nproc-per-node 2 -m -- voxlet train mlp --corpus fsdd --run runs/mlp --epochs 50

(The two dashes keep torchrun from taking `--run` for a short form of its own `--run-path`.)

Several processes compute what one would compute: the batch is split into as many shares as there are ranks,
gradients are averaged with the number of rows as weights, and random numbers are drawn for the whole batch
(`voxlet.batch_random`). Losses that are means over rows equal those of one process, up to rounding; a loss
that is not (free bits, which depend on the mean of a batch) becomes the mean over the shares.
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

BUCKET = 1 << 20  # gradients with fewer numbers are sent together


_weight = ContextVar("weight", default=1.0)  # of this rank's share in the current batch


def setup() -> None:
    """Join the other processes when torchrun started this one."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not dist.is_initialized():
        # Imported before there is a group, which the defaults of its functions would otherwise keep alive.
        importlib.import_module("torch.distributed.nn.functional")
        own_gpu = torch.cuda.device_count() >= int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
        dist.init_process_group("nccl" if torch.cuda.is_available() and own_gpu else "gloo")
        atexit.register(_leave)


def _leave() -> None:
    """Leave the process group before the interpreter exits, which would abort if its threads still ran."""
    if dist.is_initialized():
        dist.destroy_process_group()


def rank() -> int:
    """The rank of this process; rank 0 writes the files."""
    return dist.get_rank() if dist.is_initialized() else 0


def size() -> int:
    """The number of processes that train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def device() -> torch.device:
    """Where to train: this rank's GPU if there is one, else the CPU."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    local = int(os.environ.get("LOCAL_RANK", "0"))
    return torch.device("cuda", local % torch.cuda.device_count())


def largest(*values: float) -> list[float]:
    """The maximum of each value over all ranks, so that all ranks decide alike."""
    if size() == 1:
        return list(values)
    wire = torch.tensor(values, dtype=torch.float64, device=_wire())
    dist.all_reduce(wire, dist.ReduceOp.MAX)
    return [float(value) for value in wire]


def on_first_rank(action: Callable[[], object]) -> None:
    """Rank 0 runs `action` while the others wait; if it fails, all of them stop.

    Raises:
        TrainingError: On the other ranks, if `action` failed; rank 0 raises the error of `action` itself.
    """
    failure: BaseException | None = None
    if rank() == 0:
        try:
            action()
        except BaseException as error:  # Ctrl-C, too, or the others would wait for ever
            failure = error
    (failed,) = largest(float(failure is not None))
    if failure is not None:
        raise failure
    if failed:
        raise TrainingError("the first process had to stop: its own message says why")


@contextlib.contextmanager
def local_rows(total: int) -> Iterator[Rows]:
    """This rank's rows of a batch of `total`, for the duration of a step.

    A rank without a row of its own repeats another's with weight zero, so that all make the same calls.
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
        with batch_random.rows_of_batch(rows):
            yield rows
    finally:
        _weight.reset(token)


@torch.no_grad()
def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Replace each rank's gradients by those of the whole batch; call it right after `backward`."""
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
    """As `average`, for a tensor of means; the result has no gradient."""
    if size() == 1:
        return means
    wire = means.to(device=_wire(), dtype=torch.float64) * _weight.get()
    dist.all_reduce(wire)
    return wire.to(means)


def _wire() -> torch.device:
    """The device from which small tensors are sent: NCCL sends only from GPUs."""
    return device() if dist.get_backend() == "nccl" else torch.device("cpu")
