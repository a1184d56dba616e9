"""Files that appear whole or not at all: full disks, links, pipes, devices, killed writers, locks, names."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from voxlet import files, interrupts
from voxlet.errors import FileError, LockedError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="links, pipes and modes of POSIX")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def background(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Start a Python process that runs `code` and reports so on its standard output."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


# --- files


def test_a_file_appears_when_it_is_whole(tmp_path):
    target = tmp_path / "a"
    with files.atomic_file(target) as file:
        file.write(b"one")
        file.flush()
        assert not target.exists()
    assert target.read_bytes() == b"one"
    with contextlib.suppress(ZeroDivisionError), files.atomic_file(target) as file:
        file.write(b"two")
        raise ZeroDivisionError
    assert target.read_bytes() == b"one"
    assert names(tmp_path) == ["a"]


def test_modes_are_those_of_the_umask_or_of_the_file_before(tmp_path):
    before = os.umask(0o077)
    try:
        files.write_atomically(tmp_path / "a", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600
    (tmp_path / "a").chmod(0o640)
    files.write_atomically(tmp_path / "a", b"again")
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


def test_a_name_may_be_as_long_as_names_can_be(tmp_path):
    files.write_atomically(tmp_path / ("x" * 255), b"long")
    assert (tmp_path / ("x" * 255)).read_bytes() == b"long"


def test_a_full_disk_leaves_what_was_there(small_disk):
    files.write_atomically(small_disk / "a", b"whole")
    with pytest.raises(FileError, match=r"a: cannot be written \(No space left on device\)"):
        files.write_atomically(small_disk / "a", bytes(100_000))
    assert (small_disk / "a").read_bytes() == b"whole"
    assert names(small_disk) == ["a"]


@pytest.mark.follows("files/whole.py: name a file in it")
def test_a_missing_folder_and_a_folder_in_the_way(tmp_path):
    with pytest.raises(FileError, match="No such file or directory"):
        files.write_atomically(tmp_path / "missing" / "a", b"")
    (tmp_path / "folder").mkdir()
    for folder in (tmp_path / "folder", tmp_path, ""):
        with pytest.raises(FileError, match=r"is a folder; name a file in it$"):
            files.write_atomically(folder, b"")
    assert names(tmp_path) == ["folder"]
    files.write_atomically(tmp_path / "folder" / "a", b"")  # as the message says


@pytest.mark.parametrize("linking", [True, False])
def test_a_new_file_takes_no_other_s_place(tmp_path, monkeypatch, linking: bool):
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "no links here")

    if not linking:
        monkeypatch.setattr(os, "link", refuse)
    path = tmp_path / "a"
    files.write_new(path, b"first")
    with pytest.raises(FileExistsError):
        files.write_new(path, b"second")
    assert (names(tmp_path), path.read_bytes()) == (["a"], b"first")
    with pytest.raises(FileError, match="No such file or directory"):
        files.write_new(tmp_path / "missing" / "a", b"")


def test_of_many_that_write_one_new_file_one_does(tmp_path):
    def write(number: int) -> bool:
        try:
            files.write_new(tmp_path / "a", str(number).encode() * 1000)
        except FileExistsError:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        written = list(threads.map(write, range(8)))
    assert sum(written) == 1
    assert (tmp_path / "a").read_bytes() == str(written.index(True)).encode() * 1000
    assert names(tmp_path) == ["a"]


@pytest.mark.skipif(getattr(os, "geteuid", int)() == 0, reason="root may write anywhere")
def test_a_read_only_folder(tmp_path):
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(FileError, match="Permission denied"):
            files.write_atomically(tmp_path / "a", b"")
        with pytest.raises(FileError, match="the folder cannot be made"):
            files.make_folder(tmp_path / "b")
    finally:
        tmp_path.chmod(0o755)


def test_a_read_only_disk(small_disk):
    files.write_atomically(small_disk / "a", b"whole")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(FileError, match="Read-only file system"):
        files.write_atomically(small_disk / "a", b"other")
    with pytest.raises(FileError, match="the folder cannot be made"):
        files.make_folder(small_disk / "b")
    assert (small_disk / "a").read_bytes() == b"whole"


def test_symbolic_links_are_followed_and_stay(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").write_bytes(b"old")
    (tmp_path / "near").symlink_to("there/file")
    (tmp_path / "far").symlink_to(tmp_path / "near")
    (tmp_path / "new").symlink_to("there/new")
    files.write_atomically(tmp_path / "far", b"followed")
    files.write_atomically(tmp_path / "new", b"made")
    assert (tmp_path / "there" / "file").read_bytes() == b"followed"
    assert (tmp_path / "there" / "new").read_bytes() == b"made"
    assert all((tmp_path / name).is_symlink() for name in ("near", "far", "new"))
    assert names(tmp_path / "there") == ["file", "new"]
    (tmp_path / "round").symlink_to("round")
    with pytest.raises(FileError, match="Too many levels of symbolic links"):
        files.write_atomically(tmp_path / "round", b"")


def test_a_pipe_gets_all_at_the_end_and_stays(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    received = []
    reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()))
    reader.start()
    with files.atomic_file(pipe) as file:
        file.write(b"...body")
        file.seek(0)
        file.write(b"the")  # like a header that is filled in last
        assert not received
    reader.join()
    assert received == [b"thebody"]
    assert pipe.is_fifo()


def test_a_pipe_whose_reader_goes_away(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: os.close(os.open(pipe, os.O_RDONLY)))
    reader.start()
    with pytest.raises(FileError, match=r"pipe: cannot be written \(Broken pipe\)"):
        files.write_atomically(pipe, bytes(10_000_000))
    reader.join()


def test_a_device_is_written_to_and_stays():
    files.write_atomically("/dev/null", b"nothing")
    assert Path("/dev/null").is_char_device()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
def test_a_full_device(tmp_path):
    with pytest.raises(FileError, match=r"/dev/full: cannot be written \(No space left on device\)"):
        files.write_atomically("/dev/full", b"something")
    (tmp_path / "link").symlink_to("/dev/full")
    with pytest.raises(FileError, match="No space left on device"):
        files.write_atomically(tmp_path / "link", b"something")


def test_an_open_descriptor_goes_on_where_it_stands(tmp_path):
    with (tmp_path / "a").open("wb") as file:
        file.write(b"head ")
        file.flush()
        (tmp_path / "link").symlink_to(f"/dev/fd/{file.fileno()}")
        files.write_atomically(f"/dev/fd/{file.fileno()}", b"one ")
        files.write_atomically(tmp_path / "link", b"two ")
        file.write(b"tail")
    assert (tmp_path / "a").read_bytes() == b"head one two tail"
    with pytest.raises(FileError, match="Bad file descriptor"):
        files.write_atomically("/dev/fd/987", b"")


@pytest.mark.parametrize(
    ("path", "number"), [("/dev/stdout", 1), ("/dev/fd/2", 2), ("/proc/self/fd/7", 7), ("/dev/null", None)]
)
def test_paths_of_descriptors(path, number, tmp_path):
    assert files.descriptor_of(path) == number
    (tmp_path / "link").symlink_to(path)
    assert files.descriptor_of(tmp_path / "link") == number


def test_a_killed_writer_leaves_no_file(tmp_path):
    code = """
