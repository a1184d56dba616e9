"""`voxlet say` and `voxlet voices`, as users run them."""

from __future__ import annotations

import functools
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tiny_voice
import voxlet
from voxlet import audio
from voxlet.cli import main
from voxlet.errors import TextError
from voxlet.speak import player
from voxlet.speak.voice import Voice, load_voice


@pytest.fixture(autouse=True)
def _installed(tmp_path, monkeypatch):
    """Change to an empty folder, with `tiny` installed as `digits`, which hides the shipped voice."""
    (tmp_path / "voices").mkdir()
    (tmp_path / "voices" / "digits.voice").write_bytes(tiny_voice.voice_bytes())
    (tmp_path / "work").mkdir()
    monkeypatch.setenv("VOXLET_VOICES", str(tmp_path / "voices"))
    monkeypatch.chdir(tmp_path / "work")


def run(capsys, *arguments: str) -> SimpleNamespace:
    status = main.main(list(arguments))
    out, err = capsys.readouterr()
    return SimpleNamespace(status=status, out=out, err=err)


def pipe(monkeypatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))


def test_the_command_writes_what_the_library_says(capsys):
    done = run(capsys, "say", "4091", "-o", "a.wav", "--speaker", "bob", "--seed", "7", "--rate", "16000")
    assert (done.status, done.err) == (0, "")
    assert done.out == "a.wav: 0.78 s, tiny (bob), seed 7\n"
    voxlet.load_voice("digits").say("4091", speaker="bob", seed=7, rate=16000).save("b.wav")
    assert Path("a.wav").read_bytes() == Path("b.wav").read_bytes()


def test_without_a_name_the_file_is_named_after_the_text(capsys):
    for text, name in (
        (["4091"], "4091.wav"),
        (["+1 (555) 010-2345"], "1-555-010-2345.wav"),
        (["3.14"], "3.14.wav"),
        (["four", "zero"], "four-zero.wav"),
        (["(5"], "5.wav"),
        (["1" * 500], "1" * 40 + ".wav"),
    ):
        done = run(capsys, "say", *text)
        assert done.out.startswith(f"{name}: ")
        assert audio.read(name).samples.any()


def test_its_own_file_may_be_replaced_but_no_other(capsys):
    assert run(capsys, "say", "42").status == 0
    assert run(capsys, "say", "42", "--seed", "1").status == 0
    audio.write("43.wav", np.ones(10, np.float32), 8000)
    Path("44.wav").write_text("notes")
    for text in ("43", "44"):
        done = run(capsys, "say", text)
        assert done.status == 2
        assert done.err.startswith(f"voxlet: {text}.wav: exists already and was not made by voxlet; ")
    assert run(capsys, "say", "43", "-o", "43.wav").status == 0


def test_words_in_several_arguments_and_lines(capsys):
    for text in (["4091"], ["4", "0", "9", "1"], ["four zero", "nine", "one"]):
        assert run(capsys, "say", *text, "-o", "a.wav").out.startswith("a.wav: 0.78 s")
    assert run(capsys, "say", "40\n91", "-o", "a.wav").out.startswith("a.wav: 1.40 s")


@pytest.mark.parametrize("text", ["-555-0102", "+1 (555) 010-2345", "- 5", "(5)"])
def test_text_that_begins_with_a_sign(capsys, text):
    assert run(capsys, "say", text, "-o", "a.wav").status == 0


@pytest.mark.parametrize("text", ["-5", "-5 -6", "− 5"])
def test_a_minus_that_the_voice_cannot_say(capsys, text):
    done = run(capsys, "say", text, "-o", "a.wav")
    assert done.status == 2
    assert done.err.startswith(f"voxlet: character 1: cannot say {text[0]!r}, a minus; this voice can say")
    assert not Path("a.wav").exists()


