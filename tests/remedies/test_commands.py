"""Following the remedies in messages about arguments, streams, disks and packages."""

from __future__ import annotations

import errno
import io
import os
import re
import shlex
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest

import tiny_voice
from messages import message
from voxlet import extras, files
from voxlet.cache import contents
from voxlet.cli import speaking
from voxlet.cli.main import main
from voxlet.cli.runs.train import read_settings
from voxlet.errors import ConfigError, FileError, MissingExtraError

follows = pytest.mark.follows
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Change to an empty folder, with a tiny voice named `digits`."""
    (tmp_path / "voices").mkdir()
    (tmp_path / "voices" / "digits.voice").write_bytes(tiny_voice.voice_bytes())
    monkeypatch.setenv("VOXLET_VOICES", str(tmp_path / "voices"))
    monkeypatch.chdir(tmp_path)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command that is refused; return its one line of error."""
    assert main(list(arguments)) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    return line.rstrip("\n")


def done(*arguments: str) -> bool:
    return main(list(arguments)) == 0


@follows("cli/main.py: the commands are: …")
def test_commands_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    for name in refused(capsys, "sing").partition("are: ")[2].split(", "):
        assert done(*name.split(), "--help")


@follows("cli/speaking.py: say it in parts")
def test_a_text_without_an_end(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speaking, "MOST_TEXT", 100)
    text = b"4 0 9 1\n" * 20

    def given(data: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))

    given(text)
    assert "standard input: is longer than 100 bytes" in refused(capsys, "say", "-")
    for part in (text[:80], text[80:]):
        given(part)
        assert done("say", "-", "-o", "a.wav")


@follows("cli/speaking.py: give one")
def test_three_ways_to_say_who_speaks(capsys: pytest.CaptureFixture[str]) -> None:
    refused(capsys, "say", "4", "--speaker", "ann", "--style", "0,1")
    assert done("say", "4", "--speaker", "ann")
    assert done("say", "4", "--style", "0,1")
    assert done("say", "4", "--like", "4.wav")


@follows("cli/speaking.py: give one of them")
def test_text_from_two_places(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    refused(capsys, "say", "-", "4")
    assert done("say", "4")
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"4")))
    assert done("say", "-")


@follows("cli/speaking.py: give one of them")
def test_two_answers_on_standard_output(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["say", "4", "-o", "-", "--json"]) == 2
    assert done("say", "4", "-o", "-")
    assert done("say", "4", "--json")
    assert b"RIFF" in capfdbinary.readouterr().out


@follows("cli/speaking.py: send it into a pipe or a file: -o NAME.wav")
def test_sound_for_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(speaking, "standard_output", Terminal)
        assert main(["say", "4", "-o", "-"]) == 2
        assert done("say", "4", "-o", "NAME.wav")
    command = [sys.executable, "-m", "voxlet", "say", "4", "-o", "-"]
    assert subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout[:4] == b"RIFF"


class Terminal:
    def isatty(self) -> bool:
        return True


@follows("cli/speaking.py: for example: voxlet say 4091")
def test_no_text(capsys: pytest.CaptureFixture[str]) -> None:
    command = refused(capsys, "say").partition("for example: ")[2]
    assert done(*shlex.split(command)[1:])


@follows("cli/speaking.py: give the text: voxlet say 4091")
def test_standard_input_that_is_closed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    command = refused(capsys, "say", "-").partition("give the text: ")[2]
    assert done(*shlex.split(command)[1:])


@follows("cli/speaking.py: give … numbers with commas between them")
def test_a_style_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    count = re.search(r"give (\d+) numbers", refused(capsys, "say", "4", "--style", "low"))[1]
    assert done("say", "4", "--style", ",".join(["0.5"] * int(count)))


