"""Simulated differences of Windows and macOS: open files that stay, drives, case-insensitive names, keys."""

from __future__ import annotations

import io
import json
import mimetypes
import os
import signal
import subprocess
import sys
import threading
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tiny_voice
from synthetic import word
from voxlet import audio, files
from voxlet.cache import contents as cache
from voxlet.cli.corpus import record
from voxlet.cli.main import main
from voxlet.corpus.listing.sound_files import common_folder, relative_name
from voxlet.corpus.recording.session import Session
from voxlet.datasets.stores import Folder
from voxlet.engines import pool
from voxlet.errors import AudioError, ConfigError, FileError, VoiceError
from voxlet.files import os_errors
from voxlet.recipes.clip.finish import write_samples
from voxlet.serving.jobs import process, queue
from voxlet.serving.jobs.job import CANCEL, ENDED, Job
from voxlet.serving.static.page import write_page
from voxlet.speak import library, player

filelock = pytest.importorskip("filelock")
HAN = "\u1112\u1161\u11ab"  # a syllable of Hangul in parts (NFD), which is U+D55C composed


@pytest.fixture
def locks_stay(monkeypatch: pytest.MonkeyPatch) -> set[Path]:
    """Simulate that open files cannot be removed: here, lock files while their lock is held."""
    held: set[Path] = set()
    unlink = Path.unlink

    class Held(filelock.FileLock):
        def acquire(self, *arguments, **options):
            taken = super().acquire(*arguments, **options)
            held.add(Path(self.lock_file))
            return taken

        def release(self, *arguments, **options):
            held.discard(Path(self.lock_file))
            super().release(*arguments, **options)

    def refuse(path: Path, missing_ok: bool = False) -> None:
        if path in held:
            raise PermissionError(13, "The process cannot access the file", str(path))
        unlink(path, missing_ok)

    monkeypatch.setattr(filelock, "FileLock", Held)
    monkeypatch.setattr(Path, "unlink", refuse)
    return held


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(os_errors, "PAUSES", (0.001,) * 5)


@pytest.fixture
def ignoring_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the test's folder, names that differ in case alone or in composition are one file."""

    def real(path: Any) -> Any:
        place = Path(path) if isinstance(path, str | Path) else None
        if place is None or tmp_path not in place.parents:
            return path
        try:
            names = [one.name for one in place.parent.iterdir()]
        except OSError:
            return path
        alike = [name for name in names if files.fold_name(name) == files.fold_name(place.name)]
        return path if place.name in names or not alike else place.parent / alike[0]

    def once(act: Callable[..., Any]) -> Callable[..., Any]:
        return lambda path, *rest, **options: act(real(path), *rest, **options)

    def move(act: Callable[..., Any]) -> Callable[..., Any]:
        def moved(path: Any, target: Any) -> None:
            act(real(path), target if real(path) == real(target) else real(target))

        return moved

    link = os.link
    for module, name in ((os, "stat"), (os, "lstat"), (os, "unlink"), (io, "open")):
        monkeypatch.setattr(module, name, once(getattr(module, name)))
    for name in ("rename", "replace"):
        monkeypatch.setattr(os, name, move(getattr(os, name)))
    monkeypatch.setattr(os, "link", lambda path, target: link(real(path), real(target)))