def test_speakers_in_any_spelling(capsys):
    assert run(capsys, "say", "4", "--speaker", "Ann:0.7,BOB:0.3", "-o", "a.wav").status == 0
    assert run(capsys, "say", "4", "--speaker", "ann:0.7,bob:0.3", "-o", "b.wav").status == 0
    assert audio.read("a.wav").samples.tobytes() == audio.read("b.wav").samples.tobytes()


def test_text_from_standard_input(capsys, monkeypatch):
    pipe(monkeypatch, "\ufeff40\r\n91\n".encode())
    assert run(capsys, "say", "-", "-o", "a.wav").out.startswith("a.wav: 1.40 s")
    pipe(monkeypatch, b"1 \xff")
    assert "character 3: cannot say" in run(capsys, "say", "-").err


def test_json_has_the_times_of_words(capsys):
    done = run(capsys, "say", "4—0", "-o", "a.wav", "--json")
    answer = json.loads(done.out)
    assert [word["label"] for word in answer["words"]] == ["four", "zero"]
    assert answer["words"][0]["start"] == 0
    assert answer["words"][1]["end"] == pytest.approx(answer["duration"])
    assert answer["samples"] == len(audio.read("a.wav").samples)
    assert {
        key: answer[key] for key in ("synthetic", "voice", "speaker", "seed", "text", "file", "rate")
    } == {
        "synthetic": True,
        "voice": "tiny",
        "speaker": "ann",
        "seed": 0,
        "text": "4—0",
        "file": "a.wav",
        "rate": 8000,
    }


def test_sound_through_a_pipe(tmp_path):
    command = [sys.executable, "-m", "voxlet", "say", "4091", "-o", "-"]
    done = subprocess.run(command, capture_output=True, check=True)
    (tmp_path / "piped.wav").write_bytes(done.stdout)
    assert len(audio.read(tmp_path / "piped.wav").samples) == 6240
    assert audio.read_metadata(tmp_path / "piped.wav")["software"].startswith("voxlet")
    assert done.stderr == b""


def test_who_speaks(capsys):
    assert "(ann,bob)" in run(capsys, "say", "1", "-o", "a.wav", "--speaker", "ann,bob").out
    assert "(random)" in run(capsys, "say", "1", "-o", "a.wav", "--speaker", "random").out
    assert "a style of its own" in run(capsys, "say", "1", "-o", "b.wav", "--style", "-0.3,1").out
    assert json.loads(audio.read_metadata("b.wav")["comment"])["style"] == [-0.3, 1.0]
    assert "(like a.wav)" in run(capsys, "say", "1", "-o", "c.wav", "--like", "a.wav").out
    assert json.loads(audio.read_metadata("c.wav")["comment"])["like"] == "a.wav"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["4x1"], "character 2: cannot say 'x'; this voice can say: zero, one"),
        ([""], "nothing to say"),
        ([], "no text is given; for example: voxlet say 4091"),
        (["1", "--voice", "none"], "there is no voice 'none'; the voices are: "),
        (["1", "--voice", "no/such.voice"], "no such voice file"),
        (["1", "--speaker", "carl"], "there is no speaker 'carl'; the speakers are: ann, bob"),
        (["1", "--style", "1"], "a style here has 2 numbers, not 1"),
        (["1", "--style", "a,b"], "'a,b' is not a style; give 2 numbers"),
        (["1", "--like", "none.wav"], "none.wav: no such sound file"),
        (["1", "--speaker", "ann", "--like", "a.wav"], "three ways to say who speaks"),
        (["1", "--seed", "-1"], "seed: -1 is not a seed"),
        (["1", "--rate", "1"], "rate: 1 is not a sampling rate"),
        (["1", "--gap", "nan"], "gap: nan is not a gap"),
        (["1", "-o", "a.mp3"], "a.mp3: only WAV can be written"),
        (["1", "-o", "no/folder/a.wav"], "cannot be written (No such file or directory)"),
        (["1", "-o", "."], ".: is a folder; name a file in it"),
        (["1", "-o", ""], ".: is a folder; name a file in it"),
        (["-", "4"], "- reads standard input, but other text is given too; give one of them"),
        (["1", "-o", "-", "--json"], "both write to standard output"),
    ],
)
def test_one_line_for_each_mistake(capsys, arguments, says):
    done = run(capsys, "say", *arguments)
    assert done.status == 2
    assert done.out == ""
    assert says in done.err
    assert done.err.startswith("voxlet: ")
    assert done.err.count("\n") == 1
    assert list(Path().iterdir()) == []


