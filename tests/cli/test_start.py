"""Ctrl-C from the first moment on: no traceback, and no incomplete file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import tiny_voice
from tiny_corpus import write_corpus
from voxlet import __main__ as start
from voxlet.speak.voice_file import MOST_BYTES

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the signal cannot be sent to one process")
POINTS = 20  # of time, every other one for each way to begin
# How the installed script and `python -m voxlet` begin, once Python itself has started.
UP = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.write(2, b'up\\n'); "
ENTRIES = {
    "script": "from voxlet.__main__ import main; sys.exit(main())",
    "module": "import runpy; runpy.run_module('voxlet', run_name='__main__', alter_sys=True)",
}


def ended(entry: str, arguments: list[str], after: float | None) -> tuple[int, str, float]:
    """Signal a command some seconds after its start; return its status, its errors and its running time."""
    command = [sys.executable, "-c", UP + ENTRIES[entry], *arguments]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr.readline() == "up\n"
        began = time.monotonic()
        if after is not None:
            time.sleep(after)
            process.send_signal(signal.SIGINT)
        told = process.stderr.read()
        return process.wait(), told, time.monotonic() - began


def points(entry: str) -> range:
    """Return the points of time at which a way to start voxlet is interrupted."""
    return range(list(ENTRIES).index(entry), POINTS, len(ENTRIES))


@pytest.mark.slow
@pytest.mark.parametrize("entry", ENTRIES)
def test_ctrl_c_while_say_begins(entry: str, tmp_path: Path) -> None:
    voice, out = tmp_path / "a.voice", tmp_path / "out" / "a.wav"
    voice.write_bytes(tiny_voice.voice_bytes())
    out.parent.mkdir()
    command = ["say", "4", "--voice", str(voice), "-o", str(out)]
    status, told, whole = ended(entry, command, None)
    assert (status, told) == (0, "")
    size = out.stat().st_size
    by_signal = 0
    for point in points(entry):
        out.unlink(missing_ok=True)
        status, told, _ = ended(entry, command, whole * point / POINTS)
        assert (status, told) in {(-signal.SIGINT, ""), (130, "voxlet: interrupted\n"), (0, "")}, point
        assert [path.stat().st_size for path in out.parent.iterdir()] in ([], [size])
        by_signal += status == -signal.SIGINT
    assert by_signal  # before anything starts


@pytest.mark.slow
@pytest.mark.parametrize("entry", ENTRIES)
def test_ctrl_c_while_train_begins(entry: str, tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "tones")
    command = ["train", "nope", "--corpus", str(corpus), "--run", str(tmp_path / "run"), "--epochs", "1"]
    status, refused, whole = ended(entry, command, None)
    assert status == 2
    for point in points(entry):
        status, told, _ = ended(entry, command, whole * point / POINTS)
        interrupted = {(-signal.SIGINT, ""), (130, "voxlet: interrupted\n")}
        # Python restores the default handler before it exits.
        assert (status, told) in interrupted | {(-signal.SIGINT, refused), (2, refused)}, point


IGNORED = """
import signal, sys, time, weakref
from voxlet import __main__ as begin
signal.signal(signal.SIGINT, begin.interrupt)
sys.unraisablehook = begin.interrupt_again
class Thing:
    pass
class Ending:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)
for make, kind in ((Thing, "weak reference"), (Ending, "finaliser")):
    thing = make()
    known = make is Thing and weakref.ref(thing, lambda _: signal.raise_signal(signal.SIGINT))
    try:
        del thing
        time.sleep(60)
    except KeyboardInterrupt:
        print(kind)
"""


@pytest.mark.slow
def test_ctrl_c_in_code_whose_errors_are_ignored_is_not_lost() -> None:
    command = [sys.executable, "-c", IGNORED]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert (done.stdout, done.stderr) == ("weak reference\nfinaliser\n", "")


def processor(process: subprocess.Popen[str]) -> tuple[str, float]:
    """Return a process's state and the processor time that it has used, in seconds."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return fields[0], (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone says how much time a process has taken")
def test_ctrl_c_ends_say_within_a_second_while_the_largest_voice_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Times are measured as processor time, since wall-clock time means little on a busy machine."""
    monkeypatch.setattr(tiny_voice, "LONGEST", 2400)
    file, out = tmp_path / "large.voice", tmp_path / "a.wav"
    file.write_bytes(tiny_voice.voice_bytes(tiny_voice.info(tuple(f"w{n}" for n in range(10_000)))))
    assert 0.95 * MOST_BYTES < file.stat().st_size <= MOST_BYTES
    command = [
        sys.executable,
        "-c",
        UP + ENTRIES["module"],
        "say",
        "w4",
        "--voice",
        str(file),
        "-o",
        str(out),
    ]

    def interrupted(moment: float) -> tuple[int, str, float]:
        """Return status, errors and seconds: after the signal, or of the whole run if none was sent."""
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=pipe, text=True) as process:
            assert process.stderr.readline() == "up\n"
            while (found := processor(process))[0] != "Z" and found[1] < moment:
                time.sleep(0.001)
            before = found[1] if found[0] != "Z" else 0.0
            os.kill(process.pid, signal.SIGINT)  # `send_signal` would reap the process if it has ended
            told = process.stderr.read()
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode, told, used.ru_utime + used.ru_stime - before

    undisturbed = [interrupted(60.0) for _ in range(3)]
    assert {run[:2] for run in undisturbed} == {(0, "")}
    whole = min(seconds for *_, seconds in undisturbed)  # the first one may have waited for the disk
    size, ends = out.stat().st_size, []
    for point in range(16):
        out.unlink(missing_ok=True)
        status, told, seconds = interrupted(whole * point / 16)
        assert (status, told) in {(-signal.SIGINT, ""), (130, "voxlet: interrupted\n"), (0, "")}, point
        assert not out.exists() or out.stat().st_size == size
        if status:
            ends.append(seconds)
    assert len(ends) >= 12
    assert max(ends) < 1.0


def test_what_is_begun_is_interrupted_as_usual() -> None:
    with pytest.raises(KeyboardInterrupt):
        start.interrupt(signal.SIGINT, sys._getframe())


def test_a_signal_that_is_ignored_stays_so() -> None:
    code = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); "
        "from voxlet.__main__ import main; main(); "
        "sys.exit(signal.getsignal(signal.SIGINT) is not signal.SIG_IGN)"
    )
    command = [sys.executable, "-c", code, "--version"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
