"""The cache: its kinds, its bound, and that no entry in use is removed."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from synthetic import every_word, write_clip
from voxlet import files
from voxlet.cache import contents as cache
from voxlet.cache import folder_locks
from voxlet.cli.main import main
from voxlet.corpus.corpus import open_corpus
from voxlet.corpus.prepare import Preparation, prepare
from voxlet.corpus.rows import stored
from voxlet.errors import ConfigError, FileError, LockedError

PREPARED, OTHER = "a" * 24, "b" * 24
SCORE = "0" * 32
needs_locks = pytest.mark.skipif(os.name == "nt", reason="open files cannot be removed there at all")


def put(kind: str, name: str, size: int = 1000, age: float = 0.0) -> Path:
    """Make a file in the cache that was last used `age` seconds ago."""
    path = files.cache_folder(kind) / name
    path.write_bytes(bytes(size))
    os.utime(path, (time.time() - age,) * 2)
    return path


def put_folder(name: str, size: int = 1000, age: float = 0.0, kind: str = "prepared") -> Path:
    folder = files.cache_folder(kind) / name
    folder.mkdir()
    (folder / "audio.npy").write_bytes(bytes(size))
    folder.with_suffix(".lock").touch()
    for path in (folder / "audio.npy", folder, folder.with_suffix(".lock")):
        os.utime(path, (time.time() - age,) * 2)
    return folder


def put_words(folder: Path, speakers: int, takes: int) -> Path:
    """Make a folder of labelled words."""
    for label, speaker, take, samples in every_word(speakers, takes):
        (folder / str(label)).mkdir(parents=True, exist_ok=True)
        write_clip(folder / str(label) / f"{speaker}_nohash_{take}.wav", samples)
    return folder


def names() -> set[str]:
    return {path.name for path in files.cache_path().rglob("*") if path.is_file()}


def test_entries_are_counted_by_kind(fresh_cache):
    assert cache.entries() == []
    assert not fresh_cache.exists()
    put_folder(PREPARED, 5000)
    put("scores", f"{SCORE}.json", 70, age=60)
    put("downloads", "fsdd-0123abcd.part", 800)
    put("downloads", "fsdd-0123abcd.json", 20)
    found = {entry.kind: entry for entry in cache.entries()}
    assert {kind: (entry.name, entry.files, entry.size) for kind, entry in found.items()} == {
        "prepared": (PREPARED, 2, 5000),
        "scores": (SCORE, 1, 70),
        "downloads": ("fsdd-0123abcd", 2, 820),
    }
    assert found["scores"].used == pytest.approx(time.time() - 60, abs=5)


def test_only_names_that_voxlet_gives_are_touched(fresh_cache):
    """The variable may name a folder in which a user keeps scores, downloads and recordings."""
    put("scores", "beethoven.json")
    put("downloads", "a letter.pdf")
    put("scans", "passport.json")
    put_folder("my_words", kind="corpora").with_suffix(".lock").unlink()
    assert cache.entries() == []


def test_removing_leaves_nothing(fresh_cache):
    put_folder(PREPARED)
    put_folder("fsdd", kind="corpora")
    put("corpora", "fsdd.digest")
    put("downloads", "fsdd-0123abcd.part")
    put("scans", f"{OTHER}.json")
    assert all(cache.remove(entry) for entry in cache.entries())
    assert names() == set()


def test_the_least_recently_used_goes_first(fresh_cache, monkeypatch):
    monkeypatch.setenv(cache.LIMIT_VARIABLE, "0.000005")  # 5,000 bytes
    oldest = put_folder(PREPARED, 2000, age=300)
    put("scores", f"{SCORE}.json", 2000, age=200)
    put_folder("fsdd", 50_000, age=400, kind="corpora")  # fetched recordings do not count
    newest = files.cache_folder("scans") / f"{OTHER}.json"
    cache.touch(oldest)
    cache.write(newest, bytes(2000))
    assert names() == {f"{OTHER}.json", "audio.npy", f"{PREPARED}.lock", "fsdd.lock"}
    assert oldest.is_dir()
    monkeypatch.setenv(cache.LIMIT_VARIABLE, "inf")
    cache.write(files.cache_folder("scores") / f"{SCORE}.json", bytes(9000))
    assert oldest.is_dir()
    monkeypatch.setenv(cache.LIMIT_VARIABLE, "0")
    cache.shrink()
    assert names() == {"audio.npy", "fsdd.lock"}


@pytest.mark.parametrize("value", ["-1", "many", "nan", "10 GB"])
def test_a_limit_that_is_no_number(fresh_cache, monkeypatch, value):
    monkeypatch.setenv(cache.LIMIT_VARIABLE, value)
    with pytest.raises(
        ConfigError, match=rf"VOXLET_CACHE_GB: '{value}' is not a number of gigabytes; give 0 or more"
    ):
        cache.limit()
    for remedy in ("0", "inf"):
        monkeypatch.setenv(cache.LIMIT_VARIABLE, remedy)
        cache.limit()


def test_no_home_folder_is_one_line(monkeypatch, tmp_path):
    def lost() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv(files.CACHE_VARIABLE, raising=False)
    monkeypatch.setattr(Path, "home", lost)
    with pytest.raises(FileError, match="no home folder for the cache; set VOXLET_CACHE"):
        files.cache_path()
    monkeypatch.setenv(files.CACHE_VARIABLE, str(tmp_path))
    assert files.cache_folder("scans").is_dir()


def test_a_user_without_a_home_folder_speaks(tmp_path, monkeypatch, capsys):
    """As in containers that run under an arbitrary user id."""
    for variable in (files.CACHE_VARIABLE, "VOXLET_VOICES", "XDG_DATA_HOME", "MPLCONFIGDIR"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    monkeypatch.chdir(tmp_path)
    assert main(["say", "4", "-o", "a.wav"]) == 0
    assert main(["voices"]) == 0
    assert main(["doctor"]) == 0
    assert (tmp_path / "a.wav").stat().st_size > 1000
    assert capsys.readouterr().err == ""
    assert main(["cache"]) == 2
    assert (
        capsys.readouterr().err
        == "voxlet: there is no home folder for the cache; set VOXLET_CACHE to a folder\n"
    )
    assert list(tmp_path.iterdir()) == [tmp_path / "a.wav"]  # and no folder named ~


def test_what_is_unfinished_goes_when_it_is_a_day_old(fresh_cache):
    young = put("scans", f".{OTHER}.json.1234abcd.part")
    put("scans", f".{PREPARED}.json.1234abcd.part", age=2 * files.ABANDONED_SECONDS)
    removed = [cache.remove(entry) for entry in cache.entries()]
    assert sorted(removed) == [False, True]
    assert names() == {young.name}


def test_what_goes_while_it_is_listed_is_not_taken_for_old(fresh_cache, monkeypatch):
    """Another process may recreate the folder, which must not be removed for the age of the old one."""
    parts = put_folder(f".{PREPARED}.parts")
    look = cache._statuses

    def gone(path):
        if path == parts:
            shutil.rmtree(path, ignore_errors=True)
        return look(path)

    with monkeypatch.context() as patch:
        patch.setattr(cache, "_statuses", gone)
        found = cache.entries()
    assert [entry for entry in found if entry.paths[0] == parts] == []
    parts.mkdir()
    assert not any(cache.remove(entry) for entry in cache.entries() if entry.paths[0] == parts)


def test_what_may_not_be_looked_at_hinders_nobody(fresh_cache, monkeypatch, capsys):
    """Such as another user's entry in the same cache."""
    shut = put_folder(PREPARED, age=1000.0)
    mine = put("scores", f"{SCORE}.json", age=500.0)
    monkeypatch.setenv(cache.LIMIT_VARIABLE, "0.000001")
    look, move = Path.iterdir, Path.rename

    def refuse(function):
        def refusing(path, *more):
            if path == shut:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
            return function(path, *more)

        return refusing

    monkeypatch.setattr(Path, "iterdir", refuse(look))
    monkeypatch.setattr(Path, "rename", refuse(move))
    cache.shrink()
    assert shut.exists()
    assert main(["cache"]) == 0
    assert main(["cache", "--clear"]) == 0
    assert "another user's" in capsys.readouterr().out
    assert shut.exists()
    assert not mine.exists()


