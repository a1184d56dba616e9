"""A pool of processes whose workers die."""

from __future__ import annotations

import os
import shutil
from functools import partial
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
    with pytest.raises(VoxletError, match=r"^5: 3 workers died"):
        list(
            LocalPool(2).results(DiesOnce(tmp_path, 5, always=True), range(8))
        )  # and no item in flight beside it


def test_workers_that_die_before_they_have_read_their_task_are_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As when a system short of memory kills the workers; the pipe to them holds some 64 kB."""
    from multiprocessing import resource_tracker, spawn

    resource_tracker.ensure_running()
    monkeypatch.setattr(spawn, "_python_exe", os.fsencode(shutil.which("false") or ""))
    with pytest.raises(VoxletError, match="workers died"):
        list(LocalPool(1).results(partial(max, bytes(1_000_000)), range(1)))
