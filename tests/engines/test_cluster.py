"""Several machines make the same as one process, whichever of them dies on the way."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from stand_ins import StandInClassifier, stand_in_classifiers, tones
from synthetic import word, write_clip
from tiny_dataset import VOICE, KillsOnce, plan, tree
from voxlet.corpus.corpus import open_corpus
from voxlet.corpus.prepare import Preparation, prepare
from voxlet.datasets.build import MakeShard, make_dataset
from voxlet.datasets.stores import Folder
from voxlet.engines.cluster import RayCluster
from voxlet.engines.engine import SerialEngine
from voxlet.errors import VoxletError
from voxlet.evaluation.evaluate import evaluate
from voxlet.evaluation.reference import Reference


def test_a_worker_with_other_versions_refuses(tmp_path: Path) -> None:
    task = MakeShard(plan(), VOICE, Folder(tmp_path), (("numpy", "1.0"), ("voxlet", "0.0.1")))
    with pytest.raises(VoxletError, match=r"a worker has numpy 2.* instead of numpy 1\.0, voxlet 0\.0\.1"):
        task(plan().shards()[0])
    assert tree(tmp_path) == {}


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A Ray cluster of one node on this machine."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patched.setenv("PYTHONPATH", os.pathsep.join(sys.path))  # what workers import
        utils = pytest.importorskip("ray.cluster_utils")
        running = utils.Cluster(
            initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False}
        )
        yield running
        running.shutdown()


@dataclass(frozen=True)
class Losing:
    """Return a cluster that loses a node after some results."""

    engine: RayCluster
    cluster: Any
    node: Any

    def results(self, task, items):
        for number, result in enumerate(self.engine.results(task, items)):
            if number == 3:
                self.cluster.remove_node(self.node, allow_graceful=False)
            yield result


@pytest.mark.slow
def test_with_a_worker_and_a_node_killed_the_bytes_are_the_same(tmp_path: Path, cluster: Any) -> None:
    asked = plan(200)
    make_dataset(asked, VOICE, Folder(tmp_path / "here"), SerialEngine(), progress=False)
    engine = Losing(RayCluster(cluster.address), cluster, cluster.add_node(num_cpus=1))
    store = KillsOnce(tmp_path / "cluster", tmp_path / "killed")
    make_dataset(asked, VOICE, store, engine, progress=False)
    assert (tmp_path / "killed").exists()
    assert len(cluster.list_all_nodes()) == 1
    # A worker raises the same errors as this process.
    broken = replace(MakeShard(asked, b"no voice", store, ()), versions=())
    with pytest.raises(VoxletError, match="a worker has"):
        list(RayCluster(cluster.address).results(broken, asked.shards()))
    assert tree(tmp_path / "cluster") == tree(tmp_path / "here")


@dataclass(frozen=True)
class KillsFirst:
    """Return a task whose worker is killed at its second item, the first time."""

    task: Any
    mark: Path

    def __call__(self, item):
        if item.first and not self.mark.exists():
            self.mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return self.task(item)


@dataclass(frozen=True)
class Killing:
    """Return a cluster one of whose workers is killed."""

    engine: RayCluster
    mark: Path

    def results(self, task, items):
        return self.engine.results(KillsFirst(task, self.mark), items)


@pytest.mark.slow
def test_clips_are_prepared_and_measured_as_by_one_process(
    tmp_path: Path, cluster: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "words").mkdir()
    for take in range(120):
        write_clip(tmp_path / "words" / f"a_b_{take}.wav", word(0, 0, take), 8000)
    reference = Reference("tones", "stratified", tones(120, seed=1), tones(110, seed=2))
    classifiers = stand_in_classifiers(off_the_shelf=StandInClassifier())
    engines = {
        "here": (SerialEngine(), SerialEngine()),
        "cluster": (Killing(RayCluster(cluster.address), tmp_path / "killed"), RayCluster(cluster.address)),
    }
    corpora, rows, cards = [], [], []
    for name, (prepares, measures) in engines.items():
        monkeypatch.setenv("VOXLET_CACHE", str(tmp_path / name))
        corpora.append(open_corpus(tmp_path / "words", engine=measures))
        found = prepare(corpora[-1], Preparation(rate=8000), progress=False, engine=prepares)
        rows.append([(found.rows.folder / file).read_bytes() for file in ("audio.npy", "scales.npy")])
        only = ("recognition", "speaker", "memorisation", "attributes")
        clips = tones(110, seed=3)
        cards.append(evaluate(clips, reference, classifiers, only=only, progress=False, engine=measures))
        assert len(list((tmp_path / name / "scores").iterdir())) == 8
    assert (tmp_path / "killed").exists()
    assert corpora[0] == corpora[1]
    assert rows[0] == rows[1]
    assert cards[0] == cards[1]
