"""Disks that fill up: one line of error, no incomplete files; with more space, the same command succeeds.

Needs the right to mount, for a small file system in memory.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import tiny_corpus
import tiny_voice
from voxlet.cli.main import main
from voxlet.recipes import preflight

pytestmark = pytest.mark.slow


def resize(disk: Path, size: str) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", disk], check=True)


def files_of(disk: Path) -> list[Path]:
    return [path for path in disk.rglob("*") if path.is_file()]


@pytest.fixture
def disk(small_disk: Path) -> Path:
    """A disk of 4 kB: one page, so that an empty file still fits."""
    resize(small_disk, "4k")
    return small_disk


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    return tiny_corpus.write_corpus(tmp_path / "words")


def training(corpus: Path, run: Path) -> list[str]:
    return ["train", "mlp", "--corpus", str(corpus), "--run", str(run), "--epochs", "2", *tiny_corpus.FLAGS]


def voxlet(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "voxlet", *arguments],
        env={**os.environ, **environment},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


def is_one_line(text: str) -> bool:
    """Return whether an error is one line of ours, after lines of progress and of the corpus's account."""
    told = ("vae: epoch", "words: ")
    lines = [line for line in text.splitlines() if line and not line.startswith(told) and "%|" not in line]
    return len(lines) == 1 and lines[0].startswith("voxlet: ") and "No space left on device" in lines[0]


@pytest.mark.parametrize("size", ["4k", "8k", "16k", "64k", "128k", "256k"])
def test_a_full_run_folder(
    disk: Path,
    corpus: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    size: str,
) -> None:
    """The disk fills up at the lock, a line of metrics, the first or second checkpoint, or the pictures:
    other programs may take space that was free before."""
    resize(disk, size)
    command = training(corpus, disk / "run")
    with monkeypatch.context() as patch:
        patch.setattr(preflight, "check_needs", lambda *needs: None)
        assert main(command) == 2
    assert is_one_line(capsys.readouterr().err)
    assert not [path for path in files_of(disk) if path.name.endswith((".part", ".tmp"))]
    resize(disk, "64m")
    assert main(command) == 0
    assert (disk / "run" / "sampler.safetensors").is_file()


@pytest.mark.parametrize("size", ["4k", "16k", "64k"])
def test_a_full_cache(
    disk: Path,
    corpus: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    size: str,
) -> None:
    """The disk fills up at the scan or at the prepared clips."""
    resize(disk, size)
    monkeypatch.setenv("VOXLET_CACHE", str(disk / "cache"))
    command = training(corpus, corpus.parent / "run")
    assert main(command) == 2
    assert is_one_line(capsys.readouterr().err)
    assert {path.suffix for path in files_of(disk)} <= {".json", ".lock"}
    resize(disk, "64m")
    assert main(command) == 0


def test_generated_clips_and_pages_on_a_full_disk(
    disk: Path, corpus: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = corpus.parent / "run"
    assert main(training(corpus, run)) == 0
    capsys.readouterr()
    for command in (
        ["generate", str(run), "0", "-n", "20", "--out", str(disk / "clips")],
        ["corpus", "inspect", str(corpus), "--out", str(disk / "page")],
    ):
        assert main(command) == 2
        assert is_one_line(capsys.readouterr().err)
        assert not [path for path in files_of(disk) if path.name.startswith(".")]
        shutil.rmtree(disk / "clips", ignore_errors=True)


@pytest.fixture
def player(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulate a sound player; return a voice to play."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "aplay").write_text("#!/bin/sh\nexit 0\n")
    (programs / "aplay").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "digits.voice").write_bytes(tiny_voice.voice_bytes())
    monkeypatch.setenv("VOXLET_VOICES", str(tmp_path))


@pytest.mark.usefixtures("player")
def test_playing_without_room_for_temporary_files(disk: Path, tmp_path: Path) -> None:
    done = voxlet("say", "4091", "--play", cwd=tmp_path, TMPDIR=str(disk))
    assert done.returncode == 2
    assert is_one_line(done.stderr)
    assert files_of(disk) == []
    resize(disk, "4m")
    done = voxlet("say", "4091", "--play", cwd=tmp_path, TMPDIR=str(disk))
    assert (done.returncode, done.stderr) == (0, "")
    assert files_of(disk) == []


@pytest.mark.usefixtures("player")
def test_a_full_target_and_a_long_text_into_a_pipe(disk: Path, tmp_path: Path) -> None:
    for out in (str(disk / "a.wav"), str(disk / "no" / "a.wav")):
        done = voxlet("say", "4091" * 20, "-o", out, cwd=tmp_path)
        assert done.returncode == 2
        assert len(done.stderr.splitlines()) == 1
        assert files_of(disk) == []
    # What goes to a pipe waits in memory, beyond a bound in a temporary file.
    code = "import sys; from voxlet.files import whole; from voxlet.cli.main import main; "
    code += "whole.IN_MEMORY = 1000; "
    done = subprocess.run(
        [sys.executable, "-c", code + "sys.exit(main(['say', '4091', '-o', '-']))"],
        env={**os.environ, "TMPDIR": str(disk)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == b""
    assert is_one_line(done.stderr.decode())


@pytest.mark.usefixtures("player")
def test_no_folder_for_temporary_files(tmp_path: Path) -> None:
    code = (
        "import sys, tempfile; tempfile._candidate_tempdir_list = lambda: ['/nowhere']; "
        "from voxlet.cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    for command in (["say", "4091", "--play"], ["doctor"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *command], capture_output=True, text=True, check=False
        )
        assert "Traceback" not in done.stderr
        assert done.returncode == (2 if command[0] == "say" else 0)
        assert len(done.stderr.splitlines()) == (command[0] == "say")
    remedy = ["say", "4091", "--play", "-o", str(tmp_path / "a.wav")]
    assert subprocess.run([sys.executable, "-c", code, *remedy], check=False).returncode == 0
