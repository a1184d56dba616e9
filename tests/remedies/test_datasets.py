"""Following the remedies in messages about data sets."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from messages import message
from tiny_dataset import VOICE, DiesOnce, plan, tree
from voxlet.cli.main import main
from voxlet.datasets.build import MakeShard, make_dataset
from voxlet.datasets.check import Check
from voxlet.datasets.stores import Folder, Remote, open_store
from voxlet.datasets.verify import verify
from voxlet.datasets.versions import made_with
from voxlet.engines import cluster
from voxlet.engines.choice import chosen_engine
from voxlet.engines.cluster import RayCluster
from voxlet.engines.engine import SerialEngine
from voxlet.engines.pool import LocalPool
from voxlet.errors import ConfigError, FileError, VoiceError, VoxletError

follows = pytest.mark.follows


@pytest.fixture
def words(tmp_path: Path) -> Path:
    """Make a small data set."""
    make(tmp_path / "words")
    return tmp_path / "words"


def make(place: Path | str, count: int = 12, **changes) -> None:
    make_dataset(plan(count, **changes), VOICE, open_store(str(place)), SerialEngine(), progress=False)


@follows("datasets/plan.py: give … to …")
def test_numbers_within_bounds() -> None:
    for changes in ({"count": 0}, {"count": 5, "shard": 0}, {"count": 5, "unknown": 2.0, "labels": ("one",)}):
        line = message(ConfigError, plan, **changes)
        least, most = re.findall(r"give (\S+) to (\S+)$", line)[0]
        name = next(name for name in ("count", "shard", "unknown") if line.startswith(f"--{name}"))
        for value in (least, most):
            plan(**{**changes, name: type(changes[name])(float(value))})


@follows("datasets/plan.py: name fewer --labels than the voice has")
def test_other_words_for_the_unknown() -> None:
    message(ConfigError, plan, unknown=0.2)
    assert plan(unknown=0.2, labels=("one", "two")).others


@follows("datasets/plan.py: give --held-out 0,0, or --styles fresh instead of --speakers")
def test_enough_speakers_for_the_splits() -> None:
    message(ConfigError, plan, speakers=("ann", "bob"))
    assert plan(speakers=("ann", "bob"), held_out=(0.0, 0.0)).speakers_by_split["train"]
    assert plan().speaker_count("test")


@follows("datasets/request.py: it has: …")
def test_labels_that_the_voice_has() -> None:
    for key, mine in (("labels", "yes"), ("speakers", "eve")):
        named = message(VoiceError, plan, **{key: (mine,)}).partition("it has: ")[2].split(", ")
        assert plan(**{key: tuple(named)}, held_out=(0.0, 0.0))


@follows("datasets/stores.py: when it can be written, run the same command again: it continues from there")
def test_a_folder_that_can_be_written_again(tmp_path: Path, small_disk: Path) -> None:
    message(FileError, make, small_disk / "words", 60)
    whole = small_disk.parent / "moved"
    shutil.copytree(small_disk / "words", whole)
    make(whole, 60)
    verify(Folder(whole)).checked(Folder(whole))


@follows(
    "datasets/stores.py: when the store can be reached, run the same command again: it continues from there"
)
def test_a_store_that_can_be_reached_again(monkeypatch: pytest.MonkeyPatch) -> None:
    import fsspec.implementations.memory

    memory = fsspec.implementations.memory.MemoryFileSystem
    plain, written = memory.pipe_file, []

    def failing(self, path, value, **options):
        written.append(path)
        if len(written) == 9:
            raise ConnectionResetError("reset by peer")
        plain(self, path, value, **options)

    monkeypatch.setattr(memory, "pipe_file", failing)
    message(FileError, make, "memory://again/words", 60)
    make("memory://again/words", 60)
    verify(Remote("memory://again/words")).checked(Remote("memory://again/words"))


@follows("datasets/stores.py: give a folder")
def test_a_folder_and_no_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    message(FileError, open_store, str(tmp_path / "file"))
    make(tmp_path / "folder")


@follows("engines/choice.py: give 1 to …")
def test_a_number_of_workers() -> None:
    most = message(ConfigError, chosen_engine, 0, None).rpartition(" ")[2]
    assert chosen_engine(int(most), None) == LocalPool(int(most))
    assert chosen_engine(1, None) == SerialEngine()


@pytest.mark.slow
@follows("engines/pool.py: give it more memory, or fewer --workers")
def test_workers_that_have_enough(tmp_path: Path) -> None:
    message(VoxletError, lambda: list(LocalPool(1).results(DiesOnce(tmp_path, 0, always=True), [0])))
    assert list(LocalPool(1).results(DiesOnce(tmp_path, 0), [0])) == [0]


@dataclass
class NoRay:
    """Stands for a Ray that can neither start a cluster nor find one."""

    error: Exception

    def init(self, **options):
        raise self.error


@follows("engines/cluster.py: start the cluster, or leave --ray out")
def test_a_cluster_that_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = plan(12), VOICE, Folder(tmp_path)
    engine = chosen_engine(None, "127.0.0.1:1")
    assert engine == RayCluster("127.0.0.1:1")
    nobody = AssertionError("Ray is not asked where nobody answers: it would wait for minutes")
    monkeypatch.setattr(cluster, "import_extra", lambda *names: NoRay(nobody))
    assert "Connection refused" in message(VoxletError, make_dataset, *asked, engine, progress=False)
    for error in (ConnectionError("Failed to connect to GCS"), Exception("The current node timed out")):
        monkeypatch.setattr(cluster, "import_extra", lambda *names, error=error: NoRay(error))
        message(VoxletError, make_dataset, *asked, RayCluster("auto"), progress=False)
    make_dataset(*asked, SerialEngine(), progress=False)


class LostError(Exception):
    """Stands for the error that Ray raises if a worker keeps dying, and for the base class of its errors."""


@dataclass
class RayThatLosesWorkers:
    """Stands for a Ray whose workers die at every item, or at none."""

    loses: bool
    exceptions = SimpleNamespace(RayTaskError=KeyError, RayError=LostError)

    def __post_init__(self) -> None:
        self.init = self.shutdown = lambda **options: None
        self.cluster_resources = dict
        self.put = lambda task: task
        self.remote = lambda **options: lambda work: SimpleNamespace(remote=lambda *given: (work, given))

    def wait(self, flying, num_returns):
        return flying[:1], flying[1:]

    def get(self, reference):
        if self.loses:
            raise LostError
        work, given = reference
        return work(*given)


@follows("engines/cluster.py: give the cluster more memory, then run the same command again")
def test_a_cluster_that_has_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path / "here")
    for loses in (True, False):
        monkeypatch.setattr(cluster, "import_extra", lambda *names, loses=loses: RayThatLosesWorkers(loses))
        asked = (plan(12), VOICE, Folder(tmp_path / "words"), RayCluster("auto"))
        if loses:
            message(VoxletError, make_dataset, *asked, progress=False)
        else:
            make_dataset(*asked, progress=False)
    assert tree(tmp_path / "words") == tree(tmp_path / "here")


@follows("engines/cluster.py: set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN unless ~/.ray/auth_token holds it")
def test_a_cluster_that_wants_its_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Guarded(RayThatLosesWorkers):
        """Refuse as Ray 2.60 does: with an error that names the token in the cause of its cause."""

        def init(self, **options):
            if os.environ.get("RAY_AUTH_MODE") != "token":
                try:
                    raise RuntimeError("Failed to connect to GCS. RPC error: InvalidAuthToken: missing")
                except RuntimeError as error:
                    raise ConnectionError("Failed to connect to Ray cluster") from error

        def __post_init__(self) -> None:
            asks = self.init
            super().__post_init__()
            self.init = asks

    monkeypatch.setattr(cluster, "import_extra", lambda *names: Guarded(loses=False))
    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)
    asked = plan(12), VOICE, Folder(tmp_path / "words"), RayCluster("auto")
    message(VoxletError, make_dataset, *asked, progress=False)
    monkeypatch.setenv("RAY_AUTH_MODE", "token")
    assert make_dataset(*asked, progress=False)["splits"]["train"]["clips"] == 10


@follows("engines/versions.py: install the same versions on every machine")
def test_the_same_versions(tmp_path: Path) -> None:
    shard = plan(12).shards()[0]
    old = (("voxlet", "0.0.1"),)
    message(VoxletError, MakeShard(plan(12), VOICE, Folder(tmp_path), old), shard)
    same = tuple(sorted(made_with(plan(12))["versions"].items()))
    assert MakeShard(plan(12), VOICE, Folder(tmp_path), same)(shard)["clips"] == shard.stop - shard.start


@follows("datasets/build.py: give --out another folder")
def test_another_folder(words: Path, tmp_path: Path) -> None:
    before = tree(words)
    message(ConfigError, make, words, seed=4)
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "plan.json").write_text("{}")
    message(FileError, make, tmp_path / "foreign")
    make(tmp_path / "other", seed=4)
    assert tree(words) == before


@follows("datasets/check.py: leave --check out")
def test_without_a_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pocketsphinx")
    import tiny_voice

    strange = tiny_voice.info(labels=("xyzzy", "one"))
    monkeypatch.setattr("tiny_voice.info", lambda: strange)
    message(ConfigError, Check, plan(labels=("xyzzy",), check="pocketsphinx"))
    assert plan(labels=("xyzzy",)).check is None


@follows("datasets/verify.py: give the folder or URL of one")
def test_a_folder_with_a_data_set(words: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message(FileError, verify, Folder(words.parent))
    assert main(["dataset", "verify", str(words)]) == 0
    assert "12 clips in 3 shards" in capsys.readouterr().out


@follows("datasets/verify.py: repeat the command that made the data set")
def test_a_card_written_again(words: Path) -> None:
    whole = tree(words)
    (words / "dataset.json").unlink()
    message(FileError, verify(Folder(words)).checked, Folder(words))
    make(words)
    assert tree(words) == whole


@follows("datasets/verify.py: remove …, then repeat the command that made the data set")
def test_a_shard_made_again(words: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = tree(words)
    (words / "train/00000/000000003.wav").write_bytes(b"damaged")
    assert main(["dataset", "verify", str(words)]) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    for record in re.findall(r"shards/\S+?\.json", line):
        (words / record).unlink()
    make(words)
    assert tree(words) == whole


@follows("datasets/card.py: remove its folder shards, then repeat the command that made the data set")
def test_all_made_again(words: Path) -> None:
    whole = tree(words)
    (words / "rows" / "train-00000.csv").unlink()
    message(FileError, make, words)
    shutil.rmtree(words / "shards")
    make(words)
    assert tree(words) == whole


@follows("datasets/card.py: remove it, then repeat the command that made the data set")
def test_a_record_written_again(words: Path) -> None:
    whole = tree(words)
    (words / "shards" / "train-00000.json").write_bytes(b"")
    line = message(FileError, make, words)
    Path(line.partition(": ")[0]).unlink()
    make(words)
    assert tree(words) == whole


@follows("datasets/verify.py: remove it, then repeat the command that made the data set")
def test_a_plan_written_again(words: Path) -> None:
    whole = tree(words)
    (words / "plan.json").write_bytes(b"")
    line = message(FileError, verify, Folder(words))
    Path(line.partition(": ")[0]).unlink()
    make(words)
    assert tree(words) == whole


@follows("datasets/build.py: remove it, then repeat the command that made the data set")
def test_a_damaged_plan_written_again(words: Path) -> None:
    whole = tree(words)
    (words / "plan.json").write_bytes(whole["plan.json"][:40])
    line = message(FileError, make, words)
    Path(line.partition(": ")[0]).unlink()
    make(words)
    assert tree(words) == whole
