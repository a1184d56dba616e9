"""`voxlet cache`: what it prints and what it removes."""

from __future__ import annotations

import json

from voxlet import files
from voxlet.cache import contents as cache
from voxlet.cli.main import main


def test_an_empty_cache_is_not_made(fresh_cache, capsys):
    assert main(["cache"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{fresh_cache} (VOXLET_CACHE)",
        "  nothing",
        "at most 10 GB without corpora (VOXLET_CACHE_GB); the least recently used goes first",
    ]
    assert not fresh_cache.exists()


def test_kinds_are_listed_and_cleared(fresh_cache, capsys):
    for kind, size in (("scores", 2_500), ("classifiers", 1_000_000)):
        (files.cache_folder(kind) / f"{'0' * 32}.x").write_bytes(bytes(size))
    assert main(["cache"]) == 0
    shown = [line.split()[:5] for line in capsys.readouterr().out.splitlines()[1:3]]
    assert shown == [["classifiers", "1", "file,", "1.0", "MB"], ["scores", "1", "file,", "2.5", "kB"]]
    assert main(["cache", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["limit"] == cache.DEFAULT_GB * 1e9
    assert said["kinds"]["scores"] == {"entries": 1, "files": 1, "bytes": 2500}
    assert main(["cache", "--clear", "scores"]) == 0
    assert capsys.readouterr().out == f"{fresh_cache}: removed 1 file, 2.5 kB\n"
    assert [entry.kind for entry in cache.entries()] == ["classifiers"]
    assert main(["cache", "--clear", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["removed"]["files"], said["in_use"]["files"]) == (1, 0)
    assert cache.entries() == []
    assert main(["cache", "--clear", "letters"]) == 2
    assert "prepared" in capsys.readouterr().err


def test_what_is_in_use_is_said_to_stay(fresh_cache, capsys):
    (files.cache_folder("downloads") / "fsdd-0123abcd.part").write_bytes(bytes(500))
    with files.exclusive(files.cache_folder("corpora") / "fsdd.lock"):
        assert main(["cache", "--clear", "downloads"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{fresh_cache}: removed 0 files, 0 B",
        "still there, since a process uses it or it is another user's: 1 file, 500 B",
    ]
