"""A pool of processes whose workers die."""

from __future__ import annotations

from pathlib import Path

import pytest

from tiny_dataset import DiesOnce
from voxlet.engines.pool import LocalPool
from voxlet.errors import VoxletError


@pytest.mark.slow
def test_an_item_whose_worker_dies_is_done_again(tmp_path: Path) -> None:
    found = list(LocalPool(2).results(DiesOnce(tmp_path, 3), range(8)))
    assert sorted(found) == [item * item for item in range(8)]
    assert (tmp_path / "died").exists()


@pytest.mark.slow
def test_an_item_at_which_workers_always_die_is_named(tmp_path: Path) -> None:
    with pytest.raises(VoxletError, match="workers died"):
        list(LocalPool(1).results(DiesOnce(tmp_path, 0, always=True), range(1)))
