"""The same bytes in a folder, in memory and in S3; lost connections to stores."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from tiny_dataset import VOICE, plan, tree
from voxlet.datasets.build import make_dataset
from voxlet.datasets.stores import Folder, Remote, open_store
from voxlet.datasets.verify import verify
from voxlet.engines.engine import SerialEngine
from voxlet.errors import FileError

# In an environment of its own (`make .venv/moto.done`): it needs older packages than voxlet.
MOTO = Path(
    os.environ.get("VOXLET_MOTO") or Path(sys.executable).parent.parent / "moto" / "bin" / "moto_server"
)


def test_a_store_in_memory_gets_the_bytes_of_a_folder(tmp_path: Path) -> None:
    for place in (str(tmp_path), "memory://words/tiny/"):
        make_dataset(plan(format="parquet"), VOICE, open_store(place), SerialEngine(), progress=False)
    store = open_store("memory://words/tiny")
    assert isinstance(store, Remote)
    for name, data in tree(tmp_path).items():
        assert store.get(name) == data
    assert store.get("shards/none.json") is None
    assert store.names("nowhere") == set()
    assert verify(store).wrong == 0


def test_a_url_with_secrets_is_not_repeated() -> None:
    store = open_store("nosuch://me:secret@host/words")
    with pytest.raises(FileError) as caught:
        store.get("plan.json")
    assert "secret" not in str(caught.value)
    assert "nosuch://host/words" in str(caught.value)


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch):
    """Start moto's S3 on the loopback, with the bucket `words`; `end` stops it."""
    if not MOTO.exists():
        pytest.skip("moto is not installed: make .venv/moto.done")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [MOTO, "-H", "127.0.0.1", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}"
    for key, value in {
        "AWS_ACCESS_KEY_ID": "any", "AWS_SECRET_ACCESS_KEY": "any", "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": address, "AWS_EC2_METADATA_DISABLED": "true", "AWS_MAX_ATTEMPTS": "1",
    }.items():  # fmt: skip
        monkeypatch.setenv(key, value)
    deadline = time.monotonic() + 30
    while True:
        try:
            urllib.request.urlopen(
                urllib.request.Request(f"{address}/words", method="PUT"), timeout=5
            ).close()
            break
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    yield process
    process.kill()
    process.wait()


@pytest.mark.slow
def test_s3_gets_the_bytes_of_a_folder_and_its_loss_is_one_error(tmp_path: Path, s3) -> None:
    changes = {"format": "webdataset", "count": 30}
    make_dataset(plan(**changes), VOICE, Folder(tmp_path), SerialEngine(), progress=False)
    store = open_store("s3://words/tiny")
    make_dataset(plan(**changes), VOICE, store, SerialEngine(), progress=False)
    for name, data in tree(tmp_path).items():
        assert store.get(name) == data
    assert store.names("shards") == {path.name for path in (tmp_path / "shards").iterdir()}
    assert verify(store).wrong == 0
    s3.kill()
    s3.wait()
    with pytest.raises(FileError, match=r"s3://words/tiny/.*cannot be reached.*continues from there"):
        make_dataset(plan(**changes), VOICE, store, SerialEngine(), progress=False)
