"""Choose the engine for `--workers` and `--ray`."""

from __future__ import annotations

from voxlet import machine
from voxlet.engines.cluster import RayCluster
from voxlet.engines.engine import Engine, SerialEngine
from voxlet.engines.pool import LocalPool
from voxlet.errors import ConfigError

MOST_WORKERS = 1024


def chosen_engine(workers: int | None, ray: str | None) -> Engine:
    """The engine for `--workers` and `--ray`.

    Raises:
        ConfigError: The number of workers is out of range.
    """
    if ray is not None:
        return RayCluster(ray)
    workers = machine.processor().usable if workers is None else workers
    if not 1 <= workers <= MOST_WORKERS:
        raise ConfigError(f"{workers} workers", where="--workers", remedy=f"give 1 to {MOST_WORKERS}")
    return SerialEngine() if workers == 1 else LocalPool(workers)