import sys, time
from voxlet import files, interrupts
with files.atomic_file(sys.argv[1]) as file:
    file.write(bytes(100_000)); file.flush()
    print("writing", flush=True)
    time.sleep(60)
"""
    (tmp_path / "a").write_bytes(b"before")
    for name, before in (("a", b"before"), ("b", None)):
        writer = background(code, tmp_path / name)
        assert writer.stdout.readline() == "writing\n"
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        assert (tmp_path / name).exists() == (before is not None)
    assert (tmp_path / "a").read_bytes() == b"before"
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")] == ["a"]


# --- folders


def test_a_folder_is_made_where_a_link_leads(tmp_path):
    link = tmp_path / "link"
    link.symlink_to("deep/folder")
    for _ in range(2):
        assert files.make_folder(link / "inner") == link / "inner"
    assert (tmp_path / "deep" / "folder" / "inner").is_dir()
    assert link.is_symlink()
    (tmp_path / "round").symlink_to("round")
    (tmp_path / "file").write_text("")
    for name in ("round", "round/inner", "file", "file/inner"):
        with pytest.raises(FileError, match="the folder cannot be made"):
            files.make_folder(tmp_path / name)


def test_a_folder_appears_when_it_is_whole(tmp_path):
    target = tmp_path / "made"
    with files.atomic_folder(target, durable=True) as building:
        (building / "deep").mkdir()
        (building / "deep" / "a").write_text("one")
        assert not target.exists()
    assert (target / "deep" / "a").read_text() == "one"
    with files.atomic_folder(target) as building:
        (building / "b").write_text("two")
    assert names(target) == ["b"]
    with contextlib.suppress(ZeroDivisionError), files.atomic_folder(tmp_path / "other") as building:
        (building / "c").write_text("three")
        raise ZeroDivisionError
    assert names(tmp_path) == ["made"]


def test_the_folder_that_another_process_finished_first_stays(tmp_path):
    with files.atomic_folder(tmp_path / "made") as building:
        (building / "mine").write_text("")
        (tmp_path / "made").mkdir()
        (tmp_path / "made" / "theirs").write_text("")
    assert names(tmp_path / "made") == ["theirs"]
    assert names(tmp_path) == ["made"]


def test_folders_that_others_take_away_meanwhile_are_no_obstacle(tmp_path, monkeypatch):
    (tmp_path / ".made.abcdefgh").symlink_to("nowhere")  # is found, but cannot be looked at
    (tmp_path / "made").mkdir()
    plain = Path.rename

    def taken_first(path, target):
        if path == tmp_path / "made":
            path.rmdir()
        return plain(path, target)

    monkeypatch.setattr(Path, "rename", taken_first)
    with files.atomic_folder(tmp_path / "made") as building:
        (building / "mine").write_text("")
    assert names(tmp_path / "made") == ["mine"]


def test_abandoned_folders_are_removed_and_young_ones_are_not(tmp_path):
    """Folders of others with similar names are not removed either."""
    others = [".made.abcdefghi", ".made.notes", ".made.v2.abcdefgh", ".other.abcdefgh"]
    for name, age in (
        *((one, 2e9) for one in (".made.abcdefgh", ".made.12345678.stale", *others)),
        (".made.young___", 60),
    ):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (max(0.0, time.time() - age),) * 2)
    with files.atomic_folder(tmp_path / "made"):
        pass
    assert names(tmp_path) == sorted([*others, ".made.young___", "made"])


@pytest.mark.parametrize("failing", ["building", "putting", ""])
def test_the_folder_that_stood_there_stays_until_the_new_one_is_whole(tmp_path, monkeypatch, failing):
    target, plain = tmp_path / "made", Path.rename
    target.mkdir()
    (target / "old").write_text("")

    def refused(path, to):
        if failing == "putting" and to == target and not path.name.endswith(".stale"):
            raise OSError(errno.EIO, "Input/output error")
        return plain(path, to)

    monkeypatch.setattr(Path, "rename", refused)
    with contextlib.suppress(OSError), files.atomic_folder(target) as building:
        (building / "new").write_text("")
        assert names(target) == ["old"]
        if failing == "building":
            raise OSError(errno.ENOSPC, "No space left on device")
    assert names(target) == (["old"] if failing else ["new"])
    assert names(tmp_path) == ["made"]


def test_the_cache_is_where_it_is_told_to_be(tmp_path, monkeypatch):
    monkeypatch.setenv("VOXLET_CACHE", str(tmp_path / "mine"))
    assert files.cache_folder("a", "b") == tmp_path / "mine" / "a" / "b"
    monkeypatch.delenv("VOXLET_CACHE")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert files.cache_folder("a") == tmp_path / ".cache" / "voxlet" / "a"
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("VOXLET_CACHE", str(tmp_path / "file"))
    with pytest.raises(FileError, match=r"the cache cannot be written \(Not a directory\).*set VOXLET_CACHE"):
        files.cache_folder("a")


# --- locks


LOCK = """
import sys, time
from pathlib import Path
from voxlet import files, interrupts
with files.exclusive(Path(sys.argv[1])):
    print("locked", flush=True)
    time.sleep(float(sys.argv[2]))
    Path(sys.argv[1]).with_suffix(".done").write_text("")
