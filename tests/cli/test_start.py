"""Ctrl-C from the first moment on: no traceback, and no file that is half there."""

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

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the signal cannot be sent to one process")
POINTS = 20
# As the installed script and as `python -m voxlet` begin, once Python itself has.
UP = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.write(2, b'up\\n'); "
ENTRIES = {
    "script": "from voxlet.__main__ import main; sys.exit(main())",
    "module": "import runpy; runpy.run_module('voxlet', run_name='__main__', alter_sys=True)",
}


def ended(entry: str, arguments: list[str], after: float | None) -> tuple[int, str, float]:
    """Status and complaints of a command that is signalled so many seconds after it began, and its time."""
    command = [sys.executable, "-c", UP + ENTRIES[entry], *arguments]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr.readline() == "up\n"
        began = time.monotonic()
        if after is not None:
            time.sleep(after)
            process.send_signal(signal.SIGINT)
        told = process.stderr.read()
        return process.wait(), told, time.monotonic() - began


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
    for point in range(POINTS):
        out.unlink(missing_ok=True)
        status, told, _ = ended(entry, command, whole * point / POINTS)
        assert (status, told) in {(-signal.SIGINT, ""), (130, "voxlet: interrupted\n"), (0, "")}, point
        assert [path.stat().st_size for path in out.parent.iterdir()] in ([], [size])
        by_signal += status == -signal.SIGINT
    assert by_signal  # before anything is begun


@pytest.mark.slow
@pytest.mark.parametrize("entry", ENTRIES)
def test_ctrl_c_while_train_begins(entry: str, tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "tones")
    command = ["train", "nope", "--corpus", str(corpus), "--run", str(tmp_path / "run"), "--epochs", "1"]
    status, refused, whole = ended(entry, command, None)
    assert status == 2
    for point in range(POINTS):
        status, told, _ = ended(entry, command, whole * point / POINTS)
        interrupted = {(-signal.SIGINT, ""), (130, "voxlet: interrupted\n")}
        # Python gives the signal back before it has ended.
        assert (status, told) in interrupted | {(-signal.SIGINT, refused), (2, refused)}, point


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
