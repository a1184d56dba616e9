"""Ray: the same work on the machines of a cluster, as plain tasks of ray core."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from voxlet.engines.engine import AHEAD, ATTEMPTS, Task
from voxlet.errors import VoxletError
from voxlet.extras import import_extra

QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}


@dataclass(frozen=True)
class RayCluster:
    """A cluster that is running, at an address such as `10.0.0.1:6379`; `local` starts one here."""

    address: str

    def results(self, task: Task, items: Iterable[Any]) -> Iterator[Any]:
        """See `Engine.results`.

        Raises:
            VoxletError: The cluster cannot be reached, or a worker runs other versions than this process.
        """
        os.environ.update(QUIET)  # it is read when ray is imported
        ray: Any = import_extra("ray", "cluster")
        try:
            ray.init(address=self.address, log_to_driver=False, logging_level="error", namespace="voxlet")
        except Exception as error:  # where a node does not start in time, Ray raises nothing more exact
            raise VoxletError(
                f"cannot be reached ({next(iter(str(error).splitlines()), '')[:200]})",
                where=f"--ray {self.address}",
                remedy="start the cluster, or leave --ray out",
            ) from error
        try:
            yield from _results(ray, task, iter(items))
        finally:
            ray.shutdown()


def _results(ray: Any, task: Task, items: Iterator[Any]) -> Iterator[Any]:
    shared = ray.put(task)  # once a node, not with each item
    remote = ray.remote(num_cpus=1, max_retries=ATTEMPTS)(_work)
    flying: dict[Any, Any] = {}
    while True:
        room = AHEAD * max(1, int(ray.cluster_resources().get("CPU", 1)))
        while len(flying) < room:
            item = next(items, None)
            if item is None:
                break
            flying[remote.remote(shared, item)] = item
        if not flying:
            return
        done, _ = ray.wait(list(flying), num_returns=1)
        for reference in done:
            item = flying.pop(reference)
            try:
                result = ray.get(reference)
            except ray.exceptions.RayTaskError as error:
                raise error.cause from None
            except ray.exceptions.RayError as error:
                raise VoxletError(
                    f"its workers died, or their machines ({type(error).__name__})",
                    where=item,
                    remedy="give the cluster more memory, then the same command again",
                ) from error
            yield result


def _work(task: Task, item: Any) -> Any:
    return task(item)