def test_devices_are_written_to_and_not_replaced(capsys):
    assert run(capsys, "say", "1", "-o", os.devnull).status == 0
    assert not Path(os.devnull).is_file()


def test_a_terminal_is_spared(capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert "sound is not for a terminal" in run(capsys, "say", "1", "-o", "-").err


def test_play_uses_the_player_that_works(capsys, monkeypatch, tmp_path):
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, script in (
        ("paplay", "echo no device >&2; exit 1"),
        ("aplay", f'cp "$2" {tmp_path}/played.wav'),
    ):
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:/bin:/usr/bin")
    monkeypatch.setattr(player, "PLAYERS", (("paplay",), ("aplay", "-q")))
    done = run(capsys, "say", "4091", "--play")
    assert (done.status, done.out, list(Path().iterdir())) == (0, "", [])
    assert len(audio.read(tmp_path / "played.wav").samples) == 6240
    assert run(capsys, "say", "4091", "--play", "-o", "a.wav").status == 0
    (programs / "aplay").unlink()
    assert "cannot play here (paplay: no device)" in run(capsys, "say", "1", "--play").err
    # ffplay exits with 0 even if it fails.
    (programs / "paplay").write_text("#!/bin/sh\necho\necho ALSA lib >&2\necho audio open failed >&2\n")
    done = run(capsys, "say", "1", "--play")
    assert "cannot play here (paplay: audio open failed)" in done.err
    assert (done.status, done.out) == (2, "")
    (programs / "paplay").unlink()
    assert "no program here that plays sound; install one of" in run(capsys, "say", "1", "--play").err


def test_voices_lists_what_there_is_and_what_is_broken(capsys, tmp_path):
    (tmp_path / "voices" / "broken.voice").write_bytes(tiny_voice.voice_bytes()[:500])
    done = run(capsys, "voices")
    assert done.status == 0
    assert "ann, bob" in done.out
    assert "zero, one, two" in done.out
    assert "CC0" in done.out
    assert "is damaged" in done.out
    found = {voice["name"]: voice for voice in json.loads(run(capsys, "voices", "--json").out)}
    assert found["digits"]["speakers"] == ["ann", "bob"]
    assert found["digits"]["credit"] == "nobody"
    assert not found["digits"]["shipped"]
    assert "error" in found["broken"]


def test_voices_says_which_files_carry_no_checksum(capsys, tmp_path):
    assert "checksum" not in run(capsys, "voices").out
    (tmp_path / "voices" / "old.voice").write_bytes(tiny_voice.format_1(tiny_voice.voice_bytes()))
    assert "no checksum" in run(capsys, "voices").out
    found = {voice["name"]: voice["format"] for voice in json.loads(run(capsys, "voices", "--json").out)}
    assert (found["digits"], found["old"]) == (2, 1)


# How the command line is read


DEFAULTS = {
    "text": [],
    "out": None,
    "voice": "digits",
    "speaker": None,
    "style": None,
    "like": None,
    "seed": 0,
    "rate": None,
    "gap": None,
    "play": False,
    "json": False,
    "speed": 1.0,
    "pitch": 0.0,
    "clarity": 1.0,
}


@pytest.mark.parametrize(
    ("arguments", "values"),
    [
        (["4091"], {"text": ["4091"]}),
        ([], {}),
        (["4", "0", "--seed", "3"], {"text": ["4", "0"], "seed": 3}),
        (["--seed", "3", "4", "0"], {"text": ["4", "0"], "seed": 3}),
        (["--seed=-3", "-"], {"text": ["-"], "seed": -3}),
        (["-5", "-o", "-"], {"text": ["-5"], "out": "-"}),
        (["-o", "-", "-5"], {"text": ["-5"], "out": "-"}),
        (["--json", "-5,6", "-(5)"], {"text": ["-5,6", "-(5)"], "json": True}),
        (
            ["1", "--out", "a.wav", "--json", "--play"],
            {"text": ["1"], "out": "a.wav", "json": True, "play": True},
        ),
        (
            ["1", "--style", "-0.3,1.2", "--gap", "0.5", "--rate=8000"],
            {"text": ["1"], "style": "-0.3,1.2", "gap": 0.5, "rate": 8000},
        ),
        (
            ["1", "--style=-0.3,1.2", "--like", "a.wav", "--voice", "x"],
            {"text": ["1"], "style": "-0.3,1.2", "like": Path("a.wav"), "voice": "x"},
        ),
        (["", "--speaker", ""], {"text": [""], "speaker": ""}),
        (["--", "-h"], {"text": ["-h"]}),
        (["1", "--speed", "0.8", "--pitch", "-2"], {"text": ["1"], "speed": 0.8, "pitch": -2.0}),
        (["--clarity=0.5", "1"], {"text": ["1"], "clarity": 0.5}),
        (["1", "--seed", "1", "--seed", "2"], {"text": ["1"], "seed": 2}),
    ],
)
def test_what_the_command_is_given(arguments, values):
    parser = main.parser_of("say", main.load("say"))
    assert vars(parser.parse(arguments)) == {**DEFAULTS, **values}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["1", "--seed"], "--seed: expected one argument"),
        (["1", "--seed", "x"], "--seed: 'x' is not a whole number"),
        (["1", "--seed", "0.5"], "--seed: '0.5' is not a whole number"),
        (["1", "--gap", "x\ny"], "--gap: 'x\\ny' is not a number"),
        (["1", "--json=1"], "--json: ignored explicit argument '1'"),
        (["1", "--nonsense"], "unrecognized arguments: --nonsense"),
        (["1", "--spea", "ann"], "unrecognized arguments: --spea ann"),
        (["1", "--out", "--json"], "-o/--out: expected one argument"),
        (["1", "-x"], "unrecognized arguments: -x"),
        (["1", "-x\n\x1b[2J"], "unrecognized arguments: -x \\u001b[2J"),
    ],
)
def test_one_line_for_each_mistake_in_the_arguments(capsys, arguments, says):
    done = run(capsys, "say", *arguments)
    assert (done.status, done.out) == (2, "")
    assert done.err == f"voxlet say: {says}; see `voxlet say --help`\n"