@pytest.fixture(params=["case counts", "case is ignored"])
def voices(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of installed voices, on either kind of file system."""
    if request.param == "case is ignored":
        request.getfixturevalue("ignoring_case")
    monkeypatch.setenv("VOXLET_VOICES", str(tmp_path / "voices"))
    (tmp_path / "voices").mkdir()
    return tmp_path / "voices"


def a_voice(path: Path) -> Path:
    """A voice file, different from those of other names."""
    path.write_bytes(tiny_voice.voice_bytes(tiny_voice.info(name=path.stem)))
    return path


def test_a_lock_file_that_is_to_go_goes_when_it_can(tmp_path: Path, locks_stay: set[Path]) -> None:
    path = tmp_path / "a.lock"
    with files.exclusive(path) as remove:
        remove()
        assert path.exists()
        assert path in locks_stay
    assert not path.exists()
    with files.exclusive(path):
        pass
    assert path.exists()  # without `remove`, the lock file stays


@pytest.mark.usefixtures("locks_stay")
def test_a_lock_of_what_failed_goes(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), files.exclusive(tmp_path / "a.lock", leaves=False):
        raise ZeroDivisionError
    assert not (tmp_path / "a.lock").exists()


@pytest.mark.usefixtures("locks_stay")
def test_a_data_set_is_made_and_leaves_no_lock(tmp_path: Path) -> None:
    for part in ("", "0000"):
        with Folder(tmp_path).locked(part):
            assert len(list(tmp_path.iterdir())) == 1
        assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("locks_stay")
def test_the_cache_knows_what_has_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise an entry that seemed to stay would cause all others to be removed, too."""
    monkeypatch.setenv("VOXLET_CACHE", str(tmp_path))
    for number, letter in enumerate("ab"):
        folder = files.cache_folder("prepared", letter * 24)
        (folder / "audio.npy").write_bytes(bytes(1_000_000))
        folder.with_suffix(".lock").touch()
        for path in (folder / "audio.npy", folder, folder.with_suffix(".lock")):
            os.utime(path, (1e9 + number, 1e9 + number))
    monkeypatch.setenv(cache.LIMIT_VARIABLE, "0.0015")
    cache.shrink()
    assert sorted(path.name for path in files.cache_folder("prepared").iterdir()) == [
        "b" * 24,
        "b" * 24 + ".lock",
    ]


@pytest.mark.usefixtures("windows")
@pytest.mark.parametrize(("looks", "written"), [(3, True), (30, False)])
def test_a_file_that_somebody_reads_is_replaced_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, looks: int, written: bool
) -> None:
    def replace(path: Path, target: Path) -> Path:
        nonlocal looks
        looks -= 1
        if looks >= 0:
            raise PermissionError(13, "Access is denied", str(target))
        return moved(path, target)

    moved = Path.replace
    monkeypatch.setattr(Path, "replace", replace)
    (tmp_path / "state.json").write_bytes(b"old")
    if written:
        files.write_atomically(tmp_path / "state.json", b"new")
    else:
        with pytest.raises(FileError, match="Access is denied"):
            files.write_atomically(tmp_path / "state.json", b"new")
    assert (tmp_path / "state.json").read_bytes() == (b"new" if written else b"old")
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


@pytest.mark.usefixtures("windows")
def test_a_folder_that_is_looked_through_takes_its_place_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[Path] = []

    def rename(path: Path, target: Path) -> Path:
        looked.append(path)
        if len(looked) < 3:
            raise PermissionError(13, "Access is denied", str(path))
        return moved(path, target)

    moved = Path.rename
    monkeypatch.setattr(Path, "rename", rename)
    with files.atomic_folder(tmp_path / "a") as building:
        (building / "b").touch()
    assert (tmp_path / "a" / "b").exists()


def test_elsewhere_a_refusal_is_one_at_once() -> None:
    tried = []

    def act() -> None:
        tried.append(1)
        raise PermissionError

    with pytest.raises(PermissionError):
        files.patiently(act)
    assert tried == [1]


