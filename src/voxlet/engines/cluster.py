"""Run a task on the machines of a Ray cluster, with plain Ray Core tasks."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from voxlet.engines.engine import AHEAD, ATTEMPTS, Task
from voxlet.errors import VoxletError
from voxlet.extras import import_extra

PATIENCE = 10.0  # seconds to wait for a cluster's machine to answer; Ray itself waits for minutes
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}


@dataclass(frozen=True)
class RayCluster:
    """A running cluster at an address such as `10.0.0.1:6379`; `local` starts one on this machine."""

    address: str

    def results(self, task: Task, items: Iterable[Any]) -> Iterator[Any]:
        """See `Engine.results`.

        Raises:
            VoxletError: The cluster cannot be reached, or a worker runs other versions than this process.
        """
        os.environ.update(QUIET)  # read when ray is imported
        ray: Any = import_extra("ray", "cluster")
        try:
            _knock(self.address)
            ray.init(address=self.address, log_to_driver=False, logging_level="error", namespace="voxlet")
        except Exception as error:  # if a node does not start in time, Ray raises nothing more specific
            raise self._unreached(error) from error
        try:
            yield from _results(ray, task, iter(items))
        finally:
            ray.shutdown()

    def _unreached(self, error: Exception) -> VoxletError:
        cause: BaseException | None = error
        while cause is not None:
            if type(cause).__name__ == "AuthenticationError" or "InvalidAuthToken" in str(cause):
                return VoxletError(
                    "accepts only processes that have its token",
                    where=f"--ray {self.address}",
                    remedy="set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN unless ~/.ray/auth_token holds it",
                )
            cause = cause.__cause__ or cause.__context__
        return VoxletError(
            f"cannot be reached ({next(iter(str(error).splitlines()), '')[:200]})",
            where=f"--ray {self.address}",
            remedy="start the cluster, or leave --ray out",
        )


def _knock(address: str) -> None:
    """Connect once to an address such as `10.0.0.1:6379`; do nothing for other kinds of address.

    Raises:
        OSError: Nothing answers at the address.
    """
    host, _, port = address.rpartition(":")
    if port.isdecimal() and "/" not in host:
        socket.create_connection((host.strip("[]"), int(port)), PATIENCE).close()


def _results(ray: Any, task: Task, items: Iterator[Any]) -> Iterator[Any]:
    shared = ray.put(task)  # sent once per node, not with each item
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
            yield _result(ray, reference, flying.pop(reference))


def _result(ray: Any, reference: Any, item: Any) -> Any:
    """What a task returned; if the task raised an error, raises that error."""
    try:
        return ray.get(reference)
    except (ray.exceptions.RayTaskError, ray.exceptions.RayError) as error:
        cause = getattr(error, "cause", None)
        if cause is not None and not isinstance(cause, ray.exceptions.RayError):
            raise cause from None
        raise VoxletError(
            f"its workers or their machines died ({type(cause or error).__name__})",
            where=item,
            remedy="give the cluster more memory, then run the same command again",
        ) from error


def _work(task: Task, item: Any) -> Any:
    return task(item)