# Robust, quick and small


@functools.cache
def tiny() -> Voice:
    return load_voice("digits")


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("0123456789 ,.-\n")), max_size=12))
def test_random_text_never_crashes_say(text):
    try:
        spoken = tiny().say(text)
    except TextError:
        return
    assert np.isfinite(spoken.samples).all()
    assert spoken.words


def peak(*arguments: str) -> float:
    """Return a `voxlet` process's peak memory in MB; `ru_maxrss` would include its parent process."""
    program = (
        "import sys; from pathlib import Path; from voxlet.cli import main; status = main.main(sys.argv[1:]);"
        "lines = Path('/proc/self/status').read_text().splitlines();"
        "print(next(line.split()[1] for line in lines if line.startswith('VmHWM')), file=sys.stderr);"
        "sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True
    )
    return float(done.stderr) / 1024


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_saying_4091_is_small():
    """Measures the process without the voice: the tiny voice takes hardly any memory."""
    assert peak("say", "4091", "-o", "a.wav") < 120


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_a_long_text_takes_no_more_memory_than_a_short_one():
    short = peak("say", "1" * 100, "-o", "a.wav")
    long = peak("say", "1" * 1_000, "--gap", "2", "-o", "a.wav")
    assert Path("a.wav").stat().st_size > 30_000_000
    assert long - short < 8