HOLDER = """
import sys
from voxlet.cache import contents as cache
from voxlet.cache import folder_locks
from voxlet.files import cache_path, exclusive
kind, name = sys.argv[1:]
if kind == "build":
    with exclusive(cache_path("prepared", name + ".lock")):
        print("ready", flush=True)
        input()
else:
    cache.hold(cache_path(kind, name))
    print("ready", flush=True)
    input()
"""


@needs_locks
@pytest.mark.parametrize("use", ["prepared", "build", "corpora"])
def test_nothing_goes_that_another_process_uses(fresh_cache, monkeypatch, use):
    monkeypatch.setenv(cache.LIMIT_VARIABLE, "0")
    name = "fsdd" if use == "corpora" else PREPARED
    folder = put_folder(name, kind="corpora" if use == "corpora" else "prepared")
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, use, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as user:
        assert user.stdout.readline() == b"ready\n"
        (entry,) = cache.entries()
        assert not cache.remove(entry)
        cache.shrink()
        assert (folder / "audio.npy").is_file()
        user.communicate(b"\n")
    assert cache.remove(entry)  # its lock ended with the process
    assert names() == set()


@needs_locks
def test_a_download_that_runs_keeps_its_archive(fresh_cache):
    put("downloads", "fsdd-0123abcd.part")
    (entry,) = cache.entries()
    with files.exclusive(files.cache_folder("corpora") / "fsdd.lock"):
        assert not cache.remove(entry)
    assert cache.remove(entry)