"""


def test_a_lock_is_waited_for(tmp_path):
    holder = background(LOCK, tmp_path / "a.lock", 0.3)
    assert holder.stdout.readline() == "locked\n"
    with files.exclusive(tmp_path / "a.lock"):
        assert (tmp_path / "a.done").exists()
    holder.communicate()


def test_a_lock_that_is_not_waited_for_names_its_holder(tmp_path):
    holder = background(LOCK, tmp_path / "a.lock", 60)
    assert holder.stdout.readline() == "locked\n"
    for _ in range(2):  # a refused process has not overwritten the number
        with pytest.raises(LockedError, match=f"is in use by process {holder.pid}"):
            files.exclusive(tmp_path / "a.lock", wait=False).__enter__()
    holder.kill()
    holder.communicate()
    with files.exclusive(tmp_path / "a.lock", wait=False):  # the lock ended with its process
        assert (tmp_path / "a.lock").read_text() == f"{os.getpid()}\n"


def test_threads_exclude_each_other(tmp_path):
    inside, most = [], []

    def work() -> None:
        for _ in range(5):
            with files.exclusive(tmp_path / "a.lock"):
                inside.append(1)
                most.append(len(inside))
                time.sleep(0.002)
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 15


def test_a_lock_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match=r"file/a\.lock: cannot be written"):
        files.exclusive(tmp_path / "file" / "a.lock").__enter__()


def test_the_block_runs_where_there_are_no_locks(tmp_path, monkeypatch):
    import errno

    import filelock

    class Without(filelock.FileLock):
        def acquire(self, *arguments, **options):
            raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(filelock, "FileLock", Without)
    ran = False
    with files.exclusive(tmp_path / "a.lock"):
        ran = True
    assert ran


# --- names


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("4091", "4091"),
        ("+1 (555) 010-2345", "1-555-010-2345"),
        ("../../etc/passwd", "etc-passwd"),
        ("a/b\\c:d\0e\n", "a-b-c-d-e"),
        (".hidden", "hidden"),
        ("größe", "größe"),
        ("x" * 50, "x" * 20),
        ("nineteen digits and more", "nineteen-digits-and"),
        ("con", "_con"),
        ("NUL.txt", "_NUL.txt"),
        ("console", "console"),
        ("?!", ""),
        ("", ""),
    ],
)
def test_names_that_are_safe_on_any_system(text, name):
    assert files.safe_name(text, 20) == name


# --- Ctrl-C


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_waits_until_the_block_ends():
    def press_twice() -> None:
        with interrupts.uninterrupted():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            ended.append(True)

    ended: list[bool] = []
    with pytest.raises(KeyboardInterrupt):
        press_twice()
    assert ended
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_that_is_ignored_stays_so():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupts.uninterrupted():
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_threads_are_never_interrupted():
    def work() -> None:
        with interrupts.uninterrupted():
            found.append(signal.getsignal(signal.SIGINT))

    found: list[object] = []
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [signal.default_int_handler]
