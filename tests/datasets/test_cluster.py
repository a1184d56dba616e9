"""A data set made by several machines is that of one process, whatever dies in the middle."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tiny_dataset import VOICE, KillsOnce, plan, tree
from voxlet.datasets.build import MakeShard, make_dataset
from voxlet.datasets.cluster import RayCluster
from voxlet.datasets.engines import Here
from voxlet.datasets.stores import Folder
from voxlet.errors import VoxletError


def test_a_worker_with_other_versions_refuses(tmp_path: Path) -> None:
    task = MakeShard(plan(), VOICE, Folder(tmp_path), (("numpy", "1.0"), ("voxlet", "0.0.1")))
    with pytest.raises(VoxletError, match=r"a worker has numpy 2.* in place of numpy 1\.0, voxlet 0\.0\.1"):
        task(plan().shards()[0])
    assert tree(tmp_path) == {}


@dataclass(frozen=True)
class Losing:
    """A cluster that loses a node after some results."""

    engine: RayCluster
    cluster: Any
    node: Any

    def results(self, task, items):
        for number, result in enumerate(self.engine.results(task, items)):
            if number == 3:
                self.cluster.remove_node(self.node, allow_graceful=False)
            yield result


@pytest.mark.slow
def test_with_a_worker_and_a_node_killed_the_bytes_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))  # what workers import
    utils = pytest.importorskip("ray.cluster_utils")
    asked = plan(200)
    make_dataset(asked, VOICE, Folder(tmp_path / "here"), Here(), progress=False)
    cluster = utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        node = cluster.add_node(num_cpus=1)
        engine = Losing(RayCluster(cluster.address), cluster, node)
        store = KillsOnce(tmp_path / "cluster", tmp_path / "killed")
        make_dataset(asked, VOICE, store, engine, progress=False)
        assert (tmp_path / "killed").exists()
        assert len(cluster.list_all_nodes()) == 1
        # The errors of a worker are those of this process.
        broken = replace(MakeShard(asked, b"no voice", store, ()), versions=())
        with pytest.raises(VoxletError, match="a worker has"):
            list(RayCluster(cluster.address).results(broken, asked.shards()))
    finally:
        cluster.shutdown()
    assert tree(tmp_path / "cluster") == tree(tmp_path / "here")