@needs_locks
def test_prepared_clips_stay_while_they_are_used_and_are_made_again(fresh_cache, tmp_path, monkeypatch):
    words = put_words(tmp_path / "words", 2, 3)
    monkeypatch.setenv(cache.LIMIT_VARIABLE, "0")
    corpus = open_corpus(words)
    prepared = prepare(corpus, Preparation(rate=8000), progress=False)
    first = prepared.rows.read(slice(None))
    (entry,) = cache.entries(["prepared"])
    assert not cache.remove(entry)
    del prepared
    assert cache.remove(entry)
    np.testing.assert_array_equal(
        prepare(corpus, Preparation(rate=8000), progress=False).rows.read(slice(None)), first
    )


@needs_locks
@pytest.mark.follows("cache/folder_locks.py: run the same command again")
def test_prepared_clips_that_are_being_removed_are_not_taken(fresh_cache, tmp_path):
    """A process that arrives after they are locked for removal and before they are gone makes them again."""
    words = put_words(tmp_path / "words", 2, 3)
    folder = prepare(open_corpus(words), Preparation(rate=8000), progress=False).rows.folder
    handle = folder_locks.lock_for_removal(folder)
    assert stored.load_rows(folder) is None
    with pytest.raises(LockedError, match="is being removed; run the same command again"):
        cache.hold(folder)
    os.close(handle)
    assert stored.load_rows(folder) is not None


@needs_locks
@pytest.mark.parametrize("lock", [folder_locks.lock_for_use, folder_locks.lock_for_removal])
def test_a_folder_that_was_moved_aside_before_it_was_locked_is_not_held(tmp_path, monkeypatch, lock):
    """Even if a new folder is in its place, the lock would be on the old one."""
    folder = tmp_path / "entry"
    folder.mkdir()
    opened = os.open

    def moved(path, flags):
        handle = opened(path, flags)
        folder.rename(tmp_path / "aside")
        folder.mkdir()
        return handle

    monkeypatch.setattr(os, "open", moved)
    with pytest.raises(LockedError, match="was removed"):
        lock(folder)


@needs_locks
def test_a_folder_that_cannot_be_opened_is_refused_in_a_line(tmp_path, monkeypatch):
    def refused(path, flags):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(LockedError, match=r"cannot be opened \(Permission denied\)"):
        cache.hold(tmp_path)


@needs_locks
def test_a_lock_goes_only_with_who_has_it(fresh_cache):
    """Another process has removed the entry since it was listed, and now it is being rebuilt."""
    folder = put_folder(PREPARED)
    [entry] = cache.entries()
    shutil.rmtree(folder)
    folder.with_suffix(".lock").unlink()
    with files.exclusive(folder.with_suffix(".lock")):
        cache.remove(entry)
        assert folder.with_suffix(".lock").exists()
        with pytest.raises(LockedError), files.exclusive(folder.with_suffix(".lock"), wait=False):
            pass
        folder.mkdir()
        assert not cache.remove(entry)
        assert folder.is_dir()


@needs_locks
def test_a_lock_that_is_made_while_an_entry_goes_stays(fresh_cache, monkeypatch):
    """The builder makes its lock after the check found none and before the entry is removed."""
    path = put("scores", f"{SCORE}.json")
    lock = put("scores", f"{SCORE}.lock")
    [entry] = cache.entries()
    lock.unlink()
    removed = cache._remove
    monkeypatch.setattr(cache, "_remove", lambda path: (lock.touch(), removed(path)))
    assert cache.remove(entry)
    assert (path.exists(), lock.exists()) == (False, True)


@needs_locks
def test_what_is_abandoned_goes_unless_its_entry_is_built(fresh_cache):
    folder = put_folder(f".{PREPARED}.parts", age=2 * files.ABANDONED_SECONDS)
    folder.with_suffix(".lock").unlink()
    [entry] = cache.entries()
    with files.exclusive(files.cache_folder("prepared") / f"{PREPARED}.lock"):
        assert not cache.remove(entry)
    assert cache.remove(entry)
    assert names() == {f"{PREPARED}.lock"}


@pytest.mark.slow
@needs_locks
def test_processes_that_add_and_remove_at_once_hinder_nobody(fresh_cache, tmp_path):
    """Each prepares the same clips repeatedly while the bound is 0, and each reads them whole."""
    words = put_words(tmp_path / "words", 2, 2)
    code = """
import sys
from voxlet.cache import contents as cache
from voxlet.cache import folder_locks
from voxlet.corpus.corpus import open_corpus
from voxlet.corpus.prepare import Preparation, prepare
from voxlet.corpus.rows import stored
corpus = open_corpus(sys.argv[1])
for _ in range(20):
    prepared = prepare(corpus, Preparation(rate=8000), progress=False)
    print(float(abs(prepared.rows.read(slice(None))).sum()))
    del prepared
    cache.shrink()
"""
    environment = {**os.environ, cache.LIMIT_VARIABLE: "0"}
    command = [sys.executable, "-c", code, str(words)]
    running = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    said = [process.communicate() for process in running]
    assert [errors for _, errors in said] == [b""] * 3
    assert len({line for out, _ in said for line in out.split()}) == 1