@follows("files/folders.py: set TMPDIR to a folder with room…")
def test_no_room_for_temporary_files(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "aplay"
    program.write_text("#!/bin/sh\nexit 0\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)

    def full(*_: object, **__: object) -> str:
        if os.environ.get("TMPDIR") != str(tmp_path):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return made(dir=tmp_path)

    made = tempfile.mkdtemp
    monkeypatch.setattr(tempfile, "mkdtemp", full)
    refused(capsys, "say", "4", "--play")
    assert done("say", "4", "-o", "NAME.wav", "--play")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert done("say", "4", "--play")


@follows("cli/speaking.py: name the file: -o NAME.wav")
def test_a_file_that_is_not_ours(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "4.wav").write_bytes(b"somebody's")
    refused(capsys, "say", "4")
    assert done("say", "4", "-o", "NAME.wav")
    assert (tmp_path / "4.wav").read_bytes() == b"somebody's"


@follows("cli/runs/train.py: see `voxlet train … --help`")
def test_a_setting_that_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    command = message(ConfigError, read_settings, "mlp", ["--model.latent-sise", "4"])
    command = re.search("`voxlet (.*)`", command)[1]
    assert done(*command.split())
    flag = re.search(r"--model\.latent-s\w+", capsys.readouterr().out)[0]
    assert read_settings("mlp", [flag, "4"]).model.latent_size == 4


@follows("cache/contents.py: give 0 or more; inf for no bound")
def test_bounds_of_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(contents.LIMIT_VARIABLE, "-1")
    message(ConfigError, contents.limit)
    for given in ("0", "2.5", "inf"):
        monkeypatch.setenv(contents.LIMIT_VARIABLE, given)
        assert contents.limit() == float(given) * 1e9


@follows("extras.py: install it with: …")
@pytest.mark.parametrize(
    ("package", "extra"), [("tyro", "train"), ("scipy", "study"), ("safetensors", "train")]
)
def test_a_package_that_is_missing(package: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Installing needs a network, so the packages to be installed are read from the project file."""
    with monkeypatch.context() as missing:
        missing.setitem(sys.modules, package, None)
        line = message(MissingExtraError, extras.import_extra, package, extra)
    command, _, folder = line.partition("install it with: ")[2].partition(" in the folder of ")
    assert folder == "voxlet's sources"
    pip, install, flag, constraints, what = shlex.split(command)
    assert (pip, install, flag) == ("pip", "install", "-c")
    assert (ROOT / constraints).is_file()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = {what.removeprefix(".[").removesuffix("]")}
    while (
        more := {
            inner
            for one in asked
            for line in project["optional-dependencies"][one]
            for inner in re.findall(r"voxlet\[(\w+)\]", line)
        }
        - asked
    ):
        asked |= more
    names = {re.match(r"[\w-]+", line)[0] for one in asked for line in project["optional-dependencies"][one]}
    assert package in names
    pytest.importorskip(package)
    assert extras.import_extra(package, extra).__name__ == package


@follows("files/os_errors.py: check the folder and its free space")
def test_a_file_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "missing" / "a.json"
    message(FileError, files.write_atomically, path, b"{}")
    path.parent.mkdir()
    files.write_atomically(path, b"{}")
    other = tmp_path / "large"
    other.write_bytes(bytes(1000))

    def flush(descriptor: int) -> None:
        if other.exists():  # as on a disk that it fills
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", flush)
    message(FileError, files.write_atomically, path, b"[]")
    assert path.read_bytes() == b"{}"
    other.unlink()
    files.write_atomically(path, b"[]")
    assert path.read_bytes() == b"[]"


@follows("files/cache.py: free some space or set VOXLET_CACHE to a folder that can be written")
def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cache").write_bytes(b"a file")
    monkeypatch.setenv("VOXLET_CACHE", str(tmp_path / "cache"))
    message(FileError, files.cache_folder, "scans")
    (tmp_path / "cache").unlink()  # which frees some space, too
    assert files.cache_folder("scans").is_dir()
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("VOXLET_CACHE", str(tmp_path / "file"))
    message(FileError, files.cache_folder, "scans")
    monkeypatch.setenv("VOXLET_CACHE", str(tmp_path / "elsewhere"))
    assert files.cache_folder("scans").is_dir()


@follows("files/cache.py: set VOXLET_CACHE to a folder")
def test_a_user_without_a_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("VOXLET_CACHE")
    monkeypatch.setattr(Path, "home", homeless)
    message(FileError, files.cache_path)
    monkeypatch.setenv("VOXLET_CACHE", str(tmp_path / "cache"))
    assert files.cache_path("scans") == tmp_path / "cache" / "scans"