def test_files_on_two_drives_have_no_folder_in_common(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(paths: list[Path]) -> str:
        raise ValueError("Paths don't have the same drive")

    assert common_folder([Path("/a/b/c"), Path("/a/d")]) == Path("/a")
    monkeypatch.setattr(os.path, "commonpath", refuse)
    root = common_folder(iter([Path("/a/b/c"), Path("/a/d")]))
    assert relative_name(Path("/a/b/c"), root) == "a/b/c"


@pytest.mark.parametrize("name", ["com¹", "LPT³.wav", "aux.tar"])
def test_names_of_devices_are_no_files(name: str) -> None:
    assert files.safe_name(name, 20) == f"_{name}"


def test_labels_that_differ_in_case_alone_have_a_sample_each(tmp_path: Path) -> None:
    labels = ("Yes", "yes", "?", "!")
    sampler = types.SimpleNamespace(
        labels=labels,
        rate=8000,
        classes=labels,
        name="a",
        language="en",
        sample=lambda asked, seed: [np.zeros(80, np.float32) for _ in asked],
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("voxlet.recipes.clip.finish.describe", lambda *_: {})
        patched.setattr("voxlet.recipes.clip.finish.wav_metadata", lambda _: {})
        write_samples(tmp_path, sampler)  # type: ignore[arg-type]
    assert len({path.name.casefold() for path in tmp_path.iterdir()}) == 4


def test_a_voice_is_renamed_in_case_alone(voices: Path) -> None:
    content = library.install(a_voice(voices.parent / "bob.voice")).read_bytes()
    for name, new in (("bob", "Bob"), ("Bob", "BOB"), ("BOB", "bob")):
        assert library.rename(name, new) == voices / f"{new}.voice"
        assert [path.name for path in voices.iterdir()] == [f"{new}.voice"]
        assert (voices / f"{new}.voice").read_bytes() == content
    with pytest.raises(VoiceError, match=r"^bob: already has this name$"):
        library.rename("bob", "bob")


def test_voices_whose_names_differ_in_case_alone_are_not_both_installed(
    voices: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    remedy = "give another name, or first run: voxlet voices remove Ann"
    first, other = a_voice(voices.parent / "first.voice"), a_voice(voices.parent / "ann.voice")
    content = library.install(first, "Ann").read_bytes()
    library.install(first, "bob")
    for command in (["install", str(other)], ["rename", "bob", "ann"], ["rename", "bob", "Ann"]):
        assert main(["voices", *command]) == 2
        assert capsys.readouterr().err == f"voxlet: Ann: is installed already; {remedy}\n"
        assert sorted(path.name for path in voices.iterdir()) == ["Ann.voice", "bob.voice"]
        assert (voices / "Ann.voice").read_bytes() == content
    assert main(["voices", "remove", "Ann"]) == 0
    assert main(["voices", "install", str(other)]) == 0
    assert (voices / "ann.voice").read_bytes() == other.read_bytes()


def test_a_voice_beside_another_that_was_put_there_by_hand(voices: Path) -> None:
    for name in ("bob", "Ann"):
        a_voice(voices / f"{name}.voice")
    with pytest.raises(VoiceError, match=r"^Ann: is installed already; .* voices remove Ann$"):
        library.rename("bob", "ANN")
    assert library.rename("Ann", "ann").name in {path.name for path in voices.iterdir()}


@pytest.mark.usefixtures("ignoring_case")
def test_takes_of_speakers_whose_names_differ_in_case_alone_have_other_numbers(tmp_path: Path) -> None:
    names_of_takes(tmp_path)


def test_takes_of_such_speakers_can_be_moved_to_where_case_is_ignored(tmp_path: Path) -> None:
    names_of_takes(tmp_path)


def names_of_takes(folder: Path) -> None:
    """Record a take by each of some speakers, and check that no two are one file where case is ignored."""
    silence = np.zeros(4000, np.float32)
    take = np.concatenate([silence, word(0, 0, 0), silence])
    written = []
    for label, speaker in (
        ("Mine", "Ann"),
        ("mine", "Ann"),
        ("MINE", "ann"),
        ("mine", HAN),
        ("mine", "\ud55c"),
    ):
        session = Session(folder, [label], 5, speaker=speaker)
        written.append(session.keep(label, take, 8000, session.check(label, take, 8000)))
    assert len({files.fold_name(path.name) for path in written}) == 5
    assert len(list(folder.glob("*.wav"))) == 5
    assert [len(Session(folder, ["mine"], 5, speaker=who).kept["mine"]) for who in ("Ann", "ann")] == [2, 1]


def test_names_that_differ_in_composition_alone_are_kept_apart() -> None:
    assert list(files.safe_names([HAN, "\ud55c", "A", "a"], 20, "word").values()) == [
        HAN,
        "\ud55c-2",
        "A",
        "a-2",
    ]


def test_two_voices_that_would_be_one_file_are_refused(tmp_path: Path) -> None:
    for folder, name in (("a", "Tiny"), ("b", "tiny")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"{name}.voice").write_bytes(tiny_voice.voice_bytes())
    with pytest.raises(ConfigError, match="two voices have the same name for a file"):
        write_page(tmp_path / "page", [tmp_path / "a" / "Tiny.voice", tmp_path / "b" / "tiny.voice"])


@pytest.mark.usefixtures("windows")
def test_a_player_that_fails_says_so_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(sound: str, flags: int) -> None:
        raise RuntimeError("Failed to play sound")

    winsound = types.SimpleNamespace(PlaySound=refuse, SND_FILENAME=1, SND_NODEFAULT=2)
    monkeypatch.setitem(sys.modules, "winsound", winsound)  # type: ignore[arg-type]
    audio.write(tmp_path / "a.wav", np.zeros(80, np.float32), 8000)
    with pytest.raises(AudioError, match=r"cannot play here \(Failed to play sound\); write a file"):
        player.play(tmp_path / "a.wav")


@pytest.mark.usefixtures("windows")
def test_keys_are_read_where_there_are_no_terminals_of_posix(monkeypatch: pytest.MonkeyPatch) -> None:
    pressed = list("xR")
    msvcrt = types.SimpleNamespace(kbhit=lambda: bool(pressed), getwch=lambda: pressed.pop(0))
    monkeypatch.setitem(sys.modules, "msvcrt", msvcrt)  # type: ignore[arg-type]
    monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(isatty=lambda: True))
    with record.keys() as found:
        assert [next(found) for _ in range(4)] == ["x", "r", "", ""]


def test_the_meter_needs_no_terminal_that_knows_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    record._meter(-30.0)
    assert shown.getvalue() == "[##########          ]" + "\b" * 22


def test_a_pool_has_no_more_processes_than_windows_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def executor(workers: int, *_: object) -> None:
        asked.append(workers)
        raise ZeroDivisionError

    monkeypatch.setattr(pool, "ProcessPoolExecutor", executor)
    for most, workers in ((61, 61), (None, 100)):
        monkeypatch.setattr(pool, "MOST", most)
        with pytest.raises(ZeroDivisionError):
            list(pool.LocalPool(100).results(abs, [1]))
        assert asked[-1] == workers


def test_scripts_of_the_page_are_scripts_whatever_a_registry_says(tmp_path: Path) -> None:
    from starlette.testclient import TestClient

    from voxlet.serving.app import create_app
    from voxlet.speak.voice import load_voice

    (tmp_path / "app.js").write_text("")
    (tmp_path / "tiny.voice").write_bytes(tiny_voice.voice_bytes())
    before = mimetypes.guess_type("a.js")[0]
    mimetypes.add_type("text/plain", ".js")
    try:
        app = create_app([load_voice(tmp_path / "tiny.voice", threads=1)], threads=1, page=tmp_path)
        answer = TestClient(app, base_url="http://127.0.0.1").get("/app.js")
    finally:
        mimetypes.add_type(before or "text/javascript", ".js")
    assert answer.headers["content-type"].startswith("text/javascript")


SAVES = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(149))
print("begun", file=sys.stderr, flush=True)
time.sleep(60)
"""


def test_a_job_ends_by_a_file_where_no_signal_can_be_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = Job(tmp_path, 1, "adapt", "mine", (), 0.0)
    jobs = queue.Jobs(tmp_path)
    for module in (queue, process):
        monkeypatch.setattr(module, "BY_FILE", True)
    monkeypatch.setattr(process, "LOOK", 0.05)
    monkeypatch.setattr(process, "NICER", 0)

    def cancel() -> None:
        while job.last_words() != "begun":
            pass
        jobs._signal(job)

    before = signal.getsignal(signal.SIGTERM)
    canceller = threading.Thread(target=cancel)
    canceller.start()
    try:
        process._run(tmp_path, [sys.executable, "-c", SAVES])
    finally:
        signal.signal(signal.SIGTERM, before)
        canceller.join()
    assert (tmp_path / CANCEL).exists()
    assert json.loads((tmp_path / ENDED).read_text()) == {"code": 149}


def test_a_job_that_is_begun_again_is_not_cancelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[dict[str, object]] = []
    monkeypatch.setattr(subprocess, "Popen", lambda command, **options: begun.append(options))
    job = Job(tmp_path / "000001", 1, "adapt", "mine", (), 0.0)
    job.write()
    (job.folder / CANCEL).touch()
    queue.Jobs(tmp_path)._begin(job, queue.State())
    assert not (job.folder / CANCEL).exists()
    assert begun[0]["creationflags"] == queue.NO_WINDOW


def test_arabic_is_printed_to_a_console_that_has_none_of_it(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0", "LC_ALL": "C"}
    command = [sys.executable, "-m", "voxlet", "say", "مرحبا", "--voice", "digits"]
    done = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, encoding="cp1252", check=False
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
