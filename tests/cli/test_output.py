"""What reaches the terminal, and what happens if a standard stream is closed, full or ASCII only."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import tiny_voice
from synthetic import word, write_clip
from voxlet.cli.main import main
from voxlet.cli.output import print_answer, printable

pytestmark = pytest.mark.slow  # they take seconds

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="this system has no /dev/full")
needs_shell = pytest.mark.skipif(os.name == "nt", reason="needs a shell that closes streams")


@pytest.fixture(autouse=True)
def _installed(tmp_path, monkeypatch):
    """Change to an empty folder, with a tiny voice named `digits`."""
    (tmp_path / "voices").mkdir()
    (tmp_path / "voices" / "digits.voice").write_bytes(tiny_voice.voice_bytes())
    monkeypatch.setenv("VOXLET_VOICES", str(tmp_path / "voices"))
    monkeypatch.chdir(tmp_path)


def shell(line: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run a shell command line in which `voxlet` is the version under test."""
    return subprocess.run(
        ["/bin/sh", "-c", line.replace("voxlet", f"'{sys.executable}' -m voxlet")],
        env={**os.environ, **environment},
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def test_control_characters_are_escaped_and_text_is_not():
    assert printable("a\tb c: ζ, 五, é") == "a\tb c: ζ, 五, é"
    assert printable("\x1b[2J\r\n\x07\x7f\x9b\u202e\u2028") == (
        "\\u001b[2J\\u000d\\u000a\\u0007\\u007f\\u009b\\u202e\\u2028"
    )


def test_answers_are_escaped_and_json_stays_what_it_is(capsys):
    print_answer(json.dumps({"name": "a\x7f\x1b"}))
    out = capsys.readouterr().out
    assert "\x7f" not in out
    assert json.loads(out) == {"name": "a\x7f\x1b"}


def test_names_of_files_do_not_steer_the_terminal():
    name = "\x1b]0;title\x07.voice"
    Path(name).write_bytes(b"no voice")
    done = subprocess.run(
        [sys.executable, "-m", "voxlet", "say", "1", "--voice", f"./{name}"], capture_output=True, check=False
    )
    assert done.returncode == 2
    assert b"\\u001b]0;title\\u0007.voice" in done.stderr
    assert not set(done.stderr) & {0x1B, 0x07}


@needs_shell
@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_a_console_of_few_characters(encoding):
    done = shell("voxlet say '4 五' ; echo $?; voxlet say 4 -o 五.wav", PYTHONIOENCODING=encoding)
    shown = "五".encode(encoding, "backslashreplace")
    assert b"character 3: cannot say '" + shown in done.stderr
    assert b"Traceback" not in done.stderr
    assert done.stdout.splitlines() == [b"2", shown + b".wav: 0.14 s, tiny (ann), seed 0"]
    assert done.returncode == 0
    assert Path("五.wav").is_file()


@needs_shell
@pytest.mark.parametrize(
    ("line", "status", "says"),
    [
        ("voxlet voices >&-", 2, "voxlet: standard output: is closed"),
        ("voxlet --help >&-", 2, "voxlet: standard output: is closed"),
        ("voxlet say --help >&-", 2, "voxlet: standard output: is closed"),
        ("voxlet say 4 -o - >&-", 2, "voxlet: standard output: is closed"),
        ("voxlet say - -o a.wav <&-", 2, "voxlet: standard input: is closed; give the text: voxlet say 4091"),
        ("voxlet say 4 -o a.wav <&- >/dev/null", 0, None),
        ("voxlet say 4 -o a.wav <&- >/dev/null 2>&-", 0, None),
        ("voxlet say x 2>&-", 2, None),
        ("voxlet say x 2>&- >&- <&-", 2, None),
        ("voxlet say --seed x 2>&-", 2, None),
        ("voxlet nonsense 2>&-", 2, None),
    ],
)
def test_closed_streams(line, status, says):
    done = shell(line)
    assert done.returncode == status
    assert done.stdout == b""
    assert done.stderr.decode() == (f"{says}\n" if says else "")
    if status == 0:
        assert Path("a.wav").stat().st_size > 1_000


@needs_shell
@needs_full
@pytest.mark.parametrize(
    "line",
    ["voxlet voices", "voxlet --version", "voxlet say 4 -o -", "voxlet say -h", "voxlet say 4 -o a.wav"],
)
def test_a_full_standard_output(line):
    done = shell(f"{line} >/dev/full")
    assert done.returncode == 2
    assert done.stderr == b"voxlet: standard output: cannot be written (No space left on device)\n"


@needs_shell
@needs_full
@pytest.mark.parametrize("to", ["2>/dev/full", "2>&-"])
def test_a_standard_error_that_cannot_be_written_stops_nothing(to, names_corpus):
    """This holds for error messages and for progress messages of corpora and libraries."""
    assert shell(f"voxlet say x {to}").returncode == 2
    done = shell(f"voxlet corpus inspect {names_corpus} --layout names {to}")
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"labels" in done.stdout


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (
            OSError(28, "No space left on device", "/there"),
            "/there: the system refused this (No space left on",
        ),
        (OSError("nothing"), "voxlet: the system refused this (nothing)"),
        (MemoryError(), "voxlet: out of memory; "),
    ],
)
def test_what_no_room_expects_of_the_system_is_one_line(error, says, capsys, monkeypatch):
    def refuse(arguments):
        raise error

    monkeypatch.setattr("voxlet.cli.voices.run", refuse)
    assert main(["voices"]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert says in told


@needs_shell
@pytest.mark.parametrize("arguments", ["voices", "--help", "say 4 -o -", f"say {'4' * 200} -o -"])
def test_a_reader_that_has_gone(arguments):
    done = shell(f"{{ sleep 0.1; voxlet {arguments}; echo $? >&2; }} | true")
    assert done.stderr == b"1\n"


@pytest.mark.parametrize("name", ["a\nvoxlet: all is well.wav", "a\x1b[2J\r.wav"])
def test_a_name_stays_in_its_line(name, capsys):
    assert main(["say", "4", "-o", name]) == 0
    out = capsys.readouterr().out
    assert out.endswith("s, tiny (ann), seed 0\n")
    assert out.count("\n") == 1
    assert not set(out[:-1]) & {"\n", "\r", "\x1b"}
    assert Path(name).is_file()


def test_names_of_folders_stay_in_their_lines(monkeypatch, capsys):
    folder = Path("b\nvoxlet: all is well")
    folder.mkdir()
    (folder / "two\nlines.voice").write_bytes(b"no voice")
    monkeypatch.setenv("VOXLET_VOICES", str(folder))
    monkeypatch.setenv("VOXLET_CACHE", str(folder))
    for command in (["voices"], ["cache"], ["cache", "--clear"], ["doctor"], ["corpus", "list"]):
        assert main(command) == 0
    out, err = capsys.readouterr()
    assert "b\\u000avoxlet" in out
    assert not [line for line in (out + err).splitlines() if line.startswith(("voxlet: all", "lines"))]


def test_a_corpus_and_its_clips_stay_in_their_lines(fresh_cache, capsys):
    folder = Path("c\nvoxlet: all is well")
    for take in range(6):
        for number, label in enumerate(("yes", "no")):
            (folder / label).mkdir(parents=True, exist_ok=True)
            write_clip(folder / label / f"{take}\n.wav", word(number, 0, take))
    (folder / "yes" / "broken\nvoxlet: all is well.wav").write_bytes(b"no sound")
    assert main(["corpus", "inspect", str(folder)]) == 0
    out, err = capsys.readouterr()
    assert "broken\\u000avoxlet" in out
    assert not [line for line in (out + err).splitlines() if line.startswith("voxlet: all")]
